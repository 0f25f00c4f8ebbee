/** The settings of models: how each is shown, and its name in the API. */
import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import type { JsonRecord } from '../../shared/dashscope/types';
import type { ModelSpec, Values } from '../models/spec';
import { booleanOption, collectionParameter, numberOption, textOption } from './read';

export interface Setting {
	/** Its name in the API. */
	api: string;
	/** A tier is text in capitals. */
	kind: 'text' | 'tier' | 'number' | 'boolean';
	/** Shown in the node itself; else under Options, where what is not added is not sent. */
	prominent?: boolean;
	property: INodeProperties;
}

const tier = (name: string, description: string) => ({ name, value: name, description });

const resolutionProperty: INodeProperties = {
	displayName: 'Resolution',
	name: 'resolution',
	type: 'options',
	default: '720P',
	hint: 'You pay for input seconds plus output seconds; 1080P costs about 1.5 times as much',
	description:
		'Size and price of the result. DashScope bills input seconds plus output seconds at one rate, which depends on the resolution; failed tasks are free.',
	options: [
		tier(
			'720P',
			'About 1280 × 720. A 5-second video costs 10 billed seconds: about $1.00 or ¥6 with wan2.7-videoedit (prices as of September 2026).',
		),
		tier(
			'1080P',
			'About 1920 × 1080, at about 1.5 times the price. A 5-second video costs about $1.50 or ¥10 with wan2.7-videoedit (prices as of September 2026).',
		),
	],
};

export const resolution: Setting = {
	api: 'resolution',
	kind: 'tier',
	prominent: true,
	property: resolutionProperty,
};

/** For models that also make small videos. */
export const resolution480: Setting = {
	...resolution,
	property: {
		...resolutionProperty,
		hint: 'You pay for input seconds plus output seconds; a higher resolution costs more',
		options: [
			tier('480P', 'About 832 × 480, the cheapest'),
			tier('720P', 'About 1280 × 720'),
			tier('1080P', 'About 1920 × 1080, the most expensive'),
		],
	},
};

export const ratio: Setting = {
	api: 'ratio',
	kind: 'text',
	property: {
		displayName: 'Aspect Ratio',
		name: 'ratio',
		type: 'options',
		default: '16:9',
		description:
			'Shape of the result. Without this option it follows the input video approximately.',
		options: [
			{ name: '1:1 (Square)', value: '1:1' },
			{ name: '16:9 (Landscape)', value: '16:9' },
			{ name: '3:4', value: '3:4' },
			{ name: '4:3', value: '4:3' },
			{ name: '9:16 (Portrait)', value: '9:16' },
		],
	},
};

/** Of the Wan 3.0 models. */
export const ratio3: Setting = {
	...ratio,
	property: {
		...ratio.property,
		name: 'ratio3',
		options: [...(ratio.property.options ?? []), { name: '21:9 (Cinema)', value: '21:9' }],
	},
};

export const duration: Setting = {
	api: 'duration',
	kind: 'number',
	property: {
		displayName: 'Duration (Seconds)',
		name: 'duration',
		type: 'number',
		typeOptions: { minValue: 0, maxValue: 10 },
		default: 0,
		description:
			'Length of the result: 0 keeps the length of the video, 2 to 10 uses only that much from its beginning. Shorter results cost less.',
	},
};

/** Of the Wan 3.0 models. */
export const duration3: Setting = {
	...duration,
	property: {
		...duration.property,
		name: 'duration3',
		typeOptions: { minValue: 2, maxValue: 30 },
		default: 5,
		description:
			'Length of the result, 2 to 30 seconds. Without this option it is as long as the video.',
	},
};

export const audioSetting: Setting = {
	api: 'audio_setting',
	kind: 'text',
	property: {
		displayName: 'Audio',
		name: 'audioSetting',
		type: 'options',
		default: 'auto',
		description: 'What happens to the sound of the video',
		options: [
			{
				name: 'Auto',
				value: 'auto',
				description: 'The model decides from the prompt and may make new sound',
			},
			{ name: 'Keep Original', value: 'origin', description: 'The sound of the input is kept' },
		],
	},
};

/** Of the Wan 3.0 models. */
export const generateAudio: Setting = {
	api: 'audio',
	kind: 'boolean',
	property: {
		displayName: 'Generate Audio',
		name: 'audio',
		type: 'boolean',
		default: true,
		description: 'Whether the result has sound',
	},
};

export const promptExtend: Setting = {
	api: 'prompt_extend',
	kind: 'boolean',
	property: {
		displayName: 'Extend Prompt',
		name: 'promptExtend',
		type: 'boolean',
		default: true,
		description:
			'Whether to let DashScope rewrite the prompt in more detail, which helps short prompts and takes a little longer',
	},
};

export const seed: Setting = {
	api: 'seed',
	kind: 'number',
	property: {
		displayName: 'Seed',
		name: 'seed',
		type: 'number',
		typeOptions: { minValue: 0, maxValue: 2147483647 },
		default: 0,
		description:
			'The same number with the same input gives a similar result, 0 to 2147483647. Without this option it is random.',
	},
};

export const watermark: Setting = {
	api: 'watermark',
	kind: 'boolean',
	property: {
		displayName: 'Watermark',
		name: 'watermark',
		type: 'boolean',
		default: false,
		description: 'Whether to mark the result as made by AI, in its bottom right corner',
	},
};

/** Not a value of `parameters`, but shown and hidden like one. */
export const negativePromptProperty: INodeProperties = {
	displayName: 'Negative Prompt',
	name: 'negativePrompt',
	type: 'string',
	typeOptions: { rows: 2 },
	default: '',
	placeholder: 'e.g. blurry, low quality',
	description: 'What the result should not show, up to 500 characters',
};

/** A field that is hidden while one of these models is chosen; IDs that the node does not know hide nothing. */
export function hiddenFor(
	property: INodeProperties,
	models: readonly ModelSpec[],
): INodeProperties {
	if (models.length === 0) return property;
	const { displayOptions: { hide, ...more } = {} } = property;
	const ids = models.map(({ id }) => id);
	return { ...property, displayOptions: { ...more, hide: { ...hide, '/model': ids } } };
}

/**
 * The values that the user set. A setting that does not show with the chosen model is not read.
 * @throws InputError for what is not a number
 */
export function readValues(
	functions: IExecuteFunctions,
	item: number,
	settings: readonly Setting[],
): Values {
	const options = collectionParameter(functions, 'options', item);
	const values: Values = {};
	for (const { api, kind, prominent, property } of settings) {
		const { name, displayName } = property;
		const from: JsonRecord = prominent
			? { [name]: functions.getNodeParameter(name, item, '') }
			: options;
		const value = readOne(from, name, kind, displayName);
		if (value !== undefined) values[api] = value;
	}
	return values;
}

function readOne(
	from: JsonRecord,
	name: string,
	kind: Setting['kind'],
	displayName: string,
): string | number | boolean | undefined {
	switch (kind) {
		case 'text':
			return textOption(from, name);
		case 'tier':
			return textOption(from, name)?.toUpperCase();
		case 'number':
			return numberOption(from, name, displayName.replace(/ \(.*\)$/, ''));
		case 'boolean':
			return booleanOption(from, name);
	}
}
