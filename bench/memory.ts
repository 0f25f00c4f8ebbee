// How much the resident memory of a real n8n grows while the node moves files of several sizes.
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionStatus } from 'n8n-workflow';
import type { Workflow } from '../host/client';
import { startN8n, type N8n } from '../host/n8n';
import { say, step } from '../host/progress';
import { startSandbox, type Sandbox } from '../sandbox';
import { MEGABYTE, largeVideos } from './largeVideo';
import { processorSeconds, whileSampling, type Sample } from './resident';
import {
	controlWorkflow,
	credential,
	downloadWorkflow,
	uploadWorkflow,
	warmUpWorkflow,
} from './workflows';

export type Direction = 'upload' | 'download';
export type Mode = 'filesystem' | 'database' | 'default';

export interface Case {
	direction: Direction;
	mode: Mode;
	/** Of each file. */
	megabytes: number;
	/** Items in one run, each with a file of its own. */
	items: number;
}

/** Megabytes of resident memory, with one decimal. */
export interface Growth {
	median: number;
	max: number;
	/** Of each repetition, in order. */
	all: number[];
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

interface Run {
	samples: Sample[];
	startedAt: number;
	seconds: number;
	processorSeconds?: number;
}

/** What n8n needs to settle between two executions. */
const PAUSE_MS = 1_500;
const PATIENCE_MS = 180_000;

const tenths = (value: number) => Math.round(value * 10) / 10;
const rounded = (bytes: number) => tenths(bytes / MEGABYTE);

function median(values: number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function growthOf(all: number[]): Growth {
	return { median: median(all), max: Math.max(...all), all };
}

interface Span {
	/** Epoch milliseconds, both. */
	from: number;
	until: number;
}

const ALWAYS: Span = { from: 0, until: Infinity };

/** From the last sample before the span to the highest one in it. */
function rise(samples: Sample[], part: 'own' | 'children', { from, until } = ALWAYS): number {
	const before = samples.filter(({ at }) => at <= from).at(-1) ?? samples[0];
	const after = samples.filter(({ at }) => at >= from && at <= until);
	const base = before?.[part] ?? 0;
	return rounded(Math.max(base, ...after.map((sample) => sample[part])) - base);
}

/** From the list of executions: asking for one of them would make n8n load all its data, files included. */
async function statusOf(
	n8n: N8n,
	workflowId: string,
	executionId: string,
): Promise<ExecutionStatus | undefined> {
	const filter = encodeURIComponent(JSON.stringify({ workflowId }));
	const path = `/executions?filter=${filter}&limit=5`;
	const { results } = await n8n.rest<{
		results: Array<{ id: string; status: ExecutionStatus }>;
	}>('GET', path);
	return results.find(({ id }) => id === executionId)?.status;
}

async function ended(n8n: N8n, workflowId: string, executionId: string): Promise<ExecutionStatus> {
	const open: ExecutionStatus[] = ['new', 'running', 'waiting'];
	for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
		// An n8n that is busy with 100 MB of base64 lets connections break off; it answers again later.
		const status = await statusOf(n8n, workflowId, executionId).catch(() => undefined);
		if (status !== undefined && !open.includes(status)) return status;
		await sleep(200);
	}
	throw new Error(`Execution ${executionId} has not ended`);
}

/** A sandbox, an n8n, and the runs of one workflow after another in it. */
class Laboratory {
	private constructor(
		readonly n8n: N8n,
		readonly sandbox: Sandbox,
	) {}

	static async open(mode: Mode, tarball: string): Promise<Laboratory> {
		const sandbox = await startSandbox({ jobSeconds: 0.5 });
		const n8n = await startN8n({
			tarball,
			env: { N8N_DEFAULT_BINARY_DATA_MODE: mode },
			credentials: [
				{
					name: credential,
					type: 'dashScopeApi',
					data: {
						apiKey: sandbox.apiKey,
						region: 'custom',
						workspaceId: '',
						baseUrl: sandbox.url,
					},
				},
			],
		});
		await mkdir(n8n.files, { recursive: true });
		return new Laboratory(n8n, sandbox);
	}

	async close(): Promise<void> {
		await this.n8n.stop();
		await this.sandbox.stop();
	}

	async run(workflow: Workflow): Promise<Run> {
		const id = await this.n8n.addWorkflow(workflow);
		await this.sandbox.reset();
		const startedAt = Date.now();
		const used = await processorSeconds(this.n8n.pid);
		const { samples } = await whileSampling(this.n8n.pid, async () => {
			const status = await ended(this.n8n, id, await this.n8n.run(id));
			if (status === 'success') return;
			throw new Error(`"${workflow.name}" ended with "${status}"`);
		});
		const seconds = (Date.now() - startedAt) / 1000;
		const usedNow = await processorSeconds(this.n8n.pid);
		if (used === undefined || usedNow === undefined) return { samples, startedAt, seconds };
		return { samples, startedAt, seconds, processorSeconds: usedNow - used };
	}

	/** Runs the workflow several times and collects what `take` makes of each. */
	async repeat<T>(times: number, workflow: Workflow, take: (run: Run) => T): Promise<T[]> {
		const results: T[] = [];
		for (let count = 0; count < times; count++) {
			results.push(take(await this.run(workflow)));
			await sleep(PAUSE_MS);
		}
		return results;
	}

	/** A process that has done one small edit and settled: the state that every case starts from. */
	async refresh(): Promise<void> {
		await this.n8n.restart();
		const small = join(this.n8n.files, 'small.mp4');
		await copyFile(this.sandbox.samples.video.path, small);
		this.sandbox.configure({ slots: 5, resultBytes: 0 });
		await this.run(warmUpWorkflow(small));
		await sleep(2 * PAUSE_MS);
	}

	/** From the node's first call about the files to its first other one, or to the end of the execution. */
	transferSpan(direction: Direction): Span {
		const [first] = this.sandbox.requests(direction === 'upload' ? 'policy' : 'result');
		if (first === undefined) throw new Error(`There was no ${direction}`);
		const next = direction === 'upload' ? this.sandbox.requests('create')[0] : undefined;
		return { from: first.at, until: next?.at ?? Infinity };
	}

	async measure(one: Case, repetitions: number): Promise<Measurement> {
		const { direction, megabytes, items } = one;
		const bytes = megabytes * MEGABYTE;
		await this.refresh();
		const files =
			direction === 'upload'
				? await largeVideos(this.sandbox.samples.video, this.n8n.files, bytes, items)
				: undefined;
		// The service's own work would take processor time from what is measured.
		this.sandbox.configure(
			files === undefined ? { resultBytes: bytes, slots: items } : { slots: 0 },
		);
		const workflow =
			files === undefined
				? downloadWorkflow(this.sandbox.samples.video.url, items)
				: uploadWorkflow(files);
		const runs = await this.repeat(repetitions, workflow, ({ samples, seconds, ...more }) => ({
			baseline: rounded(samples[0]?.own ?? 0),
			growth: rise(samples, 'own'),
			transfer: rise(samples, 'own', this.transferSpan(direction)),
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
		await this.refresh();
		const control = await this.repeat(repetitions, controlWorkflow(files), ({ samples }) =>
			rise(samples, 'own'),
		);
		return { ...measurement, controlGrowth: growthOf(control) };
	}
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
					const measurement = await step(name, () => laboratory.measure(one, repetitions));
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
