import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { dashScopeClient } from '../../../shared/dashscope/client';
import type { TaskListQuery } from '../../../shared/dashscope/tasks';
import { TASK_KEPT_MS } from '../../../shared/dashscope/types';
import { InputError } from '../../../shared/inputError';
import { n8nPorts } from '../../../shared/n8n/bindPorts';
import { eachItem } from '../../../shared/n8n/eachItem';
import { listedItem } from '../../../shared/n8n/items';
import { isTool } from '../../../shared/n8n/tool';
import { askPatiently } from '../../../shared/tasks/ask';
import { toService } from '../../../shared/tasks/serviceClock';
import {
	booleanParameter,
	choice,
	collectionParameter,
	numberOption,
	textOption,
	timeOption,
} from '../../fields/read';

export const option = {
	name: 'Get Many',
	description: 'List the tasks of the account from the last 24 hours',
	action: 'Get many tasks',
};

/** A list never shows UNKNOWN. */
const STATUSES = ['PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;

const DEFAULT_LIMIT = 50;

/** What a model is told at most: thousands of tasks would fill its context. */
const MOST_FOR_MODEL = 100;

const limitField: INodeProperties = {
	displayName: 'Limit',
	name: 'limit',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: 50,
	description: 'Max number of results to return',
	displayOptions: { show: { returnAll: [false] } },
};

export const fields: INodeProperties[] = [
	{
		displayName: 'Return All',
		name: 'returnAll',
		type: 'boolean',
		default: false,
		description: 'Whether to return all results or only up to a given limit',
	},
	limitField,
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add Filter',
		default: {},
		description: 'Which tasks to return',
		options: [
			{
				displayName: 'Created After',
				name: 'createdAfter',
				type: 'dateTime',
				default: '',
				description:
					'Only return tasks created at or after this time. Without this filter, the list covers the last 24 hours, or the 24 hours before Created Before.',
			},
			{
				displayName: 'Created Before',
				name: 'createdBefore',
				type: 'dateTime',
				default: '',
				description: 'Only return tasks created at or before this time',
			},
			{
				displayName: 'Model ID',
				name: 'model',
				type: 'string',
				default: '',
				placeholder: 'e.g. wan2.7-videoedit',
				description: 'Only return tasks of this model',
			},
			{
				displayName: 'Status',
				name: 'status',
				type: 'options',
				default: 'SUCCEEDED',
				description: 'Only return tasks with this status',
				options: [
					{ name: 'Canceled', value: 'CANCELED' },
					{ name: 'Failed', value: 'FAILED' },
					{ name: 'Pending', value: 'PENDING', description: 'Waiting in the queue' },
					{ name: 'Running', value: 'RUNNING' },
					{ name: 'Succeeded', value: 'SUCCEEDED' },
				],
			},
		],
	},
];

const HOUR_MS = 3_600_000;

/** For the difference between this clock and the service's, and for the time that a request takes. */
const MARGIN_MS = 60_000;

/** @throws InputError naming the filter, its value and the limit */
function readQuery(functions: IExecuteFunctions, item: number, serviceNow: number): TaskListQuery {
	const filters = collectionParameter(functions, 'filters', item);
	const status = textOption(filters, 'status');
	return {
		model: textOption(filters, 'model'),
		status: status === undefined ? undefined : choice('Status', status.toUpperCase(), STATUSES),
		limit: readLimit(functions, item),
		...spanOf(
			timeOption(functions, filters, 'createdAfter', 'Created After'),
			timeOption(functions, filters, 'createdBefore', 'Created Before'),
			serviceNow,
		),
	};
}

function readLimit(functions: IExecuteFunctions, item: number): number | undefined {
	if (booleanParameter(functions, 'returnAll', item, false)) return undefined;
	const given = { limit: functions.getNodeParameter('limit', item, DEFAULT_LIMIT) };
	const limit = numberOption(given, limitField) ?? DEFAULT_LIMIT;
	if (Number.isInteger(limit) && limit >= 1) return limit;
	throw new InputError(
		`'Limit' is ${limit}, which is not a whole number of 1 or more`,
		"Enter a whole number of 1 or more, or switch 'Return All' on.",
	);
}

/**
 * The span of time to ask for. Times are epoch milliseconds.
 * @throws InputError for one that DashScope does not list
 */
function spanOf(
	after: number | undefined,
	before: number | undefined,
	serviceNow: number,
): Pick<TaskListQuery, 'from' | 'to'> {
	const end = before ?? serviceNow + MARGIN_MS;
	const from = after ?? end - TASK_KEPT_MS;
	const iso = (time: number) => new Date(time).toISOString();
	if (from > end) {
		throw new InputError(
			`'Created After' (${iso(from)}) is later than ${before === undefined ? 'now' : `'Created Before' (${iso(end)})`}`,
			'Choose an earlier time.',
		);
	}
	// A schedule that asks for the last 24 hours is evaluated a moment before the request is made.
	if (
		before === undefined ? from < serviceNow - TASK_KEPT_MS - MARGIN_MS : end - from > TASK_KEPT_MS
	) {
		const hours = Math.ceil(((before ?? serviceNow) - from) / (HOUR_MS / 10)) / 10;
		throw new InputError(
			before === undefined
				? `'Created After' (${iso(from)}) is ${hours} hours ago; the limit is 24`
				: `'Created After' (${iso(from)}) and 'Created Before' (${iso(end)}) are ${hours} hours apart; the limit is 24`,
			'DashScope keeps a task for 24 hours: choose a later time, or remove the filter to get the last 24 hours.',
		);
	}
	return { from, to: Math.min(end, from + TASK_KEPT_MS) };
}

/** Lists tasks, once for each item. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const ports = n8nPorts(this, await dashScopeClient(this));
	return await eachItem(this, async (item) => {
		const query = readQuery(this, item, toService(ports.account, ports.now()));
		const { limit = Infinity } = query;
		const most = isTool(this) ? Math.min(limit, MOST_FOR_MODEL) : limit;
		// One more tells whether there are more.
		if (most < limit) query.limit = most + 1;
		const tasks = await askPatiently(ports, async () => await ports.listTasks(query));
		const rows = tasks.slice(0, most).map((task) => listedItem(item, task));
		return rows.length < tasks.length ? [...rows, cutOff(item)] : rows;
	});
}

function cutOff(item: number): INodeExecutionData {
	const message = `There are more tasks; only ${MOST_FOR_MODEL} are listed. Use the filters to list fewer.`;
	return { json: { message }, pairedItem: { item } };
}
