import type { INodeExecutionData } from 'n8n-workflow';
import { FIELDS, THREE } from './three';
import { NODE } from './engine';
import type { EngineRun, Started } from './engine';
import { RETRY, at, named, only, until, useBench } from './bench';

// Stop in the editor; the workflow's timeout takes the same way through n8n.

const bench = useBench();

const created = () => bench.sandbox.requests('create').length;
/** When the answer to the only submission is sent that is held back for so long. */
const answerAt = (delayMs: number) => only(bench.sandbox.requests('create')).at + delayMs;
const statuses = () => bench.sandbox.tasks().map(({ status }) => status);

/** How long a call hangs in these tests. That Stop takes less than a second is tested on a virtual clock. */
const HANGS = 20_000;
/** How long an answer is held back that comes in the end. */
const LATE = 3_000;

/** Stops a run, which does not wait for what hangs. */
async function stopNow({ stop, done }: Started): Promise<EngineRun> {
	const stopped = Date.now();
	stop();
	const result = await done;
	expect(Date.now() - stopped).toBeLessThan(HANGS / 4);
	expect(result.run.status).toBe('canceled');
	// n8n itself may let the input pass through a node that continues on errors, but no further.
	expect(Object.keys(result.run.data.resultData.runData)).toEqual(['Start', NODE]);
	return result;
}

/** Nothing more is sent after the stop but cancellations and what they need. */
async function expectQuiet(): Promise<void> {
	const length = bench.sandbox.log.length;
	await new Promise((resolve) => setTimeout(resolve, 1_500));
	const more = bench.sandbox.log.slice(length).map(({ route }) => route);
	expect(more.filter((route) => route !== 'cancel' && route !== 'sample')).toEqual([]);
}

async function videoItem(): Promise<INodeExecutionData> {
	return { json: {}, binary: { data: await bench.file(bench.sandbox.samples.video) } };
}

test('while tasks wait and run: waiting ones are cancelled, running ones left and named in the log', async () => {
	bench.sandbox.configure({ slots: 1, jobSeconds: 600 });
	const started = bench.start(THREE, FIELDS);
	await until(() => bench.taskIds().length === 3);
	await until(() => bench.sandbox.requests('query').length >= 3);
	const { log } = await stopNow(started);

	expect(statuses()).toEqual(['RUNNING', 'CANCELED', 'CANCELED']);
	const [running, ...cancelled] = bench.taskIds();
	expect(log.filter((line) => line.includes(String(running)))).toEqual([
		expect.stringMatching(/keeps running after Stop and will be billed if it succeeds.*Get Status/),
	]);
	for (const id of cancelled) {
		expect(log.filter((line) => line.includes(id))).toEqual([
			expect.stringMatching(/Canceled task/),
		]);
	}
	await expectQuiet();
});

test('while a cancellation waits to be tried again: it does not keep the node', async () => {
	bench.sandbox.configure({ slots: 1, jobSeconds: 600 });
	const { items } = await bench.run(1, { waiting: 'none' });
	bench.sandbox.fault({
		route: 'cancel',
		times: 99,
		status: 429,
		headers: { 'retry-after': '3600' },
		body: { code: 'Throttling', message: 'Slow down', request_id: 'r' },
	});
	const taskId = String(only(items).json.taskId);
	const started = bench.start(1, { resource: 'task', operation: 'cancel', taskId });
	await until(() => bench.sandbox.requests('cancel').length === 1);
	await stopNow(started);
});

test('while submissions are under way: what was submitted is cancelled, the rest never sent', async () => {
	bench.sandbox.configure({ slots: 0 });
	const started = bench.start(12);
	await until(() => bench.taskIds().length >= 4);
	await stopNow(started);

	expect(created()).toBeLessThan(12);
	await expectQuiet();
	expect(new Set(statuses())).toEqual(new Set(['CANCELED']));
});

test('while the answer to a submission is on its way: its task is cancelled as soon as it is known', async () => {
	bench.sandbox.configure({ slots: 0 });
	bench.sandbox.fault({ route: 'create', delayMs: LATE });
	const started = bench.start(1);
	await until(() => bench.taskIds().length === 1);
	await stopNow(started);

	expect(Date.now()).toBeLessThan(answerAt(LATE));
	await until(() => statuses()[0] === 'CANCELED');
	expect(created()).toBe(1);
	expect(bench.sandbox.requests('list')).toEqual([]);
});

test('while the answer to a submission is on its way and gets lost: the log says so', async () => {
	bench.sandbox.fault({ route: 'create', delayMs: LATE, drop: 'after' });
	const started = bench.start(1);
	await until(() => bench.taskIds().length === 1);
	await stopNow(started);

	expect(Date.now()).toBeLessThan(answerAt(LATE));
	const lines = () => started.log().filter((line) => /may have been created/.test(line));
	await until(() => lines().length === 1);
});

test('while many tasks wait: all of them are cancelled, within the account’s limits', async () => {
	bench.sandbox.configure({ slots: 1, jobSeconds: 600 });
	const started = bench.start(26, { options: { pollInterval: 10 } });
	await until(() => bench.taskIds().length === 26);
	// One list stands for the queries of many.
	await until(() => bench.sandbox.requests('list').length >= 1);
	await stopNow(started);

	await until(() => statuses().filter((status) => status === 'CANCELED').length === 25);
	expect(statuses()[0]).toBe('RUNNING');
}, 30_000);

test('while a question hangs', async () => {
	bench.sandbox.configure({ jobSeconds: 600 });
	bench.sandbox.fault({ route: 'query', times: 9, delayMs: HANGS });
	const started = bench.start(1);
	await until(() => bench.sandbox.requests('query').length === 1);
	await stopNow(started);
});

test('while cancelling hangs', async () => {
	bench.sandbox.configure({ slots: 0 });
	bench.sandbox.fault({ route: 'cancel', times: 9, delayMs: HANGS });
	const started = bench.start(1);
	await until(() => bench.sandbox.requests('query').length === 1);
	await stopNow(started);

	await until(() => bench.sandbox.requests('cancel').length === 1);
	expect(statuses()).toEqual(['CANCELED']);
});

test('while the service throttles submissions', async () => {
	bench.sandbox.fault({
		route: 'create',
		times: 99,
		status: 429,
		headers: { 'retry-after': '60' },
	});
	const started = bench.start(1);
	await until(() => created() === 1);
	await stopNow(started);

	await expectQuiet();
	expect(bench.taskIds()).toEqual([]);
});

test('while a lost answer is looked for', async () => {
	bench.sandbox.fault({ route: 'create', drop: 'before' });
	const started = bench.start(1);
	await until(() => bench.sandbox.requests('list').length === 1);
	await stopNow(started);

	await expectQuiet();
	expect(created()).toBe(1);
});

test('while a file is uploaded: nothing is submitted', async () => {
	bench.sandbox.fault({ route: 'upload', delayMs: HANGS });
	const started = bench.start([await videoItem()], { videoSource: 'binary' });
	await until(() => bench.sandbox.requests('upload').length === 1);
	await stopNow(started);

	await expectQuiet();
	expect(created()).toBe(0);
});

test('while a result is downloaded: names the task, which is paid for', async () => {
	bench.sandbox.fault({ route: 'result', delayMs: HANGS });
	const started = bench.start(1);
	await until(() => bench.sandbox.requests('result').length === 1);
	const { log } = await stopNow(started);

	const id = only(bench.taskIds());
	expect(log.some((line) => line.includes(id) && /billed|Get Status/.test(line))).toBe(true);
	expect(bench.sandbox.requests('cancel')).toEqual([]);
});

test('with Retry On Fail: does not begin again', async () => {
	bench.sandbox.configure({ slots: 1, jobSeconds: 600 });
	const started = bench.start(THREE, FIELDS, { settings: RETRY });
	await until(() => created() === 3 && bench.sandbox.requests('query').length >= 3);
	await stopNow(started);

	await expectQuiet();
	expect(created()).toBe(3);
	expect(statuses()).toEqual(['RUNNING', 'CANCELED', 'CANCELED']);
});

test.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
	'with %s: no item goes on',
	async (onError) => {
		bench.sandbox.configure({ slots: 0 });
		const started = bench.start(named('black and white'), FIELDS, { settings: { onError } });
		await until(() => bench.sandbox.requests('query').length === 1);
		await stopNow(started);

		expect(statuses()).toEqual(['CANCELED']);
	},
);

test('of a node that only hands task IDs back: what it submitted is cancelled', async () => {
	bench.sandbox.configure({ slots: 0 });
	const started = bench.start(8, { waiting: 'none' });
	await until(() => bench.taskIds().length >= 3);
	await stopNow(started);

	await expectQuiet();
	expect(new Set(statuses())).toEqual(new Set(['CANCELED']));
});

test('of Get Status', async () => {
	bench.sandbox.fault({ route: 'query', times: 9, delayMs: HANGS });
	const started = bench.start([{ json: { taskId: 't-1' } }], {
		resource: 'task',
		operation: 'getStatus',
	});
	await until(() => bench.sandbox.requests('query').length === 1);
	const { run } = await stopNow(started);

	expect(at(run.data.resultData.runData[NODE], 0).error?.message).toMatch(/canceled/);
	expect(bench.sandbox.requests('cancel')).toEqual([]);
});
