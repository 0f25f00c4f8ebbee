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
	hint: 'You pay for input seconds plus output seconds; 1080P costs 1.5 to 1.8 times as much',
	description:
		'Size and price of the result. DashScope bills input seconds plus output seconds at one rate, which depends on the resolution; failed tasks are free.',
	options: [
		tier(
			'720P',
			'About 1280 × 720. A 5-second video is billed as 10 seconds: about $1.00 or ¥6 with wan2.7-videoedit (prices as of September 2026).',
		),
		tier(
			'1080P',
			'About 1920 × 1080, at 1.5 to 1.8 times the price. A 5-second video costs about $1.50 or ¥10 with wan2.7-videoedit (prices as of September 2026).',
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
			'Length of the result, 2 to 30 seconds, and at most 30 together with the video. Without this option the model chooses it, usually as long as the video.',
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

/** Of the functions of the VACE model that start from a video, for which its reference recommends "off". */
export const promptExtendBesideVideo: Setting = {
	...promptExtend,
	property: {
		...promptExtend.property,
		default: false,
		description:
			'Whether to let DashScope rewrite the prompt in more detail. Without this option it does. Turn it off and describe the scene exactly if results stray from your video.',
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
			'A whole number from 0 to 2147483647. The same seed with the same input gives a similar result; without this option it is random.',
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

/** A choice among options. */
const choiceOf = (
	displayName: string,
	name: string,
	value: string,
	description: string,
	options: Array<[name: string, value: string, description?: string]>,
): INodeProperties => ({
	displayName,
	name,
	type: 'options',
	default: value,
	description,
	options: options.map(([label, one, text]) => ({ name: label, value: one, description: text })),
});

const numberOf = (
	displayName: string,
	name: string,
	value: number,
	typeOptions: INodeProperties['typeOptions'],
	description: string,
): INodeProperties => ({
	displayName,
	name,
	type: 'number',
	typeOptions,
	default: value,
	description,
});

/** Of the VACE model. */
export const size: Setting = {
	api: 'size',
	kind: 'text',
	property: choiceOf(
		'Size',
		'size',
		'1280*720',
		'Width and height of the result in pixels. Without this option it is 1280 × 720.',
		[
			['1088 × 832 (4:3)', '1088*832'],
			['1280 × 720 (16:9)', '1280*720'],
			['720 × 1280 (9:16)', '720*1280'],
			['832 × 1088 (3:4)', '832*1088'],
			['960 × 960 (1:1)', '960*960'],
		],
	),
};

const KEEPS = {
	posebodyface: ['Movement and Faces', 'Pose of the body, and the expressions of faces'],
	posebody: ['Movement', 'Pose of the body, without the face'],
	depth: ['Composition', 'What is near and what is far, and how it moves'],
	scribble: ['Lines', 'The sketch of the scene'],
} as const;

/** What the VACE model takes over from a video. @param values of the API that the function knows */
export function keep(
	displayName: string,
	description: string,
	values: ReadonlyArray<keyof typeof KEEPS>,
): Setting {
	const [first = 'depth'] = values;
	const options = values.map((value): [string, string, string] => {
		const [name, text] = KEEPS[value];
		return [name, value, text];
	});
	const property = choiceOf(displayName, 'keep', first, description, options);
	return { api: 'control_condition', kind: 'text', property };
}

export const strength: Setting = {
	api: 'strength',
	kind: 'number',
	property: numberOf(
		'Strength',
		'strength',
		1,
		{ minValue: 0, maxValue: 1, numberPrecision: 2 },
		'How closely the new video follows the old one, 0 to 1. Without this option it is 1.',
	),
};

/** Which of two fields asks for the mask. */
export const maskKind: INodeProperties = {
	displayName: 'Mask',
	name: 'mask',
	type: 'options',
	noDataExpression: true,
	default: 'image',
	description: 'What marks the area to edit, in pure white on pure black',
	options: [
		{
			name: 'Image',
			value: 'image',
			description:
				'Marks the area in one frame, which is then followed (recommended). Same size as the video.',
		},
		{
			name: 'Video',
			value: 'video',
			description: 'Marks the area in every frame. Same size, frame rate and length as the video.',
		},
	],
};

/** How a mask is applied. */
export const maskSettings: Setting[] = [
	{
		api: 'mask_type',
		kind: 'text',
		property: choiceOf(
			'Mask Type',
			'maskType',
			'tracking',
			'How the area of a mask image behaves during the video. Without this option it follows what the mask marks.',
			[
				['Fixed', 'fixed', 'The area stays where it is'],
				['Tracking', 'tracking', 'The area follows what the mask marks'],
			],
		),
	},
	{
		api: 'mask_frame_id',
		kind: 'number',
		property: numberOf(
			'Mask Frame',
			'maskFrame',
			1,
			{ minValue: 1 },
			'Number of the frame that a mask image belongs to. Without this option it is 1, the first frame.',
		),
	},
	{
		api: 'expand_ratio',
		kind: 'number',
		property: numberOf(
			'Expand Ratio',
			'expandRatio',
			0.05,
			{ minValue: 0, maxValue: 1, numberPrecision: 2 },
			'How far the edited area reaches beyond what the mask marks, from 0 (not at all) to 1, when Mask Type is Tracking. Without this option it is 0.05.',
		),
	},
	{
		api: 'expand_mode',
		kind: 'text',
		property: choiceOf(
			'Expand Mode',
			'expandMode',
			'hull',
			'Shape of the edited area when Mask Type is Tracking. Without this option it is a hull.',
			[
				['Bounding Box', 'bbox'],
				['Hull', 'hull', 'A polygon around what the mask marks'],
				['Original', 'original', 'The shape of the mask'],
			],
		),
	},
];

/** The shape that a frame is expanded to, or how far each side is. */
export const expandSettings: Setting[] = [
	{
		api: 'shape',
		kind: 'text',
		prominent: true,
		property: choiceOf(
			'Expand To',
			'shape',
			'9:16',
			'Shape that the video is expanded to, equally on both sides. The frame becomes at most 3 times as wide or tall, so 16:9 becomes almost 9:16.',
			[
				['1:1 (Square)', '1:1'],
				['16:9 (Landscape)', '16:9'],
				['3:4', '3:4'],
				['4:3', '4:3'],
				['9:16 (Portrait)', '9:16'],
				['Custom', 'custom', 'Choose how much is added to each side'],
			],
		),
	},
	...['Top', 'Bottom', 'Left', 'Right'].map((side): Setting => {
		const name = side.toLowerCase();
		const property = numberOf(
			side,
			`${name}Scale`,
			1,
			{ minValue: 1, maxValue: 2, numberPrecision: 3 },
			`How far to expand to the ${name}`,
		);
		return {
			api: `${name}_scale`,
			kind: 'number',
			prominent: true,
			property: {
				...property,
				hint: `1 adds nothing, 1.5 adds half of the video's ${side === 'Top' || side === 'Bottom' ? 'height' : 'width'}, 2 adds all of it`,
				displayOptions: { show: { shape: ['custom'] } },
			},
		};
	}),
];

/** Length of a result that begins with the input. */
export const totalDuration: Setting = {
	api: 'duration',
	kind: 'number',
	prominent: true,
	property: {
		...numberOf(
			'Duration (Seconds)',
			'duration',
			10,
			{ minValue: 2, maxValue: 15 },
			'Length of the result, 2 to 15 seconds. It includes the video: 10 with a 4-second video adds 6 seconds.',
		),
		hint: 'Length of the whole result, your video included. You pay for all of these seconds.',
	},
};

/** Of a model that bills the result only. */
export const outputResolution: Setting = {
	...resolution,
	property: {
		...choiceOf(
			'Resolution',
			'resolution',
			'720P',
			'Size and price of the result. DashScope bills output seconds at a rate that depends on the resolution.',
			[
				['720P', '720P', 'About 1280 × 720'],
				['1080P', '1080P', 'About 1920 × 1080, at a higher price'],
			],
		),
		hint: 'You pay for output seconds; 1080P costs more',
	},
};

/** Of wan2.2-animate-mix. */
export const quality: Setting = {
	api: 'mode',
	kind: 'text',
	prominent: true,
	property: choiceOf('Quality', 'mode', 'wan-std', 'Quality and price of the result', [
		['Standard', 'wan-std', 'Faster and cheaper'],
		['Professional', 'wan-pro', 'Smoother, at a higher price'],
	]),
};

export const checkImage: Setting = {
	api: 'check_image',
	kind: 'boolean',
	property: {
		displayName: 'Check Image',
		name: 'checkImage',
		type: 'boolean',
		default: true,
		description:
			'Whether DashScope should first check that the person image is suitable. Without this option it does.',
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
	const ids = [...new Set(models.map(({ id }) => id))];
	return { ...property, displayOptions: { ...more, hide: { ...hide, '/model': ids } } };
}

/** A field of some models only. */
export function shownFor(property: INodeProperties, models: readonly ModelSpec[]): INodeProperties {
	return { ...property, displayOptions: { show: { '/model': models.map(({ id }) => id) } } };
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
		const { name } = property;
		const from: JsonRecord = prominent
			? { [name]: functions.getNodeParameter(name, item, '') }
			: options;
		const value = readOne(from, kind, property);
		if (value !== undefined) values[api] = value;
	}
	return values;
}

function readOne(
	from: JsonRecord,
	kind: Setting['kind'],
	property: INodeProperties,
): string | number | boolean | undefined {
	const { name } = property;
	switch (kind) {
		case 'text':
			return textOption(from, name);
		case 'tier':
			return textOption(from, name)?.toUpperCase();
		case 'number':
			return numberOption(from, property);
		case 'boolean':
			return booleanOption(from, name);
	}
}
