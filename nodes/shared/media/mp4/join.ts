/** Joins videos without encoding them again. */
import {
	describeSound,
	packingOf,
	parameterSets,
	pictureSize,
	silence,
	soundFormat,
} from './codecs';
import { checkFirstPicture, lookedAt } from './keyFrames';
import { capitalized } from '../wording';
import { ClipError, damaged } from './source';
import type { ByteSource, ClipFile } from './source';
import { readMovie } from './tracks';
import type { Movie, Sample } from './tracks';
import { MOVIE_TIMESCALE, sampleOut, writeMovie } from './write';
import type { SampleOut, TrackOut } from './write';

export interface JoinOptions {
	/**
	 * Seconds at which the pieces begin and, as one more, at which the last one ends: those of the split. A piece that
	 * is a little shorter shows its last picture longer, one that is longer loses its end, so that no piece moves
	 * the next one. Without it the pieces follow each other as long as they are.
	 */
	cuts?: readonly number[];
	/** A file whose sound is taken as it is, instead of that of the pieces. */
	sound?: ByteSource;
	/** What notes and errors call a piece, by its number from 1; absent: "piece 2". */
	nameOf?: (number: number) => string;
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

type PieceName = Pick<Piece, 'number' | 'name'>;

interface Piece {
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

/** Seconds by which a piece may differ from its place in the joined video. */
const MAX_DIFFERENCE = 1;
/** Packets of silence in a joined video: half an hour. */
const MAX_SILENCES = 80_000;
/** What is not worth a note: two pictures at 24 a second. */
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
	const notes: string[] = [];
	const pieces: Piece[] = [];
	const turns = inTurn();
	if (cuts !== undefined && cuts.length !== sources.length + 1) {
		throw new Error(`${cuts.length} cuts do not go with ${sources.length} pieces`);
	}
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
	const [first] = pieces;
	if (first === undefined)
		throw new ClipError('There is nothing to join', 'Give at least one video.');

	const orders: SampleOut[][] = pieces.map(() => []);
	const tracks = [await joinVideo(pieces, first, orders)];
	let quickTime = pieces.some(({ movie }) => movie.quickTime);
	if (sound === undefined) {
		const most = Math.max(...pieces.map(({ movie }) => movie.audio.length));
		for (let index = 0; index < most; index++) {
			tracks.push(joinSound(pieces, index, orders, notes));
		}
	} else {
		const movie = await readMovie(sound);
		quickTime ||= movie.quickTime;
		for (const track of movie.audio) {
			const samples = track.samples.map((sample) => sampleOut(sample, sound));
			tracks.push({ ...track, samples });
		}
	}
	const order = orders.flatMap((samples) => samples.sort((a, b) => a.offset - b.offset));
	return { file: writeMovie(tracks, weave(order, tracks, sound), quickTime), notes };
}

/** Of each piece only tables and the first picture are read; its other pictures are looked at as they pass. */
async function readPiece(piece: PieceName, source: ByteSource): Promise<Movie> {
	try {
		const movie = await readMovie(source);
		await checkFirstPicture(movie.video, source);
		return movie;
	} catch (error) {
		return await Promise.reject(naming(piece, error));
	} finally {
		// Of many pieces not all can be open at once.
		await source.close();
	}
}

/** With the piece before what is wrong with it. */
function naming({ number, name }: PieceName, error: unknown): unknown {
	if (!(error instanceof ClipError)) return error;
	return new PieceError(number, `${capitalized(name)}: ${error.message}`, error.hint);
}

/**
 * Pieces as they are written, one after another: each is closed when it is another one's turn, its pictures are
 * looked at as they pass, and what is wrong with it names it.
 */
function inTurn() {
	let current: ByteSource | undefined;
	return (piece: PieceName, { video }: Movie, source: ByteSource): ByteSource => {
		const passing = lookedAt(source, video);
		const named = async (error: unknown) => await Promise.reject(naming(piece, error));
		return {
			...source,
			read: async (offset, length) => await source.read(offset, length).catch(named),
			async *parts(offset, length) {
				if (current !== source) await current?.close();
				current = source;
				try {
					yield* passing.parts(offset, length);
				} catch (error) {
					await named(error);
				}
			},
		};
	};
}

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

async function joinVideo(
	pieces: readonly Piece[],
	first: Piece,
	orders: SampleOut[][],
): Promise<TrackOut> {
	const model = first.movie.video;
	const descriptions: Uint8Array[] = [];
	const numbers = pieces.map((piece) => {
		checkFits(piece, first);
		return piece.movie.video.descriptions.map((entry) => numberOf(entry, descriptions));
	});
	const samples: SampleOut[] = [];
	for (const [index, piece] of pieces.entries()) {
		const shared = await sharedKeyFrame(piece, pieces[index + 1]);
		const isShared = (await sharedKeyFrame(pieces[index - 1], piece)) !== undefined;
		const placed = placeVideo(piece, isShared ? 1 : 0, shared);
		for (const sample of placed) {
			const entry = piece.movie.video.descriptions[sample.description];
			sample.description = numbers[index]?.[sample.description] ?? 0;
			if (descriptions.length > 1 && sample.sync && entry !== undefined) {
				sample.prefix = parameterSets(entry);
			}
			samples.push(sample);
		}
		orders[index]?.push(...placed);
	}
	const start = first.start;
	const end = pieces.at(-1)?.end ?? start;
	const from = ticks(start);
	const shown = [...samples].sort((one, other) => one.pts - other.pts);
	shown.forEach((sample, index) => {
		sample.duration = (shown[index + 1]?.pts ?? ticks(end)) - sample.pts;
	});
	return { ...model, timescale: MOVIE_TIMESCALE, descriptions, samples, start, end, from };
}

function ticks(seconds: number): number {
	return Math.round(seconds * MOVIE_TIMESCALE);
}

/** @throws PieceError where players would stop or show the pictures wrongly */
function checkFits({ number, name, movie: { video } }: Piece, first: Piece): void {
	const model = first.movie.video;
	const refuse = (why: string) =>
		new PieceError(
			number,
			`${capitalized(name)} cannot be joined to the first one: ${why}`,
			'Convert the videos to the same format and size before they are joined, or use them one by one.',
		);
	const [packing, expected] = [video, model].map((track) => {
		const found = track.descriptions.map(packingOf)[0];
		return found === undefined ? track.codec : `${found.codec}, ${found.lengthBytes}`;
	});
	if (packing !== expected) {
		throw refuse(`its codec is ${packing}, that of the first ${expected}`);
	}
	const [size, expectedSize] = [video, model].map(({ descriptions }) => {
		const sizes = descriptions.map(pictureSize).map(({ width, height }) => `${width} × ${height}`);
		return [...new Set(sizes)].join(' and ');
	});
	if (size !== expectedSize) throw refuse(`its size is ${size}, that of the first ${expectedSize}`);
	const [rotation, expectedRotation] = [video, model].map(({ header }) =>
		[...header.subarray(8, 44)].join(' '),
	);
	if (rotation !== expectedRotation) throw refuse('it is rotated differently');
}

/** The number of an entry among those collected, by what a decoder needs to know of it. */
function numberOf(entry: Uint8Array, entries: Uint8Array[]): number {
	const key = (one: Uint8Array) => (packingOf(one)?.config ?? one).join(' ');
	const found = entries.findIndex((one) => key(one) === key(entry));
	return found >= 0 ? found : entries.push(entry) - 1;
}

/**
 * Pieces that were split at an open GOP both have its key frame; the first one does not show it. Joined unchanged,
 * it is taken from the first piece, so that the stream is what it was.
 */
async function sharedKeyFrame(
	piece: Piece | undefined,
	next: Piece | undefined,
): Promise<Sample | undefined> {
	if (piece === undefined || next === undefined) return undefined;
	const { samples, from, start, end, timescale } = piece.movie.video;
	const until = from + (end - start) * timescale;
	const [other] = next.movie.video.samples;
	const sample = samples.slice(-64).find(({ pts, sync }) => sync && pts >= until - 0.5);
	if (sample === undefined || other?.size !== sample.size) return undefined;
	try {
		for (let done = 0; done < sample.size; done += COMPARED_BYTES) {
			const count = Math.min(COMPARED_BYTES, sample.size - done);
			const own = await piece.source.read(sample.offset + done, count);
			const others = await next.source.read(other.offset + done, count);
			if (own.some((byte, index) => byte !== others[index])) return undefined;
		}
		return sample;
	} finally {
		await Promise.all([piece.source.close(), next.source.close()]);
	}
}

/** Bytes of two key frames that are compared at a time. */
const COMPARED_BYTES = 64 * 1024;

/**
 * The pictures of a piece, in units of {@link MOVIE_TIMESCALE} of the joined video. All lie within the piece's place:
 * pictures past its end are left out when none before needs them. Those that stay without being shown, because
 * others refer to them, get the first or last units of the place, a hundred-thousandth of a second each.
 */
function placeVideo(
	{ number, name, movie, source, start, end }: Piece,
	skip: number,
	shared: Sample | undefined,
): SampleOut[] {
	const { samples, from, timescale } = movie.video;
	const [begin, until] = [ticks(start), ticks(end)];
	const placed = samples.slice(skip).map((sample) => {
		const out = sampleOut(sample, source);
		out.pts = begin + Math.round(((sample.pts - from) / timescale) * MOVIE_TIMESCALE);
		return out;
	});
	const common = shared && placed[samples.indexOf(shared) - skip];
	while (placed.length > 1 && (placed.at(-1)?.pts ?? 0) >= until && placed.at(-1) !== common) {
		placed.pop();
	}
	if (common !== undefined) common.pts = until;
	const shown = placed.filter((sample) => sample !== common).sort((a, b) => a.pts - b.pts);
	if (shown.length >= until - begin) {
		throw new PieceError(
			number,
			`${capitalized(name)} has too many pictures for its length`,
			'Convert it to MP4 (H.264) again.',
		);
	}
	// What the first piece hides before its beginning, the edit list hides.
	let least = number === 1 ? -Infinity : begin;
	for (const sample of shown) {
		sample.pts = Math.max(sample.pts, least);
		least = sample.pts + 1;
	}
	let most = until - 1;
	for (const sample of shown.reverse()) {
		sample.pts = Math.min(sample.pts, most);
		most = sample.pts - 1;
	}
	return placed;
}

/**
 * One track of sound of all pieces. Packets follow each other without gap or overlap, which is what players keep
 * time by: those that lie nearest to their own time are taken, so that they are at most half a packet off it,
 * and this never adds up. Where a piece has no sound, silence stands in.
 */
function joinSound(
	pieces: readonly Piece[],
	index: number,
	orders: SampleOut[][],
	notes: string[],
): TrackOut {
	const owner = pieces.find(({ movie }) => movie.audio[index] !== undefined);
	const model = owner?.movie.audio[index];
	if (model === undefined) throw new Error(`no piece has a track ${index + 1} of sound`);
	const silent = silence(model);
	let silences = 0;
	const samples: SampleOut[] = [];
	let next: number | undefined;
	let from = 0;
	for (const [position, piece] of pieces.entries()) {
		const { number, name, movie, source, start, end } = piece;
		const track = movie.audio[index];
		const order = orders[position] ?? [];
		const at = (seconds: number) => Math.round(seconds * model.timescale);
		if (track === undefined) {
			notes.push(
				`${capitalized(name)} has no sound${silent === undefined ? '' : ': silence stands in'}.`,
			);
			continue;
		}
		if (soundFormat(track) !== soundFormat(model) || track.frameBytes !== model.frameBytes) {
			throw new PieceError(
				number,
				`The sound of ${name} is ${describeSound(track)}, that of ${owner?.name} ${describeSound(model)}`,
				'Use the sound of the original video, or convert all videos to the same format before they are joined.',
			);
		}
		const ratio = model.timescale / track.timescale;
		const begin = at(start + track.start);
		// The sound of the last piece may last longer than its pictures.
		const last = position === pieces.length - 1 ? Infinity : at(end);
		const until = Math.min(last, at(start + track.end));
		if (next === undefined) {
			if (position === 0 || silent === undefined) from = begin;
			else next = from = at(pieces[0]?.start ?? 0);
		}
		for (const sample of track.samples) {
			const pts = begin + Math.round((sample.pts - track.from) * ratio);
			const duration = Math.round(sample.duration * ratio);
			const middle = pts + duration / 2;
			if (middle >= until) break;
			// What is played before the first piece's sound begins prepares the decoder.
			if (middle < (next ?? -Infinity) || (samples.length > 0 && middle < at(start))) continue;
			next ??= pts;
			for (; silent !== undefined && pts - next > silent.duration / 2; next += silent.duration) {
				if (++silences > MAX_SILENCES) throw naming(piece, damaged('its sound begins too late'));
				const packet = sampleOut({ ...silent, pts: next, offset: sample.offset }, source);
				packet.prefix = silent.prefix;
				samples.push(packet);
				order.push(packet);
			}
			if (silent === undefined && pts - next > duration / 2) {
				const before = samples.at(-1);
				if (before !== undefined) before.duration = pts - before.pts;
				next = pts;
			}
			const placed = sampleOut(sample, source);
			placed.pts = next;
			placed.duration = duration;
			placed.description = 0;
			samples.push(placed);
			order.push(placed);
			next += duration;
		}
	}
	const seconds = from / model.timescale;
	const end = (next ?? from) / model.timescale;
	return { ...model, samples, start: seconds, end, from };
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
