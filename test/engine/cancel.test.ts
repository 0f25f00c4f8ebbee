import type { INodeParameters } from 'n8n-workflow';
import { at, detailsOf, only, until, useBench } from './bench';

// Task: Cancel.

const bench = useBench({ jobSeconds: 600, slots: 1 });

const CANCEL = { resource: 'task', operation: 'cancel' };

/** Submits so many tasks; with one slot, the first runs and the others wait. */
async function submit(count: number): Promise<string[]> {
	const { items } = await bench.run(count, { waiting: 'none' });
	return items.map(({ json }) => String(json.taskId));
}

const cancel = async (taskIds: string[], settings: INodeParameters = {}) =>
	await bench.run(
		taskIds.map((taskId) => ({ json: { taskId } })),
		{ ...CANCEL, taskId: '={{ $json.taskId }}' },
		{ settings },
	);

const statusOf = (taskId: string) => bench.sandbox.tasks().find(({ id }) => id === taskId)?.status;

test('a task that waits is cancelled, and a second time is as good as the first', async () => {
	const waiting = at(await submit(2), 1);

	const { items, error } = await cancel([waiting]);

	expect(error).toBeUndefined();
	expect(items).toEqual([
		expect.objectContaining({ json: { taskId: waiting, canceled: true }, pairedItem: { item: 0 } }),
	]);
	expect(statusOf(waiting)).toBe('CANCELED');
	const again = await cancel([waiting]);
	expect(only(again.items).json).toEqual({ taskId: waiting, canceled: true });
});

test('one that runs says that it is too late, what it costs and where its video is', async () => {
	const running = only(await submit(1));
	await until(() => statusOf(running) === 'RUNNING');

	const { error } = await cancel([running]);

	expect(error?.message).toBe(`Task ${running} is already RUNNING and cannot be canceled [item 0]`);
	expect(error?.description).toMatch(/keeps running and will be billed if it succeeds/);
	expect(statusOf(running)).toBe('RUNNING');
});

test('each item gets its own answer where the user lets it continue', async () => {
	const [running = '', waiting = ''] = await submit(2);
	await until(() => statusOf(running) === 'RUNNING');

	const { items, errors } = await cancel([running, waiting, 'never-was', ''], {
		onError: 'continueErrorOutput',
	});

	expect(items.map(({ json }) => json)).toEqual([{ taskId: waiting, canceled: true }]);
	expect(errors.map(({ json }) => json.error)).toEqual([
		expect.stringContaining('already RUNNING'),
		'DashScope does not know task never-was [item 2]',
		"'Task ID' is empty [item 3]",
	]);
	expect(detailsOf(at(errors, 0))).toMatchObject({ taskId: running, status: 'RUNNING' });
});

test('a service that stumbles is asked again', async () => {
	const waiting = at(await submit(2), 1);
	bench.sandbox.fault({ route: 'cancel', times: 2, status: 503, body: 'Service Unavailable' });

	const { items } = await cancel([waiting]);

	expect(only(items).json.canceled).toBe(true);
	expect(bench.sandbox.requests('cancel')).toHaveLength(3);
});

test('a refused key is named as such, not as a task that cannot be cancelled', async () => {
	const waiting = at(await submit(2), 1);

	const { error } = await bench.run(
		[{ json: {} }],
		{ ...CANCEL, taskId: waiting },
		{ credential: { ...bench.credential(), apiKey: 'sk-someone-elses-key' } },
	);

	expect(error?.message).toMatch(/Invalid API-key/);
	expect(statusOf(waiting)).toBe('PENDING');
});
