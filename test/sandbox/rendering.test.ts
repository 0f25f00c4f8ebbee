import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startSandbox, type Sandbox } from '../../sandbox';
import { probeVideo } from '../../sandbox/probe';
import { createId, edited, finished, type Edit, type Json } from './client';
import { colour, difference, downloaded, frame, region, sound } from './pictures';

let sandbox: Sandbox;
let dir: string;

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 0, submitsPerSecond: 1000, queriesPerSecond: 1000 });
	dir = await mkdtemp(join(tmpdir(), 'sandbox-rendering-'));
});
afterAll(async () => {
	await sandbox.stop();
	await rm(dir, { recursive: true, force: true });
});

const fetched = async (answer: Json) => await downloaded(answer, dir);

const rendered = async (edit: Edit) => await fetched(await edited(sandbox, edit));

const from = (name: 'video' | 'portraitVideo' | 'silentVideo') => [
	{ type: 'video', url: sandbox.samples[name].url },
];

describe('the file', () => {
	it('is H.264 with 30 frames a second, in the size of the table, cut, with sound', async () => {
		const path = await rendered({
			parameters: { resolution: '720P', ratio: '4:3', duration: 2, audio_setting: 'origin' },
		});
		expect(await probeVideo(path)).toMatchObject({
			codec: 'h264',
			width: 1104,
			height: 832,
			fps: 30,
			seconds: 2,
			hasAudio: true,
		});
	});

	it('is 1080P by default and keeps the length', async () => {
		const answer = await edited(sandbox, { parameters: {} });
		expect(answer.usage).toEqual({
			duration: 6,
			input_video_duration: 3,
			output_video_duration: 3,
			video_count: 1,
			SR: 1080,
		});
		const probe = await probeVideo(await fetched(answer));
		expect(probe).toMatchObject({ width: 1920, height: 1080, seconds: 3, hasAudio: true });
	});

	it('follows the shape of the source without a ratio', async () => {
		const parameters = { resolution: '720P' };
		const path = await rendered({ media: from('portraitVideo'), parameters });
		expect(await probeVideo(path)).toMatchObject({ width: 720, height: 1280 });
	});

	it('is not longer than the source', async () => {
		const answer = await edited(sandbox, { parameters: { resolution: '720P', duration: 9 } });
		expect(answer.usage).toMatchObject({ output_video_duration: 3, duration: 6 });
		expect((await probeVideo(await fetched(answer))).seconds).toBe(3);
	});

	it('is silent when the source is', async () => {
		for (const audio_setting of ['origin', 'auto']) {
			const parameters = { resolution: '720P', duration: 2, audio_setting };
			const path = await rendered({ media: from('silentVideo'), parameters });
			expect((await probeVideo(path)).hasAudio).toBe(false);
		}
	});

	it('has the source sound with "origin" and another one with "auto"', async () => {
		const parameters = { resolution: '720P', duration: 2 };
		const source = await sound(sandbox.samples.video.path);
		const origin = await sound(
			await rendered({ parameters: { ...parameters, audio_setting: 'origin' } }),
		);
		const auto = await sound(
			await rendered({ parameters: { ...parameters, audio_setting: 'auto' } }),
		);
		expect(difference(source, origin)).toBeLessThan(3);
		expect(difference(source, auto)).toBeGreaterThan(3 * difference(source, origin) + 1);
	});
});

describe('the picture', () => {
	const parameters = { resolution: '720P', duration: 2, audio_setting: 'origin' };

	it.each([
		'Turn it into 8-bit',
		'make it claymation',
		'cartoon, please',
		'at night',
		'winter',
		'autumn',
		'an old film',
		'pencil sketch',
		'the rider wears a red coat',
	])('changes: %s', async (prompt) => {
		const path = await rendered({ prompt, parameters });
		const [before, after] = [await frame(sandbox.samples.video.path), await frame(path)];
		expect(difference(before, after)).toBeGreaterThan(8);
	});

	it('loses its colours for black and white, and only its edges for blur', async () => {
		const source = await frame(sandbox.samples.video.path);
		const grey = await frame(await rendered({ prompt: '黑白', parameters }));
		expect(colour(source)).toBeGreaterThan(40);
		expect(colour(grey)).toBeLessThan(4);
		const blurred = await frame(await rendered({ prompt: 'blur it', parameters }));
		expect(colour(blurred)).toBeGreaterThan(30);
		expect(difference(source, blurred)).toBeLessThan(difference(source, grey));
	});

	it('still moves', async () => {
		const path = await rendered({ prompt: 'at night', parameters });
		expect(difference(await frame(path, 0.1), await frame(path, 1.8))).toBeGreaterThan(1);
	});

	it('shows each reference image in its place', async () => {
		const { images } = sandbox.samples;
		const plain = await frame(await rendered({ parameters }));
		const shown = async (urls: string[]) => {
			const references = urls.map((url) => ({ type: 'reference_image', url }));
			return await frame(await rendered({ parameters, media: [...from('video'), ...references] }));
		};
		const [a = '', b = '', c = '', d = ''] = images.map(({ url }) => url);
		const four = await shown([a, b, c, d]);
		const swapped = await shown([b, a, c, d]);
		const place = (pixels: Buffer, index: number) =>
			region(pixels, 0.03 + index * 0.146, 0.05, 0.1, 0.15);
		for (const index of [0, 1, 2, 3]) {
			expect(difference(place(plain, index), place(four, index))).toBeGreaterThan(30);
		}
		expect(difference(place(four, 0), place(swapped, 1))).toBeLessThan(15);
		expect(difference(place(four, 0), place(swapped, 0))).toBeGreaterThan(30);
		expect(difference(place(four, 2), place(swapped, 2))).toBeLessThan(3);
		const below = (pixels: Buffer) => region(pixels, 0, 0.4, 1, 0.6);
		expect(difference(below(plain), below(four))).toBeLessThan(3);
	});

	it('has the mark at the bottom right only if it is asked for', async () => {
		const plain = await frame(await rendered({ parameters }));
		const marked = await frame(await rendered({ parameters: { ...parameters, watermark: true } }));
		const corner = (pixels: Buffer) => region(pixels, 0.86, 0.88, 0.1, 0.08);
		const rest = (pixels: Buffer) => region(pixels, 0, 0, 1, 0.8);
		expect(difference(corner(plain), corner(marked))).toBeGreaterThan(10);
		expect(difference(rest(plain), rest(marked))).toBeLessThan(2);
	});
});

describe('the work', () => {
	it('is done once for equal tasks', async () => {
		const before = sandbox.ffmpegRuns;
		// A prompt nobody has used, so that no cache of an earlier run can help.
		const prompt = `a red coat ${Math.random()}`;
		const edit = { prompt, parameters: { resolution: '720P', duration: 2 } };
		const ids = await Promise.all(Array.from({ length: 20 }, () => createId(sandbox, edit)));
		const answers = await Promise.all(ids.map(async (id) => await finished(sandbox, id)));
		expect(answers.map(({ output }) => (output as Json).task_status)).toEqual(
			Array.from({ length: 20 }, () => 'SUCCEEDED'),
		);
		expect(new Set(answers.map(({ output }) => (output as Json).video_url)).size).toBe(20);
		// Both may hash to a hue that was rendered before; more than one run is never right.
		expect(sandbox.ffmpegRuns - before).toBeLessThanOrEqual(1);
	});

	it('takes as long as a task is said to run', async () => {
		const answer = await (async () => {
			sandbox.outcome({ jobSeconds: 0.8 });
			return await edited(sandbox, { parameters: { resolution: '720P', duration: 2 } });
		})();
		const { scheduled_time, end_time } = answer.output as Record<string, string>;
		const at = (time = '') => Date.parse(`${time.replace(' ', 'T')}Z`);
		expect(at(end_time) - at(scheduled_time)).toBeGreaterThanOrEqual(800);
	});
});
