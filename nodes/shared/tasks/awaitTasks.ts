import type { Task } from '../dashscope/types';
import { leftLine, nameBilled } from './cancel';
import { deliver, endedBadly } from './deliver';
import { StoppedError } from './errors';
import { failureOf } from './outcome';
import type { Outcome, TaskRef } from './outcome';
import type { TaskPorts } from './ports';
import type { RunSettings } from './run';
import { Semaphore } from './semaphore';
import { Watch } from './watch';

/** A task that was submitted elsewhere, to be waited for. */
export interface TaskToAwait {
	taskId: string;
	/** '' where it is not known. */
	model: string;
	/** Epoch milliseconds; undefined where it is not known. */
	submittedAt?: number;
	/** Whether its video is fetched. */
	download: boolean;
}

export type AwaitSettings = Pick<
	RunSettings,
	'holdMs' | 'pollIntervalMs' | 'timeoutMs' | 'transfers'
>;

/**
 * Waits for tasks together: watched on one clock, delivered as they end. Nothing is submitted, and after Stop nothing is
 * cancelled: the tasks are not this execution's.
 * @returns one outcome per task, in order
 * @throws StoppedError after Stop
 */
export async function awaitTasks<Video>(
	tasks: TaskToAwait[],
	ports: TaskPorts<Video>,
	settings: AwaitSettings,
): Promise<Array<Outcome<Video>>> {
	const { holdMs, pollIntervalMs, timeoutMs, transfers } = settings;
	const since = ports.now();
	const downloads = new Semaphore(transfers);
	const watch = new Watch(ports, {
		intervalMs: pollIntervalMs,
		handBackAt: holdMs === undefined ? undefined : since + holdMs,
	});
	const waitFor = async ({
		taskId,
		model,
		submittedAt = since,
		download,
	}: TaskToAwait): Promise<Outcome<Video>> => {
		const job: TaskRef = { taskId, submittedAt, known: true, adopted: false };
		const deadline = since + timeoutMs;
		const order = { taskId, model, submittedAt, known: true, own: false, deadline };
		let task: Task | undefined;
		try {
			task = await watch.finish(order);
			if (task === undefined) {
				return { state: 'open', job, model, download, since, timeoutMs, awaited: true };
			}
			const failure = endedBadly(task);
			if (failure !== undefined) return { state: 'failed', error: failure, job, task };
			return await deliver(ports, downloads, { download }, job, task);
		} catch (error) {
			return { state: 'failed', error: failureOf(error, job), job, task };
		}
	};
	const outcomes = await Promise.all(tasks.map(waitFor));
	if (ports.stopped()) {
		nameLeft(ports, outcomes);
		throw new StoppedError();
	}
	return outcomes;
}

/** Names in the log what goes on without a stopped execution that only waited for it. */
function nameLeft(ports: TaskPorts<unknown>, outcomes: Array<Outcome<unknown>>): void {
	nameBilled(
		ports,
		outcomes.map((outcome) => ('task' in outcome ? outcome.task : undefined)),
	);
	for (const outcome of outcomes) {
		if ('task' in outcome && outcome.task !== undefined) continue;
		if (outcome.job !== undefined) ports.log(leftLine(outcome.job.taskId));
	}
}
