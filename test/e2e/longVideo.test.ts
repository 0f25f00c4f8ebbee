// A video that is longer than the model takes, edited in pieces while the execution is suspended.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findChromium, openBrowser } from '../../host/chromium';
import { outputOf } from '../../host/client';
import type { N8n } from '../../host/n8n';
import { startSandbox } from '../../sandbox';
import { ffmpegPath, ffprobePath, runFfmpeg } from '../../sandbox/programs';
import {
	available,
	credentialData,
	executionsOf,
	readFile,
	sendVideo,
	startOwnN8n,
	until,
	webhook,
	workflow,
	type Sandbox,
} from './support';
import { addFlow, after, edit, startFlow, untilSuspended } from './suspended';

const run = promisify(execFile);
const SECONDS = 25;
const RATE = 25;

let sandbox: Sandbox;
let n8n: N8n;
let clip: string;

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 15 });
	const type = 'dashScopeApi';
	n8n = await startOwnN8n({
		credentials: [{ name: 'Sandbox', type, data: credentialData(sandbox) }],
	});
	clip = join(n8n.files, 'clip.mp4');
	await runFfmpeg([
		...['-f', 'lavfi', '-i', `testsrc2=size=640x360:rate=${RATE}:duration=${SECONDS}`],
		...['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${SECONDS}`],
		...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', `${RATE}`, '-pix_fmt', 'yuv420p'],
		...['-c:a', 'aac', clip],
	]);
});

afterAll(async () => {
	await n8n?.stop();
	await sandbox?.stop();
});

/** In the browser: plays a video from so many places, and to its end. */
const PLAY = `async ({ base64, places }) => {
	const content = await (await fetch('data:video/mp4;base64,' + base64)).blob();
	const video = document.createElement('video');
	video.muted = true;
	const event = (name) =>
		new Promise((resolve, reject) => {
			video.addEventListener(name, resolve, { once: true });
			video.addEventListener('error', () => reject(new Error(video.error.message)));
			setTimeout(() => reject(new Error('no ' + name)), 10000);
		});
	const ready = event('loadeddata');
	video.src = URL.createObjectURL(content);
	await ready;
	const moved = [];
	for (const place of places) {
		const seeked = event('seeked');
		video.currentTime = place;
		await seeked;
		await video.play();
		await new Promise((resolve) => setTimeout(resolve, 400));
		moved.push(video.currentTime - place);
	}
	const ended = event('ended');
	video.currentTime = video.duration - 1;
	await ended;
	const { duration, currentTime } = video;
	return { duration, currentTime, corrupted: video.getVideoPlaybackQuality().corruptedVideoFrames, moved };
}`;

interface Played {
	duration: number;
	currentTime: number;
	corrupted: number;
	/** Seconds that it went on from each place. */
	moved: number[];
}

async function played(content: Buffer, places: number[]): Promise<Played> {
	const browser = await openBrowser(findChromium() ?? '');
	try {
		const page = await browser.context.newPage();
		const given = JSON.stringify({ base64: content.toString('base64'), places });
		return await page.evaluate<Played>(`(${PLAY})(${given})`);
	} finally {
		await browser.close();
	}
}

/** The packets of a file's sound, to be compared with those of another. */
async function sound(file: string): Promise<string> {
	const args = ['-v', 'error', '-i', file, '-map', '0:a', '-c', 'copy', '-f', 'md5', '-'];
	return (await run(ffmpegPath(), args)).stdout;
}

test('25 seconds, suspended, killed and restarted: a task for each piece, one video', async () => {
	const pieces = { videoSource: 'binary', videoField: 'data', longVideo: 'split' };
	const long = edit('Edit', sandbox, 'Sandbox', {
		...pieces,
		options: { audioSetting: 'origin' },
	});
	const read = readFile('Read', clip);
	const lines = [['Items', 'Read', 'Edit', 'After']];
	const prompt = 'black and white';
	const flow = await addFlow(
		n8n,
		'long',
		[read, { ...long, parameters: { ...long.parameters, prompt } }, after()],
		lines,
	);
	const id = await startFlow(n8n, flow, ['one']);
	await untilSuspended(n8n, id);
	expect(sandbox.tasks()).toHaveLength(3);
	await n8n.kill('SIGKILL');
	await n8n.restart();
	const execution = await n8n.waitFor(id, { timeoutMs: 150_000, everyMs: 1_000 });

	expect(execution.status).toBe('success');
	expect(sandbox.tasks().map(({ status }) => status)).toEqual(Array(3).fill('SUCCEEDED'));
	const [item, ...others] = outputOf(execution, 'After');
	expect(others).toEqual([]);
	expect(item?.json).toMatchObject({ from: 'one', joined: true, taskId: null });
	expect(Object.keys(item?.binary ?? {})).toEqual(['data']);
	const content = await n8n.binary(item?.binary?.data?.id ?? '');

	const path = join(n8n.files, 'joined.mp4');
	await writeFile(path, content);
	const facts = ['-v', 'error', '-show_entries', 'format=duration:stream=codec_name,duration'];
	const { stdout } = await run(ffprobePath(), [...facts, '-of', 'json', path]);
	const { format, streams } = JSON.parse(stdout) as {
		format: { duration: string };
		streams: Array<{ codec_name: string; duration: string }>;
	};
	expect(streams.map(({ codec_name }) => codec_name)).toEqual(['h264', 'aac']);
	expect(Math.abs(Number(format.duration) - SECONDS)).toBeLessThanOrEqual(1 / RATE);
	const decode = ['-nostdin', '-v', 'warning', '-i', path, '-map', '0', '-f', 'null', '-'];
	expect((await run(ffmpegPath(), decode)).stderr).toBe('');
	// The sound is the clip's own, packet by packet.
	expect(await sound(path)).toBe(await sound(clip));

	if (!available(findChromium() === undefined ? 'Chromium is missing' : undefined)) return;
	const seams = (item?.json.pieces as Array<{ to: number }>).slice(0, -1).map(({ to }) => to);
	const shown = await played(content, [0, ...seams.flatMap((at) => [at - 0.2, at])]);
	expect(shown.corrupted).toBe(0);
	expect(Math.abs(shown.duration - SECONDS)).toBeLessThanOrEqual(1 / RATE);
	expect(shown.currentTime).toBeCloseTo(shown.duration, 1);
	for (const seconds of shown.moved) expect(seconds).toBeGreaterThan(0.1);
});

test('a video that a webhook received, which n8n renames as it suspends the execution, keeps its sound', async () => {
	const path = randomUUID();
	const long = edit('Edit', sandbox, 'Sandbox', {
		...{ videoSource: 'binary', videoField: 'video', longVideo: 'split', prompt: 'grey' },
		options: { audioSetting: 'origin' },
	});
	const flow = workflow('received', [webhook(path), long], [['Hook', 'Edit']]);
	const workflowId = await n8n.addWorkflow(flow);
	await n8n.publish(workflowId);
	await sendVideo(n8n, path, clip);
	const id = await until('the execution', async () => (await executionsOf(n8n, workflowId))[0]?.id);
	await untilSuspended(n8n, id);
	const execution = await n8n.waitFor(id, { timeoutMs: 150_000, everyMs: 1_000 });

	const [item] = outputOf(execution, 'Edit');
	expect(item?.json).toMatchObject({ joined: true });
	const joined = join(n8n.files, 'received.mp4');
	await writeFile(joined, await n8n.binary(item?.binary?.data?.id ?? ''));
	expect(await sound(joined)).toBe(await sound(clip));
});
