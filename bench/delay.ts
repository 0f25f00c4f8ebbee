// How long after the end of its task the next node begins, for tasks that end at random moments; and what was asked.
import { number, target, type Figure } from './figure';
import { numbersBetween } from './random';
import { inParallel, progress, type Run } from './run';
import { NEXT, type Station } from './station';
import { spreadOf } from './statistics';
import { FOUR, TITLES } from './ways';

const EXECUTIONS = 24;
const JOB_SECONDS = { least: 60, most: 150 };

/** Not all at one moment: n8n's own search for executions to wake comes every minute. */
const PAUSE_MS = 1_500;

async function delaysOf(station: Station): Promise<number[]> {
	const tasks = station.tasks();
	const rows = (await station.rows()).filter(({ status }) => status === 'success');
	return await inParallel(2, rows, async ({ id }) => {
		const { data } = await station.n8n.execution(id);
		const { runData } = data.resultData;
		const item = runData.Items?.[0]?.data?.main?.[0]?.[0]?.json.prompt;
		const task = tasks.find(({ prompt }) => prompt === item);
		return ((runData[NEXT]?.[0]?.startTime ?? NaN) - (task?.endedAt ?? NaN)) / 1_000;
	});
}

export async function measureDelay(run: Run): Promise<Figure> {
	const jobSeconds = numbersBetween(JOB_SECONDS, EXECUTIONS, 24);
	const tell = progress('delay', FOUR.length);
	const taken = await Promise.all(
		FOUR.map(async (way) => {
			const sandbox = { slots: EXECUTIONS };
			return await run.at({ way, sandbox, jobSeconds }, async (station) => {
				await station.start(EXECUTIONS, 1, PAUSE_MS);
				await station.ended(EXECUTIONS, 400_000);
				const delays = await delaysOf(station);
				const requests = station.requestTimes().length / station.tasks().length;
				tell(`${TITLES[way]}: ${spreadOf(delays).mean.toFixed(1)} s on average`);
				return { way, delays, requests, ...spreadOf(delays) };
			});
		}),
	);
	const of = (wanted: string) => taken.find(({ way }) => way === wanted)?.mean ?? NaN;
	return {
		title: 'From the end of a task to the next node, seconds',
		columns: ['Mean', 'Median', '95 %', 'Most', 'Tasks', 'Requests/task'],
		rows: taken.map((one) => ({
			label: TITLES[one.way],
			cells: [
				number(one.mean, 1),
				number(one.median, 1),
				number(one.p95, 1),
				number(one.most, 1),
				number(one.count, 0),
				number(one.requests, 1),
			],
		})),
		notes: [
			`${EXECUTIONS} executions of one item, begun ${PAUSE_MS / 1_000} s apart, tasks of ${JOB_SECONDS.least} to ${JOB_SECONDS.most} s that all run at once. Download of the video included.`,
		],
		charts: [
			{
				name: 'delay',
				title: 'From the end of a task to the next node',
				unit: 'seconds',
				groups: ['mean', '95 %', 'most'],
				series: taken.map((one) => ({
					name: TITLES[one.way],
					values: [one.mean, one.p95, one.most],
				})),
			},
		],
		targets: [
			target('(a) mean delay', 1.5, of('active'), 's'),
			target('(b) mean delay', 15, of('suspended'), 's'),
		],
		raw: taken,
	};
}
