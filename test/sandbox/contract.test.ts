import { startSandbox, type Sandbox } from '../../sandbox';
import { naiveTime } from '../../sandbox/times';
import {
	bearer,
	cancel,
	create,
	createId,
	CREATE_PATH,
	editBody,
	edited,
	finished,
	list,
	MODEL,
	outputOf,
	query,
	send,
	type Edit,
	type Json,
} from './client';

const HOUR = 3_600_000;
const NAIVE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

let sandbox: Sandbox;
let ahead = 0;
/** Where the clock stands still. */
let standing: number | undefined;

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 0, now: () => (standing ?? Date.now()) + ahead });
});
beforeEach(async () => {
	await sandbox.reset();
	ahead = 0;
	standing = undefined;
	sandbox.configure({ jobSeconds: 0, slots: 5, submitsPerSecond: 1000, queriesPerSecond: 1000 });
});
afterAll(async () => await sandbox.stop());

/** Tasks that need no rendering. */
const failing = (times = 100) =>
	sandbox.outcome({ status: 'FAILED', code: 'InternalError.Algo', message: 'no', times });

describe('credentials', () => {
	const routes = [
		['POST', CREATE_PATH],
		['GET', '/api/v1/tasks/some-id'],
		['GET', '/api/v1/tasks'],
		['GET', '/api/v1/tasks/'],
		['POST', '/api/v1/tasks/some-id/cancel'],
		['GET', `/api/v1/uploads?action=getPolicy&model=${MODEL}`],
	] as const;

	it.each(routes)('%s %s wants the key', async (method, path) => {
		const missing = await send(sandbox.url + path, { method });
		expect(missing.status).toBe(401);
		expect(missing.json).toEqual({
			code: 'InvalidApiKey',
			message: 'No API-key provided.',
			request_id: expect.stringMatching(UUID) as string,
		});
		const wrong = await send(sandbox.url + path, {
			method,
			headers: { authorization: 'Bearer x' },
		});
		expect(wrong.status).toBe(401);
		expect(wrong.json).toMatchObject({
			code: 'InvalidApiKey',
			message: 'Invalid API-key provided.',
		});
		expect(sandbox.log.map(({ authorized }) => authorized)).toEqual([undefined, false]);
		expect(JSON.stringify(sandbox.log)).not.toContain('Bearer x');
	});
});

describe('create', () => {
	it('answers with a PENDING task', async () => {
		failing();
		const reply = await create(sandbox);
		expect(reply.status).toBe(200);
		expect(reply.json).toEqual({
			request_id: expect.stringMatching(UUID) as string,
			output: { task_id: expect.stringMatching(UUID) as string, task_status: 'PENDING' },
		});
		expect(sandbox.tasks()).toHaveLength(1);
		expect(sandbox.tasks()[0]).toMatchObject({ model: MODEL, body: editBody(sandbox) });
		const [entry] = sandbox.requests('create');
		expect(entry).toMatchObject({ status: 200, authorized: true, body: editBody(sandbox) });
		expect(entry?.headers.authorization).toBe('Bearer ***');
	});

	it('wants the async header', async () => {
		const reply = await create(sandbox, { headers: { 'x-dashscope-async': 'disable' } });
		expect(reply.status).toBe(403);
		expect(reply.json).toMatchObject({
			code: 'AccessDenied',
			message: 'current user api does not support synchronous calls.',
		});
		expect(sandbox.tasks()).toEqual([]);
	});

	it('is not a GET', async () => {
		const reply = await send(sandbox.url + CREATE_PATH);
		expect(reply.status).toBe(400);
		expect(reply.json.message).toBe("Request method 'GET' is not supported.");
	});

	it('knows its path', async () => {
		const url = `${sandbox.url}/api/v1/services/aigc/text2image/image-synthesis`;
		const reply = await send(url, { method: 'POST', headers: bearer(sandbox), body: '{}' });
		expect(reply.json).toMatchObject({
			code: 'InvalidParameter',
			message: 'url error, check url!',
		});
		expect((await send(`${sandbox.url}/api/v2/tasks`)).status).toBe(404);
	});

	const video = { type: 'video', url: 'https://example.com/a.mp4' };
	const image = { type: 'reference_image', url: 'https://example.com/a.png' };
	const refused: Array<[string, Edit, string, RegExp]> = [
		['an unknown model', { model: 'wan9' }, 'InvalidParameter', /^Model not exist\.$/],
		['no model', { model: '' }, 'BadRequest.EmptyModel', /model/],
		['no media', { input: { media: undefined } }, 'InvalidParameter', /required: input.media/],
		['media that are no list', { media: video }, 'InvalidParameter', /array/],
		['an empty list', { media: [] }, 'InvalidParameter', /exactly one/],
		['images only', { media: [image] }, 'InvalidParameter', /exactly one/],
		['two videos', { media: [video, video] }, 'InvalidParameter', /exactly one/],
		[
			'five images',
			{ media: [video, image, image, image, image, image] },
			'InvalidParameter',
			/at most 4/,
		],
		['another type', { media: [{ ...video, type: 'mask' }] }, 'InvalidParameter', /type/],
		['no url', { media: [{ type: 'video' }] }, 'InvalidParameter', /required: .*url/],
		['a url that is none', { media: [{ type: 'video', url: 'a.mp4' }] }, 'InvalidURL', /URL/],
		['ftp', { media: [{ type: 'video', url: 'ftp://a.example/a.mp4' }] }, 'InvalidURL', /URL/],
		[
			'a base64 video',
			{ media: [{ type: 'video', url: 'data:video/mp4;base64,AAAA' }] },
			'InvalidParameter',
			/base64/,
		],
		[
			'a GIF as data',
			{ media: [video, { type: 'reference_image', url: 'data:image/gif;base64,AAAA' }] },
			'InvalidParameter',
			/image\/jpeg/,
		],
		[
			'data that are not base64',
			{ media: [video, { type: 'reference_image', url: 'data:image/png;base64,@@' }] },
			'InvalidParameter',
			/base64/,
		],
		['a prompt that is no text', { prompt: 7 }, 'InvalidParameter', /prompt/],
		['a lower-case resolution', { parameters: { resolution: '720p' } }, 'InvalidParameter', /720P/],
		['480P', { parameters: { resolution: '480P' } }, 'InvalidParameter', /resolution/],
		['an odd ratio', { parameters: { ratio: '21:9' } }, 'InvalidParameter', /ratio/],
		['one second', { parameters: { duration: 1 } }, 'InvalidParameter', /duration/],
		['eleven seconds', { parameters: { duration: 11 } }, 'InvalidParameter', /duration/],
		['half seconds', { parameters: { duration: 2.5 } }, 'InvalidParameter', /integer/],
		['a duration in quotes', { parameters: { duration: '5' } }, 'InvalidParameter', /integer/],
		['other sound', { parameters: { audio_setting: 'mute' } }, 'InvalidParameter', /audio_setting/],
		['a negative seed', { parameters: { seed: -1 } }, 'InvalidParameter', /seed/],
		['a huge seed', { parameters: { seed: 2147483648 } }, 'InvalidParameter', /seed/],
		['watermark "yes"', { parameters: { watermark: 'yes' } }, 'InvalidParameter', /watermark/],
		['prompt_extend 1', { parameters: { prompt_extend: 1 } }, 'InvalidParameter', /prompt_extend/],
	];

	it.each(refused)('refuses %s', async (_name, edit, code, message) => {
		const reply = await create(sandbox, edit);
		expect(reply.status).toBe(400);
		expect(reply.json.code).toBe(code);
		expect(reply.json.message).toMatch(message);
		expect(reply.json.request_id).toMatch(UUID);
		expect(sandbox.tasks()).toEqual([]);
	});

	it.each([
		['nothing', ''],
		['half a body', '{"model":'],
		['a list', '[]'],
	])('refuses %s', async (_name, body) => {
		const reply = await create(sandbox, {}, body);
		expect(reply.status).toBe(400);
		expect(reply.json.code).toBe('InvalidParameter');
	});

	it('takes every parameter at its edges, and fields it does not know', async () => {
		failing();
		for (const parameters of [
			{},
			{ resolution: '1080P', ratio: '3:4', duration: 2, audio_setting: 'auto', seed: 0 },
			{ duration: 10, seed: 2147483647, prompt_extend: false, watermark: true },
			{ duration: 0, with_audio: false, audio_setting: 'origin' },
		]) {
			const input = { extend_prompt: true, function: 'video-synthesis' };
			expect((await create(sandbox, { parameters, input })).status).toBe(200);
		}
		const media = [video, image, image, image, image];
		expect((await create(sandbox, { media })).status).toBe(200);
		expect((await create(sandbox, { input: { prompt: undefined } })).status).toBe(200);
	});

	it('cuts a long prompt without a word', async () => {
		const prompt = `black and white ${'长😀'.repeat(4000)}`;
		const answer = await edited(sandbox, { prompt });
		const kept = (answer.output as Json).orig_prompt as string;
		expect([...kept]).toHaveLength(5000);
		expect(prompt.startsWith(kept)).toBe(true);
	});
});

describe('query', () => {
	it('shows a task from the queue to the result, in UTC+8', async () => {
		sandbox.configure({ slots: 0, jobSeconds: 0.4 });
		const before = Date.now();
		const id = await createId(sandbox, { parameters: { resolution: '720P', duration: 2 } });
		const pending = outputOf(await query(sandbox, id));
		expect(pending).toEqual({
			task_id: id,
			task_status: 'PENDING',
			submit_time: expect.stringMatching(NAIVE) as string,
		});
		const submitted = Date.parse(`${String(pending.submit_time).replace(' ', 'T')}+08:00`);
		expect(submitted).toBeGreaterThanOrEqual(before);
		expect(submitted).toBeLessThanOrEqual(Date.now());

		sandbox.configure({ slots: 5 });
		const running = outputOf(await query(sandbox, id));
		expect(running).toEqual({
			...pending,
			task_status: 'RUNNING',
			scheduled_time: expect.stringMatching(NAIVE) as string,
		});

		const answer = (await finished(sandbox, id)).output as Json;
		expect(answer).toEqual({
			...running,
			task_status: 'SUCCEEDED',
			end_time: expect.stringMatching(NAIVE) as string,
			orig_prompt: 'make it black and white',
			video_url: expect.stringMatching(
				/\.mp4\?Expires=\d+&OSSAccessKeyId=.+&Signature=.+/,
			) as string,
		});
		expect(String(answer.end_time) > String(answer.scheduled_time)).toBe(true);
		expect((await query(sandbox, id)).json.usage).toEqual({
			duration: 5,
			input_video_duration: 3,
			output_video_duration: 2,
			video_count: 1,
			SR: 720,
		});
	});

	it('gives a failed task in HTTP 200, with code and message in the output', async () => {
		sandbox.outcome({ status: 'FAILED', code: 'DataInspectionFailed', message: 'inappropriate' });
		const reply = await query(sandbox, await createId(sandbox));
		await query(sandbox, String(outputOf(reply).task_id));
		const answer = await query(sandbox, String(outputOf(reply).task_id));
		expect(answer.status).toBe(200);
		expect(outputOf(answer)).toMatchObject({
			task_status: 'FAILED',
			code: 'DataInspectionFailed',
			message: 'inappropriate',
			end_time: expect.stringMatching(NAIVE) as string,
		});
		expect(outputOf(answer)).not.toHaveProperty('video_url');
		expect(answer.json).not.toHaveProperty('usage');
		expect(answer.json).not.toHaveProperty('code');
	});

	it('picks outcomes by prompt, one after another', async () => {
		sandbox.outcome({ status: 'FAILED', code: 'A', message: 'a', promptIncludes: 'cat', skip: 1 });
		sandbox.outcome({ status: 'UNKNOWN', promptIncludes: 'dog' });
		const prompts = ['a cat', 'a dog', 'a cat', 'a bird'];
		const statuses = [];
		for (const prompt of prompts) {
			const parameters = { resolution: '720P', duration: 2 };
			const { output } = await edited(sandbox, { prompt: `${prompt}, grayscale`, parameters });
			statuses.push((output as Json).task_status);
		}
		expect(statuses).toEqual(['SUCCEEDED', 'UNKNOWN', 'FAILED', 'SUCCEEDED']);
	});

	it('lets a task run as long as its outcome says', async () => {
		sandbox.outcome({ jobSeconds: 100 });
		failing();
		const [slow, fast] = [await createId(sandbox), await createId(sandbox)];
		ahead = 90_000;
		expect(outputOf(await query(sandbox, fast)).task_status).toBe('FAILED');
		expect(outputOf(await query(sandbox, slow)).task_status).toBe('RUNNING');
	});

	it('answers UNKNOWN in HTTP 200 for ids it does not know or no longer knows', async () => {
		const unknown = await query(sandbox, '00000000-0000-4000-8000-000000000000');
		expect(unknown.status).toBe(200);
		expect(outputOf(unknown)).toEqual({
			task_id: '00000000-0000-4000-8000-000000000000',
			task_status: 'UNKNOWN',
		});
		failing();
		const id = await createId(sandbox);
		ahead = 24 * HOUR - 1000;
		expect(outputOf(await query(sandbox, id)).task_status).toBe('FAILED');
		ahead = 24 * HOUR + 1000;
		expect(outputOf(await query(sandbox, id))).toEqual({ task_id: id, task_status: 'UNKNOWN' });
	});
});

describe('cancel', () => {
	it('works while the task waits, and only then', async () => {
		sandbox.configure({ slots: 1, jobSeconds: 60 });
		const [running, waiting] = [await createId(sandbox), await createId(sandbox)];
		const done = await cancel(sandbox, waiting);
		expect(done.status).toBe(200);
		expect(done.json).toEqual({ request_id: expect.stringMatching(UUID) as string });
		expect(outputOf(await query(sandbox, waiting))).toEqual({
			task_id: waiting,
			task_status: 'CANCELED',
			submit_time: expect.stringMatching(NAIVE) as string,
			end_time: expect.stringMatching(NAIVE) as string,
		});
		for (const id of [running, waiting, 'nobody']) {
			const refused = await cancel(sandbox, id);
			expect(refused.status).toBe(400);
			expect(refused.json).toMatchObject({
				code: 'UnsupportedOperation',
				message: 'Failed to cancel the task, please confirm if the task is in PENDING status.',
			});
		}
	});
});

describe('list', () => {
	it('has pages, newest first, with and without the slash', async () => {
		failing();
		const ids: string[] = [];
		for (let i = 0; i < 7; i++) ids.unshift(await createId(sandbox));
		const idsOf = (reply: { json: Json }) =>
			(reply.json.data as Json[]).map((task) => task.task_id);
		const first = await list(sandbox, '?page_no=1&page_size=3');
		expect(first.json).toMatchObject({ total: 7, total_page: 3, page_no: 1, page_size: 3 });
		expect(idsOf(first)).toEqual(ids.slice(0, 3));
		expect(idsOf(await list(sandbox, '?page_no=3&page_size=3', '/'))).toEqual(ids.slice(6));
		expect(idsOf(await list(sandbox, '?page_no=4&page_size=3', '/'))).toEqual([]);
		expect((await list(sandbox)).json).toMatchObject({ page_no: 1, page_size: 10, total_page: 1 });
	});

	it('describes tasks in its own words', async () => {
		sandbox.configure({ slots: 1, jobSeconds: 30 });
		failing();
		const [first, second] = [await createId(sandbox), await createId(sandbox)];
		ahead = 40_000;
		const data = (await list(sandbox)).json.data as Json[];
		const created = sandbox.tasks().map(({ submittedAt }) => submittedAt);
		// At once, but the clock may have moved on.
		const started = Number(data[1]?.start_time);
		expect(started - (created[0] ?? 0)).toBeGreaterThanOrEqual(0);
		expect(started - (created[0] ?? 0)).toBeLessThan(1_000);
		expect(data[1]).toEqual({
			task_id: first,
			status: 'FAILED',
			model_name: MODEL,
			region: 'cn-beijing',
			request_id: expect.stringMatching(UUID) as string,
			api_key_id: expect.any(String) as string,
			caller_uid: expect.any(String) as string,
			caller_parent_id: expect.any(String) as string,
			user_api_unique_key: `apikey:v1:aigc:video-generation:video-synthesis:${MODEL}`,
			gmt_create: created[0],
			start_time: started,
			end_time: started + 30_000,
		});
		expect(data[0]).toMatchObject({ task_id: second, status: 'RUNNING' });
		expect(data[0]).not.toHaveProperty('end_time');
		expect(data[0]).not.toHaveProperty('task_status');
	});

	it('filters', async () => {
		failing(1);
		sandbox.configure({ slots: 1, jobSeconds: 30 });
		const failed = await createId(sandbox);
		const happyhorse = await createId(sandbox, { model: 'happyhorse-1.0-video-edit' });
		ahead = 40_000;
		const next = await createId(sandbox);
		const last = await createId(sandbox);
		const found = async (search: string) =>
			((await list(sandbox, search)).json.data as Json[]).map(({ task_id }) => task_id);
		expect(await found('')).toEqual([last, next, happyhorse, failed]);
		expect(await found(`?task_id=${happyhorse}`)).toEqual([happyhorse]);
		expect(await found(`?model_name=${MODEL}`)).toEqual([last, next, failed]);
		expect(await found('?status=FAILED')).toEqual([failed]);
		expect(await found('?status=RUNNING')).toEqual([next, happyhorse]);
		expect(await found('?status=PENDING')).toEqual([last]);
		expect(await found('?region=ap-southeast-1')).toEqual([]);
		const compact = (at: number) => naiveTime(at).slice(0, 19).replace(/\D/g, '');
		const start = compact(Date.now() + 20_000);
		expect(await found(`?start_time=${start}`)).toEqual([last, next]);
		expect(await found(`?end_time=${start}`)).toEqual([happyhorse, failed]);
		expect(await found(`?start_time=${compact(Date.now() - HOUR)}&end_time=${start}`)).toEqual([
			happyhorse,
			failed,
		]);
		ahead = 25 * HOUR;
		expect(await found('')).toEqual([]);
	});

	it.each([
		'?page_no=0',
		'?page_no=x',
		'?page_size=0',
		'?page_size=101',
		'?start_time=2026-11-02',
		'?start_time=20261101000000&end_time=20261103000000',
		'?start_time=20261103000000&end_time=20261101000000',
	])('refuses %s', async (search) => {
		const reply = await list(sandbox, search);
		expect(reply.status).toBe(400);
		expect(reply.json.code).toBe('InvalidParameter');
	});
});

describe('limits', () => {
	const statuses = async (count: number, call: () => Promise<{ status: number; json: Json }>) => {
		const replies = await Promise.all(Array.from({ length: count }, call));
		const refused = replies.filter(({ status }) => status === 429);
		for (const { json } of refused) {
			expect(json).toMatchObject({
				code: 'Throttling.RateQuota',
				message: 'Requests rate limit exceeded, please try again later.',
			});
		}
		return {
			passed: replies.filter(({ status }) => status === 200).length,
			refused: refused.length,
		};
	};

	it('lets five submissions a second in', async () => {
		standing = Date.now();
		sandbox.configure({ submitsPerSecond: 5 });
		failing();
		expect(await statuses(8, () => create(sandbox))).toEqual({ passed: 5, refused: 3 });
		expect(sandbox.tasks()).toHaveLength(5);
		ahead = 1000;
		expect(await statuses(8, () => create(sandbox))).toEqual({ passed: 5, refused: 3 });
	});

	it('lets twenty queries and twenty lists a second in, each', async () => {
		standing = Date.now();
		sandbox.configure({ queriesPerSecond: 20 });
		expect(await statuses(25, () => query(sandbox, 'x'))).toEqual({ passed: 20, refused: 5 });
		expect(await statuses(25, () => list(sandbox))).toEqual({ passed: 20, refused: 5 });
		const cancels = await Promise.all(Array.from({ length: 25 }, () => cancel(sandbox, 'x')));
		expect(cancels.filter(({ status }) => status === 429)).toHaveLength(5);
	});

	it('runs five tasks at once', async () => {
		sandbox.configure({ jobSeconds: 60 });
		failing();
		for (let i = 0; i < 7; i++) await createId(sandbox);
		const counts = () =>
			sandbox
				.tasks()
				.map(({ status }) => status[0])
				.join('');
		expect(counts()).toBe('RRRRRPP');
		ahead = 60_500;
		expect(counts()).toBe('FFFFFRR');
	});
});
