/** Settings of models: how each is shown, its name in the API, and how their values are read. */
import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import type { JsonRecord } from '../../shared/dashscope/types';
import { SEED } from '../models/limits';
import type { Values } from '../models/spec';
import { booleanOption, collectionParameter, numberOption, textOption } from './read';

/** A value of a request, and the field that it comes from. */
export interface Setting {
	/** Its name in the API. */
	api: string;
	/** Shown in the node itself; else under Options, where what is not added is not sent. */
	prominent?: boolean;
	/** Its type says how the value is read. */
	property: INodeProperties;
}

/** The fields of the settings that are shown in the node itself. */
export function nodeFields(settings: readonly Setting[]): INodeProperties[] {
	return settings.filter(({ prominent }) => prominent).map(({ property }) => property);
}

/** The fields of the settings that are shown under Options. */
export function optionFields(settings: readonly Setting[]): INodeProperties[] {
	return settings.filter(({ prominent }) => !prominent).map(({ property }) => property);
}

/** The resolution of the result, with what an operation or a model says of it. */
export function resolutionSetting({
	options,
	...texts
}: Pick<INodeProperties, 'description' | 'hint' | 'options'>): Setting {
	return {
		api: 'resolution',
		prominent: true,
		property: {
			displayName: 'Resolution',
			name: 'resolution',
			type: 'options',
			default: '720P',
			options,
			...texts,
		},
	};
}

export const promptExtend: Setting = {
	api: 'prompt_extend',
	property: {
		displayName: 'Extend Prompt',
		name: 'promptExtend',
		type: 'boolean',
		default: true,
		description:
			'Whether DashScope may rewrite the prompt in more detail. This helps with short prompts and takes a little longer.',
	},
};

export const seed: Setting = {
	api: 'seed',
	property: {
		displayName: 'Seed',
		name: 'seed',
		type: 'number',
		typeOptions: { minValue: SEED.min, maxValue: SEED.max },
		default: 0,
		description: `A whole number from ${SEED.min} to ${SEED.max}. The same seed with the same input gives a similar result. Without this option, it is random.`,
	},
};

export const watermark: Setting = {
	api: 'watermark',
	property: {
		displayName: 'Watermark',
		name: 'watermark',
		type: 'boolean',
		default: false,
		description: 'Whether to mark the result as AI-generated, in the bottom right corner',
	},
};

/** Not a value of `parameters`, but shown and hidden like one. */
export const negativePromptProperty: INodeProperties = {
	displayName: 'Negative Prompt',
	name: 'negativePrompt',
	type: 'string',
	typeOptions: { rows: 2 },
	default: '',
	placeholder: 'e.g. blurry, low quality',
	description: 'What the result should not show, up to 500 characters. List things, without "no".',
};

/**
 * The values that the user set. A setting that does not show with the chosen model is not read.
 * @throws InputError for what is not a number
 */
export function readValues(
	functions: IExecuteFunctions,
	item: number,
	settings: readonly Setting[],
): Values {
	const options = collectionParameter(functions, 'options', item);
	const values: Values = {};
	for (const setting of settings) {
		const { name } = setting.property;
		const from = setting.prominent
			? { [name]: functions.getNodeParameter(name, item, '') }
			: options;
		const value = readOne(from, setting);
		if (value !== undefined) values[setting.api] = value;
	}
	return values;
}

function readOne(
	from: JsonRecord,
	{ api, property }: Setting,
): string | number | boolean | undefined {
	switch (property.type) {
		case 'number':
			return numberOption(from, property);
		case 'boolean':
			return booleanOption(from, property.name);
		default: {
			const text = textOption(from, property.name);
			// The API takes "720P", not "720p".
			return api === 'resolution' ? text?.toUpperCase() : text;
		}
	}
}
