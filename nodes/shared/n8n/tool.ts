/** The node as the tool of an agent: what a model reads is short, and holds links instead of files. */
import type { IDataObject, INode, INodeExecutionData } from 'n8n-workflow';
import { isRecord } from '../dashscope/json';
import { OPEN_STATUSES } from '../dashscope/types';

/** What tells whether a node runs as a tool; a trigger never does. */
export interface RunsNode {
	getNode(): INode;
	isToolExecution?(): boolean;
}

/**
 * Whether an agent called the node. Where the agent leaves that to the engine (version 3 of n8n's agent) the node is run
 * like any other, and only its type tells: n8n adds the word to that of every node that is used as a tool.
 */
export function isTool(functions: RunsNode): boolean {
	return functions.isToolExecution?.() === true || functions.getNode().type.endsWith('Tool');
}

/** What a model needs to go on; the rest is for people and their bookkeeping. */
const KEYS = [
	'taskId',
	'taskIds',
	'status',
	'canceled',
	'model',
	'createdAt',
	'videoUrl',
	'videoUrlExpiresAt',
	'piece',
	'pieces',
	'from',
	'to',
	'videos',
	'notes',
	'url',
	'expiresAt',
	'videoSeconds',
	'billedSeconds',
	'resolution',
	'estimatedCost',
	'code',
	'message',
	'hint',
	'duplicateTasks',
	'response',
	'error',
	'details',
];

/** Items of the node as a model should get them. */
export function forModel(items: INodeExecutionData[]): INodeExecutionData[] {
	return items.map(({ json, pairedItem }) => ({ json: shortened(json), pairedItem }));
}

function shortened(json: IDataObject): IDataObject {
	const all: IDataObject = { ...json, ...(isRecord(json.usage) ? json.usage : {}) };
	const { estimatedCost: cost } = all;
	if (isRecord(cost)) all.estimatedCost = `${String(cost.amount)} ${String(cost.currency)}`;
	// Rows of a list say enough.
	if (OPEN_STATUSES.some((status) => status === json.status) && !('createdAt' in json)) {
		all.message = 'Not finished yet. A task takes one to ten minutes: get its status again then.';
	}
	const kept = KEYS.filter((key) => all[key] !== undefined && all[key] !== null);
	return Object.fromEntries(kept.map((key) => [key, all[key]]));
}
