import type { AwaitedTask } from '../../../nodes/shared/tasks/taskLists';
import { StoppedError } from '../../../nodes/shared/tasks/errors';
import { untilEnded } from '../../../nodes/shared/tasks/sleeping';
import { MODEL } from '../requests';
import { START, StopButton, VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';
import type { Plan, ServiceOptions } from '../virtualService';

const SECOND = 1_000;
const MINUTE = 60_000;

/** A suspended execution that waits for tasks, until so many minutes have passed. */
function sleeping(plans: Plan[], options: ServiceOptions = {}, model = MODEL) {
	const clock = new VirtualClock();
	const stop = new StopButton(clock);
	const service = new VirtualService(clock, { latency: () => 50, slots: 100, ...options });
	const tasks = plans.map(
		(plan, index): AwaitedTask => ({
			taskId: service.addTask(`prompt ${index}`, plan),
			model,
			submittedAt: START,
		}),
	);
	const wait = async (minutes = 60) =>
		await clock.run(
			untilEnded(
				tasks,
				service.ports(stop, true, () => 0.5),
				() => clock.now() < START + minutes * MINUTE,
			),
		);
	const seconds = () => (clock.now() - START) / SECOND;
	return { clock, stop, service, tasks, wait, seconds };
}

const equal = (count: number, jobSeconds: number) =>
	Array.from({ length: count }, (): Plan => ({ jobSeconds }));

describe('the end of all tasks', () => {
	test.each<[string, Plan[]]>([
		['one', equal(1, 95)],
		['a few', [{ jobSeconds: 95 }, { jobSeconds: 15 }, { jobSeconds: 40, code: 'InternalError' }]],
		['many', equal(40, 95)],
		['one that was cancelled', [{ jobSeconds: 95, cancelled: true }]],
	])('%s: is noticed ten seconds later at most, and remembered', async (_name, plans) => {
		const { service, tasks, wait, seconds } = sleeping(plans);
		await expect(wait()).resolves.toBe(true);
		expect(seconds()).toBeLessThan(95 + 10 + plans.length * 0.3);
		for (const { taskId } of tasks) {
			expect(service.account.endOf(taskId)?.taskId).toBe(taskId);
		}
	});

	test('of many tasks takes one query each, and a list every five seconds', async () => {
		const { service, wait } = sleeping(equal(40, 95));
		await wait();
		expect(service.count('query')).toBe(40);
		expect(service.count('list')).toBeLessThanOrEqual(19);
	});

	test('whose models are not known takes no list', async () => {
		const { service, wait } = sleeping(equal(20, 25), {}, '');
		await expect(wait()).resolves.toBe(true);
		expect(service.count('list')).toBe(0);
	});

	test('which is not shown by a list that lags is queried for', async () => {
		const { wait, seconds } = sleeping(equal(20, 45), { listLagMs: 10 * MINUTE });
		await expect(wait()).resolves.toBe(true);
		expect(seconds()).toBeLessThan(60);
	});

	test('is noticed later where answers fail for a while', async () => {
		const { service, wait, seconds } = sleeping(equal(1, 15));
		service.faults.query.push(faults.reset, faults.unavailable, faults.throttled());
		await expect(wait()).resolves.toBe(true);
		expect(service.count('query')).toBe(4);
		expect(seconds()).toBeLessThan(55);
	});
});

describe('it is given up', () => {
	test('when it is no longer worth asking, with nothing left behind', async () => {
		const { service, wait, seconds } = sleeping(equal(20, 10_000));
		await expect(wait(5)).resolves.toBe(false);
		expect(seconds()).toBeLessThan(320);
		expect(service.account.lists.hasMany(MODEL)).toBe(false);
		expect(service.account.asking.size).toBe(0);
	});

	test('at once when the execution is stopped', async () => {
		const { clock, stop, wait, seconds } = sleeping(equal(3, 10_000));
		clock.at(START + 25 * SECOND, () => stop.press());
		await expect(wait()).rejects.toThrow(StoppedError);
		expect(seconds()).toBe(25);
	});
});

test('a task that only seems to have ended is asked for again', async () => {
	const { service, wait } = sleeping(equal(1, 35));
	service.faults.query.push({ taskStatus: 'UNKNOWN' });
	await expect(wait()).resolves.toBe(true);
	expect(service.count('query')).toBe(4);
});
