import type { INode } from 'n8n-workflow';
import { SuspendedRun, seen } from './loopEngine';

/** The suspended wait from the submission to its end, with n8n stubbed. */

const forking: Partial<INode> = { onError: 'continueErrorOutput' };
const MINUTE = 60_000;
const taskIds = ['task-1', 'task-2'];

describe('what fails after a submission and is no outcome of an item names every task', () => {
	const two = { prompts: ['one', 'two'] };

	test('the sub-execution cannot start: the node fails, and a retry finds the tasks', async () => {
		const run = new SuspendedRun(two);
		run.broken.executeWorkflow = new Error('Database is locked');
		const { error } = await run.run();
		expect(error?.message).toBe(
			'Task task-1 was submitted, but the execution could not be suspended: Database is locked [item 0]',
		);
		expect(error?.description).toContain("Fetch it with 'Task: Get Status'");
		expect(error?.description).toContain('Item 1: Task task-2 was submitted');

		run.broken = {};
		const { items } = await run.run();
		expect(seen(items)).toMatchObject([{ video: 'video of task-1' }, { video: 'video of task-2' }]);
		expect(run.service.count('create')).toBe(2);
	});

	test('the same with Continue On Fail: each item has its task, and what is finished stays', async () => {
		const run = new SuspendedRun({
			prompts: ['quick', 'long', 'longer'],
			plans: [{ jobSeconds: 20 }, { jobSeconds: 300 }],
			parameters: { whileWaiting: 'auto' },
			settings: forking,
		});
		run.broken.executeWorkflow = new Error('Database is locked');
		const { items } = await run.run();
		expect(items.map(({ json }) => json.details)).toMatchObject([
			{},
			{ taskId: 'task-2' },
			{ taskId: 'task-3' },
		]);
		expect(seen(items)[0]).toEqual({ item: 0, prompt: 'quick', video: 'video of task-1' });
	});

	describe.each(['getCredentials', 'getExecutionDataById'] as const)(
		'%s fails at a look',
		(call) => {
			test('for a while: the wait goes on', async () => {
				const run = new SuspendedRun({ ...two, plans: [{ jobSeconds: 50 }] });
				run.unreachable();
				await run.clock.run(run.start());
				run.broken[call] = new Error('Database is locked');
				run.clock.at(run.clock.now() + 4 * MINUTE, () => (run.broken = {}));
				const { items } = await run.clock.run(run.wait());
				expect(seen(items)).toMatchObject([
					{ video: 'video of task-1' },
					{ video: 'video of task-2' },
				]);
				expect(run.loop?.looks).toHaveLength(4);
				expect(run.service.count('create')).toBe(2);
			});

			test('five times in a row: the error names every task', async () => {
				const run = new SuspendedRun({
					...two,
					plans: [{ jobSeconds: 50, code: 'InternalError' }],
					settings: { retryOnFail: true },
				});
				await run.clock.run(run.start());
				run.broken[call] = new Error('Credential not found');
				const { error } = await run.clock.run(run.wait());
				expect(error?.message).toBe(
					'The wait for task task-1 was given up, because it could not be checked: Credential not found [item 0]',
				);
				expect(error?.description).toContain('Item 1: The wait for task task-2 was given up');
				expect(error?.description).toContain("Fetch it with 'Task: Get Status'");
				expect(run.loop?.looks).toHaveLength(5);
				expect(run.service.count('create')).toBe(2);
			});

			test('beyond the timeout: at once, and with Continue On Fail as items', async () => {
				const run = new SuspendedRun({ ...two, options: { timeout: 1.5 }, settings: forking });
				await run.clock.run(run.start());
				run.broken[call] = new Error('Credential not found');
				const { items } = await run.clock.run(run.wait());
				expect(items.map(({ json }) => json.details)).toMatchObject(
					taskIds.map((taskId) => ({ taskId })),
				);
				expect(run.loop?.looks).toHaveLength(2);
			});
		},
	);

	test('a later try that fails before it begins', async () => {
		const run = new SuspendedRun(two);
		run.broken.executeWorkflow = new Error('Database is locked');
		await run.run();
		run.broken = { getCredentials: new Error('Credential not found') };
		const { error } = await run.run();
		expect(error?.message).toBe('Credential not found');
		expect(error?.description).toContain('Earlier tries submitted the tasks task-1, task-2.');
		expect(error?.description).toContain("'Task: Get Status' fetches a video by its task ID");
	});

	test.each([
		[['one'], { taskId: 'task-1' }],
		[['one', 'two'], { taskIds: 'task-1, task-2' }],
	])('the same with Continue On Fail, of %j', async (prompts, details) => {
		const run = new SuspendedRun({ prompts, settings: forking });
		run.broken.executeWorkflow = new Error('Database is locked');
		await run.run();
		run.broken = { getCredentials: new Error('Credential not found') };
		const { items } = await run.run();
		expect(items.map(({ json }) => json.details)).toMatchObject(prompts.map(() => details));
	});
});
