import type { IExecuteFunctions, IRunExecutionData } from 'n8n-workflow';

/** Sub-workflows may nest; a chain longer than this is given up. */
const MOST_CALLERS = 50;

/** An execution that waits for one of its sub-executions. */
export interface Caller {
	id: string;
	/** Undefined when it is gone. */
	data: IRunExecutionData | undefined;
}

/** The execution with this ID, the one that waits for it, and so on. */
export async function* callersFrom(
	functions: IExecuteFunctions,
	executionId: string | undefined,
): AsyncGenerator<Caller> {
	let id = executionId;
	for (let depth = 0; id !== undefined && depth < MOST_CALLERS; depth++) {
		// Executions of n8n's second engine cannot be read here.
		const data = isOfSecondEngine(id) ? undefined : await functions.getExecutionDataById(id);
		yield { id, data };
		// One that goes on by itself, such as the failed execution that an error workflow is about, does not wait.
		id = waitsFor(data) ? data?.parentExecution?.executionId : undefined;
	}
}

/** Whether the execution that started another one waits for it; undefined in what older versions of n8n saved. */
export function waitsFor(data: IRunExecutionData | undefined): boolean {
	return data?.parentExecution?.shouldResume !== false;
}

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/i;

/**
 * Whether n8n's second engine (workflow setting `engineType`) runs an execution. It tells nothing of itself to its
 * nodes, not even the workflow's settings, and runs only some modes of such a workflow; but its executions have
 * UUIDs, by which n8n itself tells them apart (`isExecutionIdV2` of n8n 2.41.1), where others have numbers.
 */
export function isOfSecondEngine(executionId: string): boolean {
	return UUID_7.test(executionId);
}
