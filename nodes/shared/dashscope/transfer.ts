import { sleep } from 'n8n-workflow';
import { DashScopeError } from './errors';

const MEGABYTE = 1024 * 1024;

/** Bytes after which the chunks that have gone through are swept up. */
const SWEEP_EVERY = 16 * MEGABYTE;

/** What makes V8 look for memory outside its heap that can be freed. */
const PRESSURE = 64 * MEGABYTE;

/**
 * Watches over one file on its way. n8n's HTTP client limits the time of a whole upload, which slow lines
 * exceed, and does not watch the body of a download at all; here it is the standstill that is limited.
 */
export class Transfer {
	private readonly controller = new AbortController();
	/** For the HTTP call: fires on Stop, at a standstill, and at the end of the transfer. */
	readonly signal: AbortSignal;
	private lastMove = Date.now();
	private unswept = 0;
	private stalled = false;

	/**
	 * @param host named in the message
	 * @param stallMs how long no byte may move
	 * @param stop the execution's own signal
	 */
	constructor(
		private readonly host: string,
		private readonly stallMs: number,
		stop: AbortSignal | undefined,
	) {
		const own = this.controller.signal;
		this.signal = stop === undefined ? own : AbortSignal.any([own, stop]);
		void this.watch();
	}

	/** To be called whenever bytes have moved. */
	moved(bytes: number): void {
		this.lastMove = Date.now();
		this.unswept += bytes;
		if (this.unswept < SWEEP_EVERY) return;
		this.unswept = 0;
		sweep();
	}

	/** The same chunks; each that is taken counts as a move. */
	async *watched(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
		for await (const chunk of chunks) {
			this.moved(chunk.byteLength);
			yield chunk;
		}
	}

	/** What broke the transfer: `error`, unless it only followed from the standstill. */
	reason(error: unknown): unknown {
		if (!this.stalled) return error;
		return new DashScopeError(
			`The transfer with ${this.host} stood still for ${Math.round(this.stallMs / 1000)} seconds`,
			{ kind: 'lost', hint: 'The network or the service broke off; try again.' },
		);
	}

	/** Ends the watch and gives the connection back, also one whose body nobody began to read. */
	end(): void {
		this.controller.abort();
	}

	private async watch(): Promise<void> {
		const { signal } = this;
		while (!signal.aborted) {
			const left = this.lastMove + this.stallMs - Date.now();
			if (left <= 0) {
				this.stalled = true;
				this.controller.abort();
				return;
			}
			// Ends early, with an error, when the signal fires.
			await sleep(left, signal).catch(() => undefined);
		}
	}
}

/**
 * Makes V8 free the chunks that have gone through. Their bytes lie outside its heap and hardly count there, so by
 * itself it waits until some 60 MB of them have gathered. A buffer that nobody touches or keeps takes no memory,
 * but counts at once: with it, memory grows by a few MB for files of any size.
 */
function sweep(): void {
	try {
		new ArrayBuffer(PRESSURE);
	} catch {
		// Where even that is too much, V8 is collecting already.
	}
}
