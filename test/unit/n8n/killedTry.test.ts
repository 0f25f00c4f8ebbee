import type {
	IDataObject,
	IExecuteFunctions,
	IExecutionContext,
	INodeExecutionData,
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

/** A run of a node as n8n 2.41.1 saves it; the index is counted anew in each retry. */
const ran = (startTime: number, executionIndex = 0): ITaskData => ({
	startTime,
	executionIndex,
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

/** An execution as it is saved: with the node that it goes on with, and the node's memory if there is any. */
const saved = (runData: RunData, top: string, memory?: IDataObject) =>
	({
		resultData: { runData },
		executionData: {
			nodeExecutionStack: [{ node: { name: top } }],
			contextData: memory === undefined ? {} : { 'node:Edit': { wanVideoEdit: memory } },
		},
	}) as unknown as IRunExecutionData;

const MEMORY = { ledger: {}, uploads: {} };

// As they were seen in n8n 2.41.1, killed or shut down, in one process and in queue mode.
test.each<
	[
		what: string,
		runs: 'all' | 'next' | undefined,
		runData: RunData,
		top: string,
		memory?: IDataObject,
	]
>([
	[
		'killed in the node: from the beginning, by the event log',
		'all',
		{ Hook: [recovered], Items: [recovered], Edit: [] },
		'Hook',
	],
	['killed after it', 'all', { Hook: [recovered], Edit: [recovered], After: [] }, 'Hook'],
	['killed before it', undefined, { Hook: [recovered], Items: [] }, 'Hook'],
	['killed, without an event log', 'all', {}, 'Hook'],
	[
		'killed in the node, and progress is saved since',
		'all',
		{ Hook: [recovered, ran(SINCE)], Items: [recovered, ran(SINCE, 1)], Edit: [] },
		'Edit',
	],
	[
		'killed in the node, with progress saved',
		'next',
		{ Hook: [ran(BEFORE)], Items: [ran(BEFORE + 1, 1)], Edit: [] },
		'Edit',
	],
	[
		'the same without an event log',
		'next',
		{ Hook: [ran(BEFORE)], Items: [ran(BEFORE + 1, 1)] },
		'Edit',
	],
	[
		'the same, retried by a worker that is older',
		'next',
		{ Hook: [ran(SINCE)], Items: [ran(SINCE + 1, 1)] },
		'Edit',
	],
	[
		'killed in its second run, with progress saved',
		'next',
		{ Hook: [ran(BEFORE)], Loop: [ran(BEFORE, 1), ran(BEFORE, 3)], Edit: [ran(BEFORE, 2)] },
		'Edit',
		MEMORY,
	],
	[
		'a node before it failed, and is run again in another process',
		undefined,
		{ Hook: [ran(BEFORE)], Items: [] },
		'Items',
	],
	[
		'a node before it failed, and was run again, with progress saved',
		undefined,
		{ Hook: [ran(BEFORE)], Items: [ran(SINCE)] },
		'Edit',
	],
	[
		'a node of the loop failed, and is run again',
		undefined,
		{ Hook: [ran(BEFORE)], Loop: [ran(BEFORE, 1)], Edit: [ran(BEFORE, 2)], After: [] },
		'After',
		MEMORY,
	],
	['an item of a node that has no json', undefined, { Hook: [withoutJson()], Items: [] }, 'Items'],
])('%s', (_what, runs, runData, top, ...memory) => {
	expect(runsBeforeKill(saved(runData, top, ...memory), 'Edit', BEGAN)).toBe(runs);
});

function withoutJson(): ITaskData {
	return { ...ran(BEFORE), data: { main: [[{} as INodeExecutionData]] } };
}

describe('the memory of a retried execution', () => {
	interface Opened {
		mode?: string;
		run?: number;
		id?: string;
		runData?: RunData;
		/** The node that it goes on with. */
		top?: string;
		established?: Partial<IExecutionContext>;
	}

	/** An execution and its retries, whose memory goes through JSON in between. */
	function execution() {
		const kept = { context: '{}', stored: '{}', reads: 0, broken: false };
		return {
			kept,
			open: async (given: Opened, tries = true) => {
				const { mode = 'retry', run = 0, id = '2', runData = {}, top = 'Hook' } = given;
				const memory = JSON.parse(kept.stored) as { wanVideoEdit?: IDataObject };
				const context = JSON.parse(kept.context) as IDataObject;
				const functions = {
					getContext: () => context,
					getNode: () => NODE,
					getMode: () => mode,
					getExecutionId: () => id,
					getExecutionDataById: async () => {
						kept.reads++;
						if (kept.broken) throw new Error('The database is locked');
						return await Promise.resolve(saved(runData, top, memory.wanVideoEdit));
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
				try {
					await openMemory(functions);
				} finally {
					kept.context = JSON.stringify(context);
				}
				if (tries) countTry(functions);
				const { unseen } = memoryOf(functions);
				kept.context = kept.stored = JSON.stringify(context);
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

	test('applies it from that run on, where those before are remembered', async () => {
		const { open } = execution();
		await open({ mode: 'webhook', id: '1' });
		const runData = { Hook: [ran(BEFORE)], Edit: [ran(BEFORE, 1)] };
		expect(await open({ run: 1, runData, top: 'Edit' })).toBeDefined();
		expect(await open({ run: 0 })).toBeUndefined();
		expect(await open({ run: 2, runData, top: 'Edit' })).toBeDefined();
	});

	test('asks again where that could not be read', async () => {
		const { open, kept } = execution();
		kept.broken = true;
		await expect(open({ runData: killed })).rejects.toThrow('The database is locked');
		kept.broken = false;
		expect(await open({ runData: killed })).toBeDefined();
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
		const runData = { Hook: [ran(BEFORE)], Edit: [ran(BEFORE)] };
		const unseen = await open({ run: 1, runData, top: 'Edit' });
		expect(unseen?.since).toBeGreaterThanOrEqual(before);
	});

	test('looks from the first kill on where there were two', async () => {
		const { open } = execution();
		await open({ mode: 'webhook', id: '1' });
		const runData = { Hook: [ran(BEFORE)], Edit: [ran(BEFORE)] };
		const first = await open({ run: 1, runData, top: 'Edit' });
		const second = await open({ id: '3', run: 2, runData, top: 'Edit' });
		expect(second?.since).toBe(first?.since);
		expect(await open({ id: '3', run: 1, runData, top: 'Edit' })).toEqual(second);
	});

	test('is not looked for in executions that are no retries', async () => {
		const { open, kept } = execution();
		expect(await open({ mode: 'webhook', runData: killed })).toBeUndefined();
		expect(kept.reads).toBe(0);
	});
});
