import type { INodeProperties } from 'n8n-workflow';
import type { JsonRecord } from '../../shared/dashscope/types';
import { numberOption } from './read';

export const resolutionField: INodeProperties = {
	displayName: 'Resolution',
	name: 'resolution',
	type: 'options',
	default: '720P',
	hint: 'Billed are the seconds of the input plus those of the result; 1080P costs about 1.5 times as much',
	description:
		'Size and price of the result. DashScope bills the seconds of the input plus those of the result at one rate, which the resolution decides; failed tasks are free.',
	options: [
		{
			name: '720P',
			value: '720P',
			description:
				'About 1280 × 720. A 5 second video costs 10 billed seconds: about $1.00 or ¥6 (prices as of September 2026).',
		},
		{
			name: '1080P',
			value: '1080P',
			description:
				'About 1920 × 1080, at about 1.5 times the price. A 5 second video costs about $1.50 or ¥10 (prices as of September 2026).',
		},
	],
};

export const completionField: INodeProperties = {
	displayName: 'Completion',
	name: 'completion',
	type: 'options',
	noDataExpression: true,
	default: 'wait',
	description: 'When the node is done. An edit takes one to ten minutes.',
	options: [
		{
			name: 'Wait for the Result',
			value: 'wait',
			description: 'Go on with the finished video; all items are edited side by side',
		},
		{
			name: 'Return Task ID Immediately',
			value: 'submit',
			description: "Go on at once; fetch the video later with 'Task: Get Status', within 24 hours",
		},
	],
};

const download: INodeProperties = {
	displayName: 'Download Result',
	name: 'download',
	type: 'boolean',
	default: true,
	description:
		'Whether to put the finished MP4 into the item. Without it the item holds only the link, which stops working after 24 hours.',
};

const outputField: INodeProperties = {
	displayName: 'Output Binary Field',
	name: 'outputField',
	type: 'string',
	required: true,
	default: 'data',
	hint: 'The binary field that will hold the finished video',
	description: 'Name of the binary field for the finished MP4',
	displayOptions: { show: { download: [true] } },
};

/** Download fields of an operation that always hands on the result. */
export const downloadFields: INodeProperties[] = [download, outputField];

/** Download fields of an operation where the user may not wait for the result. */
export const awaitedDownloadFields: INodeProperties[] = [
	{ ...download, displayOptions: { show: { completion: ['wait'] } } },
	{ ...outputField, displayOptions: { show: { completion: ['wait'], download: [true] } } },
];

export const simplifyOption: INodeProperties = {
	displayName: 'Simplify',
	name: 'simplify',
	type: 'boolean',
	default: true,
	description: 'Whether to return a simplified version of the response instead of the raw data',
};

/** Megabytes. Ten seconds of 1080P video have a few dozen. */
const DEFAULT_MAX_RESULT_SIZE = 1024;

export const maxResultSizeOption: INodeProperties = {
	displayName: 'Maximum Result Size (MB)',
	name: 'maxResultSize',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: DEFAULT_MAX_RESULT_SIZE,
	description: 'A result that is larger is not downloaded; the item fails and keeps the link',
};

/**
 * The largest result that is downloaded, in bytes.
 * @throws InputError for what is not a number
 */
export function readMaxResultBytes(options: JsonRecord): number {
	const { displayName, name } = maxResultSizeOption;
	return (numberOption(options, name, displayName) ?? DEFAULT_MAX_RESULT_SIZE) * 1024 * 1024;
}
