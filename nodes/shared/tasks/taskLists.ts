import { PAGE_SIZE } from '../dashscope/tasks';
import { isFinal } from '../dashscope/types';
import type { ListedTask } from '../dashscope/types';
import type { Journal } from './journal';
import type { Limiter } from './limiter';
import type { OwnTasks } from './ownTasks';
import type { Clock } from './ports';
import { CLOCK_MARGIN_MS } from './reconcile';
import { OFFSET_JITTER_MS, toService } from './serviceClock';
import type { ServiceClock } from './serviceClock';

/** From this many awaited tasks of a model on, one task list replaces their queries. */
const MANY = 8;

/** Allowed age of a list for each of its pages, so that lists take at most a quarter of the requests. */
const PAGE_MS = 500;

/** Whoever waits for another's list sleeps in between: Stop ends a sleep at once. */
const NAP_MS = 1_000;

/** A list begun this long after a task had ended should show it. */
const LIST_LAG_MS = 3_000;

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
	/**
	 * The submissions of the model by this process that had no answer when the read ended: their tasks may be among the
	 * rows.
	 */
	underWay: symbol[];
}

/** Brings the tasks of a model created from a moment on, on the service's clock. */
type Read = (from: number) => Promise<ListedTask[]>;

/** The task lists of one account, by model. The executions of a process share them, and what they cost. */
export class TaskLists {
	/** Lists tell nothing about the state of tasks: there are none, or one did not show the end of a task in time. */
	areUseless = false;

	private readonly latest = new Map<string, ListRead>();
	/** Those that wait for their turn. */
	private readonly planned = new Map<string, { from: number; list: Promise<ListRead> }>();
	private readonly glances = new Map<string, Promise<ListRead>>();
	private readonly awaited = new Set<{ model: string; submittedAt: number }>();

	/**
	 * @param requests of the account
	 * @param own told what each list shows of them
	 */
	constructor(
		private readonly requests: Limiter,
		private readonly journal: Journal,
		private readonly own: OwnTasks,
		private readonly clock: ServiceClock,
	) {}

	/**
	 * A task list that was begun no earlier than this call. All who ask before it is begun share one, and its turn.
	 * @param from where it begins at the latest, on the service's clock
	 * @throws whatever reading throws; StoppedError, also of another execution
	 */
	async list(clock: Clock, model: string, from: number, read: Read): Promise<ListRead> {
		const planned = this.planned.get(model);
		if (planned !== undefined) {
			planned.from = Math.min(planned.from, from);
			return await orStop(clock, planned.list);
		}
		const plan = { from };
		const list = this.requests.ask(clock, async () => {
			this.planned.delete(model);
			const started = { at: clock.now(), from: plan.from };
			const rows = await read(plan.from);
			this.own.learnsFrom(rows);
			// Also those that began meanwhile; those that ended meanwhile are known.
			const whole = { ...started, rows, underWay: this.journal.underWay(model) };
			this.latest.set(model, whole);
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
		if (this.areUseless || model === '') return false;
		return this.submittedAtOf(model).length >= MANY * pagesOf(this.latest.get(model)?.rows);
	}

	private submittedAtOf(model: string): number[] {
		return [...this.awaited].flatMap((task) => (task.model === model ? [task.submittedAt] : []));
	}

	/**
	 * A recent list of all tasks of a model that this process waits for.
	 * @param maxAgeMs how old it may be; a long one may be older
	 * @throws whatever reading throws; StoppedError, also of another execution
	 */
	async glance(clock: Clock, model: string, maxAgeMs: number, read: Read): Promise<ListRead> {
		const first = Math.min(...this.submittedAtOf(model));
		const from = toService(this.clock, first) - CLOCK_MARGIN_MS;
		const latest = this.latest.get(model);
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
		const { rows, at } = this.latest.get(model) ?? { rows: [], at: 0 };
		const row = rows.find((one) => one.taskId === taskId);
		return row !== undefined && !isFinal(row.status) && at > endedAt + LIST_LAG_MS;
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
