import { sleep } from 'n8n-workflow';
import type { IExecuteFunctions } from 'n8n-workflow';
import { cancelSignalOf, withCancelSignal } from '../dashscope/client';
import type { DashScopeClient } from '../dashscope/client';
import { DashScopeError, nothingWasDone } from '../dashscope/errors';
import { cancelTask, createTask } from '../dashscope/tasks';
import type { CreateCall, CreatedTask } from '../dashscope/types';
import type { Account } from '../tasks/account';
import { cancelledLine, leftLine } from '../tasks/cancel';
import { StoppedError } from '../tasks/errors';
import type { Clock } from '../tasks/ports';
import { toError } from '../thrown';

/** Stop ends the node within a second; a cancellation that takes longer goes on without it. */
const PATIENCE_MS = 700;

/** The pause after a call that was one too many for its second. */
const NEXT_SECOND_MS = 1_100;
/** The longest pause that is kept: during a longer one the task would start. */
const LONGEST_PAUSE_MS = 5_000;
const CANCEL_TRIES = 10;

/** Its sleep is not ended by a stop. */
const CLOCK: Clock = {
	now: () => Date.now(),
	sleep: async (ms) => await sleep(ms),
	random: () => Math.random(),
};

/** The calls that a stop must not cut off: what they leave behind costs money. */
export class AfterStop {
	private readonly client: DashScopeClient;
	private readonly signal: AbortSignal | undefined;

	constructor(
		private readonly functions: IExecuteFunctions,
		private readonly account: Account,
		client: DashScopeClient,
	) {
		this.signal = cancelSignalOf(functions);
		this.client = { ...client, functions: withCancelSignal(functions, undefined) };
	}

	/**
	 * Submits a task. After a stop the node does not wait for the answer, but the task that it tells of is cancelled.
	 * @throws StoppedError at once on a stop; DashScopeError
	 */
	async createTask(call: CreateCall): Promise<CreatedTask> {
		const { signal } = this;
		const answer = createTask(this.client, call);
		if (signal === undefined) return await answer;
		return await new Promise((resolve, reject) => {
			const leave = () => {
				reject(new StoppedError());
				void this.cancelWhenKnown(answer);
			};
			signal.addEventListener('abort', leave, { once: true });
			answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
		});
	}

	/**
	 * Cancels a task that still waits.
	 * @throws StoppedError when that takes longer than a stopped node may; its end is logged then
	 */
	async cancelTask(taskId: string): Promise<void> {
		const { signal } = this;
		const cancelled = this.cancel(taskId);
		if (signal === undefined) return await cancelled;
		const done = new AbortController();
		const late = this.afterStop(done.signal).then(() => true);
		try {
			if (await Promise.race([cancelled.then(() => false), late])) {
				void this.logEnd(taskId, cancelled);
				throw new StoppedError();
			}
		} finally {
			done.abort();
		}
	}

	/** Resolves when a stopped node may wait no longer. @param forget ends the wait for a stop */
	private async afterStop(forget: AbortSignal): Promise<void> {
		const { signal } = this;
		if (signal?.aborted === false) {
			await new Promise((resolve) =>
				signal.addEventListener('abort', resolve, { once: true, signal: forget }),
			);
		}
		await sleep(PATIENCE_MS);
	}

	private async cancel(taskId: string): Promise<void> {
		const { cancels } = this.account;
		for (let tries = 1; ; tries++) {
			await cancels.pass(CLOCK);
			const sentAt = CLOCK.now();
			try {
				return await cancelTask(this.client, taskId);
			} catch (error) {
				const throttled = error instanceof DashScopeError && error.kind === 'throttled';
				if (!throttled || tries >= CANCEL_TRIES) throw toError(error);
				// No pause for the others, which only slow down: a task that waits for long may have started by then.
				cancels.throttled(sentAt, CLOCK.now());
				await CLOCK.sleep(Math.min(error.retryAfterMs ?? NEXT_SECOND_MS, LONGEST_PAUSE_MS));
			}
		}
	}

	private async cancelWhenKnown(answer: Promise<CreatedTask>): Promise<void> {
		try {
			const { taskId } = await answer;
			await this.logEnd(taskId, this.cancel(taskId));
		} catch (error) {
			if (error instanceof DashScopeError && nothingWasDone(error.kind)) return;
			this.functions.logger.info(
				'A submission was under way at Stop and got no answer; its task may have been created and may be billed',
			);
		}
	}

	private async logEnd(taskId: string, cancelled: Promise<void>): Promise<void> {
		const line = await cancelled.then(
			() => cancelledLine(taskId),
			() => leftLine(taskId),
		);
		this.functions.logger.info(line);
	}
}
