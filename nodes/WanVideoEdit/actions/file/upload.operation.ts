import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { dashScopeClient } from '../../../shared/dashscope/client';
import { MOST_LOOKS, toUpload } from '../../../shared/media/sources';
import { binaryFileOf } from '../../../shared/n8n/binary';
import { n8nPorts } from '../../../shared/n8n/bindPorts';
import { eachItem } from '../../../shared/n8n/eachItem';
import { memoryOf } from '../../../shared/n8n/nodeMemory';
import { Semaphore } from '../../../shared/tasks/semaphore';
import { UPLOAD_LASTS_MS, Uploads } from '../../../shared/tasks/uploads';
import { anyModelField, readModel } from '../../fields/model';
import { DEFAULT_TRANSFERS } from '../../fields/options';
import { fileParameter } from '../../fields/read';
import { regionalId } from '../../models';
import { checkUpload } from '../../models/checkUpload';

export const option = {
	name: 'Upload',
	description: 'Upload a video or an image once, to use it in many edits with one model',
	action: 'Upload a file',
};

const inputField: INodeProperties = {
	displayName: 'Input Binary Field',
	name: 'fileField',
	type: 'string',
	required: true,
	default: 'data',
	hint: "The name of the input binary field containing the video or image, as shown on the input's Binary tab",
	description:
		'The file is uploaded to DashScope and deleted there after 48 hours. The output is an oss:// address for the URL fields of this node. Other programs cannot open it.',
};

export const fields: INodeProperties[] = [
	inputField,
	{
		...anyModelField,
		hint: 'Only this model can use the uploaded file, so choose the model that you will edit with',
		description: 'The model that will use the file. The file is checked against its limits.',
	},
];

/** Uploads the file of each item. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const client = await dashScopeClient(this);
	const ports = n8nPorts(this, client);
	const uploads = new Uploads(ports, memoryOf(this).uploads, DEFAULT_TRANSFERS);
	const looks = new Semaphore(MOST_LOOKS);
	return await eachItem(this, async (item) => {
		const model = regionalId(readModel(this, item), client.baseUrl);
		const { displayName, name } = inputField;
		const field = fileParameter(this, name, item);
		const file = await binaryFileOf(this, item, displayName, field);
		const checked = await looks.run(
			async () => await checkUpload(model, { from: 'binary', field: displayName, file }),
		);
		const { url, uploadedAt } = await uploads.stored(model, toUpload(checked));
		const json = {
			url,
			expiresAt: new Date(uploadedAt + UPLOAD_LASTS_MS).toISOString(),
			model,
			fileName: file.fileName ?? null,
			mimeType: checked.format.mimeType,
			bytes: file.size,
		};
		return [{ json, pairedItem: { item } }];
	});
}
