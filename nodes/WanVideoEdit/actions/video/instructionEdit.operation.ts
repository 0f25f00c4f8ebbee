import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { editSettings } from '../../fields/editSettings';
import { mediaFields, readMedia } from '../../fields/media';
import { modelField } from '../../fields/model';
import { promptFields } from '../../fields/prompt';
import { EDIT_MODELS } from '../../models';
import { runModel } from '../runModel';
import { editModelOf, editResultFields } from './editModels';
import { video } from './media';

const prompt = promptFields(
	{
		placeholder: 'e.g. Turn the scene into claymation, keep everything else unchanged',
		hint: 'Say what to change and what to keep, in any language',
		description:
			'What to do with the video: add, remove or change things, the weather, light, background, style, an action, or the camera movement',
	},
	EDIT_MODELS,
	true,
);

export const option = {
	name: 'Instruction Edit',
	description: 'Edit a video with a text instruction',
	action: 'Edit a video by instruction',
};

export const fields: INodeProperties[] = [
	...mediaFields(video, EDIT_MODELS),
	...prompt,
	modelField,
	...editResultFields,
];

/** Edits the video of each item as its instruction says. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await runModel(this, {
		settings: editSettings,
		longVideo: true,
		readMedia: async (functions, item) => await readMedia(functions, item, video),
		modelOf: (functions, item) => {
			const [spec, id] = editModelOf(functions, item);
			return [{ ...spec, prompt: { ...spec.prompt, required: true } }, id];
		},
	});
}
