import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { joinClips } from '../../nodes/shared/media/mp4/join';
import type { JoinOptions } from '../../nodes/shared/media/mp4/join';
import { beginningOf, splitClip } from '../../nodes/shared/media/mp4/split';
import { ClipError, streamedSource } from '../../nodes/shared/media/mp4/source';
import type { ByteSource, ClipFile } from '../../nodes/shared/media/mp4/source';
import { ffmpegPath, ffprobePath, runFfmpeg } from '../../sandbox/programs';

/** Clips as cameras and programs make them, split and joined, as ffmpeg and ffprobe see the results. */

const run = promisify(execFile);
const MEGABYTE = 2 ** 20;
const LIMITS = { min: 2, max: 10 };
let folder = '';

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'clips-'));
});

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, name);

function sourceAt(name: string) {
	const path = at(name);
	return streamedSource(
		statSync(path).size,
		async () => await Promise.resolve(createReadStream(path, { highWaterMark: 16 * 1024 })),
	);
}

async function save(file: ClipFile, name: string): Promise<string> {
	await pipeline(file.chunks(), createWriteStream(at(name)));
	expect(statSync(at(name)).size).toBe(file.size);
	return name;
}

async function split(name: string): Promise<{ cuts: number[]; pieces: string[] }> {
	const source = sourceAt(name);
	const { cuts, pieces } = await splitClip(source, LIMITS);
	const names: string[] = [];
	for (const [index, piece] of pieces.entries()) {
		names.push(await save(piece, `${name}.${index}.mp4`));
	}
	await source.close();
	return { cuts, pieces: names };
}

async function joined(pieces: string[], name: string, options: JoinOptions = {}): Promise<string> {
	const { file } = await joinClips(pieces.map(sourceAt), options);
	return await save(file, name);
}

/** What ffmpeg says while it decodes everything. */
async function warnings(name: string): Promise<string> {
	const args = ['-hide_banner', '-nostdin', '-v', 'warning', '-i', at(name), '-map', '0'];
	return (await run(ffmpegPath(), [...args, '-vsync', '0', '-f', 'null', '-'])).stderr;
}

interface Shown {
	seconds: number;
	hash: string;
}

/** The decoded pictures or pieces of sound of a stream, and when they are shown. */
async function decoded(name: string, stream = '0:v:0'): Promise<Shown[]> {
	const args = ['-v', 'error', '-i', at(name), '-map', stream, '-vsync', '0', '-copyts'];
	const { stdout } = await run(ffmpegPath(), [...args, '-f', 'framemd5', '-'], {
		maxBuffer: 1e9,
	});
	const lines = stdout.split('\n');
	const [over = 0, under = 1] = (/^#tb 0: (.*)$/m.exec(stdout)?.[1] ?? '').split('/').map(Number);
	return lines
		.filter((line) => line !== '' && !line.startsWith('#'))
		.map((line) => line.split(',').map((field) => field.trim()))
		.map((fields) => ({ seconds: (Number(fields[2]) * over) / under, hash: fields[5] ?? '' }));
}

interface Probe {
	format: { duration: string };
	streams: Array<{
		codec_type: string;
		codec_name: string;
		duration: string;
		tags?: { language?: string };
		side_data_list?: Array<{ rotation?: number }>;
	}>;
}

async function probe(name: string): Promise<Probe> {
	const args = ['-v', 'error', '-show_format', '-show_streams', '-of', 'json', at(name)];
	return JSON.parse((await run(ffprobePath(), args)).stdout) as Probe;
}

const seconds = async (name: string) => Number((await probe(name)).format.duration);
const hashes = (frames: Shown[]) => frames.map(({ hash }) => hash);

const picture = (length: number, rate: string) => [
	...['-f', 'lavfi', '-i', `testsrc2=size=128x96:rate=${rate}:duration=${length}`],
];
const tone = (length: number, frequency = 440) => [
	...['-f', 'lavfi', '-i', `sine=frequency=${frequency}:sample_rate=44100:duration=${length}`],
];
const h264 = (gop: number, more = '') => [
	...['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-c:a', 'aac'],
	...['-x264-params', `keyint=${gop}:min-keyint=${gop}:scenecut=0${more}`],
];
const h265 = (gop: number, more: string) => [
	...['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-c:a', 'aac'],
	...['-x265-params', `keyint=${gop}:min-keyint=${gop}:scenecut=0:log-level=none${more}`],
];

const RECIPES: ReadonlyArray<readonly [string, string[]]> = [
	['10s-60.mp4', [...picture(10, '60'), ...tone(10), ...h264(30)]],
	['10.1s-30-silent.mp4', [...picture(10.1, '30'), ...h264(15)]],
	['30s-25-open.mp4', [...picture(30, '25'), ...tone(30), ...h264(50, ':open-gop=1')]],
	['30s-24-hevc.mp4', [...picture(30, '24'), ...tone(30), ...h265(48, ':open-gop=0')]],
	['12s-24-hevc-open.mp4', [...picture(12, '24'), ...tone(12), ...h265(48, ':bframes=3')]],
	['61s-29.97-gop9.mp4', [...picture(61, '30000/1001'), ...tone(61), ...h264(270)]],
	[
		'30s-fragments.mp4',
		[...picture(30, '30'), ...tone(30), ...h264(30), '-movflags', 'frag_keyframe+empty_moov'],
	],
	[
		'30s-faststart-two.mp4',
		[
			...[
				...picture(30, '25'),
				...tone(30),
				...tone(30, 880),
				'-map',
				'0',
				'-map',
				'1',
				'-map',
				'2',
			],
			...[...h264(50), '-metadata:s:a:1', 'language=deu', '-movflags', '+faststart'],
		],
	],
	['12s-pcm.mov', [...picture(12, '30'), ...tone(12), ...h264(60), '-c:a', 'pcm_s16le']],
	['12s-mp3.mp4', [...picture(12, '30'), ...tone(12), ...h264(60), '-c:a', 'libmp3lame']],
];

describe.each(RECIPES)('%s', (name, args) => {
	let original: Shown[] = [];
	let parts: Awaited<ReturnType<typeof split>> = { cuts: [], pieces: [] };
	let sounds: string[] = [];

	beforeAll(async () => {
		await runFfmpeg([...args, at(name)]);
		original = await decoded(name);
		parts = await split(name);
		const { streams } = await probe(name);
		sounds = streams
			.filter(({ codec_type }) => codec_type === 'audio')
			.map((_, index) => `0:a:${index}`);
	});

	test('the pieces show every picture once, at its time, within the limits', async () => {
		const frames: Shown[] = [];
		for (const [index, piece] of parts.pieces.entries()) {
			const [start = 0, end = 0] = parts.cuts.slice(index);
			expect(end - start).toBeLessThanOrEqual(10.000001);
			expect(end - start).toBeGreaterThanOrEqual(2);
			const own = await decoded(piece);
			expect(own[0]?.seconds).toBe(0);
			frames.push(...own.map((one) => ({ ...one, seconds: one.seconds + start })));
			const { streams } = await probe(piece);
			const { streams: all } = await probe(name);
			expect(streams.map((stream) => stream.codec_name)).toEqual(
				all.map((stream) => stream.codec_name),
			);
			expect(Math.abs(Number(streams[0]?.duration) - (end - start))).toBeLessThan(0.001);
		}
		expect(hashes(frames)).toEqual(hashes(original));
		const worst = frames.map((one, index) => one.seconds - (original[index]?.seconds ?? 0));
		expect(Math.max(...worst.map(Math.abs))).toBeLessThan(0.001);
	});

	test.each(['pieces', 'original'])('joined unchanged, with the sound of the %s', async (sound) => {
		const options = { cuts: parts.cuts, ...(sound === 'original' && { sound: sourceAt(name) }) };
		const result = await joined(parts.pieces, `${name}.${sound}.mp4`, options);
		expect(await warnings(result)).toBe('');
		const frames = await decoded(result);
		expect(hashes(frames)).toEqual(hashes(original));
		const off = frames.map((one, index) => one.seconds - (original[index]?.seconds ?? 0));
		expect(Math.max(...off.map(Math.abs))).toBeLessThan(0.001);
		expect(Math.abs((await seconds(result)) - (await seconds(name)))).toBeLessThan(0.034);
		for (const stream of sounds) {
			const [before, after] = [await decoded(name, stream), await decoded(result, stream)];
			// Sound from before the first picture, as this fragmented file has it, is in no piece.
			const early = name.includes('fragments') && sound === 'pieces' ? 2 : 0;
			expect(before.length - after.length).toBeLessThanOrEqual(early);
			const rest = after.length - early;
			expect(hashes(after).slice(-rest)).toEqual(hashes(before).slice(-rest));
		}
	});
});

describe('edited pieces', () => {
	const name = 'source.mp4';
	let parts: Awaited<ReturnType<typeof split>> = { cuts: [], pieces: [] };
	const edited: string[] = [];

	beforeAll(async () => {
		await runFfmpeg([...picture(21, '24'), ...tone(21), ...h264(60), at(name)]);
		parts = await split(name);
		for (const [index, piece] of parts.pieces.entries()) {
			const result = `edited-${index}.mp4`;
			// Each from an encoder that is set differently, as fast as the service makes them.
			const encoder = ['-r', '30', '-x264-params', `ref=${index + 1}:keyint=30`];
			const sound = ['-c:a', 'aac', '-ar', '44100'];
			await runFfmpeg(['-i', at(piece), '-vf', 'negate', ...encoder, ...sound, at(result)]);
			edited.push(result);
		}
	});

	async function expectInStep(result: string, used: string[]): Promise<void> {
		expect(await warnings(result)).toBe('');
		const frames = await decoded(result);
		for (const [index, piece] of used.entries()) {
			const [first] = await decoded(piece);
			const found = frames.find(({ hash }) => hash === first?.hash);
			expect(Math.abs((found?.seconds ?? -1) - (parts.cuts[index] ?? 0))).toBeLessThan(0.001);
		}
		expect(Math.abs((await seconds(result)) - (await seconds(name)))).toBeLessThan(0.034);
	}

	/** Packets with a hash of their content. */
	async function packets(file: string): Promise<Shown[]> {
		const args = ['-v', 'error', '-select_streams', 'a:0', '-show_packets'];
		const { stdout } = await run(
			ffprobePath(),
			[...args, '-show_data_hash', 'md5', '-of', 'json', at(file)],
			{ maxBuffer: 1e9 },
		);
		const found = JSON.parse(stdout) as { packets: Array<{ pts_time: string; data_hash: string }> };
		return found.packets.map((one) => ({ seconds: Number(one.pts_time), hash: one.data_hash }));
	}

	test("keep the original's sound and its time", async () => {
		const options = { cuts: parts.cuts, sound: sourceAt(name) };
		const result = await joined(edited, 'own.mp4', options);
		await expectInStep(result, edited);
		expect(await packets(result)).toEqual(await packets(name));
	});

	test('with their own sound: no packet is off by more than half of one, and none twice', async () => {
		const result = await joined(edited, 'theirs.mp4', { cuts: parts.cuts });
		await expectInStep(result, edited);
		const all = await packets(result);
		const steps = all.slice(1).map((one, index) => one.seconds - (all[index]?.seconds ?? 0));
		const packet = 1024 / 44100;
		expect(Math.max(...steps)).toBeLessThan(packet + 0.001);
		expect(Math.min(...steps)).toBeGreaterThan(packet - 0.001);
		for (const [index, piece] of edited.entries()) {
			const own = (await packets(piece)).filter((one) => one.seconds > 0.1 && one.seconds < 4);
			for (const { seconds: time, hash } of own) {
				const wanted = time + (parts.cuts[index] ?? 0);
				const places = all.filter((one) => one.hash === hash).map((one) => one.seconds - wanted);
				expect(Math.min(...places.map(Math.abs))).toBeLessThanOrEqual(packet / 2 + 0.001);
			}
		}
	});

	test('where one has no sound, silence keeps the others in step', async () => {
		await runFfmpeg(['-i', at(edited[1] ?? ''), '-an', '-c', 'copy', at('mute.mp4')]);
		const used = edited.map((piece, index) => (index === 1 ? 'mute.mp4' : piece));
		const result = await joined(used, 'silence.mp4', { cuts: parts.cuts });
		await expectInStep(result, used);
		const [start = 0, end = 0] = parts.cuts.slice(1);
		const args = ['-v', 'info', '-i', at(result), '-af', 'silencedetect=d=1', '-f', 'null', '-'];
		const { stderr } = await run(ffmpegPath(), args);
		const from = Number(/silence_start: ([\d.]+)/.exec(stderr)?.[1]);
		const until = Number(/silence_end: ([\d.]+)/.exec(stderr)?.[1]);
		expect(Math.abs(from - start)).toBeLessThan(0.05);
		expect(Math.abs(until - end)).toBeLessThan(0.05);
	});

	test('lengths that differ do not add up, and are said', async () => {
		const used: string[] = [];
		for (const [index, piece] of edited.entries()) {
			const wanted = (parts.cuts[index + 1] ?? 0) - (parts.cuts[index] ?? 0);
			const length = wanted + (index % 2 === 0 ? -0.4 : 0);
			const result = `uneven-${index}.mp4`;
			await runFfmpeg(['-i', at(piece), '-t', String(length), '-c:v', 'libx264', at(result)]);
			used.push(result);
		}
		const { file, notes } = await joinClips(used.map(sourceAt), {
			cuts: parts.cuts,
			sound: sourceAt(name),
		});
		await expectInStep(await save(file, 'uneven.mp4'), used);
		expect(notes[0]).toMatch(/^Piece 1 is .* its last frame is held\.$/);
	});

	test.each([
		['another size', ['-vf', 'scale=96:64'], /Piece 2 .* size is 96 × 64, .* 128 × 96/],
		['another codec', ['-c:v', 'libx265', '-x265-params', 'log-level=none'], /Piece 2 .* codec/],
		['other sound', ['-ar', '22050', '-ac', '2'], /sound of piece 2 is mp4a, 2 channels, 22050 Hz/],
		['another length', ['-t', '3'], /Piece 2 is 3.00 seconds long but should fill/],
	])('%s is refused', async (_, encoding, message) => {
		await runFfmpeg(['-i', at(edited[1] ?? ''), ...encoding, at('other.mp4')]);
		const used = edited.map((piece, index) => (index === 1 ? 'other.mp4' : piece));
		const joining = joined(used, 'refused.mp4', { cuts: parts.cuts });
		await expect(joining).rejects.toThrow(message);
		await expect(joining).rejects.toThrow(ClipError);
	});
});

describe('single facts', () => {
	test('the rotation, the language and a trimmed beginning are kept', async () => {
		await runFfmpeg([...picture(14, '30'), ...tone(14), ...h264(30), at('upright.mp4')]);
		// Copied from the middle of a GOP: an edit list hides what lies before.
		const trim = ['-ss', '1.5', '-i', at('upright.mp4'), '-c', 'copy'];
		const more = ['-metadata:s:v', 'rotate=90', '-metadata:s:a', 'language=fra'];
		await runFfmpeg([...trim, ...more, at('trimmed.mp4')]);
		const { cuts, pieces } = await split('trimmed.mp4');
		const result = await joined(pieces, 'turned.mp4', { cuts });
		for (const file of [...pieces, result]) {
			const { streams } = await probe(file);
			expect(Math.abs(streams[0]?.side_data_list?.[0]?.rotation ?? 0)).toBe(90);
			expect(streams[1]?.tags?.language).toBe('fra');
		}
		expect(hashes(await decoded(result))).toEqual(hashes(await decoded('trimmed.mp4')));
		expect(await warnings(result)).toBe('');
	});

	test('64-bit sizes and places', async () => {
		await runFfmpeg([...picture(3, '30'), ...tone(3), ...h264(30), at('short.mp4')]);
		const bytes = await readFile(at('short.mp4'));
		const mdat = bytes.indexOf('mdat') - 4;
		const size = bytes.readUInt32BE(mdat);
		// The box "free" of 8 bytes before it gives way to the longer header.
		expect(bytes.toString('latin1', mdat - 4, mdat)).toBe('free');
		const header = Buffer.alloc(16);
		header.writeUInt32BE(1, 0);
		header.write('mdat', 4);
		header.writeBigUInt64BE(BigInt(size + 8), 8);
		header.copy(bytes, mdat - 8);
		await writeFile(at('large.mp4'), bytes);
		const { pieces } = await split('large.mp4');
		expect(hashes(await decoded(pieces[0] ?? ''))).toEqual(hashes(await decoded('short.mp4')));
	});

	test('a clip of more than 4 GB, with nothing but zeros between', async () => {
		const name = 'sparse.mp4';
		await runFfmpeg([...picture(6, '30'), ...h264(30), at('plain.mp4')]);
		// Fragments say their places by themselves, so they can be moved behind 5 GB of nothing.
		const sparse = await open(at(name), 'w');
		const gap = 5 * 2 ** 30;
		const free = Buffer.alloc(16);
		free.writeUInt32BE(1, 0);
		free.write('free', 4);
		free.writeBigUInt64BE(BigInt(gap), 8);
		const fragmented = at('fragmented.mp4');
		await runFfmpeg([
			'-i',
			at('plain.mp4'),
			'-c',
			'copy',
			'-movflags',
			'frag_keyframe+empty_moov+default_base_moof',
			fragmented,
		]);
		const fragments = await readFile(fragmented);
		const first = fragments.indexOf('moof') - 4;
		await sparse.write(fragments.subarray(0, first), 0, first, 0);
		await sparse.write(free, 0, 16, first);
		await sparse.write(fragments.subarray(first), 0, fragments.length - first, first + gap);
		await sparse.close();
		const read = async (offset: number, length: number) => {
			const handle = await open(at(name));
			const { buffer } = await handle.read(new Uint8Array(length), 0, length, offset);
			await handle.close();
			return buffer;
		};
		const source: ByteSource = {
			size: statSync(at(name)).size,
			read,
			async *parts(offset, length) {
				for (let done = 0; done < length; done += MEGABYTE) {
					yield await read(offset + done, Math.min(MEGABYTE, length - done));
				}
			},
			close: async () => await Promise.resolve(),
		};
		const { pieces } = await splitClip(source, LIMITS);
		const [piece] = pieces;
		if (piece === undefined) throw new Error('no piece');
		await save(piece, 'small.mp4');
		expect(hashes(await decoded('small.mp4'))).toEqual(hashes(await decoded('plain.mp4')));
	});

	test('the beginning, cut between key frames', async () => {
		await runFfmpeg([...picture(12, '30'), ...tone(12), ...h264(90), at('long.mp4')]);
		const { file } = await beginningOf(sourceAt('long.mp4'), 4.5);
		await save(file, 'beginning.mp4');
		expect(await seconds('beginning.mp4')).toBeCloseTo(4.5, 2);
		const frames = await decoded('beginning.mp4');
		expect(hashes(frames)).toEqual(hashes(await decoded('long.mp4')).slice(0, 135));
		expect(await warnings('beginning.mp4')).toBe('');
	});
});
