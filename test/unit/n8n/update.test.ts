import type { IDataObject, INodeExecutionData, IWorkflowBase } from 'n8n-workflow';
import { START } from '../virtualClock';
import { SuspendedRun, seen } from './loopEngine';
import recorded from './suspended-0.1.0.json';

/**
 * What other versions of the package have saved. The recording is what version 0.1.0 (e16016d) left of an execution
 * that was suspended: four items, of which the first was finished and the second failed before, the third failed
 * at the first look and was submitted anew, and the fourth is under way.
 */

interface Recording {
	workflow: IWorkflowBase;
	input: INodeExecutionData[];
	context: IDataObject;
}

const recording = (): Recording => structuredClone(recorded) as unknown as Recording;

/** The wait as it goes on, at the second look. */
async function resumed({ workflow, input, context }: Recording = recording()) {
	const run = new SuspendedRun({ settings: { onError: 'continueErrorOutput' } });
	const plans = [20, 20, 55, 250, 120].map((jobSeconds) => ({ jobSeconds }));
	for (const [index, task] of recorded.tasks.entries()) {
		await run.clock.pass(START + task.submittedAt - run.clock.now());
		run.service.addTask(task.prompt, {
			jobSeconds: plans[index]?.jobSeconds ?? 0,
			...(task.status === 'FAILED' ? { code: 'InternalError.Algo' } : {}),
		});
	}
	await run.clock.pass(START + recorded.waitTill - run.clock.now());
	const loop = run.adopt({ workflow, input, context }, recorded.turns);
	await run.clock.run(loop.resume());
	return { run, loop };
}

describe('a wait that version 0.1.0 began', () => {
	test('is finished by this one, and nothing is submitted', async () => {
		const { run } = await resumed();
		const { items, error } = await run.clock.run(run.wait());
		expect(error).toBeUndefined();
		expect(seen(items)).toEqual([
			{ item: 0, prompt: 'done', video: 'video of task-1' },
			{ item: 1, error: expect.stringContaining('Task task-2 failed') },
			{ item: 2, prompt: 'again', video: 'video of task-5' },
			{ item: 3, prompt: 'long', video: 'video of task-4' },
		]);
		expect(run.service.count('create')).toBe(0);
	});

	test('keeps its estimated costs in the currency of the host', async () => {
		const { run } = await resumed();
		const { items } = await run.clock.run(run.wait());
		expect(items[3]?.json.usage).toMatchObject({ estimatedCost: { currency: 'USD' } });
	});
});

describe('a wait that cannot be read ends in one error that names its tasks, and submits nothing', () => {
	const first = (items: INodeExecutionData[], index: number) => {
		const payload = items[index]?.json.wanVideoEdit;
		if (typeof payload !== 'object' || payload === null) throw new Error('No payload');
		return payload as IDataObject;
	};
	const memory = (context: IDataObject) => context.wanVideoEdit as IDataObject;
	const cases: Array<[string, string, (state: Recording) => void]> = [
		['items of a newer version', 'newer', ({ input }) => (first(input, 3).version = 2)],
		['a memory of a newer version', 'newer', ({ context }) => (memory(context).version = 2)],
		['an item without its state', 'damaged', ({ input }) => delete first(input, 0).edit],
		['an item that is none', 'damaged', ({ input }) => delete input[2]?.json.wanVideoEdit],
		['a state of another kind', 'damaged', ({ input }) => (first(input, 1).edit = { state: 5 })],
		[
			'a piece without its place',
			'damaged',
			({ input }) =>
				((first(input, 0).edit as { output: IDataObject }).output.clip = { number: 1, of: 2 }),
		],
		['no settings', 'damaged', ({ input }) => delete first(input, 0).settings],
		['no execution that waits', 'damaged', ({ input }) => delete first(input, 0).parentExecutionId],
		['a memory without a ledger', 'damaged', ({ context }) => delete memory(context).ledger],
	];
	test.each(cases)('%s', async (_name, kind, change) => {
		const state = recording();
		change(state);
		const { run, loop } = await resumed(state);
		expect(loop.status).toBe('error');
		expect(loop.error?.message).toContain(kind);
		const left = JSON.stringify([state.input, state.context]);
		for (const { id } of recorded.tasks) {
			if (left.includes(`"${id}"`)) expect(loop.error?.description).toContain(id);
		}
		expect(loop.error?.description).toContain('task-4');
		expect(run.service.calls).toEqual([]);
	});

	test('future shapes are searched for task IDs as well', async () => {
		const state = recording();
		state.input = [
			{ json: { waiting: true, wanVideoEdit: { version: 7, tasks: [{ task_id: 'a-1' }] } } },
			{ json: { waiting: true, wanVideoEdit: { version: 7, deep: { taskIds: ['b-2', 'b-3'] } } } },
		];
		const { loop } = await resumed(state);
		expect(loop.error?.message).toBe(
			'The state of this execution was saved by a newer version of the node',
		);
		expect(loop.error?.description).toMatch(/the tasks a-1, b-2, b-3, task-5: fetch/);
	});

	test('the check used on its own says so', async () => {
		const { loop } = await resumed({ ...recording(), input: [{ json: { waiting: true } }] });
		expect(loop.error?.message).toContain('cannot be used on its own');
	});
});

describe("the node's memory, of a try before the update", () => {
	const parent = () => structuredClone(recorded.parentContext) as unknown as IDataObject;

	test('of version 0.1.0 is read: the tasks are picked up', async () => {
		const run = new SuspendedRun({ prompts: ['done', 'again', 'long'] });
		for (const prompt of ['done', 'refused', 'again', 'long']) {
			run.service.addTask(prompt, { jobSeconds: 60 });
		}
		run.context = parent();
		const { items } = await run.run();
		expect(seen(items)).toMatchObject([
			{ video: 'video of task-1' },
			{ video: 'video of task-3' },
			{ video: 'video of task-4' },
		]);
		expect(run.service.count('create')).toBe(0);
		expect(run.context.wanVideoEdit).toMatchObject({ version: 1 });
	});

	test.each([
		['newer', { version: 2 }],
		['damaged', { ledger: [] }],
	])('that is %s is not taken for empty', async (kind, change) => {
		const run = new SuspendedRun({ prompts: ['done'] });
		const kept = parent();
		run.context = { wanVideoEdit: { ...(kept.wanVideoEdit as IDataObject), ...change, old: kept } };
		const { error } = await run.run();
		expect(error?.message).toContain(kind);
		expect(error?.description).toContain('task-1, task-3, task-4');
		expect(run.service.calls).toEqual([]);
	});
});
