// Processor time that n8n uses for a hundred items.
import { setTimeout as sleep } from 'node:timers/promises';
import { number, type Figure } from './figure';
import { progress, type Run } from './run';
import { processorSeconds } from './resident';
import { FOUR, TITLES } from './ways';

const EXECUTIONS = 40;
const JOB_SECONDS = 40;
const IDLE_MS = 20_000;

/** Out of the way: what refusals cost is another figure. */
const NO_LIMITS = { slots: EXECUTIONS, submitsPerSecond: 1_000, queriesPerSecond: 1_000 };

export async function measureProcessor(run: Run): Promise<Figure> {
	const n8n = await run.ownN8n();
	const used = async () => await processorSeconds(n8n.pid);
	const during = async (work: () => Promise<unknown>) => {
		const [before, from] = [await used(), Date.now()];
		await work();
		return { used: (await used()) - before, seconds: (Date.now() - from) / 1_000 };
	};
	const tell = progress('processor', FOUR.length);
	for (const way of FOUR) await run.warmUp(way, n8n);
	const idle = await during(async () => await sleep(IDLE_MS));
	const taken = [];
	for (const way of FOUR) {
		const one = await run.at(
			{ way, sandbox: NO_LIMITS, jobSeconds: [JOB_SECONDS] },
			async (station) =>
				await during(async () => {
					await station.start(EXECUTIONS);
					await station.ended(EXECUTIONS, 300_000);
				}),
			n8n,
		);
		const own = one.used - (idle.used / idle.seconds) * one.seconds;
		const perHundred = (100 * own) / EXECUTIONS;
		taken.push({ way, ...one, perHundred });
		tell(`${TITLES[way]}: ${perHundred.toFixed(1)} s`);
	}
	await n8n.stop();
	return {
		title: "Processor time of n8n's process, seconds for 100 items",
		columns: ['CPU seconds'],
		rows: taken.map(({ way, perHundred }) => ({
			label: TITLES[way],
			cells: [number(perHundred, 1)],
		})),
		notes: [
			`${EXECUTIONS} executions of one item at once, tasks of ${JOB_SECONDS} s, no limits in the way; without what n8n uses when idle. Starting and saving executions is part of it. One run.`,
		],
		charts: [
			{
				name: 'processor',
				title: 'Processor time for 100 items',
				unit: 'CPU seconds',
				groups: ['100 items'],
				series: taken.map(({ way, perHundred }) => ({ name: TITLES[way], values: [perHundred] })),
			},
		],
		raw: taken,
	};
}
