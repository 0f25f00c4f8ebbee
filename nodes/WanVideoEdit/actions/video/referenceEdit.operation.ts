import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { editSettings } from '../../fields/editSettings';
import { imageFields, readImages } from '../../fields/images';
import { mediaFields, readMedia } from '../../fields/media';
import { modelField } from '../../fields/model';
import { promptFields } from '../../fields/prompt';
import { EDIT_MODELS } from '../../models';
import { runModel } from '../runModel';
import { editModelOf, editResultFields } from './editModels';
import { video } from './media';

const prompt = promptFields(
	{
		placeholder: 'e.g. Put the striped sweater from Image 1 on him, keep everything else unchanged',
		hint: 'Refer to the images as "Image 1", "Image 2", …, in any language',
		description: 'What to do with the video and the reference images',
	},
	EDIT_MODELS,
);

export const option = {
	name: 'Reference Edit',
	description: 'Edit a video with the help of reference images',
	action: 'Edit a video with reference images',
};

export const fields: INodeProperties[] = [
	...mediaFields(video, EDIT_MODELS),
	...prompt,
	...imageFields(EDIT_MODELS, true),
	modelField,
	...editResultFields,
];

/** Edits the video of each item with its reference images. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await runModel(this, {
		settings: editSettings,
		longVideo: true,
		readMedia: async (functions, item) => [
			...(await readMedia(functions, item, video)),
			...(await readImages(functions, item)),
		],
		modelOf: (functions, item) => {
			const [spec, id] = editModelOf(functions, item);
			const slots = spec.slots.map((slot) =>
				slot.place === 'image' ? { ...slot, least: 1 } : slot,
			);
			return [{ ...spec, slots }, id];
		},
	});
}
