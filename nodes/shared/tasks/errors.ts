import type { TaskStatus } from '../dashscope/types';

/** What is known about a failed item; becomes the `details` of its error output. */
export interface FailureDetails {
	taskId?: string;
	status?: TaskStatus;
	code?: string;
	requestId?: string;
	httpStatus?: number;
	videoUrl?: string;
	/** ISO 8601. */
	videoUrlExpiresAt?: string;
	[more: string]: string | number | undefined | Array<Record<string, string | number | null>>;
}

/** A task that did not end in a video. Keeps the task ID: nothing paid for is lost. */
export class TaskError extends Error {
	constructor(
		message: string,
		readonly hint: string | undefined,
		readonly details: FailureDetails,
	) {
		super(message);
		this.name = 'TaskError';
	}
}

/** DashScope took no submission until the deadline. Later it may be taken. */
export class NotTakenError extends TaskError {}

/** The user or a workflow timeout stopped the execution. */
export class StoppedError extends Error {
	constructor() {
		// n8n tells a stopped execution from a failed one by this word.
		super('The execution was canceled');
		this.name = 'StoppedError';
	}
}
