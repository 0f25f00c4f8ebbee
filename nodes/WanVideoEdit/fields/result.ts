import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import type { JsonRecord } from '../../shared/dashscope/types';
import { MEGABYTE } from '../../shared/media/limits';
import { isTool } from '../../shared/n8n/tool';
import { readPrices } from './price';
import {
	booleanOption,
	booleanParameter,
	collectionParameter,
	numberWithin,
	textParameter,
} from './read';

/** As a tool the node returns no files. */
const noTool = { '@tool': [true] };

const download: INodeProperties = {
	displayName: 'Download Result',
	name: 'download',
	type: 'boolean',
	default: true,
	description:
		'Whether to download the finished MP4 into the item. When off, the item has only a link, which expires after 24 hours.',
	displayOptions: { hide: noTool },
};

/** Names the binary field of the output. @param file what is put there, for the hint */
export const outputFieldFor = (file: string): INodeProperties => ({
	displayName: 'Put Output File in Field',
	name: 'outputField',
	type: 'string',
	required: true,
	default: 'data',
	hint: `The name of the output binary field to put ${file} in`,
});

/** The name of the binary field of the output; `data` where the user left it empty. */
export function readOutputField(functions: IExecuteFunctions, item: number): string {
	return textParameter(functions, 'outputField', item) || 'data';
}

const outputField: INodeProperties = {
	...outputFieldFor('the video'),
	displayOptions: { show: { download: [true] }, hide: noTool },
};

/** Download fields of an operation that always returns the result. */
export const downloadFields: INodeProperties[] = [download, outputField];

/** Download fields of an operation where the user may not wait for the result. */
export const awaitedDownloadFields: INodeProperties[] = [
	{ ...download, displayOptions: { hide: { waiting: ['none'], ...noTool } } },
	{
		...outputField,
		displayOptions: { show: { download: [true] }, hide: { waiting: ['none'], ...noTool } },
	},
];

/** Whether the video is to be put into the item. A model could not read it. */
export function readDownload(functions: IExecuteFunctions, item: number): boolean {
	return !isTool(functions) && booleanParameter(functions, 'download', item, true);
}

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
	description: 'Larger results are not downloaded: the item fails, and the error names the task',
};

/**
 * The largest result that is downloaded, in bytes.
 * @throws InputError for what is not a number, or less than the limit
 */
export function readMaxResultBytes(options: JsonRecord): number {
	return numberWithin(options, maxResultSizeOption) * MEGABYTE;
}

/**
 * How the result is put into an item.
 * @throws InputError for what is not a number, and for a size below the limit
 */
export function readOutput(functions: IExecuteFunctions, item: number) {
	const options = collectionParameter(functions, 'options', item);
	return {
		field: readOutputField(functions, item),
		simplify: booleanOption(options, 'simplify') ?? true,
		prices: readPrices(options),
		maxResultBytes: readMaxResultBytes(options),
	};
}
