import { probeVideo } from '../../sandbox/probe';
import { bearer, IMAGE2VIDEO_PATH, send, upload, type Json } from './client';
import { colour, difference, filling, frame, produce, region, sound } from './pictures';
import { useResults } from './stage';

// What each model makes of its media, seen in the pixels and heard in the sound of the result.

const { sandbox, samples, images, answerOf, download } = useResults();
const rendered = async (body: Json) => await download(await answerOf(body));

describe('wan2.7-i2v', () => {
	const body = (media: Json[], parameters: Json = {}) => ({
		model: 'wan2.7-i2v',
		input: { prompt: 'snow falls', media },
		parameters: { resolution: '720P', duration: 6, ...parameters },
	});
	const clip = () => ({ type: 'first_clip', url: samples().video.url });

	it('goes on after the clip, to the last frame, and bills what comes out', async () => {
		const { leaf } = images();
		const answer = await answerOf(body([clip(), { type: 'last_frame', url: leaf.url }]));
		expect(answer.usage).toEqual({
			duration: 6,
			input_video_duration: 0,
			output_video_duration: 6,
			video_count: 1,
			SR: 720,
		});
		const path = await download(answer);
		expect(await probeVideo(path)).toMatchObject({
			width: 1280,
			height: 720,
			fps: 30,
			seconds: 6,
			hasAudio: true,
		});
		const source = samples().video.path;
		for (const second of [0.1, 1, 2.8]) {
			expect(difference(await frame(source, second), await frame(path, second))).toBeLessThan(4);
		}
		const [soon, later] = [await frame(path, 3.3), await frame(path, 4.8)];
		expect(difference(await frame(source, 2.9), soon)).toBeGreaterThan(10);
		expect(difference(soon, later)).toBeGreaterThan(3);
		expect(difference(await filling(leaf.path, 1280, 720), await frame(path, 5.9))).toBeLessThan(6);
	});

	it('has the shape and, of a silent clip, the silence of what it begins with', async () => {
		const { portraitVideo, silentVideo } = samples();
		const portrait = await rendered(body([{ type: 'first_clip', url: portraitVideo.url }]));
		expect(await probeVideo(portrait)).toMatchObject({ width: 720, height: 1280 });
		const silent = await rendered(body([{ type: 'first_clip', url: silentVideo.url }]));
		expect(await probeVideo(silent)).toMatchObject({ hasAudio: false });
	});

	it('begins with the first frame and sounds like the driving audio', async () => {
		const { star } = images();
		const { audio } = samples();
		const media = [
			{ type: 'first_frame', url: star.url },
			{ type: 'driving_audio', url: audio.url },
		];
		const path = await rendered(body(media, { duration: 4 }));
		expect(await probeVideo(path)).toMatchObject({ width: 960, height: 960, seconds: 4 });
		const [first, late] = [await frame(path, 0.1), await frame(path, 3.5)];
		expect(difference(await filling(star.path, 960, 960), first)).toBeLessThan(4);
		expect(difference(first, late)).toBeGreaterThan(10);
		expect(difference(await sound(audio.path), await sound(path))).toBeLessThan(3);
	});

	it('fails if the clip leaves nothing to add', async () => {
		const { output } = await answerOf(body([clip()], { duration: 3 }));
		expect(output).toMatchObject({ task_status: 'FAILED', code: 'InvalidParameter' });
	});
});

describe('wan2.2-animate-mix', () => {
	it('puts the person of the picture into the video, and names the result elsewhere', async () => {
		const { leaf } = images();
		const { video } = samples();
		const body = {
			model: 'wan2.2-animate-mix',
			input: { image_url: leaf.url, video_url: video.url },
			parameters: { mode: 'wan-pro' },
		};
		const answer = await answerOf(body, IMAGE2VIDEO_PATH);
		expect(answer.output).not.toHaveProperty('video_url');
		expect((answer.output as { results: Json }).results.video_url).toMatch(/\.mp4\?Expires=/);
		expect(answer.usage).toEqual({ video_duration: 3, video_ratio: 'pro' });
		const path = await download(answer);
		expect(await probeVideo(path)).toMatchObject({ seconds: 3, hasAudio: true });
		expect(difference(await sound(video.path), await sound(path))).toBeLessThan(3);
		const [before, after] = [await frame(video.path), await frame(path)];
		const middle = (pixels: Buffer) => region(pixels, 0.42, 0.4, 0.16, 0.4);
		const sides = (pixels: Buffer) => region(pixels, 0.75, 0, 0.25, 1);
		expect(difference(middle(before), middle(after))).toBeGreaterThan(40);
		expect(difference(sides(before), sides(after))).toBeLessThan(3);
	});

	it('may be given more than the other models', async () => {
		const megabytes = async (model: string) => {
			const url = `${sandbox().url}/api/v1/uploads?action=getPolicy&model=${model}`;
			const { data } = (await send(url, { headers: bearer(sandbox()) })).json;
			return (data as Json).max_file_size_mb;
		};
		expect(await megabytes('wan2.2-animate-mix')).toBe(200);
		expect(await megabytes('wan2.7-i2v')).toBe(100);
	});
});

describe('wan3.0', () => {
	const body = (media: Json[], parameters: Json = {}, prompt = 'black and white') => ({
		model: 'wan3.0-video',
		input: { prompt, media },
		parameters: { resolution: '480P', duration: -1, ...parameters },
	});
	const reference = (url = samples().video.url) => ({ type: 'reference_video', url });

	it('edits a video, as long and as wide as that', async () => {
		const answer = await answerOf(body([reference()]));
		expect(answer.usage).toEqual({
			duration: 6,
			input_video_duration: 3,
			output_video_duration: 3,
			video_count: 1,
			SR: 480,
			fps: 30,
			ratio: '16:9',
		});
		const path = await download(answer);
		const { width, height, ...probe } = await probeVideo(path);
		expect(probe).toMatchObject({ seconds: 3, hasAudio: true });
		expect(width / height).toBeCloseTo(16 / 9, 1);
		expect(colour(await frame(path))).toBeLessThan(4);
	});

	it('makes another shape and length, without sound', async () => {
		const parameters = { ratio: '21:9', duration: 4, audio: false };
		const answer = await answerOf(body([reference()], parameters));
		expect(answer.usage).toMatchObject({ duration: 7, ratio: '21:9' });
		const { width, height, ...probe } = await probeVideo(await download(answer));
		expect(probe).toMatchObject({ seconds: 4, hasAudio: false });
		expect(width / height).toBeCloseTo(21 / 9, 1);
	});

	it('goes from a first to a last frame, or by the prompt alone', async () => {
		const { star, leaf } = images();
		const media = [
			{ type: 'first_frame', url: star.url },
			{ type: 'last_frame', url: leaf.url },
		];
		const path = await rendered(body(media, { duration: 3 }));
		expect(difference(await filling(star.path, 600, 600), await frame(path, 0.1))).toBeLessThan(6);
		expect(difference(await filling(leaf.path, 600, 600), await frame(path, 2.9))).toBeLessThan(6);
		expect((await probeVideo(await rendered(body([], {}, 'a forest')))).seconds).toBe(5);
	});

	it('sounds like the reference audio', async () => {
		const { audio } = samples();
		const media = [reference(), { type: 'reference_audio', url: audio.url }];
		const path = await rendered(body(media));
		expect(difference(await sound(audio.path), await sound(path))).toBeLessThan(3);
	});

	it('fails with more than 15 s of videos, or 30 s in and out', async () => {
		const { longVideo } = samples();
		const urls = [longVideo.url, longVideo.url, longVideo.url];
		const long = await answerOf(body(urls.map((url) => reference(url))));
		expect(long.output).toMatchObject({ task_status: 'FAILED', code: 'InvalidFile.Duration' });
		const sum = await answerOf(body([reference()], { duration: 28 }));
		expect(sum.output).toMatchObject({ task_status: 'FAILED', code: 'InvalidParameter' });
	});
});

describe('happyhorse', () => {
	it('uses the first 15 s of a longer video, and marks the result unless told not to', async () => {
		const args = ['-f', 'lavfi', '-i', 'testsrc2=s=400x400:r=8:d=16'];
		const content = await produce([...args, '-c:v', 'libx264', '-preset', 'ultrafast'], 'mp4');
		const model = 'happyhorse-1.0-video-edit';
		const url = await upload(sandbox(), content, 'long.mp4', model);
		const body = (media: Json[], parameters: Json = {}) => ({
			model,
			input: { prompt: 'black and white', media },
			parameters: { resolution: '720P', audio_setting: 'origin', ...parameters },
		});
		const answer = await answerOf(body([{ type: 'video', url }]));
		expect(answer.usage).toMatchObject({ duration: 30, output_video_duration: 15, SR: 720 });
		expect((await probeVideo(await download(answer))).seconds).toBe(15);
		const short = [{ type: 'video', url: samples().video.url }];
		const marked = await frame(await rendered(body(short)));
		const plain = await frame(await rendered(body(short, { watermark: false })));
		const corner = (pixels: Buffer) => region(pixels, 0.86, 0.88, 0.1, 0.08);
		expect(difference(corner(plain), corner(marked))).toBeGreaterThan(10);
	});
});
