/**
 * Which tasks an execution has submitted, kept outside its memory: that is saved when the node ends, and a try which is
 * killed or stopped loses it, as a retry does not know what another retry of the same execution did. Requests are named by
 * their keys in the ledger, which are the same in each try. docs/architecture.md says why a record is a proof.
 */
import { randomUUID } from 'crypto';
import { TaskError } from './errors';
import type { KeyedItem } from './identity';
import type { Ledger } from './ledger';
import type { TaskPorts, TaskRecord } from './ports';
import type { Memory, TaskRequest } from './run';

/** The fact that a task was submitted for a request. */
function taskFact(request: string, taskId: string): string {
	return `${request} ${taskId}`;
}

/** The fact that one was submitted although another had been before; '' for none. */
function laterFact(request: string, earlier: string): string {
	return `${request} after ${earlier}`;
}

/** Writes down which task was submitted for a request, and after which. Nothing waits for it. */
export function recordTask(
	{ record }: TaskPorts<unknown>,
	{ request, key }: KeyedItem<TaskRequest>,
	taskId: string,
	ledger: Ledger,
): void {
	const earlier = ['', ...ledger.endedOf(key)];
	const facts = earlier.map((one) => laterFact(request, one));
	void record?.add([...facts, taskFact(request, taskId)]);
}

/** @throws TaskError where the record cannot be read: what it may prove must not be paid for again */
async function which(record: TaskRecord, facts: string[]): Promise<Set<string>> {
	return await record.which(facts).catch(async (error: unknown) => {
		const why = error instanceof Error ? error.message : String(error);
		const message = `n8n's record of submitted tasks could not be read: ${why}`;
		const hint =
			'This try submitted nothing for the item, but an earlier one may have. Retry the execution; do not run the workflow anew.';
		return await Promise.reject(new TaskError(message, hint, {}));
	});
}

/** @returns those of the tasks that were submitted for a request. @throws TaskError where the record cannot be read */
export async function recordedOf<Listed extends { taskId: string }>(
	record: TaskRecord,
	request: string,
	tasks: Listed[],
): Promise<Listed[]> {
	const facts = await which(
		record,
		tasks.map(({ taskId }) => taskFact(request, taskId)),
	);
	return tasks.filter(({ taskId }) => facts.has(taskFact(request, taskId)));
}

/**
 * Whether a task was submitted for a request after all that are known to have ended.
 * @param ended those, the newest last
 * @throws TaskError where the record cannot be read
 */
export async function isFollowed(
	record: TaskRecord,
	request: string,
	ended: string[],
): Promise<boolean> {
	return (await which(record, [laterFact(request, ended.at(-1) ?? '')])).size > 0;
}

/**
 * Enters in the ledger that a try which it does not know of has submitted a request. For retries only.
 * @throws TaskError where the record cannot be read
 */
export async function recall(
	{ key, request, model }: KeyedItem<TaskRequest>,
	{ record, now }: TaskPorts<unknown>,
	{ ledger, retriedSince: since }: Memory,
): Promise<void> {
	const entry = ledger.find(key);
	const unseen = entry?.state === 'sent' && entry.unseen && entry.recordedAs === undefined;
	if (record === undefined || since === undefined || !(entry === undefined || unseen)) return;
	if (!(await isFollowed(record, request, ledger.endedOf(key)))) return;
	const id = randomUUID();
	ledger.sending(key, { since, until: now(), id, model, unseen: true, recordedAs: request });
}
