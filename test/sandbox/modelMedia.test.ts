import { mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { TaskFailure } from '../../sandbox/errors';
import { resolveMedia } from '../../sandbox/media';
import { modelOf, readRequest } from '../../sandbox/models';
import type { Service } from '../../sandbox/models/model';
import { runFfmpeg } from '../../sandbox/programs';

// The limits that each model sets for each of its files: just inside, just outside. The files are
// real; only the way to them is short.

let dir: string;
beforeAll(async () => (dir = await mkdtemp(join(tmpdir(), 'sandbox-limits-'))));
afterAll(async () => await rm(dir, { recursive: true, force: true }));

const made = new Map<string, Promise<string>>();

/** Makes a file once; `padding` is the size it is grown to. */
function file(name: string, args: string[], padding = 0): Promise<string> {
	const path = join(dir, `${padding}-${name}`);
	const work = async () => {
		await runFfmpeg([...args, path]);
		// A hole rather than zeros.
		if (padding > 0) await truncate(path, padding);
		return path;
	};
	const key = JSON.stringify([path, args]);
	const making = made.get(key) ?? work();
	made.set(key, making);
	return making;
}

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
const source = (size: string, fps: number, seconds: number) => [
	...['-f', 'lavfi', '-i', `color=red:s=${size}:r=${fps}:d=${seconds}`],
];

interface VideoSpec {
	size?: string;
	fps?: number;
	seconds?: number;
	extension?: string;
	padding?: number;
}

const video = ({
	size = '480x480',
	fps = 16,
	seconds = 3,
	extension = 'mp4',
	padding,
}: VideoSpec) =>
	file(`${size}-${fps}-${seconds}.${extension}`, [...source(size, fps, seconds), ...h264], padding);

const image = (size: string, extension = 'png', padding?: number, format = 'rgb24') =>
	file(
		`${size}-${format}.${extension}`,
		[...source(size, 1, 1), '-frames:v', '1', ...(extension === 'png' ? ['-pix_fmt', format] : [])],
		padding,
	);

const sound = (seconds: number, extension = 'mp3', padding?: number) =>
	file(`${seconds}.${extension}`, ['-f', 'lavfi', '-i', `sine=d=${seconds}`], padding);

const MB = 1024 * 1024;

/** What becomes of a file in a place of a model's request: 'good', or the code of the failure. */
async function verdict(model: string, place: string, path: string): Promise<string> {
	const { size } = await stat(path);
	const extension = path.slice(path.lastIndexOf('.') + 1);
	const url = `oss://dir/file.${extension}`;
	const good = 'https://example.com/good.bin';
	const at = (name: string) => (name === place ? url : good);
	const media = (...types: string[]) => ({
		media: types.map((type) => ({ type, url: at(type) })),
	});
	const vace = (name: string, fields: Record<string, unknown>) => ({
		input: { function: name, prompt: 'x', ...fields },
		parameters: {},
	});
	const BODIES: Record<string, { input: unknown; parameters?: unknown; service?: Service }> = {
		'wan2.7-videoedit': { input: media('video', 'reference_image') },
		'happyhorse-1.0-video-edit': {
			input: { prompt: 'x', ...media('video', 'reference_image') },
		},
		'wan3.0-video': {
			input: media(...(place.includes('_frame') ? ['first_frame', 'last_frame'] : [place])),
		},
		'wan2.7-i2v': {
			input: media(
				place === 'first_clip' ? 'first_clip' : 'first_frame',
				...(place.startsWith('first') ? [] : [place]),
			),
		},
		'wanx2.1-vace-plus': place.startsWith('mask')
			? vace('video_edit', { video_url: good, [place]: url })
			: place === 'ref_images_url'
				? vace('image_reference', { ref_images_url: [url] })
				: vace('video_extension', { first_frame_url: good, [place]: url }),
		'wan2.2-animate-mix': {
			input: { image_url: at('image_url'), video_url: at('video_url') },
			parameters: { mode: 'wan-std' },
			service: 'image2video',
		},
	};
	const { service = 'video-generation', ...body } = BODIES[model] ?? { input: {} };
	const request = readRequest(body, modelOf({ model }, service));
	const item = request.media.find((candidate) => candidate.url === url);
	if (item === undefined) throw new Error(`${place} is no place of ${model}`);
	const upload = { model, path, sha256: '', bytes: size, uploadedAt: 0 };
	try {
		await resolveMedia(item, { dir, findUpload: () => upload }, new AbortController().signal);
		return 'good';
	} catch (error) {
		if (error instanceof TaskFailure) return error.code.replace('InvalidFile.', '');
		throw error;
	}
}

type Row = [what: string, make: () => Promise<string>, expected: string];

const CASES: Array<[model: string, place: string, rows: Row[]]> = [
	[
		'wan2.7-i2v',
		'first_clip',
		[
			['2 s', () => video({ seconds: 2 }), 'good'],
			['10 s', () => video({ seconds: 10 }), 'good'],
			['1.5 s', () => video({ seconds: 1.5 }), 'Duration'],
			['11 s', () => video({ seconds: 11 }), 'Duration'],
			['240', () => video({ size: '240x240' }), 'good'],
			['238', () => video({ size: '238x240' }), 'Resolution'],
			['4096', () => video({ size: '4096x512', fps: 4 }), 'good'],
			['4098', () => video({ size: '4098x520', fps: 4 }), 'Resolution'],
			['8:1', () => video({ size: '1920x240', fps: 4 }), 'good'],
			['wider', () => video({ size: '1930x240', fps: 4 }), 'AspectRatio'],
			['MOV', () => video({ extension: 'mov' }), 'good'],
			['AVI', () => video({ extension: 'avi' }), 'Format'],
			['100 MB', () => video({ padding: 100 * MB }), 'good'],
			['more than 100 MB', () => video({ padding: 100 * MB + 1 }), 'Size'],
		],
	],
	[
		'wan2.7-i2v',
		'driving_audio',
		[
			['2 s', () => sound(2), 'good'],
			['30 s as WAV', () => sound(30, 'wav'), 'good'],
			['1.5 s', () => sound(1.5), 'Duration'],
			['31 s', () => sound(31), 'Duration'],
			['AAC', () => sound(3, 'aac'), 'Format'],
			['15 MB', () => sound(2, 'wav', 15 * MB), 'good'],
			['more', () => sound(2, 'wav', 15 * MB + 1), 'Size'],
			['an image', () => image('300x300'), 'Format'],
		],
	],
	[
		'wan2.7-i2v',
		'last_frame',
		[
			['240', () => image('240x240'), 'good'],
			['238', () => image('240x238'), 'Resolution'],
			['8000', () => image('8000x1000'), 'good'],
			['8002', () => image('8002x1200'), 'Resolution'],
			['taller than 1:8', () => image('240x1930'), 'AspectRatio'],
			['with alpha', () => image('300x300', 'png', undefined, 'rgba'), 'Format'],
			['20 MB', () => image('300x300', 'bmp', 20 * MB), 'good'],
			['more', () => image('300x300', 'bmp', 20 * MB + 1), 'Size'],
		],
	],
	[
		'wan3.0-video',
		'reference_video',
		[
			['1 s', () => video({ seconds: 1 }), 'good'],
			['15 s', () => video({ seconds: 15 }), 'good'],
			['0.5 s', () => video({ seconds: 0.5 }), 'Duration'],
			['16 s', () => video({ seconds: 16 }), 'Duration'],
			['16 fps', () => video({ fps: 16 }), 'good'],
			['15 fps', () => video({ fps: 15 }), 'FPS'],
			['238', () => video({ size: '238x300' }), 'Resolution'],
			['AVI', () => video({ extension: 'avi' }), 'Format'],
		],
	],
	[
		'wan3.0-video',
		'reference_audio',
		[
			['1 s', () => sound(1), 'good'],
			['15 MB', () => sound(2, 'wav', 15 * MB), 'good'],
			['more', () => sound(2, 'wav', 15 * MB + 1), 'Size'],
		],
	],
	[
		'wan3.0-video',
		'reference_image',
		[
			['240', () => image('240x240'), 'good'],
			['238', () => image('238x240'), 'Resolution'],
			['8002', () => image('8002x1200'), 'Resolution'],
		],
	],
	[
		'happyhorse-1.0-video-edit',
		'video',
		[
			['3 s', () => video({ seconds: 3 }), 'good'],
			['2.5 s', () => video({ seconds: 2.5 }), 'Duration'],
			['60 s', () => video({ seconds: 60, fps: 8 }), 'good'],
			['61 s', () => video({ seconds: 61, fps: 8 }), 'Duration'],
			['7 fps', () => video({ fps: 7 }), 'FPS'],
			['2.5:1', () => video({ size: '1000x400' }), 'good'],
			['wider', () => video({ size: '1010x400' }), 'AspectRatio'],
			['300', () => video({ size: '300x400' }), 'Resolution'],
		],
	],
	[
		'happyhorse-1.0-video-edit',
		'reference_image',
		[
			['300', () => image('300x300'), 'good'],
			['298', () => image('300x298'), 'Resolution'],
			['2.5:1', () => image('750x300'), 'good'],
			['wider', () => image('760x300'), 'AspectRatio'],
			['BMP', () => image('300x300', 'bmp'), 'Format'],
			['JPEG', () => image('300x300', 'jpg'), 'good'],
		],
	],
	[
		'wanx2.1-vace-plus',
		'first_clip_url',
		[
			['360', () => video({ size: '360x360' }), 'good'],
			['358', () => video({ size: '358x360' }), 'Resolution'],
			['2000', () => video({ size: '2000x360', fps: 16 }), 'good'],
			['2002', () => video({ size: '2002x360', fps: 16 }), 'Resolution'],
			['15 fps', () => video({ fps: 15 }), 'FPS'],
			['8 s, of which it uses the first', () => video({ seconds: 8 }), 'good'],
			['MOV', () => video({ extension: 'mov' }), 'Format'],
			['50 MB', () => video({ padding: 50 * MB }), 'good'],
			['more', () => video({ padding: 50 * MB + 1 }), 'Size'],
			['an image', () => image('400x400'), 'Format'],
		],
	],
	[
		'wanx2.1-vace-plus',
		'mask_image_url',
		[
			['PNG', () => image('400x400'), 'good'],
			['with alpha', () => image('400x400', 'png', undefined, 'rgba'), 'good'],
			['a video', () => video({}), 'Format'],
		],
	],
	['wanx2.1-vace-plus', 'mask_video_url', [['15 fps', () => video({ fps: 15 }), 'FPS']]],
	['wanx2.1-vace-plus', 'ref_images_url', [['a video', () => video({}), 'Format']]],
	[
		'wan2.2-animate-mix',
		'video_url',
		[
			['2 s', () => video({ seconds: 2 }), 'good'],
			['1.5 s', () => video({ seconds: 1.5 }), 'Duration'],
			['30 s', () => video({ seconds: 30, fps: 5 }), 'good'],
			['31 s', () => video({ seconds: 31, fps: 5 }), 'Duration'],
			['200', () => video({ size: '200x200' }), 'good'],
			['198', () => video({ size: '198x200' }), 'Resolution'],
			['2048', () => video({ size: '2048x700', fps: 5 }), 'good'],
			['2050', () => video({ size: '2050x700', fps: 5 }), 'Resolution'],
			['3:1', () => video({ size: '600x200' }), 'good'],
			['wider', () => video({ size: '610x200' }), 'AspectRatio'],
			['AVI', () => video({ extension: 'avi' }), 'good'],
			['MOV', () => video({ extension: 'mov' }), 'good'],
			['200 MB', () => video({ padding: 200 * MB }), 'good'],
			['more', () => video({ padding: 200 * MB + 1 }), 'Size'],
		],
	],
	[
		'wan2.2-animate-mix',
		'image_url',
		[
			['with alpha', () => image('300x300', 'png', undefined, 'rgba'), 'good'],
			['200', () => image('200x200'), 'good'],
			['198', () => image('198x200'), 'Resolution'],
			['4096', () => image('4096x1400'), 'good'],
			['4098', () => image('4098x1400'), 'Resolution'],
			['3:1', () => image('600x200'), 'good'],
			['wider', () => image('602x200'), 'AspectRatio'],
			['5 MB', () => image('300x300', 'bmp', 5 * MB), 'good'],
			['more', () => image('300x300', 'bmp', 5 * MB + 1), 'Size'],
		],
	],
];

describe.each(CASES)('%s, %s', (model, place, rows) => {
	it.each(rows)('%s', async (_what, make, expected) => {
		expect(await verdict(model, place, await make())).toBe(expected);
	});
});
