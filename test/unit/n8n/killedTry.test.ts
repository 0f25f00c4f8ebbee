import type {
	IDataObject,
	IExecuteFunctions,
	IExecutionContext,
	INode,
	IRunExecutionData,
	ITaskData,
} from 'n8n-workflow';
import { runsBeforeKill } from '../../../nodes/shared/n8n/killedTry';
import { countTry, memoryOf, openMemory } from '../../../nodes/shared/n8n/nodeMemory';

const NODE: INode = {
	id: 'edit',
	name: 'Edit',
	type: 'wanVideoEdit',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};

const HOUR = 3_600_000;
/** When this process began: its try was made before, and the retry after. */
const BEGAN = performance.timeOrigin;
const BEFORE = BEGAN - 60_000;
const SINCE = BEGAN + 1_000;

/** A run of a node as n8n 2.41.1 saves it. */
const ran = (startTime: number): ITaskData => ({
	startTime,
	executionIndex: 0,
	executionTime: 3,
	executionStatus: 'success',
	source: [null],
	data: { main: [[{ json: { prompt: 'one' } }]] },
});

/** What n8n's crash recovery makes of a node that had finished; it counts the time in seconds. */
const recovered: ITaskData = {
	...ran(Math.floor(BEFORE / 1000)),
	data: { main: [[{ json: { isArtificialRecoveredEventItem: true } }]] },
};

type RunData = IRunExecutionData['resultData']['runData'];
const saved = (runData: RunData) => ({ resultData: { runData } }) as unknown as IRunExecutionData;

// As they were seen in n8n 2.41.1, killed or shut down, in one process and in queue mode.
test.each<[what: string, runData: RunData, fresh: boolean, runs: 'all' | 'next' | undefined]>([
	[
		'killed in the node: from the beginning, by the event log',
		{ Hook: [recovered], Items: [recovered], Edit: [] },
		true,
		'all',
	],
	['killed after it', { Hook: [recovered], Edit: [recovered], After: [] }, true, 'all'],
	['killed before it', { Hook: [recovered], Items: [] }, true, undefined],
	['killed, without an event log', {}, true, 'all'],
	[
		'killed in the node, with progress saved',
		{ Hook: [ran(BEFORE)], Items: [ran(BEFORE)], Edit: [] },
		true,
		'next',
	],
	['the same without an event log', { Hook: [ran(BEFORE)], Items: [ran(BEFORE)] }, true, 'next'],
	[
		'killed in its second run, with progress saved',
		{ Hook: [ran(BEFORE)], Loop: [ran(BEFORE), ran(BEFORE)], Edit: [ran(BEFORE)] },
		false,
		'next',
	],
	[
		'a node before it failed, and has been run again',
		{ Hook: [ran(BEFORE)], Items: [ran(SINCE)] },
		true,
		undefined,
	],
	[
		'a node of the loop failed, and has been run again',
		{ Hook: [ran(BEFORE)], Loop: [ran(BEFORE), ran(SINCE)], Edit: [ran(BEFORE)] },
		false,
		undefined,
	],
])('%s', (_what, runData, fresh, runs) => {
	expect(runsBeforeKill(saved(runData), 'Edit', fresh, BEGAN)).toBe(runs);
});

describe('the memory of a retried execution', () => {
	interface Opened {
		mode?: string;
		run?: number;
		id?: string;
		runData?: RunData;
		established?: Partial<IExecutionContext>;
	}

	/** An execution and its retries, whose memory goes through JSON in between. */
	function execution() {
		const kept = { context: '{}', reads: 0 };
		return {
			kept,
			open: async (given: Opened, tries = true) => {
				const { mode = 'retry', run = 0, id = '2', runData = {} } = given;
				const context = JSON.parse(kept.context) as IDataObject;
				const functions = {
					getContext: () => context,
					getNode: () => NODE,
					getMode: () => mode,
					getExecutionId: () => id,
					getExecutionDataById: async () => {
						kept.reads++;
						return await Promise.resolve(saved(runData));
					},
					getExecutionContext: () => ({
						version: 1,
						source: 'webhook',
						establishedAt: BEFORE,
						...given.established,
					}),
					isToolExecution: () => false,
					getWorkflowDataProxy: () => ({ $runIndex: run }),
				} as unknown as IExecuteFunctions;
				await openMemory(functions);
				if (tries) countTry(functions);
				const { unseen } = memoryOf(functions);
				kept.context = JSON.stringify(context);
				return unseen;
			},
		};
	}

	const killed = { Hook: [recovered], Edit: [] };

	test('knows when a try that n8n did not survive may have submitted', async () => {
		const { open } = execution();
		const unseen = await open({ runData: killed });
		expect(unseen?.since).toBe(BEFORE);
		expect(unseen?.until).toBeGreaterThanOrEqual(BEGAN);
		expect(unseen?.until).toBeLessThanOrEqual(Date.now());
	});

	test.each([
		['began longer ago than the task list goes back', { establishedAt: BEGAN - 90 * HOUR }],
		['is not known to have begun before the retry', { source: 'retry' as const }],
		['has no context, as in older versions', { establishedAt: undefined }],
	])('looks at a day for an execution that %s', async (_what, established) => {
		const { open } = execution();
		const { since = 0, until = 0 } = (await open({ runData: killed, established })) ?? {};
		expect(until - since).toBe(23 * HOUR);
	});

	test('still knows it when the retry is retried, and in the other runs', async () => {
		const { open } = execution();
		const first = await open({ runData: killed });
		expect(await open({ id: '3', runData: { Hook: [ran(SINCE)], Edit: [] } })).toEqual(first);
		expect(await open({ id: '3', run: 1, runData: killed })).toEqual(first);
	});

	test('applies it to one run, where the others are remembered', async () => {
		const { open } = execution();
		await open({ mode: 'webhook', id: '1' });
		const runData = { Hook: [ran(BEFORE)], Edit: [ran(BEFORE)] };
		expect(await open({ run: 1, runData })).toBeDefined();
		expect(await open({ run: 2, runData })).toBeUndefined();
	});

	test('is asked for once', async () => {
		const { open, kept } = execution();
		for (const run of [0, 0, 1, 2]) await open({ run, runData: killed });
		expect(kept.reads).toBe(1);
	});

	test('knows that a node which failed had begun, however early, and that its later runs had not', async () => {
		const { open, kept } = execution();
		await open({ mode: 'webhook', id: '1' }, false);
		const runData = { Hook: [ran(BEFORE)], Edit: [] };
		expect(await open({ runData })).toBeUndefined();
		expect(await open({ run: 1, runData })).toBeUndefined();
		expect(kept.reads).toBe(0);
	});

	test('looks from the last run on that is remembered', async () => {
		const { open } = execution();
		const before = Date.now();
		await open({ mode: 'webhook', id: '1' });
		const unseen = await open({ run: 1, runData: { Hook: [ran(BEFORE)], Edit: [ran(BEFORE)] } });
		expect(unseen?.since).toBeGreaterThanOrEqual(before);
	});

	test('is not looked for in executions that are no retries', async () => {
		const { open, kept } = execution();
		expect(await open({ mode: 'webhook', runData: killed })).toBeUndefined();
		expect(kept.reads).toBe(0);
	});
});
