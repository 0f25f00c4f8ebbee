// npm test: lint runs beside the build and the tests, which wait more than they compute. What lint finds is printed
// before the last line and counts as one failure there.
const { spawn } = require('node:child_process');
const { join } = require('node:path');

const root = join(__dirname, '..');
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const summary = /^(\d+) passed, (\d+) failed$/;

/** Runs a program to its end; `onLine` gets the lines of its stdout, and without it all output is kept. */
function run(command, args, { onLine } = {}) {
	const child = spawn(command, args, {
		cwd: root,
		stdio: ['ignore', 'pipe', onLine ? 'inherit' : 'pipe'],
		// On Windows npm is a batch file.
		shell: command === 'npm' && process.platform === 'win32',
	});
	let output = '';
	let rest = '';
	const take = (text) => {
		if (!onLine) {
			output += text;
			return;
		}
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		lines.forEach(onLine);
	};
	child.stdout.setEncoding('utf8').on('data', take);
	child.stderr?.setEncoding('utf8').on('data', take);
	return new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('close', (code) => {
			if (rest !== '') onLine(rest);
			resolve({ ok: code === 0, output });
		});
	});
}

async function main() {
	const linting = run('npm', ['run', '--silent', 'lint']);
	const print = (line) => console.log(line);
	const build = await run('npm', ['run', '--silent', 'build'], { onLine: print });

	let passed = 0;
	let failed = 0;
	if (build.ok) {
		let counted = false;
		const tests = await run(process.execPath, [jest, ...process.argv.slice(2)], {
			onLine: (line) => {
				const counts = summary.exec(line);
				if (!counts) return print(line);
				counted = true;
				passed += Number(counts[1]);
				failed += Number(counts[2]);
			},
		});
		// A crash of Jest itself, or a bound on the coverage that is not met.
		if (!counted || (!tests.ok && failed === 0)) failed++;
	} else {
		print('The build failed.');
		failed++;
	}

	const lint = await linting;
	if (!lint.ok) {
		print(`Lint failed:\n${lint.output}`);
		failed++;
	}
	print(`\n${passed} passed, ${failed} failed`);
	process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

void main();
