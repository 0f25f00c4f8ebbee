/** A forward-only view of a file that only comes as a stream from its start. No seeking, nothing kept. */

/** Bytes that a single read may ask for. */
const MAX_READ_BYTES = 1024;

/**
 * Bytes that all reads of a file may collect together, whether still needed or not: what is held can never be
 * more. It also ends the walk through files made of nothing but tiny boxes, chunks or segments.
 */
export const MAX_HELD_BYTES = 64 * 1024;

/** The header cannot be followed any further: the file ends, contradicts itself or is endlessly fragmented. */
export class UnreadableError extends Error {
	constructor(message: string) {
		super(message);
		this.name = 'UnreadableError';
	}
}

/** The file ends within what is read or skipped. */
export class EndedError extends UnreadableError {}

/** How many bytes have to be skipped for a new request to be worthwhile. */
const WORTH_JUMPING = 1024 * 1024;

/** A stream that may be able to leave bytes out, as one over HTTP can. */
export interface SkippableStream extends AsyncIterable<Uint8Array> {
	/** Leaves out the next `count` bytes. @returns whether it did */
	jump?(count: number): Promise<boolean>;
}

/**
 * Reads and skips forward through a stream. Reads are copies, and of the stream only the chunk that it gave
 * last is referenced, so skipped bytes pass through without being held.
 */
export class Cursor {
	private readonly chunks: AsyncIterator<Uint8Array>;
	private chunk: Uint8Array = new Uint8Array();
	/** Bytes of {@link chunk} that were passed. */
	private used = 0;
	private ended = false;
	private passed = 0;
	private collected = 0;

	constructor(private readonly stream: SkippableStream) {
		this.chunks = stream[Symbol.asyncIterator]();
	}

	/** Offset from the start of the file, in bytes. */
	get position(): number {
		return this.passed;
	}

	/** Bytes collected by all reads so far; at most {@link MAX_HELD_BYTES}. */
	get heldBytes(): number {
		return this.collected;
	}

	/**
	 * The next `count` bytes.
	 * @throws EndedError when the file ends before, UnreadableError when a limit is reached
	 */
	async read(count: number): Promise<DataView> {
		if (count > MAX_READ_BYTES || this.collected + count > MAX_HELD_BYTES) {
			throw new UnreadableError('More bytes are needed than may be held');
		}
		this.collected += count;
		const bytes = new Uint8Array(count);
		for (let filled = 0; filled < count; ) {
			const part = await this.take(count - filled);
			bytes.set(part, filled);
			filled += part.length;
		}
		return new DataView(bytes.buffer);
	}

	/**
	 * Passes over `count` bytes.
	 * @throws EndedError when the file ends before
	 */
	async skip(count: number): Promise<void> {
		for (let left = count; left > 0; ) {
			left -= (await this.take(left)).length;
			if (left < WORTH_JUMPING || this.used < this.chunk.length) continue;
			if (await this.stream.jump?.(left)) {
				this.passed += left;
				return;
			}
		}
	}

	/** Whether the file has no more bytes. */
	async atEnd(): Promise<boolean> {
		while (this.used === this.chunk.length) {
			if (!(await this.advance())) return true;
		}
		return false;
	}

	/** Tells the stream that no more is wanted, so that it can give its file or connection back. */
	async close(): Promise<void> {
		this.chunk = new Uint8Array();
		this.used = 0;
		if (this.ended) return;
		this.ended = true;
		await this.chunks.return?.();
	}

	/** Up to `most` bytes of the present chunk, at least one; not copied. */
	private async take(most: number): Promise<Uint8Array> {
		if (await this.atEnd()) throw new EndedError('The file ends early');
		const part = this.chunk.subarray(this.used, this.used + most);
		this.used += part.length;
		this.passed += part.length;
		return part;
	}

	/** Goes on to the next chunk, which may be empty; false when there is none. */
	private async advance(): Promise<boolean> {
		if (this.ended) return false;
		// A stream that fails has ended too: set before asking, taken back when a chunk comes.
		this.ended = true;
		const next = await this.chunks.next();
		this.chunk = next.done === true ? new Uint8Array() : next.value;
		this.used = 0;
		this.ended = next.done === true;
		return !this.ended;
	}
}
