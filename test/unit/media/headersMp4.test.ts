import { createReadStream } from 'node:fs';
import { readFacts, readFactsFrom } from '../../../nodes/shared/media/headers';
import { Cursor, MAX_HELD_BYTES } from '../../../nodes/shared/media/headers/cursor';
import type { MediaFacts } from '../../../nodes/shared/media/headers';

/** MP4 and MOV files put together box by box, and how the reader treats the stream that it is given. */

const FORMAT = { kind: 'video', extension: 'mp4', mimeType: 'video/mp4' } as const;
const MEGABYTE = 1024 * 1024;

const u32 = (...values: number[]) => {
	const bytes = Buffer.alloc(4 * values.length);
	values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
	return bytes;
};
const u64 = (value: bigint) => {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64BE(value);
	return bytes;
};
const header = (size: number, type: string) =>
	Buffer.concat([u32(size), Buffer.from(type, 'latin1')]);
const box = (type: string, ...content: Buffer[]) => {
	const body = Buffer.concat(content);
	return Buffer.concat([header(body.length + 8, type), body]);
};
const zeros = (count: number) => Buffer.alloc(count);

const FTYP = box('ftyp', Buffer.from('isom\0\0\0\0isomiso2'));

/** Movie and media header; a bigint makes it version 1. */
const times = (type: string, timescale: number, duration: number | bigint) =>
	typeof duration === 'number'
		? box(type, u32(0, 0, 0, timescale, duration), zeros(80))
		: box(type, u32(0x0100_0000), zeros(16), u32(timescale), u64(duration), zeros(80));

interface TrackOptions {
	handler?: string;
	flags?: number;
	presented?: number | bigint;
	media?: Buffer;
	shown?: [width: number, height: number];
	coded?: [width: number, height: number];
	matrix?: number[];
	edits?: Buffer;
	tables?: Buffer;
}

const STRAIGHT = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000];

function trackHeader(options: TrackOptions): Buffer {
	const { flags = 3, presented = 5000, shown = [0, 0], matrix = STRAIGHT } = options;
	const start =
		typeof presented === 'number'
			? [u32(flags), zeros(16), u32(presented)]
			: [u32(0x0100_0000 | flags), zeros(24), u64(presented)];
	const size = u32(shown[0] * 0x10000, shown[1] * 0x10000);
	return box('tkhd', ...start, zeros(16), u32(...matrix), size);
}

function track(options: TrackOptions = {}): Buffer {
	const { handler = 'vide', coded = [640, 480], media = times('mdhd', 90_000, 450_000) } = options;
	const entry = box(
		'avc1',
		zeros(24),
		Buffer.from([...pair(coded[0]), ...pair(coded[1])]),
		zeros(50),
	);
	const table = box('stbl', options.tables ?? zeros(0), box('stsd', u32(0, 1), entry));
	return box(
		'trak',
		trackHeader(options),
		options.edits === undefined ? zeros(0) : box('edts', options.edits),
		box(
			'mdia',
			media,
			box('hdlr', u32(0), Buffer.from(`mhlr${handler}`), zeros(13)),
			box('minf', box('hdlr', u32(0), Buffer.from('dhlralis'), zeros(13)), table),
		),
	);
}

function pair(value: number): number[] {
	return [value >> 8, value & 0xff];
}

const MVHD = times('mvhd', 1000, 6000);

async function* streamOf(...parts: Buffer[]): AsyncGenerator<Uint8Array> {
	for (const part of parts) yield await Promise.resolve(part);
}

async function factsOf(...parts: Buffer[]): Promise<MediaFacts> {
	return await readFacts(streamOf(...parts), FORMAT);
}

const movie = (...content: Buffer[]) => box('moov', MVHD, ...content);
const SIZE = { width: 640, height: 480 };
const PLAIN = { ...SIZE, seconds: 5 };

describe('size', () => {
	it.each<[string, number[], MediaFacts]>([
		['90°', [0, 0x10000, 0, 0xffff_0000, 0, 0, 0, 0, 0x4000_0000], { width: 480, height: 640 }],
		['180°', [0xffff_0000, 0, 0, 0, 0xffff_0000, 0, 0, 0, 0x4000_0000], SIZE],
		['270°', [0, 0xffff_0000, 0, 0x10000, 0, 0, 0, 0, 0x4000_0000], { width: 480, height: 640 }],
		['nothing', Array<number>(9).fill(0), SIZE],
	])('turned by %s', async (_, matrix, expected) => {
		expect(await factsOf(FTYP, movie(track({ matrix })))).toMatchObject(expected);
	});

	it('is that of the pictures, or else that of the track header', async () => {
		const shown: [number, number] = [853, 480];
		expect(await factsOf(FTYP, movie(track({ shown })))).toEqual(PLAIN);
		expect(await factsOf(FTYP, movie(track({ shown, coded: [0, 0] })))).toEqual({
			...PLAIN,
			width: 853,
		});
		expect(await factsOf(FTYP, movie(track({ coded: [0, 0] })))).toEqual({ seconds: 5 });
	});

	it('is that of the first video track that is on', async () => {
		const sound = track({ handler: 'soun', coded: [2, 16] });
		const chapters = track({ flags: 0, coded: [100, 50], presented: 9000 });
		const other = track({ coded: [320, 240] });
		expect(await factsOf(FTYP, movie(sound, chapters, track(), other))).toEqual(PLAIN);
		expect(await factsOf(FTYP, movie(chapters))).toEqual({ width: 100, height: 50, seconds: 9 });
	});

	it('is unknown where the table of sample kinds is empty or short', async () => {
		const wrap = (stsd: Buffer) =>
			box(
				'trak',
				trackHeader({}),
				box(
					'mdia',
					box('hdlr', u32(0), Buffer.from('mhlrvide'), zeros(13)),
					box('minf', box('stbl', stsd)),
				),
			);
		const empty = wrap(box('stsd', u32(0, 0), zeros(60)));
		expect(await factsOf(FTYP, movie(empty))).toEqual({ seconds: 5 });
		expect(await factsOf(FTYP, movie(wrap(box('stsd', u32(0)))))).toEqual({ seconds: 5 });
	});
});

describe('length', () => {
	const seconds = async (...content: Buffer[]) =>
		(await factsOf(FTYP, box('moov', ...content))).seconds;
	const edit = (...entries: number[][]) =>
		box('elst', u32(0, entries.length, ...entries.flatMap((entry) => [...entry, 0x10000])));

	it('has 64-bit fields in version 1', async () => {
		const mvhd = times('mvhd', 1_000_000_000, 5_000_000_000n);
		expect(await seconds(mvhd, track({ presented: 4_500_000_000n }))).toBe(4.5);
		const long = box(
			'elst',
			u32(0x0100_0000, 2),
			...[u64(10n ** 9n), u64(0xffff_ffff_ffff_ffffn), u32(0x10000)],
			...[u64(4_400_000_000n), u64(0n), u32(0x10000)],
		);
		expect(await seconds(mvhd, track({ presented: 4_500_000_000n, edits: long }))).toBe(4.4);
	});

	it('is the sum of the edits without gaps', async () => {
		const edits = edit([1000, 0xffff_ffff], [2000, 0], [1500, 90_000]);
		expect(await seconds(MVHD, track({ edits }))).toBe(3.5);
	});

	it('does not use an edit list that says nothing', async () => {
		expect(await seconds(MVHD, track({ edits: edit([0, 0]) }))).toBe(5);
		expect(await seconds(MVHD, track({ edits: edit([0xffff_ffff, 0]) }))).toBe(5);
		expect(await seconds(MVHD, track({ edits: edit([1000, 0xffff_ffff]) }))).toBe(5);
		expect(await seconds(MVHD, track({ edits: edit() }))).toBe(5);
	});

	it.each<[string, TrackOptions, number | undefined]>([
		['0', { presented: 0 }, 5.5],
		['unknown', { presented: 0xffff_ffff }, 5.5],
		['unknown, 64 bits', { presented: 0xffff_ffff_ffff_ffffn }, 5.5],
	])('comes from the media where the track header says %s', async (_, options, expected) => {
		const media = times('mdhd', 600, 3300);
		expect(await seconds(MVHD, track({ ...options, media }))).toBe(expected);
	});

	it('comes from the movie where track and media do not know it, and may be unknown', async () => {
		const unknown = { presented: 0, media: times('mdhd', 600, 0xffff_ffff_ffff_ffffn) };
		expect(await seconds(MVHD, track(unknown))).toBe(6);
		expect(await seconds(times('mvhd', 1000, 0), track(unknown))).toBeUndefined();
		expect(await seconds(times('mvhd', 0, 6000), track(unknown))).toBeUndefined();
		expect(await seconds(track(unknown))).toBeUndefined();
		expect(await seconds(times('mvhd', 0, 6000), track())).toBe(5);
	});

	it('of fragments comes from mehd alone', async () => {
		const trex = box('trex', zeros(24));
		const extends32 = box('mvex', box('mehd', u32(0, 7000)), trex);
		const extends64 = box('mvex', trex, box('mehd', u32(0x0100_0000), u64(8000n)));
		expect(await seconds(MVHD, extends32, track())).toBe(7);
		expect(await seconds(MVHD, track(), extends64)).toBe(8);
		expect(await seconds(MVHD, track(), box('mvex', trex))).toBeUndefined();
		expect(await seconds(MVHD, track(), box('mvex', box('mehd', u32(0, 0))))).toBeUndefined();
	});
});

describe('frame rate', () => {
	const stts = (...runs: number[][]) => box('stts', u32(0, runs.length, ...runs.flat()));
	const fpsOf = async (tables: Buffer, ...more: Buffer[]) =>
		await factsOf(FTYP, movie(track({ tables }), ...more));

	it.each([
		['one length', stts([150, 9000]), 10],
		['that of NTSC', stts([150, 3003]), 90_000 / 3003],
		['another length of the last picture', stts([149, 6000], [1, 1500]), 15],
	])('of pictures of %s', async (_, tables, fps) => {
		expect(await fpsOf(tables)).toEqual({ ...PLAIN, fps });
	});

	it.each([
		['differ', stts([75, 9000], [75, 3000])],
		['differ often', stts([1, 3000], [1, 3001], [1, 3000])],
		['are one', stts([1, 450_000])],
		['are none', stts()],
		['have no length', stts([150, 0])],
		['are not listed', box('stts', u32(0, 1))],
	])('is unknown where pictures %s', async (_, tables) => {
		expect(await fpsOf(tables)).toEqual(PLAIN);
	});

	it('is unknown of fragments', async () => {
		const { fps } = await fpsOf(stts([150, 9000]), box('mvex', box('trex', zeros(24))));
		expect(fps).toBeUndefined();
	});
});

describe('structure', () => {
	const MOOV = movie(track());

	it('knows 64-bit sizes, and boxes that last to the end of the file', async () => {
		const large = Buffer.concat([u32(1), Buffer.from('mdat'), u64(16n + 100n), zeros(100)]);
		const open = Buffer.concat([header(0, 'moov'), MOOV.subarray(8)]);
		const openData = Buffer.concat([header(0, 'mdat'), zeros(100), MOOV]);
		expect(await factsOf(FTYP, large, MOOV)).toEqual(PLAIN);
		expect(await factsOf(FTYP, open)).toEqual(PLAIN);
		expect(await factsOf(FTYP, openData)).toEqual({});
	});

	it('reads old QuickTime files, whose lists may end with zeros', async () => {
		const wide = Buffer.concat([box('wide'), box('mdat', zeros(50))]);
		const ended = box('moov', MVHD, track(), zeros(4));
		expect(await factsOf(wide, ended)).toEqual(PLAIN);
	});

	it('skips what it does not know, however large', async () => {
		const tables = Buffer.concat([box('stsz', zeros(3 * MEGABYTE)), box('stco', zeros(MEGABYTE))]);
		const udta = box('udta', zeros(2 * MEGABYTE));
		expect(await factsOf(FTYP, box('moov', udta, MVHD, track({ tables }), udta))).toEqual(PLAIN);
	});

	it.each<[string, Buffer[]]>([
		['no boxes', []],
		['no movie', [FTYP, box('mdat', zeros(1000))]],
		['a movie that breaks off', [FTYP, MOOV.subarray(0, -1)]],
		['a box shorter than its header', [FTYP, header(7, 'free'), MOOV]],
		['a large box shorter than its header', [u32(1), Buffer.from('free'), u64(15n), MOOV]],
		['a box of 16 EB', [u32(1), Buffer.from('free'), u64(2n ** 64n - 1n), MOOV]],
		['a track longer than the movie', [FTYP, box('moov', MVHD, header(9000, 'trak'), track())]],
		['a movie header cut short', [FTYP, box('moov', box('mvhd', u32(0, 0)), track())]],
		['a movie header of version 2', [FTYP, box('moov', box('mvhd', u32(0x0200_0000), zeros(96)))]],
		['a file without content', [FTYP, zeros(1000)]],
		['endless tiny boxes', [Buffer.alloc(8 * MEGABYTE, box('free')), MOOV]],
		['endless edits', [FTYP, movie(track({ edits: box('elst', u32(0, 0xffff_ffff)) }))]],
	])('says nothing: %s', async (_, parts) => {
		expect(await factsOf(...parts)).toEqual({});
	});

	it('ends at boxes nested in themselves', async () => {
		let nested = box('moov', MVHD);
		for (let depth = 0; depth < 2000; depth++) nested = box('moov', nested);
		expect(await factsOf(nested)).toEqual({});
	});
});

describe('flaws', () => {
	const MOOV = movie(track());
	const MDAT = box('mdat', zeros(1000));
	const flawOf = async (parts: Buffer[], size = Buffer.concat(parts).length) =>
		(await readFacts(streamOf(...parts), FORMAT, size)).flaw;

	it.each<[string, Buffer[]]>([
		['no movie', [FTYP, MDAT]],
		['a movie that breaks off', [FTYP, MDAT, MOOV.subarray(0, -1)]],
		['a movie that breaks off before its content', [FTYP, MOOV.subarray(0, -1)]],
		['content that breaks off', [FTYP, header(5000, 'mdat'), zeros(100)]],
		['content that breaks off, after the movie', [FTYP, MOOV, MDAT.subarray(0, -1)]],
		['the same after padding', [FTYP, MOOV, box('free', zeros(9)), MDAT.subarray(0, 50)]],
		['64-bit content', [FTYP, MOOV, u32(1), Buffer.from('mdat'), u64(2n ** 33n), zeros(100)]],
	])('of a file that is cut off: %s', async (_, parts) => {
		expect(await flawOf(parts)).toBe('cutOff');
		expect((await readFacts(streamOf(...parts), FORMAT)).flaw).toBeUndefined();
	});

	it.each<[string, Buffer[]]>([
		['content after the movie', [FTYP, MOOV, MDAT]],
		['content before it', [FTYP, MDAT, MOOV]],
		['content to the end of the file', [FTYP, header(0, 'mdat'), zeros(100)]],
		['the same after the movie', [FTYP, MOOV, header(0, 'mdat'), zeros(100)]],
		['a movie to the end of the file', [FTYP, header(0, 'moov'), MOOV.subarray(8), zeros(4)]],
		['a second movie that breaks off', [FTYP, MOOV, MOOV.subarray(0, -1)]],
		['something absurd at the end', [FTYP, MDAT, MOOV, header(9999, 'free')]],
		['something absurd after the movie', [FTYP, MOOV, header(9999, 'free')]],
		['only a movie', [FTYP, MOOV]],
		['a fragment that breaks off', [FTYP, MOOV, box('moof'), MDAT, box('moof'), MDAT.subarray(9)]],
		['a damaged movie at the end', [FTYP, MDAT, box('moov', MVHD, header(9999, 'trak'))]],
		['endless tiny boxes', [Buffer.alloc(8 * MEGABYTE, box('free'))]],
	])('is not said of %s', async (_, parts) => {
		expect(await flawOf(parts)).toBeUndefined();
	});

	it('is not said of a stream that ends before the file does', async () => {
		expect(await flawOf([FTYP, MDAT], 5000)).toBeUndefined();
	});

	it('of a file without video', async () => {
		const sound = track({ handler: 'soun', coded: [2, 16] });
		const text = track({ handler: 'text' });
		expect(await factsOf(FTYP, movie(sound, text))).toEqual({ flaw: 'noVideo' });
		expect(await factsOf(FTYP, movie(sound, track()))).toEqual(PLAIN);
		expect(await factsOf(FTYP, movie(sound, box('trak')))).toEqual({});
		expect(await factsOf(FTYP, movie(box('cmov', zeros(20))))).toEqual({});
	});
});

describe('stream', () => {
	/** Like a pooled file stream at its worst: all chunks share one buffer. */
	async function* reusing(
		before: Buffer,
		filler: number,
		after: Buffer,
		seen: (bytes: number) => void,
	): AsyncGenerator<Uint8Array> {
		const shared = Buffer.alloc(64 * 1024);
		const give = (bytes: Buffer) => {
			seen(bytes.length);
			shared.set(bytes);
			return shared.subarray(0, bytes.length);
		};
		yield await Promise.resolve(give(before));
		for (let left = filler; left > 0; left -= shared.length) {
			seen(Math.min(left, shared.length));
			yield shared.fill(0x5a).subarray(0, Math.min(left, shared.length));
		}
		yield give(after);
	}

	it.each([10, 100])(
		'holds nothing of a %i MB file with its moov at the end',
		async (megabytes) => {
			const size = megabytes * MEGABYTE;
			const before = process.memoryUsage().arrayBuffers;
			let most = 0;
			const source = reusing(
				Buffer.concat([FTYP, header(size + 8, 'mdat')]),
				size,
				movie(track()),
				() => {
					most = Math.max(most, process.memoryUsage().arrayBuffers - before);
				},
			);
			const cursor = new Cursor(source);
			expect(await readFactsFrom(cursor, FORMAT)).toEqual(PLAIN);
			expect(cursor.heldBytes).toBeLessThan(2048);
			expect(most).toBeLessThan(MEGABYTE);
		},
	);

	it('is not read further than the movie, and is ended', async () => {
		let seen = 0;
		const source = reusing(
			Buffer.concat([FTYP, movie(track())]),
			100 * MEGABYTE,
			zeros(0),
			(bytes) => {
				seen += bytes;
			},
		);
		expect(await readFacts(source, FORMAT)).toEqual(PLAIN);
		expect(seen).toBeLessThan(64 * 1024);
		expect(await source.next()).toEqual({ done: true, value: undefined });
	});

	it('of a file is closed', async () => {
		const source = createReadStream(__filename);
		expect(await readFacts(source, FORMAT)).toEqual({});
		expect(source.destroyed).toBe(true);
	});

	it('may give empty chunks', async () => {
		const file = Buffer.concat([FTYP, movie(track())]);
		const parts = [...file].flatMap((byte) => [zeros(0), Buffer.from([byte]), zeros(0)]);
		expect(await factsOf(...parts)).toEqual(PLAIN);
	});

	it('passes its own failure on', async () => {
		async function* failing(): AsyncGenerator<Uint8Array> {
			yield await Promise.resolve(FTYP);
			throw new Error('disk gone');
		}
		await expect(readFacts(failing(), FORMAT)).rejects.toThrow('disk gone');
		await expect(readFacts(createReadStream('/nowhere'), FORMAT)).rejects.toThrow('ENOENT');
	});

	it('gives a cursor no more than its limits', async () => {
		const cursor = new Cursor(streamOf(zeros(MEGABYTE)));
		await expect(cursor.read(1025)).rejects.toThrow('held');
		for (let bytes = 0; bytes < MAX_HELD_BYTES; bytes += 1024) await cursor.read(1024);
		await expect(cursor.read(1)).rejects.toThrow('held');
		await cursor.skip(MEGABYTE - MAX_HELD_BYTES);
		expect([cursor.position, cursor.heldBytes]).toEqual([MEGABYTE, MAX_HELD_BYTES]);
		expect(await cursor.atEnd()).toBe(true);
		await expect(cursor.skip(1)).rejects.toThrow('ends early');
		await cursor.close();
	});
});
