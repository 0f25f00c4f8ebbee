import { inTurn } from '../../../nodes/shared/n8n/transfers';
import { StoppedError } from '../../../nodes/shared/tasks/errors';

const MINUTE = 60_000;

beforeEach(() => jest.useFakeTimers());
afterEach(async () => {
	await jest.advanceTimersByTimeAsync(60 * MINUTE);
	jest.useRealTimers();
});

/** Transfers of all executions of a process, each as long as it says. */
function transfers(lengths: number[], stop?: AbortSignal) {
	const moving = new Set<number>();
	const seen = { begun: [] as number[], most: 0 };
	const all = lengths.map(
		async (ms, index) =>
			await inTurn(async () => {
				seen.begun.push(index);
				moving.add(index);
				seen.most = Math.max(seen.most, moving.size);
				await new Promise((resolve) => setTimeout(resolve, ms));
				moving.delete(index);
				return index;
			}, stop),
	);
	return { seen, all: Promise.allSettled(all) };
}

describe('transfers of a process', () => {
	test('move a few at a time, in the order in which they came', async () => {
		const { seen, all } = transfers(Array.from({ length: 40 }, (_, index) => 500 + (index % 7)));
		await jest.advanceTimersByTimeAsync(MINUTE);
		expect((await all).map((one) => one.status === 'fulfilled' && one.value)).toEqual(seen.begun);
		expect(seen.begun).toEqual(Array.from({ length: 40 }, (_, index) => index));
		expect(seen.most).toBeGreaterThan(1);
		expect(seen.most).toBeLessThanOrEqual(5);
	});

	test('do not wait for slow ones for long', async () => {
		const { seen, all } = transfers([...Array.from({ length: 8 }, () => 50 * MINUTE), 100]);
		await jest.advanceTimersByTimeAsync(30_000);
		expect(seen.begun).toContain(8);
		await jest.advanceTimersByTimeAsync(50 * MINUTE);
		expect(await all).toHaveLength(9);
	});

	test('that wait end at once when their execution is stopped; the others go on', async () => {
		const slow = transfers(Array.from({ length: 8 }, () => 9_000));
		const stop = new AbortController();
		const waiting = transfers([100, 100], stop.signal);
		const others = transfers([100]);
		await jest.advanceTimersByTimeAsync(1_000);
		stop.abort();
		expect((await waiting.all).map((one) => one.status === 'rejected' && one.reason)).toEqual([
			expect.any(StoppedError),
			expect.any(StoppedError),
		]);
		expect(waiting.seen.begun).toEqual([]);
		await jest.advanceTimersByTimeAsync(MINUTE);
		await Promise.all([slow.all, others.all]);
		expect(others.seen.begun).toEqual([0]);
	});

	test('do not begin in an execution that is stopped', async () => {
		const { seen, all } = transfers([100], AbortSignal.abort());
		expect(await all).toEqual([{ status: 'rejected', reason: expect.any(StoppedError) }]);
		expect(seen.begun).toEqual([]);
	});

	test('that fail make way', async () => {
		const failing = Array.from({ length: 20 }, async () => {
			await expect(
				inTurn(async () => await Promise.reject(new Error('broken')), undefined),
			).rejects.toThrow('broken');
		});
		await Promise.all(failing);
		const { seen } = transfers([100]);
		await jest.advanceTimersByTimeAsync(0);
		expect(seen.begun).toEqual([0]);
	});
});
