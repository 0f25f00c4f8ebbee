// What the measurements must keep to.
import type { Direction } from './laboratory';
import { loadName, type LoadMeasurement } from './load';
import { nameOf, type Measurement } from './memory';
import { tenths } from './resident';

export interface Bound {
	name: string;
	unit: 'MB' | 'ms';
	limit: number;
	actual: number;
	ok: boolean;
}

const GROWTH_LIMIT = 60;
const SPREAD_LIMIT = 10;
const LOAD_GROWTH_LIMIT = 100;
const LOAD_STALL_LIMIT = 100;

/** Ten files move two at once. */
const AT_ONCE = 2;

function boundOf(name: string, unit: Bound['unit'], limit: number, actual: number): Bound {
	return { name, unit, limit, actual: tenths(actual), ok: actual <= limit };
}

/** With a full heap: n8n's growth by what the node moves, and how long its event loop stands still. */
export function loadBoundsOf(measurements: LoadMeasurement[]): Bound[] {
	return measurements
		.filter(({ by }) => by === 'node')
		.flatMap((one) => [
			boundOf(loadName(one), 'MB', LOAD_GROWTH_LIMIT, one.growth.max),
			boundOf(loadName(one), 'ms', LOAD_STALL_LIMIT, one.stall.max),
		]);
}

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
		const bound = (name: string, limit: number, actual: number) =>
			boundOf(name, 'MB', limit, actual);
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
