import { sleep } from 'n8n-workflow';
import { StoppedError } from '../tasks/errors';
import { Semaphore } from '../tasks/semaphore';

/**
 * What passes gathers in memory until V8 collects it: about 20 MB for each of the files that move at full speed.
 * Measured in `docs/architecture.md`.
 */
const AT_ONCE = 4;

/**
 * A file that takes longer is slow, and makes little garbage: the next one need not wait for it.
 * Ten seconds are 200 MB at 20 MB a second.
 */
const LONGEST_TURN_MS = 10_000;

const turns = new Semaphore(AT_ONCE);

/**
 * Lets a file move when few others do in this process, whatever executions they belong to. A slow one holds nobody up
 * for long.
 * @throws StoppedError when the execution is stopped before it begins; whatever the transfer throws
 */
export async function inTurn<T>(
	transfer: () => Promise<T>,
	stop: AbortSignal | undefined,
): Promise<T> {
	const over = new AbortController();
	const stopped = new Promise<void>((resolve) => {
		if (stop?.aborted) resolve();
		stop?.addEventListener('abort', () => resolve(), { once: true, signal: over.signal });
	});
	const turn = new Promise<void>((begin) => {
		void turns.run(async () => {
			begin();
			// Ends early, with an error, when the transfer is over.
			await sleep(LONGEST_TURN_MS, over.signal).catch(() => undefined);
		});
	});
	try {
		await Promise.race([turn, stopped]);
		if (stop?.aborted) throw new StoppedError();
		return await transfer();
	} finally {
		over.abort();
	}
}
