/** Tells the poll that n8n makes when it starts. */
import type { IPollFunctions } from 'n8n-workflow';

/** The functions of each trigger that has polled: n8n makes them when it activates the trigger, and keeps them. */
const polled = new WeakSet<IPollFunctions>();

/**
 * Whether this is the first poll of a trigger that was active before n8n started, or before another main instance became
 * the leader. To be asked once in each poll.
 */
export function isRestart(functions: IPollFunctions): boolean {
	if (polled.has(functions)) return false;
	polled.add(functions);
	return ['init', 'leadershipChange'].includes(functions.getActivationMode());
}
