/** The tables of a track that are read value by value, one for each sample: ISO/IEC 14496-12, 8.6 and 8.7. */
import { Fields, find } from './boxes';
import type { Box } from './boxes';
import { damaged } from './source';

/** A table of a track at its first entry, and how many it has. */
export interface Table {
	fields: Fields;
	count: number;
}

/**
 * Opens a table of a track.
 * @param bytes of an entry
 * @param most entries that are read
 * @returns undefined where there is no such table
 * @throws ClipError where its entries are not there, or are more
 */
export function openTable(
	stbl: Box,
	type: string,
	bytes: number,
	most?: number,
): Table | undefined {
	const box = find(stbl, type);
	if (box === undefined) return undefined;
	const fields = new Fields(box);
	fields.full();
	return { fields, count: fields.count(bytes, most) };
}

/** Samples that lie together in the file. */
interface Chunk {
	offset: number;
	samples: number;
	/** Index of the sample description. */
	description: number;
}

const NO_RUN = { first: 0, samples: 0, description: 0 };

/** The chunks of a track, read one by one: stco or co64 (8.7.5) with stsc (8.7.4). */
export class Chunks {
	private readonly runs: Array<Omit<Chunk, 'offset'> & { first: number }>;
	private number = 0;
	private run = 0;

	/** @param is64 whether offsets have 64 bits */
	constructor(
		private readonly track: number,
		private readonly offsets: Table,
		stsc: Table,
		private readonly is64: boolean,
	) {
		this.runs = Array.from({ length: stsc.count }, () => ({
			first: stsc.fields.u32(),
			samples: stsc.fields.u32(),
			description: stsc.fields.u32() - 1,
		}));
	}

	get atEnd(): boolean {
		return this.number >= this.offsets.count;
	}

	/** @throws ClipError for a first run that begins later */
	next(): Chunk {
		this.number += 1;
		while ((this.runs[this.run + 1]?.first ?? Infinity) <= this.number) this.run += 1;
		const { first, samples, description } = this.runs[this.run] ?? NO_RUN;
		if (this.run === 0 && first !== 1) {
			throw damaged(`"stsc" of track ${this.track} does not begin at 1`);
		}
		const { fields } = this.offsets;
		return { offset: this.is64 ? fields.u64() : fields.u32(), samples, description };
	}
}

/** A table of runs, (count, value) each, read value by value. */
export class Runs {
	private left = 0;
	private value = 0;

	constructor(
		private readonly fields: Fields,
		private runs: number,
		private readonly type: string,
	) {
		this.advance();
	}

	get atEnd(): boolean {
		return this.left === 0;
	}

	/** Whether all `count` values are this one. */
	isOnly(value: number, count: number): boolean {
		return this.runs === 0 && this.value === value && this.left === count;
	}

	/** @throws ClipError after the last value */
	next(): number {
		if (this.atEnd) throw damaged(`its table "${this.type}" is too short`);
		this.left -= 1;
		const { value } = this;
		this.advance();
		return value;
	}

	private advance(): void {
		while (this.left === 0 && this.runs > 0) {
			this.runs -= 1;
			this.left = this.fields.u32();
			this.value = this.fields.i32();
			if (this.type === 'stts' && this.value < 0) throw damaged('its table "stts" goes backwards');
		}
	}
}

/**
 * The sizes of samples in bytes, stsz and stz2 (8.7.3).
 * @returns `all`: the size of each, or 0 where they differ; `next`: that of the next one, `count` times
 * @throws ClipError where there is no such table, or one that is cut off
 */
export function readSizes(stbl: Box): { count: number; all: number; next: () => number } {
	const stsz = find(stbl, 'stsz');
	if (stsz !== undefined) {
		const fields = new Fields(stsz);
		fields.full();
		const all = fields.u32();
		const count = all === 0 ? fields.count(4) : fields.u32();
		return { count, all, next: () => (all === 0 ? fields.u32() : all) };
	}
	const stz2 = find(stbl, 'stz2');
	if (stz2 === undefined) throw damaged('a track has no "stsz"');
	const fields = new Fields(stz2);
	fields.full();
	const bits = fields.u32() & 0xff;
	const count = fields.count(bits / 8);
	let half: number | undefined;
	const nibble = () => {
		if (half !== undefined) {
			const low = half;
			half = undefined;
			return low;
		}
		const byte = fields.u8();
		half = byte & 15;
		return byte >> 4;
	};
	return { count, all: 0, next: bits === 16 ? fields.u16 : bits === 8 ? fields.u8 : nibble };
}
