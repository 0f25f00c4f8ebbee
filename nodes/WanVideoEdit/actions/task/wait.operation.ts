import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { dashScopeClient } from '../../../shared/dashscope/client';
import { n8nPorts } from '../../../shared/n8n/bindPorts';
import { rowOf } from '../../../shared/n8n/listedTask';
import { runItems } from '../../../shared/n8n/runItems';
import type { ReadyItem } from '../../../shared/n8n/runItems';
import { awaitTasks } from '../../../shared/tasks/awaitTasks';
import type { TaskToAwait } from '../../../shared/tasks/awaitTasks';
import { toLocal } from '../../../shared/tasks/serviceClock';
import { toError } from '../../../shared/thrown';
import { optionsField, readSettings, waitOptions } from '../../fields/options';
import { priceOptions } from '../../fields/price';
import { downloadFields, readDownload, readOutput } from '../../fields/result';
import { readTaskId, taskIdField } from '../../fields/taskId';
import { alwaysWaitingField, readHold } from '../../fields/waiting';
import { billingAt } from '../../models';

export const option = {
	name: 'Wait for Completion',
	description: 'Wait until a task that was submitted before has finished, then get its video',
	action: 'Wait for a task to finish',
};

export const fields: INodeProperties[] = [
	taskIdField,
	alwaysWaitingField,
	...downloadFields,
	optionsField(...waitOptions, ...priceOptions),
];

/** Waits for the task of each item, and fetches its video. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	if (this.getInputData().length === 0) return [];
	const client = await dashScopeClient(this);
	const ports = n8nPorts(this, client);
	const { holdMs, hint } = await readHold(this);
	// All at once: each asks the task list for what only that tells of a task.
	const found = await Promise.allSettled(
		this.getInputData().map(async (_, item): Promise<TaskToAwait> => {
			const taskId = readTaskId(this, item);
			const { model = '', createdAt } = (await rowOf(ports, client, taskId)) ?? {};
			const submittedAt = createdAt === undefined ? undefined : toLocal(ports.account, createdAt);
			const download = readDownload(this, item);
			return { taskId, model, submittedAt, download };
		}),
	);
	return await runItems(this, {
		client,
		billing: billingAt(client.baseUrl),
		settings: { ...readSettings(this), submitOnly: false, holdMs },
		hint,
		readItem: async (item): Promise<Array<ReadyItem<TaskToAwait>>> => {
			const task = found[item];
			if (task?.status !== 'fulfilled') throw toError(task?.reason);
			return [
				{
					request: task.value,
					output: { item, model: task.value.model, ...readOutput(this, item) },
				},
			];
		},
		run: async (tasks, runPorts, _, settings) => await awaitTasks(tasks, runPorts, settings),
	});
}
