/** The sound of videos that are joined. */
import { capitalized } from '../wording';
import { describeSound, silence, soundFormat } from './codecs';
import { PieceError, naming } from './joinPiece';
import type { JoinedTrack, Piece } from './joinPiece';
import { damaged } from './source';
import { sampleOut } from './write';
import type { SampleOut } from './write';

/** Packets of silence in a joined video: half an hour. */
const MAX_SILENCES = 80_000;

/**
 * One track of sound of all pieces. Packets follow each other without gap or overlap, which is what players keep
 * time by: those that lie nearest to their own time are taken, so that they are at most half a packet off it,
 * and this never adds up. Where a piece has no sound, silence stands in.
 * @param index of the track among those of sound that a piece has
 * @returns it, and for the user which pieces have no sound
 * @throws PieceError for a piece whose sound is of another format
 */
export function joinSound(
	pieces: readonly Piece[],
	index: number,
): JoinedTrack & { notes: string[] } {
	const owner = pieces.find(({ movie }) => movie.audio[index] !== undefined);
	const model = owner?.movie.audio[index];
	if (model === undefined) throw new Error(`no piece has a track ${index + 1} of sound`);
	const silent = silence(model);
	let silences = 0;
	const notes: string[] = [];
	const samples: SampleOut[] = [];
	const order: SampleOut[][] = [];
	let next: number | undefined;
	let from = 0;
	for (const [position, piece] of pieces.entries()) {
		const { number, name, movie, source, start, end } = piece;
		const track = movie.audio[index];
		const placed: SampleOut[] = [];
		order.push(placed);
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
				placed.push(packet);
			}
			if (silent === undefined && pts - next > duration / 2) {
				const before = samples.at(-1);
				if (before !== undefined) before.duration = pts - before.pts;
				next = pts;
			}
			const out = sampleOut(sample, source);
			out.pts = next;
			out.duration = duration;
			out.description = 0;
			samples.push(out);
			placed.push(out);
			next += duration;
		}
	}
	const seconds = from / model.timescale;
	const end = (next ?? from) / model.timescale;
	return { track: { ...model, samples, start: seconds, end, from }, order, notes };
}
