import { seed, watermark } from '../../fields/settings';
import type { Setting } from '../../fields/settings';
import { keep, promptExtendBesideVideo } from '../../fields/vaceSettings';
import { vaceRepaint } from '../../models/vacePlus';
import { modelOperation } from '../modelOperation';
import { referenceImage, vaceVideo } from './media';

const keepFromVideo = keep(
	vaceRepaint.values.control_condition,
	'What the new video takes from the old one; all else follows the prompt',
);

const strength: Setting = {
	api: 'strength',
	property: {
		displayName: 'Strength',
		name: 'strength',
		type: 'number',
		typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
		default: 1,
		description:
			'How closely the new video follows the old one, 0 to 1. Without this option it is 1.',
	},
};

export const repaint = modelOperation({
	option: {
		name: 'Repaint',
		description:
			'Make a new video that keeps the movement or composition of yours. The result has no sound.',
		action: 'Repaint a video',
	},
	model: vaceRepaint,
	media: [vaceVideo, referenceImage],
	prompt: {
		placeholder: 'e.g. A robot dances in a neon-lit street, comic style',
		hint: 'Describe the new video',
		description: 'What the new video shows',
	},
	settings: [
		{ ...keepFromVideo, prominent: true },
		strength,
		promptExtendBesideVideo,
		seed,
		watermark,
	],
	longVideo: true,
});
