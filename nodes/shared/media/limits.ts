/** What DashScope would refuse minutes later, told from a file's size, first bytes and header. Pure. */
import { InputError } from '../inputError';
import { WEB_PAGE } from './formats';
import type { MediaFacts } from './headers/facts';
import type { Extension, MediaFormat, MediaLimits } from './types';
import { roundedSeconds, unlike } from './wording';

/** Bytes. */
export const MEGABYTE = 1024 * 1024;

const NAMES: Record<Extension, string> = {
	mp4: 'MP4',
	mov: 'MOV',
	jpg: 'JPEG',
	png: 'PNG',
	bmp: 'BMP',
	webp: 'WEBP',
};

/** "JPEG, PNG or BMP". */
function formatNames({ formats }: MediaLimits): string {
	const names = formats.map((format) => NAMES[format]);
	const last = names.pop() ?? '';
	return names.length === 0 ? last : `${names.join(', ')} or ${last}`;
}

/** A field and the file in it, for messages. */
export function nameOf(field: string, fileName: string | undefined): string {
	return `'${field}'${fileName === undefined ? '' : ` (${fileName})`}`;
}

/**
 * Checks a binary file by its size and its first bytes.
 * @param field display name of the node's field, for the message
 * @param detected what `detectFormat` said about it
 * @throws InputError naming field, file, size and limit
 */
export function validateFile(
	limits: MediaLimits,
	field: string,
	file: { fileName?: string; size: number },
	detected: MediaFormat | string,
): MediaFormat {
	const what = nameOf(field, file.fileName);
	if (typeof detected === 'string' || !limits.formats.includes(detected.extension)) {
		const found = typeof detected === 'string' ? detected : describe(detected);
		const link =
			found === WEB_PAGE
				? ' A link must lead to the file itself, not to a page that shows it.'
				: '';
		throw new InputError(
			`${what} holds ${found}`,
			`The ${limits.kind} must be in ${formatNames(limits)} format.${link}`,
		);
	}
	const limit = limits.maxBytes / MEGABYTE;
	const megabytes = file.size / MEGABYTE;
	if (megabytes > limit) {
		throw new InputError(
			`${what} is ${unlike(limit, megabytes, 1)} MB; the limit is ${limit.toFixed(1)} MB`,
			limits.kind === 'video' ? 'Compress or shorten the video.' : 'Make the image smaller.',
		);
	}
	return detected;
}

function describe({ kind, extension }: MediaFormat): string {
	const article = extension === 'mp4' ? 'an' : 'a';
	return `${article} ${extension.toUpperCase()} ${kind === 'video' ? 'video' : 'picture'}`;
}

const FLAWS = {
	noVideo: ['holds no video', 'Use another file: all that this one has is sound or text.'],
	cutOff: [
		'is incomplete: the file ends before its content does',
		'The recording or a download was cut off: download or export the video again.',
	],
} as const;

/**
 * Cutting works in whole frames and containers round to their timescale: a clip cut to 10 s says up to one frame
 * more, 10.04 at 25 frames per second. This many seconds are let through; a file in between is the service's to
 * judge.
 */
export const TOLERANCE_SECONDS = 0.05;

/**
 * Checks what the header of a file says. Facts that are absent are left to the service.
 * @param field display name of the node's field, for the message
 * @throws InputError naming field, file, actual value and limit
 */
export function checkFacts(
	limits: MediaLimits,
	format: MediaFormat,
	field: string,
	fileName: string | undefined,
	facts: MediaFacts,
): void {
	const what = nameOf(field, fileName);
	if (facts.flaw !== undefined) {
		const [flaw, hint] = FLAWS[facts.flaw];
		throw new InputError(`${what} ${flaw}`, hint);
	}
	checkSize(limits, what, facts);
	checkLength(limits, what, facts);
	checkFrameRate(limits, what, facts);
	if (limits.opaque) checkTransparency(format, what, facts);
}

function checkSize(
	{ kind, minSide, maxSide, maxRatio }: MediaLimits,
	what: string,
	{ width, height }: MediaFacts,
): void {
	if (width === undefined || height === undefined) return;
	const short = Math.min(width, height);
	const long = Math.max(width, height);
	if (long > short * maxRatio) {
		throw new InputError(
			`${what} is ${width} × ${height} pixels, an aspect ratio of ${describeRatio(width, height)}; the limit is 1:${maxRatio} to ${maxRatio}:1`,
			`Crop the ${kind} or add borders, so that the long side is at most ${maxRatio} times the short one.`,
		);
	}
	if (short < minSide || long > maxSide) {
		throw new InputError(
			`${what} is ${width} × ${height} pixels; the limit is ${minSide} to ${maxSide} pixels for both width and height`,
			short < minSide
				? `Use a larger ${kind}, or scale it up until its short side has at least ${minSide} pixels.`
				: `Scale the ${kind} down until its long side has at most ${maxSide} pixels.`,
		);
	}
}

/** "1.8:1": one side as a multiple of the other, rounded up to a tenth, because a little over 8:1 must not read as 8:1. */
function describeRatio(width: number, height: number): string {
	const times = Math.ceil((10 * Math.max(width, height)) / Math.min(width, height)) / 10;
	return width > height ? `${times}:1` : `1:${times}`;
}

function checkLength(limits: MediaLimits, what: string, { seconds }: MediaFacts): void {
	const { minSeconds = 0, maxSeconds = Infinity } = limits;
	if (seconds === undefined || limits.kind !== 'video') return;
	const rounded = roundedSeconds(seconds);
	const tooShort = rounded < minSeconds - TOLERANCE_SECONDS;
	if (!tooShort && rounded <= maxSeconds + TOLERANCE_SECONDS) return;
	throw new InputError(
		`${what} is ${rounded} seconds long; the limit is ${minSeconds} to ${maxSeconds} seconds`,
		tooShort
			? `Use a video of at least ${minSeconds} seconds.`
			: `Cut the video to ${maxSeconds} seconds or less${limits.longer ?? ''}.`,
	);
}

/** A rate that is below the limit by no more than this share is the service's to judge. */
const FPS_TOLERANCE = 0.05;

function checkFrameRate({ minFps = 0 }: MediaLimits, what: string, { fps }: MediaFacts): void {
	if (fps === undefined || fps >= minFps * (1 - FPS_TOLERANCE)) return;
	throw new InputError(
		`${what} has ${Number(fps.toFixed(2))} frames per second; the limit is ${minFps} or more`,
		`Export the video with at least ${minFps} frames per second.`,
	);
}

function checkTransparency(format: MediaFormat, what: string, facts: MediaFacts): void {
	// Of the alpha channel in a WEBP the API reference says nothing.
	if (format.extension !== 'png' || facts.transparent !== true) return;
	throw new InputError(
		`${what} is a PNG with transparency (an alpha channel), which the model does not take`,
		'Save it without transparency, on a background color for instance, or convert it to JPEG.',
	);
}

/**
 * The limits in words, for the hint of a field: "MP4 or MOV, 2 to 10 seconds, 240 to 4096 pixels per side, up to 100
 * MB".
 */
export function describeLimits(limits: MediaLimits): string {
	const { kind, minSeconds = 0, maxSeconds, usedSeconds, minFps, opaque } = limits;
	const { minSide, maxSide, maxBytes } = limits;
	const seconds =
		maxSeconds === undefined
			? ''
			: minSeconds > 0
				? `, ${minSeconds} to ${maxSeconds} seconds`
				: `, up to ${maxSeconds} seconds`;
	const rate = minFps === undefined ? '' : `, at least ${minFps} fps`;
	const used = usedSeconds === undefined ? '' : `; the first ${usedSeconds} seconds are used`;
	const png = opaque ? 'PNG without transparency' : 'PNG';
	const formats = formatNames(limits).replace('PNG', png);
	return `${formats}${kind === 'video' ? seconds : ''}${rate}, ${minSide} to ${maxSide} pixels per side, up to ${Math.round(maxBytes / MEGABYTE)} MB${used}`;
}
