import {
	negativePromptProperty,
	outputResolution,
	promptExtend,
	seed,
	totalDuration,
	watermark,
} from '../../fields/settings';
import { wan27I2v } from '../../models/wan27I2v';
import { modelOperation } from '../modelOperation';
import { part, video } from './media';

export const continueVideo = modelOperation({
	option: {
		name: 'Continue',
		description: 'Make a video longer: the model invents what happens next',
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
	settings: [totalDuration, outputResolution, promptExtend, seed, watermark],
	options: [negativePromptProperty],
});
