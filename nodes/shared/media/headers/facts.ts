/** What readers of headers find out, and how they note it. */
import { UnreadableError } from './cursor';

/** What a file's header says about its content. What it does not say, or not believably, is absent. */
export interface MediaFacts {
	/** Pixels, as displayed: a video that is turned by 90° is as wide as its frames are high. */
	width?: number;
	height?: number;
	/** Length of a video. */
	seconds?: number;
	/** Pictures per second of a video, where all last equally long. */
	fps?: number;
	/** What makes a video useless for certain: there is none, or the file lacks its end. */
	flaw?: 'noVideo' | 'cutOff';
	/** Whether a PNG or WEBP can be see-through; absent for formats that are not looked at for it. */
	transparent?: boolean;
}

/**
 * Notes width and height.
 * @throws UnreadableError for a size that no picture has
 */
export function setSize(facts: MediaFacts, width: number, height: number): void {
	if (!(width > 0 && height > 0)) throw new UnreadableError('The size is missing');
	facts.width = width;
	facts.height = height;
}

/** Latin-1 characters of a header: chunk and box types. */
export function textAt(view: DataView, offset: number, length: number): string {
	const codes = Array.from({ length }, (_, index) => view.getUint8(offset + index));
	return String.fromCharCode(...codes);
}
