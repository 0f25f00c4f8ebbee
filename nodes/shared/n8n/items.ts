import type { IBinaryData, IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { EstimatedCost } from '../billing/price';
import { isFinal } from '../dashscope/types';
import type { ListedTask, Task, Usage } from '../dashscope/types';
import { roundedSeconds } from '../media/wording';
import { expiryOf, explain, reasonOf } from '../tasks/deliver';
import type { Duplicate } from '../tasks/duplicates';
import type { SubmittedTask } from '../tasks/outcome';
import type { FinishedPiece, JoinedPieces } from './clips';

/** ISO 8601 in UTC, or null for "not yet", "not known" and what is no time. */
function iso(epochMs = NaN): string | null {
	const time = new Date(epochMs);
	return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/** What goes into a task's item besides the task. */
export interface TaskItemOptions {
	cost?: EstimatedCost;
	/** Whether to leave DashScope's own answer out. */
	simplify: boolean;
	/** Binary field for the video. */
	field: string;
	video?: IBinaryData;
	/** Name of the video's file before the edit. */
	fileName?: string;
	/** Second tasks that were created for the item. */
	duplicates?: Duplicate[];
}

/** The json of a task: one shape, whatever its state. A task without a video says why. */
function taskJson(
	task: Task,
	{ cost, simplify, fileName, duplicates }: TaskItemOptions,
): IDataObject {
	const { usage, code } = task;
	const reason = explain(task);
	return {
		taskId: task.taskId,
		status: task.status,
		finished: isFinal(task.status),
		succeeded: task.status === 'SUCCEEDED',
		videoUrl: task.videoUrl ?? null,
		videoUrlExpiresAt: iso(expiryOf(task)),
		submittedAt: iso(task.submittedAt),
		startedAt: iso(task.startedAt),
		finishedAt: iso(task.finishedAt),
		prompt: task.prompt ?? null,
		usage:
			usage === undefined
				? null
				: {
						billedSeconds: usage.billedSeconds ?? null,
						inputSeconds: usage.inputSeconds ?? null,
						outputSeconds: usage.outputSeconds ?? null,
						resolution: usage.resolution ?? null,
						estimatedCost: cost === undefined ? null : { ...cost },
					},
		requestId: task.requestId ?? null,
		...(reason === undefined
			? {}
			: {
					code: code ?? null,
					message: reasonOf(task) ?? reason.message,
					hint: reason.hint ?? null,
				}),
		...(fileName === undefined ? {} : { fileName }),
		...secondTasks(duplicates),
		...(simplify ? {} : { response: task.raw }),
	};
}

/** The item of a finished edit or of a status. */
export function taskItem(item: number, task: Task, options: TaskItemOptions): INodeExecutionData {
	return { ...taskContent(task, options), pairedItem: { item } };
}

/** What the item of a task holds. A trigger has no input that it could be paired with. */
export function taskContent(
	task: Task,
	options: TaskItemOptions,
): Pick<INodeExecutionData, 'json' | 'binary'> {
	const { video, field } = options;
	return {
		json: taskJson(task, options),
		...(video === undefined ? {} : { binary: { [field]: video } }),
	};
}

/** The item of a video that was edited in pieces: that of an edit, whose tasks stand in lists. */
export function joinedItem(
	item: number,
	{ pieces, video, notes }: JoinedPieces,
	{ usage, ...options }: TaskItemOptions & { usage?: Usage },
): INodeExecutionData {
	const tasks = pieces.map(({ task }) => task);
	const [first] = tasks;
	const times = (name: 'submittedAt' | 'startedAt' | 'finishedAt') =>
		tasks.flatMap((task) => task[name] ?? []);
	const least = (all: number[]) => (all.length === 0 ? undefined : Math.min(...all));
	const whole: Task = {
		taskId: '',
		status: 'SUCCEEDED',
		submittedAt: least(times('submittedAt')),
		startedAt: least(times('startedAt')),
		finishedAt: times('finishedAt').length === 0 ? undefined : Math.max(...times('finishedAt')),
		prompt: first?.prompt,
		usage,
		raw: {},
	};
	const json: IDataObject = {
		...taskJson(whole, { ...options, simplify: true }),
		// The ID of one of them would be taken for that of the whole.
		taskId: null,
		taskIds: tasks.map(({ taskId }) => taskId),
		joined: video !== undefined,
		// Also shown as hints, but those of a suspended execution stand in the one that waits for it.
		...(notes.length === 0 ? {} : { notes }),
		pieces: pieces.map(pieceJson),
		...(options.simplify ? {} : { responses: tasks.map(({ raw }) => raw) }),
	};
	const apart = pieces.flatMap((piece) => piece.video ?? []);
	const videos = video === undefined ? apart : [video];
	const binary = Object.fromEntries(
		videos.map((one, index) => [`${options.field}${index === 0 ? '' : `_${index + 1}`}`, one]),
	);
	return { json, ...(videos.length === 0 ? {} : { binary }), pairedItem: { item } };
}

/** What an item tells of each of its pieces. Seconds of the whole video. */
export function pieceJson({ clip, task }: Pick<FinishedPiece, 'clip' | 'task'>) {
	return {
		piece: clip.number,
		from: roundedSeconds(clip.from),
		to: roundedSeconds(clip.to),
		taskId: task.taskId,
		videoUrl: task.videoUrl ?? null,
		videoUrlExpiresAt: iso(expiryOf(task)),
	};
}

/** The item of an edit that is not waited for. */
export function submittedItem(
	item: number,
	{ job, duplicates }: Omit<SubmittedTask, 'state'>,
): INodeExecutionData {
	return {
		json: {
			taskId: job.taskId,
			status: 'PENDING',
			submittedAt: iso(job.submittedAt),
			requestId: job.requestId ?? null,
			...secondTasks(duplicates),
		},
		pairedItem: { item },
	};
}

function secondTasks(duplicates?: Duplicate[]): IDataObject {
	const known = duplicates?.filter(({ taskId }) => taskId !== undefined) ?? [];
	return known.length === 0 ? {} : { duplicateTasks: known.map((one) => ({ ...one })) };
}

/** The item of a row of the task list. */
export function listedItem(item: number, task: ListedTask): INodeExecutionData {
	const { taskId, status, model, createdAt, startedAt, finishedAt, requestId } = task;
	return {
		json: {
			taskId,
			status,
			model: model ?? null,
			createdAt: iso(createdAt),
			startedAt: iso(startedAt),
			finishedAt: iso(finishedAt),
			requestId: requestId ?? null,
		},
		pairedItem: { item },
	};
}
