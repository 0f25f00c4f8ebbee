import { sleep } from 'n8n-workflow';
import type { ByteStream } from '../../shared/dashscope/uploads';

/**
 * Keeps the memory of files that pass through flat. Their chunks lie outside V8's heap and hardly count there, so by
 * itself V8 waits until some 60 MB of them have gathered, more on a fast line while it collects. Here they are counted
 * until V8 has freed them.
 */

const MEGABYTE = 1024 * 1024;

/** Passed bytes not yet freed, over all transfers of this process, from which on V8 is made to look for them. */
const SWEEP_AT = 12 * MEGABYTE;

/** It is reminded only after so many more: looking costs processor time. */
const SWEEP_EVERY = 12 * MEGABYTE;

/** From here on transfers pause until V8 is done: they are faster than it can collect. */
const PAUSE_AT = 18 * MEGABYTE;

/** Step and longest time of one pause. A collection takes a fraction of it, even in a large heap. */
const STEP_MS = 5;
const PATIENCE_MS = 300;

/** What makes V8 look for memory outside its heap that can be freed. */
const PRESSURE = 64 * MEGABYTE;

let unfreed = 0;
let unswept = 0;
/** The part of them that a pause did not set free: somebody keeps it, such as n8n where files live in its database. */
let kept = 0;
const freed = new FinalizationRegistry<number>((bytes) => {
	unfreed -= bytes;
	kept = Math.min(kept, unfreed);
});

const gathered = () => unfreed - kept;

/** To be awaited for each chunk that passes, before the next one is taken. */
export async function passed({ buffer, byteLength }: Uint8Array): Promise<void> {
	// A piece of something larger that is kept anyhow (a file in memory) is not freed by passing.
	if (buffer.byteLength > PAUSE_AT) return;
	freed.register(buffer, byteLength);
	unfreed += byteLength;
	unswept += byteLength;
	if (gathered() > SWEEP_AT && unswept > SWEEP_EVERY) sweep();
	for (let waited = 0; gathered() > PAUSE_AT; waited += STEP_MS) {
		if (waited >= PATIENCE_MS) kept = unfreed;
		else await sleep(STEP_MS);
	}
}

/** The same stream, read no faster than its chunks are freed. */
export function passing(stream: ByteStream): ByteStream {
	async function* chunks(): AsyncGenerator<Uint8Array> {
		for await (const chunk of stream) {
			await passed(chunk);
			yield chunk;
		}
	}
	return Object.assign(chunks(), { destroy: () => stream.destroy() });
}

/** A buffer that nobody touches or keeps takes no memory, but counts at once. */
function sweep(): void {
	unswept = 0;
	try {
		new ArrayBuffer(PRESSURE);
	} catch {
		// Where even that is too much, V8 is collecting already.
	}
}
