import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IBinaryData, INodeParameters } from 'n8n-workflow';
import { probeVideo } from '../../sandbox/probe';
import type { VideoProbe } from '../../sandbox/probe';
import { modelId, only, useBench } from './bench';
import { readBinary } from './engine';
import { bmp, bmpOf } from './pictures';

// Every operation that makes a video: from files of the item to the MP4, and what each refuses before it sends anything.

const bench = useBench();

type Files = Record<string, IBinaryData>;

interface Body {
	model: string;
	input: Record<string, unknown>;
	parameters: Record<string, unknown>;
}

const image = async (index = 0) => {
	const { images } = bench.sandbox.samples;
	return await bench.file(only(images.slice(index, index + 1)));
};

/** The files that an operation's fields ask for by default. */
const FILES: Record<string, () => Promise<Files>> = {
	video: async () => ({ data: await bench.file(bench.sandbox.samples.video) }),
	withImage: async () => ({ ...(await FILES.video?.()), image: await image() }),
	withMask: async () => ({
		...(await FILES.video?.()),
		mask: await bench.file(bench.sandbox.samples.maskImage),
	}),
	withMaskVideo: async () => ({
		...(await FILES.video?.()),
		mask: await bench.file(bench.sandbox.samples.maskVideo),
	}),
	withLastFrame: async () => ({ ...(await FILES.video?.()), lastFrame: await image(1) }),
	images: async () => ({ image: await image(), other: await image(1) }),
};

const run = async (fields: INodeParameters, binary: Files) =>
	await bench.run([{ json: {}, binary }], { videoSource: 'binary', videoUrl: '', ...fields });

/** The MP4 that arrived in the item. */
async function probe(video: IBinaryData | undefined): Promise<VideoProbe> {
	if (video === undefined) throw new Error('There is no video');
	const folder = await mkdtemp(join(tmpdir(), 'models-test-'));
	try {
		const path = join(folder, 'result.mp4');
		await writeFile(path, await readBinary(video));
		return await probeVideo(path);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

const OSS = expect.stringMatching(/^oss:/) as unknown;
const DATA = expect.stringMatching(/^data:image/) as unknown;

const CASES: Array<
	[what: string, files: string, fields: INodeParameters, body: object, result: Partial<VideoProbe>]
> = [
	[
		'Instruction Edit with Wan 3.0',
		'video',
		{ model: modelId('wan3.0-video'), resolution: '480P', prompt: 'black and white' },
		{
			model: 'wan3.0-video',
			input: { prompt: 'black and white', media: [{ type: 'reference_video', url: OSS }] },
			parameters: { resolution: '480P', ratio: 'adaptive', duration: -1 },
		},
		{ seconds: 3 },
	],
	[
		'Reference Edit with HappyHorse',
		'withImage',
		{
			operation: 'referenceEdit',
			model: modelId('happyhorse-1.0-video-edit'),
			prompt: 'Put Image 1 into the sky',
			options: { watermark: false },
		},
		{
			model: 'happyhorse-1.0-video-edit',
			input: {
				prompt: 'Put Image 1 into the sky',
				media: [
					{ type: 'video', url: OSS },
					{ type: 'reference_image', url: DATA },
				],
			},
			parameters: { resolution: '720P', watermark: false },
		},
		{ seconds: 3 },
	],
	[
		'Continue',
		'withLastFrame',
		{ operation: 'continue', duration: 5, lastFrameSource: 'binary', prompt: 'Night falls' },
		{
			model: 'wan2.7-i2v',
			input: {
				prompt: 'Night falls',
				media: [
					{ type: 'first_clip', url: OSS },
					{ type: 'last_frame', url: DATA },
				],
			},
			parameters: { duration: 5, resolution: '720P' },
		},
		{ seconds: 5 },
	],
	[
		'Edit Area with a mask image',
		'withMask',
		{
			operation: 'editArea',
			prompt: 'A red kite',
			options: { maskFrame: 1, maskType: 'tracking' },
		},
		{
			model: 'wan2.1-vace-plus',
			input: {
				function: 'video_edit',
				prompt: 'A red kite',
				video_url: OSS,
				mask_image_url: OSS,
				mask_frame_id: 1,
			},
			parameters: { mask_type: 'tracking' },
		},
		{ hasAudio: false },
	],
	[
		'Edit Area with a mask video and a reference',
		'withMaskVideo',
		{ operation: 'editArea', mask: 'video', prompt: 'A red kite', options: { keep: 'depth' } },
		{
			model: 'wan2.1-vace-plus',
			input: { function: 'video_edit', prompt: 'A red kite', video_url: OSS, mask_video_url: OSS },
			parameters: { control_condition: 'depth' },
		},
		{ hasAudio: false },
	],
	[
		'Expand Frame to a square',
		'video',
		{ operation: 'expandFrame', shape: '1:1', prompt: 'A meadow under a wide sky' },
		{
			model: 'wan2.1-vace-plus',
			input: {
				function: 'video_outpainting',
				prompt: 'A meadow under a wide sky',
				video_url: OSS,
			},
			parameters: { top_scale: 1.389, bottom_scale: 1.389, left_scale: 1, right_scale: 1 },
		},
		{ hasAudio: false },
	],
	[
		'Expand Frame by hand',
		'video',
		{ operation: 'expandFrame', shape: 'custom', rightScale: 1.5, prompt: 'A meadow' },
		{
			model: 'wan2.1-vace-plus',
			input: { function: 'video_outpainting', prompt: 'A meadow', video_url: OSS },
			parameters: { top_scale: 1, bottom_scale: 1, left_scale: 1, right_scale: 1.5 },
		},
		{ hasAudio: false },
	],
	[
		'Repaint with a reference',
		'withImage',
		{
			operation: 'repaint',
			keep: 'posebody',
			imageSource: 'binary',
			prompt: 'A comic',
			options: { strength: 0.8 },
		},
		{
			model: 'wan2.1-vace-plus',
			input: {
				function: 'video_repainting',
				prompt: 'A comic',
				video_url: OSS,
				ref_images_url: [OSS],
			},
			parameters: { control_condition: 'posebody', strength: 0.8 },
		},
		{ hasAudio: false },
	],
	[
		'Extend a clip',
		'video',
		{ operation: 'extend', prompt: 'The balloon lands' },
		{
			model: 'wan2.1-vace-plus',
			input: { function: 'video_extension', prompt: 'The balloon lands', first_clip_url: OSS },
			parameters: {},
		},
		{ hasAudio: false },
	],
	[
		'From Reference Images',
		'images',
		{
			operation: 'fromReferenceImages',
			size: '960*960',
			prompt: 'A scarf before a star',
			images: {
				image: [
					{ source: 'binary', field: 'image', shows: 'obj' },
					{ source: 'binary', field: 'other', shows: 'bg' },
				],
			},
		},
		{
			model: 'wan2.1-vace-plus',
			input: {
				function: 'image_reference',
				prompt: 'A scarf before a star',
				ref_images_url: [OSS, OSS],
			},
			parameters: { obj_or_bg: ['obj', 'bg'], size: '960*960' },
		},
		{ width: 960, height: 960 },
	],
	[
		'Swap Person',
		'withImage',
		{ operation: 'swapPerson', prompt: '' },
		{
			model: 'wan2.2-animate-mix',
			input: { video_url: OSS, image_url: OSS },
			parameters: { mode: 'wan-std' },
		},
		{ seconds: 3 },
	],
];

test.each(CASES)('%s', async (_what, files, fields, body, expected) => {
	const { items, error } = await run(fields, (await FILES[files]?.()) ?? {});

	expect(error).toBeUndefined();
	const item = only(items);
	expect(item.json).toMatchObject({ status: 'SUCCEEDED', succeeded: true });
	expect(item.json.videoUrl).toMatch(/^http/);
	expect(item.pairedItem).toEqual({ item: 0 });
	expect(bench.bodies()).toEqual([body]);
	expect(bench.sandbox.tasks()).toHaveLength(1);
	const video = await probe(item.binary?.data);
	for (const [name, value] of Object.entries(expected)) {
		const found = video[name as keyof VideoProbe];
		if (typeof value === 'number') expect(Number(found)).toBeCloseTo(value, 0);
		else expect(found).toBe(value);
	}
});

test('Get Status prices each task as what it is, and those of other models not at all', async () => {
	const edit = await bench.run(1, {});
	const other = await run({ operation: 'continue', duration: 5 }, (await FILES.video?.()) ?? {});
	const { items } = await bench.run(
		[...edit.items, ...other.items].map(({ json }) => ({ json: { taskId: json.taskId } })),
		{ resource: 'task', operation: 'getStatus', taskId: '={{ $json.taskId }}', download: false },
	);
	const costs = items.map(({ json }) => (json.usage as { estimatedCost: unknown }).estimatedCost);
	expect(costs).toEqual([expect.objectContaining({ amount: 0.6, currency: 'USD' }), null]);
});

test('a model that the node does not know is sent the fields of the default one, and the user is told', async () => {
	const output = { task_id: 't-9', task_status: 'PENDING' };
	bench.sandbox.fault({ route: 'create', status: 200, body: { request_id: 'r', output } });
	const { hints } = await bench.run(1, { model: modelId('wan9-video'), waiting: 'none' });
	expect(only(bench.bodies() as Body[]).model).toBe('wan9-video');
	expect(hints.join()).toContain('does not know the model wan9-video');
});

test('a prompt that names an image which was not sent with it is submitted, and the user is told', async () => {
	const { items, hints } = await bench.run(2, {
		prompt: 'Put the sweater from Image 2 on him',
		waiting: 'none',
	});
	expect(items).toHaveLength(2);
	expect(hints).toContain('Item 1: The prompt names Image 2, but no image was sent with it.');
});

describe('what is refused before anything is sent', () => {
	const refused = async (
		fields: INodeParameters,
		binary: Files,
		...says: Array<string | RegExp>
	) => {
		const { error, items } = await run(fields, binary);
		const text = `${error?.message}\n${error?.description}`;
		expect(items).toEqual([]);
		expect(text).toContain('[item 0]');
		for (const part of says) expect(text).toMatch(part);
		expect(bench.sandbox.log).toEqual([]);
	};

	const video = async () => (await FILES.video?.()) ?? {};
	const NIGHT = { prompt: 'Night' };

	test.each<[what: string, INodeParameters, ...says: Array<string | RegExp>]>([
		['another operation’s model', { model: modelId('wan2.7-i2v') }, /wan2\.7-i2v/, /does not edit/],
		[
			'a resolution of another model',
			{ resolution: '={{ "480P" }}' },
			/'Resolution' is "480P"/,
			/wan2\.7-videoedit/,
			/720P, 1080P/,
		],
		[
			'a prompt that is too long for VACE',
			{ operation: 'expandFrame', prompt: 'x'.repeat(801) },
			/'Prompt' has 801 characters; the limit is 800/,
		],
		['a missing prompt', { operation: 'repaint', prompt: '={{ "" }}' }, /'Prompt' is empty/],
		[
			'HappyHorse without a prompt',
			{ operation: 'referenceEdit', model: modelId('happyhorse-1.0-video-edit'), prompt: '' },
			/'Prompt' is empty|field "image"/,
		],
		[
			'more seconds than a continuation can have',
			{ operation: 'continue', duration: 16 },
			/'Duration' is 16/,
			/from 2 to 15/,
		],
		[
			'fewer seconds than the video has',
			{ operation: 'continue', duration: 3 },
			/'Duration' is 3 seconds/,
			/3 seconds long/,
			/up to 15/,
		],
		[
			'a last frame that the item does not have',
			{ operation: 'continue', lastFrameSource: 'binary' },
			/'Last Frame Binary Field'/,
			/"lastFrame"/,
		],
		['a mask that the item does not have', { operation: 'editArea', ...NIGHT }, /"mask"/],
		[
			'an empty mask URL',
			{ operation: 'editArea', maskImageSource: 'url', maskImageUrl: '={{ "" }}', ...NIGHT },
			/'Mask Image URL' is empty/,
		],
		[
			'a scale beyond the limit',
			{ operation: 'expandFrame', shape: 'custom', topScale: 2.5, ...NIGHT },
			/'Top' is 2\.5/,
			/from 1 to 2/,
		],
		[
			'scales that add nothing',
			{ operation: 'expandFrame', shape: 'custom', ...NIGHT },
			/Nothing would be added/,
		],
		[
			'the shape that the video has',
			{ operation: 'expandFrame', shape: '16:9', ...NIGHT },
			/is 16:9 already/,
		],
		[
			'a shape that does not exist',
			{ operation: 'expandFrame', shape: '={{ "2:1" }}', ...NIGHT },
			/'Expand To' is "2:1"/,
		],
		[
			'the shape of a video whose size is not known',
			{
				operation: 'expandFrame',
				videoSource: 'url',
				videoUrl: 'https://f.example/v.mp4',
				...NIGHT,
			},
			/size of the video.*not known/,
			/Custom/,
		],
		[
			'a strength beyond the limit',
			{ operation: 'repaint', options: { strength: 1.5 }, ...NIGHT },
			/'Strength' is 1\.5/,
			/from 0 to 1/,
		],
		[
			'something unknown to keep',
			{ operation: 'repaint', keep: '={{ "colour" }}', ...NIGHT },
			/'Keep From the Video' is "colour"/,
			/posebodyface/,
		],
		[
			'nothing to extend',
			{ operation: 'extend', firstClipSource: 'none', ...NIGHT },
			/nothing to extend/,
			/first clip/,
		],
		[
			'a guide alone',
			{
				operation: 'extend',
				firstClipSource: 'none',
				guideSource: 'url',
				guideUrl: 'https://f.example/g.mp4',
				...NIGHT,
			},
			/nothing to extend/,
		],
		[
			'a guide of which nothing is kept',
			{ operation: 'extend', guideSource: 'url', guideUrl: 'https://f.example/g.mp4', ...NIGHT },
			/'Keep From the Motion Guide' is empty/,
		],
		[
			'no images',
			{ operation: 'fromReferenceImages', images: {}, ...NIGHT },
			/There is no reference image/,
			/1 to 3/,
		],
		[
			'a size that does not exist',
			{
				operation: 'fromReferenceImages',
				size: '={{ "1x1" }}',
				images: { image: [{ source: 'url', url: 'https://f.example/a.png' }] },
				...NIGHT,
			},
			/'Size' is "1x1"/,
		],
		[
			'four images',
			{
				operation: 'fromReferenceImages',
				images: {
					image: [1, 2, 3, 4].map((n) => ({ source: 'url', url: `https://f.example/${n}.png` })),
				},
				...NIGHT,
			},
			/4 reference images/,
			/1 to 3/,
		],
		[
			'two backgrounds',
			{
				operation: 'fromReferenceImages',
				images: {
					image: [1, 2].map((n) => ({
						source: 'url',
						url: `https://f.example/${n}.png`,
						shows: 'bg',
					})),
				},
				...NIGHT,
			},
			/2 images are set to Background/,
		],
		['no person', { operation: 'swapPerson' }, /'Person Image Binary Field'/, /"image"/],
		[
			'a quality that does not exist',
			{
				operation: 'swapPerson',
				mode: '={{ "best" }}',
				personSource: 'url',
				personUrl: 'https://f.example/p.png',
			},
			/'Quality' is "best"/,
			/wan-std, wan-pro/,
		],
	])('%s', async (_what, fields, ...says) => {
		await refused(fields, await video(), ...says);
	});

	test('a mask of another size', async () => {
		const mask = await bench.file(bmp(640, 361), 'mask.bmp', 'image/bmp');
		await refused(
			{ operation: 'editArea', ...NIGHT },
			{ ...(await video()), mask },
			/'Mask Image Binary Field' is 640 × 361 pixels, but the video is 640 × 360/,
			/same size/,
		);
	});

	test('a setting of mask images with a mask video', async () => {
		await refused(
			{ operation: 'editArea', mask: 'video', options: { maskFrame: 2 }, ...NIGHT },
			(await FILES.withMaskVideo?.()) ?? {},
			/'Mask Frame' only works with a mask image/,
		);
	});

	test('a mask image in the place of a mask video', async () => {
		await refused(
			{ operation: 'editArea', mask: 'video', ...NIGHT },
			(await FILES.withMask?.()) ?? {},
			/'Mask Video Binary Field'.*PNG/,
			/MP4/,
		);
	});

	test('a QuickTime video for VACE', async () => {
		const data = await bench.file(bench.sandbox.samples.movVideo);
		await refused({ operation: 'repaint', ...NIGHT }, { data }, /holds a MOV video/, /MP4/);
	});

	test('a video that is too short for HappyHorse', async () => {
		const data = await bench.file(bench.sandbox.samples.bad.shortVideo);
		await refused(
			{ model: modelId('happyhorse-1.0-video-edit') },
			{ data },
			/1 seconds long; the limit is 3 to 60 seconds/,
		);
	});

	test('a video that is too long for Continue, with what to do', async () => {
		const data = await bench.file(bench.sandbox.samples.bad.tooLongVideo);
		await refused(
			{ operation: 'continue' },
			{ data },
			/12 seconds long; the limit is 2 to 10 seconds/,
			/Cut the video/,
		);
	});

	test('a picture of the person that is too large', async () => {
		const file = await bench.file(bmpOf(6.2 * 1024 * 1024), 'me.bmp', 'image/bmp');
		await refused(
			{ operation: 'swapPerson' },
			{ ...(await video()), image: file },
			/'Person Image Binary Field' \(me\.bmp\) is 6\.\d MB; the limit is 5\.0 MB/,
		);
	});
});
