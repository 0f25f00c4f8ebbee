import type { INodeExecutionData, INodeParameters } from 'n8n-workflow';
import type { SandboxTask } from '../../sandbox';
import { readBinary } from './engine';
import {
	PROMPT_OF_ITEM,
	SIGNED_QUERY,
	at,
	detailsOf,
	named,
	only,
	until,
	useBench,
	modelId,
} from './bench';

// What the node hands on: every key of every shape.

const bench = useBench();

const SUBMIT = { waiting: 'none' };
const GET_STATUS = { resource: 'task', operation: 'getStatus' };
const FROM_START = "={{ $('Start').item.json.name }}";

const iso = (at: number | undefined) => new Date(at ?? NaN).toISOString();

/** The json of a task without a video. */
function unfinishedJson(task: SandboxTask) {
	return {
		taskId: task.id,
		status: task.status,
		finished: false,
		succeeded: false,
		videoUrl: null,
		videoUrlExpiresAt: null,
		submittedAt: iso(task.submittedAt),
		startedAt: null as string | null,
		finishedAt: null as string | null,
		prompt: null,
		usage: null,
		requestId: expect.any(String),
	};
}

async function submitOne(prompt = 'black and white'): Promise<string> {
	const { items } = await bench.run(1, { prompt, ...SUBMIT });
	return String(only(items).json.taskId);
}

async function statusOf(taskId: string, fields: INodeParameters = {}): Promise<INodeExecutionData> {
	const { items, error } = await bench.run([{ json: { taskId } }], { ...GET_STATUS, ...fields });
	expect(error).toBeUndefined();
	return only(items);
}

test('Get Status of a task without a video, such as one for images, tells what it is', async () => {
	const body = {
		request_id: 'r-1',
		output: { task_id: 't-1', task_status: 'SUCCEEDED', results: [{ url: 'https://a.example/1' }] },
	};
	const network = ({ url }: { url: string }) =>
		url.endsWith('/tasks/t-1') ? { statusCode: 200, body } : undefined;
	const { items, error } = await bench.run(1, { ...GET_STATUS, taskId: 't-1' }, { network });
	expect(error).toBeUndefined();
	const { json, binary } = only(items);
	expect(json).toMatchObject({ taskId: 't-1', succeeded: true, videoUrl: null });
	expect(json).not.toHaveProperty('error');
	expect(binary).toBeUndefined();
});

test('Get Status: a Maximum Result Size that is none is the failure of its item alone', async () => {
	const taskId = await submitOne();
	await until(() => bench.sandbox.tasks().every(({ endedAt }) => endedAt !== undefined));
	const { items } = await bench.run(
		['abc', 100].map((size) => ({ json: { taskId, size } })),
		{
			...GET_STATUS,
			taskId: '={{ $json.taskId }}',
			options: { maxResultSize: '={{ $json.size }}' },
		},
		{ settings: { onError: 'continueRegularOutput' } },
	);
	expect(at(items, 0).json.error).toMatch(/^'Maximum Result Size' is "abc"/);
	expect(at(items, 1)).toMatchObject({ json: { taskId, succeeded: true }, binary: { data: {} } });
});

describe('a finished edit', () => {
	test('has exactly these keys', async () => {
		const { items, errors } = await bench.run(1);

		const task = only(bench.sandbox.tasks());
		const { json, binary, pairedItem } = only(items);
		expect(json).toEqual({
			taskId: task.id,
			status: 'SUCCEEDED',
			finished: true,
			succeeded: true,
			videoUrl: expect.stringMatching(SIGNED_QUERY),
			videoUrlExpiresAt: expect.any(String),
			submittedAt: iso(task.submittedAt),
			startedAt: iso(task.scheduledAt),
			finishedAt: iso(task.endedAt),
			prompt: 'black and white',
			usage: {
				billedSeconds: 6,
				inputSeconds: 3,
				outputSeconds: 3,
				resolution: '720P',
				estimatedCost: { amount: 0.6, currency: 'USD', priceDate: '2026-09' },
			},
			requestId: expect.stringMatching(/^[\w-]{36}$/),
		});
		const expires = /Expires=(\d+)/.exec(String(json.videoUrl))?.[1];
		expect(json.videoUrlExpiresAt).toBe(iso(Number(expires) * 1000));
		expect(pairedItem).toEqual({ item: 0 });
		expect(Object.keys(binary ?? {})).toEqual(['data']);
		expect(errors).toEqual([]);
	});

	test('holds the whole MP4 under the name of its task', async () => {
		bench.sandbox.configure({ resultBytes: 3_000_000 });
		const { items } = await bench.run(1);

		const { id } = only(bench.sandbox.tasks());
		const data = only(items).binary?.data;
		expect(data).toMatchObject({
			fileName: `${id}.mp4`,
			mimeType: 'video/mp4',
			fileExtension: 'mp4',
			bytes: 3_000_000,
		});
		const content = data === undefined ? Buffer.alloc(0) : await readBinary(data);
		expect(content).toHaveLength(3_000_000);
		expect(content.toString('latin1', 4, 8)).toBe('ftyp');
	});

	test('goes to the binary field of the user’s choice, per item', async () => {
		const { items } = await bench.run(named('black and white', 'black and white'), {
			outputField: '={{ $json.name.replace(" ", "_") }}',
		});

		expect(items.map(({ binary }) => Object.keys(binary ?? {}))).toEqual([['item_0'], ['item_1']]);
	});

	test('without download holds the link and fetches nothing', async () => {
		const { items } = await bench.run(1, { download: false });

		const item = only(items);
		expect(item.json).toMatchObject({
			succeeded: true,
			videoUrl: expect.stringMatching(SIGNED_QUERY),
		});
		expect(item).not.toHaveProperty('binary');
		expect(bench.sandbox.requests('result')).toEqual([]);
	});

	test('with Simplify off has the raw answer beside the same keys', async () => {
		const { items: simplified } = await bench.run(1, { download: false });
		const { items } = await bench.run(1, { download: false, options: { simplify: false } });

		const { json } = only(items);
		expect(Object.keys(json)).toEqual([...Object.keys(only(simplified).json), 'response']);
		const [, task] = bench.sandbox.tasks();
		expect(json.response).toEqual({
			request_id: json.requestId,
			output: {
				task_id: task?.id,
				task_status: 'SUCCEEDED',
				submit_time: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/),
				scheduled_time: expect.any(String),
				end_time: expect.any(String),
				orig_prompt: 'black and white',
				video_url: json.videoUrl,
			},
			usage: {
				duration: 6,
				input_video_duration: 3,
				output_video_duration: 3,
				video_count: 1,
				SR: 720,
			},
		});
	});

	test('counts billed seconds and cost by what was billed', async () => {
		const { items } = await bench.run(1, {
			videoUrl: bench.sandbox.samples.longVideo.url,
			resolution: '1080P',
			download: false,
			options: { duration: 2 },
		});

		expect(only(items).json.usage).toEqual({
			billedSeconds: 8,
			inputSeconds: 6,
			outputSeconds: 2,
			resolution: '1080P',
			estimatedCost: { amount: 1.2, currency: 'USD', priceDate: '2026-09' },
		});
	});

	test('prices by the user’s own prices', async () => {
		const { items, hints } = await bench.run(1, {
			download: false,
			options: { price720P: 0.25, price1080P: 9 },
		});

		expect(only(items).json.usage).toMatchObject({
			estimatedCost: { amount: 1.5, currency: 'USD', priceDate: null },
		});
		expect(hints).toEqual([expect.stringMatching(/1 task, 6 billed seconds, about 1\.50 USD/)]);
		expect(hints.join()).not.toContain('2026-09');
	});

	test('knows no price for another model, unless the user does', async () => {
		const model = modelId('wan2.7-videoedit-2026-04-25');
		const { items } = await bench.run(1, { download: false, model });
		const { items: priced } = await bench.run(1, {
			download: false,
			model,
			options: { price720P: 0.5 },
		});

		expect(only(items).json.usage).toMatchObject({ billedSeconds: 6, estimatedCost: null });
		expect(only(priced).json.usage).toMatchObject({ estimatedCost: { amount: 3 } });
	});

	test('of several items keeps their order and their pairing, whichever ends first', async () => {
		bench.sandbox.outcome({ promptIncludes: 'slow', jobSeconds: 1.5 });
		const items = named('slow, black and white', 'black and white', 'blur it');
		const result = await bench.run(items, { prompt: PROMPT_OF_ITEM }, { lookUp: FROM_START });

		expect(result.items.map(({ json }) => json.prompt)).toEqual([
			'slow, black and white',
			'black and white',
			'blur it',
		]);
		expect(result.items.map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 1 },
			{ item: 2 },
		]);
		expect(result.lookedUp.items).toEqual(['item 0', 'item 1', 'item 2']);
		const names = result.items.map(({ binary }) => binary?.data?.fileName);
		expect(names).toEqual(result.items.map(({ json }) => `${String(json.taskId)}.mp4`));
	});
});

describe('a submitted task', () => {
	test('has exactly these keys', async () => {
		const before = Date.now();
		const { items, hints } = await bench.run(1, SUBMIT);

		const task = only(bench.sandbox.tasks());
		const { json, pairedItem, ...rest } = only(items);
		expect(json).toEqual({
			taskId: task.id,
			status: 'PENDING',
			submittedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
			requestId: task.requestId,
		});
		const submittedAt = Date.parse(String(json.submittedAt));
		expect(submittedAt).toBeGreaterThanOrEqual(before);
		expect(submittedAt).toBeLessThanOrEqual(Date.now());
		expect(pairedItem).toEqual({ item: 0 });
		expect(rest).not.toHaveProperty('binary');
		expect(hints).toEqual([]);
		expect(bench.sandbox.requests('query')).toEqual([]);
	});

	test('can be fetched with Get Status later', async () => {
		const { items: submitted } = await bench.run(named('black and white', 'blur it'), {
			prompt: PROMPT_OF_ITEM,
			...SUBMIT,
		});
		await until(() => bench.sandbox.tasks().every(({ status }) => status === 'SUCCEEDED'));
		const { items, lookedUp } = await bench.run(
			submitted.map(({ json }, index) => ({ json: { ...json, name: `edit ${index}` } })),
			GET_STATUS,
			{ lookUp: FROM_START },
		);

		expect(items.map(({ json }) => json.prompt)).toEqual(['black and white', 'blur it']);
		expect(items.map(({ json }) => json.taskId)).toEqual(submitted.map(({ json }) => json.taskId));
		expect(lookedUp.items).toEqual(['edit 0', 'edit 1']);
		expect(bench.taskIds()).toHaveLength(2);
	});
});

describe('Get Status', () => {
	test('of a waiting task', async () => {
		bench.sandbox.configure({ slots: 0 });
		const { json, pairedItem } = await statusOf(await submitOne());

		const task = only(bench.sandbox.tasks());
		expect(task.status).toBe('PENDING');
		expect(json).toEqual(unfinishedJson(task));
		expect(pairedItem).toEqual({ item: 0 });
	});

	test('of a running task', async () => {
		bench.sandbox.configure({ jobSeconds: 600 });
		const { json } = await statusOf(await submitOne());

		const task = only(bench.sandbox.tasks());
		expect(json).toEqual({
			...unfinishedJson(task),
			status: 'RUNNING',
			startedAt: iso(task.scheduledAt),
		});
		expect(bench.sandbox.requests('query')).toHaveLength(1);
	});

	test('of a finished task gives the keys and the video that waiting gives', async () => {
		const { items } = await bench.run(1);
		const waited = only(items);
		const { json, binary } = await statusOf(String(waited.json.taskId));

		expect({ ...json, requestId: '' }).toEqual({ ...waited.json, requestId: '' });
		expect({ ...binary?.data, id: '' }).toEqual({ ...waited.binary?.data, id: '' });
	});

	test('of a finished task without download and with the raw answer', async () => {
		const taskId = await submitOne();
		await until(() => only(bench.sandbox.tasks()).status === 'SUCCEEDED');
		const item = await statusOf(taskId, {
			download: false,
			options: { simplify: false, price720P: 2 },
		});

		expect(item).not.toHaveProperty('binary');
		expect(item.json).toMatchObject({
			succeeded: true,
			response: { output: { task_id: taskId }, usage: { SR: 720 } },
			usage: { estimatedCost: { amount: 12, currency: 'USD', priceDate: null } },
		});
		expect(bench.sandbox.requests('result')).toEqual([]);
	});

	test('of a failed task is data: code, message, and what to do', async () => {
		bench.sandbox.outcome({
			status: 'FAILED',
			code: 'InvalidFile.Duration',
			message: 'Invalid file duration.',
		});
		const taskId = await submitOne();
		await until(() => only(bench.sandbox.tasks()).status === 'FAILED');
		const item = await statusOf(taskId);

		const task = only(bench.sandbox.tasks());
		expect(item.json).toEqual({
			...unfinishedJson(task),
			finished: true,
			startedAt: iso(task.scheduledAt),
			finishedAt: iso(task.endedAt),
			code: 'InvalidFile.Duration',
			message: 'Invalid file duration.',
			hint: 'The video is shorter or longer than the model takes: the limits are shown below the fields of the node.',
		});
		expect(item).not.toHaveProperty('binary');
	});

	test('of a cancelled task', async () => {
		bench.sandbox.configure({ slots: 0 });
		const taskId = await submitOne();
		await fetch(`${bench.sandbox.url}/api/v1/tasks/${taskId}/cancel`, {
			method: 'POST',
			headers: { authorization: `Bearer ${bench.sandbox.apiKey}` },
		});
		const { json } = await statusOf(taskId);

		const task = only(bench.sandbox.tasks());
		expect(json).toEqual({
			...unfinishedJson(task),
			status: 'CANCELED',
			finished: true,
			finishedAt: iso(task.endedAt),
			code: null,
			message: expect.stringContaining(taskId),
			hint: expect.stringMatching(/not billed/),
		});
	});

	test('of a task that DashScope does not know: finished, not succeeded, and why', async () => {
		const { json } = await statusOf('0385dc79-5ff8-4d82-bcb6-000000000000');

		expect(json).toEqual({
			taskId: '0385dc79-5ff8-4d82-bcb6-000000000000',
			status: 'UNKNOWN',
			finished: true,
			succeeded: false,
			videoUrl: null,
			videoUrlExpiresAt: null,
			submittedAt: null,
			startedAt: null,
			finishedAt: null,
			prompt: null,
			usage: null,
			requestId: expect.any(String),
			code: null,
			message: expect.stringContaining('0385dc79-5ff8-4d82-bcb6-000000000000'),
			hint: expect.stringMatching(/24 hours.*region.*account/),
		});
		expect(bench.sandbox.requests('query')).toHaveLength(1);
	});

	test.each([
		['FAILED', { status: 'FAILED' as const, code: 'DataInspectionFailed' }, /DataInspectionFailed/],
		['CANCELED', { status: 'CANCELED' as const }, /was canceled/],
		['UNKNOWN', { status: 'UNKNOWN' as const }, /does not know task/],
	])('of a %s task fails if the user asks for it', async (status, outcome, message) => {
		bench.sandbox.outcome(outcome);
		const taskId = await submitOne();
		await until(() => only(bench.sandbox.tasks()).endedAt !== undefined);
		const fields = { ...GET_STATUS, options: { failOnFailedTask: true } };
		const stopped = await bench.run([{ json: { taskId } }], fields);
		const continued = await bench.run([{ json: { taskId, name: 'mine' } }], fields, {
			settings: { onError: 'continueErrorOutput' },
			lookUp: FROM_START,
		});

		expect(stopped.error?.message).toMatch(message);
		expect(stopped.error?.message).toContain(taskId);
		expect(stopped.error?.message).toContain('[item 0]');
		expect(stopped.items).toEqual([]);
		expect(continued.items).toEqual([]);
		expect(detailsOf(only(continued.errors))).toMatchObject({ taskId, status });
		expect(continued.lookedUp.errors).toEqual(['mine']);
	});

	test('of a running task does not fail, whatever the user asks for', async () => {
		bench.sandbox.configure({ jobSeconds: 600 });
		const item = await statusOf(await submitOne(), { options: { failOnFailedTask: true } });

		expect(item.json).toMatchObject({ status: 'RUNNING', finished: false });
	});

	test('of many tasks keeps within the account’s limit', async () => {
		bench.sandbox.configure({ jobSeconds: 600 });
		const taskId = await submitOne();
		const started = Date.now();
		const { items, error } = await bench.run(
			Array.from({ length: 15 }, () => ({ json: { taskId } })),
			GET_STATUS,
		);

		expect(error).toBeUndefined();
		expect(items).toHaveLength(15);
		expect(bench.sandbox.requests('query').every(({ status }) => status === 200)).toBe(true);
		// Fifteen at no more than ten a second.
		expect(Date.now() - started).toBeGreaterThan(1300);
	});

	test('reads the answers of the API reference: UTC+8 times, floats, text for numbers, extra fields', async () => {
		const answer = {
			request_id: 'r-1',
			output: {
				task_id: 't-1',
				task_status: 'SUCCEEDED',
				submit_time: '2026-11-02 17:16:30.123',
				scheduled_time: '2026-11-02 07:59:59',
				end_time: '2027-01-01 00:24:59.7',
				orig_prompt: 'Turn the scene into claymation',
				video_url: 'https://dashscope-result-sh.oss-accelerate.aliyuncs.com/x.mp4',
				check_audio: 'something new',
			},
			usage: {
				duration: '10.5',
				input_video_duration: 5.5,
				output_video_duration: '5',
				SR: '1080',
			},
		};
		const row = { task_id: 't-1', status: 'SUCCEEDED', model_name: 'wan2.7-videoedit' };
		bench.sandbox.fault({ route: 'query', status: 200, body: answer });
		bench.sandbox.fault({ route: 'list', status: 200, body: { total: 1, data: [row] } });
		const item = await statusOf('t-1', { download: false, options: { simplify: false } });

		expect(item.json).toEqual({
			taskId: 't-1',
			status: 'SUCCEEDED',
			finished: true,
			succeeded: true,
			videoUrl: 'https://dashscope-result-sh.oss-accelerate.aliyuncs.com/x.mp4',
			// No Expires in the link: 24 hours after the end.
			videoUrlExpiresAt: '2027-01-01T16:24:59.700Z',
			submittedAt: '2026-11-02T09:16:30.123Z',
			startedAt: '2026-11-01T23:59:59.000Z',
			finishedAt: '2026-12-31T16:24:59.700Z',
			prompt: 'Turn the scene into claymation',
			usage: {
				billedSeconds: 10.5,
				inputSeconds: 5.5,
				outputSeconds: 5,
				resolution: '1080P',
				estimatedCost: { amount: 1.575, currency: 'USD', priceDate: '2026-09' },
			},
			requestId: 'r-1',
			response: answer,
		});
	});

	test('reads an answer that holds little', async () => {
		bench.sandbox.fault({
			route: 'query',
			status: 200,
			body: { output: { task_id: 't-1', task_status: 'SUCCEEDED', submit_time: 'soon' } },
		});
		const { json } = await statusOf('t-1', { download: false });

		expect(json).toEqual({
			taskId: 't-1',
			status: 'SUCCEEDED',
			finished: true,
			succeeded: true,
			videoUrl: null,
			videoUrlExpiresAt: null,
			submittedAt: null,
			startedAt: null,
			finishedAt: null,
			prompt: null,
			usage: null,
			requestId: null,
		});
	});
});

describe('the hint under the output', () => {
	test('totals tasks, billed seconds and the estimate', async () => {
		const { hints } = await bench.run(named('black and white', 'blur it', 'black and white'), {
			prompt: PROMPT_OF_ITEM,
			download: false,
		});

		expect(hints).toEqual([
			'3 tasks, 18 billed seconds, about 1.80 USD (estimate, prices as of 2026-09).',
		]);
	});

	test('leaves out what failed, for it is not billed', async () => {
		bench.sandbox.outcome({ promptIncludes: 'fail', status: 'FAILED', code: 'InternalError.Algo' });
		const { hints, items } = await bench.run(
			named('fail', 'black and white'),
			{ prompt: PROMPT_OF_ITEM, download: false },
			{ settings: { onError: 'continueRegularOutput' } },
		);

		expect(items).toHaveLength(2);
		expect(hints).toEqual([
			'1 task, 6 billed seconds, about 0.60 USD (estimate, prices as of 2026-09).',
		]);
	});

	test('counts a video that was made and billed but could not be fetched', async () => {
		bench.sandbox.fault({ route: 'result', status: 404 });
		const { hints, errors } = await bench.run(
			1,
			{},
			{ settings: { onError: 'continueErrorOutput' } },
		);

		expect(errors).toHaveLength(1);
		expect(hints).toEqual([expect.stringMatching(/^1 task, 6 billed seconds, about 0\.60 USD/)]);
	});

	test('is not there when nothing was billed', async () => {
		bench.sandbox.outcome({ status: 'FAILED', code: 'InternalError.Algo' });
		const { hints } = await bench.run(1, {}, { settings: { onError: 'continueRegularOutput' } });

		expect(hints).toEqual([]);
	});
});

describe('no items', () => {
	test('come out when none went in, and nothing is sent', async () => {
		const { error, items } = await bench.run([], {}, { settings: { alwaysOutputData: false } });

		expect(error).toBeUndefined();
		expect(items).toEqual([]);
		expect(bench.sandbox.log).toEqual([]);
	});
});

test('the request ID of a submission is the service’s own', async () => {
	const { items } = await bench.run(2, SUBMIT);

	expect(items.map(({ json }) => json.requestId)).toEqual(
		bench.sandbox.tasks().map(({ requestId }) => requestId),
	);
	expect(at(items, 0).json.requestId).not.toBe(at(items, 1).json.requestId);
});
