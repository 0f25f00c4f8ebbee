import { DAY } from './times';

// The account's tasks: queue, slots and states. Nothing here knows HTTP, files or timers: a task's
// state follows from timestamps and from the outcome of its work, whenever somebody asks.

export type TaskStatus = 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'UNKNOWN';

/** What a task is billed by; which fields there are depends on the model. */
export type Usage = Record<string, number | string>;

export interface TaskResult {
	usage: Usage;
	/** Further fields of the output. */
	output?: Record<string, unknown>;
	/** The rendered MP4; absent for tasks that exist on paper only. */
	path?: string;
	/** Size of that file, and of the result it is padded to. */
	fileBytes?: number;
	bytes?: number;
}

/** What the work of a task came to. */
export type Work =
	| { status: 'SUCCEEDED'; result: TaskResult }
	| { status: 'FAILED'; code: string; message: string }
	| { status: 'CANCELED' | 'UNKNOWN' };

export interface NewTask {
	id: string;
	requestId: string;
	model: string;
	prompt: string;
	body: unknown;
	jobSeconds: number;
	/** Known beforehand, or told later with `settle`. */
	work?: Work;
}

export interface Task extends NewTask {
	status: TaskStatus;
	submittedAt: number;
	scheduledAt?: number;
	endedAt?: number;
	/** When the work was done; the task ends then or after `jobSeconds`, whichever is later. */
	readyAt?: number;
}

export interface TaskFilter {
	id?: string;
	model?: string;
	status?: string;
	/** Of submission, both inclusive. */
	from?: number;
	to?: number;
}

const TERMINAL: readonly TaskStatus[] = ['SUCCEEDED', 'FAILED', 'CANCELED', 'UNKNOWN'];

export class TaskStore {
	private tasks = new Map<string, Task>();
	private queue: Task[] = [];
	private running: Task[] = [];

	/** `slots`: how many tasks may run at once, of each model. */
	constructor(
		private readonly now: () => number,
		private slots: number | ((model: string) => number),
	) {}

	setSlots(slots: number | ((model: string) => number)): void {
		this.advance();
		this.slots = slots;
		this.advance();
	}

	create(task: NewTask): Task {
		this.advance();
		const at = this.now();
		const stored: Task = { ...task, status: 'PENDING', submittedAt: at };
		if (task.work !== undefined) stored.readyAt = at;
		this.tasks.set(task.id, stored);
		this.queue.push(stored);
		// As the service does, the answer to the submission itself always says PENDING.
		const answer = { ...stored };
		this.advance();
		return answer;
	}

	/** The work of a task is done (or has failed); no effect on tasks that have ended or are gone. */
	settle(id: string, work: Work): void {
		this.advance();
		const task = this.tasks.get(id);
		if (task === undefined || task.endedAt !== undefined) return;
		task.work = work;
		task.readyAt = this.now();
		this.advance();
	}

	/** Undefined for ids that never existed and for tasks older than 24 hours. */
	get(id: string): Task | undefined {
		this.advance();
		const task = this.tasks.get(id);
		return task === undefined || this.expired(task) ? undefined : { ...task };
	}

	/** Works only while the task waits for a slot. */
	cancel(id: string): boolean {
		this.advance();
		const task = this.tasks.get(id);
		if (task?.status !== 'PENDING' || this.expired(task)) return false;
		this.queue = this.queue.filter((waiting) => waiting !== task);
		task.status = 'CANCELED';
		task.endedAt = this.now();
		return true;
	}

	/** Newest first. */
	list(filter: TaskFilter = {}): Task[] {
		return this.all()
			.filter((task) => !this.expired(task))
			.filter((task) => filter.id === undefined || task.id === filter.id)
			.filter((task) => filter.model === undefined || task.model === filter.model)
			.filter((task) => filter.status === undefined || task.status === filter.status)
			.filter((task) => filter.from === undefined || task.submittedAt >= filter.from)
			.filter((task) => filter.to === undefined || task.submittedAt <= filter.to)
			.reverse();
	}

	/** Every task created, oldest first, whatever its age. */
	all(): Task[] {
		this.advance();
		return [...this.tasks.values()].map((task) => ({ ...task }));
	}

	clear(): void {
		this.tasks.clear();
		this.queue = [];
		this.running = [];
	}

	private expired(task: Task): boolean {
		return this.now() - task.submittedAt > DAY;
	}

	/** Plays what has happened since the last look, in its order. */
	private advance(): void {
		const now = this.now();
		// Slots that are free have been free since the last look or since the setting was changed.
		this.fill(now);
		for (;;) {
			const due = this.running
				.map((task) => ({ task, at: this.endOf(task) }))
				.filter(({ at }) => at <= now)
				.sort((a, b) => a.at - b.at)[0];
			if (due === undefined) return;
			this.finish(due.task, due.at);
			this.fill(due.at);
		}
	}

	private endOf(task: Task): number {
		if (task.readyAt === undefined || task.scheduledAt === undefined) return Infinity;
		return Math.max(task.scheduledAt + task.jobSeconds * 1000, task.readyAt);
	}

	private finish(task: Task, at: number): void {
		this.running = this.running.filter((other) => other !== task);
		task.status = task.work?.status ?? 'UNKNOWN';
		task.endedAt = at;
	}

	private fill(at: number): void {
		this.queue = this.queue.filter((task) => {
			const { model } = task;
			const slots = typeof this.slots === 'number' ? this.slots : this.slots(model);
			if (this.running.filter((other) => other.model === model).length >= slots) return true;
			task.status = 'RUNNING';
			// A slot may have become free before the task was there.
			task.scheduledAt = Math.max(at, task.submittedAt);
			this.running.push(task);
			return false;
		});
	}
}

export const isTerminal = (status: TaskStatus) => TERMINAL.includes(status);
