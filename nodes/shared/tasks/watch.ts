import { DashScopeError, mayPass } from '../dashscope/errors';
import { isFinal } from '../dashscope/types';
import type { Task } from '../dashscope/types';
import { TaskError } from './errors';
import { glance } from './glance';
import type { TaskPorts } from './ports';
import { backoff, longestQueryGap, nextQueryAt } from './schedule';
import type { Progress } from './schedule';
import { toLocal } from './serviceClock';
import type { AwaitedTask } from './taskLists';

/** A definite no (such as 401 or 404) may be a gateway's hiccup; this often in a row it is believed. */
const BELIEVED_REFUSALS = 3;

/** The status UNKNOWN, which a task that was just submitted may show for a moment, is believed this often in a row. */
const BELIEVED_UNKNOWNS = 3;
const YOUNG_MS = 6_000;

/** The longest pause before a refused query is sent again, whatever the service asks for. */
const LONGEST_PAUSE_MS = 60_000;

/** A task that is to be handed back is not held for a longer pause that the service asks for. */
const LONGEST_LAST_PAUSE_MS = 5_000;

/**
 * A task whose wait is over gets a last look. Its answer is waited for as long as the service may take for one that it has
 * not begun; one that never comes to its end must not hold up the item.
 */
const LAST_ANSWER_MS = 30_000;

/** No gap between two looks at a task is longer, in poll intervals, but for pauses after failures (`schedule.ts`). */
const LONGEST_GAP_INTERVALS = 3;

/** A wait is cut into steps: tasks that join meanwhile are seen in time. */
const LONGEST_NAP_MS = 1_000;

/** While every task is being asked for: answers come soon. */
const ANSWER_NAP_MS = 200;

export interface WatchSettings {
	/** Regular gap between two queries of one task. */
	intervalMs: number;
	/**
	 * From this moment on, a task that has not ended is handed back after the next look at it. Absent: watched to
	 * its end or deadline. Epoch milliseconds.
	 */
	handBackAt?: number;
}

/** A task to be watched. */
export interface WatchOrder extends AwaitedTask {
	/** Submitted a while ago: asked at once. */
	known: boolean;
	/** Submitted by this execution: it exists, even if the service does not know it for a moment. */
	own: boolean;
	/** When the wait for it ends. The task itself goes on. Epoch milliseconds. */
	deadline: number;
}

interface Watched extends Progress {
	taskId: string;
	model: string;
	own: boolean;
	deadline: number;
	dueAt: number;
	/** When a query, not a list, told its state last. */
	queriedAt: number;
	/** A list shows its end, or not even the task. */
	queryNext: boolean;
	/** When the look at it that is under way was sent; Infinity while that waits for its turn. Absent: there is none. */
	sentAt?: number;
	/** In a row, of any kind. */
	failures: number;
	/** In a row. */
	refusals: number;
	unknowns: number;
	/** To be called at the end of the wait. */
	leave(): void;
	resolve(task: Task | undefined): void;
	reject(error: unknown): void;
}

/** Watches all open tasks of a run on one clock and within one request budget. */
export class Watch {
	private readonly open = new Set<Watched>();
	/** Models of which a task was queried. */
	private readonly queried = new Set<string>();
	private running = false;
	private shortestRun: number | undefined;

	constructor(
		private readonly ports: TaskPorts<unknown>,
		private readonly settings: WatchSettings,
	) {}

	/**
	 * @returns the task when it has ended, well or badly; undefined when it is handed back unfinished
	 * @throws TaskError on timeout or when the service refuses to answer; StoppedError
	 */
	async finish({
		taskId,
		model,
		submittedAt,
		known,
		own,
		deadline,
	}: WatchOrder): Promise<Task | undefined> {
		return await new Promise((resolve, reject) => {
			const entry: Watched = {
				taskId,
				model,
				own,
				queriedAt: this.ports.now(),
				// Where one look is all there is, a list may be it.
				queryNext: known && !this.handsBack(),
				status: 'PENDING',
				submittedAt,
				deadline,
				dueAt: this.ports.now(),
				failures: 0,
				refusals: 0,
				unknowns: 0,
				leave: this.ports.account.lists.waitsFor({ taskId, model, submittedAt }),
				resolve,
				reject,
			};
			if (!known) this.plan(entry);
			this.open.add(entry);
			void this.run();
		});
	}

	private plan(entry: Watched): void {
		const next = nextQueryAt(entry, this.settings.intervalMs, this.shortestRun);
		const handBackAt = this.handsBack() ? Infinity : (this.settings.handBackAt ?? Infinity);
		entry.dueAt = Math.min(next, entry.deadline, handBackAt);
	}

	private handsBack(): boolean {
		return this.ports.now() >= (this.settings.handBackAt ?? Infinity);
	}

	/** The one clock: always serves the task that has waited longest past its moment. */
	private async run(): Promise<void> {
		if (this.running) return;
		this.running = true;
		try {
			while (this.open.size > 0) {
				this.giveUpLate();
				const next = this.nextDue();
				const wait = next === undefined ? ANSWER_NAP_MS : this.dueIn(next);
				if (next === undefined || wait > 0) {
					await this.ports.sleep(Math.min(wait, LONGEST_NAP_MS));
					continue;
				}
				if (this.mayBeListed(next) && this.ports.account.lists.hasMany(next.model)) {
					void this.glance(next);
					continue;
				}
				// Not awaited: one slow answer must not hold up the others.
				void this.ask(next);
			}
		} catch (error) {
			this.rejectAll(error);
		} finally {
			this.running = false;
		}
	}

	/** Ends the wait for tasks whose last look gets no answer. */
	private giveUpLate(): void {
		const now = this.ports.now();
		for (const entry of this.open) {
			const { deadline, sentAt = Infinity } = entry;
			const late = now >= Math.max(deadline, sentAt) + LAST_ANSWER_MS;
			if (late) this.close(entry).reject(this.timeout(entry));
		}
	}

	private rejectAll(error: unknown): void {
		for (const entry of this.open) {
			entry.leave();
			entry.reject(error);
		}
	}

	/**
	 * Whether a task list may stand for the query of a task that is due. A query goes first, last, and in between; and of
	 * those that are looked at once, the first is queried: it shows whether lists lag.
	 */
	private mayBeListed({ model, status, queryNext, queriedAt, deadline }: Watched): boolean {
		const now = this.ports.now();
		const most = longestQueryGap(status, this.settings.intervalMs);
		if (queryNext || Math.abs(now - queriedAt) > most || now >= deadline) return false;
		return !this.handsBack() || this.queried.has(model);
	}

	/**
	 * Looks at all tasks of a model by one task list. It costs no more than the query of a single one, so those that run
	 * are looked at twice as often.
	 */
	private async glance({ model }: Watched): Promise<void> {
		const { ports } = this;
		const { intervalMs } = this.settings;
		const entries = [...this.open].filter(
			(entry) => entry.sentAt === undefined && entry.model === model && this.mayBeListed(entry),
		);
		for (const entry of entries) entry.sentAt = ports.now();
		const list = await glance(ports, model, intervalMs / 4);
		for (const entry of entries) {
			if (!this.open.has(entry)) continue;
			const status = list?.states.get(entry.taskId);
			entry.queryNext = status === undefined || isFinal(status);
			if (list === undefined || status === undefined || isFinal(status)) {
				void this.ask(entry);
				continue;
			}
			entry.sentAt = undefined;
			entry.status = status;
			if (this.handsBack()) {
				this.close(entry).resolve(undefined);
				continue;
			}
			// All that one list shows are due together again, but not before there can be another one.
			const soon = ports.now() + intervalMs / 4;
			entry.askedAt = list.at;
			this.plan(entry);
			if (status === 'RUNNING') entry.dueAt = Math.min(entry.dueAt, list.at + intervalMs / 2);
			entry.dueAt = Math.max(entry.dueAt, soon);
		}
	}

	private nextDue(): Watched | undefined {
		let first: Watched | undefined;
		for (const entry of this.open) {
			if (entry.sentAt !== undefined) continue;
			if (first === undefined || this.dueIn(entry) < this.dueIn(first)) first = entry;
		}
		return first;
	}

	/** Milliseconds until the next look at a task. One that is due too late was planned before the clock was set back. */
	private dueIn({ dueAt }: Watched): number {
		const longest = Math.max(LONGEST_PAUSE_MS, LONGEST_GAP_INTERVALS * this.settings.intervalMs);
		const wait = dueAt - this.ports.now();
		return wait > longest ? 0 : wait;
	}

	private async ask(entry: Watched): Promise<void> {
		this.queried.add(entry.model);
		entry.sentAt = Infinity;
		try {
			const { ports } = this;
			const task = await ports.account.requests.ask(ports, async () => {
				entry.sentAt = ports.now();
				return await ports.getTask(entry.taskId);
			});
			if (this.open.has(entry)) this.heard(entry, task);
		} catch (error) {
			if (this.open.has(entry)) this.notHeard(entry, error);
		} finally {
			entry.sentAt = undefined;
		}
	}

	private heard(entry: Watched, task: Task): void {
		entry.failures = 0;
		entry.refusals = 0;
		const { account } = this.ports;
		const { startedAt, finishedAt = Infinity } = task;
		entry.status = task.status;
		entry.startedAt = startedAt === undefined ? undefined : toLocal(account, startedAt);
		entry.askedAt = this.ports.now();
		// The clock may have been set back.
		entry.submittedAt = Math.min(entry.submittedAt, entry.askedAt);
		entry.queriedAt = entry.askedAt;
		entry.queryNext = false;
		if (account.lists.misses(entry.taskId, entry.model, toLocal(account, finishedAt))) {
			account.lists.areUseless = true;
		}
		entry.unknowns = task.status === 'UNKNOWN' ? entry.unknowns + 1 : 0;

		const young = entry.own && entry.askedAt - entry.submittedAt < YOUNG_MS;
		const often = entry.unknowns >= BELIEVED_UNKNOWNS;
		const settled = isFinal(task.status) && (entry.unknowns === 0 || (often && !young));
		if (settled) {
			this.learn(task);
			this.close(entry).resolve(task);
		} else if (entry.askedAt >= entry.deadline) {
			this.close(entry).reject(this.timeout(entry));
		} else if ((entry.unknowns === 0 || often) && this.handsBack()) {
			this.close(entry).resolve(undefined);
		} else {
			this.plan(entry);
		}
	}

	private learn({ startedAt, finishedAt, status }: Task): void {
		if (status !== 'SUCCEEDED' || startedAt === undefined || finishedAt === undefined) return;
		const run = finishedAt - startedAt;
		if (run > 0) this.shortestRun = Math.min(run, this.shortestRun ?? run);
	}

	private notHeard(entry: Watched, error: unknown): void {
		entry.failures++;
		const now = this.ports.now();
		const failure = error instanceof DashScopeError ? error : undefined;
		entry.refusals = failure !== undefined && !mayPass(failure.kind) ? entry.refusals + 1 : 0;
		if (this.ports.stopped() || failure === undefined) {
			this.close(entry).reject(error);
		} else if (entry.refusals >= BELIEVED_REFUSALS) {
			this.close(entry).reject(this.refused(entry, failure));
		} else if (now >= entry.deadline) {
			this.close(entry).reject(this.timeout(entry, failure));
		} else {
			const asked = Math.min(failure.retryAfterMs ?? 0, LONGEST_PAUSE_MS);
			const pause = backoff(entry.failures, this.ports.random(), asked);
			const enough = entry.failures >= BELIEVED_REFUSALS || pause > LONGEST_LAST_PAUSE_MS;
			if (enough && this.handsBack()) this.close(entry).resolve(undefined);
			else entry.dueAt = Math.min(now + pause, entry.deadline);
		}
	}

	/** Ends the wait for a task, which is to be settled then. */
	private close(entry: Watched): Watched {
		this.open.delete(entry);
		entry.leave();
		return entry;
	}

	private timeout(entry: Watched, failure?: DashScopeError): TaskError {
		const waited = Math.round((this.ports.now() - entry.submittedAt) / 1000);
		const trouble = failure === undefined ? '' : `; the last query failed: ${failure.message}`;
		return new TaskError(
			`Task ${entry.taskId} was still ${entry.status} after ${waited} seconds${trouble}`,
			`The task keeps running and will be billed if it succeeds. Get its video with 'Task: Wait for Completion' and this task ID within 24 hours. For later runs, raise the option 'Timeout'.`,
			{ taskId: entry.taskId, status: entry.status, waitedSeconds: waited },
		);
	}

	private refused(entry: Watched, failure: DashScopeError): TaskError {
		return new TaskError(
			`The status of task ${entry.taskId} could not be read: ${failure.message}`,
			`${failure.hint ?? ''} The task keeps running: get its video with 'Task: Get Status' and this task ID within 24 hours.`.trim(),
			{
				taskId: entry.taskId,
				status: entry.status,
				code: failure.code,
				httpStatus: failure.httpStatus,
				requestId: failure.requestId,
			},
		);
	}
}
