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

const DESCRIPTIONS: Record<string, string> = {
	'wan2.7-videoedit': 'Wan 2.7 Video Edit (recommended)',
	'wan3.0-video': 'Wan 3.0 Video',
	'wan3.0-video-prime': 'Wan 3.0 Video Prime (faster)',
	'happyhorse-1.0-video-edit': 'HappyHorse 1.0 Video Edit',
	'wan2.7-i2v': 'Wan 2.7 Image to Video (Continue)',
	'wan2.1-vace-plus':
		'Wan 2.1 VACE Plus (Edit Area, Expand Frame, Repaint, Extend, From Reference Images)',
	'wan2.2-animate-mix': 'Wan 2.2 Animate Mix (Swap Person)',
};

const DEFAULT = wan27VideoEdit;

export const modelField: INodeProperties = {
	displayName: 'Model',
	name: 'model',
	type: 'resourceLocator',
	required: true,
	default: { mode: 'list', value: DEFAULT.id, cachedResultName: DESCRIPTIONS[DEFAULT.id] },
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
			hint: 'For a dated snapshot, or a newer model that takes the same fields as Wan 2.7 Video Edit',
		},
	],
};

const modelFieldOf = (searchListMethod: string): INodeProperties => ({
	...modelField,
	modes: (modelField.modes ?? []).map((mode) =>
		mode.name === 'list'
			? { ...mode, typeOptions: { searchListMethod, searchable: true } }
			: { ...mode, hint: 'For a dated snapshot, or another version of a model in the list' },
	),
});

/** The same for operations that serve every model. */
export const anyModelField = modelFieldOf('searchAllModels');

/** The same for what depends on the bill. */
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
	const ids = [...new Set(models.map(({ id }) => id))];
	const wanted = filter.toLowerCase();
	return ids
		.map((id) => ({ name: DESCRIPTIONS[id] ?? id, value: id }))
		.filter((one) => `${one.name} ${one.value}`.toLowerCase().includes(wanted));
}

/** The ID of the chosen model; an expression may give the ID itself. */
export function readModel(functions: IExecuteFunctions, item: number): string {
	const value: unknown = functions.getNodeParameter('model', item, DEFAULT.id, {
		extractValue: true,
	});
	return typeof value === 'string' ? value.trim() : textParameter(functions, 'model', item);
}
