import { NodeOperationError } from 'n8n-workflow';
import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { asNodeError, errorItem } from '../../shared/n8n/failures';
import { namingTasks } from '../../shared/n8n/leftTasks';
import { noteCall } from '../../shared/n8n/nodeMemory';
import { refuseLoopItems } from '../../shared/n8n/suspend/payload';
import { forModel, isTool } from '../../shared/n8n/tool';
import { StoppedError } from '../../shared/tasks/errors';
import { toError } from '../../shared/thrown';
import { booleanParameter } from '../fields/read';
import { file } from './file';
import type { Operation, Resource } from './operation';
import { task } from './task';
import { video } from './video';

const resources: Record<string, Resource> = { video, task, file };

const firstOf = (names: Record<string, unknown>) => Object.keys(names)[0] ?? '';

/** All fields of the node; those of an operation are shown only with it. */
export const properties: INodeProperties[] = [
	{
		displayName: 'Resource',
		name: 'resource',
		type: 'options',
		noDataExpression: true,
		default: firstOf(resources),
		options: Object.entries(resources).map(([value, { name }]) => ({ name, value })),
	},
	...Object.entries(resources).map(
		([resource, { operations }]): INodeProperties => ({
			displayName: 'Operation',
			name: 'operation',
			type: 'options',
			noDataExpression: true,
			default: firstOf(operations),
			displayOptions: { show: { resource: [resource] } },
			options: Object.entries(operations).map(([value, { option }]) => ({ ...option, value })),
		}),
	),
	...Object.entries(resources).flatMap(([resource, { operations }]) =>
		Object.entries(operations).flatMap(([operation, { fields }]) =>
			fields.map((field) => shownWith(field, resource, operation)),
		),
	),
];

function shownWith(field: INodeProperties, resource: string, operation: string): INodeProperties {
	const show = { resource: [resource], operation: [operation], ...field.displayOptions?.show };
	return { ...field, displayOptions: { ...field.displayOptions, show } };
}

/** Runs the operation that the node is set to. */
export async function route(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const resource = this.getNodeParameter('resource', 0);
	const operation = this.getNodeParameter('operation', 0);
	const chosen: Operation | undefined = resources[resource]?.operations[operation];
	if (chosen === undefined) {
		throw new NodeOperationError(
			this.getNode(),
			`The operation "${resource}: ${operation}" does not exist`,
			{ description: 'Choose a resource and an operation in the node.' },
		);
	}
	if (!booleanParameter(this, 'checkSuspended', 0, false)) refuseLoopItems(this);
	try {
		const items = await chosen.execute.call(this);
		noteCall(
			this,
			items.some(({ json }) => json.error !== undefined),
		);
		return [isTool(this) ? forModel(items) : items];
	} catch (thrown) {
		noteCall(this, true);
		// A problem of the node as a whole, such as a base URL that cannot be used. Earlier tries may have submitted
		// tasks.
		const error = namingTasks(this, toError(thrown));
		if (!this.continueOnFail() || error instanceof StoppedError) throw asNodeError(this, error);
		// If it were thrown, n8n would hand the input on as if it had been edited.
		return [this.getInputData().map((_, item) => errorItem({ item, error }))];
	}
}
