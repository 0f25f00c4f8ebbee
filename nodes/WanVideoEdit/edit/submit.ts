import { DashScopeError, nothingWasDone } from '../../shared/dashscope/errors';
import type { ListedTask, VideoEditBody } from '../../shared/dashscope/types';
import { EditError, NotTakenError, StoppedError } from './errors';
import { RateGate } from './gate';
import type { Ledger, LedgerEntry, SentEntry } from './ledger';
import type { EditPorts } from './ports';
import { backoff } from './schedule';

/** A task that stands for a request. */
export interface Job {
	taskId: string;
	/** Epoch milliseconds. */
	submittedAt: number;
	requestId?: string;
	/** Submitted by an earlier try of this execution. */
	known: boolean;
	/** Found in the task list after the answer to its submission was lost. */
	adopted: boolean;
}

export interface SubmitSettings {
	submitsPerSecond: number;
	/** Epoch milliseconds after which a throttled submission is given up. */
	deadline: number;
	/** The user's choice to pay twice rather than to look by hand when an answer is lost. */
	resubmitLost: boolean;
}

/** When the task list is looked at after an answer was lost, in ms after the loss, then after each look. */
const LOOKS = [1_000, 3_000, 6_000];

/** Difference between this clock and DashScope's that is put up with when tasks are matched by time. */
const CLOCK_SKEW_MS = 2_000;

/** A gateway may store a task a while after it gave up on the answer. */
const LATE_MS = 30_000;

/** Submissions whose outcome is lost again and again are given up after this many, even if the user wants them repeated. */
const MOST_RESUBMITS = 3;

/** A host that cannot be reached so often in a row is more likely a wrong base URL than a short outage. */
const BELIEVED_UNREACHABLE = 5;

/** Submits requests, each exactly once per execution. */
export class Submitter {
	private readonly gate: RateGate;
	private inFlight = 0;
	private sent = 0;

	constructor(
		private readonly ports: EditPorts<unknown>,
		private readonly ledger: Ledger,
		private readonly settings: SubmitSettings,
	) {
		this.gate = new RateGate(ports, settings.submitsPerSecond);
	}

	/**
	 * @param key the request's key in the ledger
	 * @param body makes the create call's body; called only if a submission is needed, so that nothing is uploaded twice
	 * @throws EditError when the service refuses, or when it is unknown whether a task was created; NotTakenError
	 * when it was still too busy at the deadline; StoppedError
	 */
	async submit(key: string, model: string, body: () => Promise<VideoEditBody>): Promise<Job> {
		const entry = this.ledger.find(key);
		if (entry?.state === 'submitted') {
			const { taskId, submittedAt, adopted = false } = entry;
			return { taskId, submittedAt, known: true, adopted };
		}
		if (entry?.state === 'sent') {
			const job = await this.reconcile(key, model, entry);
			if (job !== undefined) return job;
		}
		return await this.create(key, model, await body());
	}

	private async create(key: string, model: string, body: VideoEditBody): Promise<Job> {
		let lost = 0;
		let unreachable = 0;
		for (let failures = 1; ; failures++) {
			const result = await this.createOnce(key, body);
			if (!(result instanceof DashScopeError)) return result;

			if (!nothingWasDone(result.kind)) {
				const job = await this.reconcile(key, model, this.ledger.find(key), result);
				if (job !== undefined) return job;
				if (++lost >= MOST_RESUBMITS) throw refusal(result);
				continue;
			}
			const pause = backoff(failures, this.ports.random(), result.retryAfterMs);
			const late = this.ports.now() + pause > this.settings.deadline;
			unreachable = result.kind === 'unreachable' ? unreachable + 1 : 0;
			const gone = unreachable >= BELIEVED_UNREACHABLE;
			if (result.kind === 'rejected' || gone) throw refusal(result);
			if (late) throw refusal(result, NotTakenError);
			await this.ports.sleep(pause);
		}
	}

	/** @returns the job, or what went wrong; the ledger knows either way */
	private async createOnce(key: string, body: VideoEditBody): Promise<Job | DashScopeError> {
		await this.gate.pass();
		if (this.ports.stopped()) throw new StoppedError();
		this.ledger.sending(key, this.ports.now());
		this.inFlight++;
		this.sent++;
		try {
			const { taskId, requestId } = await this.ports.createTask(body);
			const submittedAt = this.ports.now();
			this.ledger.submitted(key, taskId, submittedAt);
			return { taskId, requestId, submittedAt, known: false, adopted: false };
		} catch (error) {
			const failure = error instanceof DashScopeError ? error : undefined;
			if (failure !== undefined && nothingWasDone(failure.kind)) this.ledger.forget(key);
			else this.ledger.lost(key, this.ports.now());
			if (failure === undefined || this.ports.stopped()) return await Promise.reject(error);
			return failure;
		} finally {
			this.inFlight--;
		}
	}

	/**
	 * Looks in the task list for the task of a request whose answer was lost.
	 * @returns the job if exactly one task can be it; undefined if the user wants it submitted again
	 * @throws EditError "outcome unknown" otherwise
	 */
	private async reconcile(
		key: string,
		model: string,
		entry: LedgerEntry | undefined,
		failure?: DashScopeError,
	): Promise<Job | undefined> {
		if (entry?.state !== 'sent') return undefined;
		let candidates: ListedTask[] = [];
		for (const pause of LOOKS) {
			await this.ports.sleep(pause);
			candidates = await this.unclaimed(model, entry);
			if (candidates.length > 0) break;
		}
		const candidate = candidates.length === 1 ? candidates[0] : undefined;
		const others = this.ledger.othersUnanswered(key);
		if (candidate !== undefined && !others.some((other) => mayBelongTo(other, candidate))) {
			const submittedAt = candidate.createdAt ?? entry.since;
			this.ledger.submitted(key, candidate.taskId, submittedAt, true);
			this.ports.log(`Adopted task ${candidate.taskId}, whose submission got no answer`);
			return { taskId: candidate.taskId, submittedAt, known: false, adopted: true };
		}
		if (this.settings.resubmitLost) {
			this.ledger.abandon(key);
			return undefined;
		}
		throw outcomeUnknown(model, entry, candidates, failure);
	}

	/** Tasks that may be those of a lost answer and that no request of this execution has; empty if the list cannot be read. */
	private async unclaimed(model: string, entry: SentEntry): Promise<ListedTask[]> {
		const { from, to } = windowOf(entry);
		for (;;) {
			// A submission under way could be taken for a lost one: wait until all have their answer.
			while (this.inFlight > 0) await this.ports.sleep(250);
			const before = this.sent;
			const listed = await this.list(model, from, Math.min(to, this.ports.now() + CLOCK_SKEW_MS));
			if (this.sent !== before) continue;
			return listed.filter((task) => !this.ledger.claims(task.taskId) && mayBelongTo(entry, task));
		}
	}

	private async list(model: string, from: number, to: number): Promise<ListedTask[]> {
		try {
			return await this.ports.listTasks({ model, from, to });
		} catch (error) {
			if (!(error instanceof DashScopeError) || this.ports.stopped()) {
				return await Promise.reject(error);
			}
			this.ports.log(`The task list could not be read: ${error.message}`);
			return [];
		}
	}
}

/** When the task of a submission without an answer can have been created. */
function windowOf({ since, until }: SentEntry): { from: number; to: number } {
	return { from: since - CLOCK_SKEW_MS, to: (until ?? since + LATE_MS) + LATE_MS };
}

function mayBelongTo(entry: SentEntry, { createdAt }: ListedTask): boolean {
	const { from, to } = windowOf(entry);
	return createdAt === undefined || (createdAt >= from && createdAt <= to);
}

function refusal(failure: DashScopeError, Kind = EditError): EditError {
	const { message, hint, code, requestId, httpStatus } = failure;
	return new Kind(message, hint, { code, requestId, httpStatus });
}

function outcomeUnknown(
	model: string,
	entry: SentEntry,
	candidates: ListedTask[],
	failure?: DashScopeError,
): EditError {
	const from = new Date(entry.since).toISOString();
	const to = new Date(entry.until ?? entry.since).toISOString();
	const found =
		candidates.length === 0
			? 'The task list shows none'
			: `The task list shows ${candidates.map(({ taskId }) => taskId).join(', ')}`;
	return new EditError(
		`Outcome unknown: the answer to a submission of ${model} between ${from} and ${to} was lost${failure === undefined ? '' : ` (${failure.message})`}`,
		`A task may have been created and may be billed, so it was not submitted again. ${found}; look for it in the Model Studio console and fetch it with 'Task: Get Status', or choose 'Submit Again' in the option 'If a Submission Gets No Answer'.`,
		{
			code: failure?.code,
			requestId: failure?.requestId,
			httpStatus: failure?.httpStatus,
			submittedFrom: from,
			submittedTo: to,
			possibleTaskIds: candidates.map(({ taskId }) => taskId).join(', ') || undefined,
		},
	);
}
