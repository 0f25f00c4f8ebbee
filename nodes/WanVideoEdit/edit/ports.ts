/**
 * What the edit rooms need from the outside: time, DashScope, files. The node binds them to n8n,
 * tests to a virtual clock and a service of their own.
 */
import type { TaskListQuery } from '../../shared/dashscope/tasks';
import type { ListedTask, Task, VideoEditBody } from '../../shared/dashscope/types';
import type { UploadSource } from '../../shared/dashscope/uploads';

export interface Clock {
	/** Epoch milliseconds. */
	now(): number;
	/** @throws StoppedError at once when the execution is stopped */
	sleep(ms: number): Promise<void>;
	/** 0 ≤ x < 1, for jitter. */
	random(): number;
}

/** @typeParam Video what a downloaded result becomes (n8n's binary data in the node) */
export interface EditPorts<Video> extends Clock {
	/** Whether Stop was pressed or the workflow's timeout has struck. */
	stopped(): boolean;
	createTask(body: VideoEditBody): Promise<Task>;
	getTask(taskId: string): Promise<Task>;
	listTasks(query: TaskListQuery): Promise<ListedTask[]>;
	/** Works after a stop, too. */
	cancelTask(taskId: string): Promise<void>;
	/** @returns an `oss://` URL for use with `model` */
	upload(model: string, source: UploadSource): Promise<string>;
	/** Stores the video behind a result URL whole, or throws. */
	download(taskId: string, videoUrl: string): Promise<Video>;
	log(message: string): void;
}
