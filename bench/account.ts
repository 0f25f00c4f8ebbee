// One account, many executions, in a real n8n: how close to the ideal they come, and how often the account refuses.
import { startN8n } from '../host/n8n';
import { startQueueServers, whyNoQueue } from '../host/servers';
import { startWorker } from '../host/worker';
import { startSandbox } from '../sandbox';
import { addFlow, after, edit } from '../test/e2e/suspended';
import { call, credentialData, executionsOf, until } from '../test/e2e/support';

export interface AccountCase {
	name: string;
	executions: number;
	/** In each execution. */
	items: number;
	/** Processes that run executions; 1 is n8n itself. */
	workers: number;
	jobSeconds: number;
}

export interface AccountMeasurement extends AccountCase {
	/** Wall time to the time that the slots need. */
	ratio: number;
	succeeded: number;
	createsRefused: number;
	/** Of all calls of the service. */
	peakPerSecond: number;
	requestsPerTask: number;
}

/** Tasks that the account runs at once (rate-limit page, read 2026-11). */
const SLOTS = 5;

export const ACCOUNT_CASES: AccountCase[] = [
	{ name: '40 executions', executions: 40, items: 1, workers: 1, jobSeconds: 20 },
	{ name: '40 executions, two workers', executions: 40, items: 1, workers: 2, jobSeconds: 20 },
	{ name: '100 items', executions: 1, items: 100, workers: 1, jobSeconds: 12 },
];

/** Calls of the service that its limits are about. */
const CALLS = ['create', 'query', 'list', 'cancel'] as const;

const credential = 'Sandbox of the bench';

async function measure(one: AccountCase, tarball: string): Promise<AccountMeasurement | undefined> {
	const queued = one.workers > 1;
	if (queued && whyNoQueue() !== undefined) return undefined;
	// The account's own limits, and results that nobody has to render for long.
	const sandbox = await startSandbox({ slots: SLOTS, jobSeconds: one.jobSeconds });
	const servers = queued ? await startQueueServers() : undefined;
	const env = servers?.env;
	const n8n = await startN8n({
		tarball,
		env,
		credentials: [{ name: credential, type: 'dashScopeApi', data: credentialData(sandbox) }],
	});
	const workers = await Promise.all(
		Array.from({ length: queued ? one.workers : 0 }, async () =>
			startWorker(n8n, { concurrency: one.executions, env: env ?? {} }),
		),
	);
	try {
		const held = { whileWaiting: 'hold', download: false };
		const flow = await addFlow(
			n8n,
			one.name,
			[edit('Edit', sandbox, credential, held), after()],
			[['Items', 'Edit', 'After']],
		);
		const prompts = Array.from({ length: one.items }, () => ({ prompt: 'the same for all' }));
		const started = Date.now();
		await Promise.all(
			Array.from({ length: one.executions }, async () => await call(n8n, flow.path, { prompts })),
		);
		const ended = await until(
			'the end of all executions',
			async () => {
				const rows = await executionsOf(n8n, flow.id);
				const over = rows.filter(({ status }) => !['new', 'running', 'waiting'].includes(status));
				return over.length === one.executions ? over : undefined;
			},
			900_000,
		);
		const tasks = one.executions * one.items;
		const last = Math.max(...ended.map(({ stoppedAt }) => Date.parse(stoppedAt ?? '')));
		const requests = CALLS.flatMap((route) => sandbox.requests(route));
		const times = requests.map(({ at }) => at).sort((a, b) => a - b);
		const inSecondFrom = (from: number) => times.filter((at) => at >= from && at < from + 1_000);
		return {
			...one,
			ratio: (last - started) / (Math.ceil(tasks / SLOTS) * one.jobSeconds * 1_000),
			succeeded: ended.filter(({ status }) => status === 'success').length,
			createsRefused: sandbox.requests('create').filter(({ status }) => status === 429).length,
			peakPerSecond: Math.max(...times.map((from) => inSecondFrom(from).length)),
			requestsPerTask: requests.length / tasks,
		};
	} finally {
		for (const worker of workers) await worker.kill();
		await n8n.stop();
		await servers?.stop();
		await sandbox.stop();
	}
}

export async function measureAccount(tarball: string): Promise<AccountMeasurement[]> {
	const measured: AccountMeasurement[] = [];
	for (const one of ACCOUNT_CASES) {
		const measurement = await measure(one, tarball);
		if (measurement !== undefined) measured.push(measurement);
	}
	return measured;
}

/** The measurement for people. */
export function accountLines(measured: AccountMeasurement[]): string {
	return measured
		.map(
			(one) =>
				`${one.name}: ${one.succeeded} of ${one.executions} succeeded, ${one.ratio.toFixed(3)} × the ideal time, ` +
				`${one.createsRefused} creates refused, at most ${one.peakPerSecond} requests a second, ` +
				`${one.requestsPerTask.toFixed(1)} requests a task`,
		)
		.join('\n');
}
