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

	test('says of a submission that got no response once what became of it, also at the next try', async () => {
		const run = new SuspendedRun({ prompts: ['one'], parameters: held });
		run.service.faults.create.push(faults.resetAfterwards);
		for (let tries = 1; tries <= 2; tries++) {
			const { error } = await run.run();
			expect(error?.message).toMatch(/^Outcome unknown/);
			expect(`${error?.description}`.match(/may be billed/g)).toHaveLength(1);
			expect(error?.description).not.toContain('has sent a submission');
		}
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

/** A node in whose second try something fails. */
function inSecondTry(ledger: LedgerStore, begunAt?: number): IExecuteFunctions {
	const memory = { version: 1, uploads: {}, items: {}, ledger, begunAt };
	return {
		getContext: () => ({ wanVideoEdit: memory }),
		getInputData: () => [{ json: {} }, { json: {} }],
		getNode: () => EDIT,
		isToolExecution: () => false,
		getWorkflowDataProxy: () => ({ $runIndex: 0 }),
	} as unknown as IExecuteFunctions;
}

test('an error that describes submissions without a response is not followed by them once more', () => {
	const sent = (since: number) => ({ state: 'sent' as const, since, until: since + 10 });
	const ledger: LedgerStore = {
		'0:a:0': sent(100),
		'lost:110:0:a:0': sent(110),
		'0:b:0': sent(200),
	};
	const hintOf = (message: string, begunAt: number) =>
		factsOf(namingTasks(inSecondTry(ledger, begunAt), new Error(message))).hint ?? '';
	const iso = (at: number) => new Date(at).toISOString();
	const both = `2 submissions sent between ${iso(100)} and ${iso(120)}`;
	const other = `the submission sent between ${iso(200)} and ${iso(210)}`;
	expect(hintOf(`${both}; ${other}`, 50)).toBe('');
	expect(hintOf(both, 50)).toMatch(/^This execution has sent a submission that got no response/);
	expect(hintOf(both, 300)).toMatch(/^An earlier try has sent a submission that got no response/);
	expect(hintOf('Refused. Up to 3 tasks may have been created', 50)).toBe('');
	expect(hintOf('Refused. A task may have been created', 150)).toMatch(/^An earlier .* 2 sub/);
	expect(hintOf('Strange', 150)).toMatch(/^This execution has sent 3 submissions/);
});

test('an error of the node as a whole names second tasks, and says that answers are missing', () => {
	const ledger: LedgerStore = {
		'0:f:0': { state: 'submitted', taskId: 'task-2', submittedAt: 1 },
		'duplicate:task-1': { state: 'submitted', taskId: 'task-1', submittedAt: 1, cancelled: false },
		'duplicate:task-0': { state: 'submitted', taskId: 'task-0', submittedAt: 1, cancelled: true },
		'0:g:0': { state: 'sent', since: 1, until: 2 },
		'lost:1:0:h:0': { state: 'sent', since: 1, until: 2, absent: true },
	};
	const functions = inSecondTry(ledger);
	const error = namingTasks(functions, new Error('The credential cannot be read'));
	const { hint, details } = factsOf(error);
	expect(details.taskIds).toBe('task-2, task-1');
	expect(hint).toContain('a submission that got no response');
});
