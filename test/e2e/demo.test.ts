// The demo as a user runs it, from the command line.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { probeVideo } from '../../sandbox/probe';

const root = join(__dirname, '..', '..');

interface Ended {
	code: number | null;
	stdout: string;
	stderr: string;
}

function startDemo(args: string[], env: NodeJS.ProcessEnv = {}) {
	const inherited = { ...process.env };
	// A developer's own key must not pay for a test.
	delete inherited.DASHSCOPE_API_KEY;
	const child = spawn(process.execPath, [join('node_modules', 'tsx', 'dist', 'cli.mjs'), ...args], {
		cwd: root,
		env: { ...inherited, ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const output = { stdout: '', stderr: '' };
	child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
	const ended = once(child, 'close').then(
		([code]: Array<number | null>): Ended => ({ code: code ?? null, ...output }),
	);
	return { child, output, ended };
}

const lastLine = (text: string) => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as unknown;

async function isOpen(port: number): Promise<boolean> {
	const socket = createConnection({ port, host: '127.0.0.1' });
	try {
		await once(socket, 'connect');
		return true;
	} catch {
		return false;
	} finally {
		socket.destroy();
	}
}

interface Traces {
	folders: string[];
	processes: string[];
}

/** What the demo's parts leave on a machine while they run. */
async function traces(): Promise<Traces> {
	const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid,args']);
	return {
		folders: (await readdir(tmpdir())).filter((name) =>
			/^wan-video-edit-(n8n|pack|sandbox)-/.test(name),
		),
		processes: stdout.split('\n').filter((line) => /lifeline\.cjs|task-runner/.test(line)),
	};
}

/** The ports of the addresses that a process said it serves. */
const ports = (text: string) =>
	[...text.matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));

describe('npm run demo -- --once', () => {
	let before: Traces;
	let run: Ended;

	beforeAll(async () => {
		before = await traces();
		run = await startDemo(['host/demo.ts', '--once']).ended;
	}, 600_000);

	test('edits one video, pays once and says so in its last line', async () => {
		expect({ code: run.code, stderr: run.code === 0 ? '' : run.stderr }).toEqual({
			code: 0,
			stderr: '',
		});
		expect(lastLine(run.stdout)).toEqual({
			ok: true,
			n8n: '2.41.1',
			execution: 'success',
			taskId: expect.stringMatching(/.+/),
			submissions: 1,
			video: {
				path: join(root, '.demo', 'edited.mp4'),
				bytes: expect.any(Number),
				codec: 'h264',
				width: 1280,
				height: 720,
				fps: 30,
				seconds: expect.any(Number),
			},
		});
	});

	test('leaves the edited file that it speaks of', async () => {
		const { video } = lastLine(run.stdout) as { video: Record<string, unknown> & { path: string } };
		const { path, ...said } = video;
		expect(await probeVideo(path)).toMatchObject(said);
		expect(said.bytes).toBeGreaterThan(10_000);
		expect(said.seconds).toBeGreaterThan(2);
	});

	test('leaves nothing running and nothing behind', async () => {
		const used = ports(run.stderr);
		expect(used.length).toBeGreaterThanOrEqual(2);
		for (const port of used)
			expect({ port, open: await isOpen(port) }).toEqual({ port, open: false });
		expect(await traces()).toEqual(before);
	});
});

describe('npm run demo', () => {
	test('shows the editor, keeps running, and ends with Ctrl-C', async () => {
		const before = await traces();
		const { child, output, ended } = startDemo(['host/demo.ts']);
		for (let waited = 0; waited < 120 && !output.stdout.includes('Ctrl-C'); waited++) {
			await new Promise((resolve) => setTimeout(resolve, 1000));
		}
		const editor = /http:\/\/127\.0\.0\.1:\d+\/workflow\/\S+/.exec(output.stdout)?.[0];
		expect(editor).toBeDefined();
		expect((await fetch(editor ?? '')).status).toBe(200);
		expect(output.stdout).toMatch(/Password\s+\S+/);
		child.kill('SIGINT');
		const { code } = await ended;
		expect(code).toBe(130);
		for (const port of ports(output.stderr + output.stdout)) expect(await isOpen(port)).toBe(false);
		expect(await traces()).toEqual(before);
	});
});

describe('when the demo cannot work', () => {
	test('--once says why in its last line and fails', async () => {
		const run = await startDemo(['host/demo.ts', '--once'], {
			DASHSCOPE_API_KEY: 'sk-not-a-key',
			DASHSCOPE_REGION: 'nowhere',
		}).ended;
		expect(run.code).toBe(1);
		expect(lastLine(run.stdout)).toEqual({
			ok: false,
			error: expect.stringContaining('DASHSCOPE_REGION'),
		});
	});
});
