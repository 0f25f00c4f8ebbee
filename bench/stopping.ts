// What happens after Stop: when the execution ends, and what is still asked for and submitted.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../test/e2e/support';
import { number, target, type Figure } from './figure';
import { inParallel, progress, type Run } from './run';
import { sum, spreadOf } from './statistics';
import { TITLES, type Way } from './ways';

const REPETITIONS = 5;
const ITEMS = 3;
const JOB_SECONDS = 60;
const BEFORE_STOP_MS = 10_000;
const APART_MS = 2_000;

/** Two looks of the Qwen Cloud node. */
const AFTERWARDS_MS = 35_000;

const COMPARED: readonly Way[] = ['active', 'qwenCloud'];

interface Taken {
	way: Way;
	/** From the call of Stop to the end of the execution. */
	seconds: number;
	/** From the call of Stop to the last request to the service; 0 when there was none. */
	lastRequestAfter: number;
	createdAfter: number;
	cancelled: number;
}

async function take(run: Run, way: Way, waitMs: number): Promise<Taken> {
	const sandbox = { slots: 1 };
	return await run.at({ way, sandbox, jobSeconds: [JOB_SECONDS] }, async (station) => {
		await station.start(1, ITEMS);
		await sleep(BEFORE_STOP_MS + waitMs);
		const [row] = await station.rows();
		if (row === undefined) throw new Error('No execution to stop');
		const before = station.tasks().length;
		const stopped = Date.now();
		await station.n8n.stopExecution(row.id);
		const { stoppedAt = '' } = await until('The end after Stop', async () =>
			(await station.rows()).find(({ status }) => status === 'canceled'),
		);
		await sleep(AFTERWARDS_MS);
		const last = Math.max(stopped, ...station.requestTimes());
		return {
			way,
			seconds: Math.max(0, Date.parse(stoppedAt) - stopped) / 1_000,
			lastRequestAfter: (last - stopped) / 1_000,
			createdAfter: station.tasks().length - before,
			cancelled: station.tasks().filter(({ status }) => status === 'CANCELED').length,
		};
	});
}

export async function measureStopping(run: Run): Promise<Figure> {
	// Stopped one after another.
	const trials = Array.from({ length: REPETITIONS }, () => COMPARED)
		.flat()
		.map((way, index) => ({ way, waitMs: index * APART_MS }));
	const tell = progress('stop', trials.length);
	const taken = await inParallel(trials.length, trials, async ({ way, waitMs }) => {
		const one = await take(run, way, waitMs);
		tell(`${TITLES[way]}: ${one.seconds.toFixed(2)} s`);
		return one;
	});
	const of = (way: Way) => taken.filter((one) => one.way === way);
	const seconds = (way: Way) => spreadOf(of(way).map((one) => one.seconds));
	return {
		title: `Stop, ${ITEMS} items with one task running`,
		columns: [
			'Ends after, median',
			'Most',
			'Last request after',
			'Created after it',
			'Canceled in the queue',
		],
		rows: COMPARED.map((way) => ({
			label: TITLES[way],
			cells: [
				number(seconds(way).median, 2, 's'),
				number(seconds(way).most, 2, 's'),
				number(Math.max(...of(way).map((one) => one.lastRequestAfter)), 1, 's'),
				number(sum(of(way).map((one) => one.createdAfter)), 0),
				number(sum(of(way).map((one) => one.cancelled)), 0),
			],
		})),
		notes: [
			`${REPETITIONS} executions each, stopped after ${BEFORE_STOP_MS / 1_000} s or more, one after another, and observed for ${AFTERWARDS_MS / 1_000} s more; the last two columns are sums. The Qwen Cloud node has submitted one of its three items by then, this node all.`,
		],
		targets: [target('(a) from Stop to the end, most', 0.3, seconds('active').most, 's')],
		raw: taken,
	};
}
