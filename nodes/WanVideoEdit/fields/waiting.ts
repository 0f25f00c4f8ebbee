import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { isRecord } from '../../shared/dashscope/json';
import { whyNotSuspend } from '../../shared/n8n/suspend/start';
import { choice, textParameter } from './read';

const WAYS = ['auto', 'active', 'suspend', 'none'] as const;
type Waiting = (typeof WAYS)[number];

/** Whether and how an operation that submits tasks waits for them. */
export const waitingField: INodeProperties = {
	displayName: 'Wait for Completion',
	name: 'waiting',
	type: 'options',
	noDataExpression: true,
	default: 'auto',
	description:
		'What the execution does until the video is ready. An edit takes one to ten minutes. Items are processed in parallel.',
	builderHint: {
		propertyHint:
			'Keep auto. Use none only if another workflow, or a later step, gets the video by the task ID (Task: Wait for Completion or Get Status).',
	},
	options: [
		{
			name: 'Automatic',
			value: 'auto',
			description:
				'Wait for the video. Manual executions stay active. Production executions are suspended after about 45 seconds.',
		},
		{
			name: 'Stay Active',
			value: 'active',
			description:
				'Keep the execution running until the video is ready. If n8n is restarted meanwhile, the execution fails.',
		},
		{
			name: 'Suspend Execution',
			value: 'suspend',
			description:
				'Put the execution in the status Waiting. This survives a restart; the video may come up to a minute later.',
		},
		{
			name: "Don't Wait",
			value: 'none',
			description:
				"Return the task ID right away. Within 24 hours, get the video with 'Task: Get Status'.",
		},
	],
};

/** For operations that only wait. */
export const alwaysWaitingField: INodeProperties = {
	...waitingField,
	displayName: 'While Waiting',
	description:
		'What the execution does until the task has finished. A task takes one to ten minutes.',
	options: (waitingField.options ?? []).slice(0, 3),
};

/** @throws InputError for what is none of the choices */
export function readWaiting(functions: IExecuteFunctions): Waiting {
	return choice('Wait for Completion', textParameter(functions, 'waiting', 0) || 'auto', WAYS);
}

/** How long Automatic keeps a production run going before it is suspended. */
const AUTOMATIC_HOLD_MS = 45_000;

export interface Hold {
	/** How long the tasks are watched before the execution is suspended; undefined: to their end. */
	holdMs?: number;
	/** For the user, when the execution could not be suspended as wished. */
	hint?: string;
}

/** Whether and when the execution is suspended. */
export async function readHold(functions: IExecuteFunctions): Promise<Hold> {
	const mode = readWaiting(functions);
	if (mode === 'active' || mode === 'none') return {};
	if (mode === 'auto' && functions.getMode() === 'manual') return {};

	const answered =
		mode === 'auto' && callerWaits(functions) ? 'the caller waits for its answer' : undefined;
	const reason = answered ?? (await whyNotSuspend(functions));
	if (reason !== undefined) {
		return { hint: `The execution stayed active while waiting: ${reason}.` };
	}
	return { holdMs: mode === 'suspend' ? 0 : AUTOMATIC_HOLD_MS };
}

/** Response modes of triggers whose caller waits for the end of the workflow, or for a node of it. */
const ANSWERS_AT_THE_END = ['lastNode', 'responseNode', 'responseNodes', 'streaming'];

/** The mode in which this node of the workflow answers. */
const NODE_ANSWERS = 'responseNode';
const RESPOND_NODE = 'n8n-nodes-base.respondToWebhook';

/** n8n's chat answers with the result unless its options say otherwise. */
const CHAT_TRIGGER = '@n8n/n8n-nodes-langchain.chatTrigger';

/**
 * Whether a webhook, a form or a chat started the execution and is answered with its result: n8n answers as soon as
 * the execution is suspended.
 */
function callerWaits(functions: IExecuteFunctions): boolean {
	if (functions.getMode() !== 'webhook') return false;
	const before = functions.getParentNodes(functions.getNode().name, {
		includeNodeParameters: true,
	});
	const hasAnswered = before.some(
		({ type, name, disabled }) => type === RESPOND_NODE && !disabled && hasRun(functions, name),
	);
	return before.some(({ type, parameters, disabled }) => {
		const options: unknown = parameters?.options;
		const usual = type === CHAT_TRIGGER ? 'lastNode' : undefined;
		const own = isRecord(options) ? options.responseMode : undefined;
		const mode = own ?? parameters?.responseMode ?? usual;
		if (mode === NODE_ANSWERS && hasAnswered) return false;
		return !disabled && typeof mode === 'string' && ANSWERS_AT_THE_END.includes(mode);
	});
}

function hasRun(functions: IExecuteFunctions, node: string): boolean {
	const found: unknown = functions.getWorkflowDataProxy(0).$(node);
	return isRecord(found) && found.isExecuted === true;
}
