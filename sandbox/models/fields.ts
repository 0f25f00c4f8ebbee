import { ApiError } from '../errors';
import type { Limits, MediaItem } from '../media';

// Readers of `input` and `parameters`. They throw what the service refuses a create call with.

export const invalid = (message: string) => new ApiError(400, 'InvalidParameter', message);

export type Values = Record<string, unknown>;

export const isObject = (value: unknown): value is Values =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

export type Range = readonly [min: number, max: number];

/** Sent by the official Java SDK with every video request, and let through. */
const SDK_EXTRAS = ['with_audio'];

const IMAGE_DATA_URI = /^data:image\/(?:jpeg|png|bmp|webp);base64,(?=.)/;
const NOT_BASE64 = /[^A-Za-z0-9+/=]/;

/** Fields of a body, read one by one; null counts as absent. */
export class Fields {
	private readonly read = new Set<string>();

	constructor(
		private readonly place: 'input' | 'parameters',
		private readonly values: Values,
	) {}

	has(name: string): boolean {
		return this.take(name) !== undefined;
	}

	require(name: string): void {
		const value = this.take(name);
		if (value === undefined || value === '') throw invalid(`Field required: ${this.of(name)}`);
	}

	/** Empty if absent. What is longer than `limit` is cut without a word. */
	text(name: string, limit: number, length: (character: string) => number = () => 1): string {
		const value = this.take(name) ?? '';
		if (typeof value !== 'string') throw invalid(`${this.of(name)} should be a string`);
		let left = limit;
		// By character, so that an emoji is one.
		return [...value].filter((character) => (left -= length(character)) >= 0).join('');
	}

	choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
		const value = this.take(name);
		return value === undefined ? undefined : this.oneOf(this.of(name), value, choices);
	}

	choices<T extends string>(name: string, choices: readonly T[]): T[] | undefined {
		return this.list(name)?.map((value, index) =>
			this.oneOf(`${this.of(name)}[${index}]`, value, choices),
		);
	}

	flag(name: string): boolean | undefined {
		const value = this.take(name);
		if (value === undefined || typeof value === 'boolean') return value;
		throw invalid(`${this.of(name)} should be a boolean`);
	}

	/** `also` is the one value outside the range that means something. */
	integer(name: string, range: Range, also?: number): number | undefined {
		const value = this.take(name);
		if (value === undefined) return undefined;
		if (typeof value !== 'number' || !Number.isInteger(value)) {
			throw invalid(`${this.of(name)} should be an integer`);
		}
		return value === also ? value : this.within(name, value, range, also);
	}

	number(name: string, range: Range): number | undefined {
		const value = this.take(name);
		if (value === undefined) return undefined;
		if (typeof value !== 'number') throw invalid(`${this.of(name)} should be a number`);
		return this.within(name, value, range);
	}

	/** A field that holds the URL of one file. */
	url(name: string, limits: Limits): MediaItem[] {
		const value = this.take(name);
		return value === undefined ? [] : [mediaItem(this.of(name), name, value, limits)];
	}

	/** A field that holds the URLs of several files. */
	urls(name: string, limits: Limits, [min, max]: Range): MediaItem[] {
		const urls = this.list(name) ?? [];
		if (urls.length < min || urls.length > max) {
			throw invalid(`${this.of(name)} must contain ${min} to ${max} URLs, got ${urls.length}`);
		}
		return urls.map((url, index) => mediaItem(`${this.of(name)}[${index}]`, name, url, limits));
	}

	/** The list `media` of typed items; each type has its limits and may occur so many times. */
	media(types: Record<string, { limits: Limits; count: Range }>, optional = false): MediaItem[] {
		if (!optional && !this.has('media')) throw invalid(`Field required: ${this.of('media')}`);
		const items = (this.list('media') ?? []).map((item, index) => {
			const place = `${this.of('media')}[${index}]`;
			if (!isObject(item)) throw invalid(`${place} should be an object`);
			const type = this.oneOf(`${place}.type`, item.type, Object.keys(types));
			const { limits } = types[type] ?? {};
			if (limits === undefined) throw invalid(`${place}.type is invalid`);
			return mediaItem(`${place}.url`, type, item.url, limits);
		});
		for (const [type, { count }] of Object.entries(types)) {
			const [min, max] = count;
			const got = items.filter((item) => item.type === type).length;
			if (got >= min && got <= max) continue;
			const wanted =
				min === max
					? `exactly one item of type ${type}`
					: `at most ${max} item${max === 1 ? '' : 's'} of type ${type}`;
			throw invalid(`${this.of('media')} must contain ${wanted}, got ${got}`);
		}
		return items;
	}

	/**
	 * Refuses every field that nobody has read. What the service does with those is not documented; a
	 * parameter of another model is more often a mistake than not.
	 */
	refuseOthers(model: string): void {
		const other = Object.keys(this.values).find(
			(name) => !this.read.has(name) && !SDK_EXTRAS.includes(name),
		);
		if (other !== undefined) throw invalid(`${this.of(other)} is not supported by ${model}`);
	}

	private take(name: string): unknown {
		this.read.add(name);
		return this.values[name] ?? undefined;
	}

	private of(name: string): string {
		return `${this.place}.${name}`;
	}

	private list(name: string): unknown[] | undefined {
		const value = this.take(name);
		if (value === undefined || Array.isArray(value)) return value;
		throw invalid(`${this.of(name)} should be an array`);
	}

	private oneOf<T extends string>(place: string, value: unknown, choices: readonly T[]): T {
		const choice = choices.find((known) => known === value);
		if (choice === undefined) throw invalid(`${place} must be one of ${choices.join(', ')}`);
		return choice;
	}

	private within(name: string, value: number, [min, max]: Range, also?: number): number {
		if (value >= min && value <= max) return value;
		const or = also === undefined ? '' : `${also} or `;
		const wanted = min === max ? String(min) : `between ${min} and ${max}`;
		throw invalid(`${this.of(name)} must be ${or}${wanted}`);
	}
}

function mediaItem(place: string, type: string, url: unknown, limits: Limits): MediaItem {
	if (url === undefined || url === null || url === '') throw invalid(`Field required: ${place}`);
	if (typeof url !== 'string') throw invalid(`${place} should be a string`);
	if (url.startsWith('data:')) {
		if (limits.kind !== 'image' || !limits.inline) {
			throw invalid(`${place}: this ${limits.kind} cannot be passed as base64 data`);
		}
		const head = IMAGE_DATA_URI.exec(url)?.[0];
		if (head === undefined || NOT_BASE64.test(url.slice(head.length))) {
			throw invalid(
				`${place} must be data:{mime};base64,{data} with image/jpeg, image/png, image/bmp or image/webp`,
			);
		}
	} else if (!/^oss:\/\/./.test(url)) {
		// Object keys may hold anything: the SDKs put the raw file name in, spaces included.
		const protocol = URL.canParse(url) ? new URL(url).protocol : '';
		if (!['http:', 'https:'].includes(protocol) || /\s/.test(url)) {
			throw new ApiError(
				400,
				'InvalidURL',
				'Required URL is missing or invalid, please check the request URL.',
			);
		}
	}
	return { type, url, limits };
}
