import { START, VirtualClock } from '../virtualClock';
import { VirtualService } from '../virtualService';
import type { Plan, ServiceOptions } from '../virtualService';
import { SuspendedRun } from './loopEngine';
import type { Options } from './loopEngine';

/** Task: Wait for Completion, suspended from its start to its end, with n8n stubbed. */

const WAIT = { resource: 'task', operation: 'wait', waiting: 'suspend' };

/** An execution that waits for tasks which another one submitted. */
function waiting(plans: Plan[], options: Options = {}, service: ServiceOptions = {}) {
	const clock = new VirtualClock();
	const there = new VirtualService(clock, { latency: () => 50, ...service });
	const prompts = plans.map((plan) => there.addTask('wish', plan));
	return new SuspendedRun({
		clock,
		service: there,
		prompts,
		...options,
		parameters: { ...WAIT, ...options.parameters },
	});
}

const json = (run: { items: Array<{ json: object }> }) => run.items.map((item) => item.json);

test('suspends, and hands the videos on at the end; nothing is submitted', async () => {
	const run = waiting([{ jobSeconds: 100 }, { jobSeconds: 200 }]);

	const started = await run.clock.run(run.start());
	expect(started.waiting).toBe(true);
	const result = await run.clock.run(run.wait());

	expect(result.error).toBeUndefined();
	expect(json(result)).toEqual([
		expect.objectContaining({ taskId: 'task-1', status: 'SUCCEEDED' }),
		expect.objectContaining({ taskId: 'task-2', status: 'SUCCEEDED' }),
	]);
	expect(result.items.map(({ binary }) => binary?.data?.id)).toEqual([
		'video of task-1',
		'video of task-2',
	]);
	expect(result.items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
	expect(run.service.count('create')).toBe(0);
	// The model came along: its price is known at the end.
	expect(JSON.stringify(json(result))).toContain('"currency":"USD"');
});

test('while it waits it shows when the task was submitted, not when the wait began', async () => {
	const run = waiting([{ jobSeconds: 300 }]);
	await run.clock.pass(30_000);
	const { items } = await run.clock.run(run.start());

	expect(Date.parse(String(items[0]?.json.submittedAt)) - START).toBeLessThan(2_000);
	await run.clock.run(run.wait());
});

test('tasks that ended before are handed on without suspending', async () => {
	const run = waiting([{ jobSeconds: 1 }, { jobSeconds: 1, code: 'InternalError' }], {
		settings: { onError: 'continueErrorOutput' },
	});
	await run.clock.pass(5_000);
	const { items, waiting: suspended } = await run.clock.run(run.start());

	expect(suspended).toBe(false);
	expect(run.loop).toBeUndefined();
	expect(json({ items })).toEqual([
		expect.objectContaining({ taskId: 'task-1', succeeded: true }),
		expect.objectContaining({ error: expect.stringContaining('Task task-2 failed') }),
	]);
});

test('a task that nobody knows fails at once and holds nobody up', async () => {
	const run = waiting([], { prompts: ['never-was'] });
	const { error, waiting: suspended } = await run.clock.run(run.start());

	expect(suspended).toBe(false);
	expect(error?.message).toBe('DashScope does not know task never-was [item 0]');
});

test('one that fails late fails the node; Retry On Fail looks again and submits nothing', async () => {
	const run = waiting([{ jobSeconds: 100, code: 'DataInspectionFailed' }], {
		settings: { retryOnFail: true, maxTries: 3 },
	});
	const { error } = await run.run();

	expect(error?.message).toMatch(/Task task-1 failed: .* \[item 0\]/);
	expect(run.service.count('create')).toBe(0);
	expect(run.service.tasks()).toHaveLength(1);
});

test('Retry On Fail waits a whole timeout longer for a task that was too slow', async () => {
	const run = waiting([{ jobSeconds: 150 }], {
		options: { timeout: 1.5 },
		settings: { retryOnFail: true, maxTries: 2 },
	});
	const result = await run.run();

	expect(json(result)).toEqual([expect.objectContaining({ taskId: 'task-1', succeeded: true })]);
});

test('Stop ends the wait; tasks that still queue are not cancelled, for they are somebody else’s', async () => {
	const run = waiting([{ jobSeconds: 300 }, { jobSeconds: 300 }], {}, { slots: 1 });
	await run.clock.run(run.start());
	run.stopped.add('1');
	const { items, error } = await run.clock.run(run.wait());

	expect({ items, error }).toEqual({ items: [], error: undefined });
	expect(run.service.count('cancel')).toBe(0);
	expect(run.service.tasks().map(({ status }) => status)).toEqual(['RUNNING', 'PENDING']);
	for (const id of ['task-1', 'task-2']) {
		expect(run.logged.join('\n')).toContain(`Task ${id} keeps running after Stop`);
	}
});
