/** Where bytes come from and go to: files that are never held as a whole. */

/** A clip that cannot be split or joined: what is wrong and where; {@link hint} says what to do. */
export class ClipError extends Error {
	constructor(
		message: string,
		readonly hint: string,
	) {
		super(message);
		this.name = 'ClipError';
	}
}

/** For files that contradict themselves. */
export function damaged(what: string): ClipError {
	return new ClipError(
		`The file is damaged: ${what}`,
		'Play the video to its end to see whether it is whole, then download or export it again.',
	);
}

/** A file that is read by position. */
export interface ByteSource {
	/** In bytes. */
	readonly size: number;
	/**
	 * Exactly `length` bytes from `offset`, not to be written to.
	 * @throws ClipError when the file has fewer
	 */
	read(offset: number, length: number): Promise<Uint8Array>;
}

/** A file to be written: its size is known before its first byte, and it may be written more than once. */
export interface ClipFile {
	/** In bytes. */
	readonly size: number;
	/** @throws ClipError when a source turns out to be shorter than it said */
	chunks(): AsyncIterable<Uint8Array>;
}

/** What {@link streamedSource} returns; closed when nobody reads any more. */
export interface StreamedSource extends ByteSource {
	/** Ends all streams that are open. */
	close(): Promise<void>;
}

/** Streams kept open at a time while nobody reads from them. */
const MAX_IDLE = 8;

/**
 * Reads by position from a file that only comes as a stream from its start, which is what n8n's binary store
 * gives in each of its modes. This room reads forward: once for the tables, once for the pictures' headers, then
 * piece after piece. So a stream that has been read up to some place is kept for the next read at or after it,
 * and another one is opened only for what lies before: three openings split a clip whose pieces are taken in
 * order, and pieces taken side by side have a stream each. Held is the latest chunk of each stream.
 * @param open the file from its first byte
 */
export function streamedSource(
	size: number,
	open: () => Promise<AsyncIterable<Uint8Array>>,
): StreamedSource {
	const idle: Stream[] = [];
	return {
		size,
		async read(offset, length) {
			const near = idle.filter((stream) => stream.start <= offset);
			const best = near.reduce<Stream | undefined>(
				(one, other) => (one !== undefined && one.start > other.start ? one : other),
				undefined,
			);
			const stream = best ?? new Stream((await open())[Symbol.asyncIterator]());
			if (best !== undefined) idle.splice(idle.indexOf(best), 1);
			let isWanted = false;
			try {
				const bytes = await stream.read(offset, length);
				isWanted = offset + length < size;
				return bytes;
			} finally {
				if (isWanted) idle.push(stream);
				else await stream.close();
				if (idle.length > MAX_IDLE) await idle.shift()?.close();
			}
		},
		async close() {
			await Promise.all(idle.splice(0).map(async (stream) => await stream.close()));
		},
	};
}

class Stream {
	/** Offset of {@link chunk} in the file. */
	start = 0;
	private chunk: Uint8Array = new Uint8Array();

	constructor(private readonly chunks: AsyncIterator<Uint8Array>) {}

	async read(offset: number, length: number): Promise<Uint8Array> {
		while (offset > this.start + this.chunk.length) await this.advance(offset + length);
		const first = this.rest(offset, length);
		if (first.length === length) return first;
		const bytes = new Uint8Array(length);
		bytes.set(first);
		for (let filled = first.length; filled < length; ) {
			await this.advance(offset + length);
			const part = this.rest(offset + filled, length - filled);
			bytes.set(part, filled);
			filled += part.length;
		}
		return bytes;
	}

	async close(): Promise<void> {
		this.chunk = new Uint8Array();
		await this.chunks.return?.();
	}

	private rest(offset: number, length: number): Uint8Array {
		return this.chunk.subarray(offset - this.start, offset - this.start + length);
	}

	private async advance(wanted: number): Promise<void> {
		const next = await this.chunks.next();
		this.start += this.chunk.length;
		if (next.done === true) throw damaged(`it ends at byte ${this.start}, before byte ${wanted}`);
		this.chunk = next.value;
	}
}
