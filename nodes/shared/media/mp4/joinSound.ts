/** The sound of videos that are joined. */
import { capitalized } from '../wording';
import { describeSound, silence, soundFormat } from './codecs';
import { PieceError, naming } from './joinPiece';
import type { JoinedTrack, Piece } from './joinPiece';
import { damaged } from './source';
import type { Track } from './tracks';
import { sampleOut } from './write';
import type { SampleOut } from './write';

/** Packets of silence in a joined video: half an hour. */
const MAX_SILENCES = 80_000;

/** When the zero of a piece's file is in the joined video, in seconds: the piece's place is where its pictures begin. */
function zeroOf({ start, movie: { video } }: Piece): number {
	return start - video.start;
}

/** A track of a piece's sound, where some of it is to be heard with its pictures. */
function soundBeside(piece: Piece, index: number): Track | undefined {
	const track = piece.movie.audio[index];
	return track !== undefined && zeroOf(piece) + track.end > piece.start ? track : undefined;
}

/**
 * One track of sound of all pieces. Packets follow each other without gap or overlap, which is what players keep
 * time by: those that lie nearest to their own time are taken, so that they are at most half a packet off it,
 * and this never adds up. Where a piece has no sound, silence stands in.
 * @param index of the track among those of sound that a piece has
 * @returns it, and for the user which pieces have no sound; undefined where none has any
 * @throws PieceError for a piece whose sound is of another format
 */
export function joinSound(
	pieces: readonly Piece[],
	index: number,
): (JoinedTrack & { notes: string[] }) | undefined {
	const owner = pieces.find((piece) => soundBeside(piece, index) !== undefined);
	const model = owner && soundBeside(owner, index);
	if (owner === undefined || model === undefined) return undefined;
	const silent = silence(model);
	const notes = pieces
		.filter((piece) => soundBeside(piece, index) === undefined)
		.map(({ name }) => {
			const instead = silent === undefined ? '' : ': silence stands in';
			return `${capitalized(name)} has no sound${instead}.`;
		});
	const ticksAt = (seconds: number) => Math.round(seconds * model.timescale);
	const order: SampleOut[][] = [];
	let silences = 0;
	let last: SampleOut | undefined;
	let next: number | undefined;
	let from = 0;
	for (const [position, piece] of pieces.entries()) {
		const { source, start, end } = piece;
		const track = soundBeside(piece, index);
		const placed: SampleOut[] = [];
		order.push(placed);
		const place = (sample: SampleOut) => {
			placed.push(sample);
			last = sample;
		};
		if (track === undefined) continue;
		checkFormat(piece, track, owner, model);
		const ratio = model.timescale / track.timescale;
		const zero = zeroOf(piece);
		const begin = ticksAt(zero + track.start);
		// The sound of the last piece may last longer than its pictures.
		const latest = position === pieces.length - 1 ? Infinity : ticksAt(end);
		const until = Math.min(latest, ticksAt(zero + track.end));
		if (next === undefined) {
			if (position === 0 || silent === undefined) from = Math.max(begin, ticksAt(start));
			else next = from = ticksAt(pieces[0]?.start ?? 0);
		}
		for (const sample of track.samples) {
			const pts = begin + Math.round((sample.pts - track.from) * ratio);
			const duration = Math.round(sample.duration * ratio);
			const middle = pts + duration / 2;
			if (middle >= until) break;
			// What is played before the first piece's sound begins prepares the decoder.
			if (middle < (next ?? -Infinity) || (last !== undefined && middle < ticksAt(start))) continue;
			next ??= pts;
			for (; silent !== undefined && pts - next > silent.duration / 2; next += silent.duration) {
				if (++silences > MAX_SILENCES) throw naming(piece, damaged('its sound begins too late'));
				const packet = sampleOut({ ...silent, pts: next, offset: sample.offset }, source);
				packet.prefix = silent.prefix;
				place(packet);
			}
			if (silent === undefined && pts - next > duration / 2) {
				if (last !== undefined) last.duration = pts - last.pts;
				next = pts;
			}
			const out = sampleOut(sample, source);
			out.pts = next;
			out.duration = duration;
			out.description = 0;
			place(out);
			next += duration;
		}
	}
	const start = from / model.timescale;
	const end = (next ?? from) / model.timescale;
	return { track: { ...model, samples: order.flat(), start, end, from }, order, notes };
}

/** @throws PieceError for a piece whose sound is of another format than that of the first one that has any */
function checkFormat({ number, name }: Piece, track: Track, owner: Piece, model: Track): void {
	if (soundFormat(track) === soundFormat(model) && track.frameBytes === model.frameBytes) return;
	throw new PieceError(
		number,
		`The sound of ${name} is ${describeSound(track)}, that of ${owner.name} ${describeSound(model)}`,
		'Use the sound of the original video, or convert all videos to the same format before they are joined.',
	);
}
