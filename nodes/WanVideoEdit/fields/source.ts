import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import type { MediaSource } from '../../shared/media/types';
import { binaryFileOf } from '../../shared/n8n/binary';
import { textParameter } from './read';

/** Where the video comes from. */
export const videoSourceFields: INodeProperties[] = [
	{
		displayName: 'Video Source',
		name: 'videoSource',
		type: 'options',
		noDataExpression: true,
		default: 'binary',
		description: 'Where the video to edit comes from',
		options: [
			{
				name: 'Binary Field',
				value: 'binary',
				description:
					'A file that a form, a storage or another node put into the item; it is uploaded to DashScope and deleted there after 48 hours',
			},
			{
				name: 'URL',
				value: 'url',
				description: 'A public web address, or an oss:// address of a DashScope upload',
			},
		],
	},
	{
		displayName: 'Video Binary Field',
		name: 'videoField',
		type: 'string',
		required: true,
		default: 'data',
		hint: 'MP4 or MOV, 2 to 10 seconds, 240 to 4096 pixels a side, up to 100 MB',
		description:
			'Name of the binary field with the video. The seconds of the input are billed like those of the result.',
		displayOptions: { show: { videoSource: ['binary'] } },
	},
	{
		displayName: 'Video URL',
		name: 'videoUrl',
		type: 'string',
		required: true,
		default: '',
		placeholder: 'e.g. https://example.com/ride.mp4',
		hint: 'MP4 or MOV, 2 to 10 seconds, 240 to 4096 pixels a side, up to 100 MB',
		description:
			'Address of the video; DashScope fetches it itself, so it must be public. The seconds of the input are billed like those of the result.',
		displayOptions: { show: { videoSource: ['url'] } },
	},
];

/**
 * The video source of an item.
 * @throws InputError for a binary field that the item does not have
 */
export async function readVideoSource(
	functions: IExecuteFunctions,
	item: number,
): Promise<MediaSource> {
	if (textParameter(functions, 'videoSource', item) === 'url') {
		return { from: 'url', field: 'Video URL', url: textParameter(functions, 'videoUrl', item) };
	}
	const field = 'Video Binary Field';
	const name = textParameter(functions, 'videoField', item);
	return { from: 'binary', field, file: await binaryFileOf(functions, item, field, name) };
}
