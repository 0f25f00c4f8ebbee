import { ApiError } from './errors';
import { RATIOS, RESOLUTIONS, type Ratio, type Resolution } from './sizes';
import type { StoredUpload } from './uploads';

// The body of a create call, checked as the service does it when the call arrives: its shape, its
// ranges, the form of its URLs, and whether oss:// keys exist. Whatever only shows when a file is
// fetched and opened makes the task FAILED later (media.ts).

export interface MediaItem {
	type: 'video' | 'reference_image';
	url: string;
}

export interface EditRequest {
	model: string;
	prompt: string;
	negativePrompt: string;
	media: MediaItem[];
	resolution: Resolution;
	ratio?: Ratio;
	/** 0 keeps the length of the input. */
	duration: number;
	audio: 'auto' | 'origin';
	promptExtend: boolean;
	watermark: boolean;
	seed?: number;
}

const PROMPT_LIMIT = 5000;
const NEGATIVE_PROMPT_LIMIT = 500;
const MAX_SEED = 2_147_483_647;

/** Models with a body of this form; any other id is one the service would not know either. */
const MODELS: ReadonlyArray<{ id: RegExp; maxImages: number; promptRequired: boolean }> = [
	{ id: /^wan2\.7-videoedit(-\d{4}-\d\d-\d\d)?$/, maxImages: 4, promptRequired: false },
	{ id: /^happyhorse-1\.0-video-edit$/, maxImages: 5, promptRequired: true },
];

const IMAGE_DATA_URI = /^data:image\/(?:jpeg|png|bmp|webp);base64,(?=.)/;
const NOT_BASE64 = /[^A-Za-z0-9+/=]/;

const invalid = (message: string) => new ApiError(400, 'InvalidParameter', message);

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

export function parseBody(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		throw invalid('Required body invalid, please check the request body format.');
	}
}

export function readEditRequest(body: unknown): EditRequest {
	if (!isObject(body)) {
		throw invalid('Required body invalid, please check the request body format.');
	}
	const { model, input, parameters = {} } = body;
	if (typeof model !== 'string' || model === '') {
		throw new ApiError(400, 'BadRequest.EmptyModel', 'Required parameter "model" missing.');
	}
	const family = MODELS.find(({ id }) => id.test(model));
	if (family === undefined) throw invalid('Model not exist.');
	if (!isObject(input)) {
		throw new ApiError(400, 'BadRequest.EmptyInput', 'Required input parameter missing.');
	}
	if (!isObject(parameters)) throw invalid('parameters must be an object');

	const prompt = textOf(input, 'prompt');
	if (family.promptRequired && prompt === '') throw invalid('Field required: input.prompt');
	const request: EditRequest = {
		model,
		// The surplus is cut without a word.
		prompt: cut(prompt, PROMPT_LIMIT),
		negativePrompt: cut(textOf(input, 'negative_prompt'), NEGATIVE_PROMPT_LIMIT),
		media: mediaOf(input, family.maxImages),
		resolution: choiceOf(parameters, 'resolution', RESOLUTIONS) ?? '1080P',
		ratio: choiceOf(parameters, 'ratio', RATIOS),
		duration: durationOf(parameters),
		audio: choiceOf(parameters, 'audio_setting', ['auto', 'origin'] as const) ?? 'auto',
		promptExtend: booleanOf(parameters, 'prompt_extend') ?? true,
		watermark: booleanOf(parameters, 'watermark') ?? false,
		seed: seedOf(parameters),
	};
	return request;
}

/** Counted in characters, so that an emoji is one. */
const cut = (text: string, limit: number) => [...text].slice(0, limit).join('');

function textOf(fields: Fields, name: string): string {
	const value = fields[name];
	if (value === undefined || value === null) return '';
	if (typeof value !== 'string') throw invalid(`input.${name} should be a string`);
	return value;
}

function choiceOf<T extends string>(
	fields: Fields,
	name: string,
	choices: readonly T[],
): T | undefined {
	const value = fields[name];
	if (value === undefined || value === null) return undefined;
	const choice = choices.find((known) => known === value);
	if (choice === undefined) {
		throw invalid(`parameters.${name} must be one of ${choices.join(', ')}`);
	}
	return choice;
}

function booleanOf(fields: Fields, name: string): boolean | undefined {
	const value = fields[name];
	if (value === undefined || value === null) return undefined;
	if (typeof value !== 'boolean') throw invalid(`parameters.${name} should be a boolean`);
	return value;
}

function integerOf(fields: Fields, name: string): number | undefined {
	const value = fields[name];
	if (value === undefined || value === null) return undefined;
	if (typeof value !== 'number' || !Number.isInteger(value)) {
		throw invalid(`parameters.${name} should be an integer`);
	}
	return value;
}

function durationOf(fields: Fields): number {
	const duration = integerOf(fields, 'duration') ?? 0;
	if (duration !== 0 && (duration < 2 || duration > 10)) {
		throw invalid('parameters.duration must be 0 or between 2 and 10');
	}
	return duration;
}

function seedOf(fields: Fields): number | undefined {
	const seed = integerOf(fields, 'seed');
	if (seed !== undefined && (seed < 0 || seed > MAX_SEED)) {
		throw invalid(`parameters.seed must be between 0 and ${MAX_SEED}`);
	}
	return seed;
}

function mediaOf(input: Fields, maxImages: number): MediaItem[] {
	const { media } = input;
	if (media === undefined || media === null) throw invalid('Field required: input.media');
	if (!Array.isArray(media)) throw invalid('input.media should be an array');
	const items = media.map(mediaItem);
	const videos = items.filter(({ type }) => type === 'video').length;
	if (videos !== 1) {
		throw invalid(`input.media must contain exactly one item of type video, got ${videos}`);
	}
	const images = items.length - videos;
	if (images > maxImages) {
		throw invalid(
			`input.media must contain at most ${maxImages} items of type reference_image, got ${images}`,
		);
	}
	return items;
}

function mediaItem(item: unknown, index: number): MediaItem {
	const place = `input.media[${index}]`;
	if (!isObject(item)) throw invalid(`${place} should be an object`);
	const { type, url } = item;
	if (type !== 'video' && type !== 'reference_image') {
		throw invalid(`${place}.type must be one of video, reference_image`);
	}
	if (url === undefined || url === null || url === '') {
		throw invalid(`Field required: ${place}.url`);
	}
	if (typeof url !== 'string') throw invalid(`${place}.url should be a string`);
	checkUrl(type, url, place);
	return { type, url };
}

function checkUrl(type: MediaItem['type'], url: string, place: string): void {
	if (url.startsWith('data:')) {
		if (type === 'video') throw invalid(`${place}.url: a video cannot be passed as base64 data`);
		const head = IMAGE_DATA_URI.exec(url)?.[0];
		if (head === undefined || NOT_BASE64.test(url.slice(head.length))) {
			throw invalid(
				`${place}.url must be data:{mime};base64,{data} with image/jpeg, image/png, image/bmp or image/webp`,
			);
		}
		return;
	}
	// Object keys may hold anything: the SDKs put the raw file name in, spaces included.
	if (/^oss:\/\/./.test(url)) return;
	const protocol = URL.canParse(url) ? new URL(url).protocol : '';
	if (!['http:', 'https:'].includes(protocol) || /\s/.test(url)) {
		throw new ApiError(
			400,
			'InvalidURL',
			'Required URL is missing or invalid, please check the request URL.',
		);
	}
}

/** The object key of an `oss://` URL, as written: URL parsers would change it. */
export const ossKey = (url: string) =>
	url.startsWith('oss://') ? url.slice('oss://'.length) : undefined;

/** oss:// URLs can be judged at once: they lead to our own storage. */
export function checkOssMedia(
	request: EditRequest,
	resolveHeader: boolean,
	find: (key: string) => StoredUpload | undefined,
): void {
	for (const { url } of request.media) {
		const key = ossKey(url);
		if (key === undefined) continue;
		// The code and the text that the error page gives for a forgotten resolve header.
		if (!resolveHeader) {
			throw new ApiError(
				400,
				'InvalidParameter.DataInspection',
				'The media format is not supported or incorrect for the data inspection.',
			);
		}
		const upload = find(key);
		if (upload === undefined) {
			throw new ApiError(
				400,
				'InvalidParameter.DataInspection',
				'Unable to download the media resource during the data inspection process.',
			);
		}
		if (upload.model !== request.model) {
			throw new ApiError(
				400,
				'InvalidParameter.DataInspection',
				"Don't have authorization to access the media resource during the data inspection process.",
			);
		}
	}
}
