import type { IBinaryData, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { estimateCost, sumOf, totalsSentence } from '../billing/price';
import type { Billed, Billing, PricePerSecond } from '../billing/price';
import type { Task } from '../dashscope/types';
import type { Duplicate } from '../tasks/duplicates';
import type { TaskError } from '../tasks/errors';
import { duplicatesSentence } from '../tasks/outcome';
import type { Settled, SubmittedTask } from '../tasks/outcome';
import { gathered } from './clips';
import type { ClipPlace, JoinedPieces } from './clips';
import { errorItem, runError } from './failures';
import type { ItemFailure } from './failures';
import { joinedItem, submittedItem, taskItem } from './items';
import { noteItem } from './noteItem';

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
	/** Of a video that is edited in pieces: which of them this is. */
	clip?: ClipPlace;
}

/** An item with its outcome, ready to leave the node; or one of its pieces. */
export interface SettledItem {
	output: ItemOutput;
	outcome: SettledTask | JoinedPieces | FailedPieces;
}

/** What became of the only task of an item, or of that of a piece. */
export type SettledTask = Settled<IBinaryData> | SubmittedTask;

/** An item of which at least one piece failed. */
export interface FailedPieces {
	state: 'failed';
	error: TaskError;
	/** Of the pieces that are finished. */
	tasks: Task[];
}

/**
 * Turns outcomes into items and says what the run cost. All tasks have settled by now and are in the ledger, so that
 * failing the node loses none of them.
 * @param failures items that were refused before anything was sent
 * @param continueOnFail the user's setting, where the node that runs is not the user's own
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
	const warn = (item: number, text: string) => noteItem(functions, item, text, 'warning');
	const warnOfSecond = (item: number, duplicates: Duplicate[] = []) => {
		if (duplicates.length === 0) return;
		warn(item, duplicatesSentence(duplicates));
		// n8n shows no hints of a node that fails.
		lines.push(`Item ${item}: ${duplicatesSentence(duplicates)}`);
	};
	for (const { output, outcome } of gathered(settled)) {
		const { item } = output;
		const own = tasksOf(outcome)
			.filter(({ status }) => status === 'SUCCEEDED')
			.map(({ usage }): Billed => {
				return { usage, cost: estimateCost(usage, output.model, billing, output.prices) };
			});
		billed.push(...own);
		const { usage, cost } = sumOf(own);
		switch (outcome.state) {
			case 'failed':
				failed.push({ item, error: outcome.error });
				items.set(item, errorItem({ item, error: outcome.error }));
				break;
			case 'submitted':
				lines.push(`Item ${item}: task ${outcome.job.taskId} was submitted`);
				items.set(item, submittedItem(item, outcome));
				warnOfSecond(item, outcome.duplicates);
				break;
			case 'finished':
				lines.push(`Item ${item}: task ${outcome.task.taskId} ${outcome.task.status}`);
				items.set(item, taskItem(item, outcome.task, { ...output, ...outcome, cost }));
				warnOfSecond(item, outcome.duplicates);
				break;
			case 'joined':
				lines.push(`Item ${item}: ${outcome.pieces.length} pieces SUCCEEDED`);
				items.set(item, joinedItem(item, outcome, { ...output, usage, cost }));
				for (const note of outcome.notes) warn(item, note);
				warnOfSecond(item, outcome.duplicates);
		}
	}
	const totals = totalsSentence(billed);
	if (totals !== undefined) {
		functions.addExecutionHints({ message: totals, location: 'outputPane' });
	}
	if (failed.length > 0 && !continueOnFail) throw runError(functions, failed, lines);
	return [...items.keys()].sort((a, b) => a - b).flatMap((item) => items.get(item) ?? []);
}

function tasksOf(outcome: SettledItem['outcome']): Task[] {
	switch (outcome.state) {
		case 'submitted':
			return [];
		case 'joined':
			return outcome.pieces.map(({ task }) => task);
		default:
			if ('tasks' in outcome) return outcome.tasks;
			return outcome.task === undefined ? [] : [outcome.task];
	}
}
