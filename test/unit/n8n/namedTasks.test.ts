import type { IExecuteFunctions, INode } from 'n8n-workflow';
import { factsOf } from '../../../nodes/shared/n8n/failures';
import { namingTasks } from '../../../nodes/shared/n8n/leftTasks';
import type { LedgerStore } from '../../../nodes/shared/tasks/ledger';
import { faults } from '../virtualService';
import { EDIT, SuspendedRun } from './loopEngine';
import type { Options } from './loopEngine';

// Every task that is paid for, or may be, is named in what the last try of the node says: n8n shows no other.

const held = { waiting: 'active' };
const forking: Partial<INode> = { onError: 'continueErrorOutput' };

/**
 * The first item has a second task: the list did not show the first one although it was fresh, and it runs by the time
 * that it turns up.
 */
function withSecondTask(more: Options): SuspendedRun {
	const run = new SuspendedRun({
		parameters: held,
		listLagOf: (number) => (number === 1 ? 15_000 : 0),
		...more,
	});
	run.service.break('create', 'twice', faults.overloadedAfterwards);
	// Those that are taken meanwhile show that the list is fresh.
	run.service.break('create', 'later', faults.overloaded);
	return run;
}

describe('the error of a node that stops', () => {
	test('names the tasks that may belong to each of its items, not only to the first', async () => {
		const run = new SuspendedRun({ prompts: ['one', 'two'], parameters: held });
		run.service.faults.create.push(faults.resetAfterwards, undefined);
		run.service.break('create', 'two', faults.resetAfterwards);
		const { error } = await run.run();
		expect(error?.message).toMatch(/^Outcome unknown/);
		expect(error?.description).toMatch(/^Item 1: Outcome unknown.*task-1.*$/m);
		expect(error?.description).toMatch(/^Item 1: Outcome unknown.*task-2.*$/m);
	});

	test('names the second task of an item that is finished, also at the next try', async () => {
		const run = withSecondTask({ prompts: ['twice', 'good', 'bad'] });
		run.service.break('create', 'bad', faults.unauthorised, 2);
		for (let tries = 1; tries <= 2; tries++) {
			const { error } = await run.run();
			const [first, other] = run.service.tasksOf('twice').map(({ id }) => id);
			expect(error?.description).toContain(`Item 0: task ${other} SUCCEEDED`);
			expect(error?.description).toContain(
				`Item 0: A second task ${first} was created and is billed`,
			);
		}
		const { items } = await run.run();
		const [first] = run.service.tasksOf('twice').map(({ id }) => id);
		expect(items[0]?.json.duplicateTasks).toEqual([
			{ taskId: first, cancelled: false, certain: true },
		]);
	});
});

test('an item that cannot be read at a later try keeps the name of its task', async () => {
	const run = new SuspendedRun({
		prompts: ['long', 'other'],
		plans: [{ jobSeconds: 600 }],
		parameters: held,
		options: { timeout: 1 },
		settings: forking,
	});
	const first = await run.run();
	expect(first.items[0]?.json.details).toMatchObject({ taskId: 'task-1' });
	// Its expression gives something else by now.
	const later = new SuspendedRun({
		clock: run.clock,
		service: run.service,
		prompts: ['x'.repeat(6_000), 'other'],
		parameters: held,
		options: { timeout: 1 },
		settings: forking,
	});
	later.context = run.context;
	const { items } = await later.run();
	expect(items[0]?.json.error).toContain("'Prompt' has 6000 characters");
	expect(items[0]?.json.details).toMatchObject({ taskId: 'task-1' });
	expect(items[1]?.json.details).toMatchObject({ taskId: 'task-2' });
	expect(run.service.count('create')).toBe(2);
});

test('an error of the node as a whole names second tasks, and says that answers are missing', () => {
	const ledger: LedgerStore = {
		'0:f:0': { state: 'submitted', taskId: 'task-2', submittedAt: 1 },
		'duplicate:task-1': { state: 'submitted', taskId: 'task-1', submittedAt: 1, cancelled: false },
		'duplicate:task-0': { state: 'submitted', taskId: 'task-0', submittedAt: 1, cancelled: true },
		'0:g:0': { state: 'sent', since: 1, until: 2 },
		'lost:1:0:h:0': { state: 'sent', since: 1, until: 2, absent: true },
	};
	const functions = {
		getContext: () => ({ wanVideoEdit: { version: 1, uploads: {}, items: {}, ledger } }),
		getInputData: () => [{ json: {} }, { json: {} }],
		getNode: () => EDIT,
		isToolExecution: () => false,
		getWorkflowDataProxy: () => ({ $runIndex: 0 }),
	} as unknown as IExecuteFunctions;
	const error = namingTasks(functions, new Error('The credential cannot be read'));
	const { hint, details } = factsOf(error);
	expect(details.taskIds).toBe('task-2, task-1');
	expect(hint).toContain('a submission that got no response');
});
