import type { IExecuteFunctions } from 'n8n-workflow';

/** Tells the user something about an item, beside the output of the node. */
export function noteItem(functions: IExecuteFunctions, item: number, text: string): void {
	functions.addExecutionHints({ message: `Item ${item}: ${text}`, location: 'outputPane' });
}
