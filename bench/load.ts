// What transfers cost an n8n whose heap is full of other people's data: its memory, and how long its event loop stands.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Workflow } from '../host/client';
import { say, step } from '../host/progress';
import { loadTargets } from './bounds';
import { number, range, type Figure } from './figure';
import { Laboratory, PAUSE_MS, type Observed } from './laboratory';
import { MEGABYTE, largeVideos } from './largeVideo';
import { makeProbe, type Probe, type Probed } from './probe';
import { rise, tenths } from './resident';
import type { Run } from './run';
import { spreadOf } from './statistics';
import {
	controlWorkflow,
	downloadWorkflow,
	fetchWorkflow,
	idleWorkflow,
	uploadWorkflow,
} from './workflows';

const HEAP_MB = 400;

const REPETITIONS = 3;

const DOWNLOADS = { count: 4, megabytes: 200 };
const DOWNLOAD_BYTES = DOWNLOADS.megabytes * MEGABYTE;
/** Together in one execution: n8n has read them all before the first of them is uploaded. */
const UPLOADS = { count: 3, megabytes: 100 };

/** As many as the downloads and uploads together. */
const IDLE_EXECUTIONS = DOWNLOADS.count + 1;

/** While idle, V8 collects once more on its own, eight seconds later. */
const SETTLE_MS = 12_000;

interface Load {
	down: boolean;
	up: boolean;
	/** By the node, or by n8n's own nodes for comparison. */
	by: 'node' | 'n8n';
}

const both: Array<Omit<Load, 'by'>> = [
	{ down: true, up: false },
	{ down: false, up: true },
	{ down: true, up: true },
];

const LOADS: Load[] = [
	{ down: false, up: false, by: 'n8n' },
	...both.map((one) => ({ ...one, by: 'n8n' as const })),
	...both.map((one) => ({ ...one, by: 'node' as const })),
];

/** Such as "heap of 400 MB: 4 × 200 MB down". */
export function loadName({ down, up, by }: Load): string {
	const times = ({ count, megabytes }: typeof UPLOADS, way: string) =>
		`${count} × ${megabytes} MB ${way}`;
	const [from, to] = by === 'node' ? ['down', 'up'] : ['fetched', 'read'];
	const moved = [...(down ? [times(DOWNLOADS, from)] : []), ...(up ? [times(UPLOADS, to)] : [])];
	return `heap of ${HEAP_MB} MB: ${
		moved.length === 0 ? `${IDLE_EXECUTIONS} executions without a file` : moved.join(', ')
	}${by === 'n8n' ? ' by n8n alone' : ''}`;
}

export interface LoadMeasurement extends Load {
	/** Live objects in n8n's heap before it begins, megabytes. */
	heap: number;
	/** Of resident memory in each run, megabytes. */
	growth: number[];
	/** The part of it that was there when the node's first transfer began: n8n starts the executions and reads files. */
	before?: number[];
	/** Longest that the event loop stood still, milliseconds; by the node: from the beginning of its first transfer. */
	stall: number[];
	/** Longest single collection of garbage, milliseconds: of the whole heap, and of its young part. */
	major: number[];
	minor: number[];
	seconds: number;
	processorSeconds: number;
}

interface LoadFailure extends Load {
	error: string;
}

/** A host of one large file, for n8n's own download. */
async function fileHost(): Promise<{ url: string; close: () => void }> {
	const chunk = Buffer.alloc(64 * 1024);
	const server = createServer((_, response) => {
		response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': DOWNLOAD_BYTES });
		let left = DOWNLOAD_BYTES;
		const send = () => {
			while (left > 0) {
				left -= chunk.length;
				if (!response.write(chunk)) return void response.once('drain', send);
			}
			response.end();
		};
		send();
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return { url: `http://127.0.0.1:${port}/video.mp4`, close: () => server.close() };
}

async function measure(
	laboratory: Laboratory,
	probe: Probe['ask'],
	load: Load,
	fileUrl: string,
): Promise<LoadMeasurement> {
	const { down, up, by } = load;
	const { sandbox, n8n } = laboratory;
	const { video } = sandbox.samples;
	const workflows: Workflow[] = [];
	if (down) {
		const one = by === 'node' ? downloadWorkflow(video.url, 1) : fetchWorkflow(fileUrl);
		workflows.push(...Array.from({ length: DOWNLOADS.count }, () => one));
	}
	if (up) {
		const { count, megabytes } = UPLOADS;
		const files = await largeVideos(video, n8n.files, megabytes * MEGABYTE, count);
		workflows.push(by === 'node' ? uploadWorkflow(files, count) : controlWorkflow(files));
	}
	if (workflows.length === 0) {
		workflows.push(...Array.from({ length: IDLE_EXECUTIONS }, () => idleWorkflow()));
	}
	const runs: Array<Observed & Probed & { begunAt: number }> = [];
	for (let count = 0; count < REPETITIONS; count++) {
		// Memory that a run leaves behind would hide what the next one takes.
		await laboratory.refresh();
		// The service's own work would take processor time from what is measured.
		sandbox.configure({ resultBytes: DOWNLOAD_BYTES, slots: down ? DOWNLOADS.count : 0 });
		await probe(`/fill?megabytes=${HEAP_MB}`);
		await sleep(SETTLE_MS);
		// As many executions at once as will be measured: a heap that is in use, with what n8n makes and keeps for each.
		await laboratory.run(workflows.map(() => idleWorkflow()));
		await sleep(PAUSE_MS);
		const { heap } = await probe('/reset');
		let begunAt = NaN;
		const observed = await laboratory.run(workflows, async () => {
			// How n8n starts the executions and reads the files itself is another matter.
			begunAt = Date.now();
			await probe('/reset');
		});
		runs.push({ ...observed, ...(await probe('/')), heap, begunAt });
	}
	const each = (take: (run: (typeof runs)[number]) => number) =>
		runs.map((run) => tenths(take(run)));
	return {
		...load,
		heap: Math.round(spreadOf(runs.map(({ heap }) => heap)).median),
		growth: each(({ samples }) => rise(samples, 'own')),
		before:
			by === 'node'
				? each(({ samples, begunAt }) => rise(samples, 'own', { from: 0, until: begunAt }))
				: undefined,
		stall: each(({ stall }) => stall),
		major: each(({ collections }) => collections.major),
		minor: each(({ collections }) => collections.minor),
		seconds: spreadOf(each(({ seconds }) => seconds)).median,
		processorSeconds: spreadOf(each(({ processorSeconds }) => processorSeconds)).median,
	};
}

export async function measureLoad({ tarball }: Run): Promise<Figure> {
	const measurements: LoadMeasurement[] = [];
	const failures: LoadFailure[] = [];
	const { env, ask: probe } = await makeProbe();
	const host = await fileHost();
	const laboratory = await step('Starting n8n with a probe in it', () =>
		Laboratory.open('filesystem', tarball, env),
	);
	try {
		for (const load of LOADS) {
			try {
				const one = await step(loadName(load), () => measure(laboratory, probe, load, host.url));
				say(`  grew by ${one.growth.join(', ')} MB, stood for ${one.stall.join(', ')} ms`);
				measurements.push(one);
			} catch (error) {
				const reason = error instanceof Error ? error.message : String(error);
				say(`  failed: ${reason}\n${laboratory.n8n.log().slice(-1_500)}`);
				failures.push({ ...load, error: reason });
			}
		}
	} finally {
		await laboratory.close();
		host.close();
	}
	return {
		title: 'Several files at once in an n8n with a full heap',
		columns: ['Growth MB', 'Before MB', 'Stall ms', 'Major GC ms', 'Minor', 'Seconds', 'CPU s'],
		rows: measurements.map((one) => ({
			label: loadName(one),
			cells: [
				range(one.growth),
				range(one.before),
				range(one.stall),
				range(one.major),
				range(one.minor),
				number(one.seconds, 1),
				number(one.processorSeconds, 1),
			],
		})),
		notes: [
			`Median / highest of ${REPETITIONS} runs. Before: the growth until the node's first transfer begins; n8n starts the executions and reads files.`,
			...failures.map((one) => `${loadName(one)} failed: ${one.error}`),
		],
		targets: loadTargets(measurements),
		raw: measurements,
	};
}
