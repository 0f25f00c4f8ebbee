import { Limiter } from '../../../nodes/shared/tasks/limiter';
import { mostPerSecond } from '../rates';
import { VirtualClock, clockOf } from '../virtualClock';

/** Sends callers through a limiter and notes when each passed. */
async function through(perSecond: number, arrivals: number[]): Promise<number[]> {
	const clock = new VirtualClock();
	const limiter = new Limiter(perSecond);
	const passed: number[] = [];
	const callers = arrivals.map(async (arrival, index) => {
		await clock.wait(arrival);
		await limiter.pass(clockOf(clock));
		passed[index] = clock.now();
	});
	await clock.run(Promise.all(callers));
	return passed;
}

describe('a limiter', () => {
	test.each([1, 2, 5, 10, 20])('lets no more than %d through in any second', async (perSecond) => {
		const rush = await through(perSecond, Array(100).fill(0));
		expect(mostPerSecond(rush)).toBeLessThanOrEqual(perSecond);
	});

	test('holds when callers come and go', async () => {
		const arrivals = Array.from({ length: 200 }, (_, index) => (index * 7_919) % 20_000);
		expect(mostPerSecond(await through(5, arrivals))).toBeLessThanOrEqual(5);
	});

	test('loses little time', async () => {
		const passed = await through(5, Array(51).fill(0));
		const took = Math.max(...passed) - Math.min(...passed);
		expect(took).toBeLessThanOrEqual(1.12 * 10_000);
	});

	test('lets the first through at once, also after a pause', async () => {
		const clock = new VirtualClock();
		const limiter = new Limiter(1);
		for (const pause of [0, 60_000]) {
			await clock.pass(pause);
			const before = clock.now();
			await clock.run(limiter.pass(clockOf(clock)));
			expect(clock.now()).toBe(before);
		}
	});

	test('keeps the order', async () => {
		const passed = await through(5, Array(20).fill(0));
		expect(passed).toEqual([...passed].sort((a, b) => a - b));
		expect(new Set(passed).size).toBe(20);
	});

	test('lets callers through although the clock was set back', async () => {
		const limiter = new Limiter(5);
		for (const hours of [3, 2, 1]) {
			const clock = new VirtualClock();
			await clock.pass(hours * 3_600_000);
			const before = clock.now();
			await clock.run(Promise.all([1, 2, 3].map(async () => await limiter.pass(clockOf(clock)))));
			expect(clock.now() - before).toBeLessThanOrEqual(3_000);
			limiter.throttled(clock.now(), clock.now() + 1, 60_000);
		}
	});

	test('does not forget calls that went without their turn, however many, and holds nobody for long', async () => {
		const clock = new VirtualClock();
		const limiter = new Limiter(1);
		for (const calls of [4, 40]) {
			const before = clock.now();
			for (let call = 0; call < calls; call++) limiter.take(before);
			await clock.run(limiter.pass(clockOf(clock)));
			expect(clock.now() - before).toBeGreaterThanOrEqual(4_000);
			expect(clock.now() - before).toBeLessThanOrEqual(5_000);
			await clock.pass(10_000);
		}
	});

	test('forgets a caller that was stopped while it waited', async () => {
		const clock = new VirtualClock();
		const limiter = new Limiter(1);
		const stopped = {
			...clockOf(clock),
			sleep: async () => await Promise.reject(new Error('stop')),
		};
		await clock.run(limiter.pass(clockOf(clock)));
		await expect(limiter.pass(stopped)).rejects.toThrow('stop');
		const before = clock.now();
		await clock.run(limiter.pass(clockOf(clock)));
		expect(clock.now() - before).toBeLessThanOrEqual(1_100);
	});
});

describe('after a throttled answer', () => {
	/** Calls per second at moments after refusals of calls that were sent at their own moment. */
	test.each<
		[what: string, refusals: Array<[sentAt: number, now: number]>, at: number, rate: number]
	>([
		['none', [], 0, 10],
		['the rate is cut', [[0, 100]], 100, 4],
		['it is held for a while', [[0, 100]], 10_000, 4],
		['then it recovers in a straight line', [[0, 0]], 30_000, 7],
		['up to the ceiling and no further', [[0, 0]], 300_000, 10],
		[
			'calls sent before the cut shows its effect do not cut again',
			[
				[0, 100],
				[50, 110],
				[5_000, 5_050],
			],
			5_050,
			4,
		],
		[
			'one sent after it does',
			[
				[0, 100],
				[5_150, 5_200],
			],
			5_200,
			1.6,
		],
		[
			'there is a floor',
			Array.from({ length: 9 }, (_, i): [number, number] => [i * 6_000 + 50, i * 6_000 + 100]),
			48_100,
			1.25,
		],
	])('%s', (_what, refusals, at, rate) => {
		const limiter = new Limiter(10);
		for (const [sentAt, now] of refusals) limiter.throttled(sentAt, now);
		expect(limiter.rateAt(at)).toBeCloseTo(rate, 5);
	});

	test('nobody goes for a while, and those who wait think again', async () => {
		const clock = new VirtualClock();
		const limiter = new Limiter(5);
		const passed: number[] = [];
		const start = clock.now();
		const callers = Array.from({ length: 10 }, async () => {
			await limiter.pass(clockOf(clock));
			passed.push(clock.now() - start);
		});
		clock.at(start + 500, () => limiter.throttled(start + 400, clock.now(), 60_000));
		await clock.run(Promise.all(callers));
		const later = passed.filter((at) => at > 500);
		expect(Math.min(...later)).toBeGreaterThanOrEqual(5_500);
		expect(Math.min(...later)).toBeLessThanOrEqual(7_000);
		// At half the rate from then on.
		expect(mostPerSecond(later)).toBeLessThanOrEqual(3);
	});

	test('two processes share five calls a second without talking to each other', async () => {
		const clock = new VirtualClock();
		const limiters = [new Limiter(5), new Limiter(5)];
		const taken: number[] = [];
		let refused = 0;
		const callers = Array.from({ length: 40 }, async (_, index) => {
			const limiter = limiters[index % 2] ?? new Limiter(5);
			for (;;) {
				await limiter.pass(clockOf(clock));
				const sentAt = clock.now();
				const busy = taken.filter((at) => at > sentAt - 1_000).length >= 5;
				if (!busy) taken.push(sentAt);
				await clock.wait(100);
				if (!busy) return;
				refused++;
				limiter.throttled(sentAt, clock.now());
			}
		});
		await clock.run(Promise.all(callers));
		expect(taken).toHaveLength(40);
		expect(refused / (40 + refused)).toBeLessThanOrEqual(0.2);
	});
});
