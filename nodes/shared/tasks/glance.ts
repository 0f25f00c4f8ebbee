import { DashScopeError, mayPass } from '../dashscope/errors';
import { TASK_KEPT_MS } from '../dashscope/types';
import type { TaskStatus } from '../dashscope/types';
import type { LookPorts } from './ports';
import { toService } from './serviceClock';

const MINUTE_MS = 60_000;

/** How far back a list may begin: its span is limited, ends a minute ahead, and moves while the list waits for its turn. */
export const LONGEST_SPAN_MS = TASK_KEPT_MS - 5 * MINUTE_MS;

export interface Glance {
	/** When it was begun. Local epoch milliseconds. */
	at: number;
	/** By task ID. */
	states: Map<string, TaskStatus>;
}

/**
 * Where the tasks of a model stand that this process waits for, by one task list.
 * @param maxAgeMs how old it may be
 * @returns undefined where no list could be read
 */
export async function glance(
	ports: LookPorts<unknown>,
	model: string,
	maxAgeMs: number,
): Promise<Glance | undefined> {
	const { account } = ports;
	try {
		const { rows, at } = await account.lists.glance(ports, model, maxAgeMs, async (from) => {
			const now = toService(account, ports.now());
			const earliest = Math.max(from, now - LONGEST_SPAN_MS);
			return await ports.listTasks({ model, from: earliest, to: now + MINUTE_MS });
		});
		return { at, states: new Map(rows.map(({ taskId, status }) => [taskId, status])) };
	} catch (error) {
		if (error instanceof DashScopeError && !mayPass(error.kind)) account.lists.areUseless = true;
		return undefined;
	}
}
