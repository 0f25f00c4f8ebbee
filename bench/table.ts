// Figures for people: in the terminal, and as Markdown.
import { NONE, type Figure, type Target } from './figure';

/** Columns as wide as their widest cell; the first is text, the others are numbers. */
function aligned(rows: string[][]): string {
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

const rowsOf = ({ columns, rows }: Figure, corner: string): string[][] => [
	[corner, ...columns],
	...rows.map(({ label, cells }) => [label, ...cells.map(({ text }) => text)]),
];

const exact = (value: number) =>
	Number.isFinite(value) ? String(Math.round(value * 1_000) / 1_000) : NONE.text;

const targetRows = (targets: Target[]): string[][] => [
	['Target', 'At most', 'Measured', ''],
	...targets.map(({ what, limit, actual, unit, met }) => [
		what,
		`${limit} ${unit}`.trim(),
		`${exact(actual)} ${unit}`.trim(),
		met ? 'met' : 'not met',
	]),
];

export function terminalText(figure: Figure): string {
	const { title, notes, targets = [] } = figure;
	const parts = [`${title}\n`, aligned(rowsOf(figure, '')), ...notes];
	if (targets.length > 0) parts.push(`\n${aligned(targetRows(targets))}`);
	return parts.join('\n');
}

function markdownTable(rows: string[][]): string {
	const line = (row: string[]) => `| ${row.join(' | ')} |`;
	const [head = [], ...body] = rows;
	return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

/** @param chart where the file of a chart is, seen from the page */
export function markdownText(figure: Figure, chart: (name: string) => string): string {
	const { title, notes, charts = [], targets = [] } = figure;
	return [
		`### ${title}`,
		markdownTable(rowsOf(figure, ' ')),
		...notes,
		...charts.map((one) => `![${one.title}](${chart(one.name)})`),
		...(targets.length === 0 ? [] : [markdownTable(targetRows(targets))]),
	].join('\n\n');
}
