/** The collection "Options": settings of the model, and of the run as a whole. */
import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { LOST_SUBMISSION_RULES } from '../../shared/tasks/lostSubmissions';
import type { RunSettings } from '../../shared/tasks/run';
import { choice, nearestNumber, numberWithin, runOptions, textOption } from './read';
import { maxResultSizeOption, simplifyOption } from './result';
import { readWaiting } from './waiting';

/**
 * Seconds. A finished video is noticed after half of it on average; from eight tasks on, one task list replaces their
 * checks.
 */
const DEFAULT_POLL_INTERVAL = 2;

/** Uploads and downloads at a time: videos are large, and n8n has other work to do. */
export const DEFAULT_TRANSFERS = 2;

/** Minutes: edits take up to ten, and twenty of them share five slots. */
const DEFAULT_TIMEOUT = 60;

const pollInterval: INodeProperties = {
	displayName: 'Poll Interval (Seconds)',
	name: 'pollInterval',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 300, numberPrecision: 1 },
	default: DEFAULT_POLL_INTERVAL,
	description:
		'How often to check whether a task has finished. Checks are free; the account limit is 20 per second.',
};

const timeout: INodeProperties = {
	displayName: 'Timeout (Minutes)',
	name: 'timeout',
	type: 'number',
	typeOptions: { minValue: 0.01, maxValue: 1440, numberPrecision: 2 },
	default: DEFAULT_TIMEOUT,
	description:
		"How long to wait for each task. A task that takes longer is not lost: get its video with 'Task: Get Status' and the task ID in the error.",
};

const transfers: INodeProperties = {
	displayName: 'Parallel Transfers',
	name: 'transfers',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 10 },
	default: DEFAULT_TRANSFERS,
	description: 'How many files to upload, and how many results to download, at the same time',
};

/** Options of every wait for a task, but for the prices, which depend on the model. */
export const waitOptions: INodeProperties[] = [
	maxResultSizeOption,
	pollInterval,
	simplifyOption,
	timeout,
	transfers,
];

const resubmitFailed: INodeProperties = {
	displayName: 'Resubmit Failed Tasks',
	name: 'resubmitFailed',
	type: 'number',
	typeOptions: { minValue: 0, maxValue: 3 },
	default: 0,
	description:
		'How many times to resubmit a task that failed because of a service error, such as InternalError.Algo. Failed tasks are not billed.',
};

const submitOptions: INodeProperties[] = [
	resubmitFailed,
	{
		displayName: 'When a Submission Gets No Response',
		name: 'lostSubmission',
		type: 'options',
		default: 'lookUp',
		description:
			'What to do if the connection breaks while a task is being submitted, so that it is not clear whether the task was created (and will be billed)',
		options: [
			{
				name: 'Fail',
				value: 'fail',
				description:
					'Fail the item with "Outcome unknown" and list the tasks that may belong to it',
			},
			{
				name: 'Look It Up',
				value: 'lookUp',
				description:
					'Check the task list for a minute. Submit again if no task was created, and fail if it stays unclear.',
			},
			{
				name: 'Submit Again',
				value: 'resubmit',
				description:
					'Check the task list, but submit again even if it stays unclear. The video may be billed twice.',
			},
		],
	},
];

/** The collection of an operation. @param properties options of its own, in any order */
export function optionsField(...properties: INodeProperties[]): INodeProperties {
	return {
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: [...properties].sort((a, b) => a.displayName.localeCompare(b.displayName)),
	};
}

/** The collection of an operation that submits tasks. */
export function submitOptionsField(...properties: INodeProperties[]): INodeProperties {
	return optionsField(...properties, ...submitOptions, ...waitOptions);
}

/**
 * Settings of the run as a whole; they come from the first item, as in n8n's own nodes.
 * @throws InputError for what is not a number, and for a timeout outside its limits
 */
export function readSettings(
	functions: IExecuteFunctions,
): Omit<RunSettings, 'retries' | 'holdMs'> {
	const numbers = [pollInterval, timeout, transfers, resubmitFailed];
	const options = runOptions(functions, ...numbers.map(({ name }) => name), 'lostSubmission');
	return {
		submitOnly: readWaiting(functions) === 'none',
		pollIntervalMs: nearestNumber(options, pollInterval) * 1000,
		timeoutMs: numberWithin(options, timeout) * 60_000,
		resubmitFailed: nearestNumber(options, resubmitFailed),
		transfers: Math.floor(nearestNumber(options, transfers)),
		lostSubmission: choice(
			'When a Submission Gets No Response',
			textOption(options, 'lostSubmission') ?? 'lookUp',
			LOST_SUBMISSION_RULES,
		),
	};
}
