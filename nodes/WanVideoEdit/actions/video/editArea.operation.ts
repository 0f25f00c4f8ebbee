import type { MediaField } from '../../fields/media';
import {
	keep,
	maskKind,
	maskSettings,
	promptExtendBesideVideo,
	seed,
	size,
	watermark,
} from '../../fields/settings';
import { vaceEdit } from '../../models/vacePlus';
import { modelOperation } from '../modelOperation';
import { referenceImage, vaceVideo } from './media';

const mask = (kind: 'Image' | 'Video'): MediaField => ({
	place: `mask${kind}`,
	label: `Mask ${kind}`,
	description: 'Where the mask comes from: white where to edit, black where to keep',
	field: 'mask',
	shows: 'white where to edit and black where to keep',
	show: { mask: [kind.toLowerCase()] },
});

export const editArea = modelOperation({
	option: {
		name: 'Edit Area',
		description: 'Change only the part of a video that a mask marks; the result has no sound',
		action: 'Edit an area of a video',
	},
	model: vaceEdit,
	media: [vaceVideo, mask('Image'), mask('Video'), referenceImage],
	prompt: {
		placeholder: 'e.g. A brown lion sits in the armchair by the window',
		hint: 'Describe the whole scene after the edit',
		description: 'What the video shows after the edit',
	},
	fields: [maskKind],
	settings: [
		...maskSettings,
		keep(
			'Keep From the Video',
			'What the edited area takes from the video. Without this option it takes nothing.',
			['posebodyface', 'depth'],
		),
		size,
		promptExtendBesideVideo,
		seed,
		watermark,
	],
});
