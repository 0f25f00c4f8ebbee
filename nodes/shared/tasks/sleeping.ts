import { hasEnded, isFinal } from '../dashscope/types';
import { glance } from './glance';
import type { LookPorts } from './ports';
import type { AwaitedTask } from './taskLists';

/** Gap between two queries of a suspended execution. */
const INTERVAL_MS = 10_000;

/** Gap between two task lists, each of which shows the tasks of all executions. */
const LIST_INTERVAL_MS = 5_000;

/**
 * How many executions of a process query their tasks at a time where no list does: more would crowd out the queries
 * of others.
 */
const MOST_ASKING = 50;

/**
 * Waits for the end of all tasks of a suspended execution, with few requests. The account remembers those that have
 * ended, so that the execution need not ask for them again.
 * @param goesOn whether it is still worth asking
 * @returns whether all have ended
 * @throws StoppedError
 */
export async function untilEnded(
	tasks: AwaitedTask[],
	ports: LookPorts<unknown>,
	goesOn: () => boolean,
): Promise<boolean> {
	const { account } = ports;
	const { asking } = account;
	const me = Symbol('sleeping');
	// The last to be submitted is likely to be the last to end.
	const open = new Map([...tasks].reverse().map((task) => [task, account.lists.waitsFor(task)]));
	try {
		for (let next = ports.now() + INTERVAL_MS; open.size > 0; ) {
			await ports.sleep(Math.max(0, next - ports.now()));
			next = ports.now() + INTERVAL_MS;
			for (const model of new Set([...open.keys()].map((task) => task.model))) {
				const listed = account.lists.hasMany(model)
					? await glance(ports, model, LIST_INTERVAL_MS / 2)
					: undefined;
				if (listed === undefined && asking.size >= MOST_ASKING && !asking.has(me)) continue;
				if (listed === undefined) asking.add(me);
				else asking.delete(me);
				if (listed !== undefined) {
					// All who read the list read the next one together. A long list may be older than that.
					const soon = ports.now() + LIST_INTERVAL_MS / 2;
					next = Math.min(next, Math.max(listed.at + LIST_INTERVAL_MS, soon));
				}
				for (const [task, leave] of open) {
					if (task.model !== model) continue;
					const state = listed?.states.get(task.taskId);
					if (state !== undefined && !isFinal(state)) continue;
					if (!goesOn()) return false;
					if (await seesEnd(task, ports)) {
						leave();
						open.delete(task);
					} else if (listed === undefined) {
						// All have to end: while this one has not, the others need no query.
						break;
					}
				}
			}
			if (!goesOn()) return false;
		}
		return true;
	} finally {
		asking.delete(me);
		for (const leave of open.values()) leave();
	}
}

async function seesEnd({ taskId }: AwaitedTask, ports: LookPorts<unknown>): Promise<boolean> {
	const { account } = ports;
	const query = account.requests.ask(ports, async () => await ports.getTask(taskId));
	// An answer that fails to come is asked for again.
	const task = await query.catch(() => undefined);
	if (task === undefined || !hasEnded(task.status)) return false;
	account.remembers(task);
	return true;
}
