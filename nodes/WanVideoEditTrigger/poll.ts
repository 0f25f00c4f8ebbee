/** Binds a poll to n8n: its static data, its time limit, its items. */
import { NodeOperationError, sleep } from 'n8n-workflow';
import type { INodeExecutionData, IPollFunctions } from 'n8n-workflow';
import { dashScopeClient } from '../shared/dashscope/client';
import { lookPorts } from '../shared/n8n/bindPorts';
import { toError } from '../shared/thrown';
import { readMaxResultBytes } from '../WanVideoEdit/fields/result';
import { collect, collectLatest } from './collect';
import { itemMaker, readOptions, readSettings } from './fields';
import { readState } from './finished';
import type { TriggerState } from './finished';

/** For an n8n that does not say how long a poll may take. */
const DEFAULT_BUDGET_MS = 5 * 60_000;

/** A poll ends what it has begun when its budget is used up. This long after that it is given up, in milliseconds. */
const GRACE_MS = 60_000;

/**
 * For the poll when n8n starts, in milliseconds. n8n 2.41.1 tries to activate a trigger for 84 seconds, then never again,
 * not even at its next start.
 */
const RESTART_BUDGET_MS = 20_000;

/** n8n starts a poll even while the one before still runs. Both would find the same tasks. */
const polling = new WeakSet<object>();

/**
 * What each trigger found at its activation, until n8n has kept a state of it. n8n's durable poll cursors drop what
 * the poll at the activation leaves (n8n 2.41.1): without this, the trigger would begin one poll later.
 */
const activations = new Map<string, TriggerState>();

/**
 * The poll when n8n starts: what it cannot have at once is left to the next one. An error would end the trigger for good
 * with nobody there to see it; if it does not pass, the next poll shows it.
 */
export async function pollAtRestart(this: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	try {
		return await pollOnce.call(this, Math.min(RESTART_BUDGET_MS, budgetOf(this)));
	} catch (thrown) {
		this.logger.warn(
			`${this.getNode().name}: ${toError(thrown).message} [to be tried again at the next poll]`,
		);
		return null;
	}
}

/**
 * The tasks that have finished since the last poll, one item each; null for none.
 * @param budgetMs how long the poll may take, in milliseconds
 */
export async function pollOnce(
	this: IPollFunctions,
	budgetMs = budgetOf(this),
): Promise<INodeExecutionData[][] | null> {
	const memory = this.getWorkflowStaticData('node');
	if (polling.has(memory)) return null;
	polling.add(memory);
	try {
		const trigger = `${this.getWorkflow().id}:${this.getNode().id}`;
		const saved = readState(memory.finished);
		const kept = saved ?? activations.get(trigger);
		// What is found later than that is dropped: nothing of it has been kept, and the next poll finds it again.
		const { state, items } = await within(budgetMs, find(this, kept, budgetMs));
		memory.finished = state;
		if (kept === undefined) activations.set(trigger, state);
		if (saved !== undefined) activations.delete(trigger);
		return items.length === 0 ? null : [items];
	} finally {
		polling.delete(memory);
	}
}

/** One poll's findings: what to remember, and the items to emit. */
async function find(functions: IPollFunctions, kept: TriggerState | undefined, budgetMs: number) {
	const { ports, settings, itemOf } = await prepare(functions, budgetMs);
	const { state, ended } = await collect(ports, kept, settings);
	return { state, items: ended.map(itemOf) };
}

/**
 * Waits for a poll, but not forever: one that hangs must not keep out those that follow.
 * @param budgetMs the time that it has, in milliseconds
 * @throws Error when it has not ended some time after that
 */
async function within<T>(budgetMs: number, poll: Promise<T>): Promise<T> {
	const ended = new AbortController();
	const late = sleep(budgetMs + Math.min(budgetMs, GRACE_MS), ended.signal).then((): never => {
		throw new Error('DashScope did not answer in the time that n8n gives a poll');
	});
	return await Promise.race([poll, late]).finally(() => ended.abort());
}

/** How long n8n lets a poll take, in milliseconds. */
function budgetOf(functions: IPollFunctions): number {
	return 'getPollBudgetMs' in functions ? functions.getPollBudgetMs() : DEFAULT_BUDGET_MS;
}

/** The latest finished task, for "Fetch Test Event". What the trigger remembers stays as it is. */
export async function testEvent(this: IPollFunctions): Promise<INodeExecutionData[][]> {
	const { ports, settings, itemOf } = await prepare(this, budgetOf(this));
	const latest = await collectLatest(ports, settings);
	if (latest !== undefined) return [[itemOf(latest)]];
	throw new NodeOperationError(this.getNode(), 'No finished task matches the filters', {
		description:
			"DashScope lists the tasks of the last 24 hours. Edit a video with this account first, or change 'Status' or 'Model'.",
	});
}

async function prepare(functions: IPollFunctions, budgetMs: number) {
	const client = await dashScopeClient(functions);
	const maxResultBytes = readMaxResultBytes(readOptions(functions));
	const ports = lookPorts(functions, client, maxResultBytes, AbortSignal.timeout(budgetMs));
	return {
		ports,
		settings: readSettings(functions, client.baseUrl, budgetMs),
		itemOf: itemMaker(functions, client.baseUrl),
	};
}
