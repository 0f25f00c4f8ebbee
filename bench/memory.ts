// Memory and event loop of n8n while a file passes: this node in both directions, n8n's own node down only.
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../host/progress';
import { NONE, target, words, type Cell, type Figure } from './figure';
import { Laboratory, PAUSE_MS, type Direction } from './laboratory';
import { MEGABYTE, largeVideos } from './largeVideo';
import { makeProbe, type Probe } from './probe';
import { rise } from './resident';
import { progress, type Run } from './run';
import { spreadOf } from './statistics';
import { TITLES, type Way } from './ways';
import { controlWorkflow, downloadWorkflow, qwenCloudWorkflow, uploadWorkflow } from './workflows';

const REPETITIONS = 5;
const HEAP_MB = 400;
/** While idle, V8 collects once more on its own, eight seconds later. */
const SETTLE_MS = 10_000;

/** By a way to have a video edited, or n8n's own reading of the file that an upload begins with. */
type Mover = Extract<Way, 'active' | 'qwenCloud'> | 'reading';

const NAMES: Record<Mover, string> = {
	active: TITLES.active,
	qwenCloud: TITLES.qwenCloud,
	reading: "n8n's own reading",
};

interface Case {
	by: Mover;
	direction: Direction;
	megabytes: number;
	/** Whether n8n's heap has 400 MB of live objects. */
	full: boolean;
}

const MEGABYTES: Record<Direction, readonly number[]> = {
	upload: [10, 50, 100],
	download: [10, 100, 200],
};

const MOVERS: Record<Direction, readonly Mover[]> = {
	upload: ['reading', 'active'],
	download: ['active', 'qwenCloud'],
};

const DIRECTIONS: Direction[] = ['upload', 'download'];

const CASES: Case[] = [false, true].flatMap((full) =>
	DIRECTIONS.flatMap((direction) =>
		MOVERS[direction].flatMap((by) =>
			MEGABYTES[direction].map((megabytes) => ({ by, direction, megabytes, full })),
		),
	),
);

interface Taken extends Case {
	/** Of resident memory, megabytes. */
	growths: number[];
	/** Of the event loop from the first transfer on, milliseconds. */
	stalls: number[];
	error?: string;
}

async function take(laboratory: Laboratory, ask: Probe['ask'], one: Case): Promise<Taken> {
	const { by, direction, megabytes, full } = one;
	const { sandbox, n8n } = laboratory;
	const bytes = megabytes * MEGABYTE;
	await laboratory.refresh();
	// The service's own work would take processor time from what is measured.
	sandbox.configure(direction === 'upload' ? { slots: 0 } : { resultBytes: bytes, slots: 5 });
	const { video } = sandbox.samples;
	let workflow = by === 'qwenCloud' ? qwenCloudWorkflow() : downloadWorkflow(video.url, 1);
	if (direction === 'upload') {
		const files = await largeVideos(video, n8n.files, bytes, 1);
		workflow = by === 'reading' ? controlWorkflow(files) : uploadWorkflow(files);
	}
	if (full) {
		await ask(`/fill?megabytes=${HEAP_MB}`);
		await sleep(SETTLE_MS);
	}
	const taken: Taken = { ...one, growths: [], stalls: [] };
	for (let count = 0; count < REPETITIONS; count++) {
		const reset = async () => await ask('/reset');
		await reset();
		// How n8n starts the execution and reads the file itself is another matter.
		const { samples } = await laboratory.run([workflow], reset);
		taken.stalls.push((await ask('/')).stall);
		taken.growths.push(rise(samples, 'own'));
		await sleep(PAUSE_MS);
	}
	return taken;
}

export async function measureMemory(run: Run): Promise<Figure> {
	const { env, ask } = await makeProbe();
	const laboratory = await Laboratory.open('filesystem', run.tarball, env);
	const tell = progress('memory', CASES.length);
	const taken: Taken[] = [];
	try {
		for (const one of CASES) {
			const name = `${NAMES[one.by]}, ${one.direction} ${one.megabytes} MB${one.full ? ', full heap' : ''}`;
			try {
				const measured = await take(laboratory, ask, one);
				taken.push(measured);
				tell(`${name}: ${measured.growths.join(', ')} MB`);
			} catch (error) {
				const reason = error instanceof Error ? error.message : String(error);
				taken.push({ ...one, growths: [], stalls: [], error: reason });
				say(`${name} failed: ${reason}`);
			}
		}
	} finally {
		await laboratory.close();
	}
	return memoryFigure(taken);
}

/** The figure of cases that were taken. */
function memoryFigure(taken: Taken[]): Figure {
	const cell = (one: Taken | undefined): Cell => {
		if (one === undefined) return NONE;
		if (one.error !== undefined) return words('failed');
		const growth = spreadOf(one.growths);
		const stall = spreadOf(one.stalls);
		return {
			text: `${growth.median.toFixed(0)} (≤ ${growth.most.toFixed(0)}) MB, ${stall.median.toFixed(0)} (≤ ${stall.most.toFixed(0)}) ms`,
			value: growth.most,
		};
	};
	const sizes = DIRECTIONS.flatMap((direction) =>
		MEGABYTES[direction].map((megabytes) => ({ direction, megabytes })),
	);
	const find = (by: Mover, full: boolean, { direction, megabytes }: (typeof sizes)[number]) =>
		taken.find(
			(one) =>
				one.by === by &&
				one.full === full &&
				one.direction === direction &&
				one.megabytes === megabytes,
		);
	const heaps = [false, true];
	const heapName = (full: boolean) => (full ? `heap of ${HEAP_MB} MB` : 'small heap');
	// The most of five is the first execution's, and differs by 30 MB from run to run.
	const median = (by: Mover, direction: Direction, megabytes: number) =>
		spreadOf(find(by, false, { direction, megabytes })?.growths ?? []).median;
	const [smallest = NaN, , largest = NaN] = MEGABYTES.download;
	return {
		title: 'Growth of resident memory, longest stall of the event loop',
		columns: sizes.map(
			({ direction, megabytes }) => `${megabytes} MB ${direction === 'upload' ? 'in' : 'out'}`,
		),
		rows: (['active', 'reading', 'qwenCloud'] as const).flatMap((by) =>
			heaps.map((full) => ({
				label: `${NAMES[by]}, ${heapName(full)}`,
				cells: sizes.map((size) => cell(find(by, full, size))),
			})),
		),
		notes: [
			`Median (most) of ${REPETITIONS} executions in one process, files in n8n's folder. Growth from just before the execution; stalls from the beginning of the first transfer. What the first execution takes stays with the process, so that the most tells more than the median. The Qwen Cloud node takes no video in. An upload's growth holds n8n's own reading of the file, which is also given by itself.`,
		],
		charts: [
			{
				name: 'memory',
				title: `Growth of memory by the size of the result, most of ${REPETITIONS}`,
				unit: 'MB',
				groups: MEGABYTES.download.map((megabytes) => `${megabytes} MB`),
				series: MOVERS.download.flatMap((by) =>
					heaps.map((full) => ({
						name: `${NAMES[by]}, ${heapName(full)}`,
						values: MEGABYTES.download.map(
							(megabytes) => cell(find(by, full, { direction: 'download', megabytes })).value,
						),
					})),
				),
			},
		],
		targets: [
			target(
				`(a) upload, over n8n's own reading of the file, median of ${REPETITIONS}`,
				10,
				Math.max(
					...MEGABYTES.upload.map(
						(megabytes) =>
							median('active', 'upload', megabytes) - median('reading', 'upload', megabytes),
					),
				),
				'MB',
			),
			target(
				`(a) download, largest over smallest file, median of ${REPETITIONS}`,
				10,
				median('active', 'download', largest) - median('active', 'download', smallest),
				'MB',
			),
		],
		raw: taken,
	};
}
