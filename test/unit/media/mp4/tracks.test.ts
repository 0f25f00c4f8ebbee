import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinClips } from '../../../../nodes/shared/media/mp4/join';
import { readMovie } from '../../../../nodes/shared/media/mp4/tracks';
import type { Movie } from '../../../../nodes/shared/media/mp4/tracks';
import { runFfmpeg } from '../../../../sandbox/programs';
import { bytesOf, changed, piecesOf, sourceOf } from './files';

/** Files that play, although their tables say odd things about times. */

const VIDEO = ['-f', 'lavfi', '-i', 'testsrc=size=96x64:rate=10:duration=6'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=duration=6:sample_rate=16000'];
const CODECS = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-c:a', 'aac'];

let folder = '';

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'tracks-'));
});

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

async function made(...args: string[]): Promise<Buffer> {
	const path = join(folder, 'made.mp4');
	await runFfmpeg(['-y', ...args, path]);
	return await readFile(path);
}

const timesOf = ({ video, audio }: Movie) =>
	[video, ...audio].map(({ start, end }) => [start, end].map((time) => Math.round(time * 10) / 10));

describe.each([
	['an hour', 3600],
	['25 hours', 90_000],
])('fragments of a live stream that has run for %s', (_, offset) => {
	let clip: Buffer;

	beforeAll(async () => {
		clip = await made(
			...[...VIDEO, ...SOUND, ...CODECS, '-use_editlist', '0', '-video_track_timescale', '16000'],
			...['-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
		);
		for (let at = clip.indexOf('tfdt'); at > 0; at = clip.indexOf('tfdt', at + 1)) {
			const time = clip.readBigUInt64BE(at + 8);
			clip.writeBigUInt64BE(time + BigInt(16_000 * offset), at + 8);
		}
	});

	test('begin at 0, with their sound in step', async () => {
		const movie = await readMovie(sourceOf(clip));
		const [video = [], sound = []] = timesOf(movie);
		expect(Math.min(...video, ...sound)).toBe(0);
		expect(Math.abs((video[0] ?? NaN) - (sound[0] ?? NaN))).toBeLessThan(0.2);
		expect(movie.video.end - movie.video.start).toBeCloseTo(6, 0);
	});

	test('are as long as they were when their pieces are joined', async () => {
		const { cuts, files } = await piecesOf(sourceOf(clip), { min: 1, max: 4 });
		expect(files).toHaveLength(2);
		const { file } = await joinClips(files.map(sourceOf), { cuts });
		const movie = await readMovie(sourceOf(await bytesOf(file)));
		expect(movie.video.start).toBeLessThan(0.2);
		expect(movie.video.end).toBeLessThan(6.3);
	});
});

test('fragments of more than six hours are too long', async () => {
	const clip = await made(
		...['-f', 'lavfi', '-i', 'testsrc=size=16x16:rate=0.001:duration=23000', '-c:v', 'mpeg4'],
		...['-video_track_timescale', '1000', '-use_editlist', '0'],
		...['-movflags', 'frag_keyframe+empty_moov'],
	);
	await expect(readMovie(sourceOf(clip))).rejects.toThrow('longer than six hours');
});

describe('sound', () => {
	test('of which the edit list shows nothing is left out: the video plays', async () => {
		await made(...VIDEO, '-f', 'lavfi', '-i', 'sine=duration=3:sample_rate=16000', ...CODECS);
		const path = join(folder, 'late.mp4');
		await runFfmpeg(['-ss', '3.5', '-i', join(folder, 'made.mp4'), '-c', 'copy', path]);
		const clip = await readFile(path);
		expect(clip.includes('soun')).toBe(true);
		const { audio, notes, video } = await readMovie(sourceOf(clip));
		expect(audio).toEqual([]);
		expect(video.end - video.start).toBeCloseTo(2.5, 1);
		expect(notes).toEqual(['Track 2 (audio) is left out: it is never played (edit list).']);
		await expect(piecesOf(sourceOf(clip), { min: 0.5, max: 2 })).resolves.toBeDefined();
	});

	test.each([
		[1, 'audio'],
		[0, 'video'],
	])('in several parts is refused, as a video is (track %i, %s)', async (number, kind) => {
		const clip = await made(...VIDEO, ...SOUND, ...CODECS);
		/** The entry of the edit list of a track, twice. */
		const twice = (track: number) => {
			let at = -1;
			for (let index = 0; index <= track; index++) at = clip.indexOf('elst', at + 1);
			const edit = clip.subarray(at + 12, at + 24);
			const grown = Buffer.concat([clip.subarray(0, at + 12), edit, edit, clip.subarray(at + 24)]);
			grown.writeUInt32BE(2, at + 8);
			const trak = grown.lastIndexOf('trak', at);
			const moov = grown.indexOf('moov');
			for (const box of [moov, trak, grown.indexOf('edts', trak), at]) {
				grown.writeUInt32BE(grown.readUInt32BE(box - 4) + 12, box - 4);
			}
			return grown;
		};
		await expect(readMovie(sourceOf(twice(number)))).rejects.toThrow(
			`The ${kind} was cut into several parts`,
		);
	});
});

test('bytes behind the last box that are no box do not matter where no fragments can follow', async () => {
	const foreign = Buffer.from([0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8]);
	const clip = await made(...VIDEO, ...SOUND, ...CODECS);
	const { video } = await readMovie(sourceOf(Buffer.concat([clip, foreign])));
	expect(video.samples).toHaveLength(60);
	const fragments = await made(...VIDEO, ...CODECS, '-movflags', 'frag_keyframe+empty_moov');
	const cut = readMovie(sourceOf(Buffer.concat([fragments, foreign])));
	await expect(cut).rejects.toThrow(/size of its box at byte \d+ cannot be true/);
});

test.each([
	[2, 'of a time code is left out with it', true],
	[1, 'of the sound is refused', false],
])('another speed by the edit list of track %i: that %s', async (track, _, isTaken) => {
	await made(...VIDEO, ...SOUND, ...CODECS);
	const path = join(folder, 'timecode.mov');
	const timecode = ['-timecode', '01:02:03:04', path];
	await runFfmpeg(['-y', '-i', join(folder, 'made.mp4'), '-c', 'copy', ...timecode]);
	const lists = ['moov', `trak:${track}`, 'edts', 'elst'];
	const clip = changed(await readFile(path), lists, (content) => {
		content.writeUInt32BE(0, 16);
		return content;
	});
	const movie = readMovie(sourceOf(clip));
	if (isTaken) expect((await movie).video.samples).toHaveLength(60);
	else await expect(movie).rejects.toThrow('is played at another speed');
});

describe('uncompressed sound whose table gives 1 as the size of each frame, as QuickTime does', () => {
	const STBL = ['moov', 'trak:1', 'mdia', 'minf', 'stbl'];
	let clip: Buffer;
	let odd: Buffer;

	beforeAll(async () => {
		await made(...VIDEO, ...SOUND, ...CODECS);
		const path = join(folder, 'pcm.mov');
		const stereo = ['-c:v', 'copy', '-c:a', 'pcm_s16le', '-ac', '2', path];
		await runFfmpeg(['-y', '-i', join(folder, 'made.mp4'), ...stereo]);
		clip = await readFile(path);
		odd = changed(clip, [...STBL, 'stsz'], (content) => {
			expect(content.readUInt32BE(4)).toBe(4);
			content.writeUInt32BE(1, 4);
			return content;
		});
	});

	test('is read by its description', async () => {
		const { audio } = await readMovie(sourceOf(odd));
		expect(audio).toEqual((await readMovie(sourceOf(clip))).audio);
		expect(audio[0]?.frameBytes).toBe(4);
	});

	test('is left out where it is compressed', async () => {
		const compressed = changed(odd, [...STBL, 'stsd'], (content) => {
			content.write('ima4', 12, 'latin1');
			return content;
		});
		const { audio, notes } = await readMovie(sourceOf(compressed));
		expect(audio).toEqual([]);
		expect(notes).toEqual([
			'Track 2 (audio) is left out: it is compressed, and the file does not say how large its packets are.',
		]);
	});
});

describe('absurd tables', () => {
	const STBL = ['moov', 'trak', 'mdia', 'minf', 'stbl'];
	/** A table of `count` entries of so many words each. */
	const table = (count: number, words: number[]) => {
		const content = Buffer.alloc(8 + count * words.length * 4);
		content.writeUInt32BE(count, 4);
		for (let entry = 0; entry < count; entry++) {
			words.forEach((word, index) =>
				content.writeUInt32BE(word, 8 + (entry * words.length + index) * 4),
			);
		}
		return content;
	};
	const FREE = Buffer.from('\0\0\0\x08free');
	const EMPTY_ENTRY = [16, 0x61766331, 0, 1];

	test.each<[string, string[], (content: Buffer) => Buffer, string]>([
		[
			'boxes',
			['moov'],
			(content) => Buffer.concat([Buffer.alloc(8 * 10_000, FREE), content]),
			'"moov" has more than 10000 boxes',
		],
		[
			'tracks',
			['moov'],
			(content) => {
				const trak = content.indexOf('trak') - 4;
				const one = content.subarray(trak, trak + content.readUInt32BE(trak));
				return Buffer.concat([content, ...Array<Buffer>(199).fill(one)]);
			},
			'it claims to have 201 tracks',
		],
		[
			'sample descriptions',
			[...STBL, 'stsd'],
			() => table(10_001, EMPTY_ENTRY),
			'its box "stsd" counts 10001 entries',
		],
		[
			'edits',
			['moov', 'trak', 'edts', 'elst'],
			() => table(10_001, [1, 0, 0x10000]),
			'its box "elst" counts 10001 entries',
		],
		['key frames', [...STBL, 'stss'], () => table(61, [1]), 'its box "stss" counts 61 entries'],
		[
			'runs of samples in chunks',
			[...STBL, 'stsc'],
			() => table(1_000_001, [1, 1, 1]),
			'its box "stsc" counts 1000001 entries',
		],
	])('%s are refused before they are read', async (_, path, change, message) => {
		const clip = changed(await made(...VIDEO, ...SOUND, ...CODECS), path, change);
		await expect(readMovie(sourceOf(clip))).rejects.toThrow(message);
	});

	test('of millions of boxes that nobody asks for, nothing is made: they are passed over quickly', async () => {
		const clip = await made(...VIDEO, ...SOUND, ...CODECS);
		const filled = [1, 2, 3, 4, 5].reduce(
			(file, depth) =>
				changed(file, ['moov', 'trak', 'mdia', 'minf', 'stbl'].slice(0, depth), (content) =>
					Buffer.concat([Buffer.alloc(8 * 9900, FREE), content]),
				),
			clip,
		);
		const many = changed(filled, ['moov'], (content) => {
			const trak = content.indexOf('trak') - 4;
			const one = content.subarray(trak, trak + content.readUInt32BE(trak));
			return Buffer.concat([content, ...Array<Buffer>(90).fill(one)]);
		});
		const began = performance.now();
		expect((await readMovie(sourceOf(many))).video.samples).toHaveLength(60);
		// A second or two where it took half a minute.
		expect(performance.now() - began).toBeLessThan(7000);
	});

	test('more runs of samples than there are chunks are let through: such a file plays', async () => {
		const clip = changed(
			await made(...VIDEO, ...SOUND, ...CODECS),
			[...STBL, 'stsc'],
			(content) => {
				const last = Buffer.from([0, 0, 0x7f, 0xff, 0, 0, 0, 1, 0, 0, 0, 1]);
				const grown = Buffer.concat([content, last]);
				grown.writeUInt32BE(content.readUInt32BE(4) + 1, 4);
				return grown;
			},
		);
		expect((await readMovie(sourceOf(clip))).video.samples).toHaveLength(60);
	});
});
