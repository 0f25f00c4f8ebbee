import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { toError } from '../thrown';
import { errorItem, runError, throwIfStopped } from './failures';
import type { ItemFailure } from './failures';

/**
 * Serves all items at the same time, each on its own. An item that fails ends the node, or is handed on as an error
 * where the user wants that; the others are served to their end either way.
 * @param serve the items that come of one item
 * @throws NodeApiError or NodeOperationError of the first item that failed; StoppedError after Stop
 */
export async function eachItem(
	functions: IExecuteFunctions,
	serve: (item: number) => Promise<INodeExecutionData[]>,
): Promise<INodeExecutionData[]> {
	const settled = await Promise.allSettled(
		functions.getInputData().map(async (_, item) => await serve(item)),
	);
	throwIfStopped(functions);
	const failures: ItemFailure[] = [];
	const items = settled.flatMap((result, item) => {
		if (result.status === 'fulfilled') return result.value;
		const failure = { item, error: toError(result.reason) };
		failures.push(failure);
		return [errorItem(failure)];
	});
	if (failures.length > 0 && !functions.continueOnFail()) throw runError(functions, failures);
	return items;
}
