/** What DashScope would refuse minutes later, told from a file's header. Pure. */
import { InputError } from '../tasks/errors';
import type { MediaFormat } from './types';
import { LIMITS } from '../../WanVideoEdit/models/validate';
import type { MediaFacts } from './headers/facts';

/** Width and height each, in pixels, and how many times one side may be as long as the other. */
export const PIXEL_LIMITS = {
	minSide: 240,
	maxVideoSide: 4096,
	maxImageSide: 8000,
	maxRatio: 8,
} as const;

/**
 * Cutting works in whole frames and containers round to their timescale: a clip cut to 10 s says up to one frame
 * more, 10.04 at 25 frames per second. So much is let through; a file in between is the service's to judge.
 */
const TOLERANCE_SECONDS = 0.05;

/**
 * Checks what the header of a file says. Facts that are absent are left to the service.
 * @param field display name of the node's field, for the message
 * @throws InputError naming field, file, actual value and limit
 */
export function checkFacts(
	format: MediaFormat,
	field: string,
	fileName: string | undefined,
	facts: MediaFacts,
): void {
	const what = `'${field}'${fileName === undefined ? '' : ` (${fileName})`}`;
	checkSize(format.kind, what, facts);
	if (format.kind === 'video') checkLength(what, facts);
	else checkTransparency(format, what, facts);
}

function checkSize(kind: MediaFormat['kind'], what: string, { width, height }: MediaFacts): void {
	if (width === undefined || height === undefined) return;
	const { minSide, maxVideoSide, maxImageSide, maxRatio } = PIXEL_LIMITS;
	const noun = kind === 'video' ? 'video' : 'image';
	const short = Math.min(width, height);
	const long = Math.max(width, height);
	if (long > short * maxRatio) {
		throw new InputError(
			`${what} is ${width} × ${height} pixels, an aspect ratio of ${describeRatio(width, height)}; the limit is 1:${maxRatio} to ${maxRatio}:1`,
			`Crop the ${noun} or add borders, so that the long side is at most ${maxRatio} times the short one.`,
		);
	}
	const maxSide = kind === 'video' ? maxVideoSide : maxImageSide;
	if (short < minSide || long > maxSide) {
		throw new InputError(
			`${what} is ${width} × ${height} pixels; the limit is ${minSide} to ${maxSide} for width and height each`,
			short < minSide
				? `Use a larger ${noun}, or scale it up until its short side has at least ${minSide} pixels.`
				: `Scale the ${noun} down until its long side has at most ${maxSide} pixels.`,
		);
	}
}

/** One side as a multiple of the other, rounded up to a tenth: a little over 8:1 must not read as 8:1. */
function describeRatio(width: number, height: number): string {
	const times = Math.ceil((10 * Math.max(width, height)) / Math.min(width, height)) / 10;
	return width > height ? `${times}:1` : `1:${times}`;
}

function checkLength(what: string, { seconds }: MediaFacts): void {
	if (seconds === undefined) return;
	const { minSeconds, maxSeconds } = LIMITS;
	const rounded = Math.round(seconds * 1000) / 1000;
	const tooShort = rounded < minSeconds - TOLERANCE_SECONDS;
	if (!tooShort && rounded <= maxSeconds + TOLERANCE_SECONDS) return;
	throw new InputError(
		`${what} is ${rounded} seconds long; the limit is ${minSeconds} to ${maxSeconds} seconds`,
		tooShort
			? `Use a video of at least ${minSeconds} seconds.`
			: `Cut the video to ${maxSeconds} seconds or less.`,
	);
}

function checkTransparency(format: MediaFormat, what: string, facts: MediaFacts): void {
	// Of the alpha channel in a WEBP the API reference says nothing.
	if (format.extension !== 'png' || facts.transparent !== true) return;
	throw new InputError(
		`${what} is a PNG with transparency (an alpha channel), which DashScope does not take`,
		'Save it without transparency, on a background colour for instance, or convert it to JPEG.',
	);
}
