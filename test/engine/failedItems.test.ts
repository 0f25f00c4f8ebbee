import type { INodeExecutionData } from 'n8n-workflow';
import { RETRY, detailsOf, named, only, until, useBench } from './bench';
import { FIELDS, FROM_START, THREE, breakDownload, expectDelivered } from './three';

// Some items fail, some do not: what is told of each, what is kept, and what is submitted again.

const bench = useBench();

const NO_ITEM: INodeExecutionData = { json: {} };

const created = () => bench.sandbox.requests('create').length;

describe('a download that breaks', () => {
	test('to the end keeps task, link and expiry; a retry of the node fetches without submitting', async () => {
		bench.sandbox.fault({ route: 'result', times: 3, truncate: 1000 });
		const failed = await bench.run(1, {}, { settings: { onError: 'continueErrorOutput' } });
		const task = only(bench.sandbox.tasks());
		const details = detailsOf(only(failed.errors));
		expect(details).toMatchObject({ taskId: task.id, status: 'SUCCEEDED' });
		expect(details.videoUrl).toMatch(new RegExp(`${task.id}\\.mp4\\?Expires=\\d+`));
		const expires = Number(/Expires=(\d+)/.exec(String(details.videoUrl))?.[1]) * 1000;
		expect(details.videoUrlExpiresAt).toBe(new Date(expires).toISOString());
		expect(bench.sandbox.requests('result')).toHaveLength(3);
	});

	test('with Retry On Fail: fetched by the second try', async () => {
		bench.sandbox.fault({ route: 'result', times: 3, drop: 'before' });
		const { items, error } = await bench.run(1, {}, { settings: RETRY });

		expect(error).toBeUndefined();
		expect(only(items).json.succeeded).toBe(true);
		expect(bench.sandbox.requests('result')).toHaveLength(4);
		expect(created()).toBe(1);
	});
});

describe('one item fails, and the node is to stop', () => {
	test('it fails when all tasks have settled, and tells of every task', async () => {
		bench.sandbox.outcome({ promptIncludes: 'black', status: 'FAILED', code: 'X', jobSeconds: 0 });
		bench.sandbox.outcome({ promptIncludes: 'pixel', jobSeconds: 2.5 });
		const { error, run, items } = await bench.run(THREE, FIELDS);

		const [grey, blurred, pixelated] = bench.sandbox.tasks();
		expect(items).toEqual([]);
		expect(bench.sandbox.tasks().map(({ status }) => status)).toEqual([
			'FAILED',
			'SUCCEEDED',
			'SUCCEEDED',
		]);
		expect(error?.message).toContain(`Task ${grey?.id} failed`);
		expect(error?.description).toContain(`Item 1: task ${blurred?.id} SUCCEEDED`);
		expect(error?.description).toContain(`Item 2: task ${pixelated?.id} SUCCEEDED`);
		// What n8n saves holds the finished ones for a retry.
		const saved = JSON.stringify(run.data.executionData?.contextData);
		expect(saved).toContain(blurred?.id);
		expect(saved).toContain(pixelated?.id);
	});

	test('also of those that failed in other ways or are still under way', async () => {
		bench.sandbox.outcome({ promptIncludes: 'black', jobSeconds: 600 });
		bench.sandbox.outcome({ promptIncludes: 'blur', status: 'FAILED', code: 'X' });
		bench.sandbox.fault({ route: 'result', status: 404 });
		const { error } = await bench.run([...THREE, ...named('black and white again')], {
			...FIELDS,
			options: { timeout: 0.06 },
		});

		const text = `${error?.message}\n${error?.description}`;
		const [grey, blurred, pixelated, again] = bench.taskIds();
		expect(text).toContain(`Task ${grey} was still RUNNING`);
		expect(text).toContain(`Item 1: Task ${blurred} failed`);
		// Which of the two is fetched first, and so meets the fault, depends on the machine.
		const fetched = [`Item 2: task ${pixelated} SUCCEEDED`, `Item 3: task ${again} SUCCEEDED`];
		const [left] = fetched.filter((line) => !text.includes(line));
		expect(fetched.filter((line) => text.includes(line))).toHaveLength(1);
		expect(text).toContain(
			left === fetched[0]
				? `Item 2: The video of task ${pixelated} is ready`
				: `Item 3: The video of task ${again} is ready`,
		);
	});

	test('a submission that is refused does not lose the others', async () => {
		bench.sandbox.fault({ route: 'create', skip: 1, status: 400 });
		const { error } = await bench.run(THREE, FIELDS);

		expect(bench.sandbox.tasks().map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
		for (const id of bench.taskIds()) expect(error?.description).toContain(`task ${id} SUCCEEDED`);
	});
});

describe('Continue and error output', () => {
	test.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
		'%s: every item fails or is delivered on its own',
		async (onError) => {
			bench.sandbox.outcome({ promptIncludes: 'blur', status: 'FAILED', code: 'X', message: 'no' });
			bench.sandbox.outcome({ promptIncludes: 'stuck', jobSeconds: 600 });
			const items = named(
				'black and white',
				'blur it',
				'stuck in black and white',
				'pixelate it',
				'',
			);
			bench.sandbox.configure({ jobSeconds: 1 });
			const { done } = bench.start(
				items,
				{ ...FIELDS, options: { timeout: 0.06 } },
				{ settings: { onError }, lookUp: FROM_START },
			);
			await until(() => bench.taskIds().length === 4);
			breakDownload(3)(bench);
			const result = await done;

			expect(result.error).toBeUndefined();
			expect(created()).toBe(4);
			const all = [...result.items, ...result.errors];
			const names = [...result.lookedUp.items, ...result.lookedUp.errors];
			expect([...names].sort()).toEqual(['item 0', 'item 1', 'item 2', 'item 3', 'item 4']);
			const byName = Object.fromEntries(all.map((item, index) => [String(names[index]), item]));
			const [grey, blurred, stuck, pixelated] = bench.taskIds();

			expect(byName['item 0']?.json).toMatchObject({ taskId: grey, succeeded: true });
			const failed = [1, 2, 3, 4].map((index) => byName[`item ${index}`] ?? NO_ITEM);
			expect(failed.map(detailsOf)).toEqual([
				expect.objectContaining({ taskId: blurred, status: 'FAILED', code: 'X' }),
				expect.objectContaining({ taskId: stuck, status: 'RUNNING' }),
				expect.objectContaining({ taskId: pixelated, status: 'SUCCEEDED', httpStatus: 404 }),
				{ hint: expect.any(String) },
			]);
			expect(failed.map(({ pairedItem }) => pairedItem)).toEqual(
				[1, 2, 3, 4].map((item) => ({ item })),
			);
			expect(failed.map(({ json }) => String(json.error))).toEqual([
				expect.stringContaining(`Task ${blurred} failed: no (X) [item 1]`),
				expect.stringContaining(`Task ${stuck} was still RUNNING`),
				expect.stringContaining(`The video of task ${pixelated} is ready`),
				"'Prompt' is empty [item 4]",
			]);
			expect(result.errors).toHaveLength(onError === 'continueErrorOutput' ? 4 : 0);
		},
	);
});

describe('a task that failed through a fault of the service', () => {
	const fail = (code: string, times: number) =>
		bench.sandbox.outcome({ times, status: 'FAILED', code, jobSeconds: 0 });

	test('is not submitted again by itself', async () => {
		fail('InternalError.Algo', 1);
		const { error } = await bench.run(1);

		expect(error?.message).toContain('InternalError.Algo');
		expect(created()).toBe(1);
	});

	test.each(['InternalError.Algo', 'RewriteFailed'])(
		'%s: is, as often as the user allows',
		async (code) => {
			fail(code, 1);
			const { items, error } = await bench.run(1, { options: { resubmitFailed: 1 } });

			expect(error).toBeUndefined();
			expect(only(items).json).toMatchObject({ succeeded: true, taskId: bench.taskIds()[1] });
			expect(created()).toBe(2);
		},
	);

	test('and not more often', async () => {
		fail('InternalError.Algo', 9);
		const { error } = await bench.run(1, { options: { resubmitFailed: 2 } });

		expect(created()).toBe(3);
		expect(error?.message).toContain(`Task ${bench.taskIds()[2]} failed`);
	});

	test('never more than three times', async () => {
		fail('InternalError.Algo', 9);
		const { error } = await bench.run(1, { options: { resubmitFailed: '={{ 99 }}' } });

		expect(error).toBeDefined();
		expect(created()).toBe(4);
	});

	test.each(['DataInspectionFailed', 'SomethingNew'])(
		'%s: is not, whatever the user allows',
		async (code) => {
			fail(code, 9);
			const { error } = await bench.run(1, { options: { resubmitFailed: 3 } });

			expect(error?.message).toContain(code);
			expect(created()).toBe(1);
		},
	);

	test('one of three: the other two stay as they are', async () => {
		bench.sandbox.outcome({ promptIncludes: 'blur', status: 'FAILED', code: 'InternalError.Algo' });
		const result = await bench.run(
			THREE,
			{ ...FIELDS, options: { resubmitFailed: 1 } },
			{ lookUp: FROM_START },
		);

		expectDelivered(result);
		expect(created()).toBe(4);
	});
});
