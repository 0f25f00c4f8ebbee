import type { IRunExecutionData } from 'n8n-workflow';
import { NODE, retryData } from './engine';
import type { EngineRun } from './engine';
import { RETRY, at, detailsOf, named, only, tasksByPrompt, until, useBench } from './bench';
import {
	FIELDS,
	FROM_START,
	THREE,
	breakDownload,
	breakQuery,
	expectDelivered,
	runMeddled,
} from './three';

// Nothing billed twice, nothing paid for lost, when the node runs again: by Retry On Fail, by "Retry execution" and
// in loops. What counts is how many tasks exist in the end.

const bench = useBench();

const NOTHING = () => undefined;

const created = () => bench.sandbox.requests('create').length;

describe('Retry On Fail, three tries over three items', () => {
	test('one status cannot be read: three tasks in total', async () => {
		const result = await runMeddled(bench, RETRY, breakQuery(1));

		expectDelivered(result);
		expect(tasksByPrompt(bench.sandbox.tasks())).toEqual({
			'black and white': 1,
			'blur it': 1,
			'pixelate it': 1,
		});
		expect(created()).toBe(3);
	});

	test.each([0, 2])('download of item %i fails: three tasks in total', async (index) => {
		const result = await runMeddled(bench, RETRY, breakDownload(index));

		expectDelivered(result);
		expect(created()).toBe(3);
	});

	test('all downloads fail, at every try: three tasks in total, and an error that names them', async () => {
		const result = await runMeddled(bench, RETRY, () =>
			[0, 1, 2].forEach((index) => breakDownload(index, 3)(bench)),
		);

		expect(created()).toBe(3);
		expect(bench.sandbox.requests('result')).toHaveLength(9);
		for (const id of bench.taskIds()) {
			expect(`${result.error?.message} ${result.error?.description}`).toContain(id);
		}
	});

	test('an upload fails, at first: three tasks in total, and no file is uploaded twice', async () => {
		const { video } = bench.sandbox.samples;
		const files = await Promise.all(THREE.map(async () => await bench.file(video)));
		const items = THREE.map((item, index) => ({ ...item, binary: { data: at(files, index) } }));
		bench.sandbox.fault({ route: 'policy', times: 1, status: 403, skip: 1 });
		const result = await bench.run(
			items,
			{ ...FIELDS, videoSource: 'binary' },
			{ settings: RETRY, lookUp: FROM_START },
		);

		expectDelivered(result, items);
		expect(created()).toBe(3);
		expect(bench.sandbox.requests('upload')).toHaveLength(3);
		expect(bench.sandbox.requests('policy')).toHaveLength(4);
	});

	test('a submission is refused after its upload: the file is not uploaded again', async () => {
		const data = await bench.file(bench.sandbox.samples.video);
		bench.sandbox.fault({ route: 'create', status: 400 });
		const { items, error } = await bench.run(
			[{ json: {}, binary: { data } }],
			{ videoSource: 'binary', download: false },
			{ settings: RETRY },
		);

		expect(error).toBeUndefined();
		expect(only(items).json.succeeded).toBe(true);
		expect(created()).toBe(2);
		expect(bench.sandbox.requests('upload')).toHaveLength(1);
	});

	test.each([
		['FAILED', { status: 'FAILED' as const, code: 'InvalidParameter' }],
		['CANCELED', { status: 'CANCELED' as const }],
	])('a task that ended %s is submitted anew, and only that one', async (_status, outcome) => {
		bench.sandbox.outcome({ promptIncludes: 'blur', ...outcome });
		const result = await runMeddled(bench, RETRY, NOTHING);

		expectDelivered(result);
		expect(tasksByPrompt(bench.sandbox.tasks())).toEqual({
			'black and white': 1,
			'blur it': 2,
			'pixelate it': 1,
		});
	});

	test('a task that always fails is submitted once for each try, the others once', async () => {
		bench.sandbox.outcome({ promptIncludes: 'blur', times: 9, status: 'FAILED', code: 'X' });
		const { error } = await runMeddled(bench, RETRY, NOTHING);

		expect(error?.message).toMatch(/failed: .*\(X\)/);
		expect(tasksByPrompt(bench.sandbox.tasks())).toEqual({
			'black and white': 1,
			'blur it': 3,
			'pixelate it': 1,
		});
	});

	test('a task that DashScope does not know is not submitted again: it may have been billed', async () => {
		bench.sandbox.outcome({ promptIncludes: 'blur', times: 9, status: 'UNKNOWN' });
		const { error } = await runMeddled(bench, { ...RETRY, maxTries: 2 }, NOTHING);

		expect(error?.message).toMatch(/does not know task/);
		expect(created()).toBe(3);
	});

	test('without waiting for results: a refused item is submitted again, the others are not', async () => {
		bench.sandbox.fault({ route: 'create', skip: 1, status: 400 });
		const { items, error } = await bench.run(
			THREE,
			{ ...FIELDS, waiting: 'none' },
			{ settings: RETRY },
		);

		expect(error).toBeUndefined();
		expect(items).toHaveLength(3);
		expect(tasksByPrompt(bench.sandbox.tasks())).toEqual({
			'black and white': 1,
			'blur it': 1,
			'pixelate it': 1,
		});
		expect(new Set(items.map(({ json }) => json.taskId))).toEqual(new Set(bench.taskIds()));
	});
});

describe('Continue, with Retry On Fail and a first item that fails', () => {
	test.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
		'%s: once, then all are delivered from three tasks',
		async (onError) => {
			const result = await runMeddled(bench, { ...RETRY, onError }, breakDownload(0));

			expectDelivered(result);
			expect(result.errors).toEqual([]);
			expect(created()).toBe(3);
		},
	);

	test('at every try: three tasks, and the item keeps its task', async () => {
		const result = await runMeddled(
			bench,
			{ ...RETRY, onError: 'continueErrorOutput' },
			breakDownload(0, 9),
		);

		expect(created()).toBe(3);
		expect(result.items.map(({ json }) => json.prompt)).toEqual(['blur it', 'pixelate it']);
		expect(detailsOf(only(result.errors))).toMatchObject({ taskId: at(bench.taskIds(), 0) });
		expect(result.lookedUp).toEqual({ items: ['item 1', 'item 2'], errors: ['item 0'] });
	});

	test('for bad input: the others are edited once', async () => {
		const result = await bench.run(named('', 'blur it', 'pixelate it'), FIELDS, {
			settings: { ...RETRY, onError: 'continueRegularOutput' },
		});

		expect(result.items.map(({ json }) => json.succeeded)).toEqual([undefined, true, true]);
		expect(created()).toBe(2);
	});
});

describe('Retry execution, from what was saved of a failed run', () => {
	const retry = async (failed: EngineRun, change: (data: IRunExecutionData) => void = () => {}) => {
		const from = retryData(failed);
		change(from);
		return await bench.run(THREE, FIELDS, { from, mode: 'retry', lookUp: FROM_START });
	};
	const nodeOnStack = (data: IRunExecutionData) => at(data.executionData?.nodeExecutionStack, 0);

	test.each([
		['download', breakDownload(1)],
		['status', breakQuery(1)],
	])('after a failed %s: all delivered without a new submission', async (_what, meddle) => {
		const failed = await runMeddled(bench, {}, meddle);
		expect(failed.error).toBeDefined();
		expect(failed.items).toEqual([]);
		const tasks = bench.taskIds();
		const retried = await retry(failed);

		expectDelivered(retried);
		expect(retried.items.map(({ json }) => json.taskId)).toEqual(tasks);
		expect(created()).toBe(3);
	});

	test('after a failed task: only that one is submitted anew', async () => {
		bench.sandbox.outcome({ promptIncludes: 'blur', status: 'FAILED', code: 'X' });
		const failed = await runMeddled(bench, {}, NOTHING);
		expect(failed.error?.message).toContain('(X)');
		const retried = await retry(failed);

		expectDelivered(retried);
		expect(tasksByPrompt(bench.sandbox.tasks())).toEqual({
			'black and white': 1,
			'blur it': 2,
			'pixelate it': 1,
		});
	});

	test('of the same failed run, twice: the second takes what the first has submitted', async () => {
		bench.sandbox.outcome({ promptIncludes: 'blur', status: 'FAILED', code: 'X' });
		const failed = await runMeddled(bench, {}, NOTHING);
		const [first, second] = [await retry(failed), await retry(failed)];

		expectDelivered(second);
		const idsOf = ({ items }: EngineRun) => items.map(({ json }) => json.taskId);
		expect(idsOf(second)).toEqual(idsOf(first));
		expect(created()).toBe(4);
	});

	test('after a timeout: the tasks that went on meanwhile are delivered', async () => {
		bench.sandbox.configure({ jobSeconds: 4 });
		const failed = await bench.run(THREE, { ...FIELDS, options: { timeout: 0.03 } });
		expect(failed.error?.message).toMatch(/was still RUNNING/);
		await until(() => bench.sandbox.tasks().every(({ status }) => status === 'SUCCEEDED'));
		const retried = await retry(failed);

		expectDelivered(retried);
		expect(created()).toBe(3);
	});

	test('that fails again, and again: still no new task', async () => {
		const failed = await runMeddled(bench, {}, breakDownload(2, 3));
		const second = await retry(failed);
		expect(second.error).toBeDefined();
		const third = await retry(second);
		expect(third.error).toBeDefined();
		const fourth = await retry(third);

		expectDelivered(fourth);
		expect(created()).toBe(3);
	});

	test('with files: none is uploaded again', async () => {
		const data = await bench.file(bench.sandbox.samples.video);
		bench.sandbox.fault({ route: 'result', status: 404 });
		const failed = await bench.run([{ json: {}, binary: { data } }], { videoSource: 'binary' });
		const retried = await retry(failed);

		expect(only(retried.items).json.succeeded).toBe(true);
		expect(created()).toBe(1);
		expect(bench.sandbox.requests('upload')).toHaveLength(1);
	});

	test('after the prompt of one item was changed: that item is a new edit', async () => {
		const failed = await runMeddled(bench, {}, breakDownload(1));
		const retried = await retry(failed, (data) => {
			const items = nodeOnStack(data).data.main?.[0] ?? [];
			at(items, 1).json.prompt = 'quite black and white';
		});

		expectDelivered(retried, named('black and white', 'quite black and white', 'pixelate it'));
		expect(tasksByPrompt(bench.sandbox.tasks())).toEqual({
			'black and white': 1,
			'blur it': 1,
			'pixelate it': 1,
			'quite black and white': 1,
		});
	});

	test('whatever expressions give by then: only the item without a task is submitted', async () => {
		const changing = { ...FIELDS, prompt: '={{ $json.prompt }} at {{ Date.now() }}' };
		bench.sandbox.fault({ route: 'create', skip: 1, status: 400 });
		const result = await bench.run(THREE, changing, { settings: RETRY });

		expect(result.error).toBeUndefined();
		expect(bench.taskIds()).toHaveLength(3);
		expect(created()).toBe(4);
	});

	test('with the items in another order: each gets its own task', async () => {
		const failed = await runMeddled(bench, {}, breakDownload(1));
		const [grey, blurred, pixelated] = bench.taskIds();
		const retried = await retry(failed, (data) => nodeOnStack(data).data.main?.[0]?.reverse());

		expect(retried.items.map(({ json }) => [json.prompt, json.taskId])).toEqual([
			['pixelate it', pixelated],
			['blur it', blurred],
			['black and white', grey],
		]);
		expect(created()).toBe(3);
	});
});

describe('several runs of the node, equal items', () => {
	const SAME = named('black and white', 'black and white', 'black and white');

	test('two equal items are two tasks', async () => {
		const { items } = await bench.run(SAME.slice(1), FIELDS);

		expect(created()).toBe(2);
		expect(new Set(items.map(({ json }) => json.taskId)).size).toBe(2);
	});

	test('in a loop, equal items of different rounds are tasks of their own', async () => {
		const { items, run } = await bench.run(SAME, FIELDS, { batchSize: 1 });

		expect(run.data.resultData.runData[NODE]).toHaveLength(3);
		expect(created()).toBe(3);
		expect(items.map(({ json }) => json.taskId)).toEqual(bench.taskIds());
	});

	test('in a loop with Retry On Fail, a round that fails is picked up, not submitted again', async () => {
		bench.sandbox.fault({ route: 'result', skip: 2, times: 1, status: 404 });
		const items = named('black and white', 'blur it', 'black and white', 'blur it');
		const result = await bench.run(items, FIELDS, { batchSize: 2, settings: RETRY });

		expect(result.error).toBeUndefined();
		expect(result.items.map(({ json }) => json.prompt)).toEqual([
			'black and white',
			'blur it',
			'black and white',
			'blur it',
		]);
		expect(new Set(result.items.map(({ json }) => json.taskId)).size).toBe(4);
		expect(created()).toBe(4);
	});

	test('a loop that failed in its second round goes on there when the execution is retried', async () => {
		bench.sandbox.fault({ route: 'result', skip: 1, status: 404 });
		const failed = await bench.run(SAME, FIELDS, { batchSize: 1 });
		expect(failed.error).toBeDefined();
		expect(created()).toBe(2);
		const retried = await bench.run(SAME, FIELDS, {
			batchSize: 1,
			from: retryData(failed),
			mode: 'retry',
		});

		expect(retried.error).toBeUndefined();
		expect(retried.items.map(({ json }) => json.taskId)).toEqual(bench.taskIds());
		expect(created()).toBe(3);
	});

	test('an equal item that fails at first gets its own task back, not its twin’s', async () => {
		const result = await runMeddled(bench, RETRY, breakDownload(0), SAME);

		expectDelivered(result, SAME);
		expect(new Set(result.items.map(({ json }) => json.taskId))).toEqual(new Set(bench.taskIds()));
		expect(created()).toBe(3);
	});
});
