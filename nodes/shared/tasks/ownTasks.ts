import type { Service } from '../dashscope/hosts';
import type { ListedTask } from '../dashscope/types';
import { noteLast } from './journal';
import { OFFSET_JITTER_MS, toService } from './serviceClock';
import type { ServiceClock } from './serviceClock';

/** Tasks of our own that must show the same `api_key_id` before it counts as that of the key. */
const ENOUGH_TASKS = 2;

/** A task that an execution of this process submitted. Local epoch milliseconds. */
export interface OwnTask {
	requestId?: string;
	/** Known only where the answer to a submission with this account named the task. */
	model?: string;
	/** When the create call was sent. */
	sentAt?: number;
}

interface NotedTask extends OwnTask {
	notedAt: number;
	offset?: number;
	/** As lists show it; of a task that was submitted with the account's own key. */
	apiKeyId?: string;
}

/** The tasks of one account that this process knows as its own. What lists show of them tells what the lists are worth. */
export class OwnTasks {
	/**
	 * Whether rows of this account's task list carry the request ID of the create call. The documentation shows it by
	 * an example only; a task of our own in the list proves or disproves it.
	 */
	listsRequestIds = false;

	private readonly tasks = new Map<string, NotedTask>();
	/** IDs of API keys, each with the number of our tasks that show it. */
	private readonly keyIds = new Map<string, number>();

	/** @param service what the host is: only DashScope's own surely submits with the key that it is given */
	constructor(
		private readonly service: Service,
		private readonly clock: ServiceClock,
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

	/** Notes a task, or more about it. @param now local epoch milliseconds */
	knows(taskId: string, task: OwnTask, now: number): void {
		const { offset } = this.clock;
		const before = this.tasks.get(taskId);
		noteLast(this.tasks, taskId, { offset, ...before, ...task, notedAt: now });
	}

	/** When the newest task of a model was submitted whose request ID is known. Local epoch milliseconds. */
	newestKnown(model: string): number | undefined {
		const known = [...this.tasks.values()].filter(
			(task) => task.model === model && task.requestId !== undefined,
		);
		return known.at(-1)?.sentAt;
	}

	/** The tasks of a model with the moment at which each was sent: `at` on the service's clock, `sentAt` on ours. */
	sentOf(model: string): Array<{ taskId: string; at: number; sentAt: number }> {
		return [...this.tasks].flatMap(([taskId, { sentAt, model: its, offset }]) => {
			if (its !== model || sentAt === undefined) return [];
			// As far ahead as it was then, where that was known.
			const at = toService({ offset: offset ?? this.clock.offset }, sentAt);
			return [{ taskId, at, sentAt }];
		});
	}

	/** Learns what rows of the task list tell of the key and of request IDs. */
	learnsFrom(rows: ListedTask[]): void {
		for (const { taskId, apiKeyId } of rows) {
			const known = this.tasks.get(taskId);
			// Of other tasks it is not known whether the key was the same: an execution may go on with another one.
			if (known?.model === undefined || known.sentAt === undefined) continue;
			if (apiKeyId === undefined || apiKeyId === known.apiKeyId) continue;
			known.apiKeyId = apiKeyId;
			this.keyIds.set(apiKeyId, (this.keyIds.get(apiKeyId) ?? 0) + 1);
		}
		const told = rows.flatMap(({ taskId, requestId }) => {
			const known = this.tasks.get(taskId)?.requestId;
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
	isFresh(rows: ListedTask[], model: string, local: number, onService: number): boolean {
		if (this.service === 'gateway') return false;
		const later = this.sentOf(model).filter(
			({ at, sentAt }) => sentAt > local && at > onService - OFFSET_JITTER_MS,
		);
		return later.some((task) => rows.some(({ taskId }) => taskId === task.taskId));
	}
}
