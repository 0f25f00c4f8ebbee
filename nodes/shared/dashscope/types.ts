/**
 * What DashScope says and expects, as plain data. Names follow the HTTP API
 * (video-synthesis and "manage asynchronous tasks" pages of Model Studio).
 */

/** `task_status` of an asynchronous task; UNKNOWN = expired after 24 h, other region or other account. */
export type TaskStatus =
	| 'PENDING'
	| 'RUNNING'
	| 'SUSPENDED'
	| 'SUCCEEDED'
	| 'FAILED'
	| 'CANCELED'
	| 'UNKNOWN';

/** Statuses that never change again. */
export type FinalStatus = 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'UNKNOWN';

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

const FINAL: readonly TaskStatus[] = ['SUCCEEDED', 'FAILED', 'CANCELED', 'UNKNOWN'];

/** Whether the task has ended, well or badly. */
export function isFinal(status: TaskStatus): status is FinalStatus {
	return FINAL.includes(status);
}
