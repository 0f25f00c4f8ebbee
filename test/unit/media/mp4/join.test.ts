import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinClips } from '../../../../nodes/shared/media/mp4/join';
import type { JoinOptions } from '../../../../nodes/shared/media/mp4/join';
import { joinVideo } from '../../../../nodes/shared/media/mp4/joinVideo';
import { readMovie } from '../../../../nodes/shared/media/mp4/tracks';
import { runFfmpeg } from '../../../../sandbox/programs';
import { bytesOf, changed, sourceAt, sourceOf } from './files';

/** What is joined where files are alike, but not the same. */

let folder = '';
/** Six seconds with sound, none of whose packets is like another. */
let plain: Buffer;

const path = (name: string) => join(folder, name);

async function made(name: string, ...args: string[]): Promise<Buffer> {
	await runFfmpeg(['-y', ...args, path(name)]);
	return await readFile(path(name));
}

async function joined(files: Buffer[], options: JoinOptions = {}): Promise<Buffer> {
	return await bytesOf((await joinClips(files.map(sourceOf), options)).file);
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'join-'));
	plain = await made(
		...(['plain.mp4', '-f', 'lavfi', '-i', 'testsrc=size=96x64:rate=10:duration=6'] as const),
		...['-f', 'lavfi', '-i', 'anoisesrc=duration=6:sample_rate=16000:seed=7'],
		...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-c:a', 'aac'],
	);
});

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

describe('sound of a file whose pictures begin late', () => {
	const LATE = 0.7;
	/** The pictures are {@link LATE} seconds behind where they were. */
	let late: Buffer;

	beforeAll(async () => {
		const twice = ['-itsoffset', String(LATE), '-i', path('plain.mp4'), '-i', path('plain.mp4')];
		late = await made('late.mp4', ...twice, '-map', '0:v', '-map', '1:a', '-c', 'copy');
	});

	/** Packets of sound by their content, and when they are heard: in seconds after the first picture. */
	async function heard(file: Buffer): Promise<Map<string, number>> {
		const { video, audio } = await readMovie(sourceOf(file));
		const [track] = audio;
		if (track === undefined) throw new Error('no sound');
		const shift = track.start - track.from / track.timescale - video.start;
		return new Map(
			track.samples.map(({ offset, size, pts }) => [
				file.toString('base64', offset, offset + size),
				pts / track.timescale + shift,
			]),
		);
	}

	/** Half a packet of 1024 at 16,000 a second. */
	const HALF = 512 / 16_000 + 0.001;

	async function expectInStep(file: Buffer, start: number, least: number): Promise<void> {
		const [before, after] = [await heard(late), await heard(file)];
		const off = [...after].flatMap(([content, seconds]) => {
			const own = before.get(content);
			return own === undefined ? [] : [seconds - start - own];
		});
		expect(off.length).toBeGreaterThanOrEqual(least);
		expect(Math.max(...off.map(Math.abs))).toBeLessThanOrEqual(HALF);
	}

	test('is in step when it is joined, as the first or as the second', async () => {
		const other = await made('other.mp4', '-i', path('plain.mp4'), '-an', '-c', 'copy');
		await expectInStep(await joined([late, other]), 0, 80);
		await expectInStep(await joined([late]), 0, 80);
		await expectInStep(await joined([other, late]), 6, 80);
	});

	test('is in step beside other pictures', async () => {
		await expectInStep(await joined([plain], { sound: sourceOf(late) }), 0, 80);
	});

	test('keeps its time where the cuts are those of its own file', async () => {
		const cuts = [LATE, LATE + 6];
		await expectInStep(await joined([plain], { sound: sourceOf(late), cuts }), 0, 90);
	});

	test('that ends before its first picture is none', async () => {
		const shift = ['-itsoffset', '8', '-i', path('plain.mp4'), '-i', path('plain.mp4')];
		const later = await made('later.mp4', ...shift, '-map', '0:v', '-map', '1:a', '-c', 'copy');
		const { notes } = await joinClips([later, plain].map(sourceOf));
		expect(notes).toEqual(['Piece 1 has no sound: silence stands in.']);
		const alone = await readMovie(sourceOf(await joined([later])));
		expect(alone.audio).toEqual([]);
		expect(alone.notes).toEqual([]);
		const beside = await joined([plain], { sound: sourceOf(later) });
		expect((await readMovie(sourceOf(beside))).audio).toEqual([]);
	});
});

test.each([
	['hvc1', 'hev1'],
	['hev1', 'hvc1'],
])('%s and %s, which ffmpeg does not play as one track, get one name', async (one, other) => {
	const h265 = (name: string, qp: number) => [
		...['-i', path('plain.mp4'), '-vf', 'scale=128:96', '-an', '-c:v', 'libx265'],
		...['-preset', 'ultrafast', '-x265-params', `qp=${qp}:ref=${qp % 3}:log-level=none`],
		...['-tag:v', name],
	];
	const files = [
		await made('one.mp4', ...h265(one, 37)),
		await made('two.mp4', ...h265(other, 38)),
	];
	await writeFile(path('both.mp4'), await joined(files));
	const { video } = await readMovie(await sourceAt(path('both.mp4')));
	expect(video.descriptions.map((entry) => String.fromCharCode(...entry.subarray(4, 8)))).toEqual([
		one,
		one,
	]);
	const shown = await made('shown.txt', '-i', path('both.mp4'), '-f', 'framemd5');
	expect(shown.toString().match(/^0,/gm)).toHaveLength(120);
});

test('key frames of one encoder share the bytes of their parameter sets', async () => {
	const encoder = ['-an', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-refs', '3'];
	const other = await made('other.mp4', '-i', path('plain.mp4'), ...encoder);
	const pieces = await Promise.all(
		[plain, other].map(async (file, index) => {
			const source = sourceOf(file);
			const [start, name] = [6 * index, `piece ${index + 1}`];
			const movie = await readMovie(source);
			return { number: index + 1, name, movie, source, start, end: start + 6 };
		}),
	);
	const [first] = pieces;
	if (first === undefined) throw new Error('no pieces');
	const { track } = await joinVideo(pieces, first);
	const prefixes = track.samples.flatMap(({ prefix }) => prefix ?? []);
	expect(prefixes).toHaveLength(12);
	expect(new Set(prefixes).size).toBe(2);
});

test('AAC is the same with and without the note that it has no SBR', async () => {
	const packets = await made('sound.aac', '-i', path('plain.mp4'), '-vn', '-c', 'copy');
	expect(packets.length).toBeGreaterThan(0);
	const both = ['-i', path('plain.mp4'), '-i', path('sound.aac'), '-map', '0:v', '-map', '1:a'];
	const bare = await made('bare.mp4', ...both, '-c', 'copy');
	const NOTE = Buffer.from([0x56, 0xe5, 0]);
	expect([plain, bare].map((file) => file.includes(NOTE))).toEqual([true, false]);
	const { audio } = await readMovie(sourceOf(await joined([plain, bare])));
	expect(audio[0]?.end).toBeCloseTo(12, 0);
});

test('the sound may be that of a file without video', async () => {
	const song = await made('song.m4a', '-i', path('plain.mp4'), '-vn', '-c', 'copy');
	const mute = await made('mute.mp4', '-i', path('plain.mp4'), '-an', '-c', 'copy');
	const { audio } = await readMovie(sourceOf(await joined([mute], { sound: sourceOf(song) })));
	const [own] = (await readMovie(sourceOf(plain))).audio;
	expect(audio[0]?.samples.map(({ size }) => size)).toEqual(own?.samples.map(({ size }) => size));
	expect(audio[0]?.end).toBeCloseTo(own?.end ?? NaN, 2);
	await expect(joined([song])).rejects.toThrow('Piece 1: The file has no video');
	const silent = changed(song, ['moov', 'trak', 'mdia', 'hdlr'], (content) => {
		content.write('text', 8, 'latin1');
		return content;
	});
	const without = joined([mute], { sound: sourceOf(silent) });
	await expect(without).rejects.toThrow('The file has no sound');
});
