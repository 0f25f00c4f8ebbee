import { RateGate, Slots } from '../../../nodes/WanVideoEdit/edit/gate';
import { mostPerSecond } from '../rates';
import { VirtualClock, clockOf } from '../virtualClock';

describe('a rate gate', () => {
	/** Sends callers through a gate and notes when each passed. */
	async function through(perSecond: number, arrivals: number[]): Promise<number[]> {
		const clock = new VirtualClock();
		const gate = new RateGate(clockOf(clock), perSecond);
		const passed: number[] = [];
		const callers = arrivals.map(async (arrival, index) => {
			await clock.wait(arrival);
			await gate.pass();
			passed[index] = clock.now();
		});
		await clock.run(Promise.all(callers));
		return passed;
	}

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
		expect(took).toBeLessThanOrEqual(1.1 * 10_000);
	});

	test('lets the first through at once, also after a pause', async () => {
		const clock = new VirtualClock();
		const gate = new RateGate(clockOf(clock), 1);
		for (const pause of [0, 60_000]) {
			await clock.pass(pause);
			const before = clock.now();
			await clock.run(gate.pass());
			expect(clock.now()).toBe(before);
		}
	});

	test('keeps the order', async () => {
		const passed = await through(5, Array(20).fill(0));
		expect(passed).toEqual([...passed].sort((a, b) => a - b));
		expect(new Set(passed).size).toBe(20);
	});
});

describe('slots', () => {
	test('never run more jobs at once than there are, and start them in order', async () => {
		const clock = new VirtualClock();
		const slots = new Slots(3);
		let running = 0;
		let most = 0;
		const started: number[] = [];
		const jobs = Array.from({ length: 20 }, async (_, index) => {
			await slots.run(async () => {
				started.push(index);
				most = Math.max(most, ++running);
				await clock.wait(1_000 + ((index * 37) % 11) * 100);
				running--;
			});
		});
		await clock.run(Promise.all(jobs));
		expect(most).toBe(3);
		expect(started).toEqual(jobs.map((_, index) => index));
	});

	test('give back what the job gives, and free the slot when it fails', async () => {
		const slots = new Slots(1);
		const failing = slots.run(async () => await Promise.reject<string>(new Error('broken')));
		const second = slots.run(async () => await Promise.resolve('second'));
		await expect(failing).rejects.toThrow('broken');
		await expect(second).resolves.toBe('second');
		await expect(slots.run(async () => await Promise.resolve('third'))).resolves.toBe('third');
	});

	test('free the slot when a job throws before it begins to wait', async () => {
		const slots = new Slots(1);
		const failing = slots.run(() => {
			throw new Error('at once');
		});
		await expect(failing).rejects.toThrow('at once');
		await expect(slots.run(async () => await Promise.resolve(2))).resolves.toBe(2);
	});

	test('are all used when all are free again', async () => {
		const clock = new VirtualClock();
		const slots = new Slots(2);
		const both = async () =>
			await Promise.all(
				[1, 2].map(async () => await slots.run(async () => await clock.wait(1_000))),
			);
		await clock.run(both());
		const before = clock.now();
		await clock.run(both());
		expect(clock.now() - before).toBe(1_000);
	});
});
