/** When a track is shown, by its edit list: ISO/IEC 14496-12, 8.6.6. */
import { Fields } from './boxes';
import type { Box } from './boxes';
import { ClipError } from './source';
import type { Track } from './tracks';

/** A part of the media that is shown, or a gap. */
export interface Edit {
	/** In units of the movie's timescale. */
	duration: number;
	/** Where the part begins, in units of the track's timescale; below 0 for a gap. */
	mediaTime: number;
}

/** Far more than a video that can be carried has. */
const MAX_EDITS = 10_000;

/** @throws ClipError for a list that is cut off or absurdly long, or that plays at another speed */
export function readEdits(elst: Box): Edit[] {
	const fields = new Fields(elst);
	const long = fields.full().version === 1;
	return Array.from({ length: fields.count(long ? 20 : 12, MAX_EDITS) }, () => {
		const duration = long ? fields.u64() : fields.u32();
		const mediaTime = long ? fields.i64() : fields.i32();
		if (fields.u32() !== 0x10000 && mediaTime >= 0) {
			throw new ClipError(
				'The video is played at another speed than it was recorded at (edit list)',
				'Export it again from a video editor, so that cuts and speed become part of the file.',
			);
		}
		return { duration, mediaTime };
	});
}

/**
 * When a track is shown: after a gap, one part of its media.
 * @param media when its first sample begins and its last one ends, in units of the track's timescale
 * @param movieTimescale units per second of the edits' durations
 * @returns seconds of the movie; for a track that is never played the end is not after the start
 * @throws ClipError for a track of several parts
 */
export function placeOf(
	{ kind, timescale, edits }: Pick<Track, 'kind' | 'timescale'> & { edits: readonly Edit[] },
	media: { begin: number; end: number },
	movieTimescale: number,
): Pick<Track, 'start' | 'end' | 'from'> {
	const gaps = edits.findIndex(({ mediaTime }) => mediaTime >= 0);
	const seconds = (list: Edit[]) =>
		list.reduce((sum, { duration }) => sum + duration, 0) / movieTimescale;
	const parts = edits.filter(({ mediaTime }) => mediaTime >= 0);
	const isOnePart = edits.slice(Math.max(gaps, 0)).every(({ mediaTime }, index) => {
		// Gaps after the last part say nothing.
		if (index === 0 || index >= parts.length) return mediaTime < 0 || index < parts.length;
		const before = parts[index - 1] ?? { mediaTime: 0, duration: 0 };
		const expected = before.mediaTime + (before.duration / movieTimescale) * timescale;
		return Math.abs(mediaTime - expected) <= 1 + timescale / movieTimescale;
	});
	if (!isOnePart) {
		throw new ClipError(
			`The ${kind} was cut into several parts without being encoded again (edit list)`,
			'Export it again from a video editor, so that cuts and speed become part of the file.',
		);
	}
	const mediaTime = parts[0]?.mediaTime ?? Math.min(media.begin, 0);
	const delay = seconds(edits.slice(0, Math.max(gaps, 0)));
	const from = Math.max(media.begin, mediaTime);
	const start = delay + (from - mediaTime) / timescale;
	// A duration of 0 lasts to the end, as fragmented files have it.
	const length = parts.some(({ duration }) => duration === 0) ? Infinity : seconds(parts);
	const end = delay + (media.end - mediaTime) / timescale;
	return { from, start, end: parts.length === 0 ? end : Math.min(end, delay + length) };
}
