// The demo as a user runs it, from the command line.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { scripts } from '../../package.json';
import { probeVideo } from '../../sandbox/probe';
import { until } from './support';

const root = join(__dirname, '..', '..');

interface Ended {
	code: number | null;
	stdout: string;
	stderr: string;
	/** Processes that it started, or that these started, and that still run. */
	left: string[];
}

// A temporary folder of its own: other tests run at the same time and use the system's.
let temporary: string;

beforeAll(async () => {
	temporary = await mkdtemp(join(tmpdir(), 'wan-video-edit-demo-'));
});

afterAll(async () => {
	await rm(temporary, { recursive: true, force: true });
});

/** The temporary folders that the demo's parts make while they run. */
const folders = async () =>
	(await readdir(temporary)).filter((name) =>
		/^wan-video-edit-(n8n|pack|sandbox|storage|mailbox)-/.test(name),
	);

/** What tells a process from a later one with the same number. */
const named = ({ pid, started, command }: Process) => `${pid} ${started} ${command}`;

interface Process {
	pid: number;
	parent: number;
	started: string;
	command: string;
}

async function processes(): Promise<Process[]> {
	const columns = ['-o', 'pid=', '-o', 'ppid=', '-o', 'lstart=', '-o', 'comm='];
	const { stdout } = await promisify(execFile)('ps', ['-e', ...columns], {
		env: { ...process.env, LC_ALL: 'C' },
	});
	return stdout.split('\n').flatMap((line) => {
		const match = /^\s*(\d+)\s+(\d+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.+)$/.exec(line);
		if (match === null) return [];
		const [, pid, parent, started = '', command = ''] = match;
		return [{ pid: Number(pid), parent: Number(parent), started, command }];
	});
}

/** Notes every descendant of a process; the result tells which of them still run. */
function watchFamily(root: number): () => Promise<string[]> {
	const family = new Map<number, string>();
	const look = async () => {
		for (const each of await processes()) {
			if (each.parent === root || family.has(each.parent)) family.set(each.pid, named(each));
		}
	};
	let looking: Promise<unknown> = Promise.resolve();
	const timer = setInterval(() => (looking = look().catch(() => undefined)), 500);
	return async () => {
		clearInterval(timer);
		await looking;
		// What ends because its parent has ended may need a moment.
		for (const end = Date.now() + 15_000; ; await sleep(250)) {
			const alive = new Set((await processes()).map(named));
			const left = [...family.values()].filter((each) => alive.has(each));
			if (left.length === 0 || Date.now() > end) return left;
		}
	};
}

/** Runs what package.json's "demo" runs, as the process that gets the signals. */
function startDemo(args: string[], env: NodeJS.ProcessEnv = {}) {
	const inherited = { ...process.env };
	// A developer's own key must not pay for a test.
	delete inherited.DASHSCOPE_API_KEY;
	const [command = '', ...first] = scripts.demo.split(' && ').at(-1)?.split(' ') ?? [];
	const child = spawn(command, [...first, ...args], {
		cwd: root,
		env: { ...inherited, TMPDIR: temporary, ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const stillRunning = watchFamily(child.pid ?? NaN);
	const output = { stdout: '', stderr: '' };
	child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
	const ended = once(child, 'close').then(
		async ([code]: Array<number | null>): Promise<Ended> => ({
			code: code ?? null,
			...output,
			left: await stillRunning(),
		}),
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

/** The ports of the addresses that a process said it serves. */
const ports = (text: string) =>
	[...text.matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));

describe('npm run demo -- --once', () => {
	let run: Ended;

	beforeAll(async () => {
		run = await startDemo(['--once']).ended;
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
		expect({ left: run.left, folders: await folders() }).toEqual({ left: [], folders: [] });
	});
});

describe('npm run demo', () => {
	test('shows the editor, keeps running, and ends with Ctrl-C', async () => {
		const { child, output, ended } = startDemo([]);
		await until(
			'Ctrl-C in what it prints',
			async () => await Promise.resolve(output.stdout.includes('Ctrl-C') || undefined),
			120_000,
		);
		expect(await folders()).not.toEqual([]);
		const editor = /http:\/\/127\.0\.0\.1:\d+\/workflow\/\S+/.exec(output.stdout)?.[0];
		expect(editor).toBeDefined();
		expect((await fetch(editor ?? '')).status).toBe(200);
		expect(output.stdout).toMatch(/Password\s+\S+/);
		child.kill('SIGINT');
		const { code, left } = await ended;
		expect(code).toBe(130);
		for (const port of ports(output.stderr + output.stdout)) expect(await isOpen(port)).toBe(false);
		expect({ left, folders: await folders() }).toEqual({ left: [], folders: [] });
	});
});

describe('when the demo cannot work', () => {
	test('--once says why in its last line and fails', async () => {
		const run = await startDemo(['--once'], {
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
