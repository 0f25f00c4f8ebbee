import type { INodeProperties } from 'n8n-workflow';
import { editOptions } from './options';
import { awaitedDownloadFields, completionField, resolutionField } from './result';
import { waitingField } from './waiting';

/** What every edit asks for after its prompt: the result, how to wait for it, and options. */
export const resultFields: INodeProperties[] = [
	resolutionField,
	completionField,
	waitingField,
	...awaitedDownloadFields,
	editOptions,
];
