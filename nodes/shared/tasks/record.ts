/**
 * Which tasks an execution has submitted, kept outside its memory. n8n saves that only when the node ends: a try that is
 * killed or stopped loses it, and one retry of an execution does not know what another one did. Requests are named by
 * their keys in the ledger, which are the same in each try. docs/architecture.md says why a record is a proof.
 */
import { randomUUID } from 'crypto';
import { TASK_KEPT_MS } from '../dashscope/types';
import type { ListedTask } from '../dashscope/types';
import { messageOf } from '../thrown';
import { TaskError } from './errors';
import type { KeyedItem } from './identity';
import type { Ledger } from './ledger';
import type { Recorded, TaskPorts, TaskRecord } from './ports';
import { FREE } from './reconcile';
import { toLocal } from './serviceClock';

/** The fact that a task was submitted for a request. */
function taskFact(request: string, taskId: string): string {
	return `${request} ${taskId}`;
}

/**
 * Submissions are told apart by quarters of a day: DashScope keeps a task for 24 hours, and what is older is not
 * asked for.
 */
const QUARTER_MS = 6 * 3_600_000;

/**
 * The fact that one was submitted in a quarter of a day after another had been.
 * @param earlier ID of that one; '' for none
 */
function laterFact(request: string, earlier: string, quarter: number): string {
	return `${request} after ${earlier} in ${quarter}`;
}

/**
 * Writes down which task was submitted for a request, and after which. Nothing waits for it. Not for an item that
 * keeps the key of an earlier request: its tasks are not those of what it asks for now.
 */
export function recordTask(
	{ record, now }: TaskPorts<unknown>,
	{ key, changed }: KeyedItem<unknown>,
	taskId: string,
	ledger: Ledger,
): void {
	if (changed) return;
	const quarter = Math.floor(now() / QUARTER_MS);
	const facts = ['', ...ledger.endedOf(key)].map((one) => laterFact(key, one, quarter));
	void record?.add([...facts, taskFact(key, taskId)]);
}

/** @throws TaskError where the record cannot be read: what it may prove must not be paid for again */
async function which(record: TaskRecord, facts: string[]): Promise<Map<string, Recorded>> {
	return await record.which(facts).catch((error: unknown) => {
		const why = messageOf(error);
		const message = `n8n's record of submitted tasks could not be read: ${why}`;
		const hint =
			'This try submitted nothing for the item, but an earlier one may have. Retry the execution; do not run the workflow anew.';
		throw new TaskError(message, hint, {});
	});
}

/**
 * Whether a task that may still be there was submitted for a request after all that are known to have ended.
 * @param ended those, the newest last
 * @throws TaskError where the record cannot be read
 */
async function isFollowed(
	record: TaskRecord,
	now: number,
	request: string,
	ended: string[],
): Promise<Recorded> {
	const quarter = Math.floor(now / QUARTER_MS);
	// The one under way, a whole day before it, and one more: the clock may have been ahead.
	const facts = [-1, 0, 1, 2, 3, 4].map((before) =>
		laterFact(request, ended.at(-1) ?? '', quarter - before),
	);
	const found = [...(await which(record, facts)).values()];
	return found.find((recorded) => recorded === 'yes') ?? found[0];
}

/**
 * What a list shows of the tasks that are recorded for a request and that the ledger does not know. Those that ended
 * without a result are entered there if there is no other.
 * @param asked IDs that the record was asked for; those of this list are added
 * @returns the one to go on with; `ended` where there is none after those that ended without a result; undefined
 * where it is not listed
 * @throws TaskError where the record cannot be read
 */
export async function recordedIn(
	rows: ListedTask[],
	{ key, asked }: { key: string; asked: Set<string> },
	{ record, account, now }: TaskPorts<unknown>,
	ledger: Ledger,
): Promise<ListedTask | 'ended' | undefined> {
	if (record === undefined) return undefined;
	const tasks = rows.filter(({ taskId }) => !asked.has(taskId) && !ledger.claims(taskId));
	for (const { taskId } of tasks) asked.add(taskId);
	const facts = await which(
		record,
		tasks.map(({ taskId }) => taskFact(key, taskId)),
	);
	const own = tasks.filter(({ taskId }) => facts.get(taskFact(key, taskId)) === 'yes');
	if (own.length === 0) return undefined;
	own.sort((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0));
	const usable = own.filter(({ status }) => !FREE.includes(status));
	const best = usable.find(({ status }) => status === 'SUCCEEDED') ?? usable.at(-1);
	if (best !== undefined) return best;
	for (const { taskId, createdAt = 0 } of own) {
		ledger.claimEnded(key, { taskId, submittedAt: toLocal(account, createdAt) });
	}
	const followed = await isFollowed(record, now(), key, ledger.endedOf(key));
	return followed === undefined ? 'ended' : undefined;
}

/**
 * Enters in the ledger that a try which it does not know of has submitted a request, or may have. For retries only.
 * @throws TaskError where the record cannot be read
 */
export async function recall(
	{ key, changed, model }: KeyedItem<{ model: string }>,
	{ record, account, now }: TaskPorts<unknown>,
	{ ledger, retriedSince }: { ledger: Ledger; retriedSince?: number },
): Promise<void> {
	const entry = ledger.find(key);
	if (record === undefined || retriedSince === undefined || changed) return;
	if (entry?.state === 'submitted' || entry?.recorded === 'also') return;
	// The user has chosen to risk a second one.
	if (ledger.abandoned(key).some(({ recorded }) => recorded !== undefined)) return;
	const followed = await isFollowed(record, now(), key, ledger.endedOf(key));
	// The task may have been found meanwhile.
	if (ledger.find(key) !== entry) return;
	if (entry !== undefined && entry.recorded === undefined) {
		if (followed === 'yes') ledger.sending(key, { ...entry, recorded: 'also' });
		return;
	}
	if (entry !== undefined && followed === 'yes') return;
	ledger.forget(key);
	if (entry?.id !== undefined) account.journal.finds(entry.id);
	const until = now();
	// The record may have dropped it while DashScope still lists it.
	const mayBeListed = entry !== undefined && until - (entry.until ?? entry.since) < TASK_KEPT_MS;
	if (followed === undefined && !mayBeListed) return;
	const lost = { id: randomUUID(), model, since: retriedSince, until, unseen: true } as const;
	ledger.sending(key, followed === 'yes' ? { ...lost, recorded: 'only' } : lost);
}
