/** Everything that DashScope would refuse or silently cut, checked before money or minutes are spent. Pure. */
import { isPrivateHost, tryParseUrl } from '../../shared/dashscope/hosts';
import { InputError } from '../../shared/tasks/errors';
import type { EditRequest, MediaFormat, MediaSource } from '../../shared/media/types';

const MEGABYTE = 1024 * 1024;

/** Limits of `wan2.7-videoedit` as the API reference states them. */
export const LIMITS = {
	promptCharacters: 5000,
	negativePromptCharacters: 500,
	images: 4,
	videoBytes: 100 * MEGABYTE,
	imageBytes: 20 * MEGABYTE,
	minSeconds: 2,
	maxSeconds: 10,
	maxSeed: 2_147_483_647,
} as const;

export const RESOLUTIONS = ['720P', '1080P'] as const;
export const RATIOS = ['16:9', '9:16', '1:1', '4:3', '3:4'] as const;
export const AUDIO_SETTINGS = ['auto', 'origin'] as const;

/** DashScope counts a Chinese character or a letter as one; so does this, an emoji included. */
function characters(text: string): number {
	return [...text].length;
}

function tooLong(field: string, text: string, limit: number): void {
	const length = characters(text);
	if (length > limit) {
		throw new InputError(
			`'${field}' has ${length} characters; the limit is ${limit}`,
			'DashScope would cut the rest off without a word: shorten the text.',
		);
	}
}

/**
 * One of a field's fixed choices.
 * @throws InputError naming field, value and choices
 */
export function choice<T extends string>(field: string, value: string, allowed: readonly T[]): T {
	const found = allowed.find((one) => one === value);
	if (found !== undefined) return found;
	throw new InputError(`'${field}' is "${value}"`, `Choose one of these: ${allowed.join(', ')}.`);
}

/**
 * Checks the values of a request, its media's files excepted.
 * @param publicService whether the base URL is a public host, which cannot fetch from a private one
 * @throws InputError naming field, value and limit
 */
export function validateRequest(request: EditRequest, publicService: boolean): void {
	if (request.model.trim() === '') {
		throw new InputError("'Model' is empty", 'Enter a model ID such as wan2.7-videoedit.');
	}
	tooLong('Prompt', request.prompt ?? '', LIMITS.promptCharacters);
	tooLong('Negative Prompt', request.negativePrompt ?? '', LIMITS.negativePromptCharacters);
	validateNumbers(request);
	for (const source of [request.video, ...request.images]) validateUrl(source, publicService);
}

function validateNumbers({ duration, seed }: EditRequest): void {
	const { minSeconds, maxSeconds, maxSeed } = LIMITS;
	const inRange = (value: number) => value === 0 || (value >= minSeconds && value <= maxSeconds);
	if (duration !== undefined && !(Number.isInteger(duration) && inRange(duration))) {
		throw new InputError(
			`'Duration' is ${duration}`,
			`Enter 0 to keep the length of the video, or whole seconds from ${minSeconds} to ${maxSeconds}.`,
		);
	}
	if (seed !== undefined && !(Number.isInteger(seed) && seed >= 0 && seed <= maxSeed)) {
		throw new InputError(
			`'Seed' is ${seed}`,
			`Enter a whole number from 0 to ${maxSeed}, or remove the option.`,
		);
	}
}

function validateUrl(source: MediaSource, publicService: boolean): void {
	if (source.from !== 'url') return;
	const { field, url } = source;
	if (url === '') {
		throw new InputError(
			`'${field}' is empty`,
			'Enter a web address (https://…) or choose a binary field as the source.',
		);
	}
	const parsed = tryParseUrl(url);
	if (parsed === undefined || !['http:', 'https:', 'oss:'].includes(parsed.protocol)) {
		throw new InputError(
			`'${field}' is not a web address: "${shorten(url)}"`,
			'It must start with https://, http:// or oss://. To send a file, choose a binary field as the source.',
		);
	}
	if (parsed.protocol !== 'oss:' && publicService && isPrivateHost(parsed.hostname)) {
		throw new InputError(
			`'${field}' points to ${parsed.hostname}, which only this network can reach: "${shorten(url)}"`,
			'DashScope fetches the file itself and needs a public address. Or bring the file as binary, so that it is uploaded.',
		);
	}
}

/** Enough of a value to recognise it: signed URLs and data URIs can be very long, or secret at the end. */
function shorten(text: string): string {
	const bare = text.split('?')[0] ?? text;
	return bare.length > 80 ? `${bare.slice(0, 80)}…` : bare;
}

function megabytes(bytes: number): string {
	return `${(bytes / MEGABYTE).toFixed(1)} MB`;
}

/**
 * Checks a binary file by its size and its first bytes.
 * @param detected what {@link detectFormat} said about it
 * @throws InputError naming field, file, size and limit
 */
export function validateFile(
	wanted: MediaFormat['kind'],
	field: string,
	file: { fileName?: string; size: number },
	detected: MediaFormat | string,
): MediaFormat {
	const name = file.fileName === undefined ? '' : ` (${file.fileName})`;
	if (typeof detected === 'string' || detected.kind !== wanted) {
		const found = typeof detected === 'string' ? detected : describe(detected);
		throw new InputError(
			`'${field}'${name} holds ${found}`,
			wanted === 'video'
				? 'The video must be an MP4 or MOV file.'
				: 'A reference image must be a JPEG, PNG, BMP or WEBP file.',
		);
	}
	const limit = wanted === 'video' ? LIMITS.videoBytes : LIMITS.imageBytes;
	if (file.size > limit) {
		throw new InputError(
			`'${field}'${name} has ${megabytes(file.size)}; the limit is ${megabytes(limit)}`,
			wanted === 'video' ? 'Compress or shorten the video.' : 'Make the image smaller.',
		);
	}
	return detected;
}

function describe(format: MediaFormat): string {
	return format.kind === 'video'
		? `a ${format.extension.toUpperCase()} video`
		: `a ${format.extension.toUpperCase()} picture`;
}

/**
 * Checks the number of reference images.
 * @throws InputError
 */
export function validateImageCount(count: number): void {
	if (count >= 1 && count <= LIMITS.images) return;
	throw new InputError(
		count === 0 ? 'There is no reference image' : `There are ${count} reference images`,
		`Reference Edit takes 1 to ${LIMITS.images} images; to edit without images use Instruction Edit.`,
	);
}
