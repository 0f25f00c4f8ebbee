import { createHash } from 'crypto';
import type { IExecuteFunctions, INode, INodeParameters } from 'n8n-workflow';
import { isRecord } from '../dashscope/json';
import { keysOfItem } from '../tasks/identity';
import type { ItemStore } from '../tasks/identity';
import { Ledger } from '../tasks/ledger';
import type { LedgerStore, SentEntry, Unseen } from '../tasks/ledger';
import type { Memory } from '../tasks/run';
import type { LoopMemory } from '../tasks/suspended';
import type { UploadStore } from '../tasks/uploads';
import { lastingId } from './binary';
import { runsBeforeKill } from './killedTry';
import { STATE_VERSION, isKnownVersion, unreadableState } from './savedState';
import { isTool } from './tool';

/** The task list goes back a day; what is older can neither be seen nor fetched. An hour less leaves time to look. */
const LISTED_MS = 23 * 3_600_000;

/**
 * What this node has submitted and uploaded in this execution. Lives in the node's context, the one object that
 * n8n keeps over all tries and runs of a node and saves with the execution.
 */
interface NodeMemory {
	version?: number;
	ledger: LedgerStore;
	uploads: UploadStore;
	items?: ItemStore;
	tries?: number[];
	/** How often n8n has tried each run. */
	counts?: Record<string, number>;
	/** Of a node that an agent calls: the runs of the calls that failed, by their recipe. Version 0.1.0 kept one of each. */
	failedCalls?: Record<string, number | number[]>;
	/** Of a suspended wait: looks in a row that could not be made. */
	missed?: number;
	/** Of a suspended wait: its next turn is to sleep. */
	pause?: Pause;
	/** When the latest run began that is remembered. Epoch milliseconds. */
	begunAt?: number;
	/** The latest execution by "Retry execution" that has asked whether n8n had ended in a try before. */
	retry?: string;
	killed?: KilledTry;
}

/** A sleep of a suspended wait. */
interface Pause {
	/** Whether it is to be woken when its tasks have ended. */
	wake: boolean;
}

/** A try that n8n did not survive. */
interface KilledTry extends Unseen {
	/** The first run that it may have begun. */
	from: number;
}

function isNodeMemory(value: unknown): value is NodeMemory {
	return (
		isRecord(value) &&
		isKnownVersion(value) &&
		isRecord(value.ledger) &&
		Object.values(value.ledger).every((entry) => isRecord(entry) && 'state' in entry) &&
		isRecord(value.uploads) &&
		(value.items === undefined || isRecord(value.items)) &&
		(value.tries === undefined || Array.isArray(value.tries)) &&
		(value.counts === undefined || isRecord(value.counts)) &&
		(value.failedCalls === undefined || isRecord(value.failedCalls)) &&
		(value.killed === undefined || isRecord(value.killed))
	);
}

/** Whether the node's memory is one that this version of the package understands, or is still to be made. */
export function hasReadableMemory(functions: IExecuteFunctions): boolean {
	const kept: unknown = functions.getContext('node').wanVideoEdit;
	return kept === undefined || isNodeMemory(kept);
}

/**
 * Begins the memory before anything can fail, so that a node that began can be told from one that did not. When an
 * execution is retried, it finds out whether n8n may have ended in a try before, which is not remembered then.
 * @throws NodeOperationError for a memory that cannot be read
 */
export async function openMemory(functions: IExecuteFunctions): Promise<void> {
	const memory = nodeMemory(functions);
	const counts = (memory.counts ??= {});
	const run = runIndexOf(functions);
	const id = functions.getExecutionId();
	const asked = functions.getMode() !== 'retry' || memory.retry === id;
	// Whether one retry more was killed in between cannot be seen where the try before it is remembered.
	if (!asked && counts[run] === undefined) await noteKilled(functions, memory, run);
	if (functions.getMode() === 'retry') memory.retry = id;
	memory.begunAt = Date.now();
	counts[run] ??= 0;
}

async function noteKilled(
	functions: IExecuteFunctions,
	memory: NodeMemory,
	run: number,
): Promise<void> {
	const saved = await functions.getExecutionDataById(functions.getExecutionId());
	const { name } = functions.getNode();
	const runs = saved === undefined ? 'all' : runsBeforeKill(saved, name, performance.timeOrigin);
	if (runs === undefined) return;
	const until = Date.now();
	const since = Math.max(memory.begunAt ?? 0, beganAt(functions) ?? 0, until - LISTED_MS);
	const from = runs === 'next' ? run : 0;
	// It may have been killed before, too, in a run before this one.
	const { killed = { since, from } } = memory;
	memory.killed = {
		since: Math.min(killed.since, since),
		until,
		from: Math.min(killed.from, from),
	};
}

/** When the execution began that is retried. Epoch milliseconds; undefined where that is not known. */
function beganAt(functions: IExecuteFunctions): number | undefined {
	const { source, establishedAt } = functions.getExecutionContext() ?? {};
	// Made by the retry, it says nothing about the try before.
	return source === 'retry' ? undefined : establishedAt;
}

/**
 * The memory of this node, with the ledger opened at a run.
 * @param run the one under way, unless all runs are to share their entries
 */
export function memoryOf(
	functions: IExecuteFunctions,
	run = runIndexOf(functions),
): LoopMemory & Memory {
	const memory = nodeMemory(functions);
	memory.tries ??= [];
	memory.items ??= {};
	const { killed } = memory;
	return {
		unseen: killed !== undefined && run >= killed.from ? killed : undefined,
		retriedSince:
			functions.getMode() === 'retry' ? (beganAt(functions) ?? Date.now() - LISTED_MS) : undefined,
		items: memory.items,
		ledger: new Ledger(memory.ledger, run),
		uploads: memory.uploads,
		tries: memory.tries,
	};
}

/**
 * Fields and options that say how a run goes and what leaves it: an item whose user changes one of them, as an error
 * may advise, asks for the same as before.
 */
const NOT_ASKED = [
	'waiting',
	'download',
	'outputField',
	'lostSubmission',
	'maxResultSize',
	'pollInterval',
	'price1080P',
	'price720P',
	'pricePerSecond',
	'resubmitFailed',
	'simplify',
	'spendingLimit',
	'timeout',
	'transfers',
];

function askedBy({ options, ...fields }: INodeParameters): unknown {
	const all = { ...fields, ...(isRecord(options) ? options : { options }) };
	return Object.entries(all)
		.filter(([name, value]) => value !== undefined && !NOT_ASKED.includes(name))
		.sort();
}

/**
 * What the request of an item is made from: the input item, and the node's settings before their expressions are
 * evaluated. While that stays the same, an item of a later try is the same as before, whatever its expressions give.
 */
export function recipeOf(functions: IExecuteFunctions, item: number): string {
	const { parameters } = functions.getNode();
	const { json, binary = {} } = functions.getInputData()[item] ?? {};
	const files = Object.entries(binary).map(([field, { id, fileName, fileSize }]) => [
		field,
		id === undefined ? undefined : lastingId(id),
		fileName,
		fileSize,
	]);
	// An agent that repeats a call gives it another number.
	const given = json && { ...json, toolCallId: undefined };
	const made = JSON.stringify([askedBy(parameters), given, files]);
	return createHash('sha256').update(made).digest('hex').slice(0, 32);
}

/** How often Retry On Fail runs a node again. The limits are those of n8n 2.41.1. */
export function retriesOf({ retryOnFail, maxTries }: INode): number {
	return retryOnFail === true ? Math.min(5, Math.max(2, maxTries || 3)) - 1 : 0;
}

/**
 * Counts a try of the node's run.
 * @returns how often Retry On Fail would run it again after this one; "Retry execution" starts from the beginning
 */
export function countTry(functions: IExecuteFunctions): number {
	const retries = retriesOf(functions.getNode());
	const memory = nodeMemory(functions);
	const counts = (memory.counts ??= {});
	const run = runIndexOf(functions);
	const before = counts[run] ?? 0;
	counts[run] = before + 1;
	return retries - (before % (retries + 1));
}

/** Notes whether a look of the suspended wait could be made. @returns those in a row that could not */
export function countMissed(functions: IExecuteFunctions, missed: boolean): number {
	const memory = nodeMemory(functions);
	memory.missed = missed ? (memory.missed ?? 0) + 1 : 0;
	return memory.missed;
}

/** Notes that the next turn of the suspended wait is to sleep. */
export function notePause(functions: IExecuteFunctions, pause: Pause): void {
	nodeMemory(functions).pause = pause;
}

/** The sleep that the turn before has left to this one, once. */
export function takePause(functions: IExecuteFunctions): Pause | undefined {
	const memory = nodeMemory(functions);
	const { pause } = memory;
	delete memory.pause;
	return pause;
}

/** What a run has submitted over all its tries. */
export interface TasksOfRun {
	taskIds: string[];
	/** Submissions that may each have created one task more. */
	lost: SentEntry[];
	/** When the try under way began. Epoch milliseconds. */
	begunAt?: number;
}

/** What the run under way has submitted over all its tries; nothing where the memory cannot be read. */
export function tasksOfRun(functions: IExecuteFunctions): TasksOfRun {
	if (!hasReadableMemory(functions)) return { taskIds: [], lost: [] };
	const { ledger, begunAt } = nodeMemory(functions);
	return { ...new Ledger(ledger, runIndexOf(functions)).ofRun(), begunAt };
}

/** IDs of an item's tasks, as far as an earlier try has noted them; none where the memory cannot be read. */
export function tasksOfItem(functions: IExecuteFunctions, item: number): string[] {
	if (!hasReadableMemory(functions)) return [];
	const { ledger, items = {} } = nodeMemory(functions);
	return keysOfItem(items, runIndexOf(functions), item).flatMap((key) => {
		const entry = ledger[key];
		return entry?.state === 'submitted' ? [entry.taskId] : [];
	});
}

/**
 * @throws NodeOperationError for a memory that cannot be read: if it were taken for empty, tasks could be paid for
 * twice
 */
function nodeMemory(functions: IExecuteFunctions): NodeMemory {
	const context = functions.getContext('node');
	const kept: unknown = context.wanVideoEdit ?? { ledger: {}, uploads: {} };
	if (!isNodeMemory(kept)) throw unreadableState(functions.getNode(), [kept]);
	kept.version = STATE_VERSION;
	context.wanVideoEdit = kept;
	return kept;
}

/**
 * Notes how a call by an agent ended. Each call is a run of its own, and so is each try of one that the agent makes
 * itself; a run that asks for the same as one that failed goes on with its tasks.
 */
export function noteCall(functions: IExecuteFunctions, failed: boolean): void {
	if (!isTool(functions) || !hasReadableMemory(functions)) return;
	// Asked for in any case: it makes the call take over the run of an equal one that failed.
	const run = runIndexOf(functions);
	if (!failed) return;
	const recipe = recipeOf(functions, 0);
	const calls = (nodeMemory(functions).failedCalls ??= {});
	calls[recipe] = [...failedRuns(calls[recipe]), run];
}

/**
 * The run that each call by an agent goes on with, found out once: equal calls beside it may fail meanwhile. n8n makes
 * these functions for each call.
 */
const runsOfCalls = new WeakMap<IExecuteFunctions, number>();

/** Number of the node's run within the execution: a loop runs it several times, a retry repeats a run. */
function runIndexOf(functions: IExecuteFunctions): number {
	if (!isTool(functions)) return ownRunOf(functions);
	const known = runsOfCalls.get(functions);
	if (known !== undefined) return known;
	const run = takeFailedRun(functions) ?? ownRunOf(functions);
	runsOfCalls.set(functions, run);
	return run;
}

/** The run of an equal call that failed, for one call to go on with. */
function takeFailedRun(functions: IExecuteFunctions): number | undefined {
	const { failedCalls = {} } = nodeMemory(functions);
	const recipe = recipeOf(functions, 0);
	const [run, ...others] = failedRuns(failedCalls[recipe]);
	if (others.length === 0) delete failedCalls[recipe];
	else failedCalls[recipe] = others;
	return run;
}

function failedRuns(kept: number | number[] = []): number[] {
	return typeof kept === 'number' ? [kept] : kept;
}

function ownRunOf(functions: IExecuteFunctions): number {
	const index: unknown = functions.getWorkflowDataProxy(0).$runIndex;
	return typeof index === 'number' ? index : 0;
}
