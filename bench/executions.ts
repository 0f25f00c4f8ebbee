// Many executions of one item at once, in one account with its limits.
import { mostPerSecond } from '../test/unit/rates';
import { NONE, number, target, words, type Figure } from './figure';
import { numbersBetween } from './random';
import { inParallel, progress, type Run } from './run';
import { FOUR, TITLES } from './ways';

const SLOTS = 5;
const EXECUTIONS = 40;
const JOB_SECONDS = { least: 15, most: 25 };

export async function measureExecutions(run: Run): Promise<Figure> {
	const jobSeconds = numbersBetween(JOB_SECONDS, EXECUTIONS, 40);
	const tell = progress('executions', FOUR.length);
	// Two ways at a time: n8n needs a second for the start of ten executions.
	const taken = await inParallel(2, FOUR, async (way) => {
		return await run.at({ way, sandbox: { slots: SLOTS }, jobSeconds }, async (station) => {
			await station.start(EXECUTIONS);
			const { seconds, rows, each } = await station.ended(EXECUTIONS, 600_000);
			const times = station.requestTimes();
			tell(TITLES[way]);
			return {
				way,
				ratio: seconds && seconds / station.ideal(SLOTS),
				succeeded: each.length,
				ended: rows.length,
				refused: station.refusals(),
				peakPerSecond: mostPerSecond(times),
				requestsPerTask: times.length / station.tasks().length,
			};
		});
	});
	return {
		title: `${EXECUTIONS} executions of one item at once, the account's limits enforced`,
		columns: [
			'Succeeded',
			'Ratio to the ideal',
			'Creates refused',
			'Peak requests/s',
			'Requests/task',
		],
		rows: [
			...taken.map((one) => ({
				label: TITLES[one.way],
				cells: [
					{ text: `${one.succeeded} of ${EXECUTIONS}`, value: one.succeeded },
					one.ratio === undefined ? words('does not finish') : number(one.ratio, 3),
					number(one.refused, 0),
					number(one.peakPerSecond, 0),
					number(one.requestsPerTask, 1),
				],
			})),
			{
				label: '(e) the ideal',
				cells: [number(EXECUTIONS, 0), number(1, 3), number(0, 0), NONE, NONE],
			},
		],
		notes: [
			`Tasks of ${JOB_SECONDS.least} to ${JOB_SECONDS.most} s, ${SLOTS} at once, 5 submissions and 20 queries a second; each way with an account of its own, two ways at a time. One run.`,
		],
		charts: [
			{
				name: 'executions',
				title: `${EXECUTIONS} executions at once: how many succeed`,
				unit: 'executions',
				groups: ['succeeded', 'creates refused'],
				series: taken.map((one) => ({
					name: TITLES[one.way],
					values: [one.succeeded, one.refused],
				})),
			},
		],
		targets: taken.flatMap((one) =>
			one.way === 'active'
				? [target(`(a) peak of requests, ${EXECUTIONS} executions`, 10, one.peakPerSecond, '/s')]
				: [],
		),
		raw: taken,
	};
}
