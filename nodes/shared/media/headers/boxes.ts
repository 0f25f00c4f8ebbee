/** The boxes ("atoms") of MP4 and MOV files: ISO/IEC 14496-12 4.2 and the QuickTime File Format. */
import { UnreadableError } from './cursor';
import type { Cursor } from './cursor';
import { textAt } from './facts';

export interface Box {
	type: string;
	/** Offset of the first byte after the box; Infinity for one that lasts to the end of the file. */
	end: number;
}

/** What to do with the content of a box; whatever it leaves unread is skipped. */
export type BoxReader = (box: Box) => Promise<void>;

/** Of a box header: size (32 bits) and type. */
const HEADER_BYTES = 8;

/**
 * Walks the boxes one after another up to `end`, hands those with a reader to it and skips the others. Each step
 * goes forward by at least one header, and headers count towards the cursor's limit, so a walk always ends. How
 * deep it goes is up to the readers, which know the path they want.
 * @param done asked after each box; true ends the walk there
 * @throws UnreadableError for a box that is longer than what it lies in, or that the file ends in
 */
export async function walkBoxes(
	cursor: Cursor,
	end: number,
	readers: ReadonlyMap<string, BoxReader>,
	done: () => boolean = () => false,
): Promise<void> {
	// A rest too short for a header: QuickTime ends some lists with four zero bytes.
	while (end - cursor.position >= HEADER_BYTES) {
		if (end === Infinity && (await cursor.atEnd())) return;
		const box = await nextBox(cursor, end);
		await readers.get(box.type)?.(box);
		if (done() || box.end === Infinity) return;
		await cursor.skip(box.end - cursor.position);
	}
}

async function nextBox(cursor: Cursor, end: number): Promise<Box> {
	const start = cursor.position;
	const header = await cursor.read(HEADER_BYTES);
	const size = header.getUint32(0);
	const type = textAt(header, 4, 4);
	// 0: to the end of what it lies in. 1: the size follows as 64 bits.
	const boxEnd = size === 0 ? end : start + (size === 1 ? await largeSize(cursor) : size);
	if (boxEnd < cursor.position || boxEnd > end) {
		throw new UnreadableError(`The size of box ${type} cannot be true`);
	}
	return { type, end: boxEnd };
}

async function largeSize(cursor: Cursor): Promise<number> {
	return Number((await cursor.read(8)).getBigUint64(0));
}

/**
 * The next `count` bytes of a box.
 * @throws UnreadableError when the box is shorter
 */
export async function readWithin(cursor: Cursor, box: Box, count: number): Promise<DataView> {
	if (box.end - cursor.position < count) {
		throw new UnreadableError(`Box ${box.type} is shorter than its content`);
	}
	return await cursor.read(count);
}
