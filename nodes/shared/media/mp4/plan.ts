/** At which of its key frames a video is cut. */
import { TOLERANCE_SECONDS } from '../limits';
import { unlike } from '../wording';
import { ClipError, damaged } from './source';

/** Seconds that a piece should have, both included. */
export interface Limits {
	min: number;
	max: number;
}

/** The key frames of a video do not let it be cut into pieces of the length that is asked for. */
export class KeyFramesError extends ClipError {}

/** Times are fractions of different timescales: a microsecond decides nothing. */
const EPSILON = 1e-6;

/** How far a cut may lie from its ideal place for the pieces still to look equal. Seconds. */
const NEAR = 0.1;

/**
 * Chooses cuts so that there are as few pieces as possible, all within the limits, and these as equal as the key
 * frames let them be. Where that cannot be, pieces may be longer by {@link TOLERANCE_SECONDS}: 300 pictures between two
 * key frames are 10.01 seconds at 29.97 a second. Takes time in proportion to the places, and where no even cuts are
 * found also to how many of them lie within one piece.
 * @param times where the video begins, its key frames, where it ends: in seconds, ascending
 * @returns those times at which a piece begins or ends, the first and the last included
 * @throws ClipError that says where no cut is possible
 */
export function planCuts(times: readonly number[], limits: Limits): number[] {
	const length = (times.at(-1) ?? 0) - (times[0] ?? 0);
	if (!(length > 0)) throw damaged('its pictures last no time');
	const least = Math.max(1, Math.ceil(length / limits.max - EPSILON));
	const even = evenCuts(times, length / least, limits);
	if (even !== undefined) return even;
	for (const within of [limits, { ...limits, max: limits.max + TOLERANCE_SECONDS }]) {
		const few = cheapest(times, within, length / least);
		if (few === undefined) continue;
		// Where key frames are far apart there are more pieces than the length needs, and the ideal piece is shorter.
		return cheapest(times, within, length / (few.length - 1)) ?? few;
	}
	throw refusal(times, limits, length);
}

/** Equal pieces, where a key frame lies near every place at which one should end: then there is nothing to weigh. */
function evenCuts(
	times: readonly number[],
	ideal: number,
	{ min, max }: Limits,
): number[] | undefined {
	const [first = 0] = times;
	const last = times.at(-1) ?? first;
	const cuts = [first];
	let at = 0;
	for (let before = first; before < last; ) {
		const wanted = first + cuts.length * ideal;
		const distance = (index: number) => Math.abs((times[index] ?? Infinity) - wanted);
		while (at + 1 < times.length && distance(at + 1) <= distance(at)) at += 1;
		const cut = times[at] ?? last;
		const length = cut - before;
		if (distance(at) > NEAR || length < min - EPSILON || length > max + EPSILON) return undefined;
		cuts.push(cut);
		before = cut;
	}
	return cuts;
}

/** The path with the fewest pieces; among them that of the least squared distance from the ideal length. */
function cheapest(
	times: readonly number[],
	{ min, max }: Limits,
	ideal: number,
): number[] | undefined {
	const ways: Array<{ count: number; cost: number; before: number } | undefined> = [];
	ways[0] = { count: 0, cost: 0, before: -1 };
	let earliest = 0;
	for (let to = 1; to < times.length; to++) {
		const end = times[to] ?? 0;
		while (end - (times[earliest] ?? end) > max + EPSILON) earliest += 1;
		for (let from = earliest; from < to; from++) {
			const length = end - (times[from] ?? end);
			if (length < min - EPSILON) break;
			const way = ways[from];
			if (way === undefined) continue;
			const count = way.count + 1;
			const cost = way.cost + (length - ideal) ** 2;
			const best = ways[to];
			if (best === undefined || count < best.count || (count === best.count && cost < best.cost)) {
				ways[to] = { count, cost, before: from };
			}
		}
	}
	const cuts: number[] = [];
	for (let at = times.length - 1; at >= 0; at = ways[at]?.before ?? -1) {
		if (ways[at] === undefined) return undefined;
		cuts.unshift(times[at] ?? 0);
	}
	return cuts;
}

function refusal(times: readonly number[], limits: Limits, length: number): ClipError {
	const { min, max } = limits;
	const show = (time: number, limit = NaN) => String(Number(unlike(limit, time, 2)));
	const seconds = (time: number, limit?: number) =>
		`${show(time, limit)} ${show(time, limit) === '1' ? 'second' : 'seconds'}`;
	if (length < min) {
		return new ClipError(
			`The video is ${seconds(length, min)} long; a piece needs at least ${seconds(min)}`,
			`Use a video of at least ${seconds(min)}.`,
		);
	}
	const every = Math.max(0.5, Math.floor(max / 4));
	const hint = `Export the video again with a key frame every ${seconds(every)}, in FFmpeg for example with -force_key_frames "expr:gte(t,n_forced*${every})". Key frames are the pictures that a file stores completely; of the others it stores only what changes.`;
	for (const [index, time] of times.entries()) {
		const next = times[index + 1] ?? time;
		if (next - time > max + TOLERANCE_SECONDS + EPSILON) {
			return new KeyFramesError(
				`The video can only be cut at key frames, and has none between ${show(time)} and ${show(next)} seconds: a piece would be ${seconds(next - time)} long; the limit is ${max}`,
				hint,
			);
		}
	}
	const inner = times.slice(1, -1).map(show);
	const some = inner.length > 8 ? [...inner.slice(0, 8), '…'] : inner;
	return new KeyFramesError(
		`The key frames of the video (at ${some.join(', ')} of ${seconds(length)}) do not let it be cut into pieces of ${min} to ${max} seconds`,
		hint,
	);
}
