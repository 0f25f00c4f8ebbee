/**
 * What this execution has submitted. Kept in the node's context, which n8n saves with the execution and hands
 * to every try of Retry On Fail and to the editor's "Retry execution": a task that was paid for is picked up
 * again instead of being submitted twice. Pure; entries are plain JSON.
 */

export type LedgerEntry =
	| SentEntry
	| {
			state: 'submitted';
			taskId: string;
			submittedAt: number;
			/** Of the create call. */
			requestId?: string;
			adopted?: boolean;
			proven?: boolean;
			/** Of a second task of a request: whether it was cancelled while it waited. */
			cancelled?: boolean;
			/** Of a task that ended without a result: the key of its request. */
			key?: string;
	  };

/** A create call was sent whose answer has not come (yet). Times are local epoch milliseconds. */
export interface SentEntry {
	state: 'sent';
	since: number;
	/** Of this call, unlike any other's; it stays the same in every retry. Absent in what version 0.1.0 wrote down. */
	id?: string;
	/** Absent in what version 0.1.0 wrote down: it may be any. */
	model?: string;
	/** The account (`account.ts`) that it was sent with: its host and API key. */
	account?: string;
	/** When it was known that no usable answer comes. */
	until?: number;
	/** Of the answer, if it was an error with DashScope's own envelope. */
	requestId?: string;
	/** The task list has shown that it created nothing. */
	absent?: boolean;
	/** How far the service's clock was ahead of the local one then, if that was known. Milliseconds. */
	offset?: number;
	/** By how much the task list was seen to lag since, at least. Milliseconds. */
	lagMs?: number;
	/** Whether it was sent at all is not known: the execution was cut off in that time. */
	unseen?: true;
	/** The record of tasks has one of the request that is not known here: `only` the record tells of it, or it `also` does. */
	recorded?: 'only' | 'also';
}

/** When a try that left no memory may have submitted. Local epoch milliseconds. */
export interface Unseen {
	since: number;
	until: number;
}

export type SubmittedEntry = Extract<LedgerEntry, { state: 'submitted' }>;

export type LedgerStore = Record<string, LedgerEntry>;

/** What this execution has submitted; the keys that it makes are those of one run. */
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

	/** What stands for a request: its task, or a submission without an answer. */
	find(key: string): LedgerEntry | undefined {
		return this.store[key];
	}

	/** Writes down that a create call is about to be sent. */
	sending(key: string, call: Omit<SentEntry, 'state'>): void {
		this.store[key] = { state: 'sent', ...call };
	}

	/** Writes down that no usable answer came. */
	lost(key: string, facts: Omit<SentEntry, 'state' | 'since'>): void {
		const entry = this.store[key];
		if (entry?.state === 'sent') this.store[key] = { ...entry, ...facts };
	}

	/** Writes down which task stands for a request. */
	submitted(key: string, task: Omit<SubmittedEntry, 'state'>): void {
		this.store[key] = { state: 'submitted', ...task };
	}

	/** Forgets a request for which nothing was done. */
	forget(key: string): void {
		delete this.store[key];
	}

	/** Makes way for a new submission: the task ended without a result. It stays claimed. */
	ended(key: string): void {
		const entry = this.store[key];
		this.forget(key);
		if (entry?.state === 'submitted') this.claimEnded(key, entry);
	}

	/** Claims a task of a request that ended without a result. */
	claimEnded(key: string, task: Omit<SubmittedEntry, 'state'>): void {
		this.store[`ended:${task.taskId}`] = { ...task, state: 'submitted', key };
	}

	/** The tasks of a request that ended without a result, the newest last. */
	endedOf(key: string): string[] {
		return this.submissions().flatMap((entry) => (entry.key === key ? [entry.taskId] : []));
	}

	/**
	 * Makes way for a new submission: the answer stays lost, and its task may still turn up.
	 * @param absent whether the task list has shown that there is none
	 */
	abandon(key: string, absent: boolean): void {
		const entry = this.store[key];
		this.forget(key);
		if (entry?.state === 'sent') this.store[`lost:${entry.since}:${key}`] = { ...entry, absent };
	}

	/** The submissions of a request that were abandoned. */
	abandoned(key: string): SentEntry[] {
		return Object.entries(this.store).flatMap(([name, entry]) =>
			entry.state === 'sent' && name === `lost:${entry.since}:${key}` ? [entry] : [],
		);
	}

	/** Forgets an abandoned submission: its task turned up and stands for the request. */
	resume(key: string, { since }: SentEntry): void {
		delete this.store[`lost:${since}:${key}`];
	}

	/** Whether anything is known of a request that may have created a task. */
	knows(key: string): boolean {
		return this.find(key) !== undefined || this.abandoned(key).length > 0;
	}

	/** Claims a task that turned out to be a second one for a request. */
	duplicate(task: Omit<SubmittedEntry, 'state'>): void {
		this.store[`duplicate:${task.taskId}`] = { state: 'submitted', ...task };
	}

	/** The tasks that turned out to be second ones, of these submissions. */
	secondTasks(lost: SentEntry[]): SubmittedEntry[] {
		const ids = lost.flatMap(({ requestId }) => requestId ?? []);
		return Object.entries(this.store).flatMap(([name, entry]) => {
			if (entry.state !== 'submitted' || name !== `duplicate:${entry.taskId}`) return [];
			return ids.includes(entry.requestId ?? '') ? [entry] : [];
		});
	}

	/** Everything that is known to be submitted. */
	submissions(): SubmittedEntry[] {
		return Object.values(this.store).filter((entry) => entry.state === 'submitted');
	}

	/** Whether a task belongs to any request of this execution. */
	claims(taskId: string): boolean {
		return this.submissions().some((entry) => entry.taskId === taskId);
	}

	/**
	 * What this run has submitted: the tasks that have not failed since, second ones included, and the submissions that may
	 * each have created one.
	 */
	ofRun(): { taskIds: string[]; lost: SentEntry[] } {
		const isOfRun = (key: string) => key.startsWith(`${this.run}:`);
		const taskIds = Object.entries(this.store).flatMap(([name, entry]) => {
			if (entry.state !== 'submitted') return [];
			const second = name === `duplicate:${entry.taskId}` && entry.cancelled !== true;
			return isOfRun(name) || second ? [entry.taskId] : [];
		});
		const lost = this.unanswered().flatMap(({ key, entry }) =>
			isOfRun(key) && entry.absent !== true && entry.unseen !== true ? [entry] : [],
		);
		return { taskIds, lost };
	}

	/** All submissions of this execution that have no answer, with the keys of their requests. */
	unanswered(): Array<{ key: string; entry: SentEntry }> {
		return Object.entries(this.store).flatMap(([name, entry]) => {
			if (entry.state !== 'sent') return [];
			const prefix = `lost:${entry.since}:`;
			return [{ key: name.startsWith(prefix) ? name.slice(prefix.length) : name, entry }];
		});
	}
}
