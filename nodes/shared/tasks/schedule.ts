/** When to ask next. Pure; all times in milliseconds. */
import type { TaskStatus } from '../dashscope/types';

/** What the schedule knows about one open task. Moments are epoch milliseconds. */
export interface Progress {
	status: TaskStatus;
	submittedAt: number;
	/** When the task left the queue, if an answer has told. */
	startedAt?: number;
	/** When the last answer came; undefined before the first. */
	askedAt?: number;
}

/**
 * Moments of the first queries after submission, in poll intervals; after the last one every interval.
 * Early enough for jobs of a few seconds, and thin enough that a job of six intervals or more is never asked
 * more than once an interval on average: the k-th moment lies at k + 1 intervals from the sixth on.
 */
const FIRST_QUERIES = [0.6, 1.4, 2.6, 4.2, 6, 7];

/** Gap until the next query of a queued task, as a share of its time in the queue: one that has waited long will wait on. */
const QUEUE_GAP_PART = 1 / 16;

/** A quarter of the shortest run that DashScope names (one minute): its start is known well before its end. */
const MOST_QUEUE_GAP_MS = 15_000;

/** How often a task is still queried while lists tell how it stands: they may lag. In ms, and in poll intervals. */
const LEAST_QUERY_GAP_MS = 20_000;
const QUERY_GAP_INTERVALS = 4;

/**
 * How many times less often a queued task is queried then: it must run before it ends, and running ones tell of lists
 * that lag.
 */
const PENDING_GAP_FACTOR = 6;

/** Gap of the queries around the expected end. */
const DENSE_MS = 1_500;

/**
 * When to ask for a task again.
 * @param interval the regular gap between two queries
 * @param shortestRun the shortest time from start to end among the tasks of this batch; undefined while none ended
 * @returns epoch milliseconds; a moment in the past means now
 */
export function nextQueryAt(progress: Progress, interval: number, shortestRun?: number): number {
	const { submittedAt, startedAt, status, askedAt } = progress;
	if (askedAt === undefined || shortestRun === undefined) {
		const elapsed = askedAt === undefined ? 0 : askedAt - submittedAt;
		const moment = FIRST_QUERIES.find((first) => first * interval > elapsed);
		if (moment !== undefined) return submittedAt + moment * interval;
		const gap = status === 'PENDING' ? Math.max(interval, queueGap(elapsed)) : interval;
		return submittedAt + elapsed + gap;
	}

	const half = shortestRun / 2;
	if (status === 'PENDING' || startedAt === undefined) {
		// It cannot end before it has run; by then one more answer has told when it started.
		const most = Math.max(3 * interval, queueGap(askedAt - submittedAt));
		return askedAt + Math.min(Math.max(half, DENSE_MS), most);
	}
	const expectedEnd = startedAt + shortestRun;
	if (askedAt >= expectedEnd) {
		return askedAt + (askedAt < expectedEnd + DENSE_MS ? DENSE_MS : interval);
	}
	const gap = askedAt < startedAt + half ? 2 * interval : interval;
	return Math.min(askedAt + gap, expectedEnd + DENSE_MS / 5);
}

/** @param queued how long the task has waited */
function queueGap(queued: number): number {
	return Math.min(queued * QUEUE_GAP_PART, MOST_QUEUE_GAP_MS);
}

/** How long task lists may stand for the queries of a task, in milliseconds. */
export function longestQueryGap(status: TaskStatus, interval: number): number {
	const gap = Math.max(LEAST_QUERY_GAP_MS, QUERY_GAP_INTERVALS * interval);
	return status === 'PENDING' ? PENDING_GAP_FACTOR * gap : gap;
}

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MOST_MS = 30_000;

/**
 * How long to wait before trying again: doubling from 1 s to 30 s, with jitter of up to a quarter so that many
 * tasks do not return in step; never shorter than the service asked.
 * @param failures in a row, 1 for the first
 * @param random 0 ≤ x < 1
 */
export function backoff(failures: number, random: number, retryAfterMs = 0): number {
	const base = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
	return Math.max(retryAfterMs, base * (0.75 + random * 0.25));
}

/** The longest pause that is made where nothing else limits the wait. */
const LONGEST_PAUSE_MS = 120_000;

/** Whether the service asks for so long a pause that its refusal is better told to the user. */
export function asksTooLong({ retryAfterMs = 0 }: { retryAfterMs?: number }): boolean {
	return retryAfterMs > LONGEST_PAUSE_MS;
}
