import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinClips } from '../../../../nodes/shared/media/mp4/join';
import { PieceError } from '../../../../nodes/shared/media/mp4/joinPiece';
import { damaged as damagedFile } from '../../../../nodes/shared/media/mp4/source';
import {
	NoKeyFrameError,
	splitClip,
	splitTrusting,
} from '../../../../nodes/shared/media/mp4/split';
import { runFfmpeg } from '../../../../sandbox/programs';
import { bytesOf, piecesOf, sourceOf, streamOf } from './files';

let folder = '';
let clip: Buffer;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'split-'));
	const path = join(folder, 'clip.mp4');
	await runFfmpeg([
		...['-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10:duration=30'],
		...['-f', 'lavfi', '-i', 'sine=duration=30:sample_rate=16000'],
		...['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '20', '-c:a', 'aac'],
		...['-pix_fmt', 'yuv420p', '-movflags', '+faststart', path],
	]);
	clip = await readFile(path);
});

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

/** The clip without its list of key frames, by which all pictures are some. */
function allKeyFrames(): Buffer {
	const bytes = Buffer.from(clip);
	bytes.write('free', bytes.indexOf('stss'), 'latin1');
	return bytes;
}

test('trusting cuts as careful does, and opens the file once less', async () => {
	const [careful, trusting] = [streamOf(clip), streamOf(clip)];
	const one = await piecesOf(careful);
	const other = await piecesOf(trusting, undefined, splitTrusting);
	expect(other.cuts).toEqual(one.cuts);
	expect(other.files).toEqual(one.files);
	expect(other.files.length).toBeGreaterThan(2);
	expect(careful.counts.passed - trusting.counts.passed).toBeGreaterThan(clip.length * 0.8);
});

test('key frames that are none are noticed while they are written', async () => {
	const pieces = piecesOf(streamOf(allKeyFrames()), { min: 2, max: 9 }, splitTrusting);
	await expect(pieces).rejects.toThrow(NoKeyFrameError);
	const { cuts } = await splitClip(streamOf(allKeyFrames()), { min: 2, max: 9 });
	expect(cuts).toEqual((await splitClip(streamOf(clip), { min: 2, max: 9 })).cuts);
});

test('the beginning of a piece is read without the file', async () => {
	const source = streamOf(clip);
	const { pieces } = await splitClip(source, { min: 2, max: 10 });
	const { passed } = source.counts;
	for (const { size, chunks } of [...pieces].reverse()) {
		expect(size).toBeGreaterThan(1000);
		for await (const chunk of chunks()) {
			expect(Buffer.from(chunk).includes('moov')).toBe(true);
			break;
		}
	}
	expect(source.counts.passed).toBe(passed);
});

test('a piece may be left before its end: the next one goes on from there', async () => {
	const source = streamOf(clip);
	const { pieces } = await splitClip(source, { min: 2, max: 10 });
	const { openings } = source.counts;
	for (const piece of pieces) {
		let given = 0;
		for await (const chunk of piece.chunks()) {
			given += chunk.length;
			if (given > piece.size / 2) break;
		}
	}
	expect(source.counts.openings).toBe(openings + 1);
});

test('of many pieces one at a time is open while they are joined', async () => {
	const { files } = await piecesOf(sourceOf(clip), { min: 2, max: 2 });
	expect(files.length).toBe(15);
	let open = 0;
	let most = 0;
	const counted = files.map((bytes) => {
		const source = streamOf(bytes, 500);
		const { parts } = source;
		const reading = new Set<AsyncIterable<Uint8Array>>();
		return {
			...source,
			parts: (offset: number, length: number) => {
				const stream = parts(offset, length);
				if (reading.size === 0) open += 1;
				reading.add(stream);
				most = Math.max(most, open);
				return stream;
			},
			close: async () => {
				if (reading.size > 0) open -= 1;
				reading.clear();
				await source.close();
			},
		};
	});
	const { file } = await joinClips(counted);
	expect(open).toBe(0);
	await bytesOf(file);
	expect(most).toBe(1);
});

test('a picture that is damaged within a piece is noticed as it is joined, and the piece named', async () => {
	const { files } = await piecesOf(sourceOf(clip));
	const [first, second, ...others] = files;
	if (first === undefined || second === undefined) throw new Error('no pieces');
	const damaged = Buffer.from(second);
	// The length before a picture's unit: 40 % into the content lies some picture, whose bytes become absurd lengths.
	const at = Math.floor(damaged.length * 0.4);
	damaged.fill(0xff, at, at + 6000);
	const { file } = await joinClips([first, damaged, ...others].map(sourceOf));
	await expect(bytesOf(file)).rejects.toThrow(/^Piece 2: The file is damaged: the picture at byte/);
});

test('a piece that cannot be read where it is compared with the next one is named', async () => {
	const path = join(folder, 'open.mp4');
	await runFfmpeg([
		...['-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10:duration=8'],
		...[
			'-c:v',
			'libx264',
			'-bf',
			'2',
			'-x264-params',
			'open-gop=1:keyint=20:min-keyint=20:scenecut=0:b-adapt=0',
		],
		...['-pix_fmt', 'yuv420p', path],
	]);
	const { files } = await piecesOf(sourceOf(await readFile(path)), { min: 2, max: 4 });
	expect(files).toHaveLength(2);
	for (const broken of [1, 2]) {
		const sources = files.map((bytes, index) => {
			const source = sourceOf(bytes);
			let isKnown = false;
			return {
				...source,
				read: async (offset: number, length: number) => {
					if (isKnown && index === broken - 1) throw damagedFile('it has changed');
					return await source.read(offset, length);
				},
				// All have been, when their tables have been read.
				close: async () => {
					isKnown = true;
					await Promise.resolve();
				},
			};
		});
		const error = await joinClips(sources).catch((thrown: unknown) => thrown);
		expect(error).toBeInstanceOf(PieceError);
		expect(error).toMatchObject({
			piece: broken,
			message: `Piece ${broken}: The file is damaged: it has changed`,
		});
	}
});

test('sound whose times are counted in ten-millionths of a second is heard in all pieces, and where they are joined', async () => {
	const path = (name: string) => join(folder, name);
	await runFfmpeg(['-i', path('clip.mp4'), '-c', 'copy', '-f', 'ismv', path('smooth.mp4')]);
	const smooth = sourceOf(await readFile(path('smooth.mp4')));
	const { files } = await piecesOf(smooth, { min: 2, max: 11 });
	files.push(await bytesOf((await joinClips(files.slice(1).map(sourceOf))).file));
	const seconds: number[] = [];
	for (const file of files) {
		await writeFile(path('piece.mp4'), file);
		await runFfmpeg(['-i', path('piece.mp4'), '-vn', '-f', 's16le', path('sound')]);
		seconds.push((await readFile(path('sound'))).length / 2 / 16_000);
	}
	expect(seconds.map(Math.round)).toEqual([10, 10, 10, 20]);
});
