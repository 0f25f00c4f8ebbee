import { keep, promptExtendBesideVideo, seed, strength, watermark } from '../../fields/settings';
import { vaceRepaint } from '../../models/vacePlus';
import { modelOperation } from '../modelOperation';
import { referenceImage, vaceVideo } from './media';

const keepFromVideo = keep(
	'Keep From the Video',
	'What the new video takes from the old one; all else follows the prompt',
	['posebodyface', 'posebody', 'depth', 'scribble'],
);

export const repaint = modelOperation({
	option: {
		name: 'Repaint',
		description: 'Make a new video, without sound, with the movement or composition of another one',
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
