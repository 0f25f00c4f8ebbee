/**
 * What this execution has submitted. Kept in the node's context, which n8n saves with the execution and hands
 * to every try of Retry On Fail and to the editor's "Retry execution": a task that was paid for is picked up
 * again instead of being submitted twice. Pure; entries are plain JSON.
 */

export type LedgerEntry =
	/** A create call was sent whose answer has not come (yet). Times are epoch milliseconds. */
	| { state: 'sent'; since: number; until?: number }
	| { state: 'submitted'; taskId: string; submittedAt: number; adopted?: boolean };

export type SentEntry = Extract<LedgerEntry, { state: 'sent' }>;

export type LedgerStore = Record<string, LedgerEntry>;

export class Ledger {
	/** @param run number of the node's run within the execution; runs of a loop do not share tasks */
	constructor(
		private readonly store: LedgerStore,
		private readonly run: number,
	) {}

	/**
	 * The key of one request in this run.
	 * @param fingerprint of the request
	 * @param twin 0 for the first item with this fingerprint, 1 for the second, …: two equal items are two tasks,
	 * and an item keeps its task when the items come in another order
	 */
	key(fingerprint: string, twin: number): string {
		return `${this.run}:${fingerprint}:${twin}`;
	}

	find(key: string): LedgerEntry | undefined {
		return this.store[key];
	}

	/** Writes down that a create call is about to be sent. */
	sending(key: string, now: number): void {
		this.store[key] = { state: 'sent', since: now };
	}

	/** Writes down that its answer did not come. */
	lost(key: string, now: number): void {
		const entry = this.store[key];
		if (entry?.state === 'sent') this.store[key] = { ...entry, until: now };
	}

	submitted(key: string, taskId: string, submittedAt: number, adopted = false): void {
		this.store[key] = { state: 'submitted', taskId, submittedAt, ...(adopted ? { adopted } : {}) };
	}

	/** Forgets a request for which nothing was done. */
	forget(key: string): void {
		delete this.store[key];
	}

	/** Makes way for a new submission: the task ended without a result. It stays claimed. */
	ended(key: string): void {
		const entry = this.store[key];
		this.forget(key);
		if (entry?.state === 'submitted') this.store[`ended:${entry.taskId}`] = entry;
	}

	/** Makes way for a new submission: the answer stays lost, and its task may still turn up. */
	abandon(key: string): void {
		const entry = this.store[key];
		this.forget(key);
		if (entry?.state === 'sent') this.store[`lost:${entry.since}:${key}`] = entry;
	}

	/** Whether a task belongs to any request of this execution. */
	claims(taskId: string): boolean {
		return Object.values(this.store).some(
			(entry) => entry.state === 'submitted' && entry.taskId === taskId,
		);
	}

	/** The other submissions of this execution that have no answer either. */
	othersUnanswered(key: string): SentEntry[] {
		return Object.entries(this.store).flatMap(([other, entry]) =>
			other !== key && entry.state === 'sent' ? [entry] : [],
		);
	}
}
