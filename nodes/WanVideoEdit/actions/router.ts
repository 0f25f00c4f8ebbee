import { NodeOperationError } from 'n8n-workflow';
import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { StoppedError } from '../../shared/tasks/errors';
import { asNodeError, errorItem, toError } from '../../shared/n8n/failures';
import { namingTasks } from '../../shared/n8n/leftTasks';
import * as getStatus from './task/getStatus.operation';
import * as instructionEdit from './video/instructionEdit.operation';
import * as referenceEdit from './video/referenceEdit.operation';

interface Operation {
	fields: INodeProperties[];
	execute(this: IExecuteFunctions): Promise<INodeExecutionData[]>;
}

const operations: Record<string, Record<string, Operation>> = {
	video: { instructionEdit, referenceEdit },
	task: { getStatus },
};

/** All fields of all operations, each shown only with its own resource and operation. */
export const operationFields: INodeProperties[] = Object.entries(operations).flatMap(
	([resource, byName]) =>
		Object.entries(byName).flatMap(([operation, { fields }]) =>
			fields.map((field) => ({
				...field,
				displayOptions: {
					...field.displayOptions,
					show: { resource: [resource], operation: [operation], ...field.displayOptions?.show },
				},
			})),
		),
);

/** Runs the operation that the node is set to. */
export async function route(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const resource = this.getNodeParameter('resource', 0);
	const operation = this.getNodeParameter('operation', 0);
	const chosen = operations[resource]?.[operation];
	if (chosen === undefined) {
		throw new NodeOperationError(
			this.getNode(),
			`The operation "${resource}: ${operation}" does not exist`,
			{ description: 'Choose a resource and an operation in the node.' },
		);
	}
	try {
		return [await chosen.execute.call(this)];
	} catch (thrown) {
		// A problem of the node as a whole, such as a base URL that cannot be used. An earlier try may have submitted.
		const error = namingTasks(this, toError(thrown));
		if (!this.continueOnFail() || error instanceof StoppedError) throw asNodeError(this, error);
		// Thrown, it would make n8n hand the input on as if it were edited.
		return [this.getInputData().map((_, item) => errorItem({ item, error }))];
	}
}
