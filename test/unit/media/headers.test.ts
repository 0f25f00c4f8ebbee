import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFacts } from '../../../nodes/shared/media/headers';
import type { MediaFacts } from '../../../nodes/shared/media/headers';
import { HEAD_BYTES, detectFormat } from '../../../nodes/shared/media/formats';
import type { MediaFormat } from '../../../nodes/shared/media/types';
import { runFfmpeg, runFfprobe } from '../../../sandbox/programs';

/** Real files: what the reader says against what ffprobe says. */

const VIDEO = ['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=25:duration=3'];
const AUDIO = ['-f', 'lavfi', '-i', 'sine=duration=3.5'];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
const STILL = ['-f', 'lavfi', '-i', 'testsrc=size=317x241:rate=1:duration=1', '-frames:v', '1'];
const SEE_THROUGH = ['-f', 'lavfi', '-i', 'color=red@0.3:size=317x241:duration=1,format=rgba'];
const PALETTE = 'split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse';

/** File name to ffmpeg's arguments; `<name>` stands for another of the files. */
const VIDEOS: ReadonlyArray<readonly [string, string[]]> = [
	['faststart.mp4', [...VIDEO, ...H264, '-movflags', '+faststart']],
	['moov-at-end.mp4', [...VIDEO, ...H264]],
	['quicktime.mov', [...VIDEO, '-c:v', 'mpeg4']],
	['mjpeg-pcm.mov', [...AUDIO, ...VIDEO, '-t', '0.4', '-c:v', 'mjpeg', '-c:a', 'pcm_s16le']],
	['audio-first.mp4', [...AUDIO, ...VIDEO, '-map', '0:a', '-map', '1:v', ...H264]],
	['sound-outlasts.mp4', [...VIDEO, ...AUDIO, ...H264]],
	['rotated-90.mp4', ['-i', '<moov-at-end.mp4>', '-c', 'copy', '-metadata:s:v:0', 'rotate=90']],
	['rotated-180.mp4', ['-i', '<moov-at-end.mp4>', '-c', 'copy', '-metadata:s:v:0', 'rotate=180']],
	['rotated-270.mov', ['-i', '<quicktime.mov>', '-c', 'copy', '-metadata:s:v:0', 'rotate=270']],
	['trimmed-by-edit-list.mp4', ['-ss', '1.04', '-i', '<moov-at-end.mp4>', '-c', 'copy']],
	['odd-timescale.mp4', [...VIDEO, ...H264, '-video_track_timescale', '90001']],
	['64-bit-times.mp4', [...VIDEO, ...H264, '-video_track_timescale', '2000000000']],
	['ntsc.mp4', [...VIDEO, '-r', '30000/1001', ...H264]],
	['slow.mov', [...VIDEO, '-r', '7.5', ...H264]],
	['wide-pixels.mp4', [...VIDEO, '-vf', 'setsar=4/3', ...H264]],
	[
		'hevc.mp4',
		[...VIDEO, '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=0'],
	],
];

const FRAGMENTED: ReadonlyArray<readonly [string, string[]]> = [
	['fragments.mp4', [...VIDEO, ...H264, '-movflags', 'frag_keyframe+empty_moov']],
	['first-fragment-in-moov.mp4', [...VIDEO, ...H264, '-g', '25', '-movflags', 'frag_keyframe']],
];

/** Ten pictures a second, then three. */
const UNEVEN = ['-vf', "select='lt(t,1)+not(mod(n,3))'", '-vsync', 'vfr', '-r', '10', ...H264];

const IMAGES: ReadonlyArray<readonly [string, string[], boolean | undefined]> = [
	['baseline.jpg', STILL, undefined],
	['rgb.png', [...STILL, '-pix_fmt', 'rgb24'], false],
	['grey.png', [...STILL, '-pix_fmt', 'gray'], false],
	['rgba.png', [...STILL, '-pix_fmt', 'rgba'], true],
	['grey-alpha.png', [...STILL, '-pix_fmt', 'ya8'], true],
	['palette.png', [...STILL, '-pix_fmt', 'pal8'], false],
	['palette-trns.png', [...SEE_THROUGH, '-frames:v', '1', '-filter_complex', PALETTE], true],
	['rgb.bmp', STILL, undefined],
	['lossy.webp', STILL, false],
	['lossless.webp', [...STILL, '-lossless', '1'], false],
	['lossless-alpha.webp', [...SEE_THROUGH, '-frames:v', '1', '-lossless', '1'], true],
	['lossy-alpha.webp', [...SEE_THROUGH, '-frames:v', '1', '-pix_fmt', 'yuva420p'], true],
];

let folder = '';
const pathOf = (name: string) => join(folder, name);

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'headers-'));
	const uneven = ['uneven.mp4', [...VIDEO, ...UNEVEN]] as const;
	for (const [name, args] of [...VIDEOS, ...FRAGMENTED, uneven, ...IMAGES]) {
		const resolved = args.map((arg) => (arg.startsWith('<') ? pathOf(arg.slice(1, -1)) : arg));
		await runFfmpeg([...resolved, pathOf(name)]);
	}
	await writeFile(pathOf('progressive.jpg'), progressiveJpeg(317, 241));
}, 120_000);

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

/**
 * A real progressive JPEG, mid-grey: one scan of DC coefficients, whose differences are all 0, one bit each. The
 * comment is there because ffprobe does not believe in so few bytes for so many pixels.
 */
function progressiveJpeg(width: number, height: number): Buffer {
	const segment = (marker: number, ...content: number[]) => [
		...[0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 0xff],
		...content,
	];
	const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
	const size = [height >> 8, height & 0xff, width >> 8, width & 0xff];
	const lastByte = 0xff >> blocks % 8;
	return Buffer.from([
		...[0xff, 0xd8],
		...segment(0xfe, ...Array<number>(500).fill(0x20)),
		...segment(0xdb, 0, ...Array<number>(64).fill(1)),
		...segment(0xc2, 8, ...size, 1, 1, 0x11, 0),
		...segment(0xc4, 0, 1, ...Array<number>(15).fill(0), 0),
		...segment(0xda, 1, 1, 0, 0, 0, 0),
		...Array<number>(Math.floor(blocks / 8)).fill(0),
		...(blocks % 8 === 0 ? [] : [lastByte]),
		...[0xff, 0xd9],
	]);
}

function entriesOf(value: unknown): Map<string, unknown> {
	return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function listOf(value: unknown): unknown[] {
	return Array.isArray(value) ? value : [];
}

/** What ffprobe says of the video or picture, turned as a player would turn it. */
async function probe(name: string): Promise<Required<Omit<MediaFacts, 'transparent' | 'flaw'>>> {
	const { streams } = Object.fromEntries(entriesOf(await runFfprobe(pathOf(name))));
	const stream = listOf(streams)
		.map(entriesOf)
		.find((one) => one.get('codec_type') === 'video');
	const rotation = listOf(stream?.get('side_data_list'))
		.map((data) => entriesOf(data).get('rotation'))
		.find((value) => value !== undefined);
	const width = Number(stream?.get('width'));
	const height = Number(stream?.get('height'));
	const [pictures = NaN, over = NaN] = String(stream?.get('avg_frame_rate')).split('/').map(Number);
	const sideways = Math.abs(Number(rotation ?? 0)) % 180 === 90;
	return {
		width: sideways ? height : width,
		height: sideways ? width : height,
		seconds: Number(stream?.get('duration')),
		fps: pictures / over,
	};
}

function formatOf(content: Buffer): MediaFormat {
	const format = detectFormat(content.subarray(0, HEAD_BYTES));
	if (typeof format === 'string') throw new Error(format);
	return format;
}

async function factsOf(name: string): Promise<MediaFacts> {
	return await readFacts(createReadStream(pathOf(name)), formatOf(await readFile(pathOf(name))));
}

async function* chunked(
	content: Buffer,
	nextSize: (start: number) => number,
): AsyncGenerator<Uint8Array> {
	for (let start = 0, size = 0; start < content.length; start += size) {
		size = nextSize(start);
		yield await Promise.resolve(content.subarray(start, start + size));
	}
}

describe('videos that ffmpeg made', () => {
	it.each(VIDEOS.map(([name]) => name))('%s: as ffprobe says', async (name) => {
		const { seconds, fps, ...size } = await factsOf(name);
		const expected = await probe(name);
		expect(size).toEqual({ width: expected.width, height: expected.height });
		expect(Math.abs((seconds ?? 0) - expected.seconds)).toBeLessThan(0.002);
		// Its pictures last 3600 or 3601 units.
		const known = name !== 'odd-timescale.mp4';
		expect(fps ?? 0).toBeCloseTo(known ? expected.fps : 0, 2);
	});

	it('turns the size of a video that is shown sideways', async () => {
		expect(await factsOf('rotated-90.mp4')).toMatchObject({ width: 240, height: 320 });
		expect(await factsOf('rotated-180.mp4')).toMatchObject({ width: 320, height: 240 });
		expect(await factsOf('rotated-270.mov')).toMatchObject({ width: 240, height: 320 });
	});

	it('tells the size of the pictures, not of their display, where pixels are not square', async () => {
		expect(await factsOf('wide-pixels.mp4')).toMatchObject({ width: 320, height: 240 });
	});

	it('leaves sound out that outlasts the video, and what an edit list hides', async () => {
		expect((await factsOf('sound-outlasts.mp4')).seconds).toBeCloseTo(3, 3);
		expect((await factsOf('trimmed-by-edit-list.mp4')).seconds).toBeCloseTo(1.96, 3);
	});

	it('do not say a frame rate where pictures last unequally long', async () => {
		const facts = await factsOf('uneven.mp4');
		expect(facts.seconds).toBeGreaterThan(1);
		expect(facts.fps).toBeUndefined();
	});

	it.each(FRAGMENTED.map(([name]) => name))('%s: size known, length not', async (name) => {
		const facts = await factsOf(name);
		expect(facts).toEqual({ width: 320, height: 240 });
		expect(facts.seconds).toBeUndefined();
	});
});

describe('pictures', () => {
	it.each(IMAGES)('%s: as ffprobe says', async (name, _args, transparent) => {
		const { width, height } = await probe(name);
		expect(await factsOf(name)).toEqual({ width, height, transparent });
		expect([width, height]).toEqual([317, 241]);
	});

	it('progressive.jpg: as ffprobe says', async () => {
		const { width, height } = await probe('progressive.jpg');
		expect(await factsOf('progressive.jpg')).toEqual({ width, height });
		expect([width, height]).toEqual([317, 241]);
	});
});

describe('chunks', () => {
	const names = [...VIDEOS, ...FRAGMENTED, ...IMAGES].map(([name]) => name);

	it.each([...names, 'progressive.jpg'])('%s: the same however the bytes come', async (name) => {
		const content = await readFile(pathOf(name));
		const expected = await factsOf(name);
		const format = formatOf(content);
		const isMiddle = (start: number) => start > 4_000 && start < content.length - 8_000;
		const sizes = [
			(start: number) => (isMiddle(start) ? 100 : 1),
			() => 7,
			() => content.length,
			() => Math.floor(Math.random() * 20),
			() => Math.floor(Math.random() * 5000),
		];
		for (const nextSize of sizes) {
			expect(await readFacts(chunked(content, nextSize), format)).toEqual(expected);
		}
	});
});
