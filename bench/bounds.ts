// What the measurements must keep to.
import { nameOf, type Direction, type Measurement } from './memory';

export interface Bound {
	name: string;
	/** Megabytes. */
	limit: number;
	actual: number;
	ok: boolean;
}

const GROWTH_LIMIT = 60;
const SPREAD_LIMIT = 10;

/** Ten files move two at once. */
const AT_ONCE = 2;

/**
 * With files in n8n's folder: how much memory grows at most, and how much more for the largest file than for the
 * smallest. An upload's whole execution holds n8n's own reading of the file, too, so the difference is also given
 * for the transfer alone.
 */
export function boundsOf(measurements: Measurement[]): Bound[] {
	const directions: Direction[] = ['upload', 'download'];
	return directions.flatMap((direction) => {
		const all = measurements.filter(
			(one) => one.direction === direction && one.mode === 'filesystem',
		);
		const ours = all.filter(({ items }) => items === 1);
		const bound = (name: string, limit: number, actual: number): Bound => ({
			name,
			limit,
			actual: Math.round(actual * 10) / 10,
			ok: actual <= limit,
		});
		const bounds = all.map((one) =>
			bound(nameOf(one), one.items === 1 ? GROWTH_LIMIT : AT_ONCE * GROWTH_LIMIT, one.growth.max),
		);
		const small = ours[0];
		const large = ours.at(-1);
		if (small === undefined || large === undefined || small === large) return bounds;
		const apart = `${direction} ${large.megabytes} MB over ${small.megabytes} MB`;
		return [
			...bounds,
			bound(`${apart}, median`, SPREAD_LIMIT, large.growth.median - small.growth.median),
			bound(
				`${apart}, transfer alone, highest`,
				SPREAD_LIMIT,
				large.transferGrowth.max - small.transferGrowth.max,
			),
		];
	});
}
