import { checkImage, quality, watermark } from '../../fields/settings';
import { animateMix } from '../../models/animateMix';
import { modelOperation } from '../modelOperation';
import { video } from './media';

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
