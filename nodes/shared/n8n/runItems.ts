import type { IBinaryData, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { dashScopeClient } from '../dashscope/client';
import { isPrivateHost } from '../dashscope/hosts';
import { currencyOf } from '../tasks/price';
import { runEdits } from '../tasks/run';
import type { Outcome, RunSettings } from '../tasks/run';
import { readHold } from '../../WanVideoEdit/fields/waiting';
import { toError } from './failures';
import type { ItemFailure } from './failures';
import { handOn } from './handOn';
import type { ItemOutput, SettledItem } from './handOn';
import { couldNotSuspend } from './leftTasks';
import { suspendedFailure } from './suspend/payload';
import type { SuspendedItem } from './suspend/payload';
import { countTry, memoryOf } from './nodeMemory';
import { n8nPorts } from './bindPorts';
import { suspend } from './suspend/start';
import { readItem, readSettings } from '../../WanVideoEdit/actions/video/readItem';
import type { EditKind, ReadyItem } from '../../WanVideoEdit/actions/video/readItem';

type RunItem = { output: ItemOutput; outcome: Outcome<IBinaryData> };

/**
 * The execute of every edit: reads and checks all items before anything is uploaded or billed, edits them
 * together, and hands each on with its own outcome.
 */
export async function editItems(
	functions: IExecuteFunctions,
	kind: EditKind,
): Promise<INodeExecutionData[]> {
	const input = functions.getInputData();
	if (input.length === 0) return [];
	const client = await dashScopeClient(functions);
	const currency = currencyOf(client.baseUrl);
	const publicService = !isPrivateHost(new URL(client.baseUrl).hostname);
	const hold = await readHold(functions);
	const settings: RunSettings = {
		...readSettings(functions),
		holdMs: hold.holdMs,
		retries: countTry(functions),
	};

	const ready: ReadyItem[] = [];
	const failures: ItemFailure[] = [];
	for (const item of input.keys()) {
		try {
			ready.push(await readItem(functions, kind, item, publicService));
		} catch (error) {
			failures.push({ item, error: toError(error) });
		}
	}
	const [first] = ready;
	if (first === undefined || (failures.length > 0 && !functions.continueOnFail())) {
		return handOn(functions, currency, failures, []);
	}

	if (hold.hint !== undefined) {
		functions.addExecutionHints({ message: hold.hint, location: 'outputPane' });
		// n8n's second engine shows no hints.
		functions.logger.info(hold.hint);
	}
	const outcomes = await runEdits(
		ready.map(({ edit }) => edit),
		n8nPorts(functions, client, first.output.maxResultBytes),
		memoryOf(functions),
		settings,
	);
	const items = outcomes.flatMap((outcome, index) => {
		const output = ready[index]?.output;
		return output === undefined ? [] : [{ output, outcome }];
	});
	const settled = items.filter(isSettled);
	// n8n does not run this node again after a suspension has failed: what fails before it fails at once, so that a
	// retry submits it again and finds the tasks of the others.
	const failsNow =
		settled.some(({ outcome }) => outcome.state === 'failed') && !functions.continueOnFail();
	if (settled.length === items.length || failsNow) {
		const left = items.map(({ output, outcome }): SettledItem => {
			if (outcome.state !== 'open') return { output, outcome };
			return { output, outcome: { state: 'submitted', job: outcome.job } };
		});
		return handOn(functions, currency, failures, left);
	}
	try {
		return await suspend(functions, toSuspend(items, failures, first.output), settings, currency);
	} catch (thrown) {
		// Submitted they are: each item says what became of its task.
		const left = items.flatMap(({ output: { item }, outcome }): ItemFailure[] =>
			outcome.state === 'open'
				? [{ item, error: couldNotSuspend(outcome.job.taskId, toError(thrown)) }]
				: [],
		);
		return handOn(functions, currency, [...failures, ...left], settled);
	}
}

function isSettled(item: RunItem): item is SettledItem {
	return item.outcome.state !== 'open';
}

/** Everything that has to wait together: open tasks, and the items that are done or failed before them. */
function toSuspend(items: RunItem[], failures: ItemFailure[], any: ItemOutput) {
	const suspended = items.flatMap(({ output, outcome }) => {
		const video = outcome.state === 'finished' ? outcome.video : undefined;
		const state = stateOf(outcome);
		return state === undefined ? [] : [{ edit: { output, state }, video }];
	});
	const refused = failures.map((failure) => ({
		edit: { output: { ...any, item: failure.item }, state: suspendedFailure(failure) },
		video: undefined,
	}));
	return [...suspended, ...refused].sort((a, b) => a.edit.output.item - b.edit.output.item);
}

function stateOf(outcome: Outcome<IBinaryData>): SuspendedItem['state'] | undefined {
	switch (outcome.state) {
		case 'open':
			return outcome;
		case 'finished':
			return { state: 'finished', job: outcome.job, task: outcome.task };
		case 'failed':
			return suspendedFailure(outcome, outcome.task);
		case 'submitted':
			// Tasks that are not waited for are never handed back unfinished.
			return undefined;
	}
}
