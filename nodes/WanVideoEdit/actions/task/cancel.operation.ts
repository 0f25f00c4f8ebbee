import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { dashScopeClient } from '../../../shared/dashscope/client';
import { n8nPorts } from '../../../shared/n8n/bindPorts';
import { eachItem } from '../../../shared/n8n/eachItem';
import { cancelOrExplain } from '../../../shared/tasks/cancel';
import { readTaskId, taskIdField } from '../../fields/taskId';

export const option = {
	name: 'Cancel',
	description: 'Cancel a task that is still in the queue; a running task cannot be canceled',
	action: 'Cancel a task',
};

export const fields: INodeProperties[] = [taskIdField];

/** Cancels the task of each item. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const ports = n8nPorts(this, await dashScopeClient(this));
	return await eachItem(this, async (item) => {
		const taskId = readTaskId(this, item);
		await cancelOrExplain(ports, taskId);
		return [{ json: { taskId, canceled: true }, pairedItem: { item } }];
	});
}
