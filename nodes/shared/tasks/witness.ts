/**
 * The account's task list, read and seen with what this process knows: the only witness of submissions without an
 * answer.
 */
import { DashScopeError } from '../dashscope/errors';
import type { ListedTask } from '../dashscope/types';
import { messageOf, toError } from '../thrown';
import { LONGEST_SPAN_MS } from './glance';
import type { Unanswered } from './journal';
import type { Ledger, SentEntry } from './ledger';
import type { TaskPorts } from './ports';
import { CLOCK_MARGIN_MS, LISTED_AFTER_MS, candidatesOf, windowOf } from './reconcile';
import type { Evidence, LostSubmission } from './reconcile';
import { toService } from './serviceClock';
import type { ListRead } from './taskLists';

/** The longest time that a create call may be under way; for one whose end nobody saw. */
const LONGEST_CALL_MS = 125_000;

/** Until submissions that are under way have their answer. */
const UNDER_WAY_PAUSE_MS = 250;

const MINUTE_MS = 60_000;

/**
 * How long their answers are waited for: one with 20 MB of images may take nearly that long on a slow line
 * (`client.ts`).
 */
const LONGEST_WAIT_MS = 10 * MINUTE_MS;

/**
 * How long before a lost submission a task of the execution was sent at most that tells whether the list lags; with
 * the clock's jitter.
 */
const BEFORE_MS = 10 * MINUTE_MS;
const JITTER_MS = 5_000;

/** How often a list is asked for when no later look can make up for it. */
const LIST_TRIES = 4;
const TRIES_PAUSE_MS = 1_000;

/** When a submission was known to be lost, or must have been. Local epoch milliseconds. */
export function lostAt({ since, until = since + LONGEST_CALL_MS }: SentEntry): number {
	return until;
}

/** Reads the task list for the lost submissions of one execution, and says what it shows of them. */
export class Witness {
	/**
	 * @param ledger of the execution whose submissions are judged
	 * @param final nobody looks for second tasks afterwards, so that nothing is judged before the whole minute
	 */
	constructor(
		private readonly ports: TaskPorts<unknown>,
		private readonly ledger: Ledger,
		private readonly final: boolean,
	) {}

	/**
	 * @returns the list, as far back as the submissions need it, or why it could not be read
	 * @throws StoppedError
	 */
	async readOnce(model: string, lost: SentEntry[]): Promise<ListRead | DashScopeError> {
		const { ports } = this;
		const { account } = ports;
		const serviceNow = toService(account, ports.now());
		const windows = lost.map((entry) => windowOf(this.onServiceClock(entry)).from);
		// And one that was sent shortly before, which tells whether the list lags.
		const first = Math.min(...lost.map((entry) => this.onServiceClock(entry).since));
		const before = this.sentByExecution(model)
			.map(({ at }) => at)
			.filter((at) => at < first && at > first - BEFORE_MS);
		// Far enough back to show a task of our own, which tells whether rows carry request IDs.
		const known = account.own.listsRequestIds ? undefined : account.own.newestKnown(model);
		const from = Math.max(
			Math.min(
				...windows,
				known === undefined ? Infinity : toService(account, known) - MINUTE_MS,
				before.length === 0 ? Infinity : Math.max(...before) - CLOCK_MARGIN_MS - JITTER_MS,
			),
			serviceNow - LONGEST_SPAN_MS,
		);
		// The end of the span is set when the call is sent: it may wait long for its turn.
		const readUntilNow = async (start: number) => {
			const to = toService(account, ports.now()) + MINUTE_MS;
			return await ports.listTasks({ model, from: start, to });
		};
		try {
			return await account.lists.list(ports, model, from, readUntilNow);
		} catch (error) {
			if (ports.stopped()) throw toError(error);
			const failure = error instanceof DashScopeError ? error : undefined;
			const message = messageOf(error);
			ports.log(`The task list could not be read: ${message}`);
			return failure ?? new DashScopeError(message, { kind: 'lost' });
		}
	}

	/**
	 * Reads the list again until it shows what all submissions under way have made: the task of one of them could be taken
	 * for that of a lost one.
	 * @returns the list, as far back as the submissions need it, or why it could not be read
	 * @throws StoppedError
	 */
	async read(model: string, lost: SentEntry[]): Promise<ListRead | DashScopeError> {
		const { ports } = this;
		const list = await this.readOnce(model, lost);
		if (!('rows' in list)) return list;
		for (;;) {
			const since = ports.account.journal.awaitedSince(list.underWay);
			if (since === undefined) return list;
			if (ports.now() - since > LONGEST_WAIT_MS) {
				const message = 'Another submission of this n8n has had no answer for ten minutes';
				return new DashScopeError(message, { kind: 'lost' });
			}
			await ports.sleep(UNDER_WAY_PAUSE_MS);
		}
	}

	/** Reads the list as {@link read} does, and tries again a moment later where that fails. @throws StoppedError */
	async readPatiently(model: string, lost: SentEntry[]): Promise<ListRead | DashScopeError> {
		for (let failures = 1; ; failures++) {
			const list = await this.read(model, lost);
			if ('rows' in list || failures >= LIST_TRIES) return list;
			await this.ports.sleep(failures * TRIES_PAUSE_MS);
		}
	}

	/** What a list tells about the lost submission of a request; the caller counts the reads. */
	evidence(key: string, model: string, entry: SentEntry, list: ListRead): Omit<Evidence, 'reads'> {
		const { account, exclusive } = this.ports;
		const readAt = toService(account, list.at);
		const { since, until } = this.onServiceClock(entry);
		const lagMs = this.lagOf(list, model, since, readAt - LISTED_AFTER_MS);
		return {
			rows: list.rows,
			model,
			// Not now: the answers of submissions under way may have been waited for since.
			elapsedMs: this.elapsed(entry, list.at),
			// Its task may still be made, and where rows carry no request IDs nothing would tell that it is a second one.
			fresh:
				!this.final &&
				account.own.tellsByRequestId &&
				account.own.isFresh(list.rows, model, lostAt(entry), until),
			stale: lagMs !== undefined,
			lagMs: lagMs ?? 0,
			// One that is shared may be asked for more than a day; the service lists no more.
			reaches: since >= Math.max(list.from, readAt - LONGEST_SPAN_MS),
			// Whoever else used the account at that time, only the n8n that ended could tell.
			exclusive: exclusive && entry.unseen !== true,
			...this.known(model, entry, this.idOf(key, entry), this.requestOf(key)),
		};
	}

	/** The tasks that any of the submissions may have created. */
	candidates(lost: SentEntry[], model: string, { rows }: ListRead): ListedTask[] {
		const found = lost.flatMap((entry) =>
			candidatesOf(this.onServiceClock(entry), { rows, ...this.known(model, entry) }),
		);
		return [...new Set(found)];
	}

	/**
	 * Whether a task is known to be another submission's.
	 * @param unseen of a submission that may have been made by a try which left no memory: that try's tasks are not
	 * another's
	 */
	isTaken(taskId: string, unseen = false): boolean {
		const { account, lineage } = this.ports;
		if (this.ledger.claims(taskId)) return true;
		if (unseen && lineage !== undefined && account.journal.descends(taskId, lineage)) return false;
		return account.journal.owns(taskId);
	}

	/** Whether another execution surely submitted it, whatever request ID its row tells: a gateway may use one twice. */
	isAnothers(taskId: string): boolean {
		const { account, lineage } = this.ports;
		return account.journal.isAnothers(taskId, lineage);
	}

	/** As the account's list shows it. */
	onServiceClock(entry: SentEntry): LostSubmission {
		const { account } = this.ports;
		const { since, requestId, offset } = entry;
		// As far ahead as it was then, where that was known.
		const clock = { offset: offset ?? account.offset };
		// The user may have changed the key since.
		const keyId = entry.account === account.id ? account.own.keyId : undefined;
		return {
			since: toService(clock, since),
			until: toService(clock, lostAt(entry)),
			requestId,
			keyId,
		};
	}

	/** Milliseconds from a loss to a moment; on the service's clock where that is known, as ours may be set. */
	elapsed(entry: SentEntry, moment: number): number {
		const now = this.ports.account.offset;
		const { offset } = entry;
		const drift = offset === undefined || now === undefined ? 0 : now - offset;
		return moment - lostAt(entry) + drift;
	}

	/** Names a request in this process. */
	requestOf(key: string): string {
		return `${this.ports.executionId} ${key}`;
	}

	/** Names one of its submissions. */
	idOf(key: string, { id, since }: SentEntry): string {
		return id ?? `${this.requestOf(key)} ${since}`;
	}

	/**
	 * How much a list lags at least: the age of the oldest task of ours that it should show and lacks. Of those sent before
	 * the loss, only this execution's count: others may be from before a sandbox was reset.
	 * @param since the loss, on the service's clock, as `until`, which the age is counted to
	 * @returns undefined where it lacks none
	 */
	private lagOf(
		{ rows, from }: ListRead,
		model: string,
		since: number,
		until: number,
	): number | undefined {
		const listed = new Set(rows.map(({ taskId }) => taskId));
		const before = new Set(this.sentByExecution(model).map(({ taskId }) => taskId));
		const ages = this.ports.account.own.sentOf(model).flatMap(({ taskId, at }) => {
			const shown = at <= until && at >= from + CLOCK_MARGIN_MS;
			const counts = at >= since || before.has(taskId);
			return shown && counts && !listed.has(taskId) ? [until - at] : [];
		});
		return ages.length === 0 ? undefined : Math.max(...ages);
	}

	/** The tasks of a model that this execution sent, with the moment of each on the service's clock. */
	private sentByExecution(model: string): Array<{ taskId: string; at: number }> {
		const claimed = new Set(this.ledger.submissions().map(({ taskId }) => taskId));
		return this.ports.account.own.sentOf(model).filter(({ taskId }) => claimed.has(taskId));
	}

	/**
	 * What is known of other submissions.
	 * @param entry the one that is judged
	 * @param except its ID; the empty one is nobody's
	 * @param request its request
	 */
	private known(model: string, entry: SentEntry, except = '', request?: string) {
		const { account } = this.ports;
		const others = account.journal
			.othersLost(except, model)
			.filter((other) => !this.mayBeSame(entry, other));
		return {
			listsRequestIds: account.own.tellsByRequestId,
			isTaken: (taskId: string) => this.isTaken(taskId, entry.unseen),
			isClaimed: (taskId: string) => this.ledger.claims(taskId),
			isAnothers: (taskId: string) => this.isAnothers(taskId),
			others: others.map((other) => ({
				...this.onServiceClock(other),
				sameRequest: other.request === request,
			})),
		};
	}

	/** Whether an entry for a try that left no memory may stand for a submission which this process knows that try to have lost. */
	private mayBeSame({ unseen, until = Infinity }: SentEntry, other: Unanswered): boolean {
		const { lineage } = this.ports;
		const ofTry = lineage !== undefined && other.lineage === lineage && other.since <= until;
		return unseen === true && ofTry;
	}
}
