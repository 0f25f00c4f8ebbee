/** The trigger's fields, and how they are read. */
import type {
	IDataObject,
	ILoadOptionsFunctions,
	INodeExecutionData,
	INodeListSearchResult,
	INodeProperties,
	IBinaryData,
	IPollFunctions,
} from 'n8n-workflow';
import { estimateCost } from '../shared/billing/price';
import { isRecord } from '../shared/dashscope/json';
import type { JsonRecord, ListedTask } from '../shared/dashscope/types';
import { InputError } from '../shared/inputError';
import { factsOf } from '../shared/n8n/failures';
import { taskContent } from '../shared/n8n/items';
import { modelField, searchAllModels } from '../WanVideoEdit/fields/model';
import { priceOptions, readPrices } from '../WanVideoEdit/fields/price';
import { booleanOption, toText } from '../WanVideoEdit/fields/read';
import { downloadFields, maxResultSizeOption, simplifyOption } from '../WanVideoEdit/fields/result';
import { billingAt, idIn, specOf } from '../WanVideoEdit/models';
import type { EndedTask, Settings } from './collect';

/** Entries of the list of models that stand for several. */
const OF_WAN_VIDEO_EDIT = 'wanVideoEdit';
const ANY = 'all';

const SEVERAL = [
	{ name: 'Models of Wan Video Edit', value: OF_WAN_VIDEO_EDIT },
	{ name: 'All Models of the Account', value: ANY },
];

/** n8n 2.41.1, n8n-io/n8n#37281. */
const KEPT_BY_N8N =
	"n8n keeps this file even after the execution is deleted. If you expect many videos, turn this off and use 'Task: Get Status' after the trigger.";

const STATUSES = ['SUCCEEDED', 'FAILED', 'CANCELED'];

export const properties: INodeProperties[] = [
	{
		displayName: 'Event',
		name: 'event',
		type: 'options',
		noDataExpression: true,
		default: 'taskFinished',
		options: [
			{
				name: 'Task Finished',
				value: 'taskFinished',
				description: 'A task of the account has finished, whoever submitted it',
				action: 'On Wan task finished',
			},
		],
	},
	{
		displayName: 'Status',
		name: 'status',
		type: 'multiOptions',
		default: ['SUCCEEDED', 'FAILED', 'CANCELED'],
		description: 'Which outcomes start the workflow. If none is selected, all of them do.',
		options: [
			{ name: 'Canceled', value: 'CANCELED', description: 'Canceled while still in the queue' },
			{ name: 'Failed', value: 'FAILED', description: 'Ended without a video; not billed' },
			{ name: 'Succeeded', value: 'SUCCEEDED', description: 'The video is ready' },
		],
	},
	{
		...modelField,
		default: { mode: 'list', value: OF_WAN_VIDEO_EDIT, cachedResultName: SEVERAL[0]?.name },
		description: 'The model whose tasks start the workflow',
		modes: (modelField.modes ?? []).map((mode) => ({ ...mode, hint: undefined })),
	},
	{
		displayName:
			"Do not edit videos in this workflow with a model selected under 'Model': each finished edit would start the workflow again, in an endless loop, and every edit is billed",
		name: 'ownEditsNotice',
		type: 'notice',
		default: '',
	},
	...downloadFields.map((field) =>
		field.name === 'download' ? { ...field, hint: KEPT_BY_N8N } : field,
	),
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: [maxResultSizeOption, ...priceOptions, simplifyOption],
	},
];

/** The picker's list: several models at once, then each that the action uses, the usual ones first. */
export async function searchTriggerModels(
	this: ILoadOptionsFunctions,
	filter = '',
): Promise<INodeListSearchResult> {
	const { results } = await searchAllModels.call(this, filter);
	const isFound = ({ name }: { name: string }) => name.toLowerCase().includes(filter.toLowerCase());
	return { results: [...SEVERAL.filter(isFound), ...results] };
}

/** The options that the user added. */
export function readOptions(functions: IPollFunctions): JsonRecord {
	const options: unknown = functions.getNodeParameter('options', {});
	return isRecord(options) ? options : {};
}

/** @throws InputError for a missing model or an unknown status */
export function readSettings(
	functions: IPollFunctions,
	baseUrl: string,
	budgetMs: number,
): Settings {
	const model = readModel(functions);
	const statuses = readStatuses(functions);
	const only = model === ANY || model === OF_WAN_VIDEO_EDIT ? undefined : idOf(model, baseUrl);
	const isWanted = ({ model: its }: ListedTask) => {
		// The list always names the model; if it ever does not, no task may be missed for that.
		if (its === undefined || model === ANY) return true;
		return only === undefined ? specOf(its) !== undefined : its === only;
	};
	return {
		source: { credential: functions.getNode().credentials?.dashScopeApi?.id ?? '', model: only },
		wanted: (task) => statuses.includes(task.status) && isWanted(task),
		download:
			booleanOption({ download: functions.getNodeParameter('download', true) }, 'download') ?? true,
		budgetMs,
	};
}

/** The ID that a model has in the region; one that is not the action's, or a dated snapshot, is taken as it is. */
function idOf(model: string, baseUrl: string): string {
	const spec = specOf(model);
	return spec?.id === model ? idIn(spec, baseUrl) : model;
}

function readModel(functions: IPollFunctions): string {
	const model = toText(
		functions.getNodeParameter('model', OF_WAN_VIDEO_EDIT, { extractValue: true }),
	);
	if (model !== '') return model;
	throw new InputError(
		"'Model' is empty",
		`Choose "${SEVERAL[0]?.name ?? ''}" or a model from the list, or enter the ID of one.`,
	);
}

function readStatuses(functions: IPollFunctions): string[] {
	const given: unknown = functions.getNodeParameter('status', STATUSES);
	// An expression may give one as text.
	const chosen: unknown[] = Array.isArray(given) ? given : [given];
	const statuses = chosen.map(toText).filter((status) => status !== '');
	if (statuses.length === 0) return STATUSES;
	const strange = statuses.find((status) => !STATUSES.includes(status));
	if (strange === undefined) return statuses;
	throw new InputError(
		`'Status' has "${strange}", which is not one of its options`,
		`Choose among ${STATUSES.join(', ')}.`,
	);
}

/**
 * Makes the item of a task: what Get Status returns, and why something of it is missing.
 * @throws InputError for a price that is not a number
 */
export function itemMaker(
	functions: IPollFunctions,
	baseUrl: string,
): (ended: EndedTask<IBinaryData>) => INodeExecutionData {
	const options = readOptions(functions);
	const billing = billingAt(baseUrl);
	const prices = readPrices(options);
	const field = toText(functions.getNodeParameter('outputField', 'data')) || 'data';
	const simplify = booleanOption(options, 'simplify') ?? true;
	return ({ task, model = '', video, error }) => {
		const cost = estimateCost(task.usage, model, billing, prices);
		const item = taskContent(task, { video, field, simplify, cost });
		return error === undefined ? item : { ...item, json: { ...item.json, ...missing(error) } };
	};
}

function missing(error: Error): IDataObject {
	return { error: error.message, hint: factsOf(error).hint ?? null };
}
