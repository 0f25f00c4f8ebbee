/** Splits a video at key frames, without decoding it. */
import { checkFirstPicture, cutPointsOf, findCutPoints, lookedAt } from './keyFrames';
import type { CutPoint } from './keyFrames';
import { planCuts } from './plan';
import type { Limits } from './plan';
import { ClipError } from './source';
import type { ByteSource, ClipFile } from './source';
import { readMovie } from './tracks';
import type { Movie, Sample, Track } from './tracks';
import { sampleOut, writeMovie } from './write';
import type { TrackOut } from './write';

/** A video cut into pieces. */
export interface Split {
	/** Seconds of the video at which each piece begins, and at which the last one ends. */
	cuts: number[];
	/** MP4 files that begin with their tables, each on its own. Nothing is read before their chunks are. */
	pieces: ClipFile[];
	/** What was left out, as sentences for the user. */
	notes: string[];
}

/** Where a piece ends: nothing from this sample on, in decoding order, belongs to it. */
interface End {
	seconds: number;
	sample: number;
}

/**
 * Splits a video into pieces within the limits: as few as possible and as equal as its key frames allow. The same
 * file and limits always give the same pieces. Codec data, rotation and sound are copied; a piece shows exactly
 * what the video shows between two cuts.
 * @throws ClipError when the file is damaged or its key frames are too far apart
 */
export async function splitClip(source: ByteSource, limits: Limits): Promise<Split> {
	const movie = await readMovie(source);
	return splitAt(movie, source, await findCutPoints(movie.video, source), limits);
}

/** A piece does not begin with a key frame, although the table of its video says so: {@link splitClip} cuts elsewhere. */
export class NoKeyFrameError extends Error {}

/**
 * Splits a video as {@link splitClip} does, but without reading all pictures beforehand, for pieces that cost nothing:
 * key frames are taken for what the table says they are, and all pictures are looked at while the pieces are written,
 * one after another.
 * @throws ClipError when the file is damaged or its key frames are too far apart. The chunks of a piece throw it for a
 * picture that is damaged, and a {@link NoKeyFrameError} for a cut at a picture that is no key frame
 */
export async function splitTrusting(source: ByteSource, limits: Limits): Promise<Split> {
	const movie = await readMovie(source);
	const { video } = movie;
	await checkFirstPicture(video, source);
	const passing = lookedAt(source, video);
	const marked = new Set(video.samples.filter(({ sync }) => sync));
	return splitAt(movie, passing, cutPointsOf(video, marked), limits, ({ index, seconds }) => {
		const sample = video.samples[index];
		if (sample !== undefined && passing.entries.has(sample)) return;
		throw new NoKeyFrameError(`There is no key frame at ${seconds.toFixed(2)} seconds`);
	});
}

/** @param written is told where a piece begins whose bytes have all been given out */
function splitAt(
	movie: Movie,
	source: ByteSource,
	points: CutPoint[],
	limits: Limits,
	written: (begin: CutPoint) => void = () => undefined,
): Split {
	const { video, notes } = movie;
	const times = [video.start, ...points.map(({ seconds }) => seconds), video.end];
	const cuts = planCuts(times, limits);
	const inner = cuts.slice(1, -1).map((cut) => points.find(({ seconds }) => seconds === cut));
	const pieces = cuts.slice(1).map((_, index) => {
		const [begin, next] = [inner[index - 1], inner[index]];
		const sample = next && next.index + (next.leading > 0 ? 1 + next.leading : 0);
		const end = next && sample !== undefined ? { seconds: next.seconds, sample } : undefined;
		return onDemand(
			() => pieceOf(movie, source, begin, end),
			() => {
				if (begin !== undefined) written(begin);
			},
		);
	});
	return { cuts, pieces, notes };
}

/**
 * The beginning of a video, cut at the picture and not only at key frames: pictures that others need are kept, but
 * not shown. A video that is not longer is rewritten whole.
 * @throws ClipError when the file is damaged
 */
export async function beginningOf(
	source: ByteSource,
	seconds: number,
): Promise<{ file: ClipFile; notes: string[] }> {
	const movie = await readMovie(source);
	const { video, notes } = movie;
	await findCutPoints(video, source);
	if (!(seconds > 0)) throw new ClipError('No length is asked for', 'Ask for more than 0 seconds.');
	const end = video.start + seconds;
	if (end >= video.end) return { file: pieceOf(movie, source), notes };
	const limit = video.from + seconds * video.timescale;
	const sample = endOf(video.samples, limit);
	return { file: pieceOf(movie, source, undefined, { seconds: end, sample }), notes };
}

/** Of many pieces only those that are being written hold their tables. */
function onDemand(build: () => ClipFile, written: () => void): ClipFile {
	let size: number | undefined;
	return {
		get size() {
			return (size ??= build().size);
		},
		async *chunks() {
			const file = build();
			({ size } = file);
			yield* file.chunks();
			written();
		},
	};
}

function pieceOf(movie: Movie, source: ByteSource, begin?: CutPoint, end?: End): ClipFile {
	const { video } = movie;
	const start = begin?.seconds ?? video.start;
	const first = begin?.index ?? 0;
	const samples = video.samples
		.slice(first, end?.sample)
		.filter((_, index) => index === 0 || index > (begin?.leading ?? 0));
	const tracks: TrackOut[] = [
		{
			...video,
			samples: samples.map((sample) => sampleOut(sample, source)),
			start: 0,
			end: (end?.seconds ?? video.end) - start,
			from: begin === undefined ? video.from : (samples[0]?.pts ?? 0),
		},
	];
	for (const track of movie.audio) {
		const sound = soundOf(track, source, start, end?.seconds ?? Infinity);
		if (sound !== undefined) tracks.push(sound);
	}
	// As they lie in the file: then it is read forwards, once.
	const order = tracks
		.flatMap((track) => track.samples)
		.sort((one, other) => one.offset - other.offset);
	return writeMovie(tracks, order, movie.quickTime);
}

/** The index after the last sample, in decoding order, that is shown before a time. */
function endOf(samples: readonly Sample[], pts: number): number {
	return samples.reduce((end, sample, index) => (sample.pts < pts ? index + 1 : end), 0);
}

/** The index of the first sample of which something holds that holds of all after it, by halves. */
function firstOf(samples: readonly Sample[], holds: (sample: Sample) => boolean): number {
	let [from, until] = [0, samples.length];
	while (from < until) {
		const middle = (from + until) >> 1;
		const sample = samples[middle];
		if (sample !== undefined && holds(sample)) until = middle;
		else from = middle + 1;
	}
	return from;
}

/**
 * The sound from one time to another: all packets that reach into it, and the one before, which the decoder needs
 * to play the first one whole. The edit list has it play from the exact time. A packet across a cut is in both
 * pieces, so that each has sound to its end; joining takes it once.
 */
function soundOf(
	track: Track,
	source: ByteSource,
	start: number,
	end: number,
): TrackOut | undefined {
	const ticksAt = (seconds: number) => track.from + (seconds - track.start) * track.timescale;
	const from = Math.max(track.from, Math.round(ticksAt(start)));
	const until = ticksAt(Math.min(end, track.end));
	const { samples } = track;
	let first = firstOf(samples, ({ pts, duration }) => pts + duration > from);
	const last = firstOf(samples, ({ pts }) => pts >= until);
	if (last <= first || until <= from) return undefined;
	do first = Math.max(0, first - 1);
	while (first > 0 && samples[first]?.sync === false);
	const begins = Math.max(0, track.start - start);
	return {
		...track,
		samples: samples.slice(first, last).map((sample) => sampleOut(sample, source)),
		start: begins,
		end: begins + (until - from) / track.timescale,
		from,
	};
}
