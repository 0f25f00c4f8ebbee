import { DashScopeError, mayPass } from '../dashscope/errors';
import type { Task } from '../dashscope/types';
import { toError } from '../thrown';
import type { LookPorts } from './ports';
import { asksTooLong, backoff } from './schedule';

/** A single question to a service that stumbles is repeated this often; a loop around the node does the rest. */
export const TRIES = 5;

/**
 * The answer to a question that may be asked again, within the account's limit.
 * @throws DashScopeError when the service refuses, or fails several times in a row; StoppedError
 */
export async function askPatiently<T>(
	ports: LookPorts<unknown>,
	question: () => Promise<T>,
): Promise<T> {
	for (let failures = 1; ; failures++) {
		try {
			return await ports.account.requests.ask(ports, question);
		} catch (error) {
			const failure = error instanceof DashScopeError ? error : undefined;
			const final = failure === undefined || !mayPass(failure.kind) || asksTooLong(failure);
			if (final || failures >= TRIES || ports.stopped()) throw toError(error);
			await ports.sleep(backoff(failures, ports.random(), failure.retryAfterMs));
		}
	}
}

/**
 * The state of one task, now.
 * @throws DashScopeError when the service refuses, or fails several times in a row
 */
export async function askStatus(ports: LookPorts<unknown>, taskId: string): Promise<Task> {
	return await askPatiently(ports, async () => await ports.getTask(taskId));
}
