import { NodeOperationError } from 'n8n-workflow';
import type { INode } from 'n8n-workflow';
import { isRecord } from '../dashscope/json';
import type { JsonRecord } from '../dashscope/types';

/**
 * What the package saves with an execution may be read by another version of it: a suspended execution survives an
 * update. The number changes when older code could misread what is written. Version 0.1.0 wrote none.
 */
export const STATE_VERSION = 1;

/** Whether this version of the package knows the shape. */
export function isKnownVersion({ version }: JsonRecord): boolean {
	return version === undefined || version === STATE_VERSION;
}

/**
 * The error for saved state that cannot be read. Nothing may be submitted then: it could be the second time.
 * @param states all there is; every task ID in it is named
 */
export function unreadableState(node: INode, states: unknown[]): NodeOperationError {
	const newer = states.some((state) => holdsNewer(state));
	const tasks = [...new Set(taskIdsIn(states))];
	const named =
		tasks.length === 0
			? 'The saved state names no task.'
			: `The saved state names ${tasks.length === 1 ? 'the task' : 'the tasks'} ${tasks.join(', ')}: fetch the video with 'Task: Get Status' and the task ID within 24 hours of the submission.`;
	return new NodeOperationError(
		node,
		newer
			? 'The state of this execution was saved by a newer version of the node'
			: 'The saved state of this execution is damaged',
		{
			description: `Nothing more was submitted. ${named}${
				newer ? ' Update the package n8n-nodes-wan-video-edit on this n8n.' : ''
			}`,
		},
	);
}

function holdsNewer(state: unknown): boolean {
	if (!isRecord(state) && !Array.isArray(state)) return false;
	const { version } = isRecord(state) ? state : {};
	if (typeof version === 'number' && version > STATE_VERSION) return true;
	return Object.values(state).some(holdsNewer);
}

const TASK_ID_KEY = /^task_?ids?$/i;

/** Every task ID in any JSON, whatever its shape. */
function taskIdsIn(value: unknown, key = ''): string[] {
	if (typeof value === 'string') return TASK_ID_KEY.test(key) && value !== '' ? [value] : [];
	if (Array.isArray(value)) return value.flatMap((each) => taskIdsIn(each, key));
	if (!isRecord(value)) return [];
	return Object.entries(value).flatMap(([name, each]) => taskIdsIn(each, name));
}
