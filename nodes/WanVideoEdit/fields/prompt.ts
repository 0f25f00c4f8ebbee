import type { INodeProperties } from 'n8n-workflow';
import type { ModelSpec } from '../models/spec';
import { byModel } from './byModel';

export interface PromptTexts {
	placeholder: string;
	/** What to write, a sentence without its full stop; the limit is added. */
	hint: string;
	description: string;
}

/**
 * The prompt: once for each limit, shown with the models that have it.
 * @param models that the user can choose from, the default first
 * @param required whether the operation needs it, whatever the model says
 */
export function promptFields(
	{ hint, ...texts }: PromptTexts,
	models: readonly ModelSpec[],
	required = models[0]?.prompt.required ?? false,
): INodeProperties[] {
	return byModel(
		{
			displayName: 'Prompt',
			name: 'prompt',
			type: 'string',
			typeOptions: { rows: 4 },
			required,
			default: '',
			builderHint: {
				propertyHint:
					'One plain instruction in any language; say what must stay as it is, such as "keep everything else unchanged". Reference images are "Image 1", "Image 2" and so on, in their order.',
			},
			...texts,
		},
		models,
		({ prompt }) => `${hint}, up to ${limitOf(prompt)}`,
	);
}

function limitOf({ most, chineseCountsTwice }: ModelSpec['prompt']): string {
	return `${most} characters${chineseCountsTwice ? '; a Chinese character counts as two' : ''}`;
}
