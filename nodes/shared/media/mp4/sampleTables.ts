/** The tables of a track that are read value by value, one for each sample: ISO/IEC 14496-12, 8.6 and 8.7. */
import { Fields, find } from './boxes';
import type { Box } from './boxes';
import { damaged } from './source';

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
