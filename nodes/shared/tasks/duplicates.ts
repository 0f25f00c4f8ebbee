/** Second tasks of a request: those of submissions that were taken for not done. */
import type { Ledger, SentEntry } from './ledger';
import type { TaskPorts } from './ports';
import { FREE, LISTED_AFTER_MS, exactMatch } from './reconcile';
import type { ListRead } from './taskLists';
import type { Witness } from './witness';

/** When they are looked for, in ms after such a submission. */
const LOOKS = [20_000, 45_000, LISTED_AFTER_MS + 5_000];

/** A task that was created for a request besides the one that stands for it. */
export interface Duplicate {
	/** Absent where the list could not be read at the end: there may be one or not. */
	taskId?: string;
	/** Cancelled while it waited, so that it is not billed. */
	cancelled: boolean;
	/** Surely of this request; otherwise it may be somebody else's. */
	certain: boolean;
}

export interface Search {
	model: string;
	/** The submissions that were taken for not done, at least one. */
	lost: SentEntry[];
	/** One look only, now. */
	brief: boolean;
	/** Called with each list before it is searched. */
	seen(list: ListRead): void;
}

/**
 * Looks for second tasks of a request until they would be listed.
 * @returns the tasks found; one that surely is this request's and still waits has been cancelled
 * @throws StoppedError
 */
export async function findDuplicates(
	ports: TaskPorts<unknown>,
	ledger: Ledger,
	witness: Witness,
	{ model, lost, brief, seen }: Search,
): Promise<Duplicate[]> {
	const now = ports.now();
	const end = Math.max(...lost.map(({ since, until = since }) => until));
	const later = LOOKS.map((after) => end + after).filter((at) => at > now);
	// Those that an earlier try found are told again: n8n shows only what the last one says.
	const found = new Map(
		ledger.secondTasks(lost).map(({ taskId, cancelled = false }): [string, Duplicate] => {
			return [taskId, { taskId, cancelled, certain: true }];
		}),
	);
	let readAt = -Infinity;
	for (const moment of brief || later.length === 0 ? [now] : later) {
		// The clock may have been set back.
		const pause = Math.min(moment - ports.now(), LISTED_AFTER_MS);
		if (pause > 0) await ports.sleep(pause);
		const list = await witness.readPatiently(model, lost);
		if (!('rows' in list)) continue;
		readAt = list.at;
		seen(list);
		for (const entry of lost) {
			const exact = exactMatch(entry, list.rows);
			if (exact === undefined) {
				for (const { taskId, status } of witness.candidates([entry], model, list)) {
					// What costs nothing is nothing to look at.
					if (FREE.includes(status)) found.delete(taskId);
					else found.set(taskId, { taskId, cancelled: false, certain: false });
				}
			} else if (!witness.isTaken(exact.taskId)) {
				found.set(exact.taskId, await cancelDuplicate(ports, ledger, exact.taskId, entry));
			}
		}
	}
	const unread = readAt < end + LISTED_AFTER_MS ? [{ cancelled: false, certain: false }] : [];
	return [...found.values(), ...unread];
}

async function cancelDuplicate(
	ports: TaskPorts<unknown>,
	ledger: Ledger,
	taskId: string,
	{ requestId }: SentEntry,
): Promise<Duplicate> {
	const submittedAt = ports.now();
	ledger.duplicate({ taskId, submittedAt, requestId });
	ports.account.knows(taskId, {}, ports.now());
	const cancelled = await ports.cancelTask(taskId).then(
		() => true,
		() => false,
	);
	ledger.duplicate({ taskId, submittedAt, requestId, cancelled });
	const what = cancelled ? 'was canceled' : 'will be billed if it succeeds';
	ports.log(`Task ${taskId} is a second one for the same item; it ${what}`);
	return { taskId, cancelled, certain: true };
}
