import { faults } from '../virtualService';
import type { Plan } from '../virtualService';
import { SuspendedRun } from './loopEngine';

// Apart from other tests: the process remembers what was lost in them, with the same request IDs.

/** The process remembers the tasks of all tests, and some must not be known here. */
function elsewhere(run: SuspendedRun, count: number): void {
	for (let made = 0; made < count; made++) run.service.addTask('', { jobSeconds: 1 }, 'other');
}

describe('a suspended execution', () => {
	test('names a task that may be a second one, of a submission that was risked again', async () => {
		const run = new SuspendedRun({ prompts: ['one'], options: { lostSubmission: 'resubmit' } });
		elsewhere(run, 20);
		run.service.faults.create.push(faults.resetAfterwards);
		const { items } = await run.clock.run(run.play());
		expect(items[0]?.json).toMatchObject({ taskId: 'task-22', succeeded: true });
		expect(items[0]?.json.duplicateTasks).toEqual([
			{ taskId: 'task-21', cancelled: false, certain: false },
		]);
	});

	test('keeps what was found of an item that had finished before', async () => {
		const run = new SuspendedRun({
			prompts: ['one', 'long'],
			options: { lostSubmission: 'resubmit' },
			parameters: { waiting: 'auto' },
			plans: [...Array<Plan>(42).fill({ jobSeconds: 5 }), { jobSeconds: 900 }],
		});
		elsewhere(run, 40);
		run.service.break('create', 'one', faults.resetAfterwards);
		run.service.break('create', 'long', faults.reset, 1);
		const { items } = await run.clock.run(run.play());
		expect(run.loop).toBeDefined();
		expect(JSON.stringify(items[0]?.json.duplicateTasks)).toContain('task-41');
	});
});

test('a task that is not waited for is handed on with what may be a second one', async () => {
	const run = new SuspendedRun({
		prompts: ['one'],
		options: { lostSubmission: 'resubmit' },
		parameters: { waiting: 'none' },
	});
	elsewhere(run, 60);
	run.service.faults.create.push(faults.resetAfterwards);
	const { items } = await run.clock.run(run.play());
	expect(items[0]?.json).toMatchObject({ taskId: 'task-62', status: 'PENDING' });
	expect(items[0]?.json.duplicateTasks).toEqual([
		{ taskId: 'task-61', cancelled: false, certain: false },
	]);
});
