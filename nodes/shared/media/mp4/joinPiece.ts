/** The pieces of a video that is joined, and what is wrong with one of them. */
import { capitalized } from '../wording';
import { ClipError } from './source';
import type { ByteSource } from './source';
import type { Movie } from './tracks';
import type { SampleOut, TrackOut } from './write';

/** A video that is joined to others, with its place in the joined one. */
export interface Piece {
	/** From 1. */
	number: number;
	/** For messages. */
	name: string;
	movie: Movie;
	source: ByteSource;
	/** Seconds of the joined video. */
	start: number;
	end: number;
}

/** What messages call a piece. */
export type PieceName = Pick<Piece, 'number' | 'name'>;

/** A track of the joined video. */
export interface JoinedTrack {
	track: TrackOut;
	/** Its samples, for each piece those that are read from it. */
	order: SampleOut[][];
}

/** What is wrong with one of the pieces. */
export class PieceError extends ClipError {
	/** @param piece its number, from 1 */
	constructor(
		readonly piece: number,
		message: string,
		hint: string,
	) {
		super(message, hint);
	}
}

/** With the piece before what is wrong with it. */
export function naming({ number, name }: PieceName, error: unknown): unknown {
	if (!(error instanceof ClipError)) return error;
	return new PieceError(number, `${capitalized(name)}: ${error.message}`, error.hint);
}
