/** The choice of a model, from the list or by its ID. */
import type {
	IExecuteFunctions,
	ILoadOptionsFunctions,
	INodeListSearchResult,
	INodeProperties,
} from 'n8n-workflow';
import { ALL_MODELS, BILLABLE_MODELS, EDIT_MODELS } from '../models';
import type { ModelSpec } from '../models/spec';
import { wan27VideoEdit } from '../models/wan27VideoEdit';
import { textParameter } from './read';

const DEFAULT = wan27VideoEdit;

export const modelField: INodeProperties = {
	displayName: 'Model',
	name: 'model',
	type: 'resourceLocator',
	required: true,
	default: { mode: 'list', value: DEFAULT.id, cachedResultName: DEFAULT.name },
	description: 'The model that edits the video',
	modes: [
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			typeOptions: { searchListMethod: 'searchModels', searchable: true },
		},
		{
			displayName: 'By ID',
			name: 'id',
			type: 'string',
			placeholder: 'e.g. wan2.7-videoedit-2026-06-12',
			hint: 'For a dated version of a model, or a newer model with the same fields as Wan 2.7 Video Edit',
		},
	],
};

const modelFieldOf = (searchListMethod: string): INodeProperties => ({
	...modelField,
	modes: (modelField.modes ?? []).map((mode) =>
		mode.name === 'list'
			? { ...mode, typeOptions: { searchListMethod, searchable: true } }
			: { ...mode, hint: 'For a dated version, or another version of a model in the list' },
	),
});

/** The model of operations that serve every model. */
export const anyModelField = modelFieldOf('searchAllModels');

/** The model of an estimate: one whose price depends on the resolution. */
export const billableModelField = modelFieldOf('searchBillableModels');

/** The list of the picker. It is made here: the catalogue of the service does not say which models edit videos. */
export async function searchModels(
	this: ILoadOptionsFunctions,
	filter = '',
): Promise<INodeListSearchResult> {
	return await Promise.resolve({ results: listed(EDIT_MODELS, filter) });
}

/** The list of {@link anyModelField}. */
export async function searchAllModels(
	this: ILoadOptionsFunctions,
	filter = '',
): Promise<INodeListSearchResult> {
	return await Promise.resolve({ results: listed(ALL_MODELS, filter) });
}

/** The list of {@link billableModelField}. */
export async function searchBillableModels(
	this: ILoadOptionsFunctions,
	filter = '',
): Promise<INodeListSearchResult> {
	return await Promise.resolve({ results: listed(BILLABLE_MODELS, filter) });
}

function listed(models: readonly ModelSpec[], filter: string) {
	const names = new Map(models.map(({ id, name }) => [id, name]));
	const wanted = filter.toLowerCase();
	return [...names]
		.map(([value, name]) => ({ name, value }))
		.filter((one) => `${one.name} ${one.value}`.toLowerCase().includes(wanted));
}

/** The ID of the chosen model; an expression may give the ID itself. */
export function readModel(functions: IExecuteFunctions, item: number): string {
	const value: unknown = functions.getNodeParameter('model', item, DEFAULT.id, {
		extractValue: true,
	});
	return typeof value === 'string' ? value.trim() : textParameter(functions, 'model', item);
}
