import { expandSettings, promptExtendBesideVideo, seed, watermark } from '../../fields/settings';
import { vaceExpand } from '../../models/vacePlus';
import { modelOperation } from '../modelOperation';
import { vaceVideo } from './media';

export const expandFrame = modelOperation({
	option: {
		name: 'Expand Frame',
		description:
			'Add scenery around a video, for example to turn landscape into portrait; the result has no sound',
		action: 'Expand the frame of a video',
	},
	model: vaceExpand,
	media: [vaceVideo],
	prompt: {
		placeholder: 'e.g. A street at night, with tall buildings above and wet cobblestones below',
		hint: 'Describe the whole scene, the new parts included',
		description: 'What the video shows, and what is to be seen in the new parts',
	},
	settings: [...expandSettings, promptExtendBesideVideo, seed, watermark],
	longVideo: true,
});
