import type { INodeParameters } from 'n8n-workflow';
import { readBinary } from './engine';
import { RETRY, at, detailsOf, only, until, useBench } from './bench';
import type { RunOptions } from './bench';

// Task: Wait for Completion, with the execution kept active. Suspended: test/unit/n8n/waitSuspended.test.ts.

const bench = useBench();

const WAIT = { resource: 'task', operation: 'wait', waiting: 'active' };

async function submit(count = 1, fields: INodeParameters = {}): Promise<string[]> {
	const { items } = await bench.run(count, { waiting: 'none', ...fields });
	return items.map(({ json }) => String(json.taskId));
}

const itemsOf = (taskIds: string[]) => taskIds.map((taskId) => ({ json: { taskId } }));

const wait = async (taskIds: string[], fields: INodeParameters = {}, options?: RunOptions) =>
	await bench.run(itemsOf(taskIds), { ...WAIT, taskId: '={{ $json.taskId }}', ...fields }, options);

test('waits, and hands on exactly what the edit itself would have', async () => {
	const edited = await bench.run(1);
	const [taskId = ''] = await submit();

	const { items, error } = await wait([taskId]);

	expect(error).toBeUndefined();
	const { json, binary, pairedItem } = only(items);
	const edit = only(edited.items);
	expect(Object.keys(json)).toEqual(Object.keys(edit.json));
	expect(json).toMatchObject({ taskId, status: 'SUCCEEDED', usage: edit.json.usage });
	expect(pairedItem).toEqual({ item: 0 });
	expect(binary?.data).toMatchObject({ fileName: `${taskId}.mp4`, mimeType: 'video/mp4' });
	const data = binary?.data;
	const content = data === undefined ? Buffer.alloc(0) : await readBinary(data);
	expect(content.toString('latin1', 4, 8)).toBe('ftyp');
	expect(bench.bodies()).toHaveLength(2);
});

test('many at once, in order, each with its own; one that ended before at once', async () => {
	const taskIds = await submit(3);
	await until(() => bench.sandbox.tasks().every(({ endedAt }) => endedAt !== undefined));
	bench.sandbox.log.length = 0;

	const { items } = await wait([...taskIds].reverse());

	expect(items.map(({ json }) => json.taskId)).toEqual([...taskIds].reverse());
	expect(bench.sandbox.requests('query')).toHaveLength(3);
	expect(bench.bodies()).toEqual([]);
});

test('the same task for two items is handed on twice', async () => {
	const [taskId = ''] = await submit();
	const { items } = await wait([taskId, taskId], { download: false });

	expect(items.map(({ json, pairedItem }) => [json.taskId, pairedItem])).toEqual([
		[taskId, { item: 0 }],
		[taskId, { item: 1 }],
	]);
});

test('without download only the link', async () => {
	const { items } = await wait(await submit(), { download: false });

	expect(only(items).binary).toBeUndefined();
	expect(only(items).json.videoUrl).toEqual(expect.any(String));
	expect(bench.sandbox.requests('result')).toEqual([]);
});

test('one that failed, one that nobody knows, an empty ID and a good one each say so', async () => {
	bench.sandbox.outcome({ status: 'FAILED', code: 'DataInspectionFailed', message: 'No.' });
	const [failed = ''] = await submit();
	const [good = ''] = await submit();

	const { items, errors } = await wait(
		[failed, 'c0ffee00-0000-4000-8000-000000000000', '', good],
		{},
		{ settings: { onError: 'continueErrorOutput' } },
	);

	expect(items.map(({ json }) => json.taskId)).toEqual([good]);
	expect(errors.map(({ json }) => json.error)).toEqual([
		`Task ${failed} failed: No. (DataInspectionFailed) [item 0]`,
		'DashScope does not know task c0ffee00-0000-4000-8000-000000000000 [item 1]',
		"'Task ID' is empty [item 2]",
	]);
	expect(detailsOf(at(errors, 1)).hint).toMatch(/24 hours after its submission/);
	expect(items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 3 }]);
});

test('a wait that is too short names the task, and a retry waits again without submitting', async () => {
	bench.sandbox.configure({ jobSeconds: 6 });
	const [taskId = ''] = await submit();
	const [tooShort = ''] = [taskId];

	const once = await wait([tooShort], { options: { timeout: 0.05 } });
	expect(once.error?.message).toMatch(new RegExp(`Task ${taskId} was still RUNNING after \\d+ s`));

	const { items } = await wait([taskId], { options: { timeout: 0.05 } }, { settings: RETRY });
	expect(only(items).json.taskId).toBe(taskId);
	expect(bench.bodies()).toHaveLength(1);
});

test('Stop ends the wait at once and leaves the task alone: it is another execution’s', async () => {
	bench.sandbox.configure({ jobSeconds: 600, slots: 1 });
	const taskIds = await submit(2);
	bench.sandbox.log.length = 0;
	const { done, stop, log } = bench.start(itemsOf(taskIds), {
		...WAIT,
		taskId: '={{ $json.taskId }}',
	});
	await until(() => bench.sandbox.requests('query').length >= 2);

	const before = Date.now();
	stop();
	await done;

	expect(Date.now() - before).toBeLessThan(1_500);
	await new Promise((resolve) => setTimeout(resolve, 300));
	expect(bench.sandbox.requests('cancel')).toEqual([]);
	for (const taskId of taskIds) {
		expect(log().join('\n')).toContain(`Task ${taskId} keeps running after Stop`);
	}
});

test('without a task list it waits all the same, and only the estimate is missing', async () => {
	const taskIds = await submit();
	bench.sandbox.fault({ route: 'list', times: 9, status: 404, body: 'no such route' });

	const { items, error } = await wait(taskIds);

	expect(error).toBeUndefined();
	expect(only(items).json.usage).toMatchObject({ billedSeconds: 6, estimatedCost: null });
});

test('no items, nothing asked', async () => {
	const { items } = await wait([]);
	expect(items).toEqual([]);
	expect(bench.sandbox.log).toEqual([]);
});
