import type { Task } from '../dashscope/types';
import { fetchVideo } from './deliver';
import { EditError } from './errors';
import type { Slots } from './semaphore';
import type { EditPorts } from './ports';
import type { Job } from './submit';

/** What the user expects of a task that succeeded. */
export interface Wanted {
	prompt?: string;
	download: boolean;
}

/**
 * Hands a task on that succeeded, with its video if that is wanted.
 * @throws EditError when the video cannot be fetched, or the task turns out to be somebody else's
 */
export async function finish<Video>(
	ports: EditPorts<Video>,
	downloads: Slots,
	wanted: Wanted,
	job: Job,
	task: Task,
): Promise<{ state: 'finished'; job: Job; task: Task; video?: Video }> {
	if (job.adopted && isOther(task, wanted)) {
		throw new EditError(
			`Outcome unknown: the answer to a submission was lost, and task ${task.taskId}, the only one found in its place, has another prompt`,
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
