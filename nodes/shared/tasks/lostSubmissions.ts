import type { DashScopeError } from '../dashscope/errors';
import type { ListedTask } from '../dashscope/types';
import { findDuplicates } from './duplicates';
import type { Duplicate } from './duplicates';
import { NotTakenError } from './errors';
import type { Ledger, SentEntry } from './ledger';
import type { TaskRef } from './outcome';
import type { TaskPorts } from './ports';
import { LISTED_AFTER_MS, exactMatch, judge } from './reconcile';
import { recordedIn } from './record';
import { toLocal } from './serviceClock';
import { outcomeUnknown } from './submitErrors';
import type { Unknown } from './submitErrors';
import type { ListRead } from './taskLists';
import { Witness, lostAt } from './witness';

/** How submissions are made, and what becomes of those without a response. */
export interface SubmitSettings {
	/** Epoch milliseconds after which nothing is submitted any more. */
	deadline: number;
	/** What to do about a submission without a response when the task list does not show its task. */
	lostSubmission: LostSubmissionRule;
	/** Do not wait: what needs time is left to a later look. */
	brief?: boolean;
	/** Nobody looks for second tasks afterwards: nothing is repeated before its first task would be listed. */
	final?: boolean;
}

export const LOST_SUBMISSION_RULES = ['lookUp', 'fail', 'resubmit'] as const;

/**
 * - `lookUp`: submit again when the task list shows that no task was created, else fail
 * - `fail`: never submit again
 * - `resubmit`: submit again even if a task may have been created
 */
export type LostSubmissionRule = (typeof LOST_SUBMISSION_RULES)[number];

/** When the task list is looked at, in ms after a submission was lost; from the last one on every 10 s. */
const LOOKS = [1, 3, 6, 10, 15, 22, 30, 40, 50, 61, 63].map((seconds) => seconds * 1000);
const LATER_LOOKS_MS = 10_000;
const LONGEST_LOOK_PAUSE_MS = 11_000;

/** How often the list is looked at where there is no time to wait, and how long after each other. */
const BRIEF_LOOKS = 2;
const BRIEF_PAUSE_MS = 1_000;

/** A gateway that has no task list refuses it each time. */
const BELIEVED_REFUSALS = 3;

/** Submissions that may each have created a task are given up after this many, even if the user wants them repeated. */
const MOST_RESUBMITS = 3;

/** How long a host that never answered this process is waited for: its address or port may be wrong. */
export const NEVER_REACHED_MS = 5 * 60_000;

/** A look this long ago is as good as one now. */
const MOMENT_MS = 2_000;

/** A lost submission whose task is looked for. */
interface Search {
	key: string;
	model: string;
	/** As the ledger has it. */
	entry: SentEntry;
	/** Why it got no answer; absent after an earlier try. */
	failure?: DashScopeError;
	/** Lists that were read. */
	reads: number;
	/** The tasks that may be its own, by the last list that said so. */
	candidates: ListedTask[];
	/** IDs that the record was asked for. */
	asked: Set<string>;
}

/** What becomes of the submissions of one execution that brought no usable answer. */
export class LostSubmissions {
	/** IDs of the create calls whose answer may still come: they are not lost yet. */
	readonly underWay = new Set<string>();
	/** Requests whose lost submission is being judged. */
	private readonly judged = new Set<string>();
	/** When the task list was looked at for a request. Epoch milliseconds. */
	private readonly lookedAt = new Map<string, number>();
	private readonly witness: Witness;

	constructor(
		private readonly ports: TaskPorts<unknown>,
		private readonly ledger: Ledger,
		private readonly settings: SubmitSettings,
	) {
		this.witness = new Witness(ports, ledger, settings.final === true);
	}

	/** The submissions of a request that may have created a task. */
	of(key: string): SentEntry[] {
		const entry = this.ledger.find(key);
		const risked = this.ledger.abandoned(key).filter(({ absent }) => absent !== true);
		return [...risked, ...(entry?.state === 'sent' ? [entry] : [])];
	}

	/**
	 * Writes down that no usable answer came to a submission of a request.
	 * @param id of the call
	 * @param sentAt local epoch milliseconds
	 */
	async add(key: string, id: string, sentAt: number, failure?: DashScopeError): Promise<void> {
		const { ports, ledger } = this;
		const { account } = ports;
		// n8n reads the credential for each call: the user may have changed it since the node began.
		const same = !ports.stopped() && (await ports.keyIsSame());
		this.underWay.delete(id);
		const requestId = failure?.kind === 'answered' ? failure.requestId : undefined;
		// After Stop the call goes on; and a clock that was set back meanwhile does not tell when it ended.
		const ended = !ports.stopped() && ports.now() >= sentAt;
		const until = ended ? ports.now() : undefined;
		const made = same ? account.id : undefined;
		ledger.lost(key, { until, requestId, offset: account.offset, account: made });
		this.tellOthers();
	}

	/** Lets the other executions of this process know what this one has lost; what is under way is waited for. */
	private tellOthers(): void {
		for (const { key, entry } of this.ledger.unanswered()) {
			const id = this.witness.idOf(key, entry);
			if (this.underWay.has(id)) continue;
			const request = this.witness.requestOf(key);
			const { account, lineage } = this.ports;
			account.journal.loses(id, { ...entry, request, lineage });
		}
	}

	/**
	 * Finds out whether the lost submission of a request created a task.
	 * @param failure that lost it; absent after an earlier try
	 * @returns the task if it is surely this request's; 'again' if the request is to be submitted again
	 * @throws TaskError "outcome unknown" where that cannot be found out; NotTakenError where it needs a later look
	 */
	async reconcile(
		key: string,
		model: string,
		failure?: DashScopeError,
	): Promise<TaskRef | 'again'> {
		const entry = this.ledger.find(key);
		if (entry?.state !== 'sent') return 'again';
		this.judged.add(key);
		try {
			const asked = new Set<string>();
			return await this.lookUp({ key, model, entry, failure, reads: 0, candidates: [], asked });
		} finally {
			this.judged.delete(key);
		}
	}

	/** Looks at the task list until one decides, or none is to be expected to. */
	private async lookUp(search: Search): Promise<TaskRef | 'again'> {
		const { ports } = this;
		const { key, model, failure } = search;
		const { brief = false, deadline } = this.settings;
		this.tellOthers();
		let refusals = 0;
		for (let looks = 1; ; looks++) {
			if (looks > 1 || failure !== undefined) {
				await ports.sleep(this.pauseBefore(looks, search.entry));
			}
			const list = await this.witness.read(model, this.of(key));
			let trouble: string | undefined;
			if ('rows' in list) {
				refusals = 0;
				const decided = await this.decide(search, list);
				if (decided !== undefined) return decided;
			} else {
				trouble = list.message;
				refusals = list.kind === 'rejected' ? refusals + 1 : 0;
			}
			const { entry, candidates } = search;
			const waited = this.witness.elapsed(entry, ports.now());
			const old = waited > 2 * LISTED_AFTER_MS;
			const believed = brief ? old && refusals >= BRIEF_LOOKS : refusals >= BELIEVED_REFUSALS;
			if (brief && looks >= BRIEF_LOOKS && !believed) {
				throw outcomeUnknown({ model, lost: [entry], candidates, failure, trouble }, NotTakenError);
			}
			// A brief look is made again and again by its caller, until a deadline of the caller's own.
			const late = !brief && old && ports.now() > deadline;
			const neverReached = !brief && !ports.account.reached && waited > NEVER_REACHED_MS;
			if (late || neverReached || believed) return this.risk(search, { trouble });
		}
	}

	private pauseBefore(look: number, entry: SentEntry): number {
		if (this.settings.brief === true) return BRIEF_PAUSE_MS;
		const elapsed = this.ports.now() - lostAt(entry);
		const next = LOOKS.find((at) => at > elapsed);
		// The clock may have been set back.
		if (next !== undefined) return Math.min(next - elapsed, LONGEST_LOOK_PAUSE_MS);
		return look === 2 ? BRIEF_PAUSE_MS : LATER_LOOKS_MS;
	}

	/**
	 * What one list decides. What it tells besides is kept in the search and the ledger.
	 * @returns undefined where a later list may tell more
	 */
	private async decide(search: Search, list: ListRead): Promise<TaskRef | 'again' | undefined> {
		const { ports, ledger, witness } = this;
		const { account } = ports;
		const { key, model, failure } = search;
		this.lookedAt.set(key, list.at);
		const late = this.adoptAbandoned(key, list);
		if (late !== undefined) return late;

		const recorded = search.entry.recorded && (await recordedIn(list.rows, search, ports, ledger));
		if (recorded === 'ended' && search.entry.recorded === 'only') {
			account.journal.finds(witness.idOf(key, search.entry));
			ledger.forget(key);
			return 'again';
		}
		if (recorded === 'ended') {
			search.entry = { ...search.entry, recorded: undefined };
			ledger.sending(key, search.entry);
		} else if (recorded !== undefined) return this.adopt(key, search.entry, recorded, true);

		const evidence = witness.evidence(key, model, search.entry, list);
		const lagMs = Math.max(search.entry.lagMs ?? 0, evidence.lagMs);
		// Noted, so that the list is read from the right moment on if our clock is set meanwhile.
		const { offset = account.offset } = search.entry;
		const noted = { offset, ...(lagMs > 0 ? { lagMs } : {}) };
		ledger.lost(key, noted);
		const entry = (search.entry = { ...search.entry, ...noted });
		const reads = ++search.reads;
		const verdict = judge(witness.onServiceClock(entry), { ...evidence, lagMs, reads });
		if (verdict.is === 'ours') return this.adopt(key, entry, verdict.task);
		// What is recorded was created, whatever is listed: the list may be another account's.
		const hidden = verdict.is === 'absent' && entry.recorded !== undefined;
		if (verdict.is === 'unclear' || hidden) {
			search.candidates = witness.candidates(this.of(key), model, list);
			return this.risk(search, { tooOld: !evidence.reaches });
		}
		if (verdict.is === 'undecided') {
			search.candidates = verdict.candidates;
			return undefined;
		}
		// No task was created.
		if (this.settings.lostSubmission === 'fail' && entry.requestId === undefined) {
			throw outcomeUnknown({ model, lost: [entry], candidates: [], failure });
		}
		ledger.abandon(key, true);
		return 'again';
	}

	/** It stays unknown whether a task was created: the user may have chosen to risk a second one. */
	private risk(
		{ key, model, candidates, failure }: Search,
		why: Pick<Unknown, 'trouble' | 'tooOld'>,
	): 'again' {
		const lost = this.of(key);
		const repeated = this.settings.lostSubmission === 'resubmit';
		if (!repeated || lost.length >= MOST_RESUBMITS) {
			throw outcomeUnknown({ model, lost, candidates, failure, repeated, ...why });
		}
		this.ledger.abandon(key, false);
		return 'again';
	}

	/** @param recorded the record of tasks names it as the request's */
	private adopt(key: string, entry: SentEntry, row: ListedTask, recorded = false): TaskRef {
		const { ports, ledger } = this;
		const { account, lineage } = ports;
		const { taskId, createdAt } = row;
		// Kept is the ID of the lost call: the row's own would make every adoption look proven.
		const { since, until = since, requestId } = entry;
		const submittedAt = createdAt === undefined ? until : toLocal(account, createdAt);
		// What the record or the request ID proves needs no other sign that it is the right task.
		const proven = recorded || (requestId !== undefined && requestId === row.requestId);
		ledger.submitted(key, { taskId, submittedAt, requestId, adopted: true, proven });
		account.journal.finds(this.witness.idOf(key, entry));
		account.knows(taskId, { sentAt: recorded ? submittedAt : since, lineage }, ports.now());
		const why = recorded ? 'recorded by an earlier try' : 'whose submission got no answer';
		ports.log(`Adopted task ${taskId}, ${why}`);
		return { taskId, submittedAt, known: recorded, adopted: true, proven };
	}

	/** Adopts the task of an abandoned submission of a request that has none. */
	private adoptAbandoned(key: string, { rows }: ListRead): TaskRef | undefined {
		for (const entry of this.ledger.abandoned(key)) {
			const task = exactMatch(entry, rows);
			if (task === undefined || this.ledger.claims(task.taskId)) continue;
			if (this.witness.isAnothers(task.taskId)) continue;
			// The latest submission may have created a task as well.
			this.ledger.abandon(key, false);
			this.ledger.resume(key, entry);
			return this.adopt(key, entry, task);
		}
		return undefined;
	}

	/**
	 * A last look before a request is submitted anew: the list may have shown too late that an earlier submission was
	 * taken, and its request ID tells. The ledger has the task then.
	 * @returns whether there was something to look for
	 */
	async lookAgain(key: string, model: string): Promise<boolean> {
		const lost = this.ledger.abandoned(key).filter(({ requestId }) => requestId !== undefined);
		const sinceThen = this.ports.now() - (this.lookedAt.get(key) ?? -Infinity);
		if (lost.length === 0 || sinceThen < MOMENT_MS) return false;
		// After Stop nothing is submitted anyway.
		const list = await this.witness.readOnce(model, lost).catch(() => undefined);
		if (list !== undefined && 'rows' in list) this.adoptAbandoned(key, list);
		return true;
	}

	/**
	 * Looks for second tasks of a request: those of submissions that were taken for not done.
	 * @param key of the request, if it may have no task yet: then the first that surely is its own becomes its task
	 * @throws StoppedError
	 */
	async duplicates(model: string, lost: SentEntry[], key?: string): Promise<Duplicate[]> {
		const { ports, ledger, witness, settings } = this;
		const seen = (list: ListRead) => {
			if (key !== undefined && this.hasNoTask(key)) this.adoptAbandoned(key, list);
		};
		const search = { model, lost, brief: settings.brief === true, seen };
		return await findDuplicates(ports, ledger, witness, search);
	}

	/** Whether nothing stands for a request, and nothing is on its way to. */
	private hasNoTask(key: string): boolean {
		const entry = this.ledger.find(key);
		if (entry?.state !== 'sent') return entry === undefined;
		return !this.judged.has(key) && !this.underWay.has(this.witness.idOf(key, entry));
	}
}
