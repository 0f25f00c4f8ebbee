import { errorIn } from './answer';
import { dashScopeRequest } from './client';
import type { DashScopeClient } from './client';
import { DashScopeError } from './errors';
import { isRecord, numberAt, recordAt, textAt } from './json';
import { formatListTime, parseDashScopeTime } from './time';
import { TASK_STATUSES, isFinal } from './types';
import type {
	CreateCall,
	CreatedTask,
	JsonRecord,
	ListedTask,
	Task,
	TaskStatus,
	Usage,
} from './types';

/** A status that is none of those known today is not taken for an end: the task is asked again. */
function statusAt(record: JsonRecord, key: string): TaskStatus | undefined {
	const text = textAt(record, key)?.toUpperCase();
	return text === undefined
		? undefined
		: (TASK_STATUSES.find((status) => status === text) ?? 'RUNNING');
}

function parseUsage(raw: JsonRecord): Usage | undefined {
	if (!isRecord(raw.usage)) return undefined;
	const { usage } = raw;
	const tier = numberAt(usage, 'SR');
	return {
		billedSeconds: numberAt(usage, 'duration') ?? numberAt(usage, 'video_duration'),
		inputSeconds: numberAt(usage, 'input_video_duration'),
		outputSeconds: numberAt(usage, 'output_video_duration') ?? numberAt(usage, 'video_duration'),
		resolution: tier === undefined ? textAt(usage, 'video_ratio') : `${tier}P`,
	};
}

/**
 * Reads a create or query answer tolerantly: fields may be missing, numbers may be text, unknown fields stay in `raw`.
 * @returns undefined when it names no task or no status, which a whole answer always does
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
		videoUrl:
			textAt(output, 'video_url') ??
			textAt(output, 'output_video_url') ??
			textAt(recordAt(output, 'results'), 'video_url'),
		usage: parseUsage(raw),
		code: textAt(output, 'code'),
		message: textAt(output, 'message'),
		raw,
	};
}

function namesNoTask(raw: JsonRecord): DashScopeError {
	const { code, message, requestId } = errorIn(raw);
	const said = message === undefined ? '' : `, but says: ${message}`;
	return new DashScopeError(`The answer names no task${said}`, {
		kind: 'garbled',
		code,
		requestId,
		hint: 'A proxy or gateway may stand between n8n and DashScope; check the base URL.',
	});
}

const VIDEO_PATH = '/services/aigc/video-generation/video-synthesis';

/** Whether any text in a body is the `oss://` URL of an upload. */
function usesUpload(value: unknown): boolean {
	if (typeof value === 'string') return value.startsWith('oss://');
	return typeof value === 'object' && value !== null && Object.values(value).some(usesUpload);
}

/**
 * Submits a task. Costs money when the task succeeds, and no idempotency key exists:
 * after an error whose kind is `answered`, `server`, `lost` or `garbled` a task may exist all the same.
 * @throws DashScopeError
 */
export async function createTask(
	client: DashScopeClient,
	{ body, path = VIDEO_PATH }: CreateCall,
): Promise<CreatedTask> {
	const raw = await dashScopeRequest(client, {
		method: 'POST',
		path,
		headers: {
			'X-DashScope-Async': 'enable',
			...(usesUpload(body) ? { 'X-DashScope-OssResourceResolve': 'enable' } : {}),
		},
		body,
		timeoutMs: 120_000,
	}).catch((error: unknown) => {
		// A task that has an ID exists and may be billed, whatever else the answer says.
		if (!(error instanceof DashScopeError) || error.taskId === undefined) throw error;
		return { request_id: error.requestId, output: { task_id: error.taskId } };
	});
	const taskId = textAt(recordAt(raw, 'output'), 'task_id');
	if (taskId === undefined) throw namesNoTask(raw);
	return { taskId, requestId: textAt(raw, 'request_id') };
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
	const task = parseTask(raw);
	if (task === undefined) throw namesNoTask(raw);
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

/** Which tasks are to be listed. */
export interface TaskListQuery {
	/** Absent: of every model. */
	model?: string;
	/** Absent: in every state. */
	status?: TaskStatus;
	/** Epoch milliseconds; the span may not exceed 24 h. */
	from: number;
	to: number;
	/** No more rows than these are asked for. Absent: all. */
	limit?: number;
}

/**
 * The row of a task in the task list, which alone tells its model.
 * @returns undefined where the list does not show the task
 * @throws DashScopeError
 */
export async function getListedTask(
	client: DashScopeClient,
	taskId: string,
): Promise<ListedTask | undefined> {
	const raw = await dashScopeRequest(client, {
		method: 'GET',
		path: '/tasks/',
		query: { task_id: taskId },
		timeoutMs: 30_000,
	});
	return parseTaskList(raw).find((row) => row.taskId === taskId);
}

/** Rows of a page of the task list. */
export const PAGE_SIZE = 100;

/** Far more than an account makes in a day at five tasks running at once. */
const MOST_PAGES = 100;

/**
 * The tasks that were created in a time window before the call: all of them or none, or as many as the query's limit.
 * @param turn waited for before each page but the first, so that a long list keeps to the account's limit
 * @throws DashScopeError, also when the list does not come whole: what is missing in it must not pass for absent
 */
export async function listTasks(
	client: DashScopeClient,
	query: TaskListQuery,
	turn = async () => await Promise.resolve(),
): Promise<ListedTask[]> {
	const { status, limit = Infinity } = query;
	const tasks = new Map<string, ListedTask>();
	let atFirst = 0;
	for (let page = 1; ; page++) {
		if (page > 1) await turn();
		const raw = await readPage(client, query, page);
		const total = numberAt(raw, 'total') ?? 0;
		if (page === 1) atFirst = total;
		const rows = parseTaskList(raw);
		const isTold =
			numberAt(raw, 'total') !== undefined || numberAt(raw, 'total_page') !== undefined;
		// A list that does not say how long it is ends with a page that is not full.
		const more = !isTold && rows.length >= PAGE_SIZE ? page + 1 : page;
		const pages = Math.max(more, numberAt(raw, 'total_page') ?? 1);
		// Told by the first page already, so that nobody waits for the others in vain.
		const never = pages > MOST_PAGES && limit > MOST_PAGES * PAGE_SIZE;
		if (never || page > MOST_PAGES) throw tooMany();
		const before = tasks.size;
		for (const task of rows) tasks.set(task.taskId, task);
		// Otherwise a service that gives the same page each time would be read without end.
		if (!isTold && page > 1 && rows.length > 0 && tasks.size === before) throw notWhole(raw);
		if (tasks.size >= limit) return [...tasks.values()].slice(0, limit);
		if (page < pages) {
			if (status === undefined || isFinal(status)) continue;
			// Tasks leave such a state while the list is read, and others take their place on pages that were read before.
			await turn();
			const all = await listTasks(client, { ...query, status: undefined, limit: undefined }, turn);
			return all.filter((task) => task.status === status).slice(0, limit);
		}
		// Where the newest come first, tasks that came meanwhile only push others on to the next page.
		if (tasks.size < (isNewestFirst([...tasks.values()]) ? atFirst : total)) throw notWhole(raw);
		return [...tasks.values()];
	}
}

function isNewestFirst(tasks: ListedTask[]): boolean {
	return tasks.every(
		({ createdAt = NaN }, index) => createdAt <= (tasks[index - 1]?.createdAt ?? Infinity),
	);
}

function tooMany(): DashScopeError {
	return new DashScopeError(`The task list has more than ${MOST_PAGES * PAGE_SIZE} tasks`, {
		kind: 'garbled',
		hint: 'Ask for a shorter time, one model or one status.',
	});
}

async function readPage(
	client: DashScopeClient,
	{ model, status, from, to, limit = Infinity }: TaskListQuery,
	page: number,
): Promise<JsonRecord> {
	return await dashScopeRequest(client, {
		method: 'GET',
		path: '/tasks/',
		query: {
			...(model === undefined ? {} : { model_name: model }),
			...(status === undefined ? {} : { status }),
			start_time: formatListTime(from),
			end_time: formatListTime(to),
			page_no: page,
			page_size: Math.min(PAGE_SIZE, limit),
		},
		timeoutMs: 30_000,
	});
}

function notWhole(raw: JsonRecord): DashScopeError {
	return new DashScopeError('The task list is incomplete', {
		kind: 'garbled',
		requestId: textAt(raw, 'request_id'),
	});
}

/**
 * The rows of a task list answer.
 * @throws DashScopeError when a row names no task, or nothing but an empty list tells that this is a task list
 */
export function parseTaskList(raw: JsonRecord): ListedTask[] {
	if (!Array.isArray(raw.data)) throw notWhole(raw);
	const said = textAt(raw, 'request_id') !== undefined || numberAt(raw, 'total') !== undefined;
	if (raw.data.length === 0 && !said) throw notWhole(raw);
	return raw.data.map((row: unknown) => {
		const record = isRecord(row) ? row : {};
		const taskId = textAt(record, 'task_id');
		if (taskId === undefined) throw notWhole(raw);
		return {
			taskId,
			status: statusAt(record, 'status') ?? 'RUNNING',
			model: textAt(record, 'model_name'),
			requestId: textAt(record, 'request_id'),
			apiKeyId: textAt(record, 'api_key_id'),
			createdAt: numberAt(record, 'gmt_create'),
			startedAt: numberAt(record, 'start_time'),
			finishedAt: numberAt(record, 'end_time'),
		};
	});
}
