/** Where bytes come from and go to: files that are never held as a whole. */
import { turnOverYoungObjects } from '../../youngObjects';

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
	/**
	 * Exactly `length` bytes from `offset` in parts, as they come: many at a time, without a copy of any.
	 * @throws ClipError when the file has fewer
	 */
	parts(offset: number, length: number): AsyncIterable<Uint8Array>;
	/** Ends what is open; it can be read again. */
	close(): Promise<void>;
}

/** A file to be written: its size is known before its first byte, and it may be written more than once. */
export interface ClipFile {
	/** In bytes. */
	readonly size: number;
	/** @throws ClipError when a source turns out to be shorter than it said */
	chunks(): AsyncIterable<Uint8Array>;
}

/** Streams kept open at a time while nobody reads from them. */
const MAX_IDLE = 8;

/**
 * How far a stream of n8n's own chunks (64 KB) is read, in bytes: tables need no more, and many files have them open
 * at once.
 */
const NEAR_BYTES = 1024 * 1024;

/** What streams that are read further are asked for. Each holds two: that in use, and the next one. */
const CHUNK_BYTES = 512 * 1024;

/**
 * Reads by position from a file that only comes as a stream from its start, which is what n8n's binary store gives in
 * each of its modes. The code here reads forward: once for the tables, once for the pictures' headers, then piece
 * after piece. So a stream that has been read up to some place is kept for the next read at or after it, and another
 * one is opened only for what lies before: three openings split a clip whose pieces are taken in order, and pieces
 * taken side by side have a stream each. Held is the latest chunk of each stream.
 * @param open opens the file at its first byte, in chunks of this many bytes where that can be chosen
 */
export function streamedSource(
	size: number,
	open: (chunkBytes?: number) => Promise<AsyncIterable<Uint8Array>>,
): ByteSource {
	const idle: Stream[] = [];
	const take = async (offset: number, end: number): Promise<Stream> => {
		const isFar = (start: number) => end - start > NEAR_BYTES;
		const near = idle.filter(({ start, isLarge }) => start <= offset && (isLarge || !isFar(start)));
		const best = near.reduce<Stream | undefined>(
			(one, other) => (one !== undefined && one.start > other.start ? one : other),
			undefined,
		);
		if (best !== undefined) return idle.splice(idle.indexOf(best), 1)[0] ?? best;
		const isLarge = isFar(0);
		const chunks = await open(isLarge ? CHUNK_BYTES : undefined);
		return new Stream(chunks[Symbol.asyncIterator](), isLarge);
	};
	async function* parts(offset: number, length: number): AsyncGenerator<Uint8Array> {
		const end = offset + length;
		const stream = await take(offset, end);
		let isWanted = false;
		try {
			for (let position = offset; position < end; ) {
				isWanted = false;
				const part = await stream.some(position, end);
				position += part.length;
				isWanted = position < size;
				yield part;
			}
		} finally {
			if (isWanted) idle.push(stream);
			else await stream.close();
			if (idle.length > MAX_IDLE) await idle.shift()?.close();
		}
	}
	return {
		size,
		parts,
		async read(offset, length) {
			let bytes: Uint8Array | undefined;
			let filled = 0;
			for await (const part of parts(offset, length)) {
				if (part.length === length) return part;
				bytes ??= new Uint8Array(length);
				bytes.set(part, filled);
				filled += part.length;
			}
			return bytes ?? new Uint8Array();
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

	constructor(
		private readonly chunks: AsyncIterator<Uint8Array>,
		readonly isLarge: boolean,
	) {}

	/** What is at hand from `offset` on, before `end`: one byte or more. */
	async some(offset: number, end: number): Promise<Uint8Array> {
		while (offset >= this.start + this.chunk.length) {
			const next = await this.chunks.next();
			this.start += this.chunk.length;
			if (next.done === true) throw damaged(`it ends at byte ${this.start}, before byte ${end}`);
			this.chunk = next.value;
			turnOverYoungObjects(next.value.length);
		}
		return this.chunk.subarray(offset - this.start, end - this.start);
	}

	/** Gives the underlying file back. */
	async close(): Promise<void> {
		this.chunk = new Uint8Array();
		await this.chunks.return?.();
	}
}
