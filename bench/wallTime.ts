// How long a number of items in one execution takes, as a ratio to the ideal.
import { setTimeout as sleep } from 'node:timers/promises';
import { mostPerSecond } from '../test/unit/rates';
import { number, target, words, type Cell, type Figure } from './figure';
import { numbersBetween } from './random';
import { inParallel, progress, type Run } from './run';
import { spreadOf } from './statistics';
import { FOUR, TITLES, type Way } from './ways';

const SLOTS = 5;

/** Not multiples of the 15 s that the other ways look after, and no two alike. */
const JOB_SECONDS = { least: 22.5, most: 37.5 };

const REPETITIONS = 5;

/** A hundred items take ten minutes each time. */
const REPETITIONS_OF_100 = 3;

/** Executions: with many more, n8n would be measured and not the ways. */
const AT_ONCE = 24;

/** Between two starts: all at once, they would wait for each other's accounts and executions to be set up. */
const START_GAP_MS = 2_000;

interface Trial {
	way: Way;
	items: number;
	repetition: number;
}

interface Taken extends Trial {
	/** To the ideal; undefined when the execution did not succeed. */
	ratio?: number;
	/** Why it did not. */
	failure?: string;
	created: number;
	refused: number;
	peakPerSecond: number;
	requestsPerTask: number;
}

function trialsOf(): Trial[] {
	const repeat = (ways: readonly Way[], items: number, times: number) =>
		ways.flatMap((way) =>
			Array.from({ length: times }, (_, repetition) => ({ way, items, repetition })),
		);
	return [
		// The longest first; what little noise disturbs comes last, when n8n has little else to do.
		...repeat(['qwenCloud'], 20, REPETITIONS),
		...repeat(['active', 'suspended'], 100, REPETITIONS_OF_100),
		...repeat(['active', 'suspended', 'drawn', 'batched'], 20, REPETITIONS),
		...repeat(FOUR, 4, REPETITIONS),
		...repeat(FOUR, 1, REPETITIONS),
	];
}

async function take(run: Run, trial: Trial): Promise<Taken> {
	const { way, items, repetition } = trial;
	const jobSeconds = numbersBetween(JOB_SECONDS, items, 1 + repetition);
	return await run.at({ way, sandbox: { slots: SLOTS }, jobSeconds }, async (station) => {
		await station.start(1, items);
		const { rows, seconds } = await station.ended(1, 1_300_000);
		const created = station.tasks().length;
		const times = station.requestTimes();
		return {
			...trial,
			ratio: seconds && seconds / station.ideal(SLOTS),
			failure: seconds === undefined ? await station.failureOf(rows) : undefined,
			created,
			refused: station.refusals(),
			peakPerSecond: mostPerSecond(times),
			requestsPerTask: times.length / created,
		};
	});
}

const COUNTS = [1, 4, 20, 100];

const counted = (count: number) => `${count} ${count === 1 ? 'item' : 'items'}`;

export async function measureWallTime(run: Run): Promise<Figure> {
	const trials = trialsOf();
	const tell = progress('wall time', trials.length);
	let nextStart = Date.now();
	const turn = async () => {
		const start = Math.max(nextStart, Date.now());
		nextStart = start + START_GAP_MS;
		await sleep(start - Date.now());
	};
	const taken = await inParallel(AT_ONCE, trials, async (trial) => {
		await turn();
		const one = await take(run, trial);
		tell(`${TITLES[one.way]}, ${one.items}: ${one.ratio?.toFixed(3) ?? `failed, ${one.failure}`}`);
		return one;
	});
	return wallTimeFigure(taken);
}

/** The figure of trials that were taken. */
function wallTimeFigure(taken: Taken[]): Figure {
	const of = (way: Way, items: number) =>
		taken.filter((one) => one.way === way && one.items === items);
	const ratios = (way: Way, items: number) => of(way, items).flatMap(({ ratio }) => ratio ?? []);
	const cell = (way: Way, items: number): Cell => {
		const all = of(way, items);
		if (all.length === 0) return words('not measured');
		const good = spreadOf(ratios(way, items));
		if (good.count === 0) return words(`fails: ${all[0]?.refused ?? 0} of ${items} refused`);
		const { text } = number(good.median, 3);
		const bad = all.length - good.count;
		const failing = bad === 0 ? '' : `; ${bad} of ${all.length} executions fail`;
		return {
			text: `${text} (${good.least.toFixed(3)}–${good.most.toFixed(3)})${failing}`,
			value: good.median,
		};
	};
	const ways: Way[] = [...FOUR, 'batched'];
	const median = (way: Way, items: number) => spreadOf(ratios(way, items)).median;
	const peak = Math.max(
		...taken.filter(({ way }) => way === 'active').map((one) => one.peakPerSecond),
	);
	return {
		title: 'Wall time of items in one execution, ratio to the ideal',
		columns: COUNTS.map(counted),
		rows: [
			...ways.map((way) => ({
				label: TITLES[way],
				cells: COUNTS.map((count) => cell(way, count)),
			})),
			{ label: '(e) the ideal', cells: COUNTS.map(() => number(1, 3)) },
		],
		notes: [
			`Median (least–most) of ${REPETITIONS} executions, ${REPETITIONS_OF_100} for 100 items. Tasks of ${JOB_SECONDS.least} to ${JOB_SECONDS.most} s, ${SLOTS} at once. Executions of all ways side by side, begun ${START_GAP_MS / 1_000} s apart.`,
			'The ideal begins each task as soon as a slot is free. 100 items one after another would take the Qwen Cloud node an hour.',
		],
		charts: [
			{
				name: 'wall-time',
				title: 'Wall time, ratio to the ideal (1 is best)',
				unit: '× ideal',
				groups: COUNTS.map(counted),
				series: ways.map((way) => ({
					name: TITLES[way],
					values: COUNTS.map((count) => cell(way, count).value),
				})),
			},
		],
		targets: [
			target('(a) 20 items to the ideal', 1.02, median('active', 20), '×'),
			target('(a) 100 items to the ideal', 1.02, median('active', 100), '×'),
			target('(a) peak of requests', 10, peak, '/s'),
		],
		raw: taken,
	};
}
