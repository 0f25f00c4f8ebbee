/**
 * Facts from the headers of pictures. Each reader fills in what it finds, as soon as it finds it, and throws an
 * UnreadableError where it cannot go on.
 */
import { UnreadableError } from './cursor';
import type { Cursor } from './cursor';
import { setSize, textAt } from './facts';
import type { MediaFacts } from './facts';

/**
 * JPEG, ITU-T T.81 annex B: segments of marker (0xFF, code), length and content up to the frame header (SOFn),
 * which baseline, progressive and lossless pictures alike have. Segments before it are skipped, and so is the
 * thumbnail inside an EXIF segment.
 * @throws UnreadableError where no frame header comes
 */
export async function readJpeg(cursor: Cursor, facts: MediaFacts): Promise<void> {
	await cursor.skip(2);
	for (;;) {
		const marker = await nextMarker(cursor);
		if (isStandalone(marker)) continue;
		// Start of the scan or end of the image: the frame header had to come before.
		if (marker === 0xda || marker === 0xd9) throw new UnreadableError('No frame header');
		const length = (await cursor.read(2)).getUint16(0);
		if (length < 2) throw new UnreadableError('A segment shorter than its own length field');
		if (isFrameHeader(marker)) {
			// Sample precision, height, width. A height of 0 is given after the first scan (DNL).
			const frame = await cursor.read(5);
			setSize(facts, frame.getUint16(3), frame.getUint16(1));
			return;
		}
		await cursor.skip(length - 2);
	}
}

/** The code after the next 0xFF; fill bytes and rubbish between segments are passed over, as decoders do. */
async function nextMarker(cursor: Cursor): Promise<number> {
	for (let previous = 0; ; ) {
		const byte = (await cursor.read(1)).getUint8(0);
		if (previous === 0xff && byte !== 0xff && byte !== 0) return byte;
		previous = byte;
	}
}

/** TEM, RSTn and SOI have no length and no content. */
function isStandalone(marker: number): boolean {
	return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which share the range. */
function isFrameHeader(marker: number): boolean {
	return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** PNG color types with an alpha channel: gray with alpha, RGB with alpha. */
const ALPHA_COLOR_TYPES = [4, 6];

/**
 * PNG, W3C PNG specification 11.2 and 11.3.2: IHDR is the first chunk; transparency is an alpha color type or a
 * tRNS chunk, which must come before the image data (IDAT).
 * @throws UnreadableError where IHDR does not come first, or no image data come
 */
export async function readPng(cursor: Cursor, facts: MediaFacts): Promise<void> {
	await cursor.skip(8);
	// Length, type, width, height, bit depth, color type.
	const header = await cursor.read(18);
	if (header.getUint32(0) !== 13 || textAt(header, 4, 4) !== 'IHDR') {
		throw new UnreadableError('The first chunk is not IHDR');
	}
	setSize(facts, header.getUint32(8), header.getUint32(12));
	if (ALPHA_COLOR_TYPES.includes(header.getUint8(17))) {
		facts.transparent = true;
		return;
	}
	// Compression, filter, interlace, checksum.
	await cursor.skip(3 + 4);
	for (;;) {
		const chunk = await cursor.read(8);
		const type = textAt(chunk, 4, 4);
		if (type === 'tRNS' || type === 'IDAT') {
			facts.transparent = type === 'tRNS';
			return;
		}
		if (type === 'IEND') throw new UnreadableError('No image data');
		await cursor.skip(chunk.getUint32(0) + 4);
	}
}

/** BITMAPV5HEADER, the longest there is, has 124 bytes; anything much above is no header length. */
const MAX_BMP_HEADER_BYTES = 1024;

/**
 * BMP: 14 bytes of file header, then BITMAPCOREHEADER (12 bytes, 16-bit sizes, OS/2 1.x) or one of the
 * BITMAPINFOHEADER family (16 bytes and more, 32-bit sizes). A negative height means rows from top to bottom.
 * @throws UnreadableError for another header
 */
export async function readBmp(cursor: Cursor, facts: MediaFacts): Promise<void> {
	await cursor.skip(14);
	const header = await cursor.read(12);
	const bytes = header.getUint32(0, true);
	if (bytes === 12) {
		setSize(facts, header.getUint16(4, true), header.getUint16(6, true));
	} else if (bytes >= 16 && bytes <= MAX_BMP_HEADER_BYTES) {
		setSize(facts, header.getInt32(4, true), Math.abs(header.getInt32(8, true)));
	} else {
		throw new UnreadableError('An unknown kind of bitmap header');
	}
}

/**
 * WEBP, RFC 9649: a RIFF file whose first chunk is VP8 (lossy, frame header of RFC 6386 9.1), VP8L (lossless)
 * or VP8X (extended: canvas size and flags).
 * @throws UnreadableError for another first chunk, or one that is not what it says
 */
export async function readWebp(cursor: Cursor, facts: MediaFacts): Promise<void> {
	await cursor.skip(12);
	const chunk = textAt(await cursor.read(8), 0, 4);
	switch (chunk) {
		case 'VP8 ':
			return await readVp8(cursor, facts);
		case 'VP8L':
			return await readVp8l(cursor, facts);
		case 'VP8X':
			return await readVp8x(cursor, facts);
		default:
			throw new UnreadableError('The first chunk is not a picture');
	}
}

async function readVp8(cursor: Cursor, facts: MediaFacts): Promise<void> {
	// Frame tag (3 bytes, lowest bit 0 for a key frame), start code, then 14 bits of size under 2 of scaling.
	const frame = await cursor.read(10);
	const isKeyFrame = (frame.getUint8(0) & 1) === 0;
	const startCode = frame.getUint32(2) & 0xffffff;
	if (!isKeyFrame || startCode !== 0x9d012a) throw new UnreadableError('Not a VP8 key frame');
	setSize(facts, frame.getUint16(6, true) & 0x3fff, frame.getUint16(8, true) & 0x3fff);
	facts.transparent = false;
}

async function readVp8l(cursor: Cursor, facts: MediaFacts): Promise<void> {
	// Signature, then 14 bits of width - 1, 14 bits of height - 1 and the alpha bit, lowest bits first.
	const frame = await cursor.read(5);
	if (frame.getUint8(0) !== 0x2f) throw new UnreadableError('Not a VP8L picture');
	const bits = frame.getUint32(1, true);
	setSize(facts, (bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
	facts.transparent = ((bits >>> 28) & 1) === 1;
}

async function readVp8x(cursor: Cursor, facts: MediaFacts): Promise<void> {
	// Flags, 3 reserved bytes, 24 bits of width - 1, 24 bits of height - 1.
	const header = await cursor.read(10);
	const width = (header.getUint32(3, true) >>> 8) + 1;
	const height = (header.getUint32(6, true) >>> 8) + 1;
	setSize(facts, width, height);
	facts.transparent = (header.getUint8(0) & 0x10) !== 0;
}
