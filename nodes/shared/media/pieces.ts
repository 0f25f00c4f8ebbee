/** Parts of a video as files of their own, cut when they are read. Nothing is held whole. */
import type { ByteStream } from '../dashscope/uploads';
import { InputError } from '../inputError';
import { toError } from '../thrown';
import { nameOf } from './limits';
import type { Limits } from './mp4/plan';
import { ClipError, streamedSource } from './mp4/source';
import type { ByteSource, ClipFile } from './mp4/source';
import { beginningOf, splitClip } from './mp4/split';
import { readMovie } from './mp4/tracks';
import type { BinaryFile } from './types';

/** The place of a piece in its video. */
export interface Piece {
	/** From 1. */
	number: number;
	/** How many the video has. */
	of: number;
	/** Seconds of the video at which it begins and ends. */
	from: number;
	to: number;
}

/** A video whose parts can be read until it is closed. */
export interface CutVideo {
	pieces: Array<Piece & { file: BinaryFile }>;
	/** What was left out, as sentences for the user. */
	notes: string[];
}

/** Reads a file by position. It is to be closed when nobody reads any more. */
export function sourceOf(file: BinaryFile): ByteSource {
	return streamedSource(file.size, async (chunkBytes) => await file.open(chunkBytes));
}

/** The length of a video whose header does not say it, in seconds; undefined where its pictures do not tell it either. */
export async function measuredSeconds(video: BinaryFile): Promise<number | undefined> {
	const source = sourceOf(video);
	try {
		const { start, end } = (await readMovie(source)).video;
		return end - start;
	} catch (error) {
		if (error instanceof ClipError) return undefined;
		throw toError(error);
	} finally {
		await source.close();
	}
}

/**
 * The pieces of a video, cut at key frames.
 * @param field display name of the field of the node, for the message
 * @param split {@link splitClip}, or what cuts as it does
 * @throws InputError for a file that is damaged, or whose key frames do not let it be cut so
 */
export async function splitVideo(
	field: string,
	video: BinaryFile,
	source: ByteSource,
	limits: Limits,
	split = splitClip,
): Promise<CutVideo> {
	const { cuts, pieces, notes } = await namingFile(field, video, split(source, limits));
	return {
		notes,
		pieces: pieces.map((clip, index) => {
			const [from = 0, to = 0] = cuts.slice(index);
			const place = { number: index + 1, of: pieces.length, from, to };
			return { ...place, file: partOf(video, clip, place) };
		}),
	};
}

/**
 * The beginning of a video as its only piece.
 * @param field display name of the field of the node, for the message
 * @param seconds how much of it; a shorter video is taken whole
 * @throws InputError for a file that is damaged
 */
export async function cutVideo(
	field: string,
	video: BinaryFile,
	source: ByteSource,
	seconds: number,
): Promise<CutVideo> {
	const { file, notes } = await namingFile(field, video, beginningOf(source, seconds));
	const place = { number: 1, of: 1, from: 0, to: seconds };
	return { notes, pieces: [{ ...place, file: partOf(video, file, place) }] };
}

/**
 * Does some work on a file, with the field and the file named before what is wrong with the file.
 * @param field display name of the field of the node
 * @throws InputError instead of a ClipError; other errors as they are
 */
export async function namingFile<T>(
	field: string,
	{ fileName }: BinaryFile,
	work: Promise<T>,
): Promise<T> {
	return await work.catch((error: unknown) => {
		if (!(error instanceof ClipError)) throw error;
		throw new InputError(`${nameOf(field, fileName)}: ${error.message}`, error.hint);
	});
}

function partOf(video: BinaryFile, clip: ClipFile, place: Piece): BinaryFile {
	const { identity, fileName = 'video' } = video;
	return {
		fileName: place.of === 1 ? video.fileName : `${fileName}, ${describePiece(place)}`,
		get size() {
			return clip.size;
		},
		identity: `${identity}#${place.from}-${place.to}`,
		head: async (bytes) => {
			for await (const chunk of clip.chunks()) return chunk.subarray(0, bytes);
			return new Uint8Array();
		},
		open: async () => await Promise.resolve(streamOf(clip.chunks())),
		ownChunks: false,
	};
}

/** Chunks as a stream: `destroy` ends them, even if nothing was read. Nobody waits for that, or hears of it if it fails. */
export function streamOf(chunks: AsyncIterable<Uint8Array>): ByteStream {
	const iterator = chunks[Symbol.asyncIterator]();
	return {
		[Symbol.asyncIterator]: () => iterator,
		destroy: () => void iterator.return?.().catch(() => undefined),
	};
}

/** "piece 2 of 3 (10.0 to 20.0 s)" */
export function describePiece({ number, of, from, to }: Piece): string {
	return `piece ${number} of ${of} (${from.toFixed(1)} to ${to.toFixed(1)} s)`;
}
