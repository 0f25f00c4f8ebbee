import type { Service } from '../dashscope/hosts';
import type { Task } from '../dashscope/types';
import type { Journal } from './journal';
import { Limiter } from './limiter';
import { OwnTasks } from './ownTasks';
import type { OwnTask } from './ownTasks';
import type { ServiceClock } from './serviceClock';
import { SubmissionGate } from './submissionGate';
import { TaskLists } from './taskLists';

/** 8 of the account's 20 queries a second, submissions included, so that two processes fit. */
const REQUESTS_PER_SECOND = 8;

/** The account may cancel 20 tasks a second (task API, read 2026-11). */
const CANCELS_PER_SECOND = 15;
/**
 * Lowest share of that rate after refusals. High, because a refused cancellation is free and a task that starts
 * meanwhile is billed.
 */
const LEAST_PART_OF_CANCELS = 1 / 2;

/** The `Date` of an answer that took longer is not used to tell the service's clock. */
const SLOW_ANSWER_MS = 2_000;

/** Ended tasks that are remembered: about a megabyte. */
const MOST_ENDED = 1_000;

/**
 * What the executions of one process share because they use one DashScope account (a host and a key): its limits, its
 * clock, its task lists, and the knowledge of who submitted which task. They belong to the account, not to an execution.
 */
export class Account implements ServiceClock {
	/** For queries and task lists. */
	readonly requests = new Limiter(REQUESTS_PER_SECOND);
	readonly cancels = new Limiter(CANCELS_PER_SECOND, LEAST_PART_OF_CANCELS);
	readonly own: OwnTasks;
	readonly lists: TaskLists;
	/** Whether any answer has come from the host: then its address is right. */
	reached = false;
	offset: number | undefined;
	/** The sleeping executions of this process that query their tasks one by one. */
	readonly asking = new Set<symbol>();

	private readonly gates = new Map<string, SubmissionGate>();
	private readonly ended = new Map<string, Task>();

	/**
	 * @param journal of the process; all its accounts share one
	 * @param id unlike any other account's, and the same in every process
	 * @param service what the host is
	 */
	constructor(
		readonly journal: Journal,
		readonly id = '',
		service: Service = 'sandbox',
	) {
		this.own = new OwnTasks(service, this);
		this.lists = new TaskLists(this.requests, journal, this.own, this);
	}

	/** The gate for submissions of a model. @param createsPerSecond the account's limit for it */
	submissions(model: string, createsPerSecond?: number): SubmissionGate {
		const gate = this.gates.get(model) ?? new SubmissionGate(this.requests, createsPerSecond);
		this.gates.set(model, gate);
		return gate;
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

	/**
	 * Notes a task of this process, so that no other execution takes it for its own.
	 * @param task with the lineage of its execution (`ports.ts`), and a model only if an answer has just named the task
	 */
	knows(taskId: string, { lineage, ...task }: OwnTask & { lineage?: string }, now: number): void {
		this.own.knows(taskId, task, now);
		this.journal.knows(taskId, { lineage, answered: task.model !== undefined }, now);
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
}
