/** Videos whose pieces are read, by many readers and in any order: they are not open while nobody reads. */
import type { ByteSource } from './mp4/source';
import { streamOf } from './pieces';
import type { BinaryFile } from './types';

/**
 * Videos that stay open between two of their pieces, so that the next one is read on from where the last one ended. Each
 * holds an open file and up to a megabyte for every piece that was read side by side with others.
 */
const MOST_AT_REST = 4;

/** The videos of one run. */
export class OpenVideos {
	/** Those that nobody reads, but some of whose pieces have not been read yet. The one that was read last comes last. */
	private readonly atRest = new Set<ByteSource>();
	private isClosed = false;

	/**
	 * Closes a video when each of its pieces has been read to its end, as often as that happens: it opens itself again.
	 * @param source what the pieces are read from
	 * @param count of its pieces
	 * @returns a function that turns a piece into one whose reading counts
	 */
	watch(source: ByteSource, count: number): (piece: BinaryFile) => BinaryFile {
		const done = new Set<string>();
		let readers = 0;
		const begins = () => {
			readers += 1;
			this.atRest.delete(source);
		};
		const ends = async () => {
			readers -= 1;
			if (readers === 0) await this.rest(source, done.size === count);
		};
		return (piece) => {
			async function* watched(): AsyncGenerator<Uint8Array> {
				begins();
				try {
					yield* await piece.open();
					done.add(piece.identity);
				} finally {
					await ends();
				}
			}
			return { ...piece, open: async () => await Promise.resolve(streamOf(watched())) };
		};
	}

	/** Closes all of them; what is still read is closed when its readers end. */
	async close(): Promise<void> {
		this.isClosed = true;
		const sources = [...this.atRest];
		this.atRest.clear();
		await Promise.all(sources.map(closed));
	}

	private async rest(source: ByteSource, isDone: boolean): Promise<void> {
		if (isDone || this.isClosed) return await closed(source);
		this.atRest.add(source);
		const [oldest] = this.atRest;
		if (this.atRest.size <= MOST_AT_REST || oldest === undefined) return;
		this.atRest.delete(oldest);
		await closed(oldest);
	}
}

/** What was read is there, whether its file can be closed or not. */
async function closed(source: ByteSource): Promise<void> {
	await source.close().catch(() => undefined);
}
