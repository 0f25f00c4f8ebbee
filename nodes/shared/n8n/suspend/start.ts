/**
 * Waiting without holding the execution. A node that is put to wait does not run again in n8n: it passes its input
 * on when it wakes. So the node starts a small sub-execution that loops (check, wait, check, …) and waits for that;
 * when the loop ends, its last items become this node's output. Seen in n8n 2.41.1.
 */
import { NodeConnectionTypes, WAIT_FOR_SUB_EXECUTION } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	INode,
	INodeExecutionData,
	IRunExecutionData,
	IWorkflowBase,
} from 'n8n-workflow';
import type { Currency } from '../../billing/price';
import type { LoopSettings } from '../../tasks/suspended';
import { idAfter } from '../binary';
import { callersFrom, isOfSecondEngine, waitsFor } from '../callers';
import { submittedItem } from '../items';
import { isTool } from '../tool';
import { IS_FINISHED, firstStepOf, loopItems } from './payload';
import type { ItemToSuspend } from './payload';

/** Reasons in words for a hint. */
const SECOND_ENGINE =
	"n8n's second engine, which the workflow's settings choose, cannot suspend it";
const SINGLE_ITEM =
	"it belongs to a sub-workflow that was called with a single item, and n8n would lose results if several such calls waited. Set 'Execute Sub-workflow' to 'Run once with all items'";

/** Why an execution cannot be suspended, in words for a hint; undefined when it can. */
export async function whyNotSuspend(functions: IExecuteFunctions): Promise<string | undefined> {
	// Versions without this marker hand the waiting node's input on instead of the sub-execution's result.
	if (!(WAIT_FOR_SUB_EXECUTION instanceof Date)) return 'this version of n8n cannot suspend it';
	if (isTool(functions)) return 'the node was called as a tool';
	if (functions.getMode() === 'cli') return 'it was started from the command line';
	if (functions.getMode() === 'evaluation') return 'an evaluation looks at its result';
	const { id } = functions.getWorkflow();
	const executionId = functions.getExecutionId();
	if (!id || executionId === undefined) return 'the workflow was never saved';
	if (isOfSecondEngine(executionId)) return SECOND_ENGINE;
	if (functions.getMode() !== 'integrated') return undefined;

	// A caller that runs a workflow once per item lets all of them wait, and n8n then hands it the result of only one.
	// Several items at the start come only from a caller that runs it once for all. That holds for this workflow and
	// for those that wait with it; the last of them was called by nobody.
	let wasCalled = true;
	for await (const { id: callerId, data } of callersFrom(functions, executionId)) {
		if (isOfSecondEngine(callerId)) return SECOND_ENGINE;
		// n8n's own agents let a workflow that waits go on in the background; one that does not is stopped after two minutes.
		if (data?.parentAgentRun !== undefined) return undefined;
		wasCalled = (wasCalled || data?.parentExecution !== undefined) && waitsFor(data);
		if (wasCalled && (data === undefined || itemsAtStart(data) <= 1)) return SINGLE_ITEM;
		wasCalled = false;
	}
	return undefined;
}

function itemsAtStart({ resultData, executionData }: IRunExecutionData): number {
	const runs = Object.values(resultData.runData).flat();
	const start = runs.find(({ source }) => source.length === 0)?.data;
	const input = start ?? executionData?.nodeExecutionStack[0]?.data;
	return input?.main?.[0]?.length ?? 0;
}

/**
 * Starts the loop and puts the execution to wait for it.
 * @param items one per input item, in order, with the video of those that are finished
 * @returns items that n8n replaces by the final ones when the loop has ended
 */
export async function suspend(
	functions: IExecuteFunctions,
	items: ItemToSuspend[],
	{ lostSubmission, retries, transfers }: LoopSettings,
	currency: Currency,
): Promise<INodeExecutionData[]> {
	const workflowId = functions.getWorkflow().id ?? '';
	const parentExecutionId = functions.getExecutionId();
	const callers = await stillGoing(functions, parentExecutionId);
	// What a webhook received belongs to the execution that called all others.
	const owner = callers.at(-1) ?? parentExecutionId;
	const payload = loopItems(items.map(soundAfter(owner)), {
		parentExecutionId,
		callers,
		continueOnFail: functions.continueOnFail(),
		settings: { lostSubmission, retries, transfers },
		currency,
		passesInterrupted: true,
	});
	const result = await functions.executeWorkflow(
		{ code: loopWorkflow(functions.getNode()) },
		payload,
		undefined,
		{ parentExecution: { executionId: parentExecutionId, workflowId, shouldResume: true } },
	);
	if (!result.waitTill) return result.data[0] ?? [];
	// Shown while it waits. Never with an error: Retry On Fail would take it for a failure.
	return items.flatMap(({ edit: { output, state } }) =>
		state.state === 'failed' ? [] : [submittedItem(output.item, { job: state.job })],
	);
}

/** An item whose sound is read when its execution, or the one that waits for it, has been suspended. */
const soundAfter =
	(executionId: string) =>
	({ edit, video }: ItemToSuspend): ItemToSuspend => {
		const { output, state } = edit;
		const { clip } = output;
		if (clip?.sound === undefined) return { edit, video };
		const soundLater = idAfter(executionId, clip.sound);
		return { edit: { output: { ...output, clip: { ...clip, soundLater } }, state }, video };
	};

/** The execution with this ID, and those that wait for it, up to one that has failed before: a retry has such callers. */
async function stillGoing(functions: IExecuteFunctions, executionId: string): Promise<string[]> {
	const ids: string[] = [];
	for await (const { id, data } of callersFrom(functions, executionId)) {
		if (data?.resultData.error !== undefined) break;
		ids.push(id);
	}
	return ids;
}

function loopWorkflow(node: INode): IWorkflowBase {
	// The node's own name, so that its error names the node that the user knows.
	const check = node.name;
	const submitted = firstStepOf(check);
	const finished = `${check}: All Finished?`;
	const to = (name: string) => [{ node: name, type: NodeConnectionTypes.Main, index: 0 }];
	const at = (column: number): [number, number] => [column * 220, 0];
	const now = new Date();
	return {
		// n8n fills the parent's workflow ID in, so that its credentials and rights count.
		id: '',
		name: `${check}: Waiting for the Videos`,
		active: false,
		activeVersionId: null,
		isArchived: false,
		createdAt: now,
		updatedAt: now,
		// The videos belong to this sub-execution: it must be kept, whatever the parent's own settings are.
		settings: {
			executionOrder: 'v1',
			// Nobody else can call it; an instance that allows no callers by default must not refuse this one.
			callerPolicy: 'any',
			// The wait has a limit of its own; n8n's would end it without a look at its tasks.
			executionTimeout: -1,
			// Saved step by step, it would be handed on from within a turn if n8n is killed during a look: without any item.
			saveExecutionProgress: false,
			saveDataSuccessExecution: 'all',
			saveDataErrorExecution: 'all',
		},
		nodes: [
			{
				id: 'submitted',
				name: submitted,
				type: 'n8n-nodes-base.executeWorkflowTrigger',
				typeVersion: 1.1,
				position: at(0),
				parameters: { inputSource: 'passthrough' },
			},
			{
				id: 'check',
				name: check,
				type: node.type,
				typeVersion: node.typeVersion,
				position: at(1),
				parameters: { resource: 'task', operation: 'getStatus', checkSuspended: true },
				credentials: node.credentials,
				// Items that fail are handed on as the user set it; what fails beyond them would turn the loop forever.
				onError: 'stopWorkflow',
			},
			{
				id: 'finished',
				name: finished,
				type: 'n8n-nodes-base.if',
				typeVersion: 2.2,
				position: at(2),
				parameters: {
					conditions: {
						options: { caseSensitive: true, leftValue: '', typeValidation: 'loose', version: 2 },
						combinator: 'and',
						conditions: [
							{
								id: 'finished',
								leftValue: IS_FINISHED,
								rightValue: '',
								operator: { type: 'boolean', operation: 'true', singleValue: true },
							},
						],
					},
				},
			},
		],
		connections: {
			// First through every step: of a step that never ran, n8n makes up an item if it is killed during a look.
			[submitted]: { main: [to(finished)] },
			[check]: { main: [to(finished)] },
			[finished]: { main: [[], to(check)] },
		},
	};
}
