import type { Composition } from '../compose';
import type { ImageMedia, VideoMedia } from '../media';

/** How long a picture stands before it begins to move, or after it has been reached. */
const STILL_SECONDS = 0.5;

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
	const parts: string[] = [];
	const from: string[] = [];
	if (head !== undefined) {
		const [shown, rest] = scene.twice(scene.picture(head, headSeconds));
		parts.push(shown);
		from.push(scene.frozen(rest, 'last', headSeconds, seconds));
	}
	let end: string | undefined;
	let to: string | undefined;
	if (tail !== undefined) {
		const [shown, rest] = scene.twice(scene.picture(tail, tailSeconds));
		end = shown;
		to = scene.frozen(rest, 'first', tailSeconds, seconds);
	}
	if (guide !== undefined) {
		// The guide moves; the beginning is only its first impression.
		const moving = scene.chain([scene.fitted(scene.looped(guide))], `trim=end=${seconds}`);
		from.push(scene.chain([from.pop() ?? scene.invented(seconds), moving], GUIDED));
	}
	const [still = scene.invented(seconds)] = from.length > 0 || to === undefined ? from : [to];
	const fades = to !== undefined && from.length > 0;
	const fresh = scene.changed(scene.zoomed(still), prompt);
	parts.push(fades && to !== undefined ? scene.leadingTo(fresh, to, seconds) : fresh);
	if (end !== undefined) parts.push(end);
	return scene.joined(parts);
}

/** The second picture over the first, which shines through. */
const GUIDED = 'blend=all_mode=average,format=yuv420p';
