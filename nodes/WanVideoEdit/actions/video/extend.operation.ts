import { seed, watermark } from '../../fields/settings';
import { keep, promptExtendBesideVideo } from '../../fields/vaceSettings';
import { vaceExtend } from '../../models/vacePlus';
import { modelOperation } from '../modelOperation';
import { part } from './media';

const keepFromGuide = keep(
	vaceExtend.values.control_condition,
	'What the result takes from the motion guide. A motion guide needs this option.',
);

export const extend = modelOperation({
	option: {
		name: 'Extend',
		description:
			'Make a 5-second video that begins or ends with your clips or images. To make a video longer, use Continue.',
		action: 'Make a video that begins or ends with given clips',
	},
	model: vaceExtend,
	media: [
		{
			...part(
				'firstClip',
				'First Clip',
				'Where the first clip comes from. The result begins with it and has no sound.',
			),
			field: 'data',
			optional: 'used',
		},
		part('lastClip', 'Last Clip', 'Where the last clip comes from. The result ends with it.'),
		part(
			'firstFrame',
			'First Frame',
			'Where the first frame comes from. The result begins with this image.',
		),
		part(
			'lastFrame',
			'Last Frame',
			'Where the last frame comes from. The result ends with this image.',
		),
		{
			...part(
				'guide',
				'Motion Guide',
				"Where the motion guide comes from. The result follows the movement in this video. Also add the option 'Keep From the Motion Guide'.",
			),
			shows: "Also add the option 'Keep From the Motion Guide'",
		},
	],
	prompt: {
		placeholder: 'e.g. A dog runs across the meadow and jumps into the lake',
		hint: 'Describe the whole result',
		description: 'What happens in the result',
	},
	settings: [keepFromGuide, promptExtendBesideVideo, seed, watermark],
});
