// Memory and event loop of n8n while a file passes: this node in both directions, n8n's own node down only.
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../host/progress';
import { target, words, type Cell, type Figure } from './figure';
import { Laboratory, PAUSE_MS, type Direction } from './laboratory';
import { MEGABYTE, largeVideos } from './largeVideo';
import { makeProbe, type Probe } from './probe';
import { rise } from './resident';
import { progress, type Run } from './run';
import { spreadOf } from './statistics';
import { TITLES, type Way } from './ways';
import { downloadWorkflow, qwenCloudWorkflow, uploadWorkflow } from './workflows';

const REPETITIONS = 5;
const HEAP_MB = 400;
/** While idle, V8 collects once more on its own, eight seconds later. */
const SETTLE_MS = 10_000;

export interface Case {
	way: Way;
	direction: Direction;
	megabytes: number;
	/** Whether n8n's heap has 400 MB of live objects. */
	full: boolean;
}

const MEGABYTES: Record<Direction, readonly number[]> = {
	upload: [10, 50, 100],
	download: [10, 100, 200],
};

const CASES: Case[] = [false, true].flatMap((full) => [
	...MEGABYTES.upload.map((megabytes) => ({
		way: 'active' as const,
		direction: 'upload' as const,
		megabytes,
		full,
	})),
	...(['active', 'qwenCloud'] as const).flatMap((way) =>
		MEGABYTES.download.map((megabytes) => ({
			way,
			direction: 'download' as const,
			megabytes,
			full,
		})),
	),
]);

export interface Taken extends Case {
	/** Of resident memory, megabytes. */
	growths: number[];
	/** Of the event loop from the first transfer on, milliseconds. */
	stalls: number[];
	error?: string;
}

async function take(laboratory: Laboratory, ask: Probe['ask'], one: Case): Promise<Taken> {
	const { way, direction, megabytes, full } = one;
	const { sandbox, n8n } = laboratory;
	const bytes = megabytes * MEGABYTE;
	await laboratory.refresh();
	// The service's own work would take processor time from what is measured.
	sandbox.configure(direction === 'upload' ? { slots: 0 } : { resultBytes: bytes, slots: 5 });
	const workflow =
		way === 'qwenCloud'
			? qwenCloudWorkflow()
			: direction === 'upload'
				? uploadWorkflow(await largeVideos(sandbox.samples.video, n8n.files, bytes, 1))
				: downloadWorkflow(sandbox.samples.video.url, 1);
	if (full) {
		await ask(`/fill?megabytes=${HEAP_MB}`);
		await sleep(SETTLE_MS);
	}
	const taken: Taken = { ...one, growths: [], stalls: [] };
	for (let count = 0; count < REPETITIONS; count++) {
		const running = laboratory.run(workflow);
		// How n8n starts the execution and reads the file itself is another matter.
		const begun = () => sandbox.requests(direction === 'upload' ? 'policy' : 'result').length > 0;
		const over = running.then(
			() => true,
			() => true,
		);
		while (!begun() && !(await Promise.race([over, sleep(5, false)])));
		await ask('/reset');
		const { samples } = await running;
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
			const name = `${TITLES[one.way]}, ${one.direction} ${one.megabytes} MB${one.full ? ', full heap' : ''}`;
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
export function memoryFigure(taken: Taken[]): Figure {
	const cell = (one: Taken | undefined): Cell => {
		if (one === undefined) return words('–');
		if (one.error !== undefined) return words('failed');
		const growth = spreadOf(one.growths);
		const stall = spreadOf(one.stalls);
		return {
			text: `${growth.median.toFixed(0)} (≤ ${growth.most.toFixed(0)}) MB, ${stall.median.toFixed(0)} (≤ ${stall.most.toFixed(0)}) ms`,
			value: growth.most,
		};
	};
	const directions: Direction[] = ['upload', 'download'];
	const sizes = directions.flatMap((direction) =>
		MEGABYTES[direction].map((megabytes) => ({ direction, megabytes })),
	);
	const ways: Way[] = ['active', 'qwenCloud'];
	const find = (way: Way, full: boolean, { direction, megabytes }: (typeof sizes)[number]) =>
		taken.find(
			(one) =>
				one.way === way &&
				one.full === full &&
				one.direction === direction &&
				one.megabytes === megabytes,
		);
	const heaps = [false, true];
	const heapName = (full: boolean) => (full ? `heap of ${HEAP_MB} MB` : 'small heap');
	const apart = (way: Way, direction: Direction) => {
		const all = MEGABYTES[direction].map(
			(megabytes) => spreadOf(find(way, false, { direction, megabytes })?.growths ?? []).most,
		);
		return (all.at(-1) ?? NaN) - (all[0] ?? NaN);
	};
	return {
		title: 'Growth of resident memory, longest stall of the event loop',
		columns: sizes.map(
			({ direction, megabytes }) => `${megabytes} MB ${direction === 'upload' ? 'in' : 'out'}`,
		),
		rows: ways.flatMap((way) =>
			heaps.map((full) => ({
				label: `${TITLES[way]}, ${heapName(full)}`,
				cells: sizes.map((size) => cell(find(way, full, size))),
			})),
		),
		notes: [
			`Median (most) of ${REPETITIONS} executions in one process, files in n8n's folder. Growth from just before the execution; stalls from the beginning of the first transfer. What the first execution takes stays with the process, so that the most tells more than the median. The Qwen Cloud node takes no video in.`,
		],
		charts: [
			{
				name: 'memory',
				title: `Growth of memory by the size of the result, most of ${REPETITIONS}`,
				unit: 'MB',
				groups: MEGABYTES.download.map((megabytes) => `${megabytes} MB`),
				series: ways.flatMap((way) =>
					heaps.map((full) => ({
						name: `${TITLES[way]}, ${heapName(full)}`,
						values: MEGABYTES.download.map(
							(megabytes) => cell(find(way, full, { direction: 'download', megabytes })).value,
						),
					})),
				),
			},
		],
		targets: directions.map((direction) =>
			target(
				`(a) ${direction}, largest over smallest file, most of ${REPETITIONS}`,
				10,
				apart('active', direction),
				'MB',
			),
		),
		raw: taken,
	};
}
