import type {
	IBinaryData,
	IExecuteFunctions,
	INodeExecutionData,
	INodeProperties,
} from 'n8n-workflow';
import { currencyOf } from '../../billing/price';
import type { Billing, Currency } from '../../billing/price';
import { dashScopeClient } from '../../dashscope/client';
import { StoppedError } from '../../tasks/errors';
import type { TaskError } from '../../tasks/errors';
import type { OpenTask, Settled } from '../../tasks/outcome';
import { lastDeadline, leaveSuspended, pollSuspended, tasksUnderWay } from '../../tasks/suspended';
import type { LoopMemory } from '../../tasks/suspended';
import { toError } from '../../thrown';
import { n8nPorts } from '../bindPorts';
import { callersFrom } from '../callers';
import { joinPieces } from '../clips';
import { handOn } from '../handOn';
import type { ItemOutput, SettledItem } from '../handOn';
import { couldNotLook, interrupted } from '../leftTasks';
import { countMissed, memoryOf, notePause, takePause } from '../nodeMemory';
import { readSuspended, revive, whileWaiting } from './payload';
import type { Suspended, SuspendedItem } from './payload';
import { wakeWhenEnded } from './wakeUp';

/** Not for users: set in the loop that a suspended edit waits in. */
export const checkSuspendedField: INodeProperties = {
	displayName: 'Check Suspended',
	name: 'checkSuspended',
	type: 'hidden',
	default: false,
};

/**
 * How long the loop sleeps if nobody wakes it before, in milliseconds. n8n looks for executions to wake every 60 s
 * and then sets exact timers for those due within 70 s: a sleep of 60 s or more ends to the second, a shorter one
 * ends at n8n's next look. So this is the shortest sleep that n8n keeps exactly.
 */
const LOOK_MS = 62_500;

/**
 * Looks that cannot be made (the credential or the waiting execution cannot be read) are left out; this many in a row
 * end the wait.
 */
const MOST_MISSED = 5;

/**
 * One turn of the loop: looks at all open tasks; sleeps while one is under way, hands all on at the end.
 * @param priceListOf list prices by model
 * @throws NodeOperationError for items or a memory that cannot be read, and NodeApiError or NodeOperationError when an
 * item failed and the user's node is to stop then; StoppedError after Stop
 */
export async function checkSuspended(
	functions: IExecuteFunctions,
	priceListOf: Billing['priceListOf'],
): Promise<INodeExecutionData[]> {
	const suspended = readSuspended(functions);
	const currency = suspended.currency ?? (await currencyOfCredential(functions));
	return await new Turn(functions, suspended, { currency, priceListOf }).take();
}

/** A turn of the loop. */
class Turn {
	/** Items whose tasks had not ended when the execution was suspended. */
	private readonly open: Array<{ output: ItemOutput; state: OpenTask }>;
	/** Items that were settled before. */
	private readonly before: SettledItem[];
	private readonly memory: LoopMemory;

	constructor(
		private readonly functions: IExecuteFunctions,
		private readonly suspended: Suspended,
		private readonly billing: Billing,
	) {
		const { items, videos } = suspended;
		this.open = items.flatMap(({ output, state }) =>
			state.state === 'open' ? [{ output, state }] : [],
		);
		this.before = items.flatMap((item, index) => revive(item, videos[index]));
		this.memory = memoryOf(functions, 0);
	}

	private get edits(): OpenTask[] {
		return this.open.map(({ state }) => state);
	}

	/** @returns what the turn hands on: to the next turn, or at the end out of the loop */
	async take(): Promise<INodeExecutionData[]> {
		const { functions, open } = this;
		const pause = takePause(functions);
		if (pause !== undefined) return await this.sleep(pause.wake);
		// They were submitted, or looked at, a moment ago.
		if (isFirstTurn(functions)) return await this.rest(true);
		let outcomes: Awaited<ReturnType<typeof look>>;
		try {
			outcomes = await look(functions, this.suspended, this.edits, this.memory);
			countMissed(functions, false);
		} catch (thrown) {
			return await this.miss(toError(thrown));
		}
		if (outcomes === undefined) return await this.rest(true);
		// There is no task whose end would wake it.
		if (outcomes === 'later') return await this.rest(false);
		if (outcomes === 'stopped') return [];
		return await this.end(
			outcomes.flatMap((outcome, index) => {
				const output: ItemOutput | undefined = open[index]?.output;
				return output === undefined ? [] : [{ output, outcome }];
			}),
		);
	}

	/** A look that could not be made: left out, or the end of the wait. */
	private async miss(error: Error): Promise<INodeExecutionData[]> {
		if (error instanceof StoppedError) throw error;
		const lost = countMissed(this.functions, true) >= MOST_MISSED;
		// Nobody wakes it: what is broken gets some minutes to be mended.
		if (!lost && Date.now() < lastDeadline(this.edits, this.memory)) return await this.rest(false);
		return await this.end(this.unfinished((taskId) => couldNotLook(taskId, error)));
	}

	/** Sleeps, now or in the next turn. @param wake whether the sleep ends as soon as the tasks have ended */
	private async rest(wake: boolean): Promise<INodeExecutionData[]> {
		const left = this.left();
		// When a call wakes the loop, n8n saves it without what the sleeping turn has handed on. So the turn before has to
		// hand on the same; one that has ended its sleep by itself has done so, with its input.
		const isHandedOn = isSame(left, this.functions.getInputData());
		if (this.suspended.passesInterrupted !== true || isHandedOn)
			return await this.sleep(wake, left);
		notePause(this.functions, { wake });
		return left;
	}

	private async sleep(wake: boolean, left = this.left()): Promise<INodeExecutionData[]> {
		const { functions, edits, memory } = this;
		const until = Math.min(Date.now() + LOOK_MS, lastDeadline(edits, memory));
		if (wake) wakeWhenEnded(functions, { tasks: tasksUnderWay(edits, memory), until });
		await functions.putExecutionToWait(new Date(until));
		// After a sleep n8n goes on with the input.
		return left;
	}

	/** What is handed on if n8n is killed during a look, and only then: n8n takes the last step of the loop for its end. */
	private left(): INodeExecutionData[] {
		const all = [...this.before, ...this.unfinished(interrupted)];
		return whileWaiting(handOn(this.functions, this.billing, [], all, true));
	}

	/** The open items as failures. */
	private unfinished(errorOf: (taskId: string, again: boolean) => TaskError): SettledItem[] {
		const tasks = tasksUnderWay(this.edits, this.memory);
		return this.open.map(({ output, state }, index) => {
			const error = errorOf(tasks[index]?.taskId ?? '', state.again !== undefined);
			return { output, outcome: { state: 'failed', error } };
		});
	}

	/** Ends the loop: hands all items on. @param settled what became of the open ones */
	private async end(settled: SettledItem[]): Promise<INodeExecutionData[]> {
		const { functions, billing, before } = this;
		const { continueOnFail } = this.suspended;
		const all = await joinPieces(functions, [...before, ...settled], continueOnFail);
		return handOn(functions, billing, [], all, continueOnFail);
	}
}

/** For a wait that an older version began, which did not note it. */
async function currencyOfCredential(functions: IExecuteFunctions): Promise<Currency> {
	const client = await dashScopeClient(functions).catch(() => undefined);
	return client === undefined ? 'USD' : currencyOf(client.baseUrl);
}

/**
 * Looks at the open tasks once.
 * @returns undefined while one is under way, 'later' while one is to be submitted
 * @throws what kept n8n from looking at all
 */
async function look(
	functions: IExecuteFunctions,
	{ items, continueOnFail, settings, maxResultBytes, parentExecutionId, callers }: Suspended,
	edits: OpenTask[],
	memory: LoopMemory,
): Promise<Array<Settled<IBinaryData>> | 'stopped' | 'later' | undefined> {
	const client = await dashScopeClient(functions);
	const ports = n8nPorts(functions, client, maxResultBytes);
	// Nothing is submitted anew before it is known that nobody stopped the execution. In a retry of the wait itself,
	// the execution that waited has ended: the video of a new task would be nobody's, and what a look that n8n did not
	// survive has submitted is unknown.
	const retried = functions.getMode() === 'retry';
	if (!retried && (await wasStopped(functions, parentExecutionId, callers))) {
		await leaveSuspended(edits, ports, memory);
		return 'stopped';
	}
	const open = retried ? edits.map((edit) => ({ ...edit, again: undefined })) : edits;
	const failsTry = retryRule(items, continueOnFail);
	return await pollSuspended(open, ports, memory, { ...settings, failsTry });
}

/**
 * When n8n would run a node again that has Retry On Fail: for any item that failed, or, where the user lets it
 * continue, only for its first (workflow-execute.js of n8n-core 2.41.1). Nothing changes by itself for items that
 * had failed before the suspension, so only the others start a new try.
 * @param items in order
 * @returns the rule, for the open ones among them
 */
function retryRule(items: SuspendedItem[], continueOnFail: boolean) {
	const first = items.filter(({ output }) => output.item === items[0]?.output.item);
	if (!continueOnFail || first.some(({ state }) => state.state === 'failed')) {
		return (failed: boolean[]) => failed.includes(true);
	}
	const open = first.filter(({ state }) => state.state === 'open').length;
	return (failed: boolean[]) => failed.slice(0, open).includes(true);
}

function isSame(items: INodeExecutionData[], others: INodeExecutionData[]): boolean {
	const texts = [items, others].map((some) => JSON.stringify(some.map(({ json }) => json)));
	return texts[0] === texts[1];
}

function isFirstTurn(functions: IExecuteFunctions): boolean {
	return functions.getWorkflowDataProxy(0).$runIndex === 0;
}

/**
 * Whether the execution that waits for this loop, or one that waits for that, was stopped meanwhile: n8n stops only
 * the one that is clicked.
 * @param callers those that were going on when the wait began
 */
async function wasStopped(
	functions: IExecuteFunctions,
	executionId: string,
	callers?: string[],
): Promise<boolean> {
	for await (const { id, data } of callersFrom(functions, executionId)) {
		if (callers?.includes(id) === false) return false;
		if (data?.resultData.error !== undefined) return true;
	}
	return false;
}
