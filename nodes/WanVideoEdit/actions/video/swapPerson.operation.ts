import { checkImage, quality, watermark } from '../../fields/settings';
import { animateMix } from '../../models/animateMix';
import { modelOperation } from '../modelOperation';
import { video } from './media';

export const swapPerson = modelOperation({
	option: {
		name: 'Swap Person',
		description: 'Put the person of a picture in the place of the person in a video',
		action: 'Swap the person in a video',
	},
	model: animateMix,
	media: [
		{
			...video,
			description: 'Where the video comes from. It shows one person, whose face is visible.',
		},
		{
			place: 'person',
			label: 'Person Image',
			description: 'Where the picture of the new person comes from. The face is visible.',
			field: 'image',
		},
	],
	settings: [quality, checkImage, watermark],
});
