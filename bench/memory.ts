// How much the resident memory of a real n8n grows while the node moves files of several sizes.
import { say, step } from '../host/progress';
import { Laboratory, type Direction, type Mode } from './laboratory';
import { MEGABYTE, largeVideos } from './largeVideo';
import { growthOf, median, rise, rounded, tenths, type Growth } from './resident';
import { controlWorkflow, downloadWorkflow, uploadWorkflow } from './workflows';

export interface Case {
	direction: Direction;
	mode: Mode;
	/** Of each file. */
	megabytes: number;
	/** Items in one run, each with a file of its own. */
	items: number;
}

/** Such as "upload 10 × 50 MB, filesystem". */
export function nameOf({ direction, items, megabytes, mode }: Case): string {
	const times = items === 1 ? '' : `${items} × `;
	return `${direction} ${times}${megabytes} MB, ${mode}`;
}

export interface Measurement extends Case {
	/** Just before the first repetition. */
	baseline: number;
	/** From just before the execution to its highest point. */
	growth: Growth;
	/** The same during the transfer alone: without n8n's own reading of the file. */
	transferGrowth: Growth;
	/** Uploads: an execution that reads the same file and does nothing with it. */
	controlGrowth?: Growth;
	childrenGrowth: Growth;
	/** Median of a whole execution. */
	seconds: number;
	/** Processor time that n8n used meanwhile, median; the collection of garbage is part of it. */
	processorSeconds?: number;
}

export interface Failure extends Case {
	error: string;
}

export interface MemoryOptions {
	repetitions: number;
	tarball: string;
}

async function measure(
	laboratory: Laboratory,
	one: Case,
	repetitions: number,
): Promise<Measurement> {
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
	const runs = await laboratory.repeat(repetitions, workflow, ({ samples, seconds, ...more }) => ({
		baseline: rounded(samples[0]?.own ?? 0),
		growth: rise(samples, 'own'),
		transfer: rise(samples, 'own', laboratory.transferSpan(direction)),
		children: rise(samples, 'children'),
		seconds,
		processorSeconds: more.processorSeconds,
	}));
	const used = runs.flatMap((run) => run.processorSeconds ?? []);
	const measurement: Measurement = {
		...one,
		baseline: runs[0]?.baseline ?? NaN,
		growth: growthOf(runs.map(({ growth }) => growth)),
		transferGrowth: growthOf(runs.map(({ transfer }) => transfer)),
		childrenGrowth: growthOf(runs.map(({ children }) => children)),
		seconds: tenths(median(runs.map(({ seconds }) => seconds))),
		processorSeconds: used.length === 0 ? undefined : tenths(median(used)),
	};
	if (files === undefined) return measurement;
	// In a fresh process again: memory that the uploads left behind would hide what reading takes.
	await laboratory.refresh();
	const control = await laboratory.repeat(repetitions, controlWorkflow(files), ({ samples }) =>
		rise(samples, 'own'),
	);
	return { ...measurement, controlGrowth: growthOf(control) };
}

/** Measures the cases one after another; cases of one mode share an n8n, restarted for each. */
export async function measureMemory(
	cases: Case[],
	{ repetitions, tarball }: MemoryOptions,
): Promise<{ measurements: Measurement[]; failures: Failure[] }> {
	const measurements: Measurement[] = [];
	const failures: Failure[] = [];
	for (const mode of [...new Set(cases.map((one) => one.mode))]) {
		const laboratory = await step(`Starting n8n with binary data in "${mode}"`, () =>
			Laboratory.open(mode, tarball),
		);
		try {
			for (const one of cases.filter((other) => other.mode === mode)) {
				const name = nameOf(one);
				try {
					const measurement = await step(name, () => measure(laboratory, one, repetitions));
					say(`  grew by ${measurement.growth.all.join(', ')} MB`);
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
	return { measurements, failures };
}
