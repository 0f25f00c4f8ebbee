import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { InputError } from '../../shared/inputError';
import { textParameter } from './read';

/** The task of operations on a task that exists. */
export const taskIdField: INodeProperties = {
	displayName: 'Task ID',
	name: 'taskId',
	type: 'string',
	required: true,
	default: '={{ $json.taskId }}',
	placeholder: 'e.g. 0385dc79-5ff8-4d82-bcb6-7b0f1f2ab3cd',
	hint: 'DashScope keeps a task for 24 hours after its submission',
	description:
		'ID of the task, from an edit with "Don\'t Wait", from Get Many, or from an error message',
	builderHint: {
		propertyHint:
			'Keep the default when the item comes from an edit whose waiting is none, or from Get Many: both have the ID in the key taskId.',
	},
};

/** Task IDs are UUIDs today; anything that fits a path segment is let through, but no step in a path. */
const TASK_ID = /^(?!\.{1,2}$)[\w.:-]{1,128}$/;

/** @throws InputError for what cannot be a task ID */
export function readTaskId(functions: IExecuteFunctions, item: number): string {
	const taskId = textParameter(functions, 'taskId', item);
	if (taskId === '') {
		throw new InputError(
			"'Task ID' is empty",
			'Enter the ID, or put an edit that is set to "Don\'t Wait" before this node: the default reads taskId from its output.',
		);
	}
	if (!TASK_ID.test(taskId)) {
		throw new InputError(
			`'Task ID' is "${taskId.slice(0, 60)}", which is not a task ID`,
			'Enter the ID alone, without quotes or other text. It looks like 0385dc79-5ff8-4d82-bcb6-7b0f1f2ab3cd.',
		);
	}
	return taskId;
}
