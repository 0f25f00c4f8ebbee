import { DashScopeError, adviceFor, mayPass } from '../dashscope/errors';
import { recordAt } from '../dashscope/json';
import { withoutKeys } from '../dashscope/key';
import type { Task } from '../dashscope/types';
import { messageOf, toError } from '../thrown';
import { TaskError } from './errors';
import type { TaskRef } from './outcome';
import type { LookPorts, TaskPorts } from './ports';
import { asksTooLong, backoff } from './schedule';
import type { Semaphore } from './semaphore';

const DAY_MS = 24 * 3_600_000;

/** Whole downloads that are tried before an item fails; its task and URL are kept. */
const DOWNLOAD_TRIES = 3;

/**
 * When a result URL stops working: by its own signature, else 24 h after the end of the task.
 * @returns epoch milliseconds, or undefined where there is no result
 */
export function expiryOf({ videoUrl, finishedAt }: Task): number | undefined {
	if (videoUrl === undefined) return undefined;
	const seconds = Number(/[?&]Expires=(\d+)/.exec(videoUrl)?.[1] ?? NaN);
	if (isTime(seconds * 1000)) return seconds * 1000;
	return finishedAt === undefined ? undefined : finishedAt + DAY_MS;
}

/** Whether a number of epoch milliseconds is within what a date can be. */
function isTime(epochMs: number): boolean {
	return !Number.isNaN(new Date(epochMs).getTime());
}

/** Whether a task succeeded in making something else than a video, such as images (`output.results`). */
export function madeNoVideo({ status, videoUrl, raw }: Task): boolean {
	const { results } = recordAt(raw, 'output');
	return status === 'SUCCEEDED' && videoUrl === undefined && Array.isArray(results);
}

/** An API key is longer; a shorter word may be one of the prompt. */
const KEY_CHARACTERS = 16;

/** What the service says of a task: its words without keys, such as one that a gateway uses itself. */
export function reasonOf({ message }: Task): string | undefined {
	return message === undefined ? undefined : withoutKeys(message, KEY_CHARACTERS);
}

/** Why a task brought no video, and what to do; undefined for a task that did or still may. */
export function explain(task: Task): { message: string; hint?: string } | undefined {
	const { taskId, status, code = 'unknown code' } = task;
	const message = reasonOf(task) ?? 'no reason given';
	switch (status) {
		case 'FAILED':
			return {
				message: `Task ${taskId} failed: ${message} (${code})`,
				hint: adviceFor(code, message),
			};
		case 'CANCELED':
			return {
				message: `Task ${taskId} was canceled`,
				hint: 'It was canceled while it waited in the queue; it is not billed. Run it again.',
			};
		case 'UNKNOWN':
			return {
				message: `DashScope does not know task ${taskId}`,
				hint: 'DashScope deletes a task 24 hours after its submission, and knows it only in its own region and account. Check the task ID and the DashScope credential.',
			};
		default:
			return undefined;
	}
}

/**
 * The error for a task that ended without a video.
 * @returns undefined for a task that succeeded
 */
export function endedBadly(task: Task): TaskError | undefined {
	const reason = explain(task);
	if (reason === undefined) return undefined;
	const { taskId, status, code, requestId } = task;
	return new TaskError(reason.message, reason.hint, { taskId, status, code, requestId });
}

/**
 * Fetches the video of a task that succeeded; a broken transfer is repeated whole.
 * @throws TaskError that keeps task ID, URL and expiry
 */
export async function fetchVideo<Video>(ports: LookPorts<Video>, task: Task): Promise<Video> {
	const { taskId, videoUrl } = task;
	if (videoUrl === undefined) {
		throw downloadFailed(task, 'the answer holds no link to it');
	}
	for (let failures = 1; ; failures++) {
		try {
			return await ports.download(taskId, videoUrl);
		} catch (error) {
			if (ports.stopped()) throw toError(error);
			const failure = error instanceof DashScopeError ? error : undefined;
			const final = failure !== undefined && (!mayPass(failure.kind) || asksTooLong(failure));
			if (final || failures >= DOWNLOAD_TRIES) {
				throw downloadFailed(task, messageOf(error), failure);
			}
			await ports.sleep(backoff(failures, ports.random(), failure?.retryAfterMs));
		}
	}
}

function downloadFailed(task: Task, reason: string, failure?: DashScopeError): TaskError {
	const expires = expiryOf(task);
	const until = expires === undefined ? 'for 24 hours' : `until ${new Date(expires).toISOString()}`;
	return new TaskError(
		`The video of task ${task.taskId} is ready but could not be downloaded: ${reason}`,
		`It is paid for and stays available ${until}: get it with 'Task: Get Status' and this task ID. A new edit would be billed again. ${failure?.hint ?? ''}`.trim(),
		{
			taskId: task.taskId,
			status: task.status,
			requestId: task.requestId,
			httpStatus: failure?.httpStatus,
			videoUrl: task.videoUrl,
			videoUrlExpiresAt: expires === undefined ? undefined : new Date(expires).toISOString(),
		},
	);
}

/** What the user expects of a task that succeeded. */
export interface Wanted {
	prompt?: string;
	download: boolean;
}

/**
 * Hands a task on that succeeded, with its video if that is wanted.
 * @throws TaskError when the video cannot be fetched, or the task turns out to be somebody else's
 */
export async function deliver<Video>(
	ports: TaskPorts<Video>,
	downloads: Semaphore,
	wanted: Wanted,
	job: TaskRef,
	task: Task,
): Promise<{ state: 'finished'; job: TaskRef; task: Task; video?: Video }> {
	if (job.adopted && job.proven !== true && isOther(task, wanted)) {
		throw new TaskError(
			`Outcome unknown: the answer to a submission was lost, and the only task that may be its own, ${task.taskId}, has another prompt`,
			'A task may have been created and may be billed: look for it in the Model Studio console.',
			{ status: task.status, requestId: task.requestId, possibleTaskIds: task.taskId },
		);
	}
	if (!wanted.download) return { state: 'finished', job, task };
	const video = await downloads.run(async () => await fetchVideo(ports, task));
	return { state: 'finished', job, task, video };
}

/** Whether a task cannot be the one that was asked for; DashScope tells the prompt with the result. */
function isOther(task: Task, { prompt }: Wanted): boolean {
	const asked = prompt?.trim();
	return task.prompt !== undefined && asked !== undefined && task.prompt.trim() !== asked;
}
