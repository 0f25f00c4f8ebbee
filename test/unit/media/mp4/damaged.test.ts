import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { joinClips } from '../../../../nodes/shared/media/mp4/join';
import { checkPictures } from '../../../../nodes/shared/media/mp4/keyFrames';
import { ClipError } from '../../../../nodes/shared/media/mp4/source';
import { NoKeyFrameError, splitTrusting } from '../../../../nodes/shared/media/mp4/split';
import { readMovie } from '../../../../nodes/shared/media/mp4/tracks';
import { runFfmpeg } from '../../../../sandbox/programs';
import { bytesOf, piecesOf, sourceOf, streamOf } from './files';

/** Damaged files: a ClipError or a sound result, soon, and with little memory. More with DAMAGED_FILES=10000. */
const CASES = Number(process.env.DAMAGED_FILES ?? 500);
const LIMITS = { min: 0.9, max: 2 };

const VIDEO = ['-f', 'lavfi', '-i', 'testsrc=size=48x32:rate=10:duration=3'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=duration=3:sample_rate=16000'];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '5', '-c:a', 'aac'];
const H265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=5:log-level=none'];
const RECIPES: ReadonlyArray<readonly [string, string[]]> = [
	['end.mp4', [...VIDEO, ...SOUND, ...H264]],
	['begin.mp4', [...VIDEO, ...SOUND, ...H264, '-movflags', '+faststart']],
	['fragments.mp4', [...VIDEO, ...SOUND, ...H264, '-movflags', 'frag_keyframe+empty_moov']],
	['pcm.mov', [...VIDEO, ...SOUND, ...H264, '-c:a', 'pcm_s16le']],
	['hevc.mp4', [...VIDEO, '-vf', 'scale=128:96', ...H265]],
];

const seeds: Array<{ name: string; content: Buffer; tables: number[] }> = [];
let folder = '';

/** Offsets of everything within `moov` and `moof`. */
function tablesOf(content: Buffer): number[] {
	const offsets: number[] = [];
	for (let at = 0; at + 8 <= content.length; at += Math.max(8, content.readUInt32BE(at))) {
		if (!['moov', 'moof'].includes(content.toString('latin1', at + 4, at + 8))) continue;
		for (let one = at; one < at + content.readUInt32BE(at); one++) offsets.push(one);
	}
	return offsets;
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'clips-damaged-'));
	for (const [name, args] of RECIPES) {
		const path = join(folder, name);
		await runFfmpeg([...args, path]);
		const content = await readFile(path);
		seeds.push({ name, content, tables: tablesOf(content) });
	}
});

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

/** mulberry32: the same cases in each run. */
function randomOf(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
	};
}

const ABSURD = [0, 1, 2, 7, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff, 0x01000000];

function damage(content: Buffer, tables: number[], random: (below: number) => number): Buffer {
	const bytes = Buffer.from(content);
	const inTables = () => tables[random(tables.length)] ?? 0;
	const kind = random(6);
	if (kind === 0) return bytes.subarray(0, random(bytes.length));
	if (kind === 1) {
		const from = random(bytes.length);
		return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + random(200))]);
	}
	if (kind === 2) {
		const at = random(bytes.length);
		bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
		return bytes;
	}
	for (let count = 1 + random(3); count > 0; count--) {
		const at = Math.min(inTables(), bytes.length - 4);
		if (kind === 3) bytes.writeUInt32BE(ABSURD[random(ABSURD.length)] ?? 0, at);
		else bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
	}
	return bytes;
}

/** Whether a file stands up to a look at all of its tables and pictures. */
async function expectSound(file: Buffer): Promise<void> {
	const source = sourceOf(file);
	try {
		const { video } = await readMovie(source);
		await checkPictures(video, source);
	} catch (error) {
		throw new Error('a broken MP4 was handed on', { cause: error });
	}
}

test(`${CASES} damaged files`, async () => {
	const outcomes = { refused: 0, taken: 0 };
	const [good] = seeds;
	if (good === undefined) throw new Error('no seeds');
	let longest = 0;
	for (let index = 0; index < CASES; index++) {
		const seed = seeds[index % seeds.length] ?? good;
		const file = damage(seed.content, seed.tables, randomOf(index));
		const began = performance.now();
		try {
			const trusting = await piecesOf(streamOf(file, 4096), LIMITS, splitTrusting).catch(
				(error: unknown) => error,
			);
			const source = streamOf(file, 4096);
			const careful = await piecesOf(source, LIMITS).catch((error: unknown) => error);
			if (!(trusting instanceof NoKeyFrameError)) {
				// A file that is damaged and too short is refused for what is seen first.
				const outcome = (one: unknown) => (one instanceof ClipError ? 'refused' : one);
				// Jest's own comparison goes through buffers byte by byte, which takes most of a minute here.
				expect(isDeepStrictEqual(outcome(trusting), outcome(careful))).toBe(true);
			}
			if (careful instanceof Error) throw careful;
			const { files } = careful as Awaited<ReturnType<typeof piecesOf>>;
			for (const piece of files) await expectSound(piece);
			const joined = await joinClips([sourceOf(seed.content), sourceOf(file)]);
			await expectSound(await bytesOf(joined.file));
			outcomes.taken += 1;
		} catch (error) {
			if (!(error instanceof ClipError) || error.message === '' || error.hint === '') {
				throw new Error(`case ${index} (${seed.name})`, { cause: error });
			}
			outcomes.refused += 1;
		}
		longest = Math.max(longest, performance.now() - began);
	}
	if (process.env.DAMAGED_FILES !== undefined) console.log(outcomes, longest);
	expect(outcomes.refused).toBeGreaterThan(CASES / 4);
	expect(outcomes.taken).toBeGreaterThan(CASES / 20);
	expect(longest).toBeLessThan(10_000);
});
