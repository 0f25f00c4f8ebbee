import type {
	IBinaryData,
	IExecuteFunctions,
	INodeExecutionData,
	INodeProperties,
} from 'n8n-workflow';
import { dashScopeClient } from '../../../shared/dashscope/client';
import { checkEdits, lastDeadline, tasksUnderWay } from '../../edit/check';
import type { LoopMemory } from '../../edit/check';
import { StoppedError } from '../../edit/errors';
import { currencyOf } from '../../edit/price';
import type { Currency } from '../../edit/price';
import type { OpenEdit, Settled } from '../../edit/run';
import { cancelWaiting } from '../../edit/stop';
import { callersFrom } from '../../n8n/callers';
import { toError } from '../../n8n/failures';
import type { ItemFailure } from '../../n8n/failures';
import { handOn } from '../../n8n/handOn';
import type { ItemOutput } from '../../n8n/handOn';
import { couldNotLook, interrupted } from '../../n8n/leftTasks';
import { countMissed, memoryOf } from '../../n8n/memory';
import { n8nPorts } from '../../n8n/ports';
import { readSuspended, revive } from '../../n8n/loopPayload';
import type { Suspended, SuspendedItem } from '../../n8n/loopPayload';

/** Not for users: set in the loop that a suspended edit waits in. */
export const checkSuspendedField: INodeProperties = {
	displayName: 'Check Suspended',
	name: 'checkSuspended',
	type: 'hidden',
	default: false,
};

/**
 * The loop looks at its tasks once in so many milliseconds after their submission. n8n looks for executions to wake
 * every 60 s and then sets exact timers for those due within 70 s: a sleep of 60 s or more ends to the second,
 * a shorter one ends at n8n's next look. So this is the shortest rhythm that n8n keeps exactly.
 */
const LOOK_MS = 62_500;

/** A look that is due so soon is the one that is under way. */
const SAME_LOOK_MS = 1_000;

/**
 * Looks that cannot be made (the credential or the waiting execution cannot be read) are left out; so many in a row
 * end the wait.
 */
const MOST_MISSED = 5;

/** One turn of the loop: looks at all open tasks; sleeps while one is under way, hands all on at the end. */
export async function checkSuspended(functions: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const suspended = readSuspended(functions);
	const { items, videos, continueOnFail } = suspended;
	const currency = suspended.currency ?? (await currencyOfCredential(functions));
	const open = items.flatMap(({ output, state }) =>
		state.state === 'open' ? [{ output, state }] : [],
	);
	const edits = open.map(({ state }) => state);
	const before = items.flatMap((item, index) => revive(item, videos[index]));
	const memory = memoryOf(functions, 0);
	const unfinished = (errorOf: (taskId: string) => Error): ItemFailure[] => {
		const tasks = tasksUnderWay(edits, memory);
		return open.map(({ output: { item } }, index) => ({
			item,
			error: errorOf(tasks[index] ?? ''),
		}));
	};
	const sleep = async () => {
		await functions.putExecutionToWait(new Date(nextLook(edits, memory, Date.now())));
		// After a sleep n8n goes on with the input. These are handed on only if n8n is killed during a look: it then
		// takes the last step of the loop for its end.
		return handOn(functions, currency, unfinished(interrupted), before, true);
	};

	// They were submitted, or looked at, a moment ago.
	if (isFirstTurn(functions)) return await sleep();
	let outcomes: Array<Settled<IBinaryData>> | 'stopped' | undefined;
	try {
		outcomes = await look(functions, suspended, edits, memory);
		countMissed(functions, false);
	} catch (thrown) {
		const error = toError(thrown);
		if (error instanceof StoppedError) throw error;
		const lost = countMissed(functions, true) >= MOST_MISSED;
		if (!lost && Date.now() < lastDeadline(edits, memory)) return await sleep();
		const failures = unfinished((taskId) => couldNotLook(taskId, error));
		return handOn(functions, currency, failures, before, continueOnFail);
	}
	if (outcomes === undefined) return await sleep();
	if (outcomes === 'stopped') return [];

	const settled = [...before];
	for (const [index, outcome] of outcomes.entries()) {
		const output: ItemOutput | undefined = open[index]?.output;
		if (output !== undefined) settled.push({ output, outcome });
	}
	return handOn(functions, currency, [], settled, continueOnFail);
}

/** For a wait that an older version began, which did not note it. */
async function currencyOfCredential(functions: IExecuteFunctions): Promise<Currency> {
	const client = await dashScopeClient(functions).catch(() => undefined);
	return client === undefined ? 'USD' : currencyOf(client.baseUrl);
}

/**
 * Looks at the open tasks once.
 * @returns undefined while one is under way
 * @throws what kept n8n from looking at all
 */
async function look(
	functions: IExecuteFunctions,
	{ items, continueOnFail, settings, maxResultBytes, parentExecutionId }: Suspended,
	edits: OpenEdit[],
	memory: LoopMemory,
): Promise<Array<Settled<IBinaryData>> | 'stopped' | undefined> {
	const client = await dashScopeClient(functions);
	const ports = n8nPorts(functions, client, maxResultBytes);
	// Where that is not known nothing may be submitted anew.
	if (await wasStopped(functions, parentExecutionId)) {
		await cancelWaiting(ports, tasksUnderWay(edits, memory));
		return 'stopped';
	}
	const failsTry = retryRule(items, continueOnFail);
	return await checkEdits(edits, ports, memory, { ...settings, failsTry });
}

/**
 * When n8n would run a node again that has Retry On Fail: for any item that failed, or, where the user lets it
 * continue, only for its first (workflow-execute.js of n8n-core 2.41.1). Nothing changes by itself for items that
 * had failed before the suspension, so only the others start a new try.
 * @param items in order
 * @returns the rule, for the open ones among them
 */
function retryRule(items: SuspendedItem[], continueOnFail: boolean) {
	const first = items[0]?.state.state;
	if (!continueOnFail || first === 'failed') return (failed: boolean[]) => failed.includes(true);
	return (failed: boolean[]) => first === 'open' && failed[0] === true;
}

function isFirstTurn(functions: IExecuteFunctions): boolean {
	return functions.getWorkflowDataProxy(0).$runIndex === 0;
}

/** When to look again: at the next beat after the last submission, but no later than the last deadline. */
function nextLook(edits: OpenEdit[], memory: LoopMemory, now: number): number {
	const submitted = Math.max(...edits.map(({ job }) => job.submittedAt));
	const beats = Math.floor((now - submitted + SAME_LOOK_MS) / LOOK_MS) + 1;
	const next = Math.min(submitted + beats * LOOK_MS, lastDeadline(edits, memory));
	return Math.max(now + SAME_LOOK_MS, next);
}

/**
 * Whether the execution that waits for this loop, or one that waits for that, was stopped meanwhile: n8n stops only
 * the one that is clicked.
 */
async function wasStopped(functions: IExecuteFunctions, executionId: string): Promise<boolean> {
	for await (const { data } of callersFrom(functions, executionId)) {
		if (data?.resultData.error !== undefined) return true;
	}
	return false;
}
