import type { Task } from '../dashscope/types';
import { StoppedError } from './errors';
import type { TaskPorts } from './ports';

/** What the log says about a task of a stopped execution. */
export function cancelledLine(taskId: string): string {
	return `Cancelled task ${taskId} after Stop`;
}

export function leftLine(taskId: string): string {
	return `Task ${taskId} keeps running after Stop and will be billed if it succeeds; get its video with 'Task: Get Status'`;
}

/**
 * Cancels the tasks of a stopped execution that still wait in DashScope's queue. A running task cannot be stopped;
 * it is left, named in the log.
 */
export async function cancelWaiting(ports: TaskPorts<unknown>, taskIds: string[]): Promise<void> {
	await Promise.all(
		taskIds.map(async (taskId) => {
			try {
				await ports.cancelTask(taskId);
				ports.log(cancelledLine(taskId));
			} catch (error) {
				// One that takes longer than the node may is logged at its end.
				if (!(error instanceof StoppedError)) ports.log(leftLine(taskId));
			}
		}),
	);
}

/** Names in the log what a stopped execution does not hand on any more, although it is billed, or may be. */
export function nameBilled(ports: TaskPorts<unknown>, tasks: Array<Task | undefined>): void {
	for (const task of tasks) {
		if (task?.status !== 'SUCCEEDED' && task?.status !== 'UNKNOWN') continue;
		ports.log(
			`Task ${task.taskId} was ${task.status} before the execution was stopped; get its video with 'Task: Get Status'`,
		);
	}
}
