import type { Composition } from '../compose';
import type { ImageMedia, VideoMedia } from '../media';

/** How long a picture stands before it begins to move, or after it has been reached. */
const STILL_SECONDS = 0.5;

/** Filters of two streams lose a frame at the end. */
const SPARE = 0.2;

export interface Continuation {
	/** What it begins with: a clip, or a picture. */
	head?: VideoMedia | ImageMedia;
	/** What it ends with. */
	tail?: VideoMedia | ImageMedia;
	/** Of all, head and tail included. */
	seconds: number;
	prompt: string;
	/** The most seconds of a clip that are taken. */
	mostClipSeconds?: number;
	/** What the new part moves like. */
	guide?: VideoMedia;
}

/** How long a head or a tail is shown. */
export function shownSeconds(media: VideoMedia | ImageMedia | undefined, most = Infinity): number {
	if (media === undefined) return 0;
	return media.kind === 'image' ? STILL_SECONDS : Math.min(media.probe.seconds, most);
}

/**
 * New seconds between a beginning and an end: the camera moves into the last frame of the beginning,
 * which changes as the prompt says and fades over to the first frame of the end.
 */
export function continued(scene: Composition, continuation: Continuation): string {
	const { head, tail, prompt, guide, mostClipSeconds: most } = continuation;
	const [headSeconds, tailSeconds] = [shownSeconds(head, most), shownSeconds(tail, most)];
	const seconds = Math.max(0.1, continuation.seconds - headSeconds - tailSeconds);
	let first: string | undefined;
	let last: string | undefined;
	let begin: string | undefined;
	let end: string | undefined;
	if (head !== undefined) {
		const [shown, rest] = scene.twice(scene.picture(head, headSeconds));
		first = shown;
		begin = scene.frozen(rest, 'last', headSeconds, seconds + SPARE);
	}
	if (tail !== undefined) {
		const [shown, rest] = scene.twice(scene.picture(tail, tailSeconds));
		last = shown;
		end = scene.frozen(rest, 'first', tailSeconds, head === undefined ? seconds + SPARE : seconds);
	}
	let still = begin ?? end ?? scene.invented(seconds);
	if (guide !== undefined) still = scene.mixed(still, scene.fitted(scene.looped(guide)));
	const fresh = scene.changed(
		scene.zoomed(still, begin === undefined ? 'out' : 'in', seconds),
		prompt,
	);
	const middle =
		begin !== undefined && end !== undefined ? scene.leadingTo(fresh, end, seconds) : fresh;
	return scene.joined([first, middle, last].filter((part) => part !== undefined));
}
