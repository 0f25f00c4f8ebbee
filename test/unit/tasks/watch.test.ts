import type { Task } from '../../../nodes/shared/dashscope/types';
import { TaskError, StoppedError } from '../../../nodes/shared/tasks/errors';
import { Watch } from '../../../nodes/shared/tasks/watch';
import type { WatchSettings } from '../../../nodes/shared/tasks/watch';
import { mostPerSecond } from '../rates';
import { START, StopButton, VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';
import type { Fault, ServiceOptions } from '../virtualService';

const MINUTE = 60_000;

function setup(options: ServiceOptions = {}, settings: Partial<WatchSettings> = {}) {
	const clock = new VirtualClock();
	const stop = new StopButton(clock);
	const service = new VirtualService(clock, { latency: () => 50, ...options });
	const watch = new Watch(service.ports(stop), {
		intervalMs: 5_000,
		...settings,
	});
	/** Watches a task that was submitted just now. */
	const finish = async (taskId: string, timeoutMs = 30 * MINUTE, known = false) =>
		await watch.finish({
			taskId,
			model: 'wan2.7-videoedit',
			submittedAt: clock.now(),
			known,
			own: true,
			deadline: clock.now() + timeoutMs,
		});
	const task = (jobSeconds = 60) => service.addTask('p', { jobSeconds });
	return { clock, stop, service, watch, finish, task };
}

/** The error that the work ends with. */
async function failureOf(work: Promise<unknown>): Promise<TaskError> {
	const thrown: unknown = await work.then(
		() => undefined,
		(error: unknown) => error,
	);
	if (thrown instanceof TaskError) return thrown;
	throw new Error(`Not an TaskError: ${String(thrown)}`);
}

const repeat = (times: number, fault: Fault) => Array.from({ length: times }, () => fault);

describe('one clock for all tasks', () => {
	test('tells each task when it has ended, soon after it has', async () => {
		const { clock, service, finish } = setup();
		service.plans = [];
		const ids = [7, 30, 45, 60, 61].map((seconds) => service.addTask('p', { jobSeconds: seconds }));
		const noticed = new Map<string, number>();
		const work = ids.map(async (id) => {
			const task = await finish(id);
			noticed.set(id, clock.now());
			return task;
		});
		const tasks = await clock.run(Promise.all(work));
		expect(tasks.map((task) => task?.status)).toEqual(Array(5).fill('SUCCEEDED'));
		for (const { id, endedAt = 0 } of service.tasks()) {
			expect((noticed.get(id) ?? Infinity) - endedAt).toBeLessThanOrEqual(5_200);
		}
	});

	test('asks for 200 tasks within the budget', async () => {
		const { clock, service, finish } = setup({ slots: 200 });
		const ids = Array.from({ length: 200 }, () => service.addTask('p', { jobSeconds: 60 }));
		await clock.run(Promise.all(ids.map(async (id) => await finish(id))));
		expect(mostPerSecond(service.times('query'))).toBeLessThanOrEqual(10);
	});

	test('starves none of them when the budget is short', async () => {
		const { clock, service, finish } = setup({ slots: 40 }, { intervalMs: 1_000 });
		const ids = Array.from({ length: 40 }, () => service.addTask('p', { jobSeconds: 90 }));
		await clock.run(Promise.all(ids.map(async (id) => await finish(id))));
		const asked = ids.map(
			(id) => service.calls.filter(({ request }) => request?.options.url.endsWith(`/${id}`)).length,
		);
		expect(Math.max(...asked) - Math.min(...asked)).toBeLessThanOrEqual(2);
	});

	test('takes tasks in that come later, also after all earlier ones have ended', async () => {
		const { clock, finish, task } = setup();
		const first = clock.run(finish(task(5)));
		await expect(first).resolves.toMatchObject({ status: 'SUCCEEDED' });
		const early = finish(task(120));
		await clock.pass(20_000);
		const late = finish(task(5));
		const started = clock.now();
		await expect(clock.run(late)).resolves.toMatchObject({ status: 'SUCCEEDED' });
		expect(clock.now() - started).toBeLessThan(12_000);
		await expect(clock.run(early)).resolves.toMatchObject({ status: 'SUCCEEDED' });
	});

	test('is not held up by an answer that takes long', async () => {
		const { clock, service, finish, task } = setup();
		const slow = task(600);
		const quick = task(4);
		service.faults.query.push({ delayMs: 60_000 });
		const watching = finish(slow);
		const started = clock.now();
		await clock.run(finish(quick));
		expect(clock.now() - started).toBeLessThan(10_000);
		await clock.run(watching);
	});

	test('asks at once for a task that was submitted by an earlier try', async () => {
		const { clock, service, finish, task } = setup();
		const id = task(1);
		await clock.pass(10_000);
		const started = clock.now();
		await clock.run(finish(id, 30 * MINUTE, true));
		expect(clock.now() - started).toBe(100);
		expect(service.count('query')).toBe(1);
	});

	test('goes on with its pace when the clock is set back', async () => {
		const { clock, service, task } = setup();
		const own = { set: 0 };
		const ports = { ...service.ports(), now: () => clock.now() + own.set };
		const watch = new Watch(ports, { intervalMs: 5_000 });
		const work = [100, 200].map(
			async (seconds) =>
				await watch.finish({
					taskId: task(seconds),
					model: 'wan2.7-videoedit',
					submittedAt: clock.now(),
					known: false,
					own: true,
					deadline: clock.now() + 30 * MINUTE,
				}),
		);
		clock.at(clock.now() + 31_000, () => (own.set = -3_600_000));
		const ended = await clock.run(Promise.all(work));
		expect(ended.map((one) => one?.status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
		expect(clock.now() - START).toBeLessThan(215_000);
		// As many as without: five, then one in an interval.
		expect(service.count('query')).toBeLessThan(75);
	});

	test('never asks twice at a time for the same task', async () => {
		const { clock, service, finish, task } = setup();
		service.faults.query.push(...repeat(5, { delayMs: 20_000 }));
		const id = task(60);
		await clock.run(finish(id));
		const times = service.times('query');
		const gaps = times.slice(1, 5).map((at, index) => at - (times[index] ?? 0));
		expect(Math.min(...gaps)).toBeGreaterThan(20_000);
	});
});

describe('the ends of a task', () => {
	test.each([
		['FAILED', { jobSeconds: 5, code: 'InternalError.Algo' }],
		['CANCELED', { jobSeconds: 5, cancelled: true }],
	] as const)('%s is told as it is', async (status, plan) => {
		const { clock, service, finish } = setup();
		const id = service.addTask('p', { jobSeconds: 5 });
		const failed = service.addTask('p', plan);
		await expect(clock.run(finish(failed))).resolves.toMatchObject({ status });
		await expect(clock.run(finish(id))).resolves.toMatchObject({ status: 'SUCCEEDED' });
	});

	test('UNKNOWN is believed after three answers in a row, with pauses between', async () => {
		const { clock, service, watch } = setup();
		const order = { taskId: 'nobody', model: 'wan2.7-videoedit', submittedAt: clock.now() };
		const deadline = clock.now() + 30 * MINUTE;
		const ending = watch.finish({ ...order, known: true, own: false, deadline });
		await expect(clock.run(ending)).resolves.toMatchObject({ status: 'UNKNOWN' });
		const times = service.times('query');
		expect(times).toHaveLength(3);
		expect((times[2] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(2_000);
	});

	test.each([1_000, 2_000])(
		'UNKNOWN is not believed of a task of ours that is seconds old (asked every %d ms)',
		async (intervalMs) => {
			const { clock, service, finish, task } = setup({}, { intervalMs });
			service.faults.query.push(...Array<Fault>(3).fill({ taskStatus: 'UNKNOWN' }));
			await expect(clock.run(finish(task(60)))).resolves.toMatchObject({ status: 'SUCCEEDED' });
			await expect(clock.run(finish('nobody'))).resolves.toMatchObject({ status: 'UNKNOWN' });
			expect(clock.now() - START).toBeLessThan(2 * MINUTE);
		},
	);

	test('a pause of an hour that one query was told does not hold its result up for an hour', async () => {
		const { clock, service, finish, task } = setup();
		service.faults.query.push(faults.throttled('3600'));
		await expect(clock.run(finish(task(60)))).resolves.toMatchObject({ status: 'SUCCEEDED' });
		expect(clock.now() - START).toBeLessThan(3 * MINUTE);
	});

	test('UNKNOWN once or twice is a slip', async () => {
		const { clock, service, finish, task } = setup();
		const unknown: Fault = { taskStatus: 'UNKNOWN' };
		service.faults.query.push(unknown, unknown, undefined, unknown, unknown, undefined);
		await expect(clock.run(finish(task(60)))).resolves.toMatchObject({ status: 'SUCCEEDED' });
	});
});

describe('bad answers', () => {
	test.each<[string, Fault]>([
		['429', faults.throttled()],
		['500', { status: 500, body: { code: 'InternalError', message: 'An internal error' } }],
		['503 without a body', faults.unavailable],
		['a connection that is refused', faults.refused],
		['a connection that breaks', faults.reset],
		['a timeout', { socket: 'ETIMEDOUT', delayMs: 30_000 }],
		['half an answer', faults.halfJson],
		['a web page', { status: 200, body: '<html>Welcome</html>' }],
		['an empty answer', { status: 200, body: '' }],
		['an answer without a task', { status: 200, body: { request_id: 'r' } }],
		[
			'an answer about another task',
			{ status: 200, body: { output: { task_id: 'other', task_status: 'SUCCEEDED' } } },
		],
		['a status that nobody knows', { taskStatus: 'DANCING' }],
	])('%s is survived, ten times in a row', async (_name, fault) => {
		const { clock, service, finish, task } = setup();
		service.faults.query.push(...repeat(10, fault));
		await expect(clock.run(finish(task(30)))).resolves.toMatchObject({ status: 'SUCCEEDED' });
		expect(service.count('query')).toBe(11);
	});

	test('are answered with pauses that grow', async () => {
		const { clock, service, finish, task } = setup();
		service.faults.query.push(...repeat(8, faults.unavailable));
		await clock.run(finish(task(5)));
		const times = service.times('query');
		const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
		expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
		expect(gaps.at(-1)).toBeGreaterThanOrEqual(20_000);
		expect(gaps.at(-1)).toBeLessThanOrEqual(31_000);
	});

	test('of one task do not delay the others', async () => {
		const { clock, service, finish, task } = setup();
		const unlucky = task(5);
		const lucky = task(5);
		service.faults.query.push(faults.throttled('300'));
		const watching = finish(unlucky);
		const started = clock.now();
		await clock.run(finish(lucky));
		expect(clock.now() - started).toBeLessThan(12_000);
		await clock.run(watching);
	});

	test('with Retry-After are obeyed', async () => {
		const { clock, service, finish, task } = setup();
		service.faults.query.push(faults.throttled('45'));
		await clock.run(finish(task(5)));
		const [first = 0, second = 0] = service.times('query');
		expect(second - first).toBeGreaterThanOrEqual(45_000);
	});

	test('a refusal is believed when it comes three times in a row, and names task and next step', async () => {
		const { clock, service, finish, task } = setup();
		service.faults.query.push(...repeat(3, faults.unauthorised));
		const error = await clock.run(failureOf(finish(task())));
		expect(service.count('query')).toBe(3);
		expect(error.message).toBe(
			'The status of task task-1 could not be read: Invalid API-key provided.',
		);
		expect(error.hint).toMatch(/another region.*Get Status/s);
		expect(error.details).toEqual({
			taskId: 'task-1',
			status: 'PENDING',
			code: 'InvalidApiKey',
			httpStatus: 401,
			requestId: 'r-401',
		});
	});

	test('a refusal once or twice is a slip', async () => {
		const { clock, service, finish, task } = setup();
		const { unauthorised } = faults;
		service.faults.query.push(unauthorised, unauthorised, undefined, unauthorised, unauthorised);
		await expect(clock.run(finish(task()))).resolves.toMatchObject({ status: 'SUCCEEDED' });
	});

	test('a single refusal among other failures is a slip, too', async () => {
		const { clock, service, finish, task } = setup();
		service.faults.query.push(faults.reset, faults.unavailable, faults.unauthorised, faults.reset);
		await expect(clock.run(finish(task()))).resolves.toMatchObject({ status: 'SUCCEEDED' });
	});
});

describe('the timeout', () => {
	test('names task, last status, time waited and the next step, and leaves the task alone', async () => {
		const { clock, service, finish, task } = setup();
		const error = await clock.run(failureOf(finish(task(3_600), 10 * MINUTE)));
		expect(error.message).toBe('Task task-1 was still RUNNING after 600 seconds');
		expect(error.hint).toMatch(/keeps running.*'Task: Wait for Completion'.*24 hours.*'Timeout'/s);
		expect(error.details).toEqual({ taskId: 'task-1', status: 'RUNNING', waitedSeconds: 600 });
		expect(service.count('cancel')).toBe(0);
		expect(service.tasks()[0]?.status).toBe('RUNNING');
	});

	test('comes when it is due, not an interval later', async () => {
		const { clock, finish, task } = setup({}, { intervalMs: 60_000 });
		const started = clock.now();
		await clock.run(failureOf(finish(task(3_600), 90_000)));
		expect(clock.now() - started).toBeLessThanOrEqual(90_200);
	});

	test('gives a task that ends just then its last chance', async () => {
		const { clock, finish, task } = setup({}, { intervalMs: 60_000 });
		await expect(clock.run(finish(task(89), 90_000))).resolves.toMatchObject({
			status: 'SUCCEEDED',
		});
	});

	test('comes although the service does not answer any more, and says so', async () => {
		const { clock, service, finish, task } = setup();
		service.faults.query.push(undefined, ...repeat(500, faults.unavailable));
		const started = clock.now();
		const error = await clock.run(failureOf(finish(task(3_600), 10 * MINUTE)));
		expect(clock.now() - started).toBeLessThanOrEqual(10 * MINUTE + 1_000);
		expect(error.message).toMatch(
			/^Task task-1 was still RUNNING after 60\d seconds; the last query failed: .*503/,
		);
	});

	test('comes although the service asks for more patience', async () => {
		const { clock, service, finish, task } = setup();
		service.faults.query.push(faults.throttled('86400'), faults.throttled('86400'));
		const started = clock.now();
		await clock.run(failureOf(finish(task(3_600), 10 * MINUTE)));
		expect(clock.now() - started).toBeLessThanOrEqual(10 * MINUTE + 1_000);
	});

	test.each([
		['a query', 1, {}],
		['the task list', 8, { intervalMs: 60_000 }],
	])(
		'comes although the answer to %s never comes to its end',
		async (_name, tasks, settings: Partial<WatchSettings>) => {
			const { clock, service, finish, task } = setup({}, settings);
			const drip: Fault = { delayMs: 24 * 60 * MINUTE };
			service.faults.query.push(...repeat(tasks, {}), ...repeat(tasks, drip));
			service.faults.list.push(drip);
			const started = clock.now();
			const ids = Array.from({ length: tasks }, () => task(3_600));
			const work = ids.map(async (id) => await failureOf(finish(id, 10 * MINUTE)));
			const [error] = await clock.run(Promise.all(work));
			expect(error?.message).toMatch(/^Task task-1 was still \w+ after 6\d\d seconds/);
			expect(clock.now() - started).toBeLessThanOrEqual(11 * MINUTE);
		},
	);

	test('waits for the last answers of tasks that are too many to be asked for at once', async () => {
		const { clock, finish, task } = setup({ slots: 500 }, { intervalMs: 60_000 });
		const work = Array.from({ length: 500 }, async () => await finish(task(119), 2 * MINUTE));
		const ended = await clock.run(Promise.all(work));
		expect(ended.every((one) => one?.status === 'SUCCEEDED')).toBe(true);
	});

	test('of one task does not end the others', async () => {
		const { clock, finish, task } = setup();
		const long = finish(task(120));
		const short = failureOf(finish(task(3_600), 30_000));
		await clock.run(short);
		await expect(clock.run(long)).resolves.toMatchObject({ status: 'SUCCEEDED' });
	});
});

describe('Stop', () => {
	/** Presses Stop after so long and tells how long each task took to end. */
	async function stopAfter(ms: number, fault?: Fault) {
		const { clock, stop, service, finish, task } = setup();
		if (fault !== undefined) service.faults.query.push(...repeat(3, fault));
		const work = [task(), task(), task()].map(async (id) => await finish(id));
		const ended: number[] = [];
		const settled = work.map(async (one) => {
			const reason: unknown = await one.catch((error: unknown) => error);
			ended.push(clock.now());
			return reason;
		});
		clock.at(clock.now() + ms, () => stop.press());
		const pressedAt = clock.now() + ms;
		const reasons = await clock.run(Promise.all(settled));
		const queries = service.count('query');
		await clock.pass(5 * MINUTE);
		expect(service.count('query')).toBe(queries);
		return { reasons, late: ended.map((at) => at - pressedAt) };
	}

	test.each([0, 10, 2_999, 3_010, 30_000])('after %d ms ends all tasks at once', async (ms) => {
		const { reasons, late } = await stopAfter(ms);
		expect(reasons).toHaveLength(3);
		expect(Math.max(...late)).toBe(0);
	});

	test('ends while all answers are outstanding', async () => {
		const { reasons, late } = await stopAfter(10_000, { delayMs: 30_000 });
		expect(reasons.every((reason) => reason instanceof Error)).toBe(true);
		expect(Math.max(...late)).toBe(0);
	});

	test('ends in a pause that the service asked for', async () => {
		const { reasons, late } = await stopAfter(60_000, faults.throttled('600'));
		expect(reasons[0]).toBeInstanceOf(StoppedError);
		expect(Math.max(...late)).toBe(0);
	});
});

describe('handing back', () => {
	test('happens with the first answer after its moment', async () => {
		const clock = new VirtualClock();
		const handBackAt = clock.now() + 45_000;
		const service = new VirtualService(clock, { latency: () => 50 });
		const watch = new Watch(service.ports(), {
			intervalMs: 5_000,
			handBackAt,
		});
		const order = (jobSeconds: number) => ({
			model: 'wan2.7-videoedit',
			taskId: service.addTask('p', { jobSeconds }),
			submittedAt: clock.now(),
			known: false,
			own: true,
			deadline: clock.now() + 30 * MINUTE,
		});
		const ends: Array<Promise<Task | undefined>> = [30, 44, 300].map(
			async (seconds) => await watch.finish(order(seconds)),
		);
		const tasks = await clock.run(Promise.all(ends));
		expect(tasks.map((task) => task?.status)).toEqual(['SUCCEEDED', 'SUCCEEDED', undefined]);
		expect(clock.now() - handBackAt).toBeLessThanOrEqual(1_000);
	});

	test('does not take a slip for an answer, and waits before asking again', async () => {
		const { clock, service, watch, task } = setup({}, { handBackAt: 0, intervalMs: 1_000 });
		const unknown: Fault = { taskStatus: 'UNKNOWN' };
		service.faults.query.push(unknown, ...Array<undefined>(5), unknown);
		const ids = Array.from({ length: 6 }, () => task(300));
		const moments = {
			model: 'wan2.7-videoedit',
			submittedAt: clock.now() - MINUTE,
			deadline: clock.now() + 30 * MINUTE,
		};
		const work = ids.map(
			async (taskId) => await watch.finish({ taskId, known: true, own: true, ...moments }),
		);
		await expect(clock.run(Promise.all(work))).resolves.toEqual(Array(6).fill(undefined));
		const times = service.calls
			.filter(({ request }) => request?.options.url.endsWith('/task-1'))
			.map(({ at }) => at);
		expect(times).toHaveLength(3);
		const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
		expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
	});
});
