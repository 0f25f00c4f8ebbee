/**
 * What the executions of one process share because they use one DashScope account (a host and a key): its limits, its
 * clock, and the knowledge of who submitted which task. Limits and task list belong to the account, not to an execution.
 */
import { DashScopeError } from '../dashscope/errors';
import type { Service } from '../dashscope/hosts';
import { PAGE_SIZE } from '../dashscope/tasks';
import { TASK_KEPT_MS, isFinal } from '../dashscope/types';
import type { ListedTask, Task } from '../dashscope/types';
import { toError } from '../thrown';
import type { SentEntry } from './ledger';
import { Limiter } from './limiter';
import type { Clock } from './ports';
import { CLOCK_MARGIN_MS } from './reconcile';
import { SubmissionGate } from './submissionGate';

/** 8 of the account's 20 queries a second, submissions included, so that two processes fit. */
const REQUESTS_PER_SECOND = 8;

/** The account may cancel 20 tasks a second (task API, read 2026-11). */
const CANCELS_PER_SECOND = 15;
/** Lowest share of that rate after refusals. High, because a refused cancellation is free and a task that starts meanwhile is billed. */
const LEAST_PART_OF_CANCELS = 1 / 2;

/** The `Date` of an answer that took longer is not used to tell the service's clock. */
const SLOW_ANSWER_MS = 2_000;

/** From this many awaited tasks of a model on, one task list replaces their queries. */
const MANY = 8;

/** Allowed age of a list for each of its pages, so that lists take at most a quarter of the requests. */
const PAGE_MS = 500;

/** Whoever waits for another's list sleeps in between: Stop ends a sleep at once. */
const NAP_MS = 1_000;

/** A list begun so long after a task had ended should show it. */
const LIST_LAG_MS = 3_000;

/** Tasks of our own that must show the same `api_key_id` before it counts as that of the key. */
const ENOUGH_TASKS = 2;

/** Ended tasks that are remembered: about a megabyte. */
const MOST_ENDED = 1_000;

/** `Date` has whole seconds, so the measured offset of the service's clock jitters by up to this much. */
const OFFSET_JITTER_MS = 2_000;

/** A task that an execution of this process submitted. Local epoch milliseconds. */
export interface OwnTask {
	requestId?: string;
	model?: string;
	/** When the create call was sent. */
	sentAt?: number;
	/** Of the execution (`ports.ts`). */
	lineage?: string;
}

interface NotedTask extends Omit<OwnTask, 'lineage'> {
	notedAt: number;
	offset?: number;
	/** As lists show it; of a task that was submitted with the account's own key. */
	apiKeyId?: string;
}

/** A submission of this process without a usable answer. */
export interface Unanswered extends SentEntry {
	/** Unique in this process. */
	request: string;
}

/** A task whose end is waited for. */
export interface AwaitedTask {
	taskId: string;
	/** '' where it is not known: then no list of a model's tasks stands for a query. */
	model: string;
	/** Local epoch milliseconds. */
	submittedAt: number;
}

/** A task list as it was read. */
export interface ListRead {
	rows: ListedTask[];
	/** When the read began. Local epoch milliseconds. */
	at: number;
	/** From when on it lists. On the service's clock. */
	from: number;
	/** The submissions of the model by this process that had no answer when the read ended: their tasks may be among the rows. */
	underWay: symbol[];
}

/** A task as the process knows it, whichever account it belongs to. */
interface JournalTask {
	notedAt: number;
	/** Of the execution that it belongs to. */
	lineage?: string;
	/** Whether the answer to a submission of this process named it. */
	answered: boolean;
}

/**
 * What one process knows of its own submissions, whatever credential they were made with: two may lead to one account.
 */
export class Journal {
	/** Submissions under way, with the model of each and the moment at which it was sent. */
	readonly open = new Map<symbol, { model: string; since: number }>();
	/** Those without a usable answer. */
	readonly lost = new Map<string, Unanswered>();
	/** The oldest come first. */
	readonly tasks = new Map<string, JournalTask>();

	/** @param since when the process began to keep it. Epoch milliseconds */
	constructor(readonly since: number) {}
}

/** One account as the executions of this process share it. */
export class Account {
	/** For queries and task lists. */
	readonly requests = new Limiter(REQUESTS_PER_SECOND);
	readonly cancels = new Limiter(CANCELS_PER_SECOND, LEAST_PART_OF_CANCELS);
	/** Whether any answer has come from the host: then its address is right. */
	reached = false;
	/**
	 * Whether rows of this account's task list carry the request ID of the create call. The documentation shows it by
	 * an example only; a task of our own in the list proves or disproves it.
	 */
	listsRequestIds = false;
	/** Lists tell nothing about the state of tasks: there are none, or one did not show the end of a task in time. */
	listsAreUseless = false;
	/** The sleeping executions of this process that query their tasks one by one. */
	readonly asking = new Set<symbol>();
	/** How far the service's clock is ahead of this one, in milliseconds; undefined until an answer has told. */
	offset: number | undefined;

	private readonly gates = new Map<string, SubmissionGate>();
	private readonly own = new Map<string, NotedTask>();
	/** IDs of API keys, each with the number of our tasks that show it. */
	private readonly keyIds = new Map<string, number>();
	private readonly lists = new Map<string, ListRead>();
	private readonly awaited = new Set<{ model: string; submittedAt: number }>();
	private readonly ended = new Map<string, Task>();
	/** Lists that wait for their turn. */
	private readonly planned = new Map<string, { from: number; list: Promise<ListRead> }>();
	private readonly glances = new Map<string, Promise<ListRead>>();

	/**
	 * @param journal of the process; all its accounts share one
	 * @param id unlike any other account's, and the same in every process
	 * @param service what the host is: only DashScope's own surely submits with the key that it is given
	 */
	constructor(
		private readonly journal: Journal,
		readonly id = '',
		private readonly service: Service = 'sandbox',
	) {}

	/**
	 * The ID of the account's API key, as all tasks of ours show it in lists that were submitted with the key; undefined
	 * until some have, or where they differ.
	 */
	get keyId(): string | undefined {
		const [[id, tasks] = ['', 0], another] = this.keyIds;
		const whole = this.service === 'dashscope' && another === undefined;
		return whole && tasks >= ENOUGH_TASKS ? id : undefined;
	}

	/**
	 * Whether a row with another request ID than that of an error answer is another call's. A gateway answers errors
	 * with request IDs of its own, and successes with those of the service.
	 */
	get tellsByRequestId(): boolean {
		return this.listsRequestIds && this.service !== 'gateway';
	}

	/** The gate for submissions of a model. @param createsPerSecond the account's limit for it */
	submissions(model: string, createsPerSecond?: number): SubmissionGate {
		const gate = this.gates.get(model) ?? new SubmissionGate(this.requests, createsPerSecond);
		this.gates.set(model, gate);
		return gate;
	}

	/**
	 * Sends a query within the account's limit and learns from a refusal.
	 * @throws whatever the call throws; StoppedError
	 */
	async ask<T>(clock: Clock, call: () => Promise<T>): Promise<T> {
		await this.requests.pass(clock);
		const sentAt = clock.now();
		try {
			return await call();
		} catch (error) {
			if (error instanceof DashScopeError && error.kind === 'throttled') {
				this.requests.throttled(sentAt, clock.now(), error.retryAfterMs);
			}
			throw toError(error);
		}
	}

	/**
	 * Notes that the host answered.
	 * @param sentAt when the call was sent; a slow answer tells little about the clock
	 * @param serverTime the answer's `Date`, in whole seconds as epoch milliseconds
	 */
	answered(sentAt: number, now: number, serverTime?: number): void {
		this.reached = true;
		if (serverTime === undefined || now - sentAt > SLOW_ANSWER_MS) return;
		this.offset = serverTime + 500 - (sentAt + now) / 2;
	}

	/** Notes a submission under way; to be ended with the function that is returned. @param since when it is sent */
	opens(model: string, since: number): () => void {
		const submission = Symbol('submission');
		const { open } = this.journal;
		open.set(submission, { model, since });
		return () => open.delete(submission);
	}

	/** Notes a task of this process, so that no other execution takes it for its own. */
	knows(taskId: string, { lineage, ...task }: OwnTask, now: number): void {
		const { offset } = this;
		const noted = { offset, ...this.own.get(taskId), ...task, notedAt: now };
		// The oldest come first.
		this.own.delete(taskId);
		this.own.set(taskId, noted);
		for (const [id, { notedAt }] of this.own) {
			if (now - notedAt < TASK_KEPT_MS) break;
			this.own.delete(id);
		}
		const { tasks } = this.journal;
		const before = tasks.get(taskId);
		const inProcess = {
			notedAt: now,
			lineage: lineage ?? before?.lineage,
			// Only then the model is told.
			answered: task.model !== undefined || before?.answered === true,
		};
		tasks.delete(taskId);
		tasks.set(taskId, inProcess);
		for (const [id, { notedAt }] of tasks) {
			if (now - notedAt < TASK_KEPT_MS) break;
			tasks.delete(id);
		}
	}

	/** When the newest task of a model was submitted whose request ID is known. Local epoch milliseconds. */
	newestKnown(model: string): number | undefined {
		const known = [...this.own.values()].filter(
			(task) => task.model === model && task.requestId !== undefined,
		);
		return known.at(-1)?.sentAt;
	}

	/** The tasks of a model with the moment at which each was sent: `at` on the service's clock, `sentAt` on ours. */
	sentOf(model: string): Array<{ taskId: string; at: number; sentAt: number }> {
		return [...this.own].flatMap(([taskId, { sentAt, model: its, offset = this.offset ?? 0 }]) =>
			its === model && sentAt !== undefined ? [{ taskId, at: sentAt + offset, sentAt }] : [],
		);
	}

	/** Whether an execution of this process submitted the task. */
	owns(taskId: string): boolean {
		return this.journal.tasks.has(taskId);
	}

	/** Whether a try of an execution with this lineage submitted the task. */
	descends(taskId: string, lineage: string): boolean {
		return this.journal.tasks.get(taskId)?.lineage === lineage;
	}

	/** Whether the answer to a submission of this process named the task, and that was an execution of another lineage. */
	isAnothers(taskId: string, lineage: string | undefined): boolean {
		const task = this.journal.tasks.get(taskId);
		return task?.answered === true && task.lineage !== lineage;
	}

	/** Notes a submission without a usable answer. @param id of the submission, unique in this process */
	loses(id: string, submission: Unanswered): void {
		const { lost } = this.journal;
		lost.set(id, submission);
		for (const [other, { since }] of lost) {
			if (submission.since - since > TASK_KEPT_MS) lost.delete(other);
		}
	}

	/** Notes that the task of a lost submission was found. */
	finds(id: string): void {
		this.journal.lost.delete(id);
	}

	/**
	 * The other submissions of a model without a usable answer. What an earlier process may have submitted counts as one
	 * that was lost when this process began.
	 */
	othersLost(id: string, model: string): Unanswered[] {
		const { lost, since } = this.journal;
		const earlier: Unanswered = { state: 'sent', since: 0, until: since, model, request: '' };
		const others = [...lost].flatMap(([other, one]) =>
			other !== id && (one.model ?? model) === model ? [one] : [],
		);
		return [earlier, ...others];
	}

	/**
	 * A task list that was begun no earlier than this call. All who ask before it is begun share one, and its turn.
	 * @param from where it begins at the latest, on the service's clock
	 * @param read brings the tasks of the model created from a moment on
	 * @throws whatever reading throws; StoppedError, also of another execution
	 */
	async list(
		clock: Clock,
		model: string,
		from: number,
		read: (from: number) => Promise<ListedTask[]>,
	): Promise<ListRead> {
		const planned = this.planned.get(model);
		if (planned !== undefined) {
			planned.from = Math.min(planned.from, from);
			return await orStop(clock, planned.list);
		}
		const plan = { from };
		const list = this.ask(clock, async () => {
			this.planned.delete(model);
			const started = { at: clock.now(), from: plan.from };
			const rows = await read(plan.from);
			this.calibrate(rows);
			// Also those that began meanwhile; those that ended meanwhile are known.
			const underWay = [...this.journal.open].flatMap(([submission, its]) =>
				its.model === model ? [submission] : [],
			);
			const whole = { ...started, rows, underWay };
			this.lists.set(model, whole);
			return whole;
		});
		const next = Object.assign(plan, { list });
		this.planned.set(model, next);
		try {
			return await list;
		} finally {
			// Its turn may never have come.
			if (this.planned.get(model) === next) this.planned.delete(model);
		}
	}

	/** Notes a task whose end is waited for, until the function that is returned is called. */
	waitsFor({ model, submittedAt }: AwaitedTask): () => void {
		const task = { model, submittedAt };
		this.awaited.add(task);
		return () => this.awaited.delete(task);
	}

	/** Whether the end of any task is waited for: then some execution uses the account. */
	get isAwaited(): boolean {
		return this.awaited.size > 0;
	}

	/**
	 * Whether one task list is cheaper than a query for each task of a model that this process waits for. It holds the
	 * tasks of all who use the account, and each of its pages is a request.
	 */
	hasMany(model: string): boolean {
		if (this.listsAreUseless || model === '') return false;
		return this.submittedAtOf(model).length >= MANY * pagesOf(this.lists.get(model)?.rows);
	}

	private submittedAtOf(model: string): number[] {
		return [...this.awaited].flatMap((task) => (task.model === model ? [task.submittedAt] : []));
	}

	/** Remembers a task that has ended: nothing about it changes any more, and its execution may ask for it again. */
	remembers(task: Task): void {
		this.ended.set(task.taskId, task);
		const [oldest] = this.ended.keys();
		if (this.ended.size > MOST_ENDED && oldest !== undefined) this.ended.delete(oldest);
	}

	/** A task that an answer to this process has shown as ended. */
	endOf(taskId: string): Task | undefined {
		return this.ended.get(taskId);
	}

	/**
	 * A recent list of all tasks of a model that this process waits for; executions share it.
	 * @param maxAgeMs how old it may be; a long one may be older
	 * @param read brings the tasks of the model created from a moment on, on the service's clock
	 * @throws whatever reading throws; StoppedError, also of another execution
	 */
	async glance(
		clock: Clock,
		model: string,
		maxAgeMs: number,
		read: (from: number) => Promise<ListedTask[]>,
	): Promise<ListRead> {
		const first = Math.min(...this.submittedAtOf(model));
		const from = first + (this.offset ?? 0) - CLOCK_MARGIN_MS;
		const latest = this.lists.get(model);
		const age = clock.now() - (latest?.at ?? -Infinity);
		const most = Math.max(maxAgeMs, pagesOf(latest?.rows) * PAGE_MS);
		const recent = latest !== undefined && age >= 0 && age <= most;
		if (recent && latest.from <= from + OFFSET_JITTER_MS) return latest;
		const begun = this.glances.get(model);
		if (begun !== undefined) return await orStop(clock, begun);
		const reading = this.list(clock, model, from, read);
		this.glances.set(model, reading);
		try {
			return await reading;
		} finally {
			this.glances.delete(model);
		}
	}

	/**
	 * Whether the latest list of a model showed a task as under way although it had ended long before: then lists lag.
	 * @param endedAt local epoch milliseconds
	 */
	misses(taskId: string, model: string, endedAt: number): boolean {
		const { rows, at } = this.lists.get(model) ?? { rows: [], at: 0 };
		const row = rows.find((one) => one.taskId === taskId);
		return row !== undefined && !isFinal(row.status) && at > endedAt + LIST_LAG_MS;
	}

	/**
	 * Since when submissions whose tasks may be in a list have had no answer: the oldest, in local epoch milliseconds.
	 * @returns undefined where all have
	 */
	awaitedSince({ underWay }: ListRead): number | undefined {
		const open = underWay.flatMap((submission) => this.journal.open.get(submission)?.since ?? []);
		return open.length === 0 ? undefined : Math.min(...open);
	}

	private calibrate(rows: ListedTask[]): void {
		for (const { taskId, apiKeyId } of rows) {
			const known = this.own.get(taskId);
			// Of other tasks it is not known whether the key was the same: an execution may go on with another one.
			if (known?.model === undefined || known.sentAt === undefined) continue;
			if (apiKeyId === undefined || apiKeyId === known.apiKeyId) continue;
			known.apiKeyId = apiKeyId;
			this.keyIds.set(apiKeyId, (this.keyIds.get(apiKeyId) ?? 0) + 1);
		}
		const told = rows.flatMap(({ taskId, requestId }) => {
			const known = this.own.get(taskId)?.requestId;
			return known === undefined ? [] : [requestId === known];
		});
		// One that tells otherwise is enough to prove nothing.
		if (told.length > 0) this.listsRequestIds = told.every((same) => same);
	}

	/**
	 * Whether a list shows a task of ours that was submitted after a moment: then it is at least that fresh. Not behind a
	 * gateway, which may pass on a submission after it gave up on its answer.
	 * @param local by our clock, which tells the order of moments so close to each other
	 * @param onService by the service's, as ours may have been set since
	 */
	isFresh({ rows }: ListRead, model: string, local: number, onService: number): boolean {
		if (this.service === 'gateway') return false;
		const later = this.sentOf(model).filter(
			({ at, sentAt }) => sentAt > local && at > onService - OFFSET_JITTER_MS,
		);
		return later.some((task) => rows.some(({ taskId }) => taskId === task.taskId));
	}
}

/** Waits for what another execution has begun. @throws StoppedError at once when its own is stopped */
async function orStop<T>(clock: Clock, work: Promise<T>): Promise<T> {
	let waits = true;
	const end = () => {
		waits = false;
	};
	work.then(end, end);
	while (waits) await Promise.race([work, clock.sleep(NAP_MS)]);
	return await work;
}

/** How many requests it takes to read a list of these rows. */
function pagesOf(rows: ListedTask[] = []): number {
	return Math.max(1, Math.ceil(rows.length / PAGE_SIZE));
}
