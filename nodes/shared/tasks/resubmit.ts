import { asksForNewTask } from '../dashscope/errors';
import { TASK_KEPT_MS } from '../dashscope/types';
import type { Task } from '../dashscope/types';

/** What is known about a task that has ended, and about the try of the node that sees its end. */
export interface Ended {
	task: Task;
	/** Epoch milliseconds. */
	submittedAt: number;
	/** Submitted by an earlier try: the user asked for a new one by letting the node run again. */
	earlier: boolean;
	/** New tasks that this try may still submit by itself, in place of its own. */
	left: number;
}

/**
 * Whether a task makes way for a new submission: one that an earlier try left behind if it ended without a video;
 * one of this try only if its failure asks for a new task and the user allowed it.
 * @param now epoch milliseconds
 */
export function makesWay({ task, submittedAt, earlier, left }: Ended, now: number): boolean {
	if (task.status === 'SUCCEEDED') return false;
	if (earlier) return task.status !== 'UNKNOWN' || now - submittedAt > TASK_KEPT_MS;
	return task.status === 'FAILED' && asksForNewTask(task.code ?? '', task.message) && left > 0;
}
