import { Semaphore } from '../../../nodes/shared/tasks/semaphore';
import { VirtualClock } from '../virtualClock';

describe('slots', () => {
	test('never run more jobs at once than there are, and start them in order', async () => {
		const clock = new VirtualClock();
		const slots = new Semaphore(3);
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
		const slots = new Semaphore(1);
		const failing = slots.run(async () => await Promise.reject<string>(new Error('broken')));
		const second = slots.run(async () => await Promise.resolve('second'));
		await expect(failing).rejects.toThrow('broken');
		await expect(second).resolves.toBe('second');
		await expect(slots.run(async () => await Promise.resolve('third'))).resolves.toBe('third');
	});

	test('free the slot when a job throws before it begins to wait', async () => {
		const slots = new Semaphore(1);
		const failing = slots.run(() => {
			throw new Error('at once');
		});
		await expect(failing).rejects.toThrow('at once');
		await expect(slots.run(async () => await Promise.resolve(2))).resolves.toBe(2);
	});

	test('are all used when all are free again', async () => {
		const clock = new VirtualClock();
		const slots = new Semaphore(2);
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
