/** What becomes of a request: the task that stands for it, and how that ended. */
import { DashScopeError } from '../dashscope/errors';
import type { CreateCall, Task } from '../dashscope/types';
import { messageOf } from '../thrown';
import type { Duplicate } from './duplicates';
import { TaskError } from './errors';
import type { SentEntry, SubmittedEntry } from './ledger';

/** A task that stands for a request. */
export interface TaskRef {
	taskId: string;
	/** Epoch milliseconds. */
	submittedAt: number;
	requestId?: string;
	/** Submitted by an earlier try of this execution. */
	known: boolean;
	/** Found in the task list: its submission got no usable answer, or is not remembered. */
	adopted: boolean;
	/** The request ID of the submission proved it, or the record of tasks. */
	proven?: boolean;
}

/** The task that the ledger has for a request. */
export function refOf(entry: SubmittedEntry): TaskRef {
	const { taskId, submittedAt, requestId, adopted = false, proven } = entry;
	return { taskId, submittedAt, requestId, known: false, adopted, proven };
}

/** A task that is still under way, with what is needed to go on with it later. Plain JSON. */
export interface OpenTask {
	state: 'open';
	job: TaskRef;
	/** '' where it is not known. */
	model: string;
	prompt?: string;
	download: boolean;
	/** When the wait for the task began, in epoch milliseconds, and how long it may last. */
	since: number;
	timeoutMs: number;
	/** To submit it anew if it fails; absent where that is not wanted. */
	again?: CreateCall & { times: number };
	/** Its submissions that were taken for not done, or risked again: second tasks may turn up. */
	lost?: SentEntry[];
	/** Submitted elsewhere: this execution only waits for it, and must not cancel it. */
	awaited?: true;
}

/** What became of one item whose task is not under way any more. */
export type Settled<Video> =
	| { state: 'finished'; job: TaskRef; task: Task; video?: Video; duplicates?: Duplicate[] }
	| { state: 'failed'; error: TaskError; job?: TaskRef; task?: Task };

/** A task that is not waited for. */
export interface SubmittedTask {
	state: 'submitted';
	job: TaskRef;
	duplicates?: Duplicate[];
}

export type Outcome<Video> = Settled<Video> | OpenTask | SubmittedTask;

/** An item's outcome that names the second tasks that were found for it. */
export function withDuplicates<Video>(
	outcome: Settled<Video>,
	duplicates: Duplicate[],
): Settled<Video> {
	if (duplicates.length === 0) return outcome;
	if (outcome.state === 'finished') return { ...outcome, duplicates };
	const { message, hint, details } = outcome.error;
	const ids = duplicates.flatMap(({ taskId }) => taskId ?? []);
	const named = ids.length === 0 ? details : { ...details, duplicateTaskIds: ids.join(', ') };
	const why = [hint, duplicatesSentence(duplicates)].filter((text) => text).join(' ');
	return { ...outcome, error: new TaskError(message, why, named) };
}

/** What to tell the user about second tasks. */
export function duplicatesSentence(duplicates: Duplicate[]): string {
	return duplicates
		.map(({ taskId, cancelled, certain }) => {
			if (taskId === undefined) {
				return 'A second task may have been created: the task list could not be read.';
			}
			if (cancelled) return `A second task ${taskId} was created and has been canceled.`;
			return certain
				? `A second task ${taskId} was created and is billed if it succeeds.`
				: `Task ${taskId} may be a second one of this item.`;
		})
		.join(' ');
}

/** Everything that can go wrong for an item, as one kind of error that knows the task. */
export function failureOf(error: unknown, job?: TaskRef): TaskError {
	if (error instanceof TaskError) return error;
	const taskId = job?.taskId;
	if (error instanceof DashScopeError) {
		const { message, hint, code, requestId, httpStatus } = error;
		return new TaskError(message, hint, { taskId, code, requestId, httpStatus });
	}
	return new TaskError(messageOf(error), undefined, { taskId });
}
