import { randomUUID } from 'crypto';
import { DashScopeError, nothingWasDone } from '../dashscope/errors';
import type { CreateCall } from '../dashscope/types';
import { toError } from '../thrown';
import { NotTakenError, StoppedError } from './errors';
import type { Ledger } from './ledger';
import { LostSubmissions, NEVER_REACHED_MS } from './lostSubmissions';
import type { SubmitSettings } from './lostSubmissions';
import { refOf } from './outcome';
import type { TaskRef } from './outcome';
import type { TaskPorts } from './ports';
import { backoff } from './schedule';
import type { Taken } from './submissionGate';
import { notTaken, refusal } from './submitErrors';

/** A gateway that has no such model may say so in a garbled answer. */
const BELIEVED_NONSENSE = 3;

/**
 * How many failures in a row tell that an address is wrong, of a host that never answered and cannot be found, or
 * shows a wrong certificate.
 */
const BELIEVED_WRONG_ADDRESS = 5;
const WRONG_ADDRESS = /^(ENOTFOUND|EPROTO)$|CERT|VERIFY|ISSUER/;

/** Submits requests, each exactly once per execution. */
export class Submitter {
	/** Its submissions that brought no usable answer. */
	readonly lost: LostSubmissions;
	/** IDs of the tasks that earlier tries submitted. */
	private readonly earlier: ReadonlySet<string>;

	constructor(
		private readonly ports: TaskPorts<unknown>,
		private readonly ledger: Ledger,
		private readonly settings: SubmitSettings,
	) {
		this.lost = new LostSubmissions(ports, ledger, settings);
		// What earlier tries, or another process, knew.
		const submissions = ledger.submissions();
		this.earlier = new Set(submissions.map(({ taskId }) => taskId));
		for (const { taskId, adopted, ...own } of submissions) {
			// An adopted task has the request ID of the lost call: what lists show of it proves nothing about the account.
			const requestId = adopted === true ? undefined : own.requestId;
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
			// Not one that turned up late in this try.
			return { ...refOf(entry), known: this.earlier.has(entry.taskId) };
		}
		if (entry?.state === 'sent') {
			const job = await this.lost.reconcile(key, model);
			if (job !== 'again') return job;
		}
		return await this.create(key, model, await call());
	}

	private async create(key: string, model: string, call: CreateCall): Promise<TaskRef> {
		const { ports, settings, lost } = this;
		const failures: DashScopeError[] = [];
		const began = ports.now();
		const tooLate = () => notTaken(failures, ports.now() - began, lost.of(key).length);
		for (let attempts = 1; ; attempts++) {
			const gate = ports.account.submissions(model, call.createsPerSecond);
			if (!(await gate.pass(ports, settings.deadline))) throw tooLate();
			// One look serves all that wait for it: they must not go together afterwards.
			if (await lost.lookAgain(key, model)) await gate.again(ports);
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
				const job = await lost.reconcile(key, model, result);
				if (job !== 'again') return job;
				const { message, kind } = result;
				const same = failures.filter((one) => one.kind === kind && one.message === message).length;
				if (kind === 'garbled' && same >= BELIEVED_NONSENSE) {
					throw refusal(result, lost.of(key).length);
				}
				if (ports.now() > settings.deadline) throw tooLate();
				continue;
			}
			const strange = result.kind === 'unreachable' && !ports.account.reached;
			const wrong = WRONG_ADDRESS.test(result.code ?? '') && attempts >= BELIEVED_WRONG_ADDRESS;
			const waited = ports.now() - began > NEVER_REACHED_MS;
			const risked = lost.of(key).length;
			if (result.kind === 'rejected' || (strange && (wrong || waited))) {
				throw refusal(result, risked);
			}
			const pause = backoff(attempts, ports.random(), result.retryAfterMs);
			if (ports.now() + pause > settings.deadline) throw refusal(result, risked, NotTakenError);
			await ports.sleep(pause);
		}
	}

	/** @returns the job, or what went wrong; the ledger knows either way */
	private async createOnce(
		key: string,
		model: string,
		call: CreateCall,
	): Promise<TaskRef | DashScopeError> {
		const { ports, ledger, lost } = this;
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
			lost.underWay.add(id);
			const { taskId, requestId } = await ports.createTask(call);
			if (ledger.claims(taskId)) throw answeredBefore(taskId);
			const submittedAt = ports.now();
			taken = 'taken';
			account.knows(taskId, { requestId, model, sentAt, lineage: ports.lineage }, submittedAt);
			ledger.submitted(key, { taskId, submittedAt, requestId });
			return { taskId, requestId, submittedAt, known: false, adopted: false };
		} catch (error) {
			const failure = error instanceof DashScopeError ? error : undefined;
			if (failure !== undefined && nothingWasDone(failure.kind)) ledger.forget(key);
			else await lost.add(key, id, sentAt, failure);
			if (failure === undefined || ports.stopped()) throw toError(error);
			if (failure.kind === 'answered') taken = 'overloaded';
			if (failure.kind === 'rejected') taken = 'taken';
			if (failure.kind === 'throttled') gate.throttled(sentAt, ports.now(), failure.retryAfterMs);
			pause = failure.retryAfterMs ?? 0;
			return failure;
		} finally {
			lost.underWay.delete(id);
			close();
			gate.ended(ports, taken, pause);
		}
	}
}

/** A proxy that keeps answers may give that to another submission. Whether this one arrived, it does not tell. */
function answeredBefore(taskId: string): DashScopeError {
	return new DashScopeError(`The answer names task ${taskId}, which was submitted before`, {
		kind: 'garbled',
		hint: 'A proxy or gateway may stand between n8n and DashScope; check the base URL.',
	});
}
