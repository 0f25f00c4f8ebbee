import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { InputError } from '../../../nodes/shared/inputError';
import { readFactsFrom } from '../../../nodes/shared/media/headers';
import { Cursor, MAX_HELD_BYTES } from '../../../nodes/shared/media/headers/cursor';
import { checkFacts } from '../../../nodes/shared/media/limits';
import { WAN_IMAGE, WAN_VIDEO } from '../../../nodes/WanVideoEdit/models/limits';
import type { MediaFacts } from '../../../nodes/shared/media/headers';
import type { Extension, MediaFormat } from '../../../nodes/shared/media/types';
import { runFfmpeg } from '../../../sandbox/programs';

/** Truncated, mutated and invented files: the reader never throws, always ends and holds little. */

const format = (kind: MediaFormat['kind'], extension: Extension): MediaFormat => ({
	kind,
	extension,
	mimeType: `${kind}/${extension}`,
});
const MP4 = format('video', 'mp4');
const FORMATS = [
	MP4,
	format('video', 'mov'),
	...(['jpg', 'png', 'bmp', 'webp'] as const).map((extension) => format('image', extension)),
];

interface Seed {
	name: string;
	format: MediaFormat;
	content: Buffer;
	/** Offsets of what lies around the types of boxes, chunks and segments: where headers are. */
	marks: number[];
}

const VIDEO = ['-f', 'lavfi', '-i', 'testsrc=size=32x24:rate=5:duration=0.4'];
const BOTH = ['-f', 'lavfi', '-i', 'sine=duration=0.2:sample_rate=8000', ...VIDEO];
const RECIPES: ReadonlyArray<readonly [string, string[]]> = [
	['end.mp4', VIDEO],
	['faststart.mp4', [...BOTH, '-movflags', '+faststart']],
	['fragments.mp4', [...VIDEO, '-movflags', 'frag_keyframe+empty_moov']],
	['quicktime.mov', [...BOTH, '-c:v', 'mjpeg']],
	['a.jpg', [...VIDEO, '-frames:v', '1']],
	['rgb.png', [...VIDEO, '-frames:v', '1', '-pix_fmt', 'rgb24']],
	['palette.png', [...VIDEO, '-frames:v', '1', '-pix_fmt', 'pal8']],
	['a.bmp', [...VIDEO, '-frames:v', '1']],
	['lossy.webp', [...VIDEO, '-frames:v', '1']],
	['lossless.webp', [...VIDEO, '-frames:v', '1', '-lossless', '1']],
	['extended.webp', [...VIDEO, '-frames:v', '1', '-pix_fmt', 'yuva420p']],
];

const seeds: Seed[] = [];
let folder = '';
let cases = 0;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'headers-fuzz-'));
	for (const [name, args] of RECIPES) {
		await runFfmpeg([...args, join(folder, name)]);
		const found = FORMATS.find(({ extension }) => name.endsWith(extension));
		const content = await readFile(join(folder, name));
		seeds.push({ name, format: found ?? MP4, content, marks: marksOf(content) });
	}
}, 60_000);

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

/** Gives a file in chunks, spoils each chunk as soon as the next is asked for, and counts. */
class Source implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
	asked = 0;
	given = 0;
	ended = false;
	private last = new Uint8Array();

	constructor(
		private readonly content: Uint8Array,
		private readonly chunkSize: number,
	) {}

	[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
		return this;
	}

	async next(): Promise<IteratorResult<Uint8Array>> {
		this.asked++;
		this.last.fill(0xa5);
		this.last = Uint8Array.from(this.content.subarray(this.given, this.given + this.chunkSize));
		this.given += this.last.length;
		this.ended = this.last.length === 0;
		return await Promise.resolve(
			this.ended ? { done: true, value: undefined } : { done: false, value: this.last },
		);
	}

	async return(): Promise<IteratorResult<Uint8Array>> {
		this.ended = true;
		return await Promise.resolve({ done: true, value: undefined });
	}
}

/** Chunks that a file is cut into at most, for the time it takes. */
const MOST_CHUNKS = 150;

/** Reads one file and checks everything that must hold for whatever is in it. */
async function examine(
	content: Uint8Array,
	as: MediaFormat,
	wantedChunkSize: number,
): Promise<MediaFacts> {
	cases++;
	const chunkSize = Math.max(wantedChunkSize, Math.ceil(content.length / MOST_CHUNKS));
	const source = new Source(content, chunkSize);
	const cursor = new Cursor(source);
	const facts = await readFactsFrom(cursor, as);

	const { width, height, seconds } = facts;
	const isSide = (side: number) => Number.isSafeInteger(side) && side > 0;
	const rules: Record<string, boolean> = {
		'holds little': cursor.heldBytes <= MAX_HELD_BYTES,
		'counts right': cursor.position <= source.given && source.given <= content.length,
		'asks no more than once per chunk': source.asked <= Math.ceil(content.length / chunkSize) + 1,
		'ends the stream': source.ended,
		'knows both sides or none': (width === undefined) === (height === undefined),
		'gives possible sides': isSide(width ?? 1) && isSide(height ?? 1),
		'gives a possible length': Number.isFinite(seconds ?? 1) && (seconds ?? 1) > 0,
	};
	const broken = Object.keys(rules).filter((rule) => rules[rule] === false);
	// One `expect` per rule and case would take longer than the reading.
	if (broken.length > 0) expect(broken).toEqual([]);
	try {
		checkFacts(as.kind === 'video' ? WAN_VIDEO : WAN_IMAGE, as, 'Field', 'file', facts);
	} catch (error) {
		if (!(error instanceof InputError)) throw error;
	}
	return facts;
}

/** 1 byte at a time is for small files: see {@link MOST_CHUNKS}. */
const chunkSizes = fc.constantFrom(1, 3, 16, 100, 1000, 65_536);
const anySeed = fc.nat().map((index) => {
	const seed = seeds[index % seeds.length];
	if (seed === undefined) throw new Error('No seeds');
	return seed;
});

/** A place in a file; see {@link at}. */
interface Place {
	fraction: number;
	/** Bytes after a mark; undefined for anywhere in the file. */
	nearMark: number | undefined;
}

/** Two thirds of all hits land in headers, the others anywhere. */
const places: fc.Arbitrary<Place> = fc.record({
	fraction: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
	nearMark: fc.option(fc.nat(110), { freq: 2, nil: undefined }),
});

function at({ content, marks }: Seed, { fraction, nearMark }: Place): number {
	const mark = marks[Math.floor(fraction * marks.length)];
	const offset =
		nearMark === undefined || mark === undefined ? fraction * content.length : mark + nearMark;
	return Math.min(content.length - 1, Math.floor(offset));
}

const EXTREMES = [0, 1, 2, 7, 8, 9, 12, 15, 16, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

/** The beginning, and where the 32-bit sizes in front of box and chunk types and JPEG's markers are. */
function marksOf(content: Buffer): number[] {
	const text = content.toString('latin1');
	const types =
		/ftyp|free|mdat|moov|mvhd|trak|tkhd|edts|elst|mdia|mdhd|hdlr|minf|stbl|stsd|mvex|mehd|moof|udta|IHDR|PLTE|IDAT|VP8[ LX]/g;
	const sizes = [...text.matchAll(types)].map(({ index }) => Math.max(0, index - 4));
	const segments = [...text.matchAll(/\xff[\xc0-\xfe]/g)].map(({ index }) => index);
	return [0, ...sizes, ...(text.startsWith('\xff\xd8') ? segments : [])];
}

async function check<T>(
	runs: number,
	inputs: fc.Arbitrary<T>,
	mutate: (copy: Seed, input: T) => Uint8Array,
): Promise<void> {
	await fc.assert(
		fc.asyncProperty(anySeed, inputs, chunkSizes, async (seed, input, chunkSize) => {
			const copy = { ...seed, content: Buffer.from(seed.content) };
			await examine(mutate(copy, input), seed.format, chunkSize);
		}),
		{ numRuns: runs },
	);
}

it('has seeds whose headers can be read', async () => {
	for (const { format: as, content } of seeds) {
		expect(await examine(content, as, 100)).toMatchObject({ width: 32, height: 24 });
	}
});

it('files cut off anywhere', async () => {
	await check(2000, places, (seed, place) => seed.content.subarray(0, at(seed, place)));
});

it('every beginning of every header', async () => {
	for (const { format: as, content } of seeds) {
		for (let length = 0; length <= Math.min(content.length, 200); length++) {
			await examine(content.subarray(0, length), as, 64);
		}
	}
});

it('flipped bits', async () => {
	const flips = fc.array(fc.tuple(places, fc.nat(7)), { minLength: 1, maxLength: 12 });
	await check(2500, flips, (seed, list) => {
		for (const [place, bit] of list) {
			const offset = at(seed, place);
			seed.content.writeUInt8(seed.content.readUInt8(offset) ^ (1 << bit), offset);
		}
		return seed.content;
	});
});

it('overwritten bytes', async () => {
	const patches = fc.array(fc.tuple(places, fc.uint8Array({ minLength: 1, maxLength: 40 })), {
		minLength: 1,
		maxLength: 4,
	});
	await check(2000, patches, (seed, list) => {
		for (const [place, bytes] of list) {
			const offset = at(seed, place);
			seed.content.set(bytes.subarray(0, seed.content.length - offset), offset);
		}
		return seed.content;
	});
});

it('bytes lost or added', async () => {
	const cuts = fc.tuple(places, fc.nat(300), fc.uint8Array({ maxLength: 300 }));
	await check(1000, cuts, (seed, [place, lost, added]) => {
		const { content } = seed;
		const offset = at(seed, place);
		return Buffer.concat([content.subarray(0, offset), added, content.subarray(offset + lost)]);
	});
});

it('sizes of boxes and chunks set to extremes', async () => {
	const sizes = fc.oneof(fc.constantFrom(...EXTREMES), fc.nat(0xffff_ffff));
	const edits = fc.array(fc.tuple(fc.nat(), sizes), { minLength: 1, maxLength: 3 });
	await check(2500, edits, ({ content, marks }, list) => {
		for (const [choice, size] of list) {
			const offset = marks[choice % marks.length] ?? 0;
			content.writeUInt32BE(size, Math.min(offset, content.length - 4));
		}
		return content;
	});
});

it('32-bit numbers set to extremes anywhere', async () => {
	const edits = fc.array(fc.tuple(places, fc.constantFrom(...EXTREMES)), {
		minLength: 1,
		maxLength: 6,
	});
	await check(2000, edits, (seed, list) => {
		for (const [place, value] of list) {
			const offset = Math.min(at(seed, place), seed.content.length - 4);
			seed.content.writeUInt32BE(value, offset);
		}
		return seed.content;
	});
});

it('random bytes behind the right beginning', async () => {
	const beginnings = [
		'\0\0\0\x10ftypisom\0\0\0\0',
		'\0\0\0\x08moov',
		'\0\0\0\0moov',
		'\xff\xd8\xff',
		'\x89PNG\r\n\x1a\n',
		'\x89PNG\r\n\x1a\n\0\0\0\rIHDR',
		'BM',
		'RIFF\0\0\0\0WEBP',
		'RIFF\0\0\0\0WEBPVP8 ',
		'RIFF\0\0\0\0WEBPVP8L',
		'RIFF\0\0\0\0WEBPVP8X',
		'',
	].map((text) => Buffer.from(text, 'latin1'));
	await fc.assert(
		fc.asyncProperty(
			fc.constantFrom(...beginnings),
			fc.uint8Array({ maxLength: 2000 }),
			fc.constantFrom(...FORMATS),
			chunkSizes,
			async (beginning, rest, as, chunkSize) => {
				await examine(Buffer.concat([beginning, rest]), as, chunkSize);
			},
		),
		{ numRuns: 1500 },
	);
});

it('invented trees of boxes, with sizes that may lie', async () => {
	const types = fc.constantFrom(
		...['moov', 'mvhd', 'trak', 'tkhd', 'edts', 'elst', 'mdia', 'mdhd', 'hdlr'],
		...['minf', 'stbl', 'stsd', 'mvex', 'mehd', 'free', 'mdat'],
	);
	const bodies = fc.oneof(
		fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
		fc.nat(120).map((length) => Buffer.alloc(length)),
		fc.constant(Buffer.from('\0\0\0\0mhlrvide\0\0\0\0\0\0\0\0\0\0\0\0\0')),
	);
	const lies = fc.option(fc.constantFrom(...EXTREMES), { freq: 20, nil: undefined });
	const wrap = (type: string, body: Buffer, lie: number | undefined) => {
		const size = Buffer.alloc(4);
		size.writeUInt32BE(lie ?? body.length + 8);
		return Buffer.concat([size, Buffer.from(type), body]);
	};
	const { tree } = fc.letrec<{ tree: Buffer; branch: Buffer; leaf: Buffer }>((tie) => ({
		leaf: fc.tuple(types, bodies, lies).map(([type, body, lie]) => wrap(type, body, lie)),
		branch: fc
			.tuple(types, fc.array(tie('tree'), { maxLength: 5 }), lies)
			.map(([type, children, lie]) => wrap(type, Buffer.concat(children), lie)),
		tree: fc.oneof({ depthSize: 'medium', withCrossShrink: true }, tie('leaf'), tie('branch')),
	}));
	await fc.assert(
		fc.asyncProperty(
			fc.array(tree, { maxLength: 6 }),
			lies,
			chunkSizes,
			async (trees, lie, size) => {
				await examine(wrap('moov', Buffer.concat(trees), lie), MP4, size);
			},
		),
		{ numRuns: 2500 },
	);
});

it('floods of tiny boxes, chunks and segments', async () => {
	const floods = [
		[MP4, '', '\0\0\0\x08free'],
		[MP4, '\0\0\0\0moov', '\0\0\0\x08trak'],
		[MP4, '\0\0\0\0moov\0\0\0\0trak\0\0\0\0edts\0\0\0\0elst\0\0\0\0\xff\xff\xff\xff', '\x01\0\0\0'],
		[
			format('image', 'png'),
			'\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x02\0\0\0CRC!',
			'\0\0\0\0tEXtCRC!',
		],
		[format('image', 'jpg'), '\xff\xd8', '\xff\xe0\0\x02'],
	] as const;
	await fc.assert(
		fc.asyncProperty(
			fc.constantFrom(...floods),
			fc.integer({ min: 60_000, max: 400_000 }),
			chunkSizes,
			async ([as, beginning, unit], length, chunkSize) => {
				const flood = Buffer.alloc(length, unit, 'latin1');
				await examine(Buffer.concat([Buffer.from(beginning, 'latin1'), flood]), as, chunkSize);
			},
		),
		{ numRuns: 15 },
	);
});

it('unknown boxes in between change nothing', async () => {
	const videos = () => seeds.filter(({ format: { kind } }) => kind === 'video');
	await fc.assert(
		fc.asyncProperty(fc.nat(), fc.nat(500), chunkSizes, async (index, length, chunkSize) => {
			const seed = videos()[index % videos().length];
			if (seed === undefined) throw new Error('No seeds');
			const filler = Buffer.alloc(length + 8);
			filler.writeUInt32BE(filler.length);
			filler.write('junk', 4);
			const start = seed.content.readUInt32BE(0);
			const { content } = seed;
			const padded = Buffer.concat([content.subarray(0, start), filler, content.subarray(start)]);
			const expected = await examine(content, seed.format, 1000);
			expect(await examine(padded, seed.format, chunkSize)).toEqual(expected);
		}),
		{ numRuns: 300 },
	);
});

it('was at least 10,000 cases', () => {
	expect(cases).toBeGreaterThanOrEqual(10_000);
});
