import type { IExecuteFunctions } from 'n8n-workflow';
import { Ledger } from '../edit/ledger';
import type { LedgerStore } from '../edit/ledger';
import type { LoopMemory } from '../edit/check';
import type { UploadStore } from '../edit/uploads';

/**
 * What this node has submitted and uploaded in this execution. Lives in the node's context, the one object that
 * n8n keeps over all tries and runs of a node and saves with the execution.
 */
interface NodeMemory {
	ledger: LedgerStore;
	uploads: UploadStore;
	tries?: number[];
}

function isNodeMemory(value: unknown): value is NodeMemory {
	return typeof value === 'object' && value !== null && 'ledger' in value && 'uploads' in value;
}

/**
 * The memory of this node, with the ledger opened at a run.
 * @param run the one under way, unless all runs are to share their entries
 */
export function memoryOf(functions: IExecuteFunctions, run = runIndexOf(functions)): LoopMemory {
	const context = functions.getContext('node');
	const kept: unknown = context.wanVideoEdit;
	const memory: NodeMemory = isNodeMemory(kept) ? kept : { ledger: {}, uploads: {} };
	if (memory !== kept) context.wanVideoEdit = memory;
	memory.tries ??= [];
	return {
		ledger: new Ledger(memory.ledger, run),
		uploads: memory.uploads,
		tries: memory.tries,
	};
}

/** Number of the node's run within the execution: a loop runs it several times, a retry repeats a run. */
function runIndexOf(functions: IExecuteFunctions): number {
	const index: unknown = functions.getWorkflowDataProxy(0).$runIndex;
	return typeof index === 'number' ? index : 0;
}
