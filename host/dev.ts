// npm run dev: the node as its sources are now, in a real n8n with the sandbox. What is saved is compiled, put into n8n as
// an installation would put it, and loaded by a restart on the same data and port.
import { watch } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { installCommunityPackage } from './community';
import { demoCredential, demoWorkflow } from './demo-workflow';
import { ensureHost } from './install';
import { startN8n, type N8n } from './n8n';
import { packPackage, root } from './pack';
import { run, start } from './processes';
import { say, step } from './progress';
import { startSandboxService } from './service';
import { removeFolder, stopAll } from './stopping';

const help = `npm run dev

Compiles the node as you save it, and restarts a real n8n with it. Edits go to the
sandbox on this computer. The first run installs n8n (about 4 minutes, 3 GB, in the
user's cache folder). Workflows and executions live until Ctrl-C.`;

/** The compiler's last word on the sources as they are. */
const compiled = /Found (\d+) errors?\. Watching for file changes/;

/** Editors write a file in several steps. */
const QUIET_MS = 300;

/** Has the compiler watch the sources. @param done called each time that they are free of errors and written to dist */
function watchSources(done: () => void): void {
	const lifeline = join(__dirname, 'lifeline.cjs');
	const tsc = require.resolve('typescript/bin/tsc');
	const options = ['-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'];
	const child = start(process.execPath, ['--require', lifeline, tsc, ...options], {
		cwd: root,
		env: { ...process.env, WAN_HOST_PARENT: String(process.pid) },
		lifeline: true,
	});
	let rest = '';
	child.stdout?.setEncoding('utf8').on('data', (text: string) => {
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) {
			const errors = compiled.exec(line)?.[1];
			if (errors === '0') done();
			else if (errors !== undefined) say(`Errors: ${errors}; n8n keeps the version before`);
			else if (!/^\s*$|Starting (incremental )?compilation|File change/.test(line)) say(line);
		}
	});
	child.once('exit', (code) => say(`The compiler has ended (${code}): Ctrl-C, and start anew`));
}

/** Icons and codex files, which the build copies. */
function watchAssets(changed: () => void): void {
	for (const folder of ['icons', 'nodes']) {
		watch(join(root, folder), { recursive: true }, (_event, name) => {
			if (name !== null && /\.(svg|png|json)$/.test(name)) changed();
		});
	}
}

/** Does the work whenever it is asked for, one at a time; what is asked for meanwhile is done once, afterwards. */
function oneAtATime(work: () => Promise<void>): () => void {
	let wanted = false;
	let busy = false;
	const go = async () => {
		busy = true;
		while (wanted) {
			await sleep(QUIET_MS);
			wanted = false;
			await work().catch((error: unknown) => say(String(error)));
		}
		busy = false;
	};
	return () => {
		wanted = true;
		if (!busy) void go();
	};
}

async function pack(): Promise<string> {
	await run(process.execPath, [join(root, 'node_modules', 'gulp', 'bin', 'gulp.js'), '--silent'], {
		cwd: root,
	});
	return await packPackage({ build: false });
}

async function begin(): Promise<N8n> {
	const service = await step('Starting the sandbox', startSandboxService);
	const tarball = await step('Packing the node', pack);
	const n8n = await step('Starting n8n', () =>
		startN8n({ tarball, credentials: [demoCredential(service.credential)] }),
	);
	removeFolder(dirname(tarball));
	const files = { input: join(n8n.files, 'sample.mp4'), output: join(n8n.files, 'edited.mp4') };
	await copyFile(service.sample, files.input);
	const workflow = await n8n.addWorkflow(demoWorkflow(files, service.name));
	console.log(`
n8n ${n8n.version} with the node, the sandbox's credential and a workflow:
  Editor   ${n8n.workflowUrl(workflow)}
  E-mail   ${n8n.owner.email}
  Password ${n8n.owner.password}

Save a file of nodes/, credentials/ or icons/, wait for "Loaded", and reload the page.
Ctrl-C stops everything.`);
	return n8n;
}

/** Has a running n8n take what is in dist. */
async function load(n8n: N8n): Promise<void> {
	const host = await ensureHost();
	await step('Restarting n8n', async () => {
		const tarball = await pack();
		await installCommunityPackage(host, n8n.userFolder, tarball);
		removeFolder(dirname(tarball));
		const before = n8n.log().length;
		await n8n.restart();
		const complaints = n8n.log().slice(before).split('\n');
		for (const line of complaints.filter((text) => /error|n8n-nodes-wan/i.test(text))) say(line);
	});
	say('Loaded');
}

async function main(): Promise<void> {
	const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
	if (values.help) {
		console.log(help);
		return;
	}
	let ending = false;
	const end = (code: number) => {
		if (ending) return;
		ending = true;
		void stopAll().finally(() => process.exit(code));
	};
	process.on('SIGINT', () => end(130));
	process.on('SIGTERM', () => end(143));
	process.on('SIGHUP', () => end(129));

	await ensureHost();
	let n8n: N8n | undefined;
	const reload = oneAtATime(async () => {
		if (n8n !== undefined) return await load(n8n);
		n8n = await begin().catch((error: unknown) => {
			if (!ending) say(String(error));
			end(1);
			return undefined;
		});
	});
	say('Compiling …');
	watchSources(reload);
	watchAssets(reload);
}

void main();
