import type { IExecuteFunctions } from 'n8n-workflow';

/**
 * Tells the user something about an item, beside the output of the node.
 * @param type how n8n shows it; absent: as information
 */
export function noteItem(
	functions: IExecuteFunctions,
	item: number,
	text: string,
	type?: 'warning',
): void {
	const message = `Item ${item}: ${text}`;
	functions.addExecutionHints({ message, type, location: 'outputPane' });
}
