import { seed, watermark } from '../../fields/settings';
import type { Setting } from '../../fields/settings';
import { promptExtendBesideVideo } from '../../fields/vaceSettings';
import { vaceExpand } from '../../models/vacePlus';
import { modelOperation } from '../modelOperation';
import { vaceVideo } from './media';

const expandTo: Setting = {
	api: 'shape',
	prominent: true,
	property: {
		displayName: 'Expand To',
		name: 'shape',
		type: 'options',
		default: '9:16',
		description:
			'Shape to expand the video to, equally on both sides. Width or height can grow to at most 3 times its size, so 16:9 becomes almost 9:16.',
		options: [
			{ name: '1:1 (Square)', value: '1:1' },
			{ name: '16:9 (Landscape)', value: '16:9' },
			{ name: '3:4', value: '3:4' },
			{ name: '4:3', value: '4:3' },
			{ name: '9:16 (Portrait)', value: '9:16' },
			{ name: 'Custom', value: 'custom', description: 'Choose how much is added to each side' },
		],
	},
};

const SIDES = [
	['Top', 'height'],
	['Bottom', 'height'],
	['Left', 'width'],
	['Right', 'width'],
] as const;

/** How far one side is expanded, where the user chooses so. @param length of the video that the scale is a part of */
function expandSide([side, length]: (typeof SIDES)[number]): Setting {
	const name = side.toLowerCase();
	return {
		api: `${name}_scale`,
		prominent: true,
		property: {
			displayName: side,
			name: `${name}Scale`,
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 2, numberPrecision: 3 },
			default: 1,
			description: `How far to expand to the ${name}`,
			hint: `1 adds nothing, 1.5 adds half of the video's ${length}, 2 adds its full ${length}`,
			displayOptions: { show: { shape: ['custom'] } },
		},
	};
}

export const expandFrame = modelOperation({
	option: {
		name: 'Expand Frame',
		description:
			'Add scenery around a video, for example to turn landscape into portrait. The result has no sound.',
		action: 'Expand the frame of a video',
	},
	model: vaceExpand,
	media: [vaceVideo],
	prompt: {
		placeholder: 'e.g. A street at night, with tall buildings above and wet cobblestones below',
		hint: 'Describe the whole scene, including the new parts',
		description: 'What the video shows, and what appears in the new parts',
	},
	settings: [expandTo, ...SIDES.map(expandSide), promptExtendBesideVideo, seed, watermark],
	longVideo: true,
});
