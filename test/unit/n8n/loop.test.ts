import type { IExecuteFunctions, INode } from 'n8n-workflow';
import { START } from '../virtualClock';
import { faults } from '../virtualService';
import { EDIT, SuspendedRun, seen } from './loopEngine';
import type { Options } from './loopEngine';
// After the engine, which puts a clock of its own in.
import { route } from '../../../nodes/WanVideoEdit/actions/router';

/** The suspended wait from the submission to its end, with n8n stubbed. */

const forking: Partial<INode> = { onError: 'continueErrorOutput' };
const MINUTE = 60_000;
const taskIds = ['task-1', 'task-2'];

/** What is the same whether an execution is kept running or suspended: items, error, and what became of the tasks. */
async function compared(options: Options) {
	const [held, suspended] = [
		new SuspendedRun({ ...options, parameters: { waiting: 'active' } }),
		new SuspendedRun({ ...options, parameters: { waiting: 'suspend' } }),
	];
	const results = [];
	for (const run of [held, suspended]) {
		run.takeOver();
		const { items, error } = await run.clock.run(
			// n8n does not run a node again that failed while it was suspended.
			run === held ? run.retried() : run.play(),
		);
		const taskIds = run.service.tasks().map(({ id }) => id);
		const anonymous = (value: unknown) =>
			JSON.parse(
				JSON.stringify(value ?? null)
					.replace(/task-\d+/g, 'task-N')
					.replace(/\d+ seconds/g, 'N seconds'),
			) as unknown;
		results.push({
			seen: anonymous(seen(items)),
			details: anonymous(items.map(({ json }) => json.details)),
			error: anonymous(error && { message: error.message, description: error.description }),
			tasks: (options.prompts ?? []).map((prompt) =>
				run.service.tasksOf(prompt).map(({ status }) => (status === 'FAILED' ? 'bad' : 'ok')),
			),
			count: taskIds.length,
		});
	}
	expect(suspended.loop).toBeDefined();
	return results;
}

describe('as when held', () => {
	test.each(['stopWorkflow', 'continueRegularOutput', 'continueErrorOutput'] as const)(
		'several items, one failed: %s',
		async (onError) => {
			const [held, suspended] = await compared({
				prompts: ['one', 'bad', 'three'],
				plans: [
					{ jobSeconds: 30 },
					{ jobSeconds: 30, code: 'DataInspectionFailed' },
					{ jobSeconds: 30 },
				],
				settings: { onError },
			});
			expect(suspended).toEqual(held);
			expect(suspended?.error === null).toBe(onError !== 'stopWorkflow');
			expect(suspended?.count).toBe(3);
		},
	);

	test.each([
		// What becomes of each item's tasks, one after another.
		['the second try succeeds', 'stopWorkflow', ['ok', 'bad ok', 'ok']],
		['in vain', 'stopWorkflow', ['ok', 'bad bad', 'bad ok']],
		['Continue On Fail, first item', 'continueErrorOutput', ['bad bad', 'ok', 'bad bad']],
		['Continue On Fail, third item', 'continueErrorOutput', ['ok', 'bad', 'ok']],
		['Continue On Fail, first item, then well', 'continueRegularOutput', ['bad ok', 'bad bad']],
	] as const)('Retry On Fail: %s', async (_name, onError, fates) => {
		const prompts = fates.map((_, index) => `wish ${index}`);
		const fate = (number: number) => fates.map((each) => each.split(' ')[number]);
		const plan = (end?: string) =>
			end === undefined
				? []
				: [{ jobSeconds: 30, ...(end === 'bad' ? { code: 'InvalidParameter' } : {}) }];
		const again = fates.flatMap((each) => (each.startsWith('bad') ? plan(each.split(' ')[1]) : []));
		const [held, suspended] = await compared({
			prompts,
			plans: [...fate(0).flatMap(plan), ...again],
			settings: { onError, retryOnFail: true, maxTries: 2 },
		});
		expect(suspended).toEqual(held);
		expect(suspended?.tasks.map((states) => states.join(' '))).toEqual(fates);
	});

	test('a timeout', async () => {
		const [held, suspended] = await compared({
			prompts: ['late'],
			plans: [{ jobSeconds: 600 }],
			options: { timeout: 1.1 },
		});
		expect(suspended).toEqual(held);
		expect(JSON.stringify(suspended?.error)).toContain('was still RUNNING after N seconds');
	});
});

describe('Stop of the execution that waits', () => {
	test.each([
		['itself', [], '1'],
		['one that called it', ['8', '9'], '9'],
	])(
		'%s: the next look cancels what waits in the queue, and ends the loop',
		async (_name, callers, stopped) => {
			const run = new SuspendedRun({
				prompts: ['one', 'two'],
				slots: 1,
				plans: [{ jobSeconds: 300 }],
			});
			run.callers = callers;
			await run.clock.run(run.start());
			run.stopped.add(stopped);
			const { items, error } = await run.clock.run(run.wait());
			expect({ items, error }).toEqual({ items: [], error: undefined });
			expect(run.service.tasks().map(({ status }) => status)).toEqual(['RUNNING', 'CANCELED']);
			expect(run.loop?.looks).toHaveLength(1);
			expect(run.logged.join('\n')).toContain('Canceled task task-2 after Stop');
		},
	);
});

describe('an execution that does not wait for it', () => {
	test.each<[string, Partial<SuspendedRun>]>([
		['had failed before: a retry keeps the caller of what it repeats', {}],
		['failed, and started it only to be told', { callersWait: false }],
	])('%s: the edit goes on', async (_name, facts) => {
		const run = Object.assign(new SuspendedRun({ plans: [{ jobSeconds: 30 }] }), facts);
		run.callers = ['8'];
		run.stopped.add('8');
		const { items } = await run.run();
		expect(items.map(({ json }) => json.succeeded)).toEqual([true]);
	});

	test('fails meanwhile: the edit goes on', async () => {
		const run = new SuspendedRun({ plans: [{ jobSeconds: 300 }] });
		run.callers = ['8'];
		run.callersWait = false;
		await run.clock.run(run.start());
		run.stopped.add('8');
		const { items } = await run.clock.run(run.wait());
		expect(items.map(({ json }) => json.succeeded)).toEqual([true]);
	});
});

describe("n8n's retry of the wait's own execution", () => {
	test('brings what its tasks have made, although the execution that waited has failed', async () => {
		const run = new SuspendedRun({ prompts: ['one', 'two'], plans: [{ jobSeconds: 30 }] });
		await run.clock.run(run.start());
		run.stopped.add(run.id);
		if (run.loop !== undefined) run.loop.mode = 'retry';
		const { items } = await run.clock.run(run.wait());
		expect(items.map(({ json }) => json.succeeded)).toEqual([true, true]);
	});

	test('submits nothing anew: what was submitted in a look that n8n did not survive is not remembered', async () => {
		const run = new SuspendedRun({
			plans: [{ jobSeconds: 30, code: 'InternalError.Algo' }, { jobSeconds: 300 }],
			options: { resubmitFailed: 1 },
			settings: forking,
		}).unreachable();
		await run.clock.run(run.start());
		const saved = structuredClone(run.loop?.context ?? {});
		await run.clock.pass(MINUTE);
		await run.clock.run(run.loop?.resume() ?? Promise.resolve());
		expect(run.service.count('create')).toBe(2);
		Object.assign(run.loop ?? {}, { context: saved, mode: 'retry' });
		const { items } = await run.clock.run(run.wait());
		expect(run.service.count('create')).toBe(2);
		expect(items[0]?.json.details).toMatchObject({ taskId: 'task-1' });
	});

	test("with the saved workflow, which puts the user's node in its place, submits nothing", async () => {
		const run = new SuspendedRun({ prompts: ['one', 'two'], plans: [{ jobSeconds: 30 }] });
		await run.clock.run(run.start());
		const input = run.loop?.input ?? [];
		const node = {
			getNode: () => EDIT,
			getInputData: () => input,
			getNodeParameter: (name: string, _item: number, fallback?: unknown) =>
				({ resource: 'video', operation: 'instructionEdit' })[name] ?? fallback,
		} as unknown as IExecuteFunctions;
		const error: unknown = await route.call(node).catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({
			message: expect.stringContaining('only the wait of another one'),
			description: expect.stringMatching(/task-1, task-2/),
		});
		expect(run.service.count('create')).toBe(2);
	});
});

describe('the loop', () => {
	test('is not woken again and again while a submission waits for an overloaded service', async () => {
		const run = new SuspendedRun({
			plans: [{ jobSeconds: 30, code: 'InternalError.Algo' }, { jobSeconds: 30 }],
			options: { resubmitFailed: 1 },
		});
		await run.clock.run(run.start());
		run.service.faults.create.push(...Array.from({ length: 999 }, () => faults.overloaded));
		run.clock.at(START + 30 * MINUTE, () => void (run.service.faults.create.length = 0));
		const { items } = await run.clock.run(run.wait());
		expect(items.map(({ json }) => json.succeeded)).toEqual([true]);
		expect(run.loop?.looks.length).toBeLessThan(40);
	});

	test('asks for nothing in its first turn, and then sleeps no longer than its deadline', async () => {
		const run = new SuspendedRun({ plans: [{ jobSeconds: 600 }], options: { timeout: 0.5 } });
		await run.clock.run(run.start());
		expect(run.service.count('query')).toBe(0);
		expect((run.loop?.waitTill ?? 0) - START).toBeLessThanOrEqual(30_200);
		const { error } = await run.clock.run(run.wait());
		expect(error?.message).toContain('Task task-1 was still RUNNING');
	});

	test('sleeps for as long as n8n keeps exactly', async () => {
		const run = new SuspendedRun({ plans: [{ jobSeconds: 600 }] }).unreachable();
		await run.run();
		const looks = run.loop?.looks ?? [];
		expect(looks).toHaveLength(10);
		const gaps = looks.slice(1).map((look, index) => look - (looks[index] ?? 0));
		expect(Math.min(...gaps)).toBeGreaterThanOrEqual(62_500);
		expect(Math.max(...gaps)).toBeLessThan(63_500);
		// One more before its first sleep, and one at the end.
		expect(run.loop?.turns).toBeLessThanOrEqual(looks.length + 2);
	});

	test('killed during a look: n8n hands on what became of each item', async () => {
		const run = new SuspendedRun({
			prompts: ['done', 'refused', 'long'],
			plans: [
				{ jobSeconds: 20 },
				{ jobSeconds: 20, code: 'DataInspectionFailed' },
				{ jobSeconds: 300 },
			],
			parameters: { waiting: 'auto' },
			settings: forking,
		});
		await run.clock.run(run.start());
		expect(seen(run.loop?.output ?? [])).toEqual([
			{ item: 0, prompt: 'done', video: 'video of task-1' },
			{ item: 1, error: expect.stringContaining('Task task-2 failed') },
			{ item: 2, error: 'Waiting for task task-3 was interrupted [item 2]' },
		]);
		expect(run.loop?.output[2]?.json.details).toMatchObject({ taskId: 'task-3' });
		await run.clock.run(run.wait());
	});

	test.each(['after its first sleep', 'after the second'])(
		'woken by a call and killed during that look, %s: the same',
		async (when) => {
			const run = new SuspendedRun({
				prompts: ['done', 'long'],
				plans: [{ jobSeconds: 20 }, { jobSeconds: 300 }],
				parameters: { waiting: 'auto' },
				settings: forking,
			});
			await run.clock.run(run.start());
			const { loop } = run;
			if (when === 'after the second') await run.clock.run(loop?.resume() ?? Promise.resolve());
			const left = [
				{ item: 0, prompt: 'done', video: 'video of task-1' },
				{ item: 1, error: 'Waiting for task task-2 was interrupted [item 1]' },
			];
			expect(seen(loop?.killed ?? [])).toEqual(left);
			expect(await loop?.call('wan-video-edit-tasks-ended')).toBe(200);
			expect(seen(loop?.killed ?? [])).toEqual(left);
			// n8n sends it to the error output then.
			expect(Object.keys(loop?.killed?.[1]?.json ?? {})).toEqual(['error', 'details']);
			await run.clock.run(run.wait());
		},
	);

	test.each([0, 1])(
		'killed during a look: says where a new task may have been submitted (%d times)',
		async (resubmitFailed) => {
			const run = new SuspendedRun({
				plans: [{ jobSeconds: 300 }],
				options: { resubmitFailed },
			});
			await run.clock.run(run.start());
			const { details } = run.loop?.output[0]?.json ?? {};
			const said = JSON.stringify(details);
			expect(said.includes('a new one may have been submitted')).toBe(resubmitFailed > 0);
			await run.clock.run(run.wait());
		},
	);

	test('shows the tasks while it waits, and never an error: n8n would try again', async () => {
		const run = new SuspendedRun({
			prompts: ['refused', 'long'],
			plans: [{ jobSeconds: 20, code: 'DataInspectionFailed' }, { jobSeconds: 300 }],
			parameters: { waiting: 'auto' },
			settings: forking,
		});
		const { items } = await run.clock.run(run.start());
		expect(items).toMatchObject([{ json: { taskId: 'task-2', status: 'PENDING' } }]);
		await run.clock.run(run.wait());
	});

	test('a refused submission fails before it begins, and a retry submits what is missing', async () => {
		const run = new SuspendedRun({ prompts: ['one', 'two'] });
		run.service.faults.create.push(undefined, {
			status: 400,
			body: { code: 'InvalidParameter', message: 'Not now' },
		});
		const { error } = await run.run();
		expect(error?.message).toContain('Not now');
		expect(run.loop).toBeUndefined();
		const { items } = await run.run();
		expect(seen(items)).toMatchObject([{ video: 'video of task-1' }, { video: 'video of task-2' }]);
		expect(run.service.count('create')).toBe(3);
		expect(run.service.tasks()).toHaveLength(2);
	});

	test('the sub-execution may do nothing more than wait for the user who started it', async () => {
		const run = new SuspendedRun();
		await run.run();
		expect(run.loop?.workflow).toMatchObject({
			id: '',
			settings: {
				saveDataSuccessExecution: 'all',
				saveExecutionProgress: false,
				callerPolicy: 'any',
			},
		});
		const check = run.loop?.workflow.nodes.find(({ id }) => id === 'check');
		expect(check).toMatchObject({
			name: 'Edit',
			credentials: EDIT.credentials,
			parameters: { resource: 'task', operation: 'getStatus', checkSuspended: true },
		});
	});
});

describe('what fails after a submission and is no outcome of an item names every task', () => {
	const two = { prompts: ['one', 'two'] };

	test('the sub-execution cannot start: the node fails, and a retry finds the tasks', async () => {
		const run = new SuspendedRun(two);
		run.broken.executeWorkflow = new Error('Database is locked');
		const { error } = await run.run();
		expect(error?.message).toBe(
			'Task task-1 was submitted, but the execution could not be suspended: Database is locked [item 0]',
		);
		expect(error?.description).toContain("Get its video with 'Task: Get Status'");
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
			parameters: { waiting: 'auto' },
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
					'Task task-1 is no longer waited for, because it could not be checked: Credential not found [item 0]',
				);
				expect(error?.description).toContain('Item 1: Task task-2 is no longer waited for');
				expect(error?.description).toContain("Get its video with 'Task: Get Status'");
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
