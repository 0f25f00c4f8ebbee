import type { IBinaryData, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { estimateCost, totalsSentence } from '../tasks/price';
import type { Billed, Billing, PricePerSecond } from '../tasks/price';
import { duplicatesSentence } from '../tasks/run';
import type { Settled } from '../tasks/run';
import type { TaskRef } from '../tasks/submit';
import { errorItem, runError } from './failures';
import type { ItemFailure } from './failures';
import { submittedItem, taskItem } from './items';

/** How the result of an item is handed on. */
export interface ItemOutput {
	/** Index of the input item. */
	item: number;
	model: string;
	/** Binary field for the video. */
	field: string;
	/** Name of the video's file before the edit, where it had one. */
	fileName?: string;
	simplify: boolean;
	prices: PricePerSecond;
	maxResultBytes: number;
}

/** An item with its outcome, ready to leave the node. */
export interface SettledItem {
	output: ItemOutput;
	outcome: Settled<IBinaryData> | { state: 'submitted'; job: TaskRef };
}

/**
 * Turns outcomes into items and says what the run cost. All tasks have settled by now and are in the ledger, so
 * that failing the node loses none of them.
 * @param failures items that were refused before anything was sent
 * @param continueOnFail what the user set, where the node that runs is not the one that the user set
 * @throws NodeApiError or NodeOperationError when an item failed and the node is to stop then
 */
export function handOn(
	functions: IExecuteFunctions,
	billing: Billing,
	failures: ItemFailure[],
	settled: SettledItem[],
	continueOnFail = functions.continueOnFail(),
): INodeExecutionData[] {
	const items = new Map(failures.map((failure) => [failure.item, errorItem(failure)]));
	const failed = [...failures];
	const lines: string[] = [];
	const billed: Billed[] = [];
	for (const { output, outcome } of settled) {
		const { item } = output;
		const task = outcome.state === 'submitted' ? undefined : outcome.task;
		const cost = estimateCost(task?.usage, output.model, billing, output.prices);
		if (task?.status === 'SUCCEEDED') billed.push({ usage: task.usage, cost });
		switch (outcome.state) {
			case 'failed':
				failed.push({ item, error: outcome.error });
				items.set(item, errorItem({ item, error: outcome.error }));
				break;
			case 'submitted':
				lines.push(`Item ${item}: task ${outcome.job.taskId} was submitted`);
				items.set(item, submittedItem(item, outcome.job));
				break;
			case 'finished':
				lines.push(`Item ${item}: task ${outcome.task.taskId} ${outcome.task.status}`);
				items.set(item, taskItem(item, outcome.task, { ...output, ...outcome, cost }));
				if (outcome.duplicates !== undefined) {
					const message = `Item ${item}: ${duplicatesSentence(outcome.duplicates)}`;
					functions.addExecutionHints({ message, type: 'warning', location: 'outputPane' });
				}
		}
	}
	const totals = totalsSentence(billed);
	if (totals !== undefined) {
		functions.addExecutionHints({ message: totals, location: 'outputPane' });
	}
	if (failed.length > 0 && !continueOnFail) throw runError(functions, failed, lines);
	return [...items.keys()].sort((a, b) => a - b).flatMap((item) => items.get(item) ?? []);
}
