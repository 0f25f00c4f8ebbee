import { watermark } from '../../fields/settings';
import type { Setting } from '../../fields/settings';
import { animateMix } from '../../models/animateMix';
import { modelOperation } from '../modelOperation';
import { video } from './media';

const quality: Setting = {
	api: 'mode',
	prominent: true,
	property: {
		displayName: 'Quality',
		name: 'mode',
		type: 'options',
		default: 'wan-std',
		description: 'Quality and price of the result',
		options: [
			{ name: 'Standard', value: 'wan-std', description: 'Faster and cheaper' },
			{ name: 'Professional', value: 'wan-pro', description: 'Smoother, at a higher price' },
		],
	},
};

const checkImage: Setting = {
	api: 'check_image',
	property: {
		displayName: 'Check Image',
		name: 'checkImage',
		type: 'boolean',
		default: true,
		description:
			'Whether DashScope checks first that the person image is suitable. Without this option, it does.',
	},
};

export const swapPerson = modelOperation({
	option: {
		name: 'Swap Person',
		description: 'Replace the person in a video with the person in an image',
		action: 'Swap the person in a video',
	},
	model: animateMix,
	media: [
		{
			...video,
			description: 'Where the video comes from. It must show one person, with the face visible.',
		},
		{
			place: 'person',
			label: 'Person Image',
			description: 'Where the image of the new person comes from. The face must be visible.',
			field: 'image',
		},
	],
	settings: [quality, checkImage, watermark],
	longVideo: true,
});
