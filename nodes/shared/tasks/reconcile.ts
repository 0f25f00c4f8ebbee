/**
 * Was a task created by a submission that brought no usable answer, and which? Pure: judges what the task list shows.
 * docs/architecture.md says what evidence is enough, and why.
 */
import type { ListedTask, TaskStatus } from '../dashscope/types';

/** How long after a submission its task is listed at the latest, in milliseconds. A row may lag, and so may a gateway. */
export const LISTED_AFTER_MS = 60_000;

/** The service's clock is known to the second only, and the list need not go by the clock of the answers' headers. */
export const CLOCK_MARGIN_MS = 65_000;

/** Between two looks a list that lags may have come to show a task. */
const LAG_MARGIN_MS = 25_000;

/** A list that lacks a task of ours for longer will not show it. */
const MOST_LAG_MS = 5 * 60_000;

/** A gateway may store a task a while after it gave up on the answer. */
const LATE_MS = 30_000;

/** A task that ends like this is not billed and makes no video. */
export const FREE: TaskStatus[] = ['FAILED', 'CANCELED'];

/** A submission without a usable answer, on the service's clock. Epoch milliseconds. */
export interface LostSubmission {
	since: number;
	/** When it was known to be lost. */
	until: number;
	/** Of the error answer, if there was one with DashScope's own envelope. */
	requestId?: string;
	/** Of the API key that it was made with, where that is known. */
	keyId?: string;
}

/** Another submission without a usable answer. */
export interface OtherLost extends LostSubmission {
	/** Of the same request: its task would be this request's, too. */
	sameRequest?: boolean;
}

/** What is known when a lost submission is judged. */
export interface Evidence {
	rows: ListedTask[];
	/** That was asked for. A service behind a gateway may list the tasks of all, whatever the query says. */
	model: string;
	/** Successful reads of the list since the loss. */
	reads: number;
	/** From the loss to the last read. */
	elapsedMs: number;
	/** The list shows a task that this process submitted after the loss. */
	fresh: boolean;
	/** The list lacks a task that this process submitted, long enough ago. */
	stale: boolean;
	/** How long after its submission a task of this process was seen to be missing, beyond {@link LISTED_AFTER_MS}. */
	lagMs: number;
	/** The list goes back to the submission. */
	reaches: boolean;
	/** A task of our own has shown that rows carry the request ID of the create call. */
	listsRequestIds: boolean;
	/** Whether a task is known to be another submission's. */
	isTaken(taskId: string): boolean;
	/** Whether it stands for another request of this execution. */
	isClaimed(taskId: string): boolean;
	/** Whether it was surely submitted by another execution of this process. */
	isAnothers(taskId: string): boolean;
	/** The other submissions of this process that got no usable answer. */
	others: OtherLost[];
	/** Nobody but this process submits tasks with the account. */
	exclusive: boolean;
}

export type Verdict =
	| { is: 'ours'; task: ListedTask }
	/** No task was created: it may be submitted again. */
	| { is: 'absent' }
	/** The list may show more later. */
	| { is: 'undecided'; candidates: ListedTask[] }
	/** These may be its task or somebody else's, and nothing will tell. */
	| { is: 'unclear'; candidates: ListedTask[] };

/** Judges what a task list says about a lost submission. */
export function judge(lost: LostSubmission, evidence: Evidence): Verdict {
	const { rows, reads, elapsedMs, lagMs, fresh, stale, reaches, others, exclusive } = evidence;
	const exact = exactMatch(lost, rows);
	// A request ID that another execution's task has as well tells nothing.
	const misled = exact !== undefined && evidence.isAnothers(exact.taskId);
	// Another retry of the same execution may have it as well: it is this call's all the same.
	const claimed = misled || (exact !== undefined && evidence.isClaimed(exact.taskId));
	if (exact !== undefined && !claimed) return { is: 'ours', task: exact };

	const candidates = candidatesOf(lost, evidence);
	const [candidate] = candidates;
	const lag = stale || lagMs > 0 ? Math.min(lagMs, MOST_LAG_MS) + LAG_MARGIN_MS : 0;
	const settled = elapsedMs >= LISTED_AFTER_MS + lag;
	// What failed or was canceled costs nothing: whose it is makes no difference once nothing else can turn up.
	const harmless = settled && candidates.every(({ status }) => FREE.includes(status));
	if (candidate !== undefined) {
		const rival = others.some(
			(other) => other.sameRequest !== true && mayBelongTo(other, candidate),
		);
		const fits = (candidate.model ?? evidence.model) === evidence.model;
		if (exclusive && candidates.length === 1 && !rival && fits) {
			return { is: 'ours', task: candidate };
		}
		if (!harmless) return { is: settled ? 'unclear' : 'undecided', candidates };
	}
	if (!reaches || stale || misled) {
		return { is: settled && reads >= 2 ? 'unclear' : 'undecided', candidates };
	}
	// Only an answer is sure to be the end of its call; a call that was cut off may still be on its way.
	const enough = settled || (fresh && lost.requestId !== undefined);
	return enough && reads >= 2 ? { is: 'absent' } : { is: 'undecided', candidates };
}

/** The one row with the request ID of a submission. IDs that several rows share are no IDs. */
export function exactMatch(
	{ requestId }: Pick<LostSubmission, 'requestId'>,
	rows: ListedTask[],
): ListedTask | undefined {
	if (requestId === undefined) return undefined;
	const same = rows.filter((row) => row.requestId === requestId);
	return same.length === 1 ? same[0] : undefined;
}

/** The tasks that a lost submission may have created: nothing that is known excludes them. */
export function candidatesOf(
	lost: LostSubmission,
	{
		rows,
		isTaken,
		others,
		listsRequestIds,
	}: Pick<Evidence, 'rows' | 'isTaken' | 'others' | 'listsRequestIds'>,
): ListedTask[] {
	const othersTasks = others.flatMap((other) => exactMatch(other, rows) ?? []);
	return rows.filter((row) => {
		const hasOtherId =
			listsRequestIds &&
			lost.requestId !== undefined &&
			row.requestId !== undefined &&
			row.requestId !== lost.requestId;
		return (
			!hasOtherId && !isTaken(row.taskId) && !othersTasks.includes(row) && mayBelongTo(lost, row)
		);
	});
}

function mayBelongTo(lost: LostSubmission, { createdAt, apiKeyId }: ListedTask): boolean {
	const { from, to } = windowOf(lost);
	const { keyId = apiKeyId } = lost;
	if (apiKeyId !== undefined && apiKeyId !== keyId) return false;
	return createdAt === undefined || (createdAt >= from && createdAt <= to);
}

/** When the task of a lost submission can have been created, on the service's clock. */
export function windowOf({ since, until }: LostSubmission): { from: number; to: number } {
	return { from: since - CLOCK_MARGIN_MS, to: until + LATE_MS + CLOCK_MARGIN_MS };
}
