/**
 * Which tasks an execution has submitted, kept outside its memory: that is saved when the node ends, and a try which is
 * killed or stopped loses it. A retry finds here what such a try has submitted.
 */
import { randomUUID } from 'crypto';
import type { KeyedItem } from './identity';
import type { TaskRef } from './submit';
import type { TaskPorts } from './ports';
import type { Memory, TaskRequest } from './run';

/** The fact that a task was submitted for the item with a name. */
export function taskFact(name: string, taskId: string): string {
	return `${name} ${taskId}`;
}

/** Writes down which task stands for an item. */
export async function recordTask(
	{ record }: TaskPorts<unknown>,
	names: string[],
	{ taskId }: TaskRef,
): Promise<void> {
	await record?.add([...names, ...names.map((name) => taskFact(name, taskId))]);
}

/**
 * Enters in the ledger which requests it does not know although a try that left no memory may have submitted them.
 * @throws what kept the record from being read
 */
export async function recallUnseen(
	items: Array<KeyedItem<TaskRequest>>,
	{ record, now }: TaskPorts<unknown>,
	{ ledger, unseen, retriedSince }: Memory,
): Promise<void> {
	const unknown = items.filter(({ key }) => !ledger.knows(key));
	if (unknown.length === 0) return;
	const names = unknown.flatMap((item) => item.names);
	const recorded = retriedSince === undefined ? undefined : await record?.which(names);
	const isRecorded = (name: string) => recorded?.has(name) ?? false;
	// The place may have been that of another item, which came in another order.
	const reordered = unknown.some(({ names: [request] }) => isRecorded(request));
	for (const item of unknown) {
		const { key, model } = item;
		const name = item.names.find(isRecorded);
		const { since, until = now() } = name === undefined ? (unseen ?? {}) : { since: retriedSince };
		if (since === undefined) continue;
		const recordedAs = name === item.names[0] || !reordered ? name : undefined;
		ledger.sending(key, { since, until, id: randomUUID(), model, unseen: true, recordedAs });
	}
}
