/** Reads what a media file's header says, from the beginning of a stream and no further than needed. */
import { toError } from '../../thrown';
import type { Extension, MediaFormat } from '../types';
import { Cursor, UnreadableError } from './cursor';
import type { SkippableStream } from './cursor';
import type { MediaFacts } from './facts';
import { readBmp, readJpeg, readPng, readWebp } from './images';
import { readMp4 } from './mp4';

export type { SkippableStream } from './cursor';
export type { MediaFacts } from './facts';

type HeaderReader = (cursor: Cursor, facts: MediaFacts, size?: number) => Promise<void>;

const READERS: Record<Extension, HeaderReader> = {
	mp4: readMp4,
	mov: readMp4,
	jpg: readJpeg,
	png: readPng,
	bmp: readBmp,
	webp: readWebp,
};

/**
 * The facts of a file of a known format. Content that is cut off, damaged or absurd makes facts absent, never an
 * error; an error of the stream itself is passed on. The stream is ended afterwards, read to its end or not.
 * @param size of the file in bytes; without it, none is said to be cut off
 */
export async function readFacts(
	stream: SkippableStream,
	format: MediaFormat,
	size?: number,
): Promise<MediaFacts> {
	return await readFactsFrom(new Cursor(stream), format, size);
}

/** {@link readFacts} with a cursor of the caller, which tells afterwards how much was read. */
export async function readFactsFrom(
	cursor: Cursor,
	format: MediaFormat,
	size?: number,
): Promise<MediaFacts> {
	const facts: MediaFacts = {};
	try {
		await READERS[format.extension](cursor, facts, size);
	} catch (error) {
		if (!(error instanceof UnreadableError)) throw toError(error);
	} finally {
		await cursor.close();
	}
	return facts;
}
