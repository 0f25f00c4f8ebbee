import { DashScopeError, mayPass } from '../dashscope/errors';
import type { Task } from '../dashscope/types';
import { toError } from '../thrown';
import type { LookPorts } from './ports';
import { asksTooLong, backoff } from './schedule';

/** A single call to a service that stumbles is made this often; a loop around the node does the rest. */
const TRIES = 5;

/**
 * The answer to a question that may be asked again, within the account's limit.
 * @throws DashScopeError when the service refuses, or fails several times in a row; StoppedError
 */
export async function askPatiently<T>(
	ports: LookPorts<unknown>,
	question: () => Promise<T>,
): Promise<T> {
	return await patiently(ports, async () => await ports.account.requests.ask(ports, question));
}

/**
 * The answer to a call that does no harm when it is made again.
 * @param passes whether a kind of failure is worth another try
 * @throws DashScopeError when the service refuses, or fails several times in a row; StoppedError
 */
export async function patiently<T>(
	ports: LookPorts<unknown>,
	call: () => Promise<T>,
	passes = mayPass,
): Promise<T> {
	for (let failures = 1; ; failures++) {
		try {
			return await call();
		} catch (error) {
			const failure = error instanceof DashScopeError ? error : undefined;
			const final = failure === undefined || !passes(failure.kind) || asksTooLong(failure);
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
