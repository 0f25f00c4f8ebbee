// How much the resident memory of a real n8n grows while the node moves files of several sizes.
import { say, step } from '../host/progress';
import { fileTargets } from './bounds';
import { number, range, type Figure } from './figure';
import { Laboratory, type Direction, type Mode } from './laboratory';
import { MEGABYTE, largeVideos } from './largeVideo';
import type { Run } from './run';
import { rise, rounded, tenths } from './resident';
import { spreadOf } from './statistics';
import { controlWorkflow, downloadWorkflow, uploadWorkflow } from './workflows';

interface FileCase {
	direction: Direction;
	mode: Mode;
	/** Of each file. */
	megabytes: number;
	/** Items in one run, each with a file of its own. */
	items: number;
}

/** Such as "upload 10 × 50 MB, filesystem". */
export function fileName({ direction, items, megabytes, mode }: FileCase): string {
	const times = items === 1 ? '' : `${items} × `;
	return `${direction} ${times}${megabytes} MB, ${mode}`;
}

export interface FileMeasurement extends FileCase {
	/** Just before the first repetition. */
	baseline: number;
	/** From just before each execution to its highest point, megabytes. */
	growth: number[];
	/** The same during the transfer alone: without n8n's own reading of the file. */
	transferGrowth: number[];
	/** Uploads: an execution that reads the same file and does nothing with it. */
	controlGrowth?: number[];
	childrenGrowth: number[];
	/** Median of a whole execution. */
	seconds: number;
	/** Processor time that n8n used meanwhile, median; the collection of garbage is part of it. */
	processorSeconds: number;
}

interface FileFailure extends FileCase {
	error: string;
}

const REPETITIONS = 3;

const CASES: FileCase[] = [
	...[10, 50, 100].map((megabytes) => ({ direction: 'upload' as const, megabytes, items: 1 })),
	{ direction: 'upload' as const, megabytes: 50, items: 10 },
	...[10, 50, 100, 200].map((megabytes) => ({
		direction: 'download' as const,
		megabytes,
		items: 1,
	})),
	{ direction: 'download' as const, megabytes: 50, items: 10 },
].map((one) => ({ mode: 'filesystem' as const, ...one }));

/** n8n itself holds the whole file in these modes, so they show what is added to that. */
const OTHER_MODES: FileCase[] = (['database', 'default'] as const).flatMap((mode) =>
	(['upload', 'download'] as const).map((direction) => ({
		direction,
		mode,
		megabytes: 100,
		items: 1,
	})),
);

async function measure(laboratory: Laboratory, one: FileCase): Promise<FileMeasurement> {
	const { direction, megabytes, items } = one;
	const bytes = megabytes * MEGABYTE;
	await laboratory.refresh();
	const files =
		direction === 'upload'
			? await largeVideos(laboratory.sandbox.samples.video, laboratory.n8n.files, bytes, items)
			: undefined;
	// The service's own work would take processor time from what is measured.
	laboratory.sandbox.configure(
		files === undefined ? { resultBytes: bytes, slots: items } : { slots: 0 },
	);
	const workflow =
		files === undefined
			? downloadWorkflow(laboratory.sandbox.samples.video.url, items)
			: uploadWorkflow(files);
	const runs = await laboratory.repeat(REPETITIONS, workflow, ({ samples, ...more }) => ({
		baseline: rounded(samples[0]?.own ?? 0),
		growth: rise(samples, 'own'),
		transfer: rise(samples, 'own', laboratory.transferSpan(direction)),
		children: rise(samples, 'children'),
		...more,
	}));
	const median = (take: (run: (typeof runs)[number]) => number) =>
		tenths(spreadOf(runs.map(take)).median);
	const measurement: FileMeasurement = {
		...one,
		baseline: runs[0]?.baseline ?? NaN,
		growth: runs.map(({ growth }) => growth),
		transferGrowth: runs.map(({ transfer }) => transfer),
		childrenGrowth: runs.map(({ children }) => children),
		seconds: median(({ seconds }) => seconds),
		processorSeconds: median(({ processorSeconds }) => processorSeconds),
	};
	if (files === undefined) return measurement;
	// In a fresh process again: memory that the uploads left behind would hide what reading takes.
	await laboratory.refresh();
	const controlGrowth = await laboratory.repeat(
		REPETITIONS,
		controlWorkflow(files),
		({ samples }) => rise(samples, 'own'),
	);
	return { ...measurement, controlGrowth };
}

/** Measures the cases one after another; cases of one mode share an n8n, restarted for each. */
export async function measureFiles({ tarball }: Run): Promise<Figure> {
	const cases = [...CASES, ...OTHER_MODES];
	const measurements: FileMeasurement[] = [];
	const failures: FileFailure[] = [];
	for (const mode of [...new Set(cases.map((one) => one.mode))]) {
		const laboratory = await step(`Starting n8n with binary data in "${mode}"`, () =>
			Laboratory.open(mode, tarball),
		);
		try {
			for (const one of cases.filter((other) => other.mode === mode)) {
				const name = fileName(one);
				try {
					const measurement = await step(name, () => measure(laboratory, one));
					say(`  grew by ${measurement.growth.join(', ')} MB`);
					measurements.push(measurement);
				} catch (error) {
					const reason = error instanceof Error ? error.message : String(error);
					say(`  failed: ${reason}\n${laboratory.n8n.log().slice(-1_500)}`);
					failures.push({ ...one, error: reason });
				}
			}
		} finally {
			await laboratory.close();
		}
	}
	return {
		title: 'Files of this node alone: growth of resident memory, MB',
		columns: ['Before', 'Growth', 'In transfer', 'Control', 'Children', 'Seconds', 'CPU s'],
		rows: measurements.map((one) => ({
			label: fileName(one),
			cells: [
				number(one.baseline, 0),
				range(one.growth),
				range(one.transferGrowth),
				range(one.controlGrowth),
				range(one.childrenGrowth),
				number(one.seconds, 1),
				number(one.processorSeconds, 1),
			],
		})),
		notes: [
			`Median / highest of ${REPETITIONS} executions. Control: n8n's own reading of the same file.`,
			...failures.map((one) => `${fileName(one)} failed: ${one.error}`),
		],
		targets: fileTargets(measurements),
		raw: measurements,
	};
}
