/** What users read when a submission came to nothing, or when it is unknown what it came to. Pure. */
import type { DashScopeError } from '../dashscope/errors';
import type { ListedTask } from '../dashscope/types';
import { NotTakenError, TaskError } from './errors';
import type { SentEntry } from './ledger';

const MINUTE_MS = 60_000;

/**
 * The service took nothing, and will not.
 * @param risked submissions before it that may each have created a task
 */
export function refusal(failure: DashScopeError, risked: number, Kind = TaskError): TaskError {
	const { message, code, requestId, httpStatus } = failure;
	const hint = risked === 0 ? failure.hint : `${failure.hint ?? ''} ${mayBeBilled(risked)}`.trim();
	return new Kind(message, hint, { code, requestId, httpStatus });
}

/**
 * No submission was taken in all the time that the user set.
 * @param risked submissions that may each have created a task all the same; of the others the list showed that none did
 */
export function notTaken(failures: DashScopeError[], waitedMs: number, risked: number): TaskError {
	const last = failures.at(-1);
	const minutes = Math.max(1, Math.round(waitedMs / MINUTE_MS));
	const time = `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
	const tries = `${failures.length} ${failures.length === 1 ? 'attempt' : 'attempts'}`;
	const overloaded = last === undefined || last.kind === 'answered';
	const what = overloaded ? 'DashScope was overloaded' : 'No submission got through';
	const none = risked > 0 ? '' : '; the task list shows that none was created';
	const nothing = risked > 0 ? '' : '; nothing was submitted';
	return new NotTakenError(
		last === undefined
			? `${what} for ${time}${nothing}`
			: `${what} for ${time}, ${tries} (${last.message})${none}`,
		risked > 0
			? `${mayBeBilled(risked)} Look at the account's tasks with 'Task: Get Many' before you run the node again.`
			: "Nothing is billed. Run the node again later, or raise the option 'Timeout'.",
		{ code: last?.code, requestId: last?.requestId, httpStatus: last?.httpStatus },
	);
}

/** What was risked by submitting again. @param risked submissions without an answer, each of which may have made a task */
function mayBeBilled(risked: number): string {
	return risked === 1
		? 'A task may have been created by a submission that got no response, and may be billed.'
		: `Up to ${risked} tasks may have been created and may be billed.`;
}

export interface Unknown {
	model: string;
	/** All submissions of the request that may have created a task. */
	lost: SentEntry[];
	candidates: ListedTask[];
	failure?: DashScopeError;
	/** Why the task list could not be read. */
	trouble?: string;
	/** The task list does not go back to all of them. */
	tooOld?: boolean;
	/** The user wants them repeated, and that was done as often as it is. */
	repeated?: boolean;
}

/** A day may have many. */
const MOST_NAMED = 20;

function named(tasks: ListedTask[]): string {
	const newest = [...tasks].sort((a, b) => (b.createdAt ?? Infinity) - (a.createdAt ?? Infinity));
	const ids = newest.slice(0, MOST_NAMED).map(({ taskId }) => taskId);
	const more = tasks.length - ids.length;
	return more === 0 ? ids.join(', ') : `${ids.join(', ')} and ${more} older ones`;
}

/** Nobody can tell whether a task was created: names the time, the tasks that it may be, and what to do. */
export function outcomeUnknown(
	{ model, lost, candidates, failure, trouble, tooOld = false, repeated = false }: Unknown,
	Kind = TaskError,
): TaskError {
	const iso = (time: number) => new Date(time).toISOString();
	const from = iso(Math.min(...lost.map(({ since }) => since)));
	const to = iso(Math.max(...lost.map(({ since, until = since }) => until)));
	const ids = candidates.map(({ taskId }) => taskId).join(', ');
	const shown =
		ids === '' ? 'The task list shows none' : `The task list shows ${named(candidates)}`;
	const listed = tooOld ? `${shown}, but goes back only 24 hours` : shown;
	const before = ids === '' ? '' : `, after it had shown ${named(candidates)}`;
	const unread = `The task list could not be read${before}: ${trouble}`;
	const found = trouble === undefined ? listed : unread;
	const one = lost.length === 1;
	const between = `between ${from} and ${to}`;
	const answers = one
		? `no usable response to the ${model} submission sent ${between}`
		: `no usable response to ${lost.length} ${model} submissions sent ${between}`;
	const isRecorded = lost.some(({ recorded }) => recorded !== undefined);
	const what = isRecorded
		? `an earlier try of this execution submitted this ${model} task ${between}`
		: lost.some(({ unseen }) => unseen)
			? `this execution was cut off, and may have submitted this ${model} task ${between}`
			: answers;
	const may = one
		? `A task ${isRecorded ? 'was' : 'may have been'} created and may be billed, so it was not submitted again.`
		: mayBeBilled(lost.length);
	const otherwise = repeated
		? 'run the workflow again with this item only: it was submitted as often as the node does that'
		: "choose 'Submit Again' in the option 'When a Submission Gets No Response', save, and choose 'Retry with currently saved workflow'. An execution that went on with this error, or failed while it was suspended, cannot be retried: run the workflow again with this item only";
	return new Kind(
		`Outcome unknown: ${what}${failure === undefined ? '' : ` (${failure.message})`}`,
		`${may} ${found}; look for it with 'Task: Get Many' or in the Model Studio console. If it is there, get its video with 'Task: Get Status'. If it is not, ${otherwise}.`,
		{
			code: failure?.code,
			requestId: failure?.requestId,
			httpStatus: failure?.httpStatus,
			submittedFrom: from,
			submittedTo: to,
			possibleTaskIds: ids || undefined,
		},
	);
}
