import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { isRecord } from '../../shared/dashscope/json';
import type { JsonRecord } from '../../shared/dashscope/types';
import { HEAD_BYTES, detectFormat, isPicture } from '../../shared/media/formats';
import { describeLimits } from '../../shared/media/limits';
import type { MediaSource } from '../../shared/media/types';
import { binaryDataOf, binaryFieldsOf, binaryFileOf, fileOf } from '../../shared/n8n/binary';
import type { ModelSpec, RequestMedia } from '../models/spec';
import { byModel } from './byModel';
import { collectionParameter, textParameter, toFile, toText } from './read';

/** How many images of which kind a model takes, for a hint. */
function hintOf({ slots }: ModelSpec): string {
	const slot = slots.find(({ place }) => place === 'image');
	return slot === undefined
		? ''
		: `Up to ${slot.most} images. Accepted: ${describeLimits(slot.limits)}.`;
}

/**
 * The reference images.
 * @param models that the user can choose from, the default first
 * @param numbered whether the prompt calls them "Image 1", "Image 2" …
 * @param more further fields of each image
 */
export const imageFields = (
	models: readonly ModelSpec[],
	numbered: boolean,
	...more: INodeProperties[]
): INodeProperties[] => [
	// n8n shows no hint below a list, so it stands below the choice before the list.
	...byModel(
		{
			displayName: 'Reference Images',
			name: 'imageSource',
			type: 'options',
			noDataExpression: true,
			default: 'list',
			description: 'The images that the prompt can refer to. They cost nothing extra.',
			options: [
				{
					name: 'All Images of the Item',
					value: 'allImages',
					description:
						'All binary fields of the item that contain an image, such as the files of a form field',
				},
				{
					name: 'Choose One by One',
					value: 'list',
					description: 'A list of binary fields and URLs, in the order that you choose',
				},
			],
		},
		models,
		hintOf,
	),
	{
		displayName: 'Images',
		name: 'images',
		type: 'fixedCollection',
		typeOptions: { multipleValues: true, sortable: true },
		placeholder: 'Add Image',
		default: { image: [{ source: 'binary', field: 'image' }] },
		description: numbered
			? 'In the prompt, the first image is "Image 1", the second is "Image 2", and so on'
			: 'In the prompt, mention each image by what it shows',
		displayOptions: { show: { imageSource: ['list'] } },
		options: [
			{
				displayName: 'Image',
				name: 'image',
				values: [
					{
						displayName: 'Source',
						name: 'source',
						type: 'options',
						default: 'binary',
						description: 'Where this image comes from',
						options: [
							{ name: 'Binary Field', value: 'binary' },
							{ name: 'URL', value: 'url' },
						],
					},
					{
						displayName: 'Binary Field',
						name: 'field',
						type: 'string',
						default: 'image',
						hint: "The name of the input binary field containing the image, as shown on the input's Binary tab",
						displayOptions: { show: { source: ['binary'] } },
					},
					{
						displayName: 'URL',
						name: 'url',
						type: 'string',
						default: '',
						placeholder: 'e.g. https://example.com/sweater.jpg',
						description:
							'Web address of the image. DashScope downloads it directly, so it must be public.',
						hint: 'A link to the image itself, not to a page that shows it',
						displayOptions: { show: { source: ['url'] } },
					},
					...more,
				],
			},
		],
	},
	{
		displayName: `The images are used in the order of the item's binary fields; other files are ignored. ${numbered ? 'In the prompt, the first image is "Image 1".' : 'In the prompt, mention each image by what it shows.'}`,
		name: 'allImagesNotice',
		type: 'notice',
		default: '',
		displayOptions: { show: { imageSource: ['allImages'] } },
	},
];

/**
 * The reference images of an item in the order of the prompt's numbering.
 * @throws InputError for a binary field that the item does not have
 */
export async function readImages(
	functions: IExecuteFunctions,
	item: number,
): Promise<RequestMedia[]> {
	const images =
		textParameter(functions, 'imageSource', item) === 'allImages'
			? await allImages(functions, item)
			: await listedImages(functions, item);
	return images.map((source) => ({ place: 'image', source }));
}

function rowsOf(functions: IExecuteFunctions, item: number): JsonRecord[] {
	const { image } = collectionParameter(functions, 'images', item);
	return Array.isArray(image) ? image.filter(isRecord) : [];
}

/** The value of a field for each image of the list, in order; empty where the images are not listed. */
export function readOfImages(functions: IExecuteFunctions, item: number, name: string): string[] {
	if (textParameter(functions, 'imageSource', item) === 'allImages') return [];
	return rowsOf(functions, item).map((row) => toText(row[name]));
}

async function listedImages(functions: IExecuteFunctions, item: number): Promise<MediaSource[]> {
	const rows = rowsOf(functions, item);
	const sources: MediaSource[] = [];
	for (const [index, row] of rows.entries()) {
		if (row.source === 'url') {
			sources.push({ from: 'url', field: `Image ${index + 1} URL`, url: toText(row.url) });
			continue;
		}
		const field = `Image ${index + 1} Binary Field`;
		const file = await binaryFileOf(functions, item, field, toFile(row.field));
		sources.push({ from: 'binary', field, file });
	}
	return sources;
}

async function allImages(functions: IExecuteFunctions, item: number): Promise<MediaSource[]> {
	const sources: MediaSource[] = [];
	for (const name of binaryFieldsOf(functions, item)) {
		const field = `Binary Field ${name}`;
		const data = binaryDataOf(functions, item, 'Reference Images', name);
		const file = await fileOf(functions, data, field);
		const found = detectFormat(await file.head(HEAD_BYTES));
		if (!isPicture(found, data.mimeType)) continue;
		sources.push({ from: 'binary', field, file });
	}
	return sources;
}
