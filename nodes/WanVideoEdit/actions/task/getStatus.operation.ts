import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { estimateCost } from '../../../shared/billing/price';
import { cancelSignalOf, dashScopeClient } from '../../../shared/dashscope/client';
import { lookPorts, n8nPorts } from '../../../shared/n8n/bindPorts';
import { eachItem } from '../../../shared/n8n/eachItem';
import { taskItem } from '../../../shared/n8n/items';
import { rowOf } from '../../../shared/n8n/listedTask';
import { checkSuspended, checkSuspendedField } from '../../../shared/n8n/suspend/loop';
import { askStatus } from '../../../shared/tasks/ask';
import { endedBadly, fetchVideo, madeNoVideo } from '../../../shared/tasks/deliver';
import { Semaphore } from '../../../shared/tasks/semaphore';
import { DEFAULT_TRANSFERS } from '../../fields/options';
import { priceOptions } from '../../fields/price';
import { booleanOption, booleanParameter, collectionParameter } from '../../fields/read';
import {
	downloadFields,
	maxResultSizeOption,
	readDownload,
	readOutput,
	simplifyOption,
} from '../../fields/result';
import { readTaskId, taskIdField } from '../../fields/taskId';
import { billingAt, priceListOf } from '../../models';

export const option = {
	name: 'Get Status',
	description: 'Get a task by its ID, and download its video if it is ready',
	action: 'Get the status of a task',
};

export const fields: INodeProperties[] = [
	taskIdField,
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
					'Whether to stop with an error if the task failed, was canceled or is unknown. When off, the task is returned with succeeded set to false.',
			},
			maxResultSizeOption,
			...priceOptions,
			simplifyOption,
		],
	},
];

/** Asks for the task of each item once, and fetches the video of those that succeeded. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	if (booleanParameter(this, 'checkSuspended', 0, false))
		return await checkSuspended(this, priceListOf);
	const client = await dashScopeClient(this);
	const ports = n8nPorts(this, client);
	const downloads = new Semaphore(DEFAULT_TRANSFERS);
	const billing = billingAt(client.baseUrl);

	return await eachItem(this, async (item) => {
		const options = collectionParameter(this, 'options', item);
		const taskId = readTaskId(this, item);
		const { field, simplify, prices, maxResultBytes } = readOutput(this, item);
		const task = await askStatus(ports, taskId);
		const failure = endedBadly(task);
		if (failure !== undefined && booleanOption(options, 'failOnFailedTask') === true) throw failure;

		const wanted = task.status === 'SUCCEEDED' && !madeNoVideo(task) && readDownload(this, item);
		const video = wanted
			? await downloads.run(async () => {
					const signal = cancelSignalOf(this);
					return await fetchVideo(lookPorts(this, client, maxResultBytes, signal), task);
				})
			: undefined;
		const { usage } = task;
		const row = usage === undefined ? undefined : await rowOf(ports, client, taskId);
		const cost = estimateCost(usage, row?.model ?? '', billing, prices);
		return [taskItem(item, task, { video, field, simplify, cost })];
	});
}
