// The measurements for people.
import type { Bound } from './bounds';
import { nameOf, type Growth, type Measurement } from './memory';

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

export function boundsTable(bounds: Bound[]): string {
	return table([
		['bound, MB', 'limit', 'actual', ''],
		...bounds.map(({ name, limit, actual, ok }) => [
			name,
			String(limit),
			actual.toFixed(1),
			ok ? 'holds' : 'BROKEN',
		]),
	]);
}
