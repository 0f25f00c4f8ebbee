import type { INodeProperties } from 'n8n-workflow';
import type { ModelSpec } from '../models/spec';

export interface PromptTexts {
	placeholder: string;
	/** What to write, a sentence without its full stop; the limit is added. */
	hint: string;
	description: string;
}

/** @param limits of the model */
export function promptField(
	{ hint, ...texts }: PromptTexts,
	{ most, required }: ModelSpec['prompt'],
): INodeProperties {
	return {
		displayName: 'Prompt',
		name: 'prompt',
		type: 'string',
		typeOptions: { rows: 4 },
		required,
		default: '',
		hint: `${hint}, up to ${most} characters`,
		builderHint: {
			propertyHint:
				'One plain instruction in any language; say what must stay as it is, such as "keep everything else unchanged". Reference images are "Image 1", "Image 2" and so on, in their order.',
		},
		...texts,
	};
}
