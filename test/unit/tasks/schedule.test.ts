import { backoff, nextQueryAt } from '../../../nodes/shared/tasks/schedule';
import type { Progress } from '../../../nodes/shared/tasks/schedule';

/** Of the option 'Poll Interval'. */
const INTERVAL = 5_000;
const SECOND = 1_000;

/** A generator of numbers 0 ≤ x < 1 that are the same in every run. */
function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
		return state / 2 ** 32;
	};
}

interface Job {
	submittedAt: number;
	startedAt: number;
	endedAt: number;
	/** Queries until the end was noticed. */
	queries: number;
	/** From the end to the answer that told of it. */
	delay: number;
}

interface Batch {
	/** How long each job runs, in the order of submission. */
	runs: number[];
	slots?: number;
	/** From a query to its answer. */
	latency?: number;
	/** Known from the beginning, as after other tasks of the batch. */
	shortestRun?: number;
}

/** Plays a batch: submitted at the account's pace, run on its slots, asked for as the schedule says. */
function play({ runs, slots = 5, latency = 0, shortestRun }: Batch): Job[] {
	const free = Array.from({ length: slots }, () => 0);
	const open = runs.map((run, index) => {
		const submittedAt = index * 220;
		free.sort((a, b) => a - b);
		const startedAt = Math.max(free.shift() ?? 0, submittedAt);
		free.push(startedAt + run);
		const progress: Progress = { status: 'PENDING', submittedAt };
		const dueAt = nextQueryAt(progress, INTERVAL, undefined);
		const job = { submittedAt, startedAt, endedAt: startedAt + run, queries: 0, delay: 0 };
		return { job, progress, dueAt };
	});
	const jobs = open.map(({ job }) => job);
	let shortest = shortestRun;
	while (open.length > 0) {
		const next = open.reduce((first, other) => (other.dueAt < first.dueAt ? other : first));
		const { job, progress } = next;
		if (++job.queries > 10_000) throw new Error('The schedule does not get on');
		const seenAt = next.dueAt + latency / 2;
		const running = seenAt >= job.startedAt;
		progress.askedAt = next.dueAt + latency;
		progress.status = running ? 'RUNNING' : 'PENDING';
		progress.startedAt = running ? job.startedAt : undefined;
		if (seenAt >= job.endedAt) {
			job.delay = progress.askedAt - job.endedAt;
			const run = job.endedAt - job.startedAt;
			shortest = Math.min(run, shortest ?? run);
			open.splice(open.indexOf(next), 1);
		} else {
			next.dueAt = Math.max(progress.askedAt, nextQueryAt(progress, INTERVAL, shortest));
		}
	}
	return jobs;
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

const meanDelay = (jobs: Job[]) => sum(jobs.map(({ delay }) => delay)) / jobs.length;

/** Queries in relation to one every 5 s of the tasks' lives. */
const load = (jobs: Job[]) =>
	sum(jobs.map(({ queries }) => queries)) /
	sum(jobs.map(({ endedAt, submittedAt }) => (endedAt - submittedAt) / 5_000));

/** Jobs of 30 to 600 s, in steps that do not go with the interval. */
const LENGTHS = Array.from({ length: 600 }, (_, index) => 30_000 + index * 950.7);

describe('a single job of 30 to 600 s', () => {
	const jobs = (latency: number) => LENGTHS.flatMap((run) => play({ runs: [run], latency }));

	test.each([0, 300])('is noticed within 3 s on average, with a latency of %d ms', (latency) => {
		expect(meanDelay(jobs(latency))).toBeLessThanOrEqual(3 * SECOND);
	});

	test('is never noticed later than one interval', () => {
		expect(Math.max(...jobs(0).map(({ delay }) => delay))).toBeLessThanOrEqual(INTERVAL);
	});

	test.each([0, 300])(
		'is asked for no more than once every 5 s, each of them (%d ms)',
		(latency) => {
			const tooMany = jobs(latency).filter(
				({ queries, startedAt, endedAt }) => queries > (endedAt - startedAt) / 5_000,
			);
			expect(tooMany).toEqual([]);
		},
	);
});

describe('a job of 30 to 600 s when others of the batch have told how long they run', () => {
	test.each([
		['exactly as long', 1],
		['a little longer', 1.1],
		['a third longer', 1.33],
		['twice as long', 2],
		['three times as long', 3],
	])('%s as the shortest: noticed within 3 s on average', (_name, factor) => {
		const jobs = LENGTHS.flatMap((run) => play({ runs: [run], shortestRun: run / factor }));
		expect(meanDelay(jobs)).toBeLessThanOrEqual(3 * SECOND);
		expect(load(jobs)).toBeLessThanOrEqual(1);
	});

	test('exactly as long: noticed at once, for fewer queries', () => {
		const jobs = LENGTHS.flatMap((run) => play({ runs: [run], shortestRun: run }));
		expect(meanDelay(jobs)).toBeLessThanOrEqual(0.6 * SECOND);
		expect(load(jobs)).toBeLessThanOrEqual(0.8);
	});

	test.each([30, 31, 34, 45, 60, 120, 300, 600])(
		'the shortest took %d s: never more queries than asking every 5 s until it has ended',
		(seconds) => {
			const jobs = LENGTHS.flatMap((run) => play({ runs: [run], shortestRun: seconds * SECOND }));
			const tooMany = jobs.filter(
				({ queries, startedAt, endedAt }) => queries > Math.ceil((endedAt - startedAt) / 5_000),
			);
			expect(tooMany).toEqual([]);
		},
	);
});

describe('a batch on five slots', () => {
	const BATCHES = 80;

	/** Many batches whose jobs run as long as `length` says. */
	function batches(
		count: number,
		latency: number,
		length: (next: () => number, index: number, base: number) => number,
	): Job[] {
		const next = random(count + latency);
		return Array.from({ length: BATCHES }).flatMap(() => {
			const base = next();
			const runs = Array.from({ length: count }, (_, index) => length(next, index, base));
			return play({ runs, latency });
		});
	}

	const kinds: Array<[string, (next: () => number, index: number, base: number) => number]> = [
		['of equal jobs', (_next, _index, base) => (30 + base * 570) * SECOND],
		[
			'of jobs that vary by a fifth',
			(next, _i, base) => (40 + base * 400) * (0.8 + next() * 0.4) * SECOND,
		],
		['of jobs that vary by half', (next, _i, base) => (60 + base * 300) * (0.5 + next()) * SECOND],
		['of jobs of any length', (next) => (30 + next() * 570) * SECOND],
		['of short jobs of any length', (next) => (30 + next() * 90) * SECOND],
		[
			'with the long jobs first',
			(next, index) => (index < 5 ? 280 + next() * 40 : 30 + next() * 50) * SECOND,
		],
		['with a short job first', (next, index) => (index === 0 ? 30 : 300 + next() * 300) * SECOND],
	];

	for (const count of [1, 5, 20]) {
		for (const latency of [0, 300]) {
			test.each(kinds)(`${count} tasks, ${latency} ms: %s`, (_name, length) => {
				const jobs = batches(count, latency, length);
				expect(meanDelay(jobs)).toBeLessThanOrEqual(3 * SECOND);
				expect(load(jobs)).toBeLessThanOrEqual(1);
			});
		}
	}

	test('20 equal jobs are through within 1.10 of the ideal time', () => {
		for (const run of [30, 45, 60, 120, 300, 600].map((seconds) => seconds * SECOND)) {
			const jobs = play({ runs: Array.from({ length: 20 }, () => run), latency: 200 });
			const through = Math.max(...jobs.map(({ endedAt, delay }) => endedAt + delay));
			expect(through).toBeLessThanOrEqual(1.1 * 4 * run);
		}
	});
});

describe('short jobs', () => {
	test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('of %d s are noticed early', (seconds) => {
		const [job] = play({ runs: [seconds * SECOND] });
		expect(job?.delay).toBeLessThanOrEqual(INTERVAL);
		expect(job?.queries).toBeLessThanOrEqual(3);
	});

	test('of 1 to 10 s are noticed within 3 s on average', () => {
		const jobs = Array.from({ length: 91 }, (_, index) => 1_000 + index * 100);
		expect(meanDelay(jobs.flatMap((run) => play({ runs: [run] })))).toBeLessThanOrEqual(3 * SECOND);
	});
});

describe('the next query', () => {
	const submittedAt = 1_000_000;
	const at = (progress: Partial<Progress>, interval = INTERVAL, shortestRun?: number) =>
		nextQueryAt({ status: 'RUNNING', submittedAt, ...progress }, interval, shortestRun);

	test('is first due after a part of the interval', () => {
		expect(at({}) - submittedAt).toBe(3_000);
		expect(at({}, 60_000) - submittedAt).toBe(36_000);
	});

	test('goes by the interval in the long run', () => {
		for (const minutes of [10, 60]) {
			const askedAt = submittedAt + minutes * 60_000;
			expect(at({ askedAt }) - askedAt).toBe(INTERVAL);
			expect(at({ askedAt }, 30_000) - askedAt).toBe(30_000);
		}
	});

	test('always lies ahead of the last answer, whatever is known', () => {
		const next = random(7);
		const gaps: number[] = [];
		for (let round = 0; round < 5_000; round++) {
			const askedAt = submittedAt + next() * 600_000;
			const startedAt = next() < 0.3 ? undefined : submittedAt + next() * 600_000;
			const status = next() < 0.5 ? 'PENDING' : 'RUNNING';
			const shortestRun = next() < 0.3 ? undefined : 1 + next() * 300_000;
			gaps.push(at({ askedAt, startedAt, status }, INTERVAL, shortestRun) - askedAt);
		}
		expect(Math.min(...gaps)).toBeGreaterThan(0);
		expect(Math.max(...gaps)).toBeLessThanOrEqual(3 * INTERVAL);
	});

	test('of a task that has queued for long comes later, but in time for its start', () => {
		const gapAfter = (queued: number, status: 'PENDING' | 'RUNNING') => {
			const askedAt = submittedAt + queued;
			return at({ askedAt, status }, 2_000) - askedAt;
		};
		expect(gapAfter(20_000, 'PENDING')).toBe(2_000);
		expect(gapAfter(160_000, 'PENDING')).toBe(10_000);
		expect(gapAfter(3_600_000, 'PENDING')).toBe(15_000);
		expect(gapAfter(3_600_000, 'RUNNING')).toBe(2_000);
		const askedAt = submittedAt + 160_000;
		expect(at({ askedAt, status: 'PENDING' }, 2_000, 60_000) - askedAt).toBe(10_000);
		expect(at({ askedAt, status: 'PENDING' }, 2_000, 8_000) - askedAt).toBe(4_000);
	});

	test('of a task that still queues needs no more haste than the shortest run', () => {
		const askedAt = submittedAt + 60_000;
		expect(at({ askedAt, status: 'PENDING' }, INTERVAL, 20_000) - askedAt).toBe(10_000);
		expect(at({ askedAt, status: 'PENDING' }, INTERVAL, 1_000) - askedAt).toBe(1_500);
		expect(at({ askedAt, status: 'PENDING' }, INTERVAL, 600_000) - askedAt).toBe(15_000);
	});
});

describe('backoff', () => {
	test('doubles from one second to thirty', () => {
		const pauses = [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => backoff(failures, 1));
		expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
	});

	test('is shortened by up to a quarter, so that many tasks do not return in step', () => {
		for (const failures of [1, 3, 9]) {
			const most = backoff(failures, 1);
			expect(backoff(failures, 0)).toBe(0.75 * most);
			expect(backoff(failures, 0.5)).toBe(0.875 * most);
		}
	});

	test('is never shorter than the service asked', () => {
		expect(backoff(1, 0, 45_000)).toBe(45_000);
		expect(backoff(1, 0, 100)).toBe(750);
		expect(backoff(9, 1, 31_000)).toBe(31_000);
	});
});
