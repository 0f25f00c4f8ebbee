import type { IDataObject, IExecuteFunctions, INode, INodeParameters } from 'n8n-workflow';
import { properties } from '../../../nodes/WanVideoEdit/actions/router';
import { priceOptions } from '../../../nodes/WanVideoEdit/fields/price';
import {
	countTry,
	memoryOf,
	noteCall,
	recipeOf,
	retriesOf,
	tasksOfRun,
} from '../../../nodes/shared/n8n/nodeMemory';

const NODE: INode = {
	id: 'edit',
	name: 'Edit',
	type: 'wanVideoEdit',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};

// The limits are those of n8n-core's workflow-execute.js.
test.each<[Partial<INode>, number]>([
	[{}, 0],
	[{ maxTries: 4 }, 0],
	[{ retryOnFail: false, maxTries: 4 }, 0],
	[{ retryOnFail: true }, 2],
	[{ retryOnFail: true, maxTries: 0 }, 2],
	[{ retryOnFail: true, maxTries: 1 }, 1],
	[{ retryOnFail: true, maxTries: 4 }, 3],
	[{ retryOnFail: true, maxTries: 50 }, 4],
])('a node with %j is run again %i times, as n8n does it', (settings, retries) => {
	expect(retriesOf({ ...NODE, ...settings })).toBe(retries);
});

describe('the tries of a run', () => {
	/** An execution whose node is run for several inputs, and whose memory goes through JSON in between. */
	function execution(settings: Partial<INode>) {
		let saved = '{}';
		return (run: number, work: (functions: IExecuteFunctions) => unknown = countTry) => {
			const context = JSON.parse(saved) as IDataObject;
			const functions = {
				getContext: () => context,
				getNode: () => ({ ...NODE, ...settings }),
				getMode: () => 'webhook',
				isToolExecution: () => false,
				getWorkflowDataProxy: () => ({ $runIndex: run }),
			};
			const result = work(functions as unknown as IExecuteFunctions);
			saved = JSON.stringify(context);
			return result;
		};
	}

	test('leave fewer and fewer, and begin anew with "Retry execution"', () => {
		const attempt = execution({ retryOnFail: true, maxTries: 3 });
		expect([0, 0, 0, 0, 0].map((run) => attempt(run))).toEqual([2, 1, 0, 2, 1]);
	});

	test('are counted for each run of a loop', () => {
		const attempt = execution({ retryOnFail: true, maxTries: 2 });
		expect([0, 1, 1, 0].map((run) => attempt(run))).toEqual([1, 1, 0, 0]);
	});

	test('leave none without Retry On Fail', () => {
		const attempt = execution({});
		expect([0, 0, 0].map((run) => attempt(run))).toEqual([0, 0, 0]);
	});

	test('do not disturb what was submitted', () => {
		const attempt = execution({ retryOnFail: true });
		attempt(0, (functions) =>
			memoryOf(functions).ledger.submitted('key', { taskId: 'task-1', submittedAt: 5 }),
		);
		attempt(0);
		const entry = attempt(0, (functions) => memoryOf(functions).ledger.find('key'));
		expect(entry).toMatchObject({ state: 'submitted', taskId: 'task-1' });
	});
});

describe('calls by an agent', () => {
	/** Functions of equal calls, whose memory they share. */
	function calls(context: IDataObject = {}) {
		let runs = 0;
		return () => {
			const run = runs++;
			return {
				getContext: () => context,
				getNode: () => NODE,
				getMode: () => 'webhook',
				isToolExecution: () => true,
				getInputData: () => [{ json: { prompt: 'snow' } }],
				getWorkflowDataProxy: () => ({ $runIndex: run }),
			} as unknown as IExecuteFunctions;
		};
	}
	const submit = (functions: IExecuteFunctions, taskId: string) => {
		const { ledger } = memoryOf(functions);
		ledger.submitted(ledger.key('snow', 0), { taskId, submittedAt: 5 });
	};
	const tasksOf = (functions: IExecuteFunctions) => tasksOfRun(functions).taskIds;

	test('each goes on with one of those that failed, the first one first', () => {
		const next = calls();
		const [first, second] = [next(), next()];
		submit(first, 'task-1');
		submit(second, 'task-2');
		for (const failed of [first, second]) noteCall(failed, true);
		expect([next(), next(), next()].map(tasksOf)).toEqual([['task-1'], ['task-2'], []]);
	});

	test('a memory of version 0.1.0 holds one of them', () => {
		const context: IDataObject = {};
		const next = calls(context);
		const first = next();
		submit(first, 'task-1');
		noteCall(first, true);
		const memory = context.wanVideoEdit as IDataObject;
		const recipe = recipeOf(first, 0);
		expect(memory.failedCalls).toEqual({ [recipe]: [0] });
		memory.failedCalls = { [recipe]: 0 };
		expect([next(), next()].map(tasksOf)).toEqual([['task-1'], []]);
	});
});

describe('what an item is made from', () => {
	const recipe = (parameters: INodeParameters, execution = '1') => {
		const id = `filesystem-v2:workflows/w/executions/${execution}/binary_data/f`;
		const binary = { video: { mimeType: 'video/mp4', data: '', id } };
		return recipeOf(
			{
				getNode: () => ({ ...NODE, parameters }),
				getInputData: () => [{ json: { name: 'a' }, binary }],
			} as unknown as IExecuteFunctions,
			0,
		);
	};
	const asked = { prompt: '={{ $now }}', videoUrl: 'https://files.example/a.mp4' };
	const before = recipe(asked);
	const optionNames = properties
		.filter(({ name }) => name === 'options')
		.flatMap(({ options = [] }) => options.map(({ name }) => name));

	test('is the same after n8n has renamed its files', () => {
		expect(recipe(asked, 'temp')).toBe(before);
	});

	test.each([
		'lostSubmission',
		'timeout',
		'resubmitFailed',
		'spendingLimit',
		...priceOptions.map(({ name }) => name),
		'simplify',
	])('stays the same when the option %s is set, as an error may advise', (name) => {
		expect(optionNames).toContain(name);
		expect(recipe({ ...asked, options: {} })).toBe(before);
		expect(recipe({ ...asked, options: { [name]: 5 } })).toBe(before);
	});

	test.each(['waiting', 'download', 'outputField'])('stays the same with another %s', (name) => {
		expect(properties.map((field) => field.name)).toContain(name);
		expect(recipe({ ...asked, [name]: 'x' })).toBe(before);
	});

	test.each<INodeParameters>([
		{ prompt: 'another' },
		{ resolution: '1080P' },
		{ options: { seed: 7 } },
		{ options: { negativePrompt: 'x' } },
		{ longVideo: 'split' },
	])('is something else with %j', (changed) => {
		expect(recipe({ ...asked, ...changed })).not.toBe(before);
	});
});
