import { readFacts } from '../../../nodes/shared/media/headers';
import type { MediaFacts } from '../../../nodes/shared/media/headers';
import type { Extension } from '../../../nodes/shared/media/types';

/** Pictures put together byte by byte: kinds that ffmpeg does not write, and damage. */

async function factsOf(
	extension: Extension,
	...parts: Array<Buffer | number[]>
): Promise<MediaFacts> {
	async function* stream(): AsyncGenerator<Uint8Array> {
		for (const part of parts) yield await Promise.resolve(Buffer.from(part));
	}
	return await readFacts(stream(), { kind: 'image', extension, mimeType: `image/${extension}` });
}

const u16 = (value: number) => [value >> 8, value & 0xff];
const le16 = (value: number) => [value & 0xff, value >> 8];
const le24 = (value: number) => [value & 0xff, (value >> 8) & 0xff, value >> 16];
const le32 = (value: number) => {
	const bytes = Buffer.alloc(4);
	bytes.writeInt32LE(value);
	return bytes;
};
const ascii = (text: string) => Buffer.from(text, 'latin1');

describe('JPEG', () => {
	const START = [0xff, 0xd8];
	const segment = (marker: number, content: Buffer | number[]) =>
		Buffer.from([0xff, marker, ...u16(content.length + 2), ...content]);
	const frame = (marker: number, width: number, height: number) =>
		segment(marker, [8, ...u16(height), ...u16(width), 1, 1, 0x11, 0]);

	it.each([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc9, 0xcb, 0xcf])('frame header %i', async (marker) => {
		expect(await factsOf('jpg', START, frame(marker, 640, 480))).toEqual({
			width: 640,
			height: 480,
		});
	});

	it('skips segments, a thumbnail within one, fill bytes and rubbish', async () => {
		const thumbnail = Buffer.concat([Buffer.from(START), frame(0xc0, 160, 120)]);
		const exif = segment(0xe1, Buffer.concat([thumbnail, Buffer.alloc(65_000)]));
		const facts = await factsOf(
			'jpg',
			START,
			exif,
			...Array.from({ length: 30 }, () => segment(0xe2, Buffer.alloc(65_533, 0xff))),
			segment(0xc4, Buffer.alloc(30)),
			segment(0xcc, [0, 0]),
			[0xff, 0x01, 0xff, 0xff, 0xff],
			frame(0xc0, 4000, 3000).subarray(1),
		);
		expect(facts).toEqual({ width: 4000, height: 3000 });
		expect(await factsOf('jpg', START, [1, 2, 0xff, 0, 3], frame(0xc0, 5, 6))).toEqual({
			width: 5,
			height: 6,
		});
	});

	it.each<[string, Array<Buffer | number[]>]>([
		['the scan comes first', [segment(0xda, [0]), frame(0xc0, 5, 6)]],
		['the image ends first', [[0xff, 0xd9], frame(0xc0, 5, 6)]],
		['a segment is shorter than its length', [[0xff, 0xe0, 0, 1], frame(0xc0, 5, 6)]],
		['the height comes after the scan', [frame(0xc0, 5, 0)]],
		['there are only fill bytes', [Buffer.alloc(1_000_000, 0xff)]],
		['there are only tiny segments', [Buffer.alloc(1_000_000, segment(0xe0, []))]],
		['the frame header is cut off', [frame(0xc0, 5, 6).subarray(0, 8)]],
	])('says nothing where %s', async (_, parts) => {
		expect(await factsOf('jpg', START, ...parts)).toEqual({});
	});
});

describe('PNG', () => {
	const chunk = (type: string, content: Buffer | number[]) => {
		const length = Buffer.alloc(4);
		length.writeUInt32BE(content.length);
		return Buffer.from([...length, ...ascii(type), ...content, 0, 0, 0, 0]);
	};
	const header = (colourType: number, width = 300) =>
		chunk('IHDR', [0, 0, ...u16(width), 0, 0, 0, 200, 8, colourType, 0, 0, 0]);
	const SIGNATURE = ascii('\x89PNG\r\n\x1a\n');

	it.each([
		[0, false],
		[2, false],
		[3, false],
		[4, true],
		[6, true],
	])('colour type %i', async (colourType, transparent) => {
		const facts = await factsOf('png', SIGNATURE, header(colourType), chunk('IDAT', []));
		expect(facts).toEqual({ width: 300, height: 200, transparent });
	});

	it.each([0, 2, 3])('colour type %i with tRNS after other chunks', async (colourType) => {
		const others = [chunk('iCCP', Buffer.alloc(500_000)), chunk('PLTE', [0, 0, 0])];
		const facts = await factsOf(
			'png',
			SIGNATURE,
			header(colourType),
			...others,
			chunk('tRNS', [0]),
		);
		expect(facts).toEqual({ width: 300, height: 200, transparent: true });
	});

	it('does not count tRNS after the image data', async () => {
		const facts = await factsOf('png', SIGNATURE, header(3), chunk('IDAT', []), chunk('tRNS', [0]));
		expect(facts.transparent).toBe(false);
	});

	it('keeps the size where the rest is unreadable', async () => {
		const size = { width: 300, height: 200 };
		expect(await factsOf('png', SIGNATURE, header(2))).toEqual(size);
		expect(await factsOf('png', SIGNATURE, header(2), chunk('IEND', []))).toEqual(size);
		const tiny = Buffer.alloc(1_000_000, chunk('tEXt', []));
		expect(await factsOf('png', SIGNATURE, header(2), tiny)).toEqual(size);
	});

	it('says nothing without a believable header', async () => {
		expect(await factsOf('png', SIGNATURE, chunk('CgBI', [0, 0, 0, 0]), header(2))).toEqual({});
		expect(await factsOf('png', SIGNATURE, chunk('IHDR', Buffer.alloc(20, 1)))).toEqual({});
		expect(await factsOf('png', SIGNATURE, header(2, 0))).toEqual({});
	});
});

describe('BMP', () => {
	const FILE_HEADER = Buffer.concat([ascii('BM'), Buffer.alloc(12)]);

	it('OS/2 header', async () => {
		const facts = await factsOf('bmp', FILE_HEADER, le32(12), [
			...le16(640),
			...le16(40_000),
			1,
			0,
			24,
			0,
		]);
		expect(facts).toEqual({ width: 640, height: 40_000 });
	});

	it.each([16, 40, 52, 56, 64, 108, 124])('header of %i bytes', async (bytes) => {
		const facts = await factsOf('bmp', FILE_HEADER, le32(bytes), le32(640), le32(480));
		expect(facts).toEqual({ width: 640, height: 480 });
	});

	it('rows from top to bottom', async () => {
		const facts = await factsOf('bmp', FILE_HEADER, le32(40), le32(640), le32(-480));
		expect(facts).toEqual({ width: 640, height: 480 });
	});

	it.each([
		['unknown header', 13, 640, 480],
		['absurd header', 70_000, 640, 480],
		['negative width', 40, -640, 480],
		['no height', 40, 640, 0],
	])('says nothing: %s', async (_, bytes, width, height) => {
		expect(await factsOf('bmp', FILE_HEADER, le32(bytes), le32(width), le32(height))).toEqual({});
	});
});

describe('WEBP', () => {
	const riff = (type: string, ...content: Array<Buffer | number[]>) =>
		Buffer.concat([ascii(`RIFF....WEBP${type}....`), ...content.map((part) => Buffer.from(part))]);
	const vp8 = (tag: number, start: number, width: number, height: number) =>
		riff('VP8 ', [tag, 0, 0, start, 0x01, 0x2a, ...le16(width), ...le16(height)]);

	it('VP8 with scaling bits', async () => {
		expect(await factsOf('webp', vp8(0, 0x9d, 640 | 0x4000, 480 | 0x8000))).toEqual({
			width: 640,
			height: 480,
			transparent: false,
		});
	});

	it.each([true, false])('VP8L at its largest, alpha %s', async (transparent) => {
		const facts = await factsOf(
			'webp',
			riff('VP8L', [0x2f, 0xff, 0xff, 0xff, transparent ? 0x1f : 0x0f]),
		);
		expect(facts).toEqual({ width: 16_384, height: 16_384, transparent });
	});

	it.each([true, false])('VP8X at its largest, alpha %s', async (transparent) => {
		const sizes = [...le24(0xffffff), ...le24(99)];
		const facts = await factsOf(
			'webp',
			riff('VP8X', [transparent ? 0x3e : 0x2e, 0, 0, 0, ...sizes]),
		);
		expect(facts).toEqual({ width: 0x1000000, height: 100, transparent });
	});

	it.each([
		['no key frame', vp8(1, 0x9d, 640, 480)],
		['no start code', vp8(0, 0x9c, 640, 480)],
		['no VP8L signature', riff('VP8L', [0x2e, 0, 0, 0, 0])],
		['another chunk first', riff('EXIF', Buffer.alloc(40))],
		['cut off', vp8(0, 0x9d, 640, 480).subarray(0, 28)],
	])('says nothing: %s', async (_, content) => {
		expect(await factsOf('webp', content)).toEqual({});
	});
});
