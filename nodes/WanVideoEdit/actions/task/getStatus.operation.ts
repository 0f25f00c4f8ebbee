import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { dashScopeClient } from '../../../shared/dashscope/client';
import { modelOfTask } from '../../../shared/dashscope/tasks';
import type { Task } from '../../../shared/dashscope/types';
import { endedBadly, fetchVideo } from '../../../shared/tasks/deliver';
import { InputError } from '../../../shared/inputError';
import { StoppedError } from '../../../shared/tasks/errors';
import { Semaphore } from '../../../shared/tasks/semaphore';
import { currencyOf, estimateCost } from '../../../shared/tasks/price';
import { askStatus } from '../../../shared/tasks/getStatus';
import { price1080Option, price720Option, readPrices } from '../../fields/price';
import {
	booleanOption,
	booleanParameter,
	collectionParameter,
	textParameter,
} from '../../fields/read';
import {
	downloadFields,
	maxResultSizeOption,
	readMaxResultBytes,
	simplifyOption,
} from '../../fields/result';
import { DEFAULT_TRANSFERS } from '../../fields/options';
import { checkSuspended, checkSuspendedField } from '../../../shared/n8n/suspend/loop';
import { errorItem, runError, toError } from '../../../shared/n8n/failures';
import { taskItem } from '../../../shared/n8n/items';
import { n8nPorts } from '../../../shared/n8n/bindPorts';
import { priceListOf } from '../../models';

export const option = {
	name: 'Get Status',
	description: 'Get a task by ID and download its video if it has finished',
	action: 'Get the status of a task',
};

export const fields: INodeProperties[] = [
	{
		displayName: 'Task ID',
		name: 'taskId',
		type: 'string',
		required: true,
		default: '={{ $json.taskId }}',
		placeholder: 'e.g. 0385dc79-5ff8-4d82-bcb6-7b0f1f2ab3cd',
		hint: 'DashScope keeps a task for 24 hours after its submission',
		description:
			'ID of the task, as an operation that does not wait, or an error message, gives it',
	},
	...downloadFields,
	checkSuspendedField,
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: [
			{
				displayName: 'Fail If the Task Failed',
				name: 'failOnFailedTask',
				type: 'boolean',
				default: false,
				description:
					'Whether to fail when the task failed, was cancelled or is unknown, instead of returning it with succeeded: false',
			},
			maxResultSizeOption,
			price1080Option,
			price720Option,
			simplifyOption,
		],
	},
];

/** Task IDs are UUIDs today; anything that fits a path segment is let through. */
const TASK_ID = /^[\w.:-]{1,128}$/;

function readTaskId(functions: IExecuteFunctions, item: number): string {
	const taskId = textParameter(functions, 'taskId', item);
	if (taskId === '') {
		throw new InputError(
			"'Task ID' is empty",
			'Enter the ID, or connect an edit that returns it (the default reads taskId from the item).',
		);
	}
	if (!TASK_ID.test(taskId)) {
		throw new InputError(
			`'Task ID' is "${taskId.slice(0, 60)}"`,
			'A task ID looks like 0385dc79-5ff8-4d82-bcb6-7b0f1f2ab3cd.',
		);
	}
	return taskId;
}

/** Asks for the task of each item once, and fetches the video of those that succeeded. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	if (booleanParameter(this, 'checkSuspended', 0, false))
		return await checkSuspended(this, priceListOf);
	const client = await dashScopeClient(this);
	const ports = n8nPorts(this, client, readMaxResultBytes(collectionParameter(this, 'options', 0)));
	const downloads = new Semaphore(DEFAULT_TRANSFERS);
	const billing = { currency: currencyOf(client.baseUrl), priceListOf };

	/** Which prices are right depends on it, but nothing else: where it cannot be read there is no estimate. */
	const modelOf = async ({ taskId, usage }: Task): Promise<string> => {
		if (usage === undefined) return '';
		const asked = ports.account.ask(ports, async () => await modelOfTask(client, taskId));
		return (await asked.catch(() => undefined)) ?? '';
	};
	const status = async (item: number): Promise<INodeExecutionData> => {
		const options = collectionParameter(this, 'options', item);
		const taskId = readTaskId(this, item);
		const task = await askStatus(ports, taskId);
		const failure = endedBadly(task);
		if (failure !== undefined && booleanOption(options, 'failOnFailedTask') === true) throw failure;

		const wanted = task.status === 'SUCCEEDED' && booleanParameter(this, 'download', item, true);
		const video = wanted
			? await downloads.run(async () => await fetchVideo(ports, task))
			: undefined;
		return taskItem(item, task, {
			video,
			field: textParameter(this, 'outputField', item) || 'data',
			simplify: booleanOption(options, 'simplify') ?? true,
			cost: estimateCost(task.usage, await modelOf(task), billing, readPrices(options)),
		});
	};

	const settled = await Promise.allSettled(
		this.getInputData().map(async (_, item) => await status(item)),
	);
	if (ports.stopped()) throw new StoppedError();
	const failures = settled.flatMap((result, item) =>
		result.status === 'rejected' ? [{ item, error: toError(result.reason) }] : [],
	);
	if (failures.length > 0 && !this.continueOnFail()) throw runError(this, failures);
	return settled.map((result, item) =>
		result.status === 'fulfilled'
			? result.value
			: errorItem({ item, error: toError(result.reason) }),
	);
}
