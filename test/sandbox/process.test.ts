import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { startSandbox } from '../../sandbox';
import { createSamples, samplesOf } from '../../sandbox/samples';
import { probeVideo } from '../../sandbox/probe';
import { create, createId, CREATE_PATH, IMAGE2VIDEO_PATH, MODEL, send, type Json } from './client';

const root = join(__dirname, '..', '..');
// One process, so that a signal reaches the sandbox itself.
const command = ['--import', 'tsx', join(root, 'sandbox', 'cli.ts')];

const workFolders = async () =>
	(await readdir(tmpdir())).filter((name) => name.startsWith('wan-video-edit-sandbox-'));

describe('stopping', () => {
	it('ends renders, closes the port and removes its files', async () => {
		const before = new Set(await workFolders());
		const sandbox = await startSandbox({ jobSeconds: 0 });
		const own = (await workFolders()).filter((name) => !before.has(name));
		expect(own.length).toBeGreaterThan(0);
		const parameters = { resolution: '1080P', ratio: '1:1' };
		const prompt = `pencil sketch ${Math.random()}`;
		const media = [{ type: 'video', url: sandbox.samples.longVideo.url }];
		await createId(sandbox, { prompt, parameters: { ...parameters, watermark: true }, media });
		await createId(sandbox, { prompt, parameters, media });
		// Both have their video, so both are with ffmpeg, or about to be.
		for (let i = 0; i < 2_000 && sandbox.tasks().some(({ media }) => media.length === 0); i++) {
			await sleep(20);
		}
		expect(sandbox.tasks().map(({ status }) => status)).toEqual(['RUNNING', 'RUNNING']);
		const start = Date.now();
		await sandbox.stop();
		await sandbox.stop();
		expect(Date.now() - start).toBeLessThan(2000);
		const left = new Set(await workFolders());
		expect(own.filter((name) => left.has(name)).length).toBeLessThan(own.length);
		expect(await childrenOf(process.pid)).not.toContain('ffmpeg');
		const error = await new Promise<NodeJS.ErrnoException>((resolve) =>
			connect(sandbox.port, '127.0.0.1').on('error', resolve),
		);
		expect(error.code).toBe('ECONNREFUSED');
	});

	it('does not mind a port that is taken', async () => {
		const first = await startSandbox();
		await expect(startSandbox({ port: first.port })).rejects.toThrow('EADDRINUSE');
		await first.stop();
	});
});

/** Names of running child processes, where the system tells. */
async function childrenOf(pid: number): Promise<string> {
	const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '--ppid', String(pid)]).catch(
		() => ({ stdout: '' }),
	);
	return stdout.replace(/^ps .*$/m, '');
}

describe('reset', () => {
	it('forgets everything but the options, and work goes on after it', async () => {
		const sandbox = await startSandbox({ jobSeconds: 0, submitsPerSecond: 2 });
		sandbox.fault({ route: 'list', status: 500 });
		sandbox.outcome({ status: 'UNKNOWN', skip: 5 });
		await createId(sandbox);
		await createId(sandbox);
		const { log } = sandbox;
		// Not waiting for it must do as well.
		void sandbox.reset();
		expect([log, sandbox.tasks()]).toEqual([[], []]);
		const id = await createId(sandbox, { parameters: { resolution: '720P', duration: 2 } });
		let status = '';
		while (status !== 'SUCCEEDED') {
			await sleep(50);
			status = sandbox.tasks().find((task) => task.id === id)?.status ?? 'gone';
			expect(['RUNNING', 'SUCCEEDED']).toContain(status);
		}
		await createId(sandbox).catch(() => undefined);
		expect((await create(sandbox)).status).toBe(429);
		expect(log).toBe(sandbox.log);
		expect(log).not.toHaveLength(0);
		await sandbox.stop();
	});

	it('ends work wherever it is', async () => {
		const sandbox = await startSandbox({ submitsPerSecond: 1000 });
		for (let ms = 0; ms < 60; ms += 3) {
			const parameters = { resolution: '720P', duration: 2 };
			await createId(sandbox, { prompt: `pencil sketch`, parameters });
			await sleep(ms);
			// Work that does not end would hold this up until the test times out.
			await sandbox.reset();
		}
		await sandbox.stop();
	});
});

describe('samples', () => {
	it('are what they are said to be', async () => {
		const { video, portraitVideo, silentVideo, movVideo, longVideo, images } = samplesOf(
			await createSamples(),
		);
		expect(await probeVideo(video.path)).toEqual({
			codec: 'h264',
			width: 640,
			height: 360,
			fps: 25,
			seconds: 3,
			hasAudio: true,
			bytes: video.bytes,
		});
		expect(portraitVideo).toMatchObject({ width: 360, height: 640, hasAudio: true });
		expect(silentVideo).toMatchObject({ width: 640, hasAudio: false });
		expect(movVideo).toMatchObject({ mimeType: 'video/quicktime', fileName: 'balloon.mov' });
		expect((await readFile(movVideo.path)).toString('latin1', 8, 10)).toBe('qt');
		expect(longVideo.seconds).toBe(6);
		expect(images.length).toBeGreaterThanOrEqual(4);
	});

	it('are served without a key', async () => {
		const sandbox = await startSandbox();
		const { video } = sandbox.samples;
		const response = await fetch(video.url);
		expect(response.headers.get('content-type')).toBe('video/mp4');
		expect(response.headers.get('content-length')).toBe(String(video.bytes));
		const body = Buffer.from(await response.arrayBuffer());
		expect(body.equals(await readFile(video.path))).toBe(true);
		expect((await fetch(video.url, { method: 'HEAD' })).status).toBe(200);
		expect((await fetch(`${video.url}x`)).status).toBe(404);
		expect(sandbox.requests('sample')).toHaveLength(3);
		await sandbox.stop();
	});
});

describe('the command', () => {
	let child: ChildProcess | undefined;
	afterEach(() => child?.kill('SIGKILL'));

	it('explains itself, and refuses what it does not understand', async () => {
		const run = promisify(execFile);
		const { stdout } = await run(process.execPath, [...command, '--help'], { cwd: root });
		expect(stdout).toContain('--job-seconds');
		for (const args of [
			['--prot', '1'],
			['--port', 'x'],
			['--region', 'mars'],
		]) {
			await expect(
				run(process.execPath, [...command, ...args], { cwd: root }),
			).rejects.toMatchObject({ code: 1 });
		}
	});

	it('runs a sandbox that is steered over HTTP, until it is told to stop', async () => {
		const args = ['--api-key', 'sk-other', '--job-seconds', '0', '--slots', '3'];
		args.push('--region', 'ap-southeast-1');
		const started = spawn(process.execPath, [...command, ...args], { stdio: 'pipe', cwd: root });
		child = started;
		const exit = new Promise<number | null>((resolve) => started.once('exit', resolve));
		let output = '';
		await new Promise<void>((resolve) =>
			started.stdout.on('data', (chunk: Buffer) => {
				output += chunk.toString();
				if (output.includes('Ctrl+C')) resolve();
			}),
		);
		const url = /Base URL\s+(http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1] ?? '';
		expect(output).toMatch(/API key\s+sk-other/);
		expect(output).toContain(`${url}/_sandbox/samples/balloon.mp4`);

		expect(output).toMatch(/^ {2}wan2\.1-vace-plus$/m);
		expect(output).not.toContain('wanx2.1-vace-plus');

		const control = async (method: string, path: string, body?: unknown) =>
			await send(`${url}/_sandbox/${path}`, {
				method,
				...(body === undefined ? {} : { body: JSON.stringify(body) }),
				headers: { 'content-type': 'application/json' },
			});
		const samples = (await control('GET', 'samples')).json as {
			video: { url: string };
			images: Array<{ url: string }>;
		};
		const submitted = async ({ path = CREATE_PATH, ...body }: Json & { path?: string }) =>
			await send(url + path, {
				method: 'POST',
				headers: { authorization: 'Bearer sk-other', 'x-dashscope-async': 'enable' },
				body: JSON.stringify(body),
			});
		const media = [{ type: 'video', url: samples.video.url }];
		const submit = async () => await submitted({ model: MODEL, input: { prompt: 'a cat', media } });

		expect((await control('POST', 'faults', { route: 'create', status: 500 })).status).toBe(200);
		expect((await submit()).status).toBe(500);
		expect((await control('POST', 'faults', { route: 'nowhere', status: 500 })).status).toBe(400);
		await control('POST', 'faults', [
			{ route: 'create', status: 500, times: 9 },
			{ route: 'list', drop: 'before' },
		]);
		await control('DELETE', 'faults');
		const outcome = { status: 'FAILED', code: 'A', message: 'b', promptIncludes: 'cat' };
		expect((await control('POST', 'outcomes', outcome)).json).toEqual({ added: 1 });
		expect((await submit()).status).toBe(200);
		const [task] = (await control('GET', 'tasks')).json as unknown as Json[];
		expect(task).toMatchObject({ model: MODEL, prompt: 'a cat', status: 'FAILED' });

		const animated = await submitted({
			path: IMAGE2VIDEO_PATH,
			model: 'wan2.2-animate-mix',
			input: { image_url: samples.images[1]?.url, video_url: samples.video.url },
			parameters: { mode: 'wan-std' },
		});
		let result: Json = {};
		for (let i = 0; i < 1_500 && result.task_status !== 'SUCCEEDED'; i++) {
			await sleep(100);
			const { task_id: id } = animated.json.output as { task_id: string };
			const headers = { authorization: 'Bearer sk-other' };
			result = (await send(`${url}/api/v1/tasks/${id}`, { headers })).json.output as Json;
		}
		const { video_url: made } = result.results as { video_url: string };
		expect((await fetch(made)).headers.get('content-type')).toBe('video/mp4');
		const beijing = { function: 'video_outpainting', prompt: 'x', video_url: samples.video.url };
		const elsewhere = await submitted({ model: 'wanx2.1-vace-plus', input: beijing });
		expect(elsewhere.json).toMatchObject({ message: 'Model not exist.' });

		expect((await control('GET', 'options')).json).toMatchObject({ slots: 3, jobSeconds: 0 });
		expect((await control('PATCH', 'options', { slots: 0, jobSeconds: 9 })).json).toMatchObject({
			slots: 0,
			jobSeconds: 9,
		});
		expect((await control('PATCH', 'options', { slot: 0 })).status).toBe(400);
		await submit();
		const tasks = (await control('GET', 'tasks')).json as unknown as Json[];
		expect(tasks.at(-1)).toMatchObject({ status: 'PENDING', jobSeconds: 9 });

		const log = (await control('GET', 'log?route=create')).json as unknown as Json[];
		expect(log.map(({ status }) => status)).toEqual([500, 200, 200, 400, 200]);
		const whole = (await control('GET', 'log')).text;
		expect(whole).toContain('Bearer ***');
		expect(whole).not.toContain('sk-other');
		await control('DELETE', 'log');
		const left = (await control('GET', 'log?route=create')).json;
		expect(left).toEqual([]);
		await control('POST', 'reset');
		expect((await control('GET', 'tasks')).json).toEqual([]);

		started.kill('SIGTERM');
		expect(await exit).toBe(0);
	});
});
