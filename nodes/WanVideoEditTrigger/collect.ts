/** One poll: reads the task list, finds what has finished, and fetches each such task. Knows no n8n. */
import { TASK_KEPT_MS, hasEnded } from '../shared/dashscope/types';
import type { ListedTask, Task } from '../shared/dashscope/types';
import { askPatiently, askStatus } from '../shared/tasks/ask';
import { fetchVideo, madeNoVideo } from '../shared/tasks/deliver';
import type { LookPorts } from '../shared/tasks/ports';
import { Semaphore } from '../shared/tasks/semaphore';
import { toService } from '../shared/tasks/serviceClock';
import { toError } from '../shared/thrown';
import { dueTasks, finished, latest, settled, windowOf } from './finished';
import type { DueTask, Reading, Source, TriggerState } from './finished';

/** What a poll looks for. */
export interface Settings {
	source: Source;
	/** Whether the filters let a task through. */
	wanted: (task: ListedTask) => boolean;
	download: boolean;
	/** How long the poll may take, in milliseconds. */
	budgetMs: number;
}

/** A task to be emitted. */
export interface EndedTask<Video> {
	task: Task;
	model?: string;
	video?: Video;
	/** Why the task, or its video, could not be fetched. */
	error?: Error;
}

/** Tasks that are fetched at a time. */
const AT_ONCE = 2;

/** After this many polls that could not fetch a task, it is emitted as the list shows it. */
const TRIES = 5;

/** This long before DashScope forgets a task, it is not left to the next poll any more. */
const LAST_CHANCE_MS = 2 * 3_600_000;

/**
 * Looks for tasks that have finished since the last poll.
 * @param kept what the last poll left, undefined at the activation
 * @returns the tasks to emit, in the order in which they ended, and what to keep
 * @throws DashScopeError when the list cannot be read; then nothing has changed
 */
export async function collect<Video>(
	ports: LookPorts<Video>,
	kept: TriggerState | undefined,
	settings: Settings,
): Promise<{ state: TriggerState; ended: Array<EndedTask<Video>> }> {
	const { source, wanted, budgetMs } = settings;
	const begun = ports.now();
	const window = windowOf(kept, source, toService(ports.account, begun));
	const state = finished(kept, await read(ports, source, window, begun), wanted);

	const downloads = new Semaphore(AT_ONCE);
	const passed = state.listedAt - (kept?.listedAt ?? state.listedAt);
	const failed: string[] = [];
	const found = await Promise.all(
		dueTasks(state).map(
			async (due) =>
				await downloads.run(async () => {
					// In the second half of the time nothing is begun, so that what was begun can end; the rest is left to the
					// next poll.
					if (ports.now() - begun > budgetMs / 2 || ports.stopped()) return [];
					const ended = await fetchTask(ports, due, settings);
					if (ended.error === undefined || isLastTry(due, state, passed)) return [{ due, ended }];
					failed.push(due.taskId);
					ports.log(`${ended.error.message} [to be tried again at the next poll]`);
					return [];
				}),
		),
	);
	const emitted = found.flat().sort((a, b) => (a.due.finishedAt ?? 0) - (b.due.finishedAt ?? 0));
	return {
		state: settled(
			state,
			emitted.map(({ due }) => due.taskId),
			failed,
		),
		ended: emitted.map(({ ended }) => ended),
	};
}

/**
 * The task that ended last, of those of the last 24 hours that the filters let through.
 * @returns undefined when there is none
 * @throws DashScopeError when the list or the task cannot be read; TaskError when its video cannot be fetched
 */
export async function collectLatest<Video>(
	ports: LookPorts<Video>,
	settings: Settings,
): Promise<EndedTask<Video> | undefined> {
	const begun = ports.now();
	const window = windowOf(undefined, settings.source, toService(ports.account, begun));
	const { rows } = await read(ports, settings.source, window, begun);
	const row = latest(rows, settings.wanted);
	if (row === undefined) return undefined;
	const ended = await fetchTask(ports, { ...row, tries: 0 }, settings);
	if (ended.error !== undefined) throw ended.error;
	return ended;
}

async function read(
	ports: LookPorts<unknown>,
	source: Source,
	window: Reading['window'],
	begun: number,
): Promise<Reading> {
	const list = async () => await ports.listTasks({ model: source.model, ...window });
	const rows = await askPatiently(ports, list).catch((error: unknown) => {
		throw ports.stopped()
			? new Error('The task list could not be read in the time that n8n gives a poll')
			: error;
	});
	// By now an answer has told the service's time.
	const exact = ports.account.offset !== undefined;
	return { source, window, at: toService(ports.account, begun), exact, rows };
}

/**
 * Whether the next poll may come too late.
 * @param passed since the poll before, in milliseconds; the next one may come after twice that
 */
function isLastTry(
	{ tries, createdAt }: DueTask,
	{ listedAt }: TriggerState,
	passed: number,
): boolean {
	const forgottenAt = (createdAt ?? listedAt) + TASK_KEPT_MS;
	return tries + 1 >= TRIES || forgottenAt < listedAt + Math.max(LAST_CHANCE_MS, 2 * passed);
}

/** Fetches what can be had of a task; an error says that something is missing. */
async function fetchTask<Video>(
	ports: LookPorts<Video>,
	due: DueTask & { taskId: string },
	{ download }: Settings,
): Promise<EndedTask<Video>> {
	const { model } = due;
	let task = asListed(due);
	try {
		const answer = await askStatus(ports, due.taskId);
		if (!hasEnded(answer.status)) {
			throw new Error(
				`The task list shows task ${due.taskId} as ${due.status}, but its query says ${answer.status}`,
			);
		}
		task = answer;
		if (!download || task.status !== 'SUCCEEDED' || madeNoVideo(task)) return { task, model };
		return { task, model, video: await fetchVideo(ports, task) };
	} catch (thrown) {
		return { task, model, error: ports.stopped() ? tooLong(due.taskId) : toError(thrown) };
	}
}

function asListed({ taskId, status, createdAt, finishedAt }: DueTask & { taskId: string }): Task {
	return { taskId, status, submittedAt: createdAt, finishedAt, raw: {} };
}

function tooLong(taskId: string): Error {
	return new Error(`Task ${taskId} could not be fetched in the time that n8n gives a poll`);
}
