/**
 * What DashScope says and expects, as plain data. Names follow the HTTP API
 * (video-synthesis and "manage asynchronous tasks" pages of Model Studio).
 */

/** Statuses of a task that has not ended. */
export const OPEN_STATUSES = ['PENDING', 'RUNNING', 'SUSPENDED'] as const;

/** Statuses after which nothing is waited for. UNKNOWN = expired after 24 h, other region or other account. */
const FINAL_STATUSES = ['SUCCEEDED', 'FAILED', 'CANCELED', 'UNKNOWN'] as const;

/** `task_status` of an asynchronous task. */
export const TASK_STATUSES = [...OPEN_STATUSES, ...FINAL_STATUSES];
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** How long DashScope keeps and lists a task after its submission (task API, read 2026-11). */
export const TASK_KEPT_MS = 24 * 3_600_000;

/** A JSON object as received, before anything is known about it. */
export type JsonRecord = { [key: string]: string | number | boolean | object | null | undefined };

/** A create call, ready to be sent. Plain JSON: a suspended execution keeps it. */
export interface CreateCall {
	/** What the model takes; nobody but the model's own file looks into it. */
	body: JsonRecord;
	/** Below `/api/v1`; absent for the path of most video models. */
	path?: string;
	/** The account's limit for the model; absent for that of most video models. */
	createsPerSecond?: number;
}

/** The billed amounts of a finished task, in seconds of video. */
export interface Usage {
	/** Input plus output seconds: what the bill counts. */
	billedSeconds?: number;
	inputSeconds?: number;
	outputSeconds?: number;
	/** Tier of the price list: a resolution such as "720P", or "standard" and "pro" of the models that have those. */
	resolution?: string;
}

/** A task as one answer of the create or query call showed it. Times are epoch milliseconds. */
export interface Task {
	taskId: string;
	status: TaskStatus;
	requestId?: string;
	submittedAt?: number;
	startedAt?: number;
	finishedAt?: number;
	prompt?: string;
	videoUrl?: string;
	usage?: Usage;
	/** Error code and message of a FAILED task. */
	code?: string;
	message?: string;
	/** The whole answer, for users who switch "Simplify" off. */
	raw: JsonRecord;
}

/** What the create call tells about its task. */
export interface CreatedTask {
	taskId: string;
	/** Of the call itself; Alibaba's support asks for it, and a row of the task list may carry it. */
	requestId?: string;
}

/** A row of the task list, which has neither prompt nor result. Times are epoch milliseconds. */
export interface ListedTask {
	taskId: string;
	status: TaskStatus;
	model?: string;
	/** Of the call that created it. Documented by an example only. */
	requestId?: string;
	/** Of the API key that created it. */
	apiKeyId?: string;
	createdAt?: number;
	startedAt?: number;
	finishedAt?: number;
}

/** Whether the task has ended, well or badly, or is not known. */
export function isFinal(status: TaskStatus): boolean {
	return FINAL_STATUSES.some((final) => final === status);
}

/** Whether a task has ended. UNKNOWN is no end: DashScope may know it again a moment later. */
export function hasEnded(status: TaskStatus): boolean {
	return isFinal(status) && status !== 'UNKNOWN';
}
