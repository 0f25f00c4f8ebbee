/** What a model is, as plain data: one constant per model or function says all of it. Pure. */
import type { PriceList } from '../../shared/billing/price';
import type { JsonRecord } from '../../shared/dashscope/types';
import type { CheckedMedia, ResolvedMedia } from '../../shared/media/sources';
import type { MediaLimits, MediaSource } from '../../shared/media/types';

/** A setting of a request by its name in the API; absent where the user set none. */
export type Values = Partial<Record<string, string | number | boolean | string[]>>;

/** What the user asks a model for. */
export interface ModelRequest {
	/** ID of the model, as it is sent. */
	model: string;
	prompt?: string;
	negativePrompt?: string;
	media: RequestMedia[];
	values: Values;
}

/** A file of a request, and which of the operation's places it is for. */
export interface RequestMedia {
	/** Such as `video`, `image`, `mask` or `lastFrame`. */
	place: string;
	source: MediaSource;
}

/** A place for files. */
export interface SlotRule {
	/** The operation's name for it. */
	place: string;
	/** The model's name for it: `type` of an entry of `input.media`, or a key of `input`. */
	type: string;
	/** For messages, in the singular: "reference image". */
	noun: string;
	least: number;
	most: number;
	limits: MediaLimits;
	/** Whether small files may travel as data URIs. */
	inline: boolean;
}

/** What a setting may be. `label` is the field's display name. */
export type ValueRule = { label: string } & (
	| { kind: 'choice'; of: readonly string[]; required?: boolean }
	| {
			kind: 'integer' | 'number';
			min: number;
			max: number;
			/** A value outside the range with a meaning of its own. */
			also?: number;
			/** What to do, where the range alone does not say it. */
			hint?: string;
	  }
	| { kind: 'boolean' }
	| { kind: 'choices'; of: readonly string[] }
);

/** A model, or one of its functions: what it takes, what it is sent, and what it costs. */
export interface ModelSpec {
	/** ID of the model; dated snapshots of it count as the same. */
	id: string;
	/** Display name, with what it is for where that is not any edit. */
	name: string;
	/** ID in China (Beijing), where it differs. */
	beijingId?: string;
	/** Path of the create call below `/api/v1`; absent for that of most video models. */
	path?: string;
	/** The account's limit; absent for that of most video models, 5. */
	createsPerSecond?: number;
	prompt: {
		/** Characters. */
		most: number;
		required: boolean;
		/** Whether a Chinese character counts as two. */
		chineseCountsTwice?: boolean;
	};
	/** Characters; absent for a model without one. */
	negativePrompt?: number;
	slots: readonly SlotRule[];
	/** By name in the API, in the order in which they are sent. */
	values: Readonly<Record<string, ValueRule>>;
	/**
	 * What only the files tell: checks them against each other, and works out values that depend on them.
	 * @throws InputError
	 */
	fit?(request: ModelRequest, media: CheckedMedia[]): ModelRequest;
	/** The body of the create call; undefined values are not sent as JSON. */
	body(request: ModelRequest, media: ResolvedMedia[]): JsonRecord;
	/**
	 * The seconds that are billed, as far as they can be told before.
	 * @param inputSeconds length of the video; undefined where the model is given none, or it is not known
	 */
	billed(values: Values, inputSeconds?: number): { input: number; output: number } | undefined;
	/** The most that may be billed, where {@link billed} tells only what is likely. */
	mostBilled?: ModelSpec['billed'];
	/** Tier of the price list, as the `usage` of a finished task calls it; absent: the resolution. */
	tier?(values: Values): string;
	/** Absent where the official prices are not known. */
	prices?: PriceList;
}

/** A place for one file. @param more what differs from a place that must be filled, with a file that is uploaded */
export function slot(
	place: string,
	type: string,
	noun: string,
	limits: MediaLimits,
	more: Partial<SlotRule> = {},
): SlotRule {
	return { place, type, noun, least: 1, most: 1, limits, inline: false, ...more };
}

/** The place for the video that is edited, and whose seconds are billed; undefined for a model without one. */
export function videoSlotOf({ slots }: ModelSpec): SlotRule | undefined {
	return slots.find(({ place }) => place === 'video');
}

/** The values of a request in the order of its model's table. */
export function valuesIn({ values }: Pick<ModelSpec, 'values'>, set: Values): JsonRecord {
	return Object.fromEntries(Object.keys(values).map((name) => [name, set[name]]));
}

/** The body of the models that take their files as `input.media`. */
export function mediaBody(
	spec: Pick<ModelSpec, 'values'>,
	{ model, prompt, negativePrompt, values }: ModelRequest,
	media: ResolvedMedia[],
): JsonRecord {
	return {
		model,
		input: {
			prompt: prompt || undefined,
			negative_prompt: negativePrompt || undefined,
			media: media.map(({ type, url }) => ({ type, url })),
		},
		parameters: valuesIn(spec, values),
	};
}
