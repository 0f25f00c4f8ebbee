// What the transfers of the node alone must keep to.
import { target, type Target } from './figure';
import { fileName, type FileMeasurement } from './files';
import type { Direction } from './laboratory';
import { loadName, type LoadMeasurement } from './load';
import { tenths } from './resident';
import { spreadOf } from './statistics';

const GROWTH_LIMIT = 60;
const SPREAD_LIMIT = 10;
const LOAD_GROWTH_LIMIT = 100;
const LOAD_STALL_LIMIT = 100;

/** Ten files move two at once. */
const AT_ONCE = 2;

/** With a full heap: n8n's growth by what the node moves, and how long its event loop stands still. */
export function loadTargets(measurements: LoadMeasurement[]): Target[] {
	return measurements
		.filter(({ by }) => by === 'node')
		.flatMap((one) => [
			target(loadName(one), LOAD_GROWTH_LIMIT, tenths(spreadOf(one.growth).most), 'MB'),
			target(loadName(one), LOAD_STALL_LIMIT, tenths(spreadOf(one.stall).most), 'ms'),
		]);
}

/**
 * With files in n8n's folder: how much memory grows at most, and how much more for the largest file than for the
 * smallest. An upload's whole execution holds n8n's own reading of the file, too, so the difference is also given
 * for the transfer alone.
 */
export function fileTargets(measurements: FileMeasurement[]): Target[] {
	const directions: Direction[] = ['upload', 'download'];
	return directions.flatMap((direction) => {
		const all = measurements.filter(
			(one) => one.direction === direction && one.mode === 'filesystem',
		);
		const ours = all.filter(({ items }) => items === 1);
		const bound = (name: string, limit: number, actual: number) =>
			target(name, limit, tenths(actual), 'MB');
		const bounds = all.map((one) =>
			bound(
				fileName(one),
				one.items === 1 ? GROWTH_LIMIT : AT_ONCE * GROWTH_LIMIT,
				spreadOf(one.growth).most,
			),
		);
		const small = ours[0];
		const large = ours.at(-1);
		if (small === undefined || large === undefined || small === large) return bounds;
		const apart = `${direction} ${large.megabytes} MB over ${small.megabytes} MB`;
		return [
			...bounds,
			bound(
				`${apart}, median`,
				SPREAD_LIMIT,
				spreadOf(large.growth).median - spreadOf(small.growth).median,
			),
			bound(
				`${apart}, transfer alone, highest`,
				SPREAD_LIMIT,
				spreadOf(large.transferGrowth).most - spreadOf(small.transferGrowth).most,
			),
		];
	});
}
