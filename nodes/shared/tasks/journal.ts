import { TASK_KEPT_MS } from '../dashscope/types';
import type { SentEntry } from './ledger';

/** A submission of this process without a usable answer. */
export interface Unanswered extends SentEntry {
	/** Unique in this process. */
	request: string;
	/** Of the execution that it belongs to (`ports.ts`). */
	lineage?: string;
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
 * Moments are local epoch milliseconds.
 */
export class Journal {
	/** Submissions under way, with the model of each and the moment at which it was sent. */
	private readonly open = new Map<symbol, { model: string; since: number }>();
	/** Those without a usable answer. */
	private readonly lost = new Map<string, Unanswered>();
	private readonly tasks = new Map<string, JournalTask>();

	/** @param since when the process began to keep it */
	constructor(private readonly since: number) {}

	/** Notes a submission under way; to be ended with the function that is returned. @param since when it is sent */
	opens(model: string, since: number): () => void {
		const submission = Symbol('submission');
		this.open.set(submission, { model, since });
		return () => this.open.delete(submission);
	}

	/** The submissions of a model that are under way. */
	underWay(model: string): symbol[] {
		return [...this.open].flatMap(([submission, its]) => (its.model === model ? [submission] : []));
	}

	/** When the oldest of these submissions was sent that are still under way; undefined where none is. */
	awaitedSince(submissions: symbol[]): number | undefined {
		const open = submissions.flatMap((submission) => this.open.get(submission)?.since ?? []);
		return open.length === 0 ? undefined : Math.min(...open);
	}

	/** Notes a submission without a usable answer. @param id of the submission, unique in this process */
	loses(id: string, submission: Unanswered): void {
		this.lost.set(id, submission);
		for (const [other, { since }] of this.lost) {
			if (submission.since - since > TASK_KEPT_MS) this.lost.delete(other);
		}
	}

	/** Notes that the task of a lost submission was found. */
	finds(id: string): void {
		this.lost.delete(id);
	}

	/**
	 * The other submissions of a model without a usable answer. What an earlier process may have submitted counts as one
	 * that was lost when this process began.
	 */
	othersLost(id: string, model: string): Unanswered[] {
		const { since } = this;
		const earlier: Unanswered = { state: 'sent', since: 0, until: since, model, request: '' };
		const others = [...this.lost].flatMap(([other, one]) =>
			other !== id && (one.model ?? model) === model ? [one] : [],
		);
		return [earlier, ...others];
	}

	/** Notes a task of this process, or more about it. */
	knows(taskId: string, { lineage, answered }: Omit<JournalTask, 'notedAt'>, now: number): void {
		const before = this.tasks.get(taskId);
		noteLast(this.tasks, taskId, {
			notedAt: now,
			lineage: lineage ?? before?.lineage,
			answered: answered || before?.answered === true,
		});
	}

	/** Whether an execution of this process submitted the task. */
	owns(taskId: string): boolean {
		return this.tasks.has(taskId);
	}

	/** Whether a try of an execution with this lineage submitted the task. */
	descends(taskId: string, lineage: string): boolean {
		return this.tasks.get(taskId)?.lineage === lineage;
	}

	/** Whether the answer to a submission of this process named the task, and that was an execution of another lineage. */
	isAnothers(taskId: string, lineage: string | undefined): boolean {
		const task = this.tasks.get(taskId);
		return task?.answered === true && task.lineage !== lineage;
	}
}

/** Notes a task behind those that were noted before, and drops those that DashScope has forgotten by now. */
export function noteLast<Noted extends { notedAt: number }>(
	tasks: Map<string, Noted>,
	taskId: string,
	noted: Noted,
): void {
	tasks.delete(taskId);
	tasks.set(taskId, noted);
	for (const [other, { notedAt }] of tasks) {
		if (noted.notedAt - notedAt < TASK_KEPT_MS) break;
		tasks.delete(other);
	}
}
