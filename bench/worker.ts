// Queue mode: for how long an edit takes up a place of a worker.
import type { LogLine } from '../host/program';
import { startQueueServers, whyNoQueue } from '../host/servers';
import { startWorker } from '../host/worker';
import { busySeconds } from '../test/e2e/queue-log';
import { number, target, type Figure } from './figure';
import { inParallel, progress, type Run } from './run';
import { Station } from './station';
import { sum } from './statistics';
import { FOUR, TITLES } from './ways';

const JOB_SECONDS = 120;
const EDITS = 4;

/** Between the starts of a way: executions that begin together wait for each other's processor time. */
const APART_MS = 2_000;

/** The jobs of each execution, as the worker's log names them. */
function jobsByExecution(lines: LogLine[]): Map<string, string[]> {
	const jobs = new Map<string, string[]>();
	for (const { text } of lines) {
		const [, execution, job] = /Worker started execution (\d+) \(job (\d+)\)/.exec(text) ?? [];
		if (execution === undefined || job === undefined) continue;
		jobs.set(execution, [...(jobs.get(execution) ?? []), job]);
	}
	return jobs;
}

/** Seconds that the executions of a workflow, and the loops that they wait in, have held a worker's places. */
export async function heldSeconds(station: Station, lines: LogLine[]): Promise<number> {
	const busy = busySeconds(lines);
	const jobs = jobsByExecution(lines);
	const own = (await station.allIds()).flatMap((id) => jobs.get(id) ?? []);
	return sum(own.map((job) => busy.get(job) ?? 0));
}

export async function measureWorker(run: Run): Promise<Figure> {
	const title = `Worker-seconds held by an edit of ${JOB_SECONDS} s, queue mode`;
	const missing = whyNoQueue();
	if (missing !== undefined) return { title, columns: [], rows: [], notes: [missing] };
	const servers = await startQueueServers();
	const tell = progress('worker', FOUR.length);
	try {
		const n8n = await run.ownN8n(servers.env);
		const worker = await startWorker(n8n, {
			concurrency: 2 * EDITS * FOUR.length,
			env: servers.env,
		});
		await inParallel(1, FOUR, async (way) => await run.warmUp(way, n8n));
		const options = { sandbox: { slots: EDITS }, jobSeconds: [JOB_SECONDS] };
		const stations = await inParallel(
			1,
			FOUR,
			async (way) => await Station.open(n8n, { way, ...options }),
		);
		const taken = await Promise.all(
			stations.map(async (station) => {
				await station.start(EDITS, 1, APART_MS);
				const { each } = await station.ended(EDITS, 400_000);
				const held = (await heldSeconds(station, worker.log())) / EDITS;
				tell(`${TITLES[station.way]}: ${held.toFixed(1)} s`);
				return { way: station.way, held, share: held / JOB_SECONDS, succeeded: each.length };
			}),
		);
		for (const station of stations) await station.close();
		await worker.kill();
		await n8n.stop();
		const suspended = taken.find(({ way }) => way === 'suspended');
		return {
			title,
			columns: ['Seconds', 'Of the job time', 'Succeeded'],
			rows: taken.map((one) => ({
				label: TITLES[one.way],
				cells: [
					number(one.held, 1),
					number(100 * one.share, 1, '%'),
					{ text: `${one.succeeded} of ${EDITS}` },
				],
			})),
			notes: [
				`PostgreSQL, Redis, one main process and one worker; ${EDITS} executions of each way, begun ${APART_MS / 1000} s apart, after one that warmed the worker up. From "Worker started execution" to "Worker finished execution", over all jobs of an edit.`,
			],
			charts: [
				{
					name: 'worker',
					title: `Worker-seconds held by an edit of ${JOB_SECONDS} s`,
					unit: 'seconds',
					groups: ['held'],
					series: taken.map((one) => ({ name: TITLES[one.way], values: [one.held] })),
				},
			],
			targets: [target('(b) of the job time on a worker', 1, 100 * (suspended?.share ?? NaN), '%')],
			raw: taken,
		};
	} finally {
		await servers.stop();
	}
}
