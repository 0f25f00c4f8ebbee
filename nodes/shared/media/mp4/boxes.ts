/** The boxes ("atoms") of MP4 and MOV files, in memory: ISO/IEC 14496-12 4.2 and the QuickTime File Format. */
import { damaged } from './source';

export interface Box {
	/** Four characters. */
	type: string;
	/** Without the header. */
	content: Uint8Array;
}

/** Reads the fields of a box one after another. Each reading throws a ClipError where the box is too short for it. */
export class Fields {
	position = 0;
	private readonly view: DataView;

	constructor(private readonly box: Box) {
		const { buffer, byteOffset, byteLength } = box.content;
		this.view = new DataView(buffer, byteOffset, byteLength);
	}

	get left(): number {
		return this.view.byteLength - this.position;
	}

	/** Passes over `count` bytes. @returns the offset of the first, within the content of the box */
	skip(count: number): number {
		if (count > this.left) throw damaged(`its box "${this.box.type}" is too short`);
		this.position += count;
		return this.position - count;
	}

	bytes(count: number): Uint8Array {
		const start = this.skip(count);
		return this.box.content.subarray(start, start + count);
	}

	// Arrow functions, because they are passed on, such as to `map`.
	u8 = () => this.view.getUint8(this.skip(1));
	u16 = () => this.view.getUint16(this.skip(2));
	u32 = () => this.view.getUint32(this.skip(4));
	i32 = () => this.view.getInt32(this.skip(4));
	u64 = () => this.exact(this.view.getBigUint64(this.skip(8)));
	i64 = () => this.exact(this.view.getBigInt64(this.skip(8)));
	text = (count: number) => String.fromCharCode(...this.bytes(count));

	/** What a full box begins with (4.2); version 1 has 64-bit times. */
	full(): { version: number; flags: number } {
		const word = this.u32();
		return { version: word >>> 24, flags: word & 0xffffff };
	}

	/**
	 * A count of entries of `bytes` each, all of which are there.
	 * @param most that are read: a large file may count enough of them to fill the memory
	 * @throws ClipError where they are not there, or are more
	 */
	count(bytes: number, most = Infinity): number {
		const count = this.u32();
		if (count > most) throw damaged(`its box "${this.box.type}" counts ${count} entries`);
		if (count * bytes > this.left) {
			throw damaged(`its box "${this.box.type}" counts ${count} entries and is too short for them`);
		}
		return count;
	}

	/** @throws ClipError for more than a number can tell exactly */
	private exact(value: bigint): number {
		const number = Number(value);
		if (!Number.isSafeInteger(number)) throw damaged(`a number in "${this.box.type}" is absurd`);
		return number;
	}
}

/** In one box: a movie of many tracks or a fragment of many runs has some hundreds. */
const MAX_BOXES = 10_000;

/**
 * The boxes in `content`, one after another. A rest of less than a header is let through: QuickTime ends lists with zeros.
 * @param parent type of the box that they lie in, for messages
 * @param wanted only those of this type: nothing is made for the others, of which a crafted file may have millions
 * @throws ClipError for a box that does not fit into it, and for an absurd number of them
 */
export function boxesIn(content: Uint8Array, parent: string, wanted?: string): Box[] {
	const code = wanted === undefined ? undefined : codeOf(wanted);
	const fields = new Fields({ type: parent, content });
	const boxes: Box[] = [];
	for (let count = 1; fields.left >= 8; count++) {
		const start = fields.position;
		const size = fields.u32();
		const found = fields.u32();
		if (size === 0 && found === 0) break;
		const whole = size === 1 ? fields.u64() : size === 0 ? content.length - start : size;
		const length = whole - (fields.position - start);
		if (length < 0) throw damaged(`the size of "${typeOf(found)}" in "${parent}" cannot be true`);
		if (count > MAX_BOXES) throw damaged(`"${parent}" has more than ${MAX_BOXES} boxes`);
		const offset = fields.skip(length);
		if (code !== undefined && code !== found) continue;
		boxes.push({ type: typeOf(found), content: content.subarray(offset, offset + length) });
	}
	return boxes;
}

/** A type as the number that its four bytes are. */
function codeOf(type: string): number {
	return new Fields({ type, content: latin1Bytes(type) }).u32();
}

/** The type whose four bytes are this number. */
function typeOf(code: number): string {
	return String.fromCharCode(...u32(code));
}

/**
 * The first box at a path of types, for instance `mdia`, `minf`.
 * @throws ClipError for one that does not fit into its parent
 */
export function find(box: Box, ...path: string[]): Box | undefined {
	let found: Box | undefined = box;
	for (const type of path) {
		if (found === undefined) return undefined;
		found = boxesIn(found.content, found.type, type)[0];
	}
	return found;
}

/** The parts, one after another. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
	const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let filled = 0;
	for (const part of parts) {
		bytes.set(part, filled);
		filled += part.length;
	}
	return bytes;
}

/** A text of Latin letters, one byte for each character. */
export function latin1Bytes(text: string): Uint8Array {
	return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Whole numbers, each in two bytes, the high one first. */
export function u16(...values: number[]): Uint8Array {
	return Uint8Array.from(values.flatMap((value) => [(value >> 8) & 0xff, value & 0xff]));
}

/** Whole numbers, each in four bytes, the highest first; negative ones as two's complement. */
export function u32(...values: number[]): Uint8Array {
	return u32s(values);
}

/** A list of whole numbers, which may be too long to be arguments, as {@link u32} writes them. */
export function u32s(values: readonly number[]): Uint8Array {
	const view = new DataView(new ArrayBuffer(values.length * 4));
	for (let index = 0; index < values.length; index++) view.setInt32(index * 4, values[index] ?? 0);
	return new Uint8Array(view.buffer);
}

/** A list of whole numbers, each in eight bytes, the highest first. */
export function u64s(values: readonly number[]): Uint8Array {
	const view = new DataView(new ArrayBuffer(values.length * 8));
	values.forEach((value, index) => view.setBigUint64(index * 8, BigInt(value)));
	return new Uint8Array(view.buffer);
}

/** A box with its header. */
export function box(type: string, ...parts: Uint8Array[]): Uint8Array {
	const content = concat(parts);
	return concat([u32(content.length + 8), latin1Bytes(type), content]);
}

/** Version and flags before the content. */
export function fullBox(type: string, word: number, ...parts: Uint8Array[]): Uint8Array {
	return box(type, u32(word), ...parts);
}
