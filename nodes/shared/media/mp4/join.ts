/** Joins videos without encoding them again. */
import { capitalized } from '../wording';
import { PieceError, naming } from './joinPiece';
import type { JoinedTrack, Piece, PieceName } from './joinPiece';
import { joinSound } from './joinSound';
import { joinVideo } from './joinVideo';
import { checkFirstPicture, lookedAt } from './keyFrames';
import { ClipError } from './source';
import type { ByteSource, ClipFile } from './source';
import { readMovie, readTracks } from './tracks';
import type { Movie, Track } from './tracks';
import { sampleOut, writeMovie } from './write';
import type { SampleOut, TrackOut } from './write';

export interface JoinOptions {
	/**
	 * Seconds at which the pieces begin and, as one more, at which the last one ends: those of the split. A piece that
	 * is a little shorter shows its last picture longer, one that is longer loses its end, so that no piece moves
	 * the next one. Without it the pieces follow each other as long as they are.
	 */
	cuts?: readonly number[];
	/** A file, with video or without, whose sound is taken as it is, instead of that of the pieces. */
	sound?: ByteSource;
	/** What notes and errors call a piece, by its number from 1; absent: "piece 2". */
	nameOf?: (number: number) => string;
}

/** Seconds by which a piece may differ from its place in the joined video. */
const MAX_DIFFERENCE = 1;
/** Seconds that are not worth a note: two pictures at 24 a second. */
const SMALL_DIFFERENCE = 0.085;

/**
 * Joins videos of one codec and size. Pieces whose encoder was set differently get sample descriptions of their own,
 * and where there are several, each key frame carries its parameter sets as well.
 * @returns the joined MP4, of which nothing is read before its chunks are, and notes for the user
 * @throws PieceError when a piece is damaged or does not fit the others; ClipError when the file of the sound is damaged
 */
export async function joinClips(
	sources: readonly ByteSource[],
	{ cuts, sound, nameOf = (number) => `piece ${number}` }: JoinOptions = {},
): Promise<{ file: ClipFile; notes: string[] }> {
	const { pieces, notes } = await readPieces(sources, cuts, nameOf);
	const [first] = pieces;
	if (first === undefined)
		throw new ClipError('There is nothing to join', 'Give at least one video.');

	const joined: JoinedTrack[] = [await joinVideo(pieces, first)];
	if (sound === undefined) {
		const most = Math.max(...pieces.map(({ movie }) => movie.audio.length));
		for (let index = 0; index < most; index++) {
			const one = joinSound(pieces, index);
			if (one === undefined) continue;
			joined.push(one);
			notes.push(...one.notes);
		}
	}
	const other = sound && (await readSound(sound, cuts !== undefined));
	const tracks = [...joined.map(({ track }) => track), ...(other?.tracks ?? [])];
	const order = pieces.flatMap((_, index) =>
		joined.flatMap((one) => one.order[index] ?? []).sort((one, other) => one.offset - other.offset),
	);
	const quickTime = pieces.some(({ movie }) => movie.quickTime) || other?.quickTime === true;
	return { file: writeMovie(tracks, weave(order, tracks, sound), quickTime), notes };
}

/**
 * Reads the pieces and finds their places in the joined video.
 * @param cuts those of {@link JoinOptions}
 * @returns them, and notes for the user about those that are somewhat shorter or longer than their places
 * @throws PieceError for a piece that is damaged, or much shorter or longer than its place
 */
async function readPieces(
	sources: readonly ByteSource[],
	cuts: readonly number[] | undefined,
	nameOf: (number: number) => string,
): Promise<{ pieces: Piece[]; notes: string[] }> {
	if (cuts !== undefined && cuts.length !== sources.length + 1) {
		throw new Error(`${cuts.length} cuts do not go with ${sources.length} pieces`);
	}
	const notes: string[] = [];
	const pieces: Piece[] = [];
	const turns = inTurn();
	for (const [index, source] of sources.entries()) {
		const number = index + 1;
		const known = { number, name: nameOf(number) };
		const movie = await readPiece(known, source);
		const start = cuts?.[index] ?? pieces.at(-1)?.end ?? 0;
		const length = movie.video.end - movie.video.start;
		const end = cuts?.[number] ?? start + length;
		const note = compareLength(known, length, end - start);
		if (note !== undefined) notes.push(note);
		pieces.push({ ...known, movie, source: turns(known, movie, source), start, end });
	}
	return { pieces, notes };
}

/**
 * The sound of a file, for the joined video.
 * @param isInStep whether it is that of the video which the pieces were cut from: then its times are those of the cuts.
 * Otherwise the joined video begins with the file's first picture
 * @throws ClipError for a file that is damaged, or that has no sound
 */
async function readSound(
	sound: ByteSource,
	isInStep: boolean,
): Promise<{ tracks: TrackOut[]; quickTime: boolean }> {
	const { video, audio, quickTime } = await readTracks(sound);
	if (audio.length === 0 && video === undefined) {
		throw new ClipError('The file has no sound', 'Use a file with sound.');
	}
	const lead = isInStep ? 0 : (video?.start ?? 0);
	const tracks = audio.flatMap((track) => {
		const samples = track.samples.map((sample) => sampleOut(sample, sound));
		const moved = movedBack(track, lead);
		return moved.end > moved.start ? [{ ...moved, samples }] : [];
	});
	return { tracks, quickTime };
}

/** Reads the tables and the first picture of a piece; its other pictures are looked at as they pass. */
async function readPiece(piece: PieceName, source: ByteSource): Promise<Movie> {
	try {
		const movie = await readMovie(source);
		await checkFirstPicture(movie.video, source);
		return movie;
	} catch (error) {
		throw naming(piece, error);
	} finally {
		// Of many pieces not all can be open at once.
		await source.close();
	}
}

/**
 * Pieces as they are written, one after another: each is closed when it is another one's turn, its pictures are
 * looked at as they pass, and what is wrong with it names it.
 */
function inTurn() {
	let current: ByteSource | undefined;
	return (piece: PieceName, { video }: Movie, source: ByteSource): ByteSource => {
		const passing = lookedAt(source, video);
		const named = (error: unknown): never => {
			throw naming(piece, error);
		};
		return {
			...source,
			read: async (offset, length) => await source.read(offset, length).catch(named),
			async *parts(offset, length) {
				if (current !== source) await current?.close();
				current = source;
				try {
					yield* passing.parts(offset, length);
				} catch (error) {
					named(error);
				}
			},
		};
	};
}

/**
 * Compares the length of a piece with that of its place, both in seconds.
 * @returns a note for the user, where it is worth one
 * @throws PieceError when they differ by more than a second
 */
function compareLength(
	{ number, name }: PieceName,
	length: number,
	place: number,
): string | undefined {
	const difference = Math.abs(length - place);
	const show = (seconds: number) => seconds.toFixed(2);
	const both = `${show(length)} seconds long but should fill ${show(place)} seconds`;
	if (difference > MAX_DIFFERENCE || !(place > 0)) {
		throw new PieceError(
			number,
			`${capitalized(name)} is ${both}`,
			"Join the pieces with 'Video: Join', which puts one after another.",
		);
	}
	if (difference <= SMALL_DIFFERENCE) return undefined;
	const what = length < place ? 'last frame is held' : 'end is cut off';
	return `${capitalized(name)} is ${both}: its ${what}.`;
}

/** A track that is shown this many seconds earlier, without what would then lie before 0. */
function movedBack(track: Track, seconds: number): Track {
	const start = Math.max(0, track.start - seconds);
	const hidden = start + seconds - track.start;
	const from = track.from + Math.round(hidden * track.timescale);
	return { ...track, start, end: track.end - seconds, from };
}

/** Puts the samples of the original's sound between those of the pieces, by their times. */
function weave(
	order: readonly SampleOut[],
	tracks: readonly TrackOut[],
	sound: ByteSource | undefined,
): SampleOut[] {
	if (sound === undefined) return [...order];
	const [video, ...others] = tracks;
	const beside = others
		.flatMap(({ samples, timescale, start, from }) =>
			samples.map((sample) => ({ sample, time: start + (sample.pts - from) / timescale })),
		)
		.sort((one, other) => one.sample.offset - other.sample.offset);
	const woven: SampleOut[] = [];
	let taken = 0;
	for (const sample of order) {
		const time = sample.pts / (video?.timescale ?? 1);
		for (; taken < beside.length && (beside[taken]?.time ?? 0) <= time; taken++) {
			woven.push(...beside.slice(taken, taken + 1).map((one) => one.sample));
		}
		woven.push(sample);
	}
	return [...woven, ...beside.slice(taken).map(({ sample }) => sample)];
}
