import type { IBinaryData, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { Billing } from '../billing/price';
import type { DashScopeClient } from '../dashscope/client';
import type { Outcome } from '../tasks/outcome';
import type { TaskPorts } from '../tasks/ports';
import type { Memory, RunSettings, TaskRequest } from '../tasks/run';
import { toError } from '../thrown';
import { n8nPorts } from './bindPorts';
import { joinPieces } from './clips';
import type { ItemFailure } from './failures';
import { handOn } from './handOn';
import type { ItemOutput, SettledItem } from './handOn';
import { couldNotSuspend, namingTasksOf } from './leftTasks';
import { countTry, memoryOf } from './nodeMemory';
import { suspendedFailure } from './suspend/payload';
import type { SuspendedItem } from './suspend/payload';
import { suspend } from './suspend/start';

/**
 * An item whose fields and files have been read and checked.
 * @typeParam Request what the run is given for it
 */
export interface ReadyItem<Request = TaskRequest> {
	request: Request;
	output: ItemOutput;
}

/** A run of an operation that has tasks made, or waits for them. */
export interface ItemsRun<Request> {
	client: DashScopeClient;
	billing: Billing;
	settings: Omit<RunSettings, 'retries'>;
	/** For the user, when the execution could not be suspended as wished. */
	hint?: string;
	/**
	 * Reads and checks everything about one item; nothing is sent. An item whose video is edited in pieces gives several.
	 * @throws InputError naming field, value and limit
	 */
	readItem(item: number): Promise<Array<ReadyItem<Request>>>;
	/**
	 * A last look at the run as a whole, when all items have been read and nothing has been sent.
	 * @throws InputError that concerns all of them
	 */
	approve?(): void;
	/** @returns one outcome per request, in order */
	run(
		requests: Request[],
		ports: TaskPorts<IBinaryData>,
		memory: Memory,
		settings: RunSettings,
	): Promise<Array<Outcome<IBinaryData>>>;
}

type RunItem = { output: ItemOutput; outcome: Outcome<IBinaryData> };

/**
 * Reads and checks all items before anything is uploaded or billed, runs them together, and returns each with its own
 * outcome.
 * @throws NodeApiError or NodeOperationError when an item failed, and what `approve` throws, where the node is to stop then;
 * StoppedError after Stop
 */
export async function runItems<Request>(
	functions: IExecuteFunctions,
	{ client, billing, settings: given, hint, readItem, approve, run }: ItemsRun<Request>,
): Promise<INodeExecutionData[]> {
	const settings: RunSettings = { ...given, retries: countTry(functions) };
	const { ready, failures } = await readItems(functions, readItem);
	const [first] = ready;
	if (first === undefined || (failures.length > 0 && !functions.continueOnFail())) {
		return handOn(functions, billing, failures, []);
	}
	const refused = refusedItems(functions, ready, approve);
	if (refused.length > 0) return handOn(functions, billing, [...failures, ...refused], []);

	if (hint !== undefined) {
		functions.addExecutionHints({ message: hint, location: 'outputPane' });
		// n8n's second engine shows no hints.
		functions.logger.info(hint);
	}
	const outcomes = await run(
		ready.map(({ request }) => request),
		n8nPorts(functions, client, first.output.maxResultBytes),
		memoryOf(functions),
		settings,
	);
	const items = outcomes.flatMap((outcome, index) => {
		const output = ready[index]?.output;
		return output === undefined ? [] : [{ output, outcome }];
	});
	const settled = items.filter(isSettled);
	const leave = async (all: SettledItem[]) =>
		handOn(functions, billing, failures, await joinPieces(functions, all));
	// n8n does not run this node again after a suspension has failed: what fails before it fails at once, so that a
	// retry submits it again and finds the tasks of the others.
	const failsNow =
		settled.some(({ outcome }) => outcome.state === 'failed') && !functions.continueOnFail();
	if (settled.length === items.length || failsNow) return await leave(items.map(notAwaited));
	try {
		return await suspend(
			functions,
			toSuspend(items, failures, first.output),
			settings,
			billing.currency,
		);
	} catch (thrown) {
		// The tasks were submitted all the same: the error of each item names its own.
		const left = items.flatMap(({ output, outcome }): SettledItem[] => {
			if (outcome.state !== 'open') return [];
			const error = couldNotSuspend(outcome.job.taskId, toError(thrown));
			return [{ output, outcome: { state: 'failed', error } }];
		});
		return await leave([...settled, ...left]);
	}
}

/** Reads all items, and those that cannot be as failures. */
async function readItems<Request>(
	functions: IExecuteFunctions,
	readItem: ItemsRun<Request>['readItem'],
): Promise<{ ready: Array<ReadyItem<Request>>; failures: ItemFailure[] }> {
	const ready: Array<ReadyItem<Request>> = [];
	const failures: ItemFailure[] = [];
	for (const item of functions.getInputData().keys()) {
		try {
			ready.push(...(await readItem(item)));
		} catch (error) {
			failures.push({ item, error: namingTasksOf(functions, item, toError(error)) });
		}
	}
	return { ready, failures };
}

/**
 * All items as failures if the run as a whole is refused; none otherwise.
 * @throws what refuses the run where the node is to stop then
 */
function refusedItems(
	functions: IExecuteFunctions,
	ready: Array<ReadyItem<unknown>>,
	approve: ItemsRun<unknown>['approve'],
): ItemFailure[] {
	try {
		approve?.();
		return [];
	} catch (thrown) {
		const error = toError(thrown);
		if (!functions.continueOnFail()) throw error;
		const items = new Set(ready.map(({ output: { item } }) => item));
		return [...items].map((item) => ({ item, error: namingTasksOf(functions, item, error) }));
	}
}

/** An item that leaves the node now: a task that is still under way has only been submitted then. */
function notAwaited({ output, outcome }: RunItem): SettledItem {
	if (outcome.state !== 'open') return { output, outcome };
	return { output, outcome: { state: 'submitted', job: outcome.job } };
}

function isSettled(item: RunItem): item is RunItem & SettledItem {
	return item.outcome.state !== 'open';
}

/**
 * Everything that has to wait together: open tasks, and the items that are done or failed before them.
 * @param template for the output of items that were refused before they had one
 */
function toSuspend(items: RunItem[], failures: ItemFailure[], template: ItemOutput) {
	const suspended = items.flatMap(({ output, outcome }) => {
		const video = outcome.state === 'finished' ? outcome.video : undefined;
		const state = stateOf(outcome);
		return state === undefined ? [] : [{ edit: { output, state }, video }];
	});
	const refused = failures.map((failure) => ({
		edit: {
			output: { ...template, item: failure.item, clip: undefined },
			state: suspendedFailure(failure),
		},
		video: undefined,
	}));
	return [...suspended, ...refused].sort((a, b) => a.edit.output.item - b.edit.output.item);
}

function stateOf(outcome: Outcome<IBinaryData>): SuspendedItem['state'] | undefined {
	switch (outcome.state) {
		case 'open':
			return outcome;
		case 'finished': {
			const { job, task, duplicates } = outcome;
			return { state: 'finished', job, task, duplicates };
		}
		case 'failed':
			return suspendedFailure(outcome, outcome.task);
		case 'submitted':
			// Tasks that are not waited for are never handed back unfinished.
			return undefined;
	}
}
