import { NodeApiError, NodeOperationError } from 'n8n-workflow';
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { cancelSignalOf } from '../dashscope/client';
import { DashScopeError } from '../dashscope/errors';
import { InputError } from '../inputError';
import { StoppedError, TaskError } from '../tasks/errors';
import type { FailureDetails } from '../tasks/errors';
import { isTool } from './tool';
import type { RunsNode } from './tool';

/** An item that failed, and why. */
export interface ItemFailure {
	item: number;
	error: Error;
}

/** @throws StoppedError once the user or a workflow timeout has stopped the execution */
export function throwIfStopped(functions: IExecuteFunctions): void {
	if (cancelSignalOf(functions)?.aborted === true) throw new StoppedError();
}

/** What is known beyond the message, in one shape for every kind of error. */
export function factsOf(error: Error): { hint?: string; details: FailureDetails } {
	if (error instanceof TaskError) return { hint: error.hint, details: error.details };
	if (error instanceof InputError) return { hint: error.hint, details: {} };
	if (error instanceof DashScopeError) {
		const { hint, code, requestId, httpStatus } = error;
		return { hint, details: { code, requestId, httpStatus } };
	}
	if (error instanceof NodeApiError || error instanceof NodeOperationError) {
		const httpStatus = error instanceof NodeApiError ? Number(error.httpCode) : NaN;
		return {
			hint: error.description ?? undefined,
			details: Number.isFinite(httpStatus) ? { httpStatus } : {},
		};
	}
	return { details: {} };
}

function definedOnly(values: FailureDetails & { hint?: string }): IDataObject {
	return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/**
 * The item for Continue On Fail. n8n sends an item to the error output only if its json has no other keys
 * than `error`, `message` and `details`.
 */
export function errorItem({ item, error }: ItemFailure): INodeExecutionData {
	const { hint, details } = factsOf(error);
	return {
		json: {
			error: `${error.message} [item ${item}]`,
			details: definedOnly({ ...details, hint }),
		},
		pairedItem: { item },
	};
}

/**
 * The error that ends the node: the first failure, with what to do, then what became of the other items.
 * @param failures at least one, by item
 * @param settled lines about items that did not fail
 */
export function runError(
	functions: IExecuteFunctions,
	failures: ItemFailure[],
	settled: string[] = [],
): NodeApiError | NodeOperationError {
	const [first, ...others] = failures;
	const { item, error } = first ?? { item: 0, error: new Error('The edit failed') };
	const { hint, details } = factsOf(error);
	const message = `${error.message} [item ${item}]`;
	const description = [
		hint,
		factLine(details),
		...others.map((other) => `Item ${other.item}: ${inShort(other.error)}`),
		...settled,
	]
		.filter((line) => line !== undefined && line !== '')
		.join('\n');

	return nodeError(functions, message, description, details, item);
}

/** What is told of a failure that is not the first one: its message, and every task that this does not name. */
export function inShort(error: Error): string {
	const { message } = error;
	const { details } = factsOf(error);
	const { taskId = '', possibleTaskIds, duplicateTaskIds, openTaskIds, finishedPieces } = details;
	const pieces = Array.isArray(finishedPieces) ? finishedPieces.map((piece) => piece.taskId) : [];
	const named = [
		message.includes(taskId) ? '' : `Task ID: ${taskId}.`,
		possibleTaskIds === undefined ? '' : `The task list shows ${String(possibleTaskIds)}.`,
		duplicateTaskIds === undefined ? '' : `Second tasks: ${String(duplicateTaskIds)}.`,
		pieces.length === 0 ? '' : `Finished: ${pieces.join(', ')}.`,
		openTaskIds === undefined ? '' : `Still under way: ${String(openTaskIds)}.`,
	].filter((text) => text !== '');
	return named.length === 0 ? message : [`${message}.`, ...named].join(' ');
}

/** An error that concerns no single item, for n8n to show. */
export function asNodeError(functions: RunsNode, error: Error): NodeApiError | NodeOperationError {
	if (error instanceof NodeApiError || error instanceof NodeOperationError) return error;
	const { hint, details } = factsOf(error);
	return nodeError(functions, error.message, hint ?? '', details);
}

function nodeError(
	functions: RunsNode,
	message: string,
	description: string,
	{ httpStatus }: FailureDetails,
	itemIndex?: number,
): NodeApiError | NodeOperationError {
	const node = functions.getNode();
	if (isTool(functions)) {
		// A model is given the message alone, and needs to know what to do.
		const text = [message, description].filter((part) => part !== '').join('\n');
		return new NodeOperationError(node, text, { itemIndex, description });
	}
	if (httpStatus === undefined) {
		return new NodeOperationError(node, message, { itemIndex, description });
	}
	const httpCode = String(httpStatus);
	const answer = { message, httpCode };
	return new NodeApiError(node, answer, { message, description, httpCode, itemIndex });
}

/** Code, request ID and task ID: what Alibaba's support asks for. */
function factLine({ taskId, code, requestId }: FailureDetails): string {
	const facts = [
		code === undefined ? '' : `Code: ${code}`,
		taskId === undefined ? '' : `Task ID: ${taskId}`,
		requestId === undefined ? '' : `Request ID: ${requestId}`,
	];
	return facts.filter((fact) => fact !== '').join('. ');
}
