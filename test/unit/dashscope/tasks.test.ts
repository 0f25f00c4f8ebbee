import {
	cancelTask,
	createTask,
	getTask,
	listTasks,
	parseTask,
	parseTaskList,
} from '../../../nodes/shared/dashscope/tasks';
import type { CreateCall, JsonRecord } from '../../../nodes/shared/dashscope/types';
import { isFinal } from '../../../nodes/shared/dashscope/types';
import { answering } from '../http';

const ID = '0385dc79-5ff8';

/** A query answer of a task that succeeded, as the API reference shows it. */
const succeeded = () => ({
	request_id: 'r-1',
	output: {
		task_id: ID,
		task_status: 'SUCCEEDED',
		submit_time: '2026-11-02 17:16:30.123',
		scheduled_time: '2026-11-02 17:16:40.456',
		end_time: '2026-11-02 17:24:59.789',
		orig_prompt: 'Turn the scene into claymation',
		video_url: 'https://result.example/x.mp4?Expires=1&Signature=s%2B',
	},
	usage: {
		duration: 10.5,
		input_video_duration: 5.25,
		output_video_duration: 5.25,
		video_count: 1,
		SR: 720,
	},
});

const output = (fields: JsonRecord): JsonRecord => ({ request_id: 'r', output: fields });

describe('reading a task', () => {
	test('takes everything from a whole answer and keeps the answer itself', () => {
		const raw = succeeded();
		expect(parseTask(raw)).toEqual({
			taskId: ID,
			status: 'SUCCEEDED',
			requestId: 'r-1',
			submittedAt: Date.parse('2026-11-02T09:16:30.123Z'),
			startedAt: Date.parse('2026-11-02T09:16:40.456Z'),
			finishedAt: Date.parse('2026-11-02T09:24:59.789Z'),
			prompt: 'Turn the scene into claymation',
			videoUrl: 'https://result.example/x.mp4?Expires=1&Signature=s%2B',
			usage: { billedSeconds: 10.5, inputSeconds: 5.25, outputSeconds: 5.25, resolution: '720P' },
			code: undefined,
			message: undefined,
			raw,
		});
		expect(parseTask(raw)?.raw).toBe(raw);
	});

	test('takes the create answer, which has an ID and a status only', () => {
		const task = parseTask(output({ task_id: ID, task_status: 'PENDING' }));
		expect(task).toMatchObject({ taskId: ID, status: 'PENDING', requestId: 'r' });
		expect(task?.submittedAt).toBeUndefined();
		expect(task?.usage).toBeUndefined();
	});

	test('takes code and message of a failed task', () => {
		const fields = { task_id: ID, task_status: 'FAILED', code: 'InternalError.Algo', message: 'm' };
		expect(parseTask(output(fields))).toMatchObject({
			status: 'FAILED',
			code: 'InternalError.Algo',
			message: 'm',
		});
	});

	test('takes UNKNOWN as a status like any other', () => {
		expect(parseTask(output({ task_id: ID, task_status: 'UNKNOWN' }))?.status).toBe('UNKNOWN');
	});

	test.each(['PENDING', 'RUNNING', 'SUSPENDED', 'SUCCEEDED', 'FAILED', 'CANCELED', 'UNKNOWN'])(
		'knows the status %s, in small letters too',
		(status) => {
			for (const task_status of [status, status.toLowerCase()]) {
				expect(parseTask(output({ task_id: ID, task_status }))?.status).toBe(status);
			}
		},
	);

	test('takes numbers that are written as text', () => {
		const raw = {
			...succeeded(),
			usage: {
				duration: '10',
				input_video_duration: '5.0',
				output_video_duration: '5',
				SR: '1080',
			},
		};
		expect(parseTask(raw)?.usage).toEqual({
			billedSeconds: 10,
			inputSeconds: 5,
			outputSeconds: 5,
			resolution: '1080P',
		});
	});

	test('leaves out what the usage does not tell', () => {
		expect(parseTask({ ...succeeded(), usage: { SR: null, duration: 'much' } })?.usage).toEqual({
			billedSeconds: undefined,
			inputSeconds: undefined,
			outputSeconds: undefined,
			resolution: undefined,
		});
	});

	test.each([undefined, null, 'none', 3, []])('takes %j for no usage at all', (usage) => {
		expect(parseTask({ ...succeeded(), usage })?.usage).toBeUndefined();
	});

	test('keeps unknown fields in the raw answer', () => {
		const raw = { ...succeeded(), new_field: { deep: [1] } };
		expect(parseTask(raw)?.raw).toMatchObject({ new_field: { deep: [1] } });
	});

	test('takes empty texts for missing ones', () => {
		const fields = {
			task_id: ID,
			task_status: 'SUCCEEDED',
			video_url: '',
			orig_prompt: '',
			code: '',
		};
		expect(parseTask(output(fields))).toMatchObject({
			videoUrl: undefined,
			prompt: undefined,
			code: undefined,
		});
	});

	test.each([
		['nothing', {}],
		['no output', { request_id: 'r' }],
		['an output that is a text', { output: 'gone' }],
		['an empty output', output({})],
		['no ID', output({ task_status: 'RUNNING' })],
		['an empty ID', output({ task_id: '', task_status: 'RUNNING' })],
		['an ID that is no text', output({ task_id: 7, task_status: 'RUNNING' })],
		['no status', output({ task_id: ID })],
		['a status that is no text', output({ task_id: ID, task_status: 1 })],
	])('takes an answer with %s for half an answer', (_name, raw) => {
		expect(parseTask(raw)).toBeUndefined();
	});
});

test.each([
	['PENDING', false],
	['RUNNING', false],
	['SUSPENDED', false],
	['SUCCEEDED', true],
	['FAILED', true],
	['CANCELED', true],
	['UNKNOWN', true],
] as const)('%s is final: %s', (status, final) => {
	expect(isFinal(status)).toBe(final);
});

describe('reading a task list', () => {
	const row = {
		task_id: ID,
		status: 'SUCCEEDED',
		model_name: 'wan2.7-videoedit',
		gmt_create: 1_790_000_000_000,
	};

	test('takes ID, status, request ID and time of each row', () => {
		const listed = {
			taskId: ID,
			status: 'SUCCEEDED',
			model: 'wan2.7-videoedit',
			requestId: 'r-create',
			createdAt: 1_790_000_000_000,
		};
		const data = [
			{ ...row, request_id: 'r-create' },
			{ ...row, request_id: 'r-create', gmt_create: '1790000000000' },
		];
		expect(parseTaskList({ data })).toEqual([listed, listed]);
	});

	test('keeps rows without request ID and time, and those of a status that nobody knows', () => {
		const data = [
			{ task_id: 'a', status: 'PENDING' },
			{ task_id: 'b' },
			{ task_id: 'c', status: 'QUEUED' },
		];
		expect(parseTaskList({ data }).map(({ taskId, status }) => [taskId, status])).toEqual([
			['a', 'PENDING'],
			['b', 'RUNNING'],
			['c', 'RUNNING'],
		]);
	});

	test.each([
		{ data: undefined },
		{ data: null, request_id: 'r' },
		{ data: {}, total: 0 },
		{ data: 'none', total: 0 },
		{ data: [] },
		{ total: 1, data: [{ status: 'RUNNING' }] },
		{ total: 1, data: [null] },
	])('never takes %j for a list that shows nothing', (raw) => {
		expect(() => parseTaskList(raw)).toThrow('The task list is incomplete');
	});

	test.each([
		{ data: [], request_id: 'r' },
		{ data: [], total: '0' },
	])('takes %j for an empty list', (raw) => {
		expect(parseTaskList(raw)).toEqual([]);
	});
});

describe('calls', () => {
	const call = (...urls: string[]): CreateCall => ({ body: body(...urls) });
	const body = (...urls: string[]): JsonRecord => ({
		model: 'wan2.7-videoedit',
		input: {
			prompt: 'p',
			media: urls.map((url, index) => ({ type: index === 0 ? 'video' : 'reference_image', url })),
		},
		parameters: { resolution: '720P' },
	});
	const pending = output({ task_id: ID, task_status: 'PENDING' });
	const ok = (answer: JsonRecord) => ({ statusCode: 200, headers: {}, body: answer });

	test('create posts the body as it is, asynchronously, with the credential', async () => {
		const { client, requests } = answering(ok(pending));
		const sent = body('https://files.example/a.mp4');
		await expect(createTask(client, { body: sent })).resolves.toMatchObject({ taskId: ID });
		expect(requests).toHaveLength(1);
		const [request] = requests;
		expect(request?.credential).toBe('dashScopeApi');
		expect(request?.options).toMatchObject({
			method: 'POST',
			url: 'https://dashscope.example/api/v1/services/aigc/video-generation/video-synthesis',
			body: sent,
			json: true,
			disableFollowRedirect: true,
			ignoreHttpStatusErrors: true,
			returnFullResponse: true,
		});
		expect(request?.options.headers).toEqual({
			'User-Agent': 'n8n-nodes-wan-video-edit',
			'X-DashScope-Async': 'enable',
		});
	});

	test.each([
		[['oss://a/v.mp4']],
		[['https://files.example/a.mp4', 'data:image/png;base64,AA==', 'oss://a/i.png']],
	])('create asks for %j to be resolved', async (urls) => {
		const { client, requests } = answering(ok(pending));
		await createTask(client, call(...urls));
		expect(requests[0]?.options.headers).toMatchObject({
			'X-DashScope-OssResourceResolve': 'enable',
		});
	});

	test('create whose answer names no task is garbled, with its request ID', async () => {
		const { client } = answering(ok({ request_id: 'r-9', output: {} }));
		await expect(createTask(client, call('https://files.example/a.mp4'))).rejects.toMatchObject({
			kind: 'garbled',
			requestId: 'r-9',
		});
	});

	// A task that has an ID may be billed, however odd the answer is that names it.
	test.each([
		['an error of the service', 503, { code: 'X', message: 'm', output: { task_id: 'task-0001' } }],
		['an error as text', 502, '{"output":{"task_id":"task-0001","task_status":"PENDING"}}'],
		['an answer that was cut off', 200, '{"output":{"task_id":"task-0001","task_st'],
	])('create takes the ID from %s', async (_what, statusCode, body) => {
		const { client } = answering({ statusCode, headers: {}, body });
		expect(await createTask(client, call('https://files.example/a.mp4'))).toMatchObject({
			taskId: 'task-0001',
		});
	});

	test('query asks for exactly one task, its ID encoded', async () => {
		const taskId = '../uploads?x=1';
		const { client, requests } = answering(ok(output({ task_id: taskId, task_status: 'RUNNING' })));
		await expect(getTask(client, taskId)).resolves.toMatchObject({ status: 'RUNNING' });
		expect(requests[0]?.options).toMatchObject({
			method: 'GET',
			url: 'https://dashscope.example/api/v1/tasks/..%2Fuploads%3Fx%3D1',
		});
	});

	test('query whose answer is about another task is garbled', async () => {
		const { client } = answering(ok(output({ task_id: 'other', task_status: 'SUCCEEDED' })));
		await expect(getTask(client, ID)).rejects.toMatchObject({
			kind: 'garbled',
			message: expect.stringContaining('other'),
		});
	});

	test('cancel posts without a body', async () => {
		const { client, requests } = answering(ok({ request_id: 'r' }));
		await cancelTask(client, ID);
		expect(requests[0]?.options).toMatchObject({
			method: 'POST',
			url: `https://dashscope.example/api/v1/tasks/${ID}/cancel`,
			body: undefined,
		});
	});

	test('list asks by model and window in UTC+8 and reads all pages', async () => {
		const page = (...ids: string[]) =>
			ok({ total_page: '2', data: ids.map((task_id) => ({ task_id, status: 'PENDING' })) });
		const { client, requests } = answering(page('a', 'b'), page('c'));
		const tasks = await listTasks(client, {
			model: 'wan2.7-videoedit',
			from: Date.parse('2026-11-02T09:16:30.900Z'),
			to: Date.parse('2026-11-02T09:17:00.100Z'),
		});
		expect(tasks.map(({ taskId }) => taskId)).toEqual(['a', 'b', 'c']);
		const query = {
			model_name: 'wan2.7-videoedit',
			start_time: '20261102171630',
			end_time: '20261102171700',
			page_size: 100,
		};
		expect(requests.map(({ options }) => options.qs)).toEqual([
			{ ...query, page_no: 1 },
			{ ...query, page_no: 2 },
		]);
	});

	describe('while tasks are created', () => {
		const query = { model: 'm', from: 0, to: 1 };
		/** Rows with the minute at which each was created, or without. */
		const page = (total: number, ...rows: Array<[id: string, minute?: number]>) =>
			ok({
				total,
				total_page: 2,
				data: rows.map(([task_id, minute]) => ({
					task_id,
					gmt_create: minute === undefined ? undefined : minute * 60_000,
				})),
			});
		const read = async (...pages: ReturnType<typeof page>[]) =>
			(await listTasks(answering(...pages).client, query)).map(({ taskId }) => taskId);

		test.each([3, 4, 40])('list reads on, of %d by now', async (total) => {
			const pages = [page(3, ['c', 3], ['b', 2]), page(total, ['b', 2], ['a', 1])];
			await expect(read(...pages)).resolves.toEqual(['c', 'b', 'a']);
		});

		test('list misses none that there were before', async () => {
			const first = page(3, ['c', 3], ['b', 2]);
			await expect(read(first, page(2, ['b', 2]))).rejects.toMatchObject({ kind: 'garbled' });
			await expect(read(first, page(9, ['b', 2]))).rejects.toMatchObject({ kind: 'garbled' });
		});

		test.each<[string, number[]]>([
			['in another order', [1, 2, 3]],
			['without their times', []],
		])('list needs all of the tasks if they come %s', async (_how, [a, b, c]) => {
			const first = page(3, ['a', a], ['b', b]);
			await expect(read(first, page(3, ['b', b], ['c', c]))).resolves.toHaveLength(3);
			await expect(read(first, page(4, ['b', b], ['c', c]))).rejects.toMatchObject({
				kind: 'garbled',
			});
		});
	});

	test('list never passes a part for the whole', async () => {
		const query = { model: 'm', from: 0, to: 1 };
		const short = answering(ok({ total: 2, total_page: 1, data: [{ task_id: 'a' }] }));
		await expect(listTasks(short.client, query)).rejects.toMatchObject({ kind: 'garbled' });
		const endless = ok({ total: 99_999, total_page: 999, data: [{ task_id: 'a' }] });
		const { client, requests } = answering(...Array.from({ length: 200 }, () => endless));
		await expect(listTasks(client, query)).rejects.toMatchObject({ kind: 'garbled' });
		expect(requests).toHaveLength(1);
	});

	test('list that does not say how long it is goes on to a page that is not full', async () => {
		const pageOf = (first: number, count: number) => ({
			statusCode: 200,
			headers: {},
			body: {
				request_id: 'r',
				data: Array.from({ length: count }, (_, index) => ({
					task_id: `t${first + index}`,
					status: 'RUNNING',
				})),
			},
		});
		const query = { from: 0, to: 1 };
		const whole = answering(pageOf(0, 100), pageOf(100, 100), pageOf(200, 3));
		expect(await listTasks(whole.client, query)).toHaveLength(203);
		const same = answering(pageOf(0, 100), pageOf(0, 100));
		await expect(listTasks(same.client, query)).rejects.toMatchObject({ kind: 'garbled' });
	});

	test('list ends where a service repeats itself, also on the way to a limit', async () => {
		const endless = ok({ total: 99_999, total_page: 999, data: [{ task_id: 'a' }] });
		const { client, requests } = answering(...Array.from({ length: 200 }, () => endless));
		const query = { from: 0, to: 1, limit: 50 };
		await expect(listTasks(client, query)).rejects.toMatchObject({ kind: 'garbled' });
		expect(requests.length).toBeLessThanOrEqual(101);
	});

	test.each(['QUEUED', 'TO_BE_INVENTED', undefined, 1])(
		'create keeps the task ID whatever the status is (%p)',
		async (task_status) => {
			const { client } = answering(ok(output({ task_id: ID, task_status })));
			await expect(createTask(client, call('https://files.example/a.mp4'))).resolves.toMatchObject({
				taskId: ID,
			});
		},
	);

	test('query of a task with a status that nobody knows goes on waiting', async () => {
		const { client } = answering(ok(output({ task_id: ID, task_status: 'QUEUED' })));
		await expect(getTask(client, ID)).resolves.toMatchObject({ taskId: ID, status: 'RUNNING' });
	});

	test.each([{}, { statusCode: '200' }, 'text'])(
		'an answer without a numeric status (%j) may have done the work',
		async (answer) => {
			const { client } = answering(answer as never);
			await expect(createTask(client, call('https://files.example/a.mp4'))).rejects.toMatchObject({
				kind: 'garbled',
			});
		},
	);

	test('each answer tells the time of the service, if it says it', async () => {
		const date = 'Mon, 02 Nov 2026 09:00:00 GMT';
		const { client } = answering({ ...ok(pending), headers: { date } }, ok(pending), {
			statusCode: 503,
			headers: { date },
			body: '',
		});
		const told: Array<number | undefined> = [];
		const listening = { ...client, onCall: () => (time?: number) => void told.push(time) };
		await getTask(listening, ID);
		await getTask(listening, ID);
		await getTask(listening, ID).catch(() => undefined);
		expect(told).toEqual([Date.parse(date), undefined, Date.parse(date)]);
	});

	test('an HTTP error comes with code, message, request ID and advice', async () => {
		const { client } = answering({
			statusCode: 401,
			headers: {},
			body: { code: 'InvalidApiKey', message: 'Invalid API-key provided.', request_id: 'r' },
		});
		await expect(getTask(client, ID)).rejects.toMatchObject({
			kind: 'rejected',
			code: 'InvalidApiKey',
			requestId: 'r',
			hint: expect.stringContaining('dashscope.example'),
		});
	});

	test('a broken connection is lost, a refused one unreachable', async () => {
		const failing = (code: string) => answering(Object.assign(new Error(code), { code })).client;
		await expect(getTask(failing('ECONNRESET'), ID)).rejects.toMatchObject({ kind: 'lost' });
		await expect(getTask(failing('ECONNREFUSED'), ID)).rejects.toMatchObject({
			kind: 'unreachable',
		});
	});
});
