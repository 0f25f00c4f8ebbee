// The suspended wait in a real n8n: how long after the end of its task an execution goes on, and what it costs a worker.
import { setTimeout as sleep } from 'node:timers/promises';
import { startN8n } from '../host/n8n';
import { startQueueServers, whyNoQueue } from '../host/servers';
import { startWorker } from '../host/worker';
import { startSandbox } from '../sandbox';
import { busySeconds } from '../test/e2e/queue-log';
import { addFlow, addedDelay, after, edit, startFlow } from '../test/e2e/suspended';
import { credentialData } from '../test/e2e/support';

export interface Delays {
	mean: number;
	most: number;
	/** In order of the tasks' lengths. */
	all: number[];
}

export interface SuspendMeasurement {
	/** Seconds that each task runs. */
	jobs: number[];
	/** Seconds from the end of a task to the start of the next node. */
	delays: Delays;
	/** Of queue mode; absent where PostgreSQL or Redis is missing. */
	queue?: { delays: Delays; workerSeconds: number; workerShare: number };
}

const credential = 'Sandbox of the bench';

/** So many moments, spread over 64 to 112 s: from one look of a loop that nobody wakes to the next but one. */
const jobsOf = (count: number) =>
	Array.from({ length: count }, (_, index) =>
		Math.round(64 + (48 * index) / Math.max(1, count - 1)),
	);

function summary(all: number[]): Delays {
	const mean = all.reduce((sum, delay) => sum + delay, 0) / all.length;
	return { mean, most: Math.max(...all), all };
}

async function measureDelays(
	jobs: number[],
	tarball: string,
	queue: Record<string, string> | undefined,
): Promise<{ delays: Delays; workerSeconds: number }> {
	const sandbox = await startSandbox({
		slots: 1000,
		submitsPerSecond: 100,
		queriesPerSecond: 200,
	});
	const type = 'dashScopeApi';
	const n8n = await startN8n({
		tarball,
		env: queue,
		credentials: [{ name: credential, type, data: credentialData(sandbox) }],
	});
	const worker =
		queue === undefined ? undefined : await startWorker(n8n, { concurrency: 2, env: queue });
	try {
		const flow = await addFlow(
			n8n,
			'bench',
			[edit('Edit', sandbox, credential), after()],
			[['Items', 'Edit', 'After']],
		);
		const all = await Promise.all(
			jobs.map(async (jobSeconds, index) => {
				// Not all at one moment: n8n's own search for executions to wake comes every minute.
				await sleep(index * 1_500);
				const prompt = `bench ${index}.`;
				sandbox.outcome({ promptIncludes: prompt, jobSeconds });
				const id = await startFlow(n8n, flow, [prompt]);
				const execution = await n8n.waitFor(id, { timeoutMs: 300_000, everyMs: 3_000 });
				return addedDelay(sandbox, execution, prompt);
			}),
		);
		const busy = worker === undefined ? [] : [...busySeconds(worker.log()).values()];
		return { delays: summary(all), workerSeconds: busy.reduce((sum, each) => sum + each, 0) };
	} finally {
		await worker?.kill();
		await n8n.stop();
		await sandbox.stop();
	}
}

export async function measureSuspend(count: number, tarball: string): Promise<SuspendMeasurement> {
	const jobs = jobsOf(count);
	const { delays } = await measureDelays(jobs, tarball, undefined);
	if (whyNoQueue() !== undefined) return { jobs, delays };

	const servers = await startQueueServers();
	try {
		const { workerSeconds, ...queued } = await measureDelays(jobs, tarball, servers.env);
		const jobSeconds = jobs.reduce((sum, each) => sum + each, 0);
		return {
			jobs,
			delays,
			queue: { ...queued, workerSeconds, workerShare: workerSeconds / jobSeconds },
		};
	} finally {
		await servers.stop();
	}
}

const seconds = (value: number) => `${value.toFixed(1)} s`;

/** The measurement for people. */
export function suspendedLines({ delays, queue }: SuspendMeasurement): string {
	const line = (name: string, { mean, most }: Delays) =>
		`${name}: added delay ${seconds(mean)} on average, ${seconds(most)} at most`;
	if (queue === undefined) return line('suspended, one process', delays);
	const share = (queue.workerShare * 100).toFixed(1);
	return [
		line('suspended, one process', delays),
		line('suspended, queue mode', queue.delays),
		`worker busy for ${seconds(queue.workerSeconds)}, ${share} % of the job time`,
	].join('\n');
}
