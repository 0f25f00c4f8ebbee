import type { INodeProperties } from 'n8n-workflow';
import type { MediaField } from '../../fields/media';
import { seed, watermark } from '../../fields/settings';
import type { Setting } from '../../fields/settings';
import { keep, promptExtendBesideVideo, size } from '../../fields/vaceSettings';
import { vaceEdit } from '../../models/vacePlus';
import { modelOperation } from '../modelOperation';
import { referenceImage, vaceVideo } from './media';

const mask = (kind: 'Image' | 'Video'): MediaField => ({
	place: `mask${kind}`,
	label: `Mask ${kind}`,
	description: 'Where the mask comes from. White marks what to edit, black what to keep.',
	field: 'mask',
	shows: 'White marks what to edit, black what to keep',
	show: { mask: [kind.toLowerCase()] },
});

/** Which of two fields asks for the mask. */
const maskKind: INodeProperties = {
	displayName: 'Mask',
	name: 'mask',
	type: 'options',
	noDataExpression: true,
	default: 'image',
	description: 'What marks the area to edit: white (edit) on black (keep)',
	options: [
		{
			name: 'Image',
			value: 'image',
			description:
				'Marks the area in one frame; the area then follows it (recommended). Same size as the video.',
		},
		{
			name: 'Video',
			value: 'video',
			description: 'Marks the area in every frame. Same size, frame rate and length as the video.',
		},
	],
};

/** How a mask image is applied. */
const maskSettings: Setting[] = [
	{
		api: 'mask_type',
		property: {
			displayName: 'Mask Type',
			name: 'maskType',
			type: 'options',
			default: 'tracking',
			description: 'Whether the area moves with what the mask marks. Without this option, it does.',
			options: [
				{ name: 'Fixed', value: 'fixed', description: 'The area stays where it is' },
				{
					name: 'Tracking',
					value: 'tracking',
					description: 'The area follows what the mask marks',
				},
			],
		},
	},
	{
		api: 'mask_frame_id',
		property: {
			displayName: 'Mask Frame',
			name: 'maskFrame',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 1,
			description:
				'Number of the frame that the mask image was made for. Without this option, it is 1, the first frame.',
		},
	},
	{
		api: 'expand_ratio',
		property: {
			displayName: 'Expand Ratio',
			name: 'expandRatio',
			type: 'number',
			typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
			default: 0.05,
			description:
				'How far the edited area extends beyond the mask, from 0 (not at all) to 1. Only with Mask Type Tracking. Without this option, it is 0.05.',
		},
	},
	{
		api: 'expand_mode',
		property: {
			displayName: 'Expand Mode',
			name: 'expandMode',
			type: 'options',
			default: 'hull',
			description:
				'Shape of the edited area. Only with Mask Type Tracking. Without this option, it is Hull.',
			options: [
				{
					name: 'Bounding Box',
					value: 'bbox',
					description: 'A rectangle around what the mask marks',
				},
				{ name: 'Hull', value: 'hull', description: 'A polygon around what the mask marks' },
				{ name: 'Original', value: 'original', description: 'The shape of the mask' },
			],
		},
	},
];

export const editArea = modelOperation({
	option: {
		name: 'Edit Area',
		description:
			'Change only the area that you mark in a black-and-white image (a mask). The result has no sound.',
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
			vaceEdit.values.control_condition,
			'What the edited area takes from the video. Without this option, it takes nothing.',
		),
		size,
		promptExtendBesideVideo,
		seed,
		watermark,
	],
});
