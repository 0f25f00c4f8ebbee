/**
 * What the engine needs from the outside: time, DashScope, files. The node binds them to n8n,
 * tests to a virtual clock and a service of their own.
 */
import type { TaskListQuery } from '../dashscope/tasks';
import type { CreateCall, CreatedTask, ListedTask, Task } from '../dashscope/types';
import type { UploadSource } from '../dashscope/uploads';
import type { Account } from './account';

export interface Clock {
	/** Epoch milliseconds. */
	now(): number;
	/** @throws StoppedError at once when the execution is stopped */
	sleep(ms: number): Promise<void>;
	/** 0 ≤ x < 1, for jitter. */
	random(): number;
}

/**
 * What it takes to look at tasks and to fetch their videos.
 * @typeParam Video what a downloaded result becomes (n8n's binary data in the node)
 */
export interface LookPorts<Video> extends Clock {
	/** What the executions of this process share because they use one account. */
	account: Account;
	/** Whether Stop was pressed or the time is up. */
	stopped(): boolean;
	getTask(taskId: string): Promise<Task>;
	listTasks(query: TaskListQuery): Promise<ListedTask[]>;
	/** Stores the video behind a result URL whole, or throws. */
	download(taskId: string, videoUrl: string): Promise<Video>;
	log(message: string): void;
}

/** Whether a record has a fact: not at all, surely, or that cannot be told any more. */
export type Recorded = 'yes' | 'unsure' | undefined;

/** A set of facts that an execution shares with all its retries. Facts may be missing; those it has are true. */
export interface TaskRecord {
	/** Adds facts, if it can. Never throws. */
	add(facts: string[]): Promise<void>;
	/** @returns the facts that it has, or may have. @throws what kept it from being read */
	which(facts: string[]): Promise<Map<string, Recorded>>;
}

/** What it takes to submit tasks as well. */
export interface TaskPorts<Video> extends LookPorts<Video> {
	/** Whether nothing but this process submits tasks with the account. */
	exclusive: boolean;
	/** Whether calls are still made with the key of the account: the user may have changed the credential. */
	keyIsSame(): Promise<boolean>;
	/** Of the execution and its node, unique in this process. */
	executionId: string;
	/** Shared by all retries of an execution and its node, and hardly ever by others. */
	lineage?: string;
	/** Of the execution; absent where n8n keeps none. */
	record?: TaskRecord;
	createTask(call: CreateCall): Promise<CreatedTask>;
	/**
	 * Cancels a task that still waits. Works after a stop, too.
	 * @throws when it does not wait any more; StoppedError when that takes longer than a stopped node may
	 */
	cancelTask(taskId: string): Promise<void>;
	/** @returns an `oss://` URL for use with `model` */
	upload(model: string, source: UploadSource): Promise<string>;
}
