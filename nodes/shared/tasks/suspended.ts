import type { Task } from '../dashscope/types';
import { cancelWaiting, leftLine, nameBilled, nameLost } from './cancel';
import { deliver, endedBadly } from './deliver';
import { NotTakenError, StoppedError } from './errors';
import type { SentEntry } from './ledger';
import { failureOf, refOf, withDuplicates } from './outcome';
import type { OpenTask, Settled, TaskRef } from './outcome';
import type { TaskPorts } from './ports';
import { makesWay } from './resubmit';
import type { Memory, RunSettings } from './run';
import { Semaphore } from './semaphore';
import { Submitter } from './submit';
import type { AwaitedTask } from './taskLists';
import { Watch } from './watch';

/** Pause between two questions within one look, when an answer was broken or odd. */
const LOOK_INTERVAL_MS = 1_000;

/** An open edit, and what one look has shown about it. */
interface Seen {
	edit: OpenTask;
	/** The edit's task, or the one that took its place. */
	job: TaskRef;
	task?: Task;
	/** Why its end cannot be waited for any longer. */
	error?: unknown;
	/** Its task has ended, and a new one is to be submitted at the next look. */
	later?: true;
}

/** What the looks of one suspended execution remember. */
export interface LoopMemory extends Omit<Memory, 'items'> {
	/** When the tries after the first began. Epoch milliseconds. */
	tries: number[];
}

/**
 * The settings of the node that a suspended execution goes by. It makes the tries of Retry On Fail itself: n8n does
 * not run a node again that failed while it was suspended.
 */
export type LoopSettings = Pick<RunSettings, 'lostSubmission' | 'retries' | 'transfers'>;

export interface PollSettings extends LoopSettings {
	/** Whether a try in which these edits failed is followed by another. */
	failsTry(failed: boolean[]): boolean;
}

/**
 * One look at the edits of a suspended execution. Nothing is fetched before all have ended: what is returned in
 * between is lost when the execution goes to wait again.
 * @param memory of the execution that looks; remembers its tries, and tasks that took the place of failed ones
 * @returns the outcomes in order when all have ended; undefined while one is under way; 'later' when the only tasks that
 * are still to come could not be submitted yet
 * @throws StoppedError after Stop; tasks that were still waiting have been cancelled then
 */
export async function pollSuspended<Video>(
	edits: OpenTask[],
	ports: TaskPorts<Video>,
	memory: LoopMemory,
	settings: PollSettings,
): Promise<Array<Settled<Video>> | 'later' | undefined> {
	for (const { job, awaited } of edits) {
		// One that was submitted elsewhere may be what somebody else's lost submission is looking for.
		if (awaited !== undefined) continue;
		// An adopted task has the request ID of the lost call, which proves nothing here (see the submitter).
		const requestId = job.adopted ? undefined : job.requestId;
		ports.account.knows(job.taskId, { requestId }, ports.now());
	}
	const downloads = new Semaphore(settings.transfers);
	const triesAgain = (failed: boolean[]) => {
		const again = memory.tries.length < settings.retries && settings.failsTry(failed);
		if (again) memory.tries.push(ports.now());
		return again;
	};
	// One of each for all tries of this look: they keep to the account's limits.
	const watch = new Watch(ports, {
		intervalMs: LOOK_INTERVAL_MS,
		handBackAt: ports.now(),
	});
	const submitter = new Submitter(ports, memory.ledger, {
		deadline: ports.now(),
		lostSubmission: settings.lostSubmission,
		brief: true,
		// Second tasks are looked for only once, when all have ended.
		final: true,
	});
	const lookAt = async (edit: OpenTask, index: number) =>
		await look(edit, index, ports, memory, watch, submitter);
	for (;;) {
		const seen = await Promise.all(edits.map(lookAt));
		if (ports.stopped()) return await stopped(ports, memory, seen);
		if (seen.some(isOpen))
			return seen.filter(isOpen).every((one) => one.later) ? 'later' : undefined;
		await findLate(seen, ports, memory, submitter);
		if (ports.stopped()) return await stopped(ports, memory, seen);
		// Its own task has turned up for one that was given up: it is waited for.
		if (seen.some(({ edit, job }, index) => jobsOf(edit, index, memory)[0].taskId !== job.taskId)) {
			continue;
		}
		// Videos that the next try would fetch again are not fetched.
		if (triesAgain(seen.map(isFailed))) continue;

		const settled = await Promise.all(
			seen.map(async (one, index) => {
				const lost = abandonedBy(one.edit, index, memory);
				const outcome = await settle(one, ports, downloads);
				if (lost.length === 0 || ports.stopped()) return outcome;
				return withDuplicates(outcome, await submitter.lost.duplicates(one.edit.model, lost));
			}),
		);
		if (ports.stopped()) return await stopped(ports, memory, seen);
		if (!triesAgain(settled.map(({ state }) => state === 'failed'))) return settled;
	}
}

/** Looks for the tasks of submissions that were taken for not done, of edits that could not be submitted again. */
async function findLate(
	seen: Seen[],
	ports: TaskPorts<unknown>,
	memory: LoopMemory,
	submitter: Submitter,
): Promise<void> {
	await Promise.all(
		seen.map(async ({ edit, error }, index) => {
			const key = keyOf(memory, index, jobsOf(edit, index, memory).length);
			const lost = memory.ledger.abandoned(key);
			if (error === undefined || lost.length === 0 || ports.stopped()) return;
			await submitter.lost.duplicates(edit.model, lost, key);
		}),
	);
}

async function stopped(
	ports: TaskPorts<unknown>,
	memory: LoopMemory,
	seen: Seen[],
): Promise<never> {
	nameBilled(
		ports,
		seen.map(({ task }) => task),
	);
	// Also those whose look was cut short by the stop.
	const ended = (index: number) => seen[index]?.task !== undefined || seen[index]?.later === true;
	await leaveSuspended(
		seen.map(({ edit }) => edit),
		ports,
		memory,
		ended,
	);
	throw new StoppedError();
}

/**
 * What becomes of the tasks of a stopped execution: those that still wait are cancelled, those that it only waits for
 * are named in the log.
 * @param ended whether the task of an edit is known to have ended
 */
export async function leaveSuspended(
	edits: OpenTask[],
	ports: TaskPorts<unknown>,
	memory: LoopMemory,
	ended: (index: number) => boolean = () => false,
): Promise<void> {
	nameLost(ports, memory.ledger);
	const own = edits.flatMap((edit, index) => {
		const jobs = jobsOf(edit, index, memory);
		const [{ taskId }] = jobs;
		if (edit.awaited && !ended(index)) ports.log(leftLine(taskId));
		// A new one is on its way only after the end of the one before.
		const isReplaced = memory.ledger.knows(keyOf(memory, index, jobs.length));
		return edit.awaited || isReplaced || ended(index) ? [] : [taskId];
	});
	await cancelWaiting(ports, own);
}

function isOpen({ task, error }: Seen): boolean {
	return task === undefined && error === undefined;
}

function isFailed({ task, error }: Seen): boolean {
	return error !== undefined || (task !== undefined && task.status !== 'SUCCEEDED');
}

function keyOf(memory: LoopMemory, index: number, attempt: number): string {
	return memory.ledger.key(`again ${attempt}`, index);
}

/** The task that stands for an edit by now, and behind it those whose place it took, back to the edit's own. */
function jobsOf(edit: OpenTask, index: number, memory: LoopMemory): [TaskRef, ...TaskRef[]] {
	const jobs: [TaskRef, ...TaskRef[]] = [edit.job];
	for (;;) {
		const entry = memory.ledger.find(keyOf(memory, index, jobs.length));
		if (entry?.state !== 'submitted') return jobs;
		jobs.unshift(refOf(entry));
	}
}

/** The submissions of an edit, before the suspension or by the loop, that were taken for not done. */
function abandonedBy(edit: OpenTask, index: number, memory: LoopMemory): SentEntry[] {
	const byLoop = jobsOf(edit, index, memory).flatMap((_, attempt) =>
		memory.ledger.abandoned(keyOf(memory, index, attempt + 1)),
	);
	return [...(edit.lost ?? []), ...byLoop];
}

/** The tasks that the looks so far left under way: an edit's own, or the one that took its place. */
export function tasksUnderWay(edits: OpenTask[], memory: LoopMemory): AwaitedTask[] {
	return edits.map((edit, index) => {
		const { taskId, submittedAt } = jobsOf(edit, index, memory)[0];
		return { taskId, model: edit.model, submittedAt };
	});
}

/** When the waits for all edits have ended at the latest. Epoch milliseconds. */
export function lastDeadline(edits: OpenTask[], memory: LoopMemory): number {
	return Math.max(
		...edits.map((edit, index) => deadlineOf(edit, jobsOf(edit, index, memory)[0], memory)),
	);
}

/** Until when a task is waited for: it has the whole timeout, and once more in each try. Epoch milliseconds. */
function deadlineOf(edit: OpenTask, { submittedAt }: TaskRef, { tries }: LoopMemory): number {
	return Math.max(edit.since, submittedAt, ...tries) + edit.timeoutMs;
}

/** Whether a task was submitted before the try that is under way began. */
function isEarlier({ known, submittedAt }: TaskRef, { tries }: LoopMemory): boolean {
	return known || submittedAt < (tries.at(-1) ?? 0);
}

async function look(
	edit: OpenTask,
	index: number,
	ports: TaskPorts<unknown>,
	memory: LoopMemory,
	watch: Watch,
	submitter: Submitter,
): Promise<Seen> {
	const jobs = jobsOf(edit, index, memory);
	const [job] = jobs;
	const { taskId, submittedAt } = job;
	const deadline = deadlineOf(edit, job, memory);
	try {
		const { model } = edit;
		const own = edit.awaited !== true;
		const order = { taskId, model, submittedAt, known: true, own, deadline };
		const task = ports.account.endOf(taskId) ?? (await watch.finish(order));
		if (task === undefined) return { edit, job, task };
		const key = keyOf(memory, index, jobs.length);
		if (edit.again === undefined) {
			// Nothing is submitted any more, but what was lost before may have made a task.
			if (memory.ledger.find(key)?.state !== 'sent') return { edit, job, task };
			const refuse = (): never => {
				throw endedBadly(task);
			};
			return { edit, job: await submitter.submit(key, model, refuse) };
		}

		const { times, ...call } = edit.again;
		// The first task of a try, in place of an earlier try's, is what the retry itself is for.
		const extra = jobs.filter((one) => !isEarlier(one, memory)).length - 1;
		const left = times - Math.max(0, extra);
		const earlier = isEarlier(job, memory);
		// One that failed beyond its timeout stays failed, however long the others are still waited for.
		const inTime = (task.finishedAt ?? ports.now()) <= deadline;
		if (!inTime || !makesWay({ task, submittedAt, earlier, left }, ports.now())) {
			return { edit, job, task };
		}
		const next = await submitter.submit(key, model, async () => await Promise.resolve(call));
		// The execution remembers it when the look ends, which a kill of n8n would prevent.
		ports.log(`Task ${next.taskId} was submitted in place of task ${taskId}`);
		return { edit, job: next };
	} catch (error) {
		// What the service was too busy to take is submitted at the next look.
		const later = error instanceof NotTakenError && ports.now() < deadline;
		return later ? { edit, job, later } : { edit, job, error };
	}
}

async function settle<Video>(
	{ edit, job, task, error }: Seen,
	ports: TaskPorts<Video>,
	downloads: Semaphore,
): Promise<Settled<Video>> {
	try {
		if (task?.status === 'SUCCEEDED') return await deliver(ports, downloads, edit, job, task);
		const reason = error ?? (task && endedBadly(task));
		return { state: 'failed', error: failureOf(reason, job), job, task };
	} catch (thrown) {
		return { state: 'failed', error: failureOf(thrown, job), job, task };
	}
}
