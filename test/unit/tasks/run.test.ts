import { Account } from '../../../nodes/shared/tasks/account';
import { Journal } from '../../../nodes/shared/tasks/journal';
import { TaskError, StoppedError } from '../../../nodes/shared/tasks/errors';
import type { ItemStore } from '../../../nodes/shared/tasks/identity';
import { Ledger } from '../../../nodes/shared/tasks/ledger';
import type { LedgerStore, Unseen } from '../../../nodes/shared/tasks/ledger';
import { duplicatesSentence } from '../../../nodes/shared/tasks/outcome';
import type { Outcome } from '../../../nodes/shared/tasks/outcome';
import { runTasks } from '../../../nodes/shared/tasks/run';
import type { TaskRequest, RunSettings } from '../../../nodes/shared/tasks/run';
import type { UploadStore } from '../../../nodes/shared/tasks/uploads';
import { mostPerSecond } from '../rates';
import { HEADS, MODEL, binary, editOf, fileOf } from '../requests';
import type { Asked } from '../requests';
import { START, StopButton, VirtualClock } from '../virtualClock';
import { VirtualService, faults, recordOf } from '../virtualService';
import type { Fault, Plan, ServiceOptions, Viewer } from '../virtualService';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const SETTINGS: RunSettings = {
	submitOnly: false,
	pollIntervalMs: 5_000,
	timeoutMs: 60 * MINUTE,
	resubmitFailed: 0,
	lostSubmission: 'lookUp' as const,
	retries: 0,
	transfers: 2,
};

interface Run {
	settings?: Partial<RunSettings>;
	/** Number of the node's run in the execution. */
	index?: number;
	stop?: StopButton;
	aborts?: boolean;
	viewer?: Viewer;
	/** When a try that left no memory may have submitted. */
	unseen?: Unseen;
	/** Of a retry: when the execution began. */
	retriedSince?: number;
}

/** An execution: several runs and tries of the node over one memory, which goes through JSON in between. */
function execution(options: ServiceOptions = {}) {
	const clock = new VirtualClock();
	const service = new VirtualService(clock, { latency: () => 50, ...options });
	let saved = '{"ledger":{},"uploads":{},"items":{}}';
	const attempt = async (edits: TaskRequest[], run: Run = {}): Promise<Array<Outcome<string>>> => {
		const memory = JSON.parse(saved) as {
			ledger: LedgerStore;
			uploads: UploadStore;
			items: ItemStore;
		};
		const ledger = new Ledger(memory.ledger, run.index ?? 0);
		const ports = service.ports(run.stop, run.aborts, () => 0.5, run.viewer);
		const { unseen, retriedSince, settings } = run;
		const kept = { ...memory, ledger, unseen, retriedSince };
		const work = runTasks(edits, ports, kept, { ...SETTINGS, ...settings });
		try {
			return await clock.run(work);
		} finally {
			saved = JSON.stringify(memory);
		}
	};
	return { clock, service, attempt };
}

const edits = async (...prompts: string[]): Promise<TaskRequest[]> =>
	await Promise.all(prompts.map(async (prompt, item) => ({ ...(await editOf({ prompt })), item })));

const states = (outcomes: Array<Outcome<string>>) => outcomes.map(({ state }) => state);

const videos = (outcomes: Array<Outcome<string>>) =>
	outcomes.map((outcome) => (outcome.state === 'finished' ? outcome.video : undefined));

const taskIds = (outcomes: Array<Outcome<string>>) =>
	outcomes.map((outcome) => ('job' in outcome ? outcome.job?.taskId : undefined));

function errorOf(outcome: Outcome<string> | undefined): TaskError {
	if (outcome?.state === 'failed') return outcome.error;
	throw new Error(`The item did not fail: ${JSON.stringify(outcome)}`);
}

const never = (fault: Fault): Fault => ({ ...fault, done: false });
const repeat = (times: number, fault: Fault) => Array.from({ length: times }, () => fault);
const repeatPlan = (times: number, plan: Plan) => Array.from({ length: times }, () => plan);
const names = (count: number) => Array.from({ length: count }, (_, index) => `item ${index}`);

describe('a hundred items', () => {
	test.each<[what: string, options: ServiceOptions, requestsPerTask: number]>([
		['a list that shows ends at once', {}, 8],
		['a list that lags', { listLagMs: 30_000 }, 30],
		['clocks a minute apart', { skewMs: 60_000 }, 8],
	])('are watched by few requests, and close to the ideal: %s', async (_what, options, most) => {
		const { clock, service, attempt } = execution(options);
		service.plans = [{ jobSeconds: 30 }];
		const outcomes = await attempt(await edits(...names(100)), {
			settings: { timeoutMs: 2 * HOUR },
		});
		expect(states(outcomes)).toEqual(Array(100).fill('finished'));
		expect(clock.now() - START).toBeLessThanOrEqual(1.02 * 20 * 30_000);
		const times = [...service.times('create'), ...service.times('query'), ...service.times('list')];
		expect(mostPerSecond(times.sort((a, b) => a - b))).toBeLessThanOrEqual(10);
		expect(times.length / 100).toBeLessThanOrEqual(most);
	});

	test('a list that lags a minute keeps none of them waiting for so long', async () => {
		const { clock, service, attempt } = execution({ slots: 40, listLagMs: 60_000 });
		service.plans = [{ jobSeconds: 60 }];
		await attempt(await edits(...names(40)));
		// Nine seconds for the submissions, then at most the gap between two queries of one task.
		expect(clock.now() - START).toBeLessThanOrEqual(60_000 + 9_000 + 25_000);
	});

	test('a list that cannot be read costs nothing but itself', async () => {
		const { clock, service, attempt } = execution();
		service.plans = [{ jobSeconds: 30 }];
		service.faults.list.push(...Array<Fault>(5_000).fill({ status: 404, body: '' }));
		const outcomes = await attempt(await edits(...names(40)));
		expect(states(outcomes)).toEqual(Array(40).fill('finished'));
		expect(clock.now() - START).toBeLessThanOrEqual(1.05 * 8 * 30_000);
	});
});

describe('a submission that was answered by an error', () => {
	test('is delivered if its task turns up after it was given up', async () => {
		const { service, attempt } = execution({
			listLagOf: (number) => (number === 2 ? 12_000 : 0),
		});
		service.plans = [{ jobSeconds: 5 }];
		// A task that is listed late counts as not made where later ones are listed; its time runs out before its next turn.
		const busy = { ...faults.overloaded, retryAfter: '40' };
		const { create } = service.faults;
		create.push(undefined, faults.overloadedAfterwards, undefined, ...repeat(99, busy));
		const [, outcome] = await attempt(await edits('own', 'a', 'later', 'busy'), {
			settings: { timeoutMs: 9_000 },
		});
		expect(outcome).toMatchObject({ state: 'finished', video: 'video of task-2' });
		expect(service.tasksOf('a')).toHaveLength(1);
		expect(service.count('cancel')).toBe(0);
	});

	test.each<[failure: Plan, resubmitFailed: number, tasks: number]>([
		[{ jobSeconds: 1, cancelled: true }, 0, 2],
		[{ jobSeconds: 1, code: 'InternalError.Algo' }, 0, 2],
		[{ jobSeconds: 1, code: 'InternalError.Algo' }, 1, 3],
	])(
		'is not made up for once more if its task (%j) turns up after another one has failed',
		async (failure, resubmitFailed, tasks) => {
			const { service, attempt } = execution({
				listLagOf: (number) => (number === 2 ? 12_000 : 0),
			});
			service.plans = [failure];
			service.faults.create.push(undefined, faults.overloadedAfterwards);
			const [, outcome] = await attempt(await edits('own', 'a', 'later'), {
				settings: { resubmitFailed },
			});
			expect(errorOf(outcome).details.taskId).toBe('task-2');
			expect(service.tasksOf('a')).toHaveLength(tasks);
		},
	);
});

describe('forty executions of one process', () => {
	test('share the limits and the lists of the account', async () => {
		const clock = new VirtualClock();
		const service = new VirtualService(clock, { latency: () => 50 });
		service.plans = [{ jobSeconds: 30 }];
		const [edit] = await edits('the same for all');
		if (edit === undefined) throw new Error('No edit');
		const run = async (_: unknown, index: number) =>
			await runTasks(
				[edit],
				service.ports(undefined, true, () => 0.5, { executionId: `execution ${index}` }),
				{ ledger: new Ledger({}, 0), uploads: {}, items: {} },
				SETTINGS,
			);
		const outcomes = await clock.run(Promise.all(Array.from({ length: 40 }, run)));
		expect(new Set(taskIds(outcomes.flat())).size).toBe(40);
		expect(clock.now() - START).toBeLessThanOrEqual(1.05 * 8 * 30_000);
		expect(mostPerSecond(service.times('create'))).toBeLessThanOrEqual(5);
		expect(service.calls.length / 40).toBeLessThanOrEqual(12);
	});
});

describe('many items', () => {
	test.each([30, 60, 300])(
		'20 jobs of %d s on 5 slots are through within 1.10 of the ideal time',
		async (jobSeconds) => {
			const { clock, service, attempt } = execution();
			service.plans = [{ jobSeconds }];
			const outcomes = await attempt(await edits(...names(20)));
			expect(states(outcomes)).toEqual(Array(20).fill('finished'));
			expect(clock.now() - START).toBeLessThanOrEqual(1.1 * 4 * jobSeconds * 1_000);
			expect(service.tasks()).toHaveLength(20);
			expect(mostPerSecond(service.times('create'))).toBeLessThanOrEqual(5);
			expect(mostPerSecond(service.times('query'))).toBeLessThanOrEqual(10);
		},
	);

	test('of a large account keep to ten queries a second', async () => {
		const { service, attempt } = execution({ slots: 60 });
		service.plans = [{ jobSeconds: 40 }];
		const settings = { pollIntervalMs: 1_000 };
		// So that each task has to be queried.
		service.faults.list.push({ status: 404, body: '' });
		const outcomes = await attempt(await edits(...names(60)), { settings });
		expect(states(outcomes)).toEqual(Array(60).fill('finished'));
		expect(service.count('query')).toBeGreaterThan(300);
		expect(mostPerSecond(service.times('query'))).toBeLessThanOrEqual(10);
	});

	test('come back in their order, each with its own video', async () => {
		const { service, attempt } = execution();
		service.plans = [90, 10, 50, 5].map((jobSeconds) => ({ jobSeconds }));
		const outcomes = await attempt(await edits('a', 'b', 'c', 'd'));
		expect(videos(outcomes)).toEqual([1, 2, 3, 4].map((id) => `video of task-${id}`));
		expect(service.tasks().map(({ prompt }) => prompt)).toEqual(['a', 'b', 'c', 'd']);
	});

	test('none at all are no work', async () => {
		const { service, attempt } = execution();
		await expect(attempt([])).resolves.toEqual([]);
		expect(service.calls).toEqual([]);
	});

	test('with the same file upload it once', async () => {
		const { service, attempt } = execution();
		const file = fileOf(HEADS.mp4, { size: 5_000, identity: 'clip' });
		const items = ['a', 'b', 'c'].map(
			async (prompt) => await editOf({ prompt, video: binary(file) }),
		);
		const outcomes = await attempt(await Promise.all(items));
		expect(states(outcomes)).toEqual(Array(3).fill('finished'));
		expect(service.uploads).toBe(1);
	});

	test('that only submit come back without waiting', async () => {
		const { clock, service, attempt } = execution();
		const outcomes = await attempt(await edits('a', 'b', 'c'), { settings: { submitOnly: true } });
		expect(states(outcomes)).toEqual(Array(3).fill('submitted'));
		expect(taskIds(outcomes)).toEqual(['task-1', 'task-2', 'task-3']);
		expect(service.count('query')).toBe(0);
		expect(clock.now() - START).toBeLessThan(1_000);
	});

	test('without download end with the task, whatever the others want', async () => {
		const { service, attempt } = execution();
		const [first, second] = await edits('a', 'b');
		if (first === undefined || second === undefined) throw new Error('No edits');
		const [outcome, other] = await attempt([{ ...first, download: false }, second]);
		expect(outcome).toMatchObject({
			state: 'finished',
			task: { videoUrl: expect.stringContaining('task-1') },
		});
		expect(outcome).not.toHaveProperty('video');
		expect(other).toMatchObject({ video: 'video of task-2' });
		expect(service.count('download')).toBe(1);
	});
});

describe('trying again after one of three items failed', () => {
	test.each<[string, (service: VirtualService) => void]>([
		['in polling', (service) => service.break('query', 'task-2', faults.unauthorised, 3)],
		['in download', (service) => service.break('download', 'task-2', faults.reset, 3)],
		['in submission', (service) => service.break('create', 'b', faults.unauthorised)],
		[
			'because it is not known for a while',
			(service) => service.break('query', 'task-2', { taskStatus: 'UNKNOWN' }, 5),
		],
	])('%s takes three tasks in total', async (_name, fail) => {
		const { service, attempt } = execution();
		const items = await edits('a', 'b', 'c');
		fail(service);
		expect(states(await attempt(items))).toEqual(['finished', 'failed', 'finished']);
		const outcomes = await attempt(items);
		expect(states(outcomes)).toEqual(Array(3).fill('finished'));
		expect(service.tasks()).toHaveLength(3);
		expect(new Set(taskIds(outcomes)).size).toBe(3);
		expect(states(await attempt(items))).toEqual(Array(3).fill('finished'));
		expect(service.tasks()).toHaveLength(3);
	});

	test('twice in different ways takes three tasks, too', async () => {
		const { service, attempt } = execution();
		const items = await edits('a', 'b', 'c');
		service.break('query', 'task-3', faults.unauthorised, 3);
		service.break('download', 'task-1', faults.reset, 6);
		expect(states(await attempt(items))).toEqual(['failed', 'finished', 'failed']);
		expect(states(await attempt(items))).toEqual(['failed', 'finished', 'finished']);
		expect(states(await attempt(items))).toEqual(Array(3).fill('finished'));
		expect(service.count('create')).toBe(3);
	});

	test('with a timeout takes three tasks, too', async () => {
		const { service, attempt } = execution();
		service.plans = [{ jobSeconds: 20 }, { jobSeconds: 200 }, { jobSeconds: 20 }];
		const items = await edits('a', 'b', 'c');
		const settings = { timeoutMs: 90_000 };
		const first = await attempt(items, { settings });
		expect(states(first)).toEqual(['finished', 'failed', 'finished']);
		expect(errorOf(first[1]).details).toMatchObject({ taskId: 'task-2', waitedSeconds: 90 });
		expect(states(await attempt(items, { settings }))).toEqual(['finished', 'failed', 'finished']);
		const third = await attempt(items, { settings });
		expect(videos(third)).toEqual([1, 2, 3].map((id) => `video of task-${id}`));
		expect(service.tasks()).toHaveLength(3);
	});

	test('submits a task anew that FAILED, and only that', async () => {
		const { service, attempt } = execution();
		service.plans = [
			{ jobSeconds: 10 },
			{ jobSeconds: 10, code: 'DataInspectionFailed' },
			{ jobSeconds: 10 },
		];
		const items = await edits('a', 'b', 'c');
		const first = await attempt(items);
		expect(states(first)).toEqual(['finished', 'failed', 'finished']);
		expect(errorOf(first[1]).details).toMatchObject({
			taskId: 'task-2',
			code: 'DataInspectionFailed',
		});
		const second = await attempt(items);
		expect(videos(second)).toEqual([1, 4, 3].map((id) => `video of task-${id}`));
		expect(service.tasks().map(({ prompt }) => prompt)).toEqual(['a', 'b', 'c', 'b']);
	});

	test('submits a task anew that somebody CANCELED', async () => {
		const { service, attempt } = execution();
		service.plans = [{ jobSeconds: 10, cancelled: true }, { jobSeconds: 10 }];
		const items = await edits('a');
		expect(states(await attempt(items))).toEqual(['failed']);
		expect(videos(await attempt(items))).toEqual(['video of task-2']);
	});

	test('submits a task anew that ended badly while nobody watched', async () => {
		const { clock, service, attempt } = execution();
		service.plans = [{ jobSeconds: 100, code: 'InternalError.Algo' }, { jobSeconds: 10 }];
		const items = await edits('a');
		await attempt(items, { settings: { timeoutMs: 30_000 } });
		await clock.pass(5 * MINUTE);
		expect(videos(await attempt(items))).toEqual(['video of task-2']);
	});

	test('delivers finished tasks without a new submission hours later ("Retry execution")', async () => {
		const { clock, service, attempt } = execution();
		service.break('download', 'task-2', faults.reset, 3);
		const items = await edits('a', 'b');
		expect(states(await attempt(items))).toEqual(['finished', 'failed']);
		await clock.pass(20 * HOUR);
		expect(states(await attempt(items))).toEqual(['finished', 'finished']);
		expect(service.count('create')).toBe(2);
	});

	test('submits anew what DashScope has forgotten after a day', async () => {
		const { clock, service, attempt } = execution();
		service.faults.download.push(...repeat(3, faults.reset));
		const items = await edits('a');
		await attempt(items);
		await clock.pass(25 * HOUR);
		expect(videos(await attempt(items))).toEqual(['video of task-2']);
	});

	test('leaves a task alone that is unknown although it is young', async () => {
		const { service, attempt } = execution();
		const items = await edits('a');
		service.faults.query.push(...repeat(6, { taskStatus: 'UNKNOWN' }));
		for (let tries = 0; tries < 2; tries++) {
			const [outcome] = await attempt(items);
			expect(errorOf(outcome).details).toMatchObject({ taskId: 'task-1', status: 'UNKNOWN' });
		}
		expect(videos(await attempt(items))).toEqual(['video of task-1']);
		expect(service.tasks()).toHaveLength(1);
	});

	test('with a failing first item ("Continue") keeps the others as well', async () => {
		const { service, attempt } = execution();
		service.faults.create.push(faults.unauthorised);
		const items = await edits('a', 'b', 'c');
		expect(states(await attempt(items))).toEqual(['failed', 'finished', 'finished']);
		expect(states(await attempt(items))).toEqual(['finished', 'finished', 'finished']);
		expect(service.tasks().map(({ prompt }) => prompt)).toEqual(['b', 'c', 'a']);
	});

	test('does not upload again either', async () => {
		const { service, attempt } = execution();
		const video = binary(fileOf(HEADS.mp4, { identity: 'clip' }));
		const items = [await editOf({ prompt: 'a', video })];
		service.faults.create.push(faults.unauthorised);
		expect(states(await attempt(items))).toEqual(['failed']);
		expect(states(await attempt(items))).toEqual(['finished']);
		expect(service.uploads).toBe(1);
	});
});

describe('several runs in one execution', () => {
	test('do not share tasks, even for the same items', async () => {
		const { service, attempt } = execution();
		const items = await edits('a', 'b');
		const first = await attempt(items, { index: 0 });
		const second = await attempt(items, { index: 1 });
		expect(taskIds(first)).toEqual(['task-1', 'task-2']);
		expect(taskIds(second)).toEqual(['task-3', 'task-4']);
		expect(service.tasks()).toHaveLength(4);
	});

	test('are each tried again on their own', async () => {
		const { service, attempt } = execution();
		const items = await edits('a');
		await attempt(items, { index: 0 });
		service.faults.download.push(...repeat(3, faults.reset));
		expect(states(await attempt(items, { index: 1 }))).toEqual(['failed']);
		expect(taskIds(await attempt(items, { index: 1 }))).toEqual(['task-2']);
		expect(service.tasks()).toHaveLength(2);
	});

	test('two equal items are two tasks, and stay so at the next try', async () => {
		const { service, attempt } = execution();
		const items = await edits('same', 'same', 'other');
		service.break('download', 'task-2', faults.reset, 3);
		const first = await attempt(items);
		expect(new Set(taskIds(first)).size).toBe(3);
		const second = await attempt(items);
		expect(states(second)).toEqual(Array(3).fill('finished'));
		expect(taskIds(second)).toEqual(taskIds(first));
		expect(service.tasks()).toHaveLength(3);
	});

	test('items that come in another order keep their tasks', async () => {
		const { service, attempt } = execution();
		const [a, b, c] = await edits('a', 'b', 'c');
		if (a === undefined || b === undefined || c === undefined) throw new Error('No items');
		service.break('download', 'task-2', faults.reset, 3);
		const first = await attempt([a, b, c]);
		const second = await attempt([c, a, b]);
		expect(taskIds(second)).toEqual(['task-3', 'task-1', 'task-2']);
		expect(taskIds(first)).toEqual(['task-1', 'task-2', 'task-3']);
		expect(service.tasks()).toHaveLength(3);
	});

	test('an item whose request was changed is another task', async () => {
		const { service, attempt } = execution();
		await attempt([await editOf({ prompt: 'a' })]);
		const changed = await editOf({ prompt: 'a', values: { resolution: '1080P' } });
		await attempt([{ ...changed, recipe: 'changed' }]);
		expect(service.tasks()).toHaveLength(2);
	});
});

describe('a lost answer', () => {
	test('is adopted where nobody else submits tasks, and the item ends as if nothing had happened', async () => {
		const { service, attempt } = execution();
		service.faults.create.push(undefined, faults.resetAfterwards);
		const viewer = { exclusive: true };
		const outcomes = await attempt(await edits('a', 'b', 'c'), { viewer });
		expect(states(outcomes)).toEqual(Array(3).fill('finished'));
		expect(service.tasks()).toHaveLength(3);
		for (const [index, prompt] of ['a', 'b', 'c'].entries()) {
			expect(taskIds(outcomes)[index]).toBe(service.tasksOf(prompt)[0]?.id);
		}
	});

	test('without a task is sent again; it fails its item only, also at the next try, where the user chose so', async () => {
		const { service, attempt } = execution();
		service.faults.create.push(undefined, never(faults.resetAfterwards));
		const items = await edits('a', 'b', 'c');
		for (let tries = 0; tries < 3; tries++) {
			const outcomes = await attempt(items, { settings: { lostSubmission: 'fail' } });
			expect(states(outcomes)).toEqual(['finished', 'failed', 'finished']);
			expect(errorOf(outcomes[1]).message).toMatch(/^Outcome unknown/);
		}
		expect(service.count('create')).toBe(3);
		expect(states(await attempt(items))).toEqual(Array(3).fill('finished'));
		expect(service.tasks()).toHaveLength(3);
	});

	test("is not settled with somebody else's task: its prompt tells", async () => {
		const { clock, service, attempt } = execution();
		service.faults.create.push(never(faults.resetAfterwards));
		clock.at(clock.now() + 60, () => void service.addTask('theirs', { jobSeconds: 5 }));
		const items = await edits('mine');
		for (let tries = 0; tries < 2; tries++) {
			const error = errorOf((await attempt(items, { viewer: { exclusive: true } }))[0]);
			expect(error.message).toMatch(/^Outcome unknown.*another prompt/);
			expect(error.details).toMatchObject({ possibleTaskIds: 'task-1' });
		}
		expect(service.count('download')).toBe(0);
		expect(service.count('create')).toBe(1);
	});

	test('takes neither the task of an item that failed nor that of one that was submitted anew', async () => {
		const { service, attempt } = execution();
		service.plans = [{ jobSeconds: 1, code: 'InternalError.Algo' }, { jobSeconds: 30 }];
		service.faults.create.push(undefined, never(faults.resetAfterwards));
		service.faults.list.push(faults.unavailable, faults.unavailable);
		const settings = { resubmitFailed: 1 };
		const outcomes = await attempt(await edits('a', 'b'), { settings });
		expect(states(outcomes)).toEqual(['finished', 'finished']);
		expect(taskIds(outcomes)[1]).toBe(service.tasksOf('b')[0]?.id);
		expect(service.tasks()).toHaveLength(3);
	});

	test('is submitted again where the user chose so', async () => {
		const { clock, service, attempt } = execution();
		service.faults.create.push(never(faults.resetAfterwards));
		clock.at(clock.now() + 60, () => void service.addTask('theirs', { jobSeconds: 5 }));
		const settings = { lostSubmission: 'resubmit' as const };
		expect(states(await attempt(await edits('a'), { settings }))).toEqual(['finished']);
		expect(service.count('create')).toBe(2);
		expect(service.tasksOf('a')).toHaveLength(1);
	});
});

describe('what expressions give at a later try', () => {
	const failed: Fault = faults.unauthorised;

	test('does not make an item submit again what it has a task for', async () => {
		const { service, attempt } = execution();
		service.faults.create.push(undefined, failed);
		const first = await attempt(await edits('at 9:00', 'b at 9:00'));
		expect(states(first)).toEqual(['finished', 'failed']);
		const second = await attempt(await edits('at 9:01', 'b at 9:01'));
		expect(states(second)).toEqual(['finished', 'finished']);
		expect(taskIds(second)[0]).toBe(taskIds(first)[0]);
		// The one that was refused asks for what it wants by now.
		expect(service.tasks().map(({ prompt }) => prompt)).toEqual(['at 9:00', 'b at 9:01']);
	});

	test('nor what may have been submitted', async () => {
		const { service, attempt } = execution();
		service.faults.create.push(faults.resetAfterwards);
		expect(states(await attempt(await edits('at 9:00')))).toEqual(['failed']);
		expect(states(await attempt(await edits('at 9:05')))).toEqual(['failed']);
		expect(service.count('create')).toBe(1);
	});

	test('does not make a task another’s that its request ID proves to be the item’s', async () => {
		const { service, attempt } = execution();
		service.faults.create.push(undefined, faults.overloadedAfterwards);
		service.faults.download.push(undefined, { status: 403 });
		const first = await attempt(await edits('own', 'at 9:00'));
		expect(states(first)).toEqual(['finished', 'failed']);
		const second = await attempt(await edits('own', 'at 9:05'));
		expect(videos(second)).toEqual(['video of task-1', 'video of task-2']);
		expect(service.tasks()).toHaveLength(2);
	});

	test('leaves what was submitted once more known: all of it is named, and counted', async () => {
		const { service, attempt } = execution();
		const settings = { lostSubmission: 'resubmit' as const };
		service.faults.create.push(faults.resetAfterwards, faults.unauthorised);
		const [first] = await attempt(await edits('at 9:00'), { settings });
		expect(errorOf(first).details.duplicateTaskIds).toBe('task-1');
		const [second] = await attempt(await edits('at 9:05'), { settings });
		expect(second).toMatchObject({
			state: 'finished',
			duplicates: [{ taskId: 'task-1', certain: false }],
		});
	});

	test('equal items keep their own tasks', async () => {
		const { service, attempt } = execution();
		service.faults.create.push(undefined, undefined, failed);
		const first = await attempt(await edits('at 9:00', 'at 9:00', 'c'));
		const second = await attempt(await edits('at 9:01', 'at 9:01', 'c'));
		expect(taskIds(second).slice(0, 2)).toEqual(taskIds(first).slice(0, 2));
		expect(service.tasks()).toHaveLength(3);
	});

	test('each item keeps its own task also where one asks for what another asked for before', async () => {
		const { service, attempt } = execution();
		service.faults.download.push(...repeat(3, { status: 403 }));
		// As a random choice of few styles, for the same video.
		const first = await attempt(await edits('claymation', 'oil', 'anime'));
		expect(states(first)).toContain('failed');
		const second = await attempt(await edits('oil', 'anime', 'sketch'));
		expect(states(second)).toEqual(Array(3).fill('finished'));
		expect(taskIds(second)).toEqual(taskIds(first));
		expect(service.tasks()).toHaveLength(3);
	});

	test('is submitted where the node’s settings were changed', async () => {
		const { service, attempt } = execution();
		const first = await attempt(await edits('claymation', 'same'));
		const changed = (await edits('watercolour', 'same')).map((edit) => ({
			...edit,
			recipe: 'new',
		}));
		const second = await attempt(changed);
		expect(taskIds(second)[0]).not.toBe(taskIds(first)[0]);
		expect(taskIds(second)[1]).toBe(taskIds(first)[1]);
		expect(service.tasks()).toHaveLength(3);
	});

	test('in another order each item keeps its own task', async () => {
		const { service, attempt } = execution();
		service.faults.create.push(undefined, undefined, failed);
		await attempt(await edits('a', 'b', 'c'));
		const outcomes = await attempt(await edits('c', 'b', 'a'));
		expect(service.tasks()).toHaveLength(3);
		for (const [index, prompt] of ['c', 'b', 'a'].entries()) {
			expect(taskIds(outcomes)[index]).toBe(service.tasksOf(prompt)[0]?.id);
		}
	});
});

describe('a broken download', () => {
	test('is repeated whole, and the task is not', async () => {
		const { service, attempt } = execution();
		service.faults.download.push(faults.reset, faults.unavailable);
		expect(videos(await attempt(await edits('a')))).toEqual(['video of task-1']);
		expect(service.count('download')).toBe(3);
		expect(service.count('create')).toBe(1);
	});

	test('that fails for good keeps task, URL and expiry, and the next try downloads only', async () => {
		const { service, attempt } = execution();
		service.faults.download.push(...repeat(3, faults.reset));
		const items = await edits('a');
		const error = errorOf((await attempt(items))[0]);
		expect(error.details).toMatchObject({
			taskId: 'task-1',
			status: 'SUCCEEDED',
			videoUrl: expect.stringContaining('https://result.example/task-1.mp4'),
			videoUrlExpiresAt: expect.stringMatching(/^2026-11-03T/),
		});
		expect(videos(await attempt(items))).toEqual(['video of task-1']);
		expect(service.count('create')).toBe(1);
	});

	test('does not run more transfers at once than set', async () => {
		const { clock, service, attempt } = execution();
		service.plans = [{ jobSeconds: 1 }];
		service.faults.download.push(...repeat(5, { delayMs: 60_000 }));
		const started = clock.now();
		await attempt(await edits(...names(5)), { settings: { transfers: 2 } });
		const took = clock.now() - started;
		expect(took).toBeGreaterThanOrEqual(3 * 60_000);
		expect(took).toBeLessThan(3 * 60_000 + 10_000);
	});
});

describe('one item that fails', () => {
	test('ends the run only after the tasks of the others have settled', async () => {
		const { service, attempt } = execution();
		service.plans = [{ jobSeconds: 200 }, { jobSeconds: 100 }];
		service.faults.create.push(faults.unauthorised);
		const outcomes = await attempt(await edits('a', 'b', 'c'));
		expect(states(outcomes)).toEqual(['failed', 'finished', 'finished']);
		expect(service.tasks().map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
	});

	test.each<[string, (service: VirtualService) => void, RegExp]>([
		[
			'in the upload',
			(service) => service.faults.policy.push(faults.unauthorised),
			/Invalid API-key/,
		],
		[
			'in the submission',
			(service) => service.break('create', 'bad', faults.unauthorised),
			/Invalid API-key/,
		],
		[
			'in polling',
			(service) => service.break('query', 'task-2', faults.unauthorised, 3),
			/task task-2 could not be read/,
		],
		[
			'in the task',
			(service) => {
				service.plans = [{ jobSeconds: 5 }, { jobSeconds: 5, code: 'InvalidFile.Duration' }];
			},
			/Task task-2 failed/,
		],
		[
			'in the download',
			(service) => service.break('download', 'task-2', { status: 403 }),
			/task-2 is ready but could not be downloaded/,
		],
	])('%s leaves the other alone and says why', async (_name, fail, message) => {
		const { service, attempt } = execution();
		service.plans = [{ jobSeconds: 5 }];
		fail(service);
		const video = binary(fileOf(HEADS.mp4, { identity: 'clip' }));
		const items = [await editOf({ prompt: 'bad', video }), await editOf({ prompt: 'good' })];
		const outcomes = await attempt(items);
		expect(states(outcomes)).toEqual(['failed', 'finished']);
		const error = errorOf(outcomes[0]);
		expect(error).toBeInstanceOf(TaskError);
		expect(error.message).toMatch(message);
		expect(error.hint).toEqual(expect.any(String));
	});

	test('for a reason nobody thought of is told as it is, with its task', async () => {
		const clock = new VirtualClock();
		const service = new VirtualService(clock);
		const ports = {
			...service.ports(),
			getTask: async () => await Promise.reject<never>(new TypeError('x is not a function')),
		};
		const memory = { ledger: new Ledger({}, 0), uploads: {}, items: {} };
		const outcomes = await clock.run(runTasks(await edits('a'), ports, memory, SETTINGS));
		const [outcome] = outcomes;
		if (outcome?.state !== 'failed') throw new Error('It did not fail');
		expect(outcome.error.message).toBe('x is not a function');
		expect(outcome.error.details).toEqual({ taskId: 'task-1' });
	});
});

describe('a task that failed in the service', () => {
	const algo = { jobSeconds: 5, code: 'InternalError.Algo' };
	const refused = { jobSeconds: 5, code: 'DataInspectionFailed' };
	const sizeless = { ...algo, message: 'Missing Content-Length of multimodal url.' };

	test('is not submitted anew by itself', async () => {
		const { service, attempt } = execution();
		service.plans = [algo];
		const error = errorOf((await attempt(await edits('a')))[0]);
		expect(error.details).toMatchObject({ taskId: 'task-1', code: 'InternalError.Algo' });
		expect(error.hint).toContain('not billed');
		expect(service.tasks()).toHaveLength(1);
	});

	test.each([1, 2, 3])(
		'is submitted anew up to %d times where the user chose so',
		async (times) => {
			const { service, attempt } = execution();
			service.plans = [algo];
			const settings = { resubmitFailed: times };
			expect(states(await attempt(await edits('a'), { settings }))).toEqual(['failed']);
			expect(service.tasks()).toHaveLength(times + 1);
		},
	);

	test('is delivered when a new one succeeds', async () => {
		const { service, attempt } = execution();
		service.plans = [algo, { jobSeconds: 5, code: 'RewriteFailed' }, { jobSeconds: 5 }];
		const settings = { resubmitFailed: 2 };
		expect(videos(await attempt(await edits('a'), { settings }))).toEqual(['video of task-3']);
	});

	test.each([refused, sizeless, { jobSeconds: 5, cancelled: true }])(
		'for another reason (%j) is not, whatever the user chose',
		async (plan) => {
			const { service, attempt } = execution();
			service.plans = [plan];
			const settings = { resubmitFailed: 3 };
			expect(states(await attempt(await edits('a'), { settings }))).toEqual(['failed']);
			expect(service.tasks()).toHaveLength(1);
		},
	);
});

describe('Stop', () => {
	interface Stopped {
		ms: number;
		count?: number;
		aborts?: boolean;
		request?: Asked;
		prepare?: (service: VirtualService) => void;
	}

	async function stopAfter({ ms, count = 8, aborts = true, request = {}, prepare }: Stopped) {
		const { clock, service, attempt } = execution({ latency: () => 100 });
		const stop = new StopButton(clock);
		prepare?.(service);
		clock.at(clock.now() + ms, () => stop.press());
		const items = names(count).map(async (prompt) => await editOf({ prompt, ...request }));
		await expect(attempt(await Promise.all(items), { stop, aborts })).rejects.toThrow(StoppedError);
		return { service, late: clock.now() - START - ms };
	}

	test.each([0, 500, 1_650, 20_000, 61_000])(
		'after %d ms ends the run within a second',
		async (ms) => {
			const { late } = await stopAfter({ ms });
			expect(late).toBeLessThanOrEqual(1_000);
		},
	);

	test('cancels the tasks that still wait, and leaves the others, named in the log', async () => {
		const { service } = await stopAfter({ ms: 20_000 });
		const tasks = service.tasks();
		expect(tasks.map(({ status }) => status)).toEqual([
			...Array(5).fill('RUNNING'),
			...Array(3).fill('CANCELED'),
		]);
		for (const { id } of tasks) expect(service.log.join('\n')).toContain(id);
	});

	test('does not name tasks that had ended', async () => {
		const { service } = await stopAfter({ ms: 90_000 });
		const cancelled = service.calls
			.filter(({ route }) => route === 'cancel')
			.map(({ request }) => request?.options.url.split('/').at(-2));
		expect(cancelled.sort()).toEqual(['task-6', 'task-7', 'task-8']);
	});

	test.each([true, false])('lets no submission follow (calls end with it: %s)', async (aborts) => {
		const { service } = await stopAfter({ ms: 500, aborts });
		expect(service.calls.filter(({ route, stopped }) => route === 'create' && stopped)).toEqual([]);
	});

	test('during an upload that goes on lets no submission follow', async () => {
		const video = binary(fileOf(HEADS.mp4, { identity: 'clip' }));
		const prepare = (service: VirtualService) => service.faults.post.push({ delayMs: 10_000 });
		const stopped = await stopAfter({
			ms: 5_000,
			aborts: false,
			count: 1,
			request: { video },
			prepare,
		});
		expect(stopped.service.uploads).toBe(1);
		expect(stopped.service.count('create')).toBe(0);
	});

	test('while tasks cannot be cancelled ends all the same', async () => {
		const prepare = (service: VirtualService) =>
			service.faults.cancel.push(...repeat(8, faults.reset));
		const { service, late } = await stopAfter({ ms: 20_000, prepare });
		expect(late).toBeLessThanOrEqual(1_000);
		expect(service.log.filter((line) => line.includes('keeps running after Stop'))).toHaveLength(8);
	});
});

describe('handing back unfinished tasks', () => {
	test('happens after the set time; what has ended by then is settled', async () => {
		const { clock, service, attempt } = execution();
		service.plans = [
			{ jobSeconds: 10 },
			{ jobSeconds: 300 },
			{ jobSeconds: 10, code: 'DataInspectionFailed' },
		];
		const outcomes = await attempt(await edits('a', 'b', 'c'), { settings: { holdMs: 45_000 } });
		expect(states(outcomes)).toEqual(['finished', 'open', 'failed']);
		expect(outcomes[1]).toMatchObject({
			job: { taskId: 'task-2' },
			model: 'wan2.7-videoedit',
			prompt: 'b',
			download: true,
		});
		expect(clock.now() - START).toBeLessThan(47_000);
	});

	test('happens at once where nothing is to be held, after one look at tasks of earlier tries', async () => {
		const { clock, service, attempt } = execution();
		service.plans = [{ jobSeconds: 5 }, { jobSeconds: 300 }];
		const items = await edits('a', 'b');
		const settings = { holdMs: 0 };
		expect(states(await attempt(items, { settings }))).toEqual(['open', 'open']);
		expect(service.count('query')).toBe(0);
		await clock.pass(10_000);
		expect(states(await attempt(items, { settings }))).toEqual(['finished', 'open']);
		expect(service.count('query')).toBe(2);
		expect(service.tasks()).toHaveLength(2);
	});

	test('is plain JSON, small also where a failed task may be submitted anew', async () => {
		const { attempt } = execution();
		const images = [binary(fileOf(HEADS.png, { size: 1_000_000 }))];
		const settings = { holdMs: 0, resubmitFailed: 2 };
		const [outcome] = await attempt([await editOf({ prompt: 'a', images })], { settings });
		const json = JSON.stringify(outcome);
		expect(JSON.parse(json)).toEqual(outcome);
		expect(json.length).toBeLessThan(2_000);
		expect(outcome).toMatchObject({ again: { times: 2, body: { input: { prompt: 'a' } } } });
	});

	test.each<[string, Partial<RunSettings>, boolean]>([
		['keeps', { holdMs: 0, retries: 1 }, true],
		['keeps', { holdMs: 0, resubmitFailed: 1 }, true],
		['does not keep', { holdMs: 0 }, false],
	])('%s what a new submission would need: %j', async (_name, settings, keeps) => {
		const { attempt } = execution();
		const [outcome] = await attempt(await edits('a'), { settings });
		expect(outcome).toHaveProperty('again', keeps ? expect.anything() : undefined);
	});

	test('of an earlier try makes their body once more, without a second upload', async () => {
		const { service, attempt } = execution();
		const video = binary(fileOf(HEADS.mp4, { size: 5_000_000 }));
		const items = [await editOf({ prompt: 'a', video }), ...(await edits('b'))];
		// Without an upload, the second is submitted first.
		service.faults.create.push(faults.unauthorised);
		expect(states(await attempt(items, { settings: { holdMs: 0 } }))).toEqual(['open', 'failed']);
		const outcomes = await attempt(items, { settings: { holdMs: 0 } });
		expect(outcomes).toMatchObject([
			{ state: 'open', job: { taskId: 'task-1', known: true }, again: { times: 0 } },
			{ state: 'open', again: undefined },
		]);
		expect(service.count('post')).toBe(1);
	});

	test('goes on where the body of an earlier try cannot be made again', async () => {
		const { clock, service, attempt } = execution();
		const video = binary(fileOf(HEADS.mp4, { size: 5_000_000 }));
		const items = [await editOf({ prompt: 'a', video })];
		service.plans = [{ jobSeconds: 500_000 }];
		await attempt(items, { settings: { holdMs: 0 } });
		// Uploads are not used for longer than 44 hours.
		await clock.pass(45 * 60 * MINUTE);
		service.faults.policy.push(...repeat(3, faults.reset));
		service.break('query', 'task-1', { taskStatus: 'RUNNING' }, 1);
		const outcomes = await attempt(items, { settings: { holdMs: 0 } });
		expect(outcomes).toMatchObject([{ state: 'open', job: { taskId: 'task-1' } }]);
		expect(outcomes[0]).toHaveProperty('again', undefined);
		expect(service.log.join()).toContain('Task task-1 cannot be resubmitted if it fails');
	});
});

test('parts of an item each find their own task again, whatever expressions give in the next try', async () => {
	const { service, attempt } = execution();
	service.plans = [{ jobSeconds: 30 }, { jobSeconds: 30, code: 'InvalidParameter' }];
	service.plans.push({ jobSeconds: 30 });
	const parts = async (wish: string) =>
		(await edits(`${wish} 1`, `${wish} 2`, `${wish} 3`)).map((edit, index) => ({
			...edit,
			item: 0,
			part: `${index * 10}-${index * 10 + 10}`,
		}));
	expect(states(await attempt(await parts('at noon')))).toEqual(['finished', 'failed', 'finished']);
	expect(taskIds(await attempt(await parts('at one')))).toEqual(['task-1', 'task-4', 'task-3']);
	expect(service.tasks()).toHaveLength(4);
});

describe('small images', () => {
	const MB = 1024 * 1024;
	const withImages = async (count: number) =>
		await Promise.all(
			Array.from({ length: count }, async (_, item) => {
				const images = Array.from({ length: 3 }, (__, index) =>
					binary(fileOf(HEADS.png, { size: 2 * MB, identity: `${item} ${index}` })),
				);
				return { ...(await editOf({ prompt: `item ${item}`, images })), item };
			}),
		);
	const sentBytes = (service: VirtualService) =>
		service.calls.flatMap(({ route, request }) =>
			route === 'create' ? [JSON.stringify(request?.options.body).length] : [],
		);

	test('travel in the body of a single item', async () => {
		const { service, attempt } = execution();
		expect(states(await attempt(await withImages(1)))).toEqual(['finished']);
		expect(service.uploads).toBe(0);
		expect(sentBytes(service)[0]).toBeGreaterThan(6 * MB);
	});

	test('but not of ten, which would all be held in memory until their turn comes', async () => {
		const { service, attempt } = execution();
		const settings = { submitOnly: true };
		const outcomes = await attempt(await withImages(10), { settings });
		expect(new Set(states(outcomes))).toEqual(new Set(['submitted']));
		const all = sentBytes(service).reduce((sum, bytes) => sum + bytes, 0);
		expect(all).toBeLessThan(30 * MB);
	});
});

describe('a second task', () => {
	/** The list is fresh but for the first task, and cannot be read from ten seconds on. */
	async function unread(untilMs: number) {
		const { clock, service, attempt } = execution({
			listLagOf: (number) => (number === 1 ? 15_000 : 0),
		});
		service.plans = repeatPlan(3, { jobSeconds: 200 });
		service.faults.create.push(faults.overloadedAfterwards);
		clock.at(START + 10_000, () => service.faults.list.push(...repeat(999, faults.unavailable)));
		clock.at(START + untilMs, () => void (service.faults.list.length = 0));
		const [first] = await attempt(await edits('a', 'b'));
		expect(first).toMatchObject({ state: 'finished', job: { taskId: 'task-3' } });
		return first?.state === 'finished' ? first.duplicates : undefined;
	}

	test('is looked for once more at the end if the list could not be read after the minute', async () => {
		await expect(unread(120_000)).resolves.toMatchObject([{ taskId: 'task-1', certain: true }]);
	});

	test('is said to be possible if the list cannot be read at the end either', async () => {
		const found = await unread(900_000);
		expect(found?.map(({ taskId }) => taskId)).toEqual([undefined]);
		expect(duplicatesSentence(found ?? [])).toMatch(/second task may have been created/);
	});
});

test('Stop names a submission whose answer was lost in the log', async () => {
	const { clock, service, attempt } = execution();
	const stop = new StopButton(clock);
	service.faults.create.push(faults.resetAfterwards);
	clock.at(clock.now() + 20_000, () => stop.press());
	await expect(attempt(await edits('a'), { stop })).rejects.toThrow(StoppedError);
	expect(service.log.join('\n')).toMatch(/submission sent at 2026-11-02T09:00.* may be billed/);
});

test.each<[string, Fault, unknown]>([
	['no other', faults.reset, undefined],
	['another', faults.resetAfterwards, [{ taskId: 'task-3', cancelled: false, certain: false }]],
])(
	'an item whose submissions are unclear goes on with the task that surely is its own, and names %s',
	async (_what, second, duplicates) => {
		const { clock, service, attempt } = execution({
			listLagOf: (number) => (number === 2 ? 66_000 : 0),
		});
		service.plans = repeatPlan(3, { jobSeconds: 200 });
		const memory = { ledger: new Ledger({}, 0), uploads: {}, items: {} };
		const submitOnly = { ...SETTINGS, submitOnly: true };
		await clock.run(runTasks(await edits('known'), service.ports(), memory, submitOnly));
		await clock.pass(5 * MINUTE);
		service.faults.create.push(faults.overloadedAfterwards, second);
		// Once the first is taken for not done, the list is refused until the second has been given up.
		const began = clock.now();
		clock.at(began + 63_000, () =>
			service.faults.list.push(...repeat(3, { status: 404, body: 'no such route' })),
		);
		const [outcome] = await attempt(await edits('a'));
		expect(outcome).toMatchObject({ state: 'finished', job: { taskId: 'task-2' } });
		expect(outcome?.state === 'finished' && outcome.duplicates).toEqual(duplicates);
	},
);

describe('the retry of an execution that n8n did not survive', () => {
	/** Tasks that were submitted by a process that has ended; nothing else is known of them. */
	async function killed(prompts: string[], plan: Plan = { jobSeconds: 30 }) {
		const { clock, service, attempt } = execution();
		for (const prompt of prompts) {
			service.addTask(prompt, plan);
			await clock.pass(100);
		}
		await clock.pass(20_000);
		const unseen = { since: START, until: clock.now() };
		const viewer = { account: new Account(new Journal(clock.now())), exclusive: true };
		const retry = async (wishes: string[], settings: Partial<RunSettings> = {}) =>
			await attempt(await edits(...wishes), { unseen, settings, viewer });
		return { clock, service, retry };
	}

	test('names what it may have submitted, and submits nothing', async () => {
		const { service, retry } = await killed(['a', 'b']);
		const outcomes = await retry(['a', 'b']);
		for (const outcome of outcomes) {
			const { message, hint, details } = errorOf(outcome);
			expect(message).toMatch(
				/^Outcome unknown: this execution was cut off, and may have submitted this \S+ task between 2\S+Z and 2\S+Z$/,
			);
			expect(hint).toMatch(/^A task may have been created .* The task list shows task-2, task-1;/);
			expect(String(details.possibleTaskIds).split(', ').sort()).toEqual(['task-1', 'task-2']);
		}
		expect(service.count('create')).toBe(0);
		// And so does each retry after it.
		expect(states(await retry(['a', 'b']))).toEqual(['failed', 'failed']);
		expect(service.count('create')).toBe(0);
	});

	test('adopts not even the only task, where nothing but this n8n uses the account', async () => {
		const { service, retry } = await killed(['a']);
		const [outcome] = await retry(['a']);
		expect(errorOf(outcome).details.possibleTaskIds).toBe('task-1');
		expect(service.count('create')).toBe(0);
	});

	test('names what the same process submitted before it was stopped, and nothing of its others', async () => {
		const { clock, service, attempt } = execution();
		const { account } = service;
		for (const prompt of ['own', 'of another']) {
			const ports = { ...service.ports(), lineage: prompt };
			const memory = { ledger: new Ledger({}, 0), uploads: {}, items: {} };
			const work = runTasks(await edits(prompt), ports, memory, { ...SETTINGS, submitOnly: true });
			await clock.run(work);
		}
		const unseen = { since: START, until: clock.now() };
		const [outcome] = await attempt(await edits('own'), {
			unseen,
			viewer: { account, lineage: 'own' },
		});
		expect(errorOf(outcome).details.possibleTaskIds).toBe('task-1');
		expect(service.count('create')).toBe(2);
	});

	test('names what the same process had lost before it was stopped, also by its request ID', async () => {
		const { clock, service, attempt } = execution();
		const viewer = { account: service.account, lineage: 'own' };
		service.faults.create.push(faults.overloadedAfterwards);
		const stop = new StopButton(clock);
		const ports = service.ports(stop, true, () => 0.5, { ...viewer, executionId: 'stopped' });
		const memory = { ledger: new Ledger({}, 0), uploads: {}, items: {} };
		clock.at(clock.now() + 500, () => stop.press());
		const work = runTasks(await edits('own'), ports, memory, SETTINGS);
		await expect(clock.run(work)).rejects.toThrow(StoppedError);
		const unseen = { since: START, until: clock.now() };
		const [outcome] = await attempt(await edits('own'), { unseen, viewer });
		expect(errorOf(outcome).details.possibleTaskIds).toBe('task-1');
		expect(service.count('create')).toBe(1);
	});

	test('names it also if another key of the account is chosen for the retry', async () => {
		const { clock, service, attempt } = execution();
		const journal = new Journal(0);
		const viewer = (id: string) => ({ account: new Account(journal, id), lineage: 'own' });
		const ports = service.ports(undefined, true, () => 0.5, viewer('first'));
		const memory = { ledger: new Ledger({}, 0), uploads: {}, items: {} };
		const settings = { ...SETTINGS, submitOnly: true };
		await clock.run(runTasks(await edits('own'), ports, memory, settings));
		const unseen = { since: START, until: clock.now() };
		const [outcome] = await attempt(await edits('own'), { unseen, viewer: viewer('second') });
		expect(errorOf(outcome).details.possibleTaskIds).toBe('task-1');
		expect(service.count('create')).toBe(1);
	});

	test('submits once the list has shown for a minute that there is none', async () => {
		const { clock, service, retry } = await killed([]);
		const began = clock.now();
		expect(states(await retry(['a', 'b']))).toEqual(['finished', 'finished']);
		expect(service.count('create')).toBe(2);
		expect(service.times('create')[0]).toBeGreaterThanOrEqual(began + 60_000);
	});

	test('submits where all that it may have submitted failed', async () => {
		const { service, retry } = await killed(['a'], { jobSeconds: 1, code: 'InternalError.Algo' });
		const [outcome] = await retry(['a']);
		// Nor is a task that costs nothing told as one that may be a second one.
		expect(outcome?.state === 'finished' && outcome.duplicates).toBeUndefined();
		expect(service.count('create')).toBe(1);
	});

	test('follows the option', async () => {
		const { service, retry } = await killed(['a']);
		expect(states(await retry(['a'], { lostSubmission: 'resubmit' }))).toEqual(['finished']);
		expect(service.count('create')).toBe(1);
		const { service: other, retry: again } = await killed([]);
		expect(states(await again(['a'], { lostSubmission: 'fail' }))).toEqual(['failed']);
		expect(other.count('create')).toBe(0);
	});

	test('names the newest where a day has many', async () => {
		const { retry } = await killed(names(25));
		const [outcome] = await retry(['a']);
		expect(errorOf(outcome).hint).toMatch(/shows task-25, task-24, .*, task-6 and 5 older ones;/);
	});
});

describe('the retry of an execution of which a try left nothing but its record', () => {
	/** A try of which n8n saved nothing, and the account's other tasks of that time. */
	async function lost(wishes: TaskRequest[], plan: Plan = { jobSeconds: 30 }) {
		const { clock, service, attempt } = execution();
		service.plans = [plan];
		const record = recordOf();
		service.addTask('a stranger asks for this', { jobSeconds: 30 });
		const ports = service.ports(undefined, true, () => 0.5, { record });
		const memory = { ledger: new Ledger({}, 0), uploads: {}, items: {} };
		await clock.run(runTasks(wishes, ports, memory, { ...SETTINGS, submitOnly: true }));
		await clock.pass(MINUTE);
		const submitted = service.count('create');
		const retry = async (again: TaskRequest[], run: Run = {}) => {
			const viewer = { account: new Account(new Journal(clock.now())), record };
			return await attempt(again, { retriedSince: START, viewer, ...run });
		};
		return { clock, service, submitted, record, retry };
	}

	test('brings the videos, also where nothing tells that a try was killed', async () => {
		const { service, submitted, retry } = await lost(await edits('a', 'b', 'a'));
		const outcomes = await retry(await edits('a', 'b', 'a'));
		expect(videos(outcomes)).toEqual(['task-2', 'task-3', 'task-4'].map((id) => `video of ${id}`));
		expect(service.count('create')).toBe(submitted);
	});

	test('brings them where it is known that n8n was killed', async () => {
		const { clock, service, submitted, retry } = await lost(await edits('a'));
		const unseen = { since: START, until: clock.now() };
		expect(videos(await retry(await edits('a'), { unseen }))).toEqual(['video of task-2']);
		expect(service.count('create')).toBe(submitted);
	});

	test('submits what that try had not', async () => {
		const { service, submitted, retry } = await lost(await edits('a'));
		const began = service.clock.now();
		expect(states(await retry(await edits('a', 'b')))).toEqual(['finished', 'finished']);
		expect(service.times('create').slice(submitted)).toHaveLength(1);
		// Of that nothing was recorded: there is nothing to wait for.
		expect(service.times('create').at(-1)).toBeLessThan(began + 5_000);
	});

	test('gives each item its own, in another order too', async () => {
		const { service, retry } = await lost(await edits('a', 'b'));
		const outcomes = await retry(await edits('b', 'a'));
		expect(videos(outcomes)).toEqual(['video of task-3', 'video of task-2']);
		expect(service.count('create')).toBe(2);
	});

	test('gives no item what was made for another request, though its place and settings are the same', async () => {
		const { service, submitted, retry } = await lost(await edits('made for the first'));
		const outcomes = await retry(await edits('made for the second'));
		expect(videos(outcomes)).toEqual(['video of task-3']);
		expect(service.count('create')).toBe(submitted + 1);
	});

	test('submits again what failed', async () => {
		const failing = { jobSeconds: 1, code: 'InternalError.Algo' };
		const { service, submitted, retry } = await lost(await edits('a'), failing);
		service.plans = [{ jobSeconds: 1 }];
		const began = service.clock.now();
		expect(states(await retry(await edits('a')))).toEqual(['finished']);
		expect(service.count('create')).toBe(submitted + 1);
		// The stranger's task is not taken for a second one: all are recorded.
		expect(service.times('create').at(-1)).toBeLessThan(began + 5_000);
	});

	test('names what was recorded and is not in the list, as with the key of another account', async () => {
		const { clock, service, attempt } = execution();
		const record = recordOf();
		const elsewhere = new VirtualService(clock).ports(undefined, true, () => 0.5, { record });
		const memory = { ledger: new Ledger({}, 0), uploads: {}, items: {} };
		const submitOnly = { ...SETTINGS, submitOnly: true };
		await clock.run(runTasks(await edits('a'), elsewhere, memory, submitOnly));
		const [outcome] = await attempt(await edits('a'), { retriedSince: START, viewer: { record } });
		const { message, hint } = errorOf(outcome);
		expect(message).toMatch(
			/^Outcome unknown: an earlier try of this execution submitted this \S+ task between /,
		);
		expect(hint).toMatch(/The task list shows none;/);
		expect(service.count('create')).toBe(0);
	});

	test('asks the list where the record has forgotten what a retry was told', async () => {
		const { service, record, retry } = await lost(await edits('a'));
		service.faults.list.push(...repeat(99, { status: 404, body: 'no such route' }));
		const [outcome] = await retry(await edits('a'), { settings: { timeoutMs: MINUTE } });
		expect(errorOf(outcome).message).toMatch(/an earlier try of this execution submitted/);
		service.faults.list.length = 0;
		record.forget();
		const [again] = await retry(await edits('a'));
		expect(errorOf(again).details.possibleTaskIds).toMatch(/task-2/);
		expect(service.tasksOf('a')).toHaveLength(1);
	});

	test('submits what is recorded and gone: a task is kept for a day', async () => {
		const { clock, service, submitted, retry } = await lost(await edits('a'));
		await clock.pass(31 * HOUR);
		expect(states(await retry(await edits('a')))).toEqual(['finished']);
		expect(service.count('create')).toBe(submitted + 1);
	});

	test('does not take it for all there was, where n8n was killed', async () => {
		const failing = { jobSeconds: 1, code: 'InternalError.Algo' };
		const { clock, service, submitted, retry } = await lost(await edits('a'), failing);
		// In place of the failed one; the process ended before it could record it.
		service.addTask('a', { jobSeconds: 3_000 });
		const unseen = { since: START, until: clock.now() };
		const [outcome] = await retry(await edits('a'), { unseen });
		expect(errorOf(outcome).details.possibleTaskIds).toMatch(/task-3/);
		expect(service.count('create')).toBe(submitted);
	});

	test('submits anew what expressions have changed and what failed then', async () => {
		const { clock, service, attempt } = execution();
		const failing = { jobSeconds: 1, code: 'InternalError.Algo' };
		service.plans = [failing, failing, { jobSeconds: 1 }];
		const run = { retriedSince: START, viewer: { record: recordOf() } };
		await attempt(await edits('at ten'), { ...run, settings: { submitOnly: true } });
		await clock.pass(MINUTE);
		expect(states(await attempt(await edits('at eleven'), run))).toEqual(['failed']);
		expect(states(await attempt(await edits('at eleven'), run))).toEqual(['finished']);
		expect(service.count('create')).toBe(3);
	});

	test('brings them also with another key of the account, in the same process', async () => {
		const { clock, service, submitted, record } = await lost([]);
		const journal = new Journal(clock.now());
		const attempt = async (account: Account) => {
			const memory = { ledger: new Ledger({}, 0), uploads: {}, items: {}, retriedSince: START };
			const ports = service.ports(undefined, true, () => 0.5, { account, lineage: 'own', record });
			return await clock.run(runTasks(await edits('a'), ports, memory, SETTINGS));
		};
		expect(videos(await attempt(new Account(journal)))).toEqual(['video of task-2']);
		expect(videos(await attempt(new Account(journal)))).toEqual(['video of task-2']);
		expect(service.count('create')).toBe(submitted + 1);
	});

	test('brings what another retry submitted in place of a lost submission that is remembered', async () => {
		const { clock, service, submitted, record } = await lost(await edits('a'));
		const ledger = new Ledger({}, 0);
		const [edit] = await edits('a');
		const key = ledger.key(edit?.fingerprint ?? '', 0);
		ledger.sending(key, { since: START - MINUTE, until: START - 1, id: 'lost', model: MODEL });
		const ports = service.ports(undefined, true, () => 0.5, { record });
		const memory = { ledger, uploads: {}, items: {}, retriedSince: START - MINUTE };
		const outcomes = await clock.run(runTasks(await edits('a'), ports, memory, SETTINGS));
		expect(videos(outcomes)).toEqual(['video of task-2']);
		expect(service.count('create')).toBe(submitted);
	});

	test('asks the list where the record is not sure', async () => {
		const { service, attempt } = execution();
		const unsure = async (facts: string[]) =>
			await Promise.resolve(new Map(facts.map((fact) => [fact, 'unsure' as const])));
		const run = { retriedSince: START, viewer: { record: { ...recordOf(), which: unsure } } };
		service.addTask('a', { jobSeconds: 30 });
		const [outcome] = await attempt(await edits('a'), run);
		expect(errorOf(outcome).details.possibleTaskIds).toBe('task-1');
		expect(service.count('create')).toBe(0);
	});

	test('judges a lost submission by its own time where another retry has failed since', async () => {
		const { clock, service, attempt } = execution();
		const failing = { jobSeconds: 1, code: 'InternalError.Algo' };
		service.plans = [failing, failing, { jobSeconds: 1 }];
		const viewer = { record: recordOf() };
		const [edit] = await edits('a');
		const lostAt = { since: clock.now(), until: clock.now() + 1, id: 'lost', model: MODEL };
		await clock.pass(10 * MINUTE);
		service.addTask('a stranger asks for this', { jobSeconds: 30 });
		await attempt(await edits('a'), { viewer });
		const ledger = new Ledger({}, 0);
		ledger.sending(ledger.key(edit?.fingerprint ?? '', 0), lostAt);
		const ports = service.ports(undefined, true, () => 0.5, viewer);
		const memory = { ledger, uploads: {}, items: {}, retriedSince: START - MINUTE };
		const outcomes = await clock.run(runTasks(await edits('a'), ports, memory, SETTINGS));
		expect(states(outcomes)).toEqual(['finished']);
		expect(service.count('create')).toBe(2);
	});

	test('submits nothing where the record cannot be read', async () => {
		const { service, attempt } = execution();
		const record = { ...recordOf(), which: async () => await Promise.reject(new Error('locked')) };
		const [outcome] = await attempt(await edits('a'), { retriedSince: START, viewer: { record } });
		expect(errorOf(outcome).message).toMatch(
			/record of submitted tasks could not be read: locked$/,
		);
		expect(service.count('create')).toBe(0);
	});

	test('brings them again to another retry in the same process', async () => {
		const { clock, service, submitted, record } = await lost(await edits('a'));
		const account = new Account(new Journal(clock.now()));
		const ports = service.ports(undefined, true, () => 0.5, { account, lineage: 'own', record });
		for (let retries = 0; retries < 2; retries++) {
			const memory = { ledger: new Ledger({}, 0), uploads: {}, items: {}, retriedSince: START };
			const outcomes = await clock.run(runTasks(await edits('a'), ports, memory, SETTINGS));
			expect(videos(outcomes)).toEqual(['video of task-2']);
		}
		expect(service.count('create')).toBe(submitted);
	});

	test('submits at once what is remembered and failed', async () => {
		const { clock, service, attempt } = execution();
		service.plans = [{ jobSeconds: 1, code: 'InternalError.Algo' }, { jobSeconds: 1 }];
		const viewer = { record: recordOf() };
		expect(states(await attempt(await edits('a'), { viewer }))).toEqual(['failed']);
		const began = clock.now();
		const retried = await attempt(await edits('a'), { retriedSince: START, viewer });
		expect(states(retried)).toEqual(['finished']);
		expect(service.times('create').at(-1)).toBeLessThan(began + 5_000);
	});

	test('submits at once what is remembered and was canceled', async () => {
		const { clock, service, attempt } = execution({ slots: 1 });
		service.addTask('fills the only slot', { jobSeconds: 60 });
		const viewer = { record: recordOf() };
		clock.at(clock.now() + 20_000, () => {
			for (const { id } of service.tasksOf('a')) void service.ports().cancelTask(id);
		});
		expect(states(await attempt(await edits('a'), { viewer }))).toEqual(['failed']);
		const began = clock.now();
		const retried = await attempt(await edits('a'), { retriedSince: START, viewer });
		expect(states(retried)).toEqual(['finished']);
		expect(service.times('create').at(-1)).toBeLessThan(began + 5_000);
	});

	test('finds what another retry submitted in place of a failed task that is remembered', async () => {
		const { clock, service } = execution();
		service.plans = [{ jobSeconds: 1, code: 'InternalError.Algo' }, { jobSeconds: 30 }];
		const record = recordOf();
		/** A try that begins with some memory. @returns also what it remembers then */
		const attempt = async (memory: string, settings: Partial<RunSettings> = {}) => {
			const viewer = { account: new Account(new Journal(clock.now())), record };
			const ports = service.ports(undefined, true, () => 0.5, viewer);
			const store = JSON.parse(memory) as LedgerStore;
			const kept = { ledger: new Ledger(store, 0), uploads: {}, items: {}, retriedSince: START };
			const work = runTasks(await edits('a'), ports, kept, { ...SETTINGS, ...settings });
			return { outcomes: await clock.run(work), memory: JSON.stringify(store) };
		};
		const { memory } = await attempt('{}', { submitOnly: true });
		await clock.pass(MINUTE);
		for (let retries = 0; retries < 2; retries++) {
			const { outcomes } = await attempt(memory);
			expect(videos(outcomes)).toEqual(['video of task-2']);
		}
		expect(service.count('create')).toBe(2);
	});

	test('asks the record of no execution that is not a retry', async () => {
		const { service, attempt } = execution();
		const record = { ...recordOf(), which: async () => await Promise.reject(new Error('asked')) };
		expect(states(await attempt(await edits('a'), { viewer: { record } }))).toEqual(['finished']);
		expect(service.count('create')).toBe(1);
	});
});
