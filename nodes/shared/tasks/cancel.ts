import { DashScopeError, mayPass } from '../dashscope/errors';
import type { Task } from '../dashscope/types';
import { toError } from '../thrown';
import { askStatus, patiently } from './ask';
import { endedBadly } from './deliver';
import { StoppedError, TaskError } from './errors';
import type { Ledger } from './ledger';
import type { TaskPorts } from './ports';

/** What the log says about a task of a stopped execution. */
export function cancelledLine(taskId: string): string {
	return `Canceled task ${taskId} after Stop`;
}

/** What it says about one that a stop leaves running. */
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
				// A cancellation that outlasts the node is logged when it ends.
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

/** Logs a stopped execution's lost submissions. One that is under way at Stop is logged when its call ends. */
export function nameLost(ports: TaskPorts<unknown>, ledger: Ledger): void {
	for (const { entry } of ledger.unanswered()) {
		if (entry.absent === true || entry.unseen === true || entry.until === undefined) continue;
		ports.log(
			`The submission sent at ${new Date(entry.since).toISOString()} got no response before Stop; its task may have been created and may be billed`,
		);
	}
}

/**
 * Cancels one task for the user. One that is cancelled already is as the user wants it.
 * @throws TaskError that says what became of a task that does not wait any more; DashScopeError
 */
export async function cancelOrExplain(ports: TaskPorts<unknown>, taskId: string): Promise<void> {
	try {
		const cancel = async () => await ports.cancelTask(taskId);
		// The port keeps to the limit of cancellations, and repeats by itself what was one too many.
		await patiently(ports, cancel, (kind) => mayPass(kind) && kind !== 'throttled');
	} catch (error) {
		if (!(error instanceof DashScopeError) || error.kind !== 'rejected') throw toError(error);
		// The refusal does not say why. Where that cannot be asked, it is all that is known.
		const task = await askStatus(ports, taskId).catch(() => undefined);
		if (task?.status === 'CANCELED') return;
		throw toError((task && tooLate(task)) ?? error);
	}
}

/** Why a task cannot be cancelled; undefined for one that should be. */
function tooLate(task: Task): TaskError | undefined {
	const { taskId, status, requestId } = task;
	const details = { taskId, status, requestId };
	switch (status) {
		case 'RUNNING':
		case 'SUSPENDED':
			return new TaskError(
				`Task ${taskId} is already ${status} and cannot be canceled`,
				"Only a task that is still waiting (PENDING) can be canceled. This one keeps running and will be billed if it succeeds: get its video with 'Task: Wait for Completion' or 'Task: Get Status'.",
				details,
			);
		case 'SUCCEEDED':
			return new TaskError(
				`Task ${taskId} has already SUCCEEDED and cannot be canceled`,
				"It is billed. Get its video with 'Task: Get Status', within 24 hours of its submission.",
				details,
			);
		case 'FAILED':
			return new TaskError(
				`Task ${taskId} has already FAILED and cannot be canceled`,
				'It is not billed: there is nothing to do.',
				details,
			);
		case 'UNKNOWN':
			return endedBadly(task);
		case 'PENDING':
		case 'CANCELED':
			return undefined;
	}
}
