/** What the loop of a suspended execution is given, as items of plain JSON. */
import { NodeOperationError } from 'n8n-workflow';
import type { IBinaryData, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { Currency } from '../../billing/price';
import { isRecord } from '../../dashscope/json';
import type { JsonRecord, Task } from '../../dashscope/types';
import type { Duplicate } from '../../tasks/duplicates';
import { TaskError } from '../../tasks/errors';
import type { FailureDetails } from '../../tasks/errors';
import type { OpenTask, TaskRef } from '../../tasks/outcome';
import type { LoopSettings } from '../../tasks/suspended';
import { factsOf } from '../failures';
import type { ItemFailure } from '../failures';
import type { ItemOutput, SettledItem } from '../handOn';
import { hasReadableMemory } from '../nodeMemory';
import { STATE_VERSION, isKnownVersion, unreadableState } from '../savedState';

/** The wait as one item sees it, from the submission to the loop's end. */
export interface SuspendedItem {
	output: ItemOutput;
	state: OpenTask | SuspendedVideo | SuspendedFailure;
}

interface SuspendedVideo {
	state: 'finished';
	job: TaskRef;
	task: Task;
	duplicates?: Duplicate[];
}

interface SuspendedFailure {
	state: 'failed';
	message: string;
	hint?: string;
	details: FailureDetails;
	task?: Task;
}

/** An item, and the video of one that was finished before. */
export interface ItemToSuspend {
	edit: SuspendedItem;
	video?: IBinaryData;
}

/** What is the same for all items. */
export interface SuspendedRun {
	/** The execution that waits; looked at to find out that it was stopped. */
	parentExecutionId: string;
	/** It, and those that wait for it and can be stopped as well. Absent in waits that version 0.1.0 began. */
	callers?: string[];
	/** What the user set for the case that an item fails. */
	continueOnFail: boolean;
	settings: LoopSettings;
	/** Of the estimated costs; absent in waits that version 0.1.0 began. */
	currency?: Currency;
	/** The loop goes on with interrupted items, too. Absent in waits that version 0.1.0 began. */
	passesInterrupted?: true;
}

/** Of waits that version 0.1.0 began. */
interface OldSettings extends Omit<LoopSettings, 'lostSubmission'> {
	resubmitLost: boolean;
}

/** The json of each item. */
interface LoopPayload extends Omit<SuspendedRun, 'settings'> {
	version?: number;
	settings: LoopSettings | OldSettings;
	edit: SuspendedItem;
}

/**
 * Whether the loop ends with an item: not with what it is given or woken with, nor with what {@link whileWaiting} has
 * marked.
 */
export const IS_FINISHED =
	'={{ $json.waiting !== true && $json.interrupted !== true && $json.details?.interrupted !== true }}';

/**
 * Items that are handed on only if n8n is killed; until then the loop goes on with them. n8n sends an error to the error
 * output only if its json has nothing beside `error` and `details`.
 */
export function whileWaiting(items: INodeExecutionData[]): INodeExecutionData[] {
	return items.map(({ json, ...item }) => {
		const interrupted = true;
		const { error, details } = json;
		if (error === undefined) return { ...item, json: { ...json, interrupted } };
		const marked = { ...(isRecord(details) ? details : {}), interrupted };
		return { ...item, json: { error, details: marked } };
	});
}

/** What the loop is given: all items together. */
export function loopItems(items: ItemToSuspend[], run: SuspendedRun): INodeExecutionData[] {
	return items.map(({ edit, video }) => {
		const wanVideoEdit: LoopPayload = { version: STATE_VERSION, edit, ...run };
		return {
			json: { waiting: true, wanVideoEdit },
			...(video === undefined ? {} : { binary: { video } }),
			pairedItem: { item: edit.output.item },
		};
	});
}

/** What the check of the loop reads. */
export interface Suspended extends SuspendedRun {
	items: SuspendedItem[];
	videos: Array<IBinaryData | undefined>;
	maxResultBytes: number;
}

/**
 * Reads the items that the loop was given.
 * @throws NodeOperationError that names every task in them if they, or the loop's memory, cannot be read
 */
export function readSuspended(functions: IExecuteFunctions): Suspended {
	const input = givenItems(functions);
	const payloads = input.map(({ json }): unknown => json.wanVideoEdit);
	if (!payloads.some((payload) => payload !== undefined)) {
		throw new NodeOperationError(
			functions.getNode(),
			'This step belongs to the wait of an edit and cannot be used on its own',
			{ description: "Use 'Task: Get Status' to get a task." },
		);
	}
	const readable = payloads.filter(isLoopPayload);
	const [first] = readable;
	if (first === undefined || readable.length !== payloads.length || !hasReadableMemory(functions)) {
		throw unreadableState(functions.getNode(), [payloads, functions.getContext('node')]);
	}
	const { parentExecutionId, callers, continueOnFail, settings, currency, passesInterrupted } =
		first;
	return {
		items: readable.map(({ edit }) => edit),
		videos: input.map(({ binary }) => binary?.video),
		parentExecutionId,
		callers,
		continueOnFail,
		settings: isOld(settings)
			? { ...settings, lostSubmission: settings.resubmitLost ? 'resubmit' : 'lookUp' }
			: settings,
		currency,
		passesInterrupted,
		maxResultBytes: first.edit.output.maxResultBytes,
	};
}

/**
 * Whether a node that is no check of a wait was given what such a check is given: n8n's "Retry with currently saved
 * workflow" of the wait's own execution puts the user's node in its place.
 * @throws NodeOperationError that names the tasks
 */
export function refuseLoopItems(functions: IExecuteFunctions): void {
	const edits = functions
		.getInputData()
		.flatMap(({ json: { waiting, wanVideoEdit } }) =>
			waiting === true && isLoopPayload(wanVideoEdit) ? [wanVideoEdit.edit.state] : [],
		);
	const [first] = edits;
	if (first === undefined) return;
	const ids = edits.flatMap((state) => ('job' in state ? [state.job.taskId] : []));
	throw new NodeOperationError(
		functions.getNode(),
		'This execution is only the wait of another one and cannot be retried with the saved workflow',
		{
			description: `Its tasks are ${ids.join(', ')}: get their videos with 'Task: Get Status' within 24 hours of their submission.`,
		},
	);
}

function isOld(settings: LoopSettings | OldSettings): settings is OldSettings {
	return 'resubmitLost' in settings;
}

/** The step of the loop that its items come from. Waits that version 0.1.0 began have it as well. */
export function firstStepOf(check: string): string {
	return `${check}: Tasks Submitted`;
}

/** What the loop was given. The check's own input is that, or nothing of it where the loop was woken. */
function givenItems(functions: IExecuteFunctions): INodeExecutionData[] {
	try {
		return functions.getWorkflowDataProxy(0).$items(firstStepOf(functions.getNode().name), 0, 0);
	} catch {
		return functions.getInputData();
	}
}

function isLoopPayload(value: unknown): value is LoopPayload {
	return (
		isRecord(value) &&
		isKnownVersion(value) &&
		typeof value.parentExecutionId === 'string' &&
		typeof value.continueOnFail === 'boolean' &&
		isRecord(value.settings) &&
		typeof value.settings.retries === 'number' &&
		typeof value.settings.transfers === 'number' &&
		isRecord(value.edit) &&
		isRecord(value.edit.output) &&
		typeof value.edit.output.item === 'number' &&
		typeof value.edit.output.field === 'string' &&
		typeof value.edit.output.maxResultBytes === 'number' &&
		isRecord(value.edit.output.prices) &&
		(value.edit.output.clip === undefined || isClip(value.edit.output.clip)) &&
		isRecord(value.edit.state) &&
		isItemState(value.edit.state)
	);
}

function isClip(clip: unknown): boolean {
	return (
		isRecord(clip) &&
		[clip.number, clip.of, clip.from, clip.to].every((value) => typeof value === 'number')
	);
}

function isItemState(state: JsonRecord): boolean {
	switch (state.state) {
		case 'open':
			return (
				isJob(state.job) &&
				typeof state.model === 'string' &&
				typeof state.since === 'number' &&
				typeof state.timeoutMs === 'number'
			);
		case 'finished':
			return isJob(state.job) && isRecord(state.task) && typeof state.task.taskId === 'string';
		case 'failed':
			return typeof state.message === 'string' && isRecord(state.details);
		default:
			return false;
	}
}

function isJob(job: unknown): boolean {
	return isRecord(job) && typeof job.taskId === 'string' && typeof job.submittedAt === 'number';
}

/** An item whose task ended, or was never created, before the execution was suspended. */
export function suspendedFailure({ error }: Pick<ItemFailure, 'error'>, task?: Task) {
	const { hint, details } = factsOf(error);
	return { state: 'failed' as const, message: error.message, hint, details, task };
}

/** An item that was settled before, as it would have left the node. */
export function revive({ output, state }: SuspendedItem, video?: IBinaryData): SettledItem[] {
	if (state.state === 'open') return [];
	if (state.state === 'finished') return [{ output, outcome: { ...state, video } }];
	const { message, hint, details, task } = state;
	return [
		{ output, outcome: { state: 'failed', error: new TaskError(message, hint, details), task } },
	];
}
