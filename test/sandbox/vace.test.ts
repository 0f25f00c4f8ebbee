import { probeVideo } from '../../sandbox/probe';
import { type Json } from './client';
import { colour, difference, filling, frame, region } from './pictures';
import { useResults } from './stage';

// What the five functions of vace-plus make of their media, seen in the pixels.

const { samples, images, answerOf, download } = useResults();

const vaceBody = (name: string, input: Json, parameters: Json = {}) => ({
	model: 'wanx2.1-vace-plus',
	input: { function: name, prompt: 'at night', ...input },
	parameters: { prompt_extend: false, ...parameters },
});
const vace = async (...args: Parameters<typeof vaceBody>) =>
	await download(await answerOf(vaceBody(...args)));

const video = () => samples().video;

it('is silent, in 720P, and tells how long the result is', async () => {
	const answer = await answerOf(
		vaceBody('video_repainting', { video_url: video().url }, { control_condition: 'depth' }),
	);
	expect(answer.usage).toEqual({ video_duration: 3, video_ratio: 'standard', video_count: 1 });
	const path = await download(answer);
	expect(await probeVideo(path)).toMatchObject({
		width: 1280,
		height: 720,
		fps: 30,
		seconds: 3,
		hasAudio: false,
	});
	expect(difference(await frame(video().path), await frame(path))).toBeGreaterThan(20);
	expect(answer.output).toMatchObject({ orig_prompt: 'at night' });
	expect(answer.output).not.toHaveProperty('actual_prompt');
});

it('tells the prompt that it made of the prompt', async () => {
	const { output } = await answerOf(
		vaceBody(
			'video_repainting',
			{ video_url: video().url },
			{ control_condition: 'depth', prompt_extend: true },
		),
	);
	expect((output as Json).actual_prompt).toMatch(/^at night.+/);
});

it('uses five seconds of a longer video', async () => {
	const { longVideo } = samples();
	const path = await vace(
		'video_repainting',
		{ video_url: longVideo.url },
		{ control_condition: 'scribble', size: '832*1088' },
	);
	expect(await probeVideo(path)).toMatchObject({ width: 832, height: 1088, seconds: 5 });
});

// The mask is white from 6 to 45 % across and from 6 to 70 % down.
const within = (pixels: Buffer) => region(pixels, 0.1, 0.12, 0.3, 0.5);
const outside = (pixels: Buffer) => region(pixels, 0.55, 0, 0.45, 1);
const below = (pixels: Buffer) => region(pixels, 0, 0.78, 1, 0.22);

it('edits where the mask is white and keeps the rest', async () => {
	const path = await vace(
		'video_edit',
		{
			prompt: 'black and white',
			video_url: video().url,
			mask_image_url: samples().maskImage.url,
		},
		{ mask_type: 'fixed' },
	);
	const [before, after] = [await frame(video().path), await frame(path)];
	expect(colour(within(before))).toBeGreaterThan(60);
	expect(colour(within(after))).toBeLessThan(4);
	expect(difference(outside(before), outside(after))).toBeLessThan(3);
	expect(difference(below(before), below(after))).toBeLessThan(3);
});

it('takes a margin around what it tracks', async () => {
	const input = {
		prompt: 'black and white',
		video_url: video().url,
		mask_image_url: samples().maskImage.url,
	};
	const parameters = { mask_type: 'tracking', expand_ratio: 0.5 };
	const [narrow, wide] = [
		await frame(await vace('video_edit', input, { mask_type: 'fixed' })),
		await frame(await vace('video_edit', input, parameters)),
	];
	const edge = (pixels: Buffer) => region(pixels, 0.46, 0.2, 0.04, 0.4);
	expect(colour(edge(narrow))).toBeGreaterThan(40);
	expect(colour(edge(wide))).toBeLessThan(10);
	expect(difference(outside(narrow), outside(wide))).toBeLessThan(3);
});

it('follows a mask video', async () => {
	const path = await vace(
		'video_edit',
		{
			prompt: 'negative film',
			video_url: video().url,
			mask_video_url: samples().maskVideo.url,
		},
		{ expand_ratio: 0 },
	);
	// The balloon flies from the left edge to the middle.
	const start = (pixels: Buffer) => region(pixels, 0.1, 0.2, 0.1, 0.3);
	const end = (pixels: Buffer) => region(pixels, 0.42, 0.2, 0.1, 0.3);
	const changes = async (second: number) => {
		const [before, after] = [await frame(video().path, second), await frame(path, second)];
		return [start, end].map((part) => difference(part(before), part(after)) > 20);
	};
	expect(await changes(0.1)).toEqual([true, false]);
	expect(await changes(2.9)).toEqual([false, true]);
});

it('puts the reference where the mask is white', async () => {
	const { star } = images();
	const path = await vace(
		'video_edit',
		{
			video_url: video().url,
			mask_image_url: samples().maskImage.url,
			ref_images_url: [star.url],
		},
		{ mask_type: 'fixed' },
	);
	const [before, after] = [await frame(video().path), await frame(path)];
	const yellow = region(after, 0.25, 0.37, 0.02, 0.02);
	expect([...yellow.subarray(0, 2)].every((value) => value > 190)).toBe(true);
	expect(yellow[2]).toBeLessThan(110);
	expect(difference(outside(before), outside(after))).toBeLessThan(3);
});

it.each([
	['of another size', 'mask_image_url', () => images().leaf.url, {}],
	['video of another size', 'mask_video_url', () => samples().portraitVideo.url, {}],
	[
		'of a frame that there is not',
		'mask_image_url',
		() => samples().maskImage.url,
		{ mask_frame_id: 77 },
	],
])('fails with a mask %s', async (_what, field, url, more) => {
	const input = { video_url: video().url, [field]: url(), ...more };
	const { output } = await answerOf(vaceBody('video_edit', input));
	expect(output).toMatchObject({ task_status: 'FAILED', code: 'InvalidParameter' });
	expect((output as Json).message).toMatch(/^The size is not match|between 1 and 76, got 77/);
});

it('grows the frame and fills the border', async () => {
	const scales = { top_scale: 1.5, left_scale: 1.25, right_scale: 1.25 };
	const path = await vace('video_outpainting', { video_url: video().url }, scales);
	// 640 x 1.5 to 360 x 1.5, in the area of 720P.
	expect(await probeVideo(path)).toMatchObject({ width: 1280, height: 720, seconds: 3 });
	const [source, result] = [await frame(video().path), await frame(path)];
	const place = `crop=${Math.round(1280 / 1.5)}:480:${Math.round((1280 * 0.25) / 1.5)}:240`;
	expect(difference(source, await frame(path, 1, place))).toBeLessThan(5);
	const border = region(result, 0, 0, 1, 0.3);
	expect(Math.max(...border)).toBeGreaterThan(60);
	const autumn = await frame(
		await vace('video_outpainting', { video_url: video().url, prompt: 'autumn' }, scales),
	);
	expect(difference(border, region(autumn, 0, 0, 1, 0.3))).toBeGreaterThan(20);
});

it('grows to one side only, and to another shape', async () => {
	const path = await vace('video_outpainting', { video_url: video().url }, { bottom_scale: 2 });
	const { width, height } = await probeVideo(path);
	expect(width / height).toBeCloseTo(640 / 720, 2);
	const source = await frame(video().path);
	expect(difference(source, await frame(path, 1, 'crop=iw:ih/2:0:0'))).toBeLessThan(5);
	expect(difference(source, await frame(path, 1, 'crop=iw:ih/2:0:ih/2'))).toBeGreaterThan(20);
});

it('extends a clip at its end, at its beginning, or to a picture', async () => {
	const { portraitVideo } = samples();
	const source = portraitVideo.path;
	const onwards = await vace('video_extension', { first_clip_url: portraitVideo.url });
	expect(await probeVideo(onwards)).toMatchObject({
		width: 720,
		height: 1280,
		seconds: 5,
		hasAudio: false,
	});
	expect(difference(await frame(source, 1), await frame(onwards, 1))).toBeLessThan(4);
	expect(difference(await frame(source, 2.9), await frame(onwards, 4))).toBeGreaterThan(20);

	const before = await vace('video_extension', { last_clip_url: portraitVideo.url });
	expect(difference(await frame(source, 0.1), await frame(before, 0.5))).toBeGreaterThan(20);
	expect(difference(await frame(source, 1), await frame(before, 3))).toBeLessThan(6);

	const { umbrella } = images();
	const input = { first_clip_url: portraitVideo.url, last_frame_url: umbrella.url };
	const between = await vace('video_extension', input);
	const end = await filling(umbrella.path, 720, 1280);
	expect(difference(end, await frame(between, 4.8))).toBeLessThan(6);
});

it('moves an extension like its guide', async () => {
	const { umbrella } = images();
	const input = { first_frame_url: umbrella.url, video_url: video().url };
	const path = await vace('video_extension', input, { control_condition: 'depth' });
	expect(await probeVideo(path)).toMatchObject({ seconds: 5 });
	const alone = await vace('video_extension', { first_frame_url: umbrella.url });
	expect(difference(await frame(alone, 2), await frame(path, 2))).toBeGreaterThan(15);
});

it('shows each reference image, in front of the background', async () => {
	const { star, umbrella, leaf } = images();
	const shown = async (urls: string[], kinds?: string[]) =>
		await frame(
			await vace(
				'image_reference',
				{ ref_images_url: urls },
				kinds === undefined ? {} : { obj_or_bg: kinds },
			),
		);
	const urls = [star.url, umbrella.url, leaf.url];
	const kinds = ['obj', 'obj', 'bg'];
	const plain = await shown(urls, kinds);
	const left = (pixels: Buffer) => region(pixels, 0.18, 0.4, 0.14, 0.2);
	const right = (pixels: Buffer) => region(pixels, 0.68, 0.4, 0.14, 0.2);
	const edges = (pixels: Buffer) => region(pixels, 0, 0, 1, 0.15);
	// The second object and the background change places.
	const other = await shown([star.url, leaf.url, umbrella.url], kinds);
	expect(difference(left(plain), left(other))).toBeLessThan(3);
	expect(difference(right(plain), right(other))).toBeGreaterThan(30);
	expect(difference(edges(plain), edges(other))).toBeGreaterThan(20);
	const path = await vace('image_reference', { ref_images_url: [star.url] });
	expect(await probeVideo(path)).toMatchObject({ width: 1280, height: 720, seconds: 5 });
});
