/** Tasks that were submitted and go on, although the execution cannot wait for them: each is named, with its item. */
import type { IExecuteFunctions } from 'n8n-workflow';
import { TaskError, StoppedError } from '../tasks/errors';
import { factsOf } from './failures';
import { tasksOfItem, tasksOfRun } from './nodeMemory';
import type { TasksOfRun } from './nodeMemory';

const GOES_ON =
	"The task keeps running and will be billed if it succeeds. Get its video with 'Task: Get Status' and this task ID within 24 hours.";

/** The error of an item whose task was submitted, but n8n does not wait for it. */
export function couldNotSuspend(taskId: string, { message }: Error): TaskError {
	return new TaskError(
		`Task ${taskId} was submitted, but the execution could not be suspended: ${message}`,
		`${GOES_ON} A retry of the execution finds it again and submits nothing twice.`,
		{ taskId },
	);
}

/** The error of an item whose task could not be looked at for so long that the wait ends. */
export function couldNotLook(taskId: string, { message }: Error): TaskError {
	return new TaskError(
		`Task ${taskId} is no longer waited for, because it could not be checked: ${message}`,
		GOES_ON,
		{ taskId },
	);
}

const MAY_BE_REPLACED =
	"If it had failed, a new one may have been submitted in its place: its ID is in n8n's log then, or look for it with 'Task: Get Many'.";

/**
 * What is handed on for an item if n8n is killed while the suspended execution checks its task.
 * @param again whether the check submits a new task where this one has failed
 */
export function interrupted(taskId: string, again: boolean): TaskError {
	const hint = again ? `${GOES_ON} ${MAY_BE_REPLACED}` : GOES_ON;
	return new TaskError(`Waiting for task ${taskId} was interrupted`, hint, { taskId });
}

/**
 * An error of the node as a whole, which also names the tasks of earlier tries. Which item each belongs to is not
 * known here; a retry finds out.
 */
export function namingTasks(functions: IExecuteFunctions, error: Error): Error {
	const one = functions.getInputData().length === 1;
	const { taskIds, ...sent } = tasksOfRun(functions);
	return error instanceof StoppedError ? error : naming(taskIds, error, one, sent);
}

/** An error of an item that is not even looked at in this try, which also names its tasks of earlier ones. */
export function namingTasksOf(functions: IExecuteFunctions, item: number, error: Error): Error {
	return naming(tasksOfItem(functions, item), error, true, { lost: [] });
}

/**
 * @param ofItem whether a single task is that of the item which the error is about
 * @param sent submissions that may each have created one more; those that the error itself describes are left out
 */
function naming(
	tasks: string[],
	error: Error,
	ofItem: boolean,
	sent: Pick<TasksOfRun, 'lost' | 'begunAt'>,
): Error {
	const { hint, details } = factsOf(error);
	const said = [error.message, hint, details.taskId].join(' ');
	const [only, ...more] = tasks.filter((taskId) => !said.includes(taskId));
	const unknown = unknownTasks(said, sent);
	if (only === undefined) {
		if (unknown === '') return error;
		return new TaskError(error.message, [hint, unknown].filter(Boolean).join('\n'), details);
	}

	const ids = [only, ...more].join(', ');
	const one = more.length === 0;
	const left = one
		? `An earlier try submitted task ${ids}. It keeps running and will be billed if it succeeds.`
		: `Earlier tries submitted the tasks ${ids}. They keep running and will be billed if they succeed.`;
	const advice = `A retry of the execution finds ${one ? 'it' : 'them'} again and submits nothing twice; 'Task: Get Status' fetches a video by its task ID within 24 hours.`;
	const ofTask = one && ofItem ? { taskId: only } : { taskIds: ids };
	return new TaskError(error.message, [hint, left, unknown, advice].filter(Boolean).join('\n'), {
		...details,
		...ofTask,
	});
}

/** What an error that says this much does not say of the submissions that got no response. */
function unknownTasks(
	said: string,
	{ lost, begunAt = Infinity }: Pick<TasksOfRun, 'lost' | 'begunAt'>,
): string {
	const spans = [...said.matchAll(/between (\S+Z) and (\S+Z)/g)].map(([, from = '', to = '']) => ({
		from: Date.parse(from),
		to: Date.parse(to),
	}));
	// An error about a later submission that was refused tells of the earlier ones without their times.
	const ofThisTry = said.includes('may have been created');
	const unsaid = lost.filter(
		({ since }) =>
			!spans.some(({ from, to }) => since >= from && since <= to) &&
			!(ofThisTry && since >= begunAt),
	);
	if (unsaid.length === 0) return '';
	const who = unsaid.every(({ since }) => since < begunAt) ? 'An earlier try' : 'This execution';
	return `${who} has sent ${submissions(unsaid.length)}.`;
}

function submissions(lost: number): string {
	return lost === 1
		? 'a submission that got no response; its task may have been created and may be billed'
		: `${lost} submissions that got no response; their tasks may have been created and may be billed`;
}
