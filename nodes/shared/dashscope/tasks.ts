import { dashScopeRequest } from './client';
import type { DashScopeClient } from './client';
import { DashScopeError } from './errors';
import { isRecord, numberAt, recordAt, textAt } from './json';
import { formatListTime, parseDashScopeTime } from './time';
import type { JsonRecord, ListedTask, Task, TaskStatus, Usage, VideoEditBody } from './types';

const STATUSES: readonly TaskStatus[] = [
	'PENDING',
	'RUNNING',
	'SUSPENDED',
	'SUCCEEDED',
	'FAILED',
	'CANCELED',
	'UNKNOWN',
];

function statusAt(record: JsonRecord, key: string): TaskStatus | undefined {
	const text = textAt(record, key)?.toUpperCase();
	return STATUSES.find((status) => status === text);
}

function parseUsage(raw: JsonRecord): Usage | undefined {
	if (!isRecord(raw.usage)) return undefined;
	const tier = numberAt(raw.usage, 'SR');
	return {
		billedSeconds: numberAt(raw.usage, 'duration'),
		inputSeconds: numberAt(raw.usage, 'input_video_duration'),
		outputSeconds: numberAt(raw.usage, 'output_video_duration'),
		resolution: tier === undefined ? undefined : `${tier}P`,
	};
}

/**
 * Reads a create or query answer tolerantly: fields may be missing, numbers may be text, unknown fields stay in `raw`.
 * @returns undefined when it names no task or no known status, which a whole answer always does
 */
export function parseTask(raw: JsonRecord): Task | undefined {
	const output = recordAt(raw, 'output');
	const taskId = textAt(output, 'task_id');
	const status = statusAt(output, 'task_status');
	if (taskId === undefined || status === undefined) return undefined;
	return {
		taskId,
		status,
		requestId: textAt(raw, 'request_id'),
		submittedAt: parseDashScopeTime(textAt(output, 'submit_time')),
		startedAt: parseDashScopeTime(textAt(output, 'scheduled_time')),
		finishedAt: parseDashScopeTime(textAt(output, 'end_time')),
		prompt: textAt(output, 'orig_prompt'),
		videoUrl: textAt(output, 'video_url'),
		usage: parseUsage(raw),
		code: textAt(output, 'code'),
		message: textAt(output, 'message'),
		raw,
	};
}

function taskIn(raw: JsonRecord): Task {
	const task = parseTask(raw);
	if (task !== undefined) return task;
	throw new DashScopeError('The answer names no task', {
		kind: 'garbled',
		requestId: textAt(raw, 'request_id'),
		hint: 'A proxy or gateway may stand between n8n and DashScope; check the base URL.',
	});
}

/**
 * Submits a video edit. Costs money when the task succeeds, and no idempotency key exists:
 * after an error whose kind is `server`, `lost` or `garbled` a task may exist all the same.
 * @throws DashScopeError
 */
export async function createTask(client: DashScopeClient, body: VideoEditBody): Promise<Task> {
	const usesUpload = body.input.media.some((entry) => entry.url.startsWith('oss://'));
	const raw = await dashScopeRequest(client, {
		method: 'POST',
		path: '/services/aigc/video-generation/video-synthesis',
		headers: {
			'X-DashScope-Async': 'enable',
			...(usesUpload ? { 'X-DashScope-OssResourceResolve': 'enable' } : {}),
		},
		body,
		timeoutMs: 120_000,
	});
	return taskIn(raw);
}

/**
 * Asks for one task. A FAILED or UNKNOWN task is a normal answer.
 * @throws DashScopeError
 */
export async function getTask(client: DashScopeClient, taskId: string): Promise<Task> {
	const raw = await dashScopeRequest(client, {
		method: 'GET',
		path: `/tasks/${encodeURIComponent(taskId)}`,
		timeoutMs: 30_000,
	});
	const task = taskIn(raw);
	if (task.taskId === taskId) return task;
	throw new DashScopeError(`The answer is about another task (${task.taskId})`, {
		kind: 'garbled',
		requestId: task.requestId,
	});
}

/**
 * Cancels a task that is still PENDING.
 * @throws DashScopeError, `UnsupportedOperation` when it is not PENDING any more
 */
export async function cancelTask(client: DashScopeClient, taskId: string): Promise<void> {
	await dashScopeRequest(client, {
		method: 'POST',
		path: `/tasks/${encodeURIComponent(taskId)}/cancel`,
		timeoutMs: 10_000,
	});
}

export interface TaskListQuery {
	model: string;
	/** Epoch milliseconds; the span may not exceed 24 h. */
	from: number;
	to: number;
}

const PAGE_SIZE = 100;
const MAX_PAGES = 10;

/**
 * The tasks of a model created in a time window, newest first, up to 1000.
 * @throws DashScopeError
 */
export async function listTasks(
	client: DashScopeClient,
	query: TaskListQuery,
): Promise<ListedTask[]> {
	const tasks: ListedTask[] = [];
	for (let page = 1; page <= MAX_PAGES; page++) {
		const raw = await dashScopeRequest(client, {
			method: 'GET',
			path: '/tasks/',
			query: {
				model_name: query.model,
				start_time: formatListTime(query.from),
				end_time: formatListTime(query.to),
				page_no: page,
				page_size: PAGE_SIZE,
			},
			timeoutMs: 30_000,
		});
		tasks.push(...parseTaskList(raw));
		if (page >= (numberAt(raw, 'total_page') ?? 1)) break;
	}
	return tasks;
}

/** The rows of a task list answer that name a task and a status. */
export function parseTaskList(raw: JsonRecord): ListedTask[] {
	const rows = Array.isArray(raw.data) ? raw.data : [];
	return rows.filter(isRecord).flatMap((row) => {
		const taskId = textAt(row, 'task_id');
		const status = statusAt(row, 'status');
		if (taskId === undefined || status === undefined) return [];
		return [
			{ taskId, status, model: textAt(row, 'model_name'), createdAt: numberAt(row, 'gmt_create') },
		];
	});
}
