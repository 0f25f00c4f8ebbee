// Puts figures into a page of the documentation: each between its own two marks, so that one can be measured anew.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../host/pack';
import { svgOf } from './charts';
import type { Figure } from './figure';
import { withPart } from './parts';
import { markdownText } from './table';

const docs = join(root, 'docs');
const CHARTS = 'charts';

/** @param file such as benchmark.md @param machine what it was measured on */
export async function writePage(
	file: string,
	figures: Record<string, Figure>,
	machine: string,
): Promise<void> {
	const path = join(docs, file);
	await mkdir(join(docs, CHARTS), { recursive: true });
	let page = await readFile(path, 'utf8');
	for (const [name, figure] of Object.entries(figures)) {
		const text = markdownText(figure, (chart) => `${CHARTS}/${chart}.svg`);
		page = withPart(page, name, `${text}\n\nMeasured on ${machine}.`);
		for (const chart of figure.charts ?? []) {
			await writeFile(join(docs, CHARTS, `${chart.name}.svg`), `${svgOf(chart)}\n`);
		}
	}
	await writeFile(path, page);
}
