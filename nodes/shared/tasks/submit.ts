import { randomUUID } from 'crypto';
import { DashScopeError, nothingWasDone } from '../dashscope/errors';
import type { CreateCall, ListedTask } from '../dashscope/types';
import type { ListRead } from './taskLists';
import { NotTakenError, StoppedError } from './errors';
import { findDuplicates } from './duplicates';
import type { Duplicate } from './duplicates';
import type { Ledger, SentEntry } from './ledger';
import { refOf } from './outcome';
import type { TaskRef } from './outcome';
import type { TaskPorts } from './ports';
import { FREE, LISTED_AFTER_MS, exactMatch, judge } from './reconcile';
import { isFollowed, recordedOf } from './record';
import { backoff } from './schedule';
import type { Taken } from './submissionGate';
import { notTaken, outcomeUnknown, refusal } from './submitErrors';
import type { Unknown } from './submitErrors';
import { Witness, lostAt } from './witness';

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

/** A gateway that has no task list refuses it each time; one that has no such model may say so in a garbled answer. */
const BELIEVED_REFUSALS = 3;

/** Submissions that may each have created a task are given up after this many, even if the user wants them repeated. */
const MOST_RESUBMITS = 3;

/** A host that never answered and cannot be found, or shows a wrong certificate, so often in a row has a wrong address. */
const BELIEVED_WRONG_ADDRESS = 5;
const WRONG_ADDRESS = /^(ENOTFOUND|EPROTO)$|CERT|VERIFY|ISSUER/;

/** A host that never answered this process is waited for so long only: its address or port may be wrong. */
const NEVER_REACHED_MS = 5 * 60_000;

/** A look so long ago is as good as one now. */
const MOMENT_MS = 2_000;

/** Submits requests, each exactly once per execution. */
export class Submitter {
	/** Create calls whose answer may still come. */
	private readonly underWay = new Set<string>();
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
		// What earlier tries, or another process, knew.
		for (const { taskId, requestId } of ledger.submissions()) {
			ports.account.knows(taskId, { requestId, lineage: ports.lineage }, ports.now());
		}
	}

	/**
	 * @param key the request's key in the ledger
	 * @param call makes the create call; asked for only if a submission is needed, so that nothing is uploaded twice
	 * @throws TaskError when the service refuses, or when it is unknown whether a task was created; NotTakenError
	 * when nothing was created until the deadline; StoppedError
	 */
	async submit(key: string, model: string, call: () => Promise<CreateCall>): Promise<TaskRef> {
		const entry = this.ledger.find(key);
		if (entry?.state === 'submitted') {
			return { ...refOf(entry), known: true };
		}
		const failures: DashScopeError[] = [];
		if (entry?.state === 'sent') {
			const job = await this.reconcile(key, model, failures);
			if (job !== undefined) return job;
		}
		return await this.create(key, model, await call(), failures);
	}

	private async create(
		key: string,
		model: string,
		call: CreateCall,
		failures: DashScopeError[],
	): Promise<TaskRef> {
		const { ports, settings } = this;
		const began = ports.now();
		for (let attempts = 1; ; attempts++) {
			const gate = ports.account.submissions(model, call.createsPerSecond);
			const turn = await gate.pass(ports, settings.deadline);
			if (!turn) throw notTaken(failures, ports.now() - began, this.lostBy(key).length);
			// One look serves all that wait for it: they must not go together afterwards.
			if (await this.lookAgain(key, model)) await gate.again(ports);
			// By that look, or by the search for second tasks that goes on beside.
			const late = this.ledger.find(key);
			if (late?.state === 'submitted') {
				gate.ended(ports, 'unknown');
				return refOf(late);
			}
			const result = await this.createOnce(key, model, call);
			if (!(result instanceof DashScopeError)) return result;

			failures.push(result);
			if (!nothingWasDone(result.kind)) {
				const job = await this.reconcile(key, model, failures);
				if (job !== undefined) return job;
				const { message, kind } = result;
				const same = failures.filter((one) => one.kind === kind && one.message === message).length;
				if (kind === 'garbled' && same >= BELIEVED_REFUSALS) {
					throw refusal(result, this.lostBy(key).length);
				}
				if (ports.now() > settings.deadline) {
					throw notTaken(failures, ports.now() - began, this.lostBy(key).length);
				}
				continue;
			}
			const strange = result.kind === 'unreachable' && !ports.account.reached;
			const wrong = WRONG_ADDRESS.test(result.code ?? '') && attempts >= BELIEVED_WRONG_ADDRESS;
			const waited = ports.now() - began > NEVER_REACHED_MS;
			const risked = this.lostBy(key).length;
			if (result.kind === 'rejected' || (strange && (wrong || waited))) {
				throw refusal(result, risked);
			}
			const pause = backoff(attempts, ports.random(), result.retryAfterMs);
			if (ports.now() + pause > settings.deadline) throw refusal(result, risked, NotTakenError);
			await ports.sleep(pause);
		}
	}

	/**
	 * A last look before a request is submitted anew: the list may have shown too late that an earlier submission was
	 * taken, and its request ID tells.
	 * @returns whether there was something to look for
	 */
	private async lookAgain(key: string, model: string): Promise<boolean> {
		const lost = this.ledger.abandoned(key).filter(({ requestId }) => requestId !== undefined);
		const sinceThen = this.ports.now() - (this.lookedAt.get(key) ?? -Infinity);
		if (lost.length === 0 || sinceThen < MOMENT_MS) return false;
		// After Stop nothing is submitted anyway.
		const list = await this.witness.readOnce(model, lost).catch(() => undefined);
		if (list !== undefined && 'rows' in list) this.adoptAbandoned(key, list);
		return true;
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

	/** @returns the job, or what went wrong; the ledger knows either way */
	private async createOnce(
		key: string,
		model: string,
		call: CreateCall,
	): Promise<TaskRef | DashScopeError> {
		const { ports, ledger } = this;
		const { account } = ports;
		const gate = account.submissions(model, call.createsPerSecond);
		let taken: Taken = 'unknown';
		let pause = 0;
		const sentAt = ports.now();
		const close = account.journal.opens(model, sentAt);
		const id = randomUUID();
		try {
			if (ports.stopped()) throw new StoppedError();
			ledger.sending(key, { since: sentAt, id, model });
			this.underWay.add(id);
			const { taskId, requestId } = await ports.createTask(call);
			if (ledger.claims(taskId)) throw answeredBefore(taskId);
			const submittedAt = ports.now();
			taken = 'taken';
			account.knows(taskId, { requestId, model, sentAt, lineage: ports.lineage }, submittedAt);
			ledger.submitted(key, { taskId, submittedAt, requestId });
			return { taskId, requestId, submittedAt, known: false, adopted: false };
		} catch (error) {
			const failure = error instanceof DashScopeError ? error : undefined;
			if (failure !== undefined && nothingWasDone(failure.kind)) {
				ledger.forget(key);
			} else {
				// n8n reads the credential for each call: the user may have changed it since the node began.
				const same = !ports.stopped() && (await ports.keyIsSame());
				this.underWay.delete(id);
				const requestId = failure?.kind === 'answered' ? failure.requestId : undefined;
				// After Stop the call goes on; and a clock that was set back meanwhile does not tell when it ended.
				const ended = !ports.stopped() && ports.now() >= sentAt;
				const until = ended ? ports.now() : undefined;
				const made = same ? account.id : undefined;
				ledger.lost(key, { until, requestId, offset: account.offset, account: made });
				this.noteLost();
			}
			if (failure === undefined || ports.stopped()) throw toError(error);
			if (failure.kind === 'answered') taken = 'overloaded';
			if (failure.kind === 'rejected') taken = 'taken';
			if (failure.kind === 'throttled') gate.throttled(sentAt, ports.now(), failure.retryAfterMs);
			pause = failure.retryAfterMs ?? 0;
			return failure;
		} finally {
			this.underWay.delete(id);
			close();
			gate.ended(ports, taken, pause);
		}
	}

	/**
	 * Finds out whether a submission without a usable answer created a task.
	 * @param failures of this request so far, the one that lost it last; empty after an earlier try
	 * @returns the job if the task is surely this request's; undefined if it is to be submitted again
	 * @throws TaskError "outcome unknown" where that cannot be found out; NotTakenError where it needs a later look
	 */
	private async reconcile(
		key: string,
		model: string,
		failures: DashScopeError[],
	): Promise<TaskRef | undefined> {
		this.judged.add(key);
		try {
			return await this.lookUp(key, model, failures);
		} finally {
			this.judged.delete(key);
		}
	}

	private async lookUp(
		key: string,
		model: string,
		failures: DashScopeError[],
	): Promise<TaskRef | undefined> {
		const { ports, ledger, settings } = this;
		const { brief = false } = settings;
		const sent = ledger.find(key);
		if (sent?.state !== 'sent') return undefined;
		const entry = { ...sent };
		this.noteLost();

		let reads = 0;
		let refusals = 0;
		let candidates: ListedTask[] = [];
		const asked = new Set<string>();
		for (let looks = 1; ; looks++) {
			if (looks > 1 || failures.length > 0) await ports.sleep(this.pauseBefore(looks, entry));
			const list = await this.witness.read(model, this.lostBy(key));
			let trouble: string | undefined;
			if ('rows' in list) {
				this.lookedAt.set(key, list.at);
				const late = this.adoptAbandoned(key, list);
				if (late !== undefined) return late;
				const recorded = await this.recorded(key, entry, list, asked);
				if (recorded === 'ended' && entry.recorded === 'only') {
					ports.account.journal.finds(this.witness.idOf(key, entry));
					ledger.forget(key);
					return undefined;
				}
				if (recorded === 'ended')
					ledger.sending(key, Object.assign(entry, { recorded: undefined }));
				else if (recorded !== undefined) return this.adopt(key, entry, recorded, true);
				const evidence = this.witness.evidence(key, model, entry, list);
				// Noted, so that the list is read from the right moment on if our clock is set meanwhile.
				entry.offset ??= ports.account.offset;
				const lagMs = (entry.lagMs = Math.max(entry.lagMs ?? 0, evidence.lagMs));
				ledger.lost(key, { offset: entry.offset, ...(lagMs > 0 ? { lagMs } : {}) });
				const verdict = judge(this.witness.onServiceClock(entry), {
					...evidence,
					lagMs,
					reads: ++reads,
				});
				if (verdict.is === 'ours') return this.adopt(key, entry, verdict.task);
				// What is recorded was created, whatever is listed: the list may be another account's.
				const hidden = verdict.is === 'absent' && entry.recorded !== undefined;
				if (verdict.is === 'absent' && !hidden) {
					return this.makeWay(key, model, entry, failures.at(-1));
				}
				if ('candidates' in verdict) ({ candidates } = verdict);
				if (verdict.is === 'unclear' || hidden) {
					candidates = this.witness.candidates(this.lostBy(key), model, list);
					const tooOld = !evidence.reaches;
					return this.risk(key, { model, candidates, failure: failures.at(-1), tooOld });
				}
			} else {
				trouble = list.message;
				refusals = list.kind === 'rejected' ? refusals + 1 : 0;
			}
			const waited = this.witness.elapsed(entry, ports.now());
			const old = waited > 2 * LISTED_AFTER_MS;
			const believed = brief ? old && refusals >= BRIEF_LOOKS : refusals >= BELIEVED_REFUSALS;
			if (brief && looks >= BRIEF_LOOKS && !believed) {
				const failure = failures.at(-1);
				throw outcomeUnknown({ model, lost: [entry], candidates, failure, trouble }, NotTakenError);
			}
			// A brief one is called again until the deadline of whoever calls.
			const late = !brief && old && ports.now() > settings.deadline;
			const neverReached = !brief && !ports.account.reached && waited > NEVER_REACHED_MS;
			if (late || neverReached || believed) {
				return this.risk(key, { model, candidates, failure: failures.at(-1), trouble });
			}
		}
	}

	/**
	 * What the list shows of the tasks that are recorded for a request and that the ledger does not know.
	 * @param asked IDs that the record was asked for; those of this look are added
	 * @returns the one to go on with; `ended` where there is none after those that ended without a result; undefined
	 * where it is not listed
	 * @throws TaskError where the record cannot be read
	 */
	private async recorded(
		key: string,
		{ recorded }: SentEntry,
		{ rows }: ListRead,
		asked: Set<string>,
	): Promise<ListedTask | 'ended' | undefined> {
		const { ledger } = this;
		const { record, account, now } = this.ports;
		if (record === undefined || recorded === undefined) return undefined;
		const tasks = rows.filter(({ taskId }) => !asked.has(taskId) && !ledger.claims(taskId));
		for (const { taskId } of tasks) asked.add(taskId);
		const own = await recordedOf(record, key, tasks);
		if (own.length === 0) return undefined;
		own.sort((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0));
		const usable = own.filter(({ status }) => !FREE.includes(status));
		const best = usable.find(({ status }) => status === 'SUCCEEDED') ?? usable.at(-1);
		if (best !== undefined) return best;
		for (const { taskId, createdAt = 0 } of own) {
			ledger.claimEnded(key, { taskId, submittedAt: createdAt - (account.offset ?? 0) });
		}
		const followed = await isFollowed(record, now(), key, ledger.endedOf(key));
		return followed === undefined ? 'ended' : undefined;
	}

	/** No task was created: lets the request be submitted again, unless the user does not want that. */
	private makeWay(
		key: string,
		model: string,
		entry: SentEntry,
		failure?: DashScopeError,
	): undefined {
		if (this.settings.lostSubmission === 'fail' && entry.requestId === undefined) {
			throw outcomeUnknown({ model, lost: [entry], candidates: [], failure });
		}
		this.ledger.abandon(key, true);
	}

	/** The submissions of a request that may have created a task. */
	private lostBy(key: string): SentEntry[] {
		const entry = this.ledger.find(key);
		const risked = this.ledger.abandoned(key).filter(({ absent }) => absent !== true);
		return [...risked, ...(entry?.state === 'sent' ? [entry] : [])];
	}

	/** It stays unknown whether a task was created: the user may have chosen to risk a second one. */
	private risk(key: string, unknown: Omit<Unknown, 'lost'>): undefined {
		const { ledger, settings } = this;
		const lost = this.lostBy(key);
		if (settings.lostSubmission !== 'resubmit' || lost.length >= MOST_RESUBMITS) {
			throw outcomeUnknown({ ...unknown, lost, repeated: settings.lostSubmission === 'resubmit' });
		}
		ledger.abandon(key, false);
	}

	/** @param recorded the record of tasks names it as the request's */
	private adopt(key: string, entry: SentEntry, row: ListedTask, recorded = false): TaskRef {
		const { ports, ledger } = this;
		const { account, lineage } = ports;
		const { taskId, createdAt } = row;
		// Kept is the ID of the lost call: the row's own would make every adoption look proven.
		const { since, until = since, requestId } = entry;
		const submittedAt = createdAt === undefined ? until : createdAt - (account.offset ?? 0);
		// What the record or the request ID proves needs no other sign that it is the right task.
		const proven = recorded || (requestId !== undefined && requestId === row.requestId);
		ledger.submitted(key, { taskId, submittedAt, requestId, adopted: true, proven });
		account.journal.finds(this.witness.idOf(key, entry));
		account.knows(taskId, { sentAt: recorded ? submittedAt : since, lineage }, ports.now());
		const why = recorded ? 'recorded by an earlier try' : 'whose submission got no answer';
		ports.log(`Adopted task ${taskId}, ${why}`);
		return { taskId, submittedAt, known: recorded, adopted: true, proven };
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

	/** Lets the other executions of this process know what this one has lost; what is under way is waited for. */
	private noteLost(): void {
		for (const { key, entry } of this.ledger.unanswered()) {
			const id = this.witness.idOf(key, entry);
			if (this.underWay.has(id)) continue;
			this.ports.account.journal.loses(id, { ...entry, request: this.witness.requestOf(key) });
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
}

/** A proxy that keeps answers may give that to another submission. Whether this one arrived, it does not tell. */
function answeredBefore(taskId: string): DashScopeError {
	return new DashScopeError(`The answer names task ${taskId}, which was submitted before`, {
		kind: 'garbled',
		hint: 'A proxy or gateway may stand between n8n and DashScope; check the base URL.',
	});
}
