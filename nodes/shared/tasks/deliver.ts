import { DashScopeError, adviceFor, mayPass } from '../dashscope/errors';
import type { Task } from '../dashscope/types';
import { EditError } from './errors';
import type { EditPorts } from './ports';
import { asksTooLong, backoff } from './schedule';

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
	if (Number.isFinite(seconds)) return seconds * 1000;
	return finishedAt === undefined ? undefined : finishedAt + DAY_MS;
}

/** Why a task brought no video, and what to do; undefined for a task that did or still may. */
export function explain(task: Task): { message: string; hint?: string } | undefined {
	const { taskId, status, code = 'unknown code', message = 'no reason given' } = task;
	switch (status) {
		case 'FAILED':
			return {
				message: `Task ${taskId} failed: ${message} (${code})`,
				hint: adviceFor(code, message),
			};
		case 'CANCELED':
			return {
				message: `Task ${taskId} was cancelled`,
				hint: 'Someone cancelled it while it waited; it is not billed. Submit it again.',
			};
		case 'UNKNOWN':
			return {
				message: `DashScope does not know task ${taskId}`,
				hint: 'A task is forgotten 24 hours after its submission, and is known only in its own region and account: check the task ID and the DashScope credential.',
			};
		default:
			return undefined;
	}
}

/**
 * The error for a task that ended without a video.
 * @returns undefined for a task that succeeded
 */
export function endedBadly(task: Task): EditError | undefined {
	const reason = explain(task);
	if (reason === undefined) return undefined;
	const { taskId, status, code, requestId } = task;
	return new EditError(reason.message, reason.hint, { taskId, status, code, requestId });
}

/**
 * Fetches the video of a task that succeeded; a broken transfer is repeated whole.
 * @throws EditError that keeps task ID, URL and expiry
 */
export async function fetchVideo<Video>(ports: EditPorts<Video>, task: Task): Promise<Video> {
	const { taskId, videoUrl } = task;
	if (videoUrl === undefined) {
		throw downloadFailed(task, 'the answer holds no link to it');
	}
	for (let failures = 1; ; failures++) {
		try {
			return await ports.download(taskId, videoUrl);
		} catch (error) {
			if (ports.stopped()) return await Promise.reject(error);
			const failure = error instanceof DashScopeError ? error : undefined;
			const final = failure !== undefined && (!mayPass(failure.kind) || asksTooLong(failure));
			if (final || failures >= DOWNLOAD_TRIES) {
				const reason = error instanceof Error ? error.message : String(error);
				throw downloadFailed(task, reason, failure);
			}
			await ports.sleep(backoff(failures, ports.random(), failure?.retryAfterMs));
		}
	}
}

function downloadFailed(task: Task, reason: string, failure?: DashScopeError): EditError {
	const expires = expiryOf(task);
	const until = expires === undefined ? 'for 24 hours' : `until ${new Date(expires).toISOString()}`;
	return new EditError(
		`The video of task ${task.taskId} is ready but could not be downloaded: ${reason}`,
		`${failure?.hint ?? ''} It is paid for and stays available ${until}: run this node again (nothing is submitted twice), or fetch it with 'Task: Get Status'.`.trim(),
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
