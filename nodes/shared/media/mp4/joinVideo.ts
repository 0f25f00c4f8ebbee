/** The pictures of videos that are joined. */
import { capitalized } from '../wording';
import { concat, latin1Bytes } from './boxes';
import { packingOf, parameterSets, pictureSize } from './codecs';
import { PieceError } from './joinPiece';
import type { JoinedTrack, Piece } from './joinPiece';
import type { Sample, Track } from './tracks';
import { MOVIE_TIMESCALE, sampleOut } from './write';
import type { SampleOut } from './write';

/**
 * The pictures of all pieces as one track, each piece in its place.
 * @throws PieceError for a piece that does not fit the first one, or that cannot be read
 */
export async function joinVideo(pieces: readonly Piece[], first: Piece): Promise<JoinedTrack> {
	const model = first.movie.video;
	const descriptions: Uint8Array[] = [];
	const known = new Map<string, number>();
	const numbers = pieces.map((piece) => {
		checkFits(piece, first);
		return piece.movie.video.descriptions.map((entry) =>
			numberOf(namedAs(model, entry), descriptions, known),
		);
	});
	const order: SampleOut[][] = [];
	// All key frames of an entry share its bytes: a crafted file may have very large ones.
	const sets = new Map<Uint8Array, Uint8Array>();
	for (const [index, piece] of pieces.entries()) {
		const shared = await sharedKeyFrame(piece, pieces[index + 1]);
		const isShared = (await sharedKeyFrame(pieces[index - 1], piece)) !== undefined;
		const placed = placeVideo(piece, isShared ? 1 : 0, shared);
		for (const sample of placed) {
			const entry = piece.movie.video.descriptions[sample.description];
			sample.description = numbers[index]?.[sample.description] ?? 0;
			if (descriptions.length > 1 && sample.sync && entry !== undefined) {
				sample.prefix = sets.get(entry) ?? parameterSets(entry);
				sets.set(entry, sample.prefix);
			}
		}
		order.push(placed);
	}
	const samples = order.flat();
	const start = first.start;
	const end = pieces.at(-1)?.end ?? start;
	const from = ticks(start);
	const shown = [...samples].sort((one, other) => one.pts - other.pts);
	shown.forEach((sample, index) => {
		sample.duration = (shown[index + 1]?.pts ?? ticks(end)) - sample.pts;
	});
	const timescale = MOVIE_TIMESCALE;
	return { track: { ...model, timescale, descriptions, samples, start, end, from }, order };
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

/**
 * A sample entry of the codec that a track has, by that track's name of it. ffmpeg drops the pictures of entries that
 * are named otherwise than the first one (hvc1 and hev1, avc1 and avc3). The names tell where parameter sets may stand,
 * and where there are several entries, all key frames carry them anyway.
 */
function namedAs({ codec, descriptions: [model] }: Track, entry: Uint8Array): Uint8Array {
	const kind = packingOf(entry)?.codec;
	if (model === undefined || kind === undefined || packingOf(model)?.codec !== kind) return entry;
	return concat([entry.subarray(0, 4), latin1Bytes(codec), entry.subarray(8)]);
}

/**
 * The number of an entry among those collected, by what a decoder needs to know of it.
 * @param numbers of the entries by that, as text
 */
function numberOf(entry: Uint8Array, entries: Uint8Array[], numbers: Map<string, number>): number {
	const key = (packingOf(entry)?.config ?? entry).join(' ');
	const number = numbers.get(key) ?? entries.push(entry) - 1;
	numbers.set(key, number);
	return number;
}

/** Bytes of two key frames that are compared at a time. */
const COMPARED_BYTES = 64 * 1024;

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
