/** The settings of the models that edit a video by instruction, each shown with the models that take it. */
import { EDIT_MODELS } from '../models';
import type { ModelSpec } from '../models/spec';
import { WAN27_PRICES, wan27VideoEdit } from '../models/wan27VideoEdit';
import { wan3Video, wan3VideoPrime } from '../models/wan3Video';
import { hiddenFor, shownFor } from './byModel';
import { PRICE_MONTH } from './price';
import { promptExtend, resolutionSetting, seed, watermark } from './settings';
import type { Setting } from './settings';

/** What a video of 5 seconds costs; it is billed as 10, input plus output. */
function priceOf5Seconds(tier: '720P' | '1080P'): string {
	const { USD, CNY } = WAN27_PRICES;
	return `With ${wan27VideoEdit.id}, 5 seconds cost about $${(USD[tier] * 10).toFixed(2)} or ¥${CNY[tier] * 10} (as of ${PRICE_MONTH})`;
}

const resolution = resolutionSetting({
	hint: 'You pay for input seconds plus output seconds. 1080P costs 1.5 to 1.8 times as much.',
	description:
		'Size and price of the result. DashScope bills input seconds plus output seconds; the rate depends on the resolution. Failed tasks are free.',
	options: [
		{
			name: '720P',
			value: '720P',
			description: `About 1280 × 720. ${priceOf5Seconds('720P')}.`,
		},
		{
			name: '1080P',
			value: '1080P',
			description: `About 1920 × 1080. ${priceOf5Seconds('1080P')}.`,
		},
	],
});

const resolutionOfWan3: Setting = {
	...resolution,
	property: {
		...resolution.property,
		hint: 'You pay for input seconds plus output seconds. A higher resolution costs more.',
		options: [
			{ name: '480P', value: '480P', description: 'About 832 × 480, the cheapest' },
			{ name: '720P', value: '720P', description: 'About 1280 × 720' },
			{ name: '1080P', value: '1080P', description: 'About 1920 × 1080, the most expensive' },
		],
	},
};

const ratio: Setting = {
	api: 'ratio',
	property: {
		displayName: 'Aspect Ratio',
		name: 'ratio',
		type: 'options',
		default: '16:9',
		description: 'Shape of the result. Without this option, it is about that of the input video.',
		options: [
			{ name: '1:1 (Square)', value: '1:1' },
			{ name: '16:9 (Landscape)', value: '16:9' },
			{ name: '3:4', value: '3:4' },
			{ name: '4:3', value: '4:3' },
			{ name: '9:16 (Portrait)', value: '9:16' },
		],
	},
};

const ratioOfWan3: Setting = {
	...ratio,
	property: {
		...ratio.property,
		name: 'ratio3',
		options: [...(ratio.property.options ?? []), { name: '21:9 (Cinema)', value: '21:9' }],
	},
};

const duration: Setting = {
	api: 'duration',
	property: {
		displayName: 'Duration (Seconds)',
		name: 'duration',
		type: 'number',
		typeOptions: { minValue: 0, maxValue: 10 },
		default: 0,
		description:
			'Length of the result. 0 keeps the length of the video; with 2 to 10, only that much of its beginning is used. Shorter results cost less.',
	},
};

const durationOfWan3: Setting = {
	...duration,
	property: {
		...duration.property,
		name: 'duration3',
		typeOptions: { minValue: 2, maxValue: 30 },
		default: 5,
		description:
			'Length of the result, 2 to 30 seconds. Video and result together can have at most 30 seconds. Without this option, the model chooses, usually the length of the video.',
	},
};

const audioSetting: Setting = {
	api: 'audio_setting',
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
				description: 'The model decides, and may create new sound',
			},
			{ name: 'Keep Original', value: 'origin', description: 'Keep the sound of your video' },
		],
	},
};

const audioOfWan3: Setting = {
	api: 'audio',
	property: {
		displayName: 'Generate Audio',
		name: 'audio',
		type: 'boolean',
		default: true,
		description: 'Whether the result has sound',
	},
};

const WAN3: readonly ModelSpec[] = [wan3Video, wan3VideoPrime];

/** Hidden with models that do not take it, and with some that take other values of it. */
function common(setting: Setting, others: readonly ModelSpec[] = []): Setting {
	const without = EDIT_MODELS.filter(
		(spec) => others.includes(spec) || !(setting.api in spec.values),
	);
	return { ...setting, property: hiddenFor(setting.property, without) };
}

/**
 * Shown with Wan 3.0 only, and so hidden with models that this node does not know: they get the fields of the default
 * model.
 */
const ofWan3 = (setting: Setting): Setting => ({
	...setting,
	property: shownFor(setting.property, WAN3),
});

export const editSettings: readonly Setting[] = [
	common(resolution, WAN3),
	ofWan3(resolutionOfWan3),
	common(ratio, WAN3),
	ofWan3(ratioOfWan3),
	common(duration, WAN3),
	ofWan3(durationOfWan3),
	common(audioSetting),
	ofWan3(audioOfWan3),
	...[promptExtend, seed, watermark].map((setting) => common(setting)),
];
