import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { imageFields, readImages } from '../../fields/images';
import { resultFields } from '../../fields/common';
import { videoSourceFields } from '../../fields/source';
import { editItems } from '../../../shared/n8n/runItems';

const prompt: INodeProperties = {
	displayName: 'Prompt',
	name: 'prompt',
	type: 'string',
	typeOptions: { rows: 4 },
	default: '',
	placeholder: 'e.g. Put the striped sweater from Image 1 on him, keep everything else unchanged',
	hint: 'Refer to the pictures as "Image 1", "Image 2", …; up to 5000 characters, in any language',
	description: 'What to do with the video and the reference images',
};

export const fields: INodeProperties[] = [
	...videoSourceFields,
	...imageFields,
	prompt,
	...resultFields,
];

/** Edits the video of each item with its reference images. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await editItems(this, { promptRequired: false, readImages });
}
