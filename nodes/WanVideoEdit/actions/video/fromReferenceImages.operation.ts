import type { INodeProperties } from 'n8n-workflow';
import { imageFields, readImages, readOfImages } from '../../fields/images';
import { promptExtend, seed, watermark } from '../../fields/settings';
import { size } from '../../fields/vaceSettings';
import { vaceReference } from '../../models/vacePlus';
import { modelOperation } from '../modelOperation';

const shows: INodeProperties = {
	displayName: 'Shows',
	name: 'shows',
	type: 'options',
	default: 'obj',
	description: 'What the video takes from this image. Only one image can be the background.',
	options: [
		{ name: 'Background', value: 'bg' },
		{ name: 'Object', value: 'obj', description: 'A person, an animal, clothes or a thing' },
	],
};

export const fromReferenceImages = modelOperation({
	option: {
		name: 'From Reference Images',
		description:
			'Make a 5-second video from images of people, things and a background. The result has no sound.',
		action: 'Make a video from reference images',
	},
	model: vaceReference,
	media: [],
	readMedia: readImages,
	fields: imageFields([vaceReference], false, shows),
	prompt: {
		placeholder: 'e.g. The girl in the red coat walks out of the misty forest and smiles',
		hint: 'Describe the whole video',
		description: 'What the video shows',
	},
	settings: [{ ...size, prominent: true }, promptExtend, seed, watermark],
	moreValues: (functions, item) => {
		const kinds = readOfImages(functions, item, 'shows').map((kind) => kind || 'obj');
		return { obj_or_bg: kinds.length === 0 ? undefined : kinds };
	},
});
