import type { IExecuteFunctions, INodeExecutionData, IRunExecutionData } from 'n8n-workflow';
import { readHold } from '../../../nodes/WanVideoEdit/fields/waiting';

/** An execution of n8n's second engine, as n8n 2.41.1 names it. */
const SECOND = '01a20b92-79b5-764e-a004-eb113f2758d4';

const RESPOND = 'n8n-nodes-base.respondToWebhook';
const CHAT = '@n8n/n8n-nodes-langchain.chatTrigger';

interface Situation {
	waiting?: string;
	mode?: string;
	tool?: boolean;
	workflowId?: string;
	executionId?: string;
	/** How many items the execution began with; absent: its data cannot be read. */
	itemsAtStart?: number;
	/** The executions that wait for this one, from the nearest on. */
	callers?: string[];
	/** How many items each of those began with; absent: as many as this one. */
	callersItems?: number[];
	/** Whether the nearest of them waits for it; n8n says so since 2.0. */
	callerWaits?: boolean;
	/** How the webhook before the node answers. */
	responseMode?: string;
	/** A chat before it, with its options. */
	chat?: Record<string, string>;
	/** Whether a node that answers has run; absent: there is none. */
	answered?: boolean;
	/** Run by one of n8n's agents. */
	byAgent?: boolean;
}

function situation(wanted: Situation): IExecuteFunctions {
	const { waiting = 'suspend', mode = 'webhook', tool = false } = wanted;
	const { workflowId, executionId, itemsAtStart, callers, responseMode } = {
		workflowId: 'w',
		executionId: '1',
		callers: [],
		responseMode: 'onReceived',
		...wanted,
	};
	const chain = [executionId, ...callers];
	const begun = [itemsAtStart, ...(wanted.callersItems ?? callers.map(() => itemsAtStart))];
	const parameters: Record<string, string> = { waiting };
	const functions = {
		getNodeParameter: (name: string) => parameters[name] ?? '',
		getMode: () => mode,
		getNode: () => ({ name: 'Edit', type: 'wanVideoEdit' }),
		getParentNodes: () => [
			wanted.chat === undefined
				? { name: 'Hook', type: 'webhook', disabled: false, parameters: { responseMode } }
				: { name: 'Chat', type: CHAT, disabled: false, parameters: { options: wanted.chat } },
			...(wanted.answered === undefined ? [] : [{ name: 'Answer', type: RESPOND, parameters: {} }]),
		],
		getWorkflowDataProxy: () => ({ $: () => ({ isExecuted: wanted.answered }) }),
		isToolExecution: () => tool,
		getWorkflow: () => ({ id: workflowId }),
		getExecutionId: () => executionId,
		getExecutionDataById: async (id: string) => {
			if (id === SECOND) throw new Error('no such column: NaN');
			const index = chain.indexOf(id);
			const parent = chain[index + 1];
			const shouldResume = index === 0 ? wanted.callerWaits : true;
			const parentExecution =
				parent === undefined ? undefined : { executionId: parent, shouldResume };
			const data = started(begun[index]);
			const parentAgentRun = wanted.byAgent ? { agentId: 'a' } : undefined;
			return await Promise.resolve(data && { ...data, parentExecution, parentAgentRun });
		},
	};
	return functions as unknown as IExecuteFunctions;
}

function started(items?: number): Pick<IRunExecutionData, 'resultData'> | undefined {
	if (items === undefined) return undefined;
	const main: INodeExecutionData[][] = [Array.from({ length: items }, () => ({ json: {} }))];
	const run = { startTime: 0, executionTime: 0, executionIndex: 0, source: [], data: { main } };
	return { resultData: { runData: { Called: [run] } } };
}

const hint = (reason: string) => ({
	hint: expect.stringMatching(
		new RegExp(`^The execution stayed active while waiting: .*${reason}`),
	),
});

describe('whether and when an execution is suspended', () => {
	test.each<[string, Situation, unknown]>([
		['as wished', {}, { holdMs: 0 }],
		['as wished, by hand', { mode: 'manual' }, { holdMs: 0 }],
		['never when only submitted', { waiting: 'none' }, {}],
		['never when kept running', { waiting: 'active' }, {}],
		['Automatic in production', { waiting: 'auto' }, { holdMs: 45_000 }],
		['Automatic by hand', { waiting: 'auto', mode: 'manual' }, {}],
		['as a tool', { tool: true }, hint('called as a tool')],
		['never saved', { workflowId: '' }, hint('never saved')],
		['without an execution', { executionId: undefined }, hint('never saved')],
		['from the command line', { mode: 'cli' }, hint('command line')],
		['called for several items', { mode: 'integrated', itemsAtStart: 2 }, { holdMs: 0 }],
		['called for one item', { mode: 'integrated', itemsAtStart: 1 }, hint('single item')],
		['called, nobody knows for what', { mode: 'integrated' }, hint('single item')],
		['in the second engine', { executionId: SECOND }, hint("n8n's second engine")],
		[
			'Automatic in the second engine',
			{ waiting: 'auto', executionId: SECOND },
			hint("n8n's second engine"),
		],
		[
			'called by an execution of the second engine',
			{ mode: 'integrated', itemsAtStart: 2, callers: [SECOND] },
			hint("n8n's second engine"),
		],
		[
			'called by one that such an execution called',
			{ mode: 'integrated', itemsAtStart: 2, callers: ['7', SECOND] },
			hint("n8n's second engine"),
		],
		[
			'called by executions of the first engine',
			{ mode: 'integrated', itemsAtStart: 2, callers: ['7', '8'] },
			{ holdMs: 0 },
		],
		[
			'called for several items by one that was called for one',
			{ mode: 'integrated', itemsAtStart: 2, callers: ['7', '8'], callersItems: [1, 3] },
			hint('single item'),
		],
		[
			'called for several items by one that began with one by itself',
			{ mode: 'integrated', itemsAtStart: 2, callers: ['7'], callersItems: [1] },
			{ holdMs: 0 },
		],
		[
			'Automatic, and the caller of the webhook waits',
			{ waiting: 'auto', responseMode: 'lastNode' },
			hint('caller waits'),
		],
		[
			'Automatic, and a chat waits, as it does by default',
			{ waiting: 'auto', chat: {} },
			hint('caller waits'),
		],
		[
			'Automatic, and a chat waits for a node',
			{ waiting: 'auto', chat: { responseMode: 'responseNode' } },
			hint('caller waits'),
		],
		['Automatic in an evaluation', { waiting: 'auto', mode: 'evaluation' }, hint('evaluation')],
		[
			'called for one item by one that does not wait',
			{ mode: 'integrated', itemsAtStart: 1, callers: ['7'], callerWaits: false },
			{ holdMs: 0 },
		],
		[
			'called for one item by one that waits',
			{ mode: 'integrated', itemsAtStart: 1, callers: ['7'], callerWaits: true },
			hint('single item'),
		],
		['called by an agent', { mode: 'integrated', itemsAtStart: 1, byAgent: true }, { holdMs: 0 }],
		[
			'Automatic, and a node before it has answered the webhook',
			{ waiting: 'auto', responseMode: 'responseNode', answered: true },
			{ holdMs: 45_000 },
		],
		[
			'Automatic, and a node of another branch will answer the webhook',
			{ waiting: 'auto', responseMode: 'responseNode', answered: false },
			hint('caller waits'),
		],
		[
			'Automatic, and the last node answers whatever else does',
			{ waiting: 'auto', responseMode: 'lastNode', answered: true },
			hint('caller waits'),
		],
		['as wished, though the caller waits', { responseMode: 'lastNode' }, { holdMs: 0 }],
	])('%s', async (_name, wanted, expected) => {
		expect(await readHold(situation(wanted))).toEqual(expected);
	});
});
