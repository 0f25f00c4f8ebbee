import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { whyNotSuspend } from '../../shared/n8n/suspend/start';
import { textParameter } from './read';

/** How the node waits. */
export const waitingField: INodeProperties = {
	displayName: 'While Waiting',
	name: 'whileWaiting',
	type: 'options',
	noDataExpression: true,
	default: 'auto',
	description: 'What happens to the execution during the one to ten minutes of an edit',
	displayOptions: { show: { completion: ['wait'] } },
	options: [
		{
			name: 'Automatic',
			value: 'auto',
			description:
				'Keep manual runs going; suspend production runs that take longer than about a minute',
		},
		{
			name: 'Keep Execution Running',
			value: 'hold',
			description: 'Get the video as soon as it is there; a restart of n8n ends the execution',
		},
		{
			name: 'Suspend Execution',
			value: 'suspend',
			description:
				'Free the worker and survive a restart of n8n; the video may be noticed some seconds later, at times a minute',
		},
	],
};

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
	const mode = textParameter(functions, 'whileWaiting', 0) || 'auto';
	const submitOnly = textParameter(functions, 'completion', 0) === 'submit';
	if (mode === 'hold' || submitOnly) return {};
	if (mode === 'auto' && functions.getMode() === 'manual') return {};

	const answered =
		mode === 'auto' && callerWaits(functions) ? 'the caller waits for its answer' : undefined;
	const reason = answered ?? (await whyNotSuspend(functions));
	if (reason !== undefined) {
		return { hint: `The execution was kept running while waiting: ${reason}.` };
	}
	return { holdMs: mode === 'suspend' ? 0 : AUTOMATIC_HOLD_MS };
}

const ANSWERS_AT_THE_END = ['lastNode', 'responseNode', 'responseNodes', 'streaming'];

/** Whether a webhook or form started the execution that answers with its result: n8n answers when it is suspended. */
function callerWaits(functions: IExecuteFunctions): boolean {
	if (functions.getMode() !== 'webhook') return false;
	const before = functions.getParentNodes(functions.getNode().name, {
		includeNodeParameters: true,
	});
	return before.some(({ parameters, disabled }) => {
		const mode = parameters?.responseMode;
		return !disabled && typeof mode === 'string' && ANSWERS_AT_THE_END.includes(mode);
	});
}
