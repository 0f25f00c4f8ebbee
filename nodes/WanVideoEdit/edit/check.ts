import { asksForNewTask } from '../../shared/dashscope/errors';
import type { Task } from '../../shared/dashscope/types';
import { endedBadly } from './deliver';
import { StoppedError } from './errors';
import { finish } from './finish';
import { Slots } from './gate';
import type { EditPorts } from './ports';
import { QUERIES_PER_SECOND, SUBMITS_PER_SECOND, failureOf } from './run';
import type { Memory, OpenEdit, Settled } from './run';
import { cancelWaiting, nameBilled } from './stop';
import { Submitter } from './submit';
import type { Job } from './submit';
import { Watch } from './watch';

/** Pause between two questions within one look, when an answer was broken or odd. */
const LOOK_INTERVAL_MS = 1_000;

/** An open edit, and what one look has shown about it. */
interface Seen {
	edit: OpenEdit;
	/** The edit's task, or the one that took its place. */
	job: Job;
	task?: Task;
	/** Why its end cannot be waited for any longer. */
	error?: unknown;
}

/**
 * One look at the edits of a suspended execution. Nothing is fetched before all have ended: what is returned in
 * between is lost when the execution goes to wait again.
 * @param memory of the execution that looks; remembers tasks that took the place of failed ones
 * @returns the outcomes in order when all have ended; undefined while one is under way
 * @throws StoppedError after Stop; tasks that were still waiting have been cancelled then
 */
export async function checkEdits<Video>(
	edits: OpenEdit[],
	ports: EditPorts<Video>,
	memory: Memory,
	transfers: number,
): Promise<Array<Settled<Video>> | undefined> {
	const watch = new Watch(ports, {
		intervalMs: LOOK_INTERVAL_MS,
		queriesPerSecond: QUERIES_PER_SECOND,
		handBackAt: ports.now(),
	});
	const submitter = new Submitter(ports, memory.ledger, {
		submitsPerSecond: SUBMITS_PER_SECOND,
		deadline: ports.now(),
		resubmitLost: false,
	});
	const seen = await Promise.all(
		edits.map(async (edit, index) => await look(edit, index, ports, memory, watch, submitter)),
	);
	const tasks = seen.map(({ task }) => task);
	if (ports.stopped()) {
		nameBilled(ports, tasks);
		// Also those whose look was cut short by the stop.
		const open = seen.filter(({ task }) => task === undefined);
		await cancelWaiting(
			ports,
			open.map(({ job }) => job.taskId),
		);
		throw new StoppedError();
	}
	if (seen.some(isOpen)) return undefined;

	const downloads = new Slots(transfers);
	const settled = await Promise.all(seen.map(async (one) => await settle(one, ports, downloads)));
	if (ports.stopped()) {
		nameBilled(ports, tasks);
		throw new StoppedError();
	}
	return settled;
}

function isOpen({ task, error }: Seen): boolean {
	return task === undefined && error === undefined;
}

function keyOf(memory: Memory, index: number, attempt: number): string {
	return memory.ledger.key(`again ${attempt}`, index);
}

/** The job that stands for an edit by now, and the number of the next one that may take its place. */
function current(edit: OpenEdit, index: number, memory: Memory): { job: Job; attempt: number } {
	let { job } = edit;
	for (let attempt = 1; ; attempt++) {
		const entry = memory.ledger.find(keyOf(memory, index, attempt));
		if (entry?.state !== 'submitted') return { job, attempt };
		const { taskId, submittedAt, adopted = false } = entry;
		job = { taskId, submittedAt, known: true, adopted };
	}
}

/** The tasks that the looks so far left under way: an edit's own, or the one that took its place. */
export function tasksUnderWay(edits: OpenEdit[], memory: Memory): string[] {
	return edits.map((edit, index) => current(edit, index, memory).job.taskId);
}

async function look(
	edit: OpenEdit,
	index: number,
	ports: EditPorts<unknown>,
	memory: Memory,
	watch: Watch,
	submitter: Submitter,
): Promise<Seen> {
	let { job, attempt } = current(edit, index, memory);
	try {
		for (; ; attempt++) {
			const { taskId, submittedAt } = job;
			const task = await watch.finish({
				taskId,
				submittedAt,
				known: true,
				deadline: edit.deadline,
			});
			const body = edit.again?.body;
			const again =
				task?.status === 'FAILED' &&
				asksForNewTask(task.code ?? '') &&
				attempt <= (edit.again?.times ?? 0);
			if (!again || body === undefined) return { edit, job, task };
			const key = keyOf(memory, index, attempt);
			job = await submitter.submit(key, edit.model, async () => await Promise.resolve(body));
			if (!job.known) return { edit, job };
		}
	} catch (error) {
		return { edit, job, error };
	}
}

async function settle<Video>(
	{ edit, job, task, error }: Seen,
	ports: EditPorts<Video>,
	downloads: Slots,
): Promise<Settled<Video>> {
	try {
		if (task?.status === 'SUCCEEDED') return await finish(ports, downloads, edit, job, task);
		const reason = error ?? (task && endedBadly(task));
		return { state: 'failed', error: failureOf(reason, job), job, task };
	} catch (thrown) {
		return { state: 'failed', error: failureOf(thrown, job), job, task };
	}
}
