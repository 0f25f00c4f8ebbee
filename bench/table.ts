// The measurements for people.
import type { Bound } from './bounds';
import { loadName, type LoadMeasurement } from './load';
import { nameOf, type Measurement } from './memory';
import type { Growth } from './resident';

/** Columns as wide as their widest cell; the first is text, the others are numbers. */
function table(rows: string[][]): string {
	const widths = (rows[0] ?? []).map((_, column) =>
		Math.max(...rows.map((row) => row[column]?.length ?? 0)),
	);
	const line = (row: string[]) =>
		row
			.map((cell, column) =>
				column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
			)
			.join('  ');
	const [head = [], ...body] = rows;
	return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join(
		'\n',
	);
}

const range = (growth: Growth | undefined) =>
	growth === undefined ? '–' : `${growth.median.toFixed(1)} / ${growth.max.toFixed(1)}`;

export function memoryTable(measurements: Measurement[]): string {
	return table([
		[
			'resident memory, MB',
			'before',
			'growth',
			'in transfer',
			'control',
			'children',
			'seconds',
			'CPU s',
		],
		...measurements.map((one) => [
			nameOf(one),
			one.baseline.toFixed(0),
			range(one.growth),
			range(one.transferGrowth),
			range(one.controlGrowth),
			range(one.childrenGrowth),
			one.seconds.toFixed(1),
			one.processorSeconds?.toFixed(1) ?? '–',
		]),
		['(growth: median / highest of the repetitions)', '', '', '', '', '', '', ''],
	]);
}

export function loadTable(measurements: LoadMeasurement[]): string {
	return table([
		['n8n with a full heap', 'growth MB', 'stall ms', 'major GC ms', 'minor', 'seconds', 'CPU s'],
		...measurements.map((one) => [
			loadName(one),
			range(one.growth),
			range(one.stall),
			range(one.major),
			range(one.minor),
			one.seconds.toFixed(1),
			one.processorSeconds?.toFixed(1) ?? '–',
		]),
		['(median / highest of the repetitions)', '', '', '', '', '', ''],
	]);
}

export function boundsTable(bounds: Bound[]): string {
	return table([
		['bound', 'limit', 'actual', ''],
		...bounds.map(({ name, unit, limit, actual, ok }) => [
			name,
			`${limit} ${unit}`,
			actual.toFixed(1),
			ok ? 'holds' : 'BROKEN',
		]),
	]);
}
