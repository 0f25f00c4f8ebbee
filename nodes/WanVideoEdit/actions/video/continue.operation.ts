import {
	negativePromptProperty,
	promptExtend,
	resolutionSetting,
	seed,
	watermark,
} from '../../fields/settings';
import type { Setting } from '../../fields/settings';
import { wan27I2v } from '../../models/wan27I2v';
import { modelOperation } from '../modelOperation';
import { part, video } from './media';

/** Length of the result, the input included: the result begins with it. */
export const totalDuration: Setting = {
	api: 'duration',
	prominent: true,
	property: {
		displayName: 'Duration (Seconds)',
		name: 'duration',
		type: 'number',
		typeOptions: { minValue: 2, maxValue: 15 },
		default: 10,
		description:
			'Length of the result, 2 to 15 seconds, including your video. For example, 10 with a 4-second video adds 6 seconds.',
		hint: 'Length of the whole result, including your video. You pay for all of it.',
	},
};

const resolution = resolutionSetting({
	description:
		'Size and price of the result. DashScope bills output seconds only; the rate depends on the resolution.',
	options: [
		{ name: '720P', value: '720P', description: 'About 1280 × 720' },
		{ name: '1080P', value: '1080P', description: 'About 1920 × 1080, at a higher price' },
	],
	hint: 'You pay for output seconds only. 1080P costs more.',
});

export const continueVideo = modelOperation({
	option: {
		name: 'Continue',
		description: 'Make a video longer. The model adds what happens next.',
		action: 'Continue a video',
	},
	model: wan27I2v,
	media: [
		{ ...video, description: 'Where the video to continue comes from. The result begins with it.' },
		part(
			'lastFrame',
			'Last Frame',
			'Where the last frame comes from. The result ends with this image.',
		),
	],
	prompt: {
		placeholder: 'e.g. The rider reaches the beach and gets off the bicycle',
		hint: 'Say what happens next, in any language',
		description: 'What happens after the end of the video',
	},
	settings: [totalDuration, resolution, promptExtend, seed, watermark],
	options: [negativePromptProperty],
});
