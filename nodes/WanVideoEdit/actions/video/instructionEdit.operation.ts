import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { resultFields } from '../../fields/common';
import { videoSourceFields } from '../../fields/source';
import { editItems } from '../../../shared/n8n/runItems';

const prompt: INodeProperties = {
	displayName: 'Prompt',
	name: 'prompt',
	type: 'string',
	typeOptions: { rows: 4 },
	required: true,
	default: '',
	placeholder: 'e.g. Turn the scene into claymation, keep everything else unchanged',
	hint: 'Say what to change and what to keep, up to 5000 characters, in any language',
	description:
		'What to do with the video: add, remove or change things, weather, light, background, style, an action, or the camera move',
};

export const fields: INodeProperties[] = [...videoSourceFields, prompt, ...resultFields];

/** Edits the video of each item as its instruction says. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await editItems(this, {
		promptRequired: true,
		readImages: async () => await Promise.resolve([]),
	});
}
