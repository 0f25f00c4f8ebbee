import { readFile } from 'node:fs/promises';

import { startSandbox, type Sandbox } from '../../sandbox';
import {
	bearer,
	cancel,
	create,
	createId,
	edited,
	formFields,
	list,
	outputOf,
	policy,
	postForm,
	query,
	receive,
	send,
	type Json,
} from './client';

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 0, submitsPerSecond: 1000, queriesPerSecond: 1000 });
});
beforeEach(async () => await sandbox.reset());
afterAll(async () => await sandbox.stop());

const failing = () => sandbox.outcome({ status: 'FAILED', code: 'X', message: 'x', times: 100 });

describe('answers instead', () => {
	it('come on every route, and leave no trace of work', async () => {
		const data = await policy(sandbox);
		const calls = {
			create: () => create(sandbox),
			query: () => query(sandbox, 'x'),
			list: () => list(sandbox),
			cancel: () => cancel(sandbox, 'x'),
			policy: () =>
				send(`${sandbox.url}/api/v1/uploads?action=getPolicy&model=m`, {
					headers: bearer(sandbox),
				}),
			upload: () => postForm(sandbox.url, formFields(data, 'a.mp4'), Buffer.alloc(300_000)),
			result: () => send(`${sandbox.url}/dashscope-result/x.mp4`),
			sample: () => send(sandbox.samples.video.url),
		} as const;
		for (const [name, call] of Object.entries(calls)) {
			const route = name as keyof typeof calls;
			sandbox.fault({ route, status: 503 });
			const reply = await call();
			expect([route, reply.status]).toEqual([route, 503]);
			if (['upload', 'result', 'sample'].includes(route)) {
				expect(reply.text).toMatch(/<Code>ModelUnavailable<\/Code>/);
			} else {
				expect(reply.json).toMatchObject({ code: 'ModelUnavailable' });
			}
			expect(sandbox.requests(route).at(-1)).toMatchObject({ status: 503, fault: 'status 503' });
			failing();
			expect((await call()).status).not.toBe(503);
		}
		// One from the create call that was let through.
		expect(sandbox.tasks()).toHaveLength(1);
	});

	it('say what they are told to', async () => {
		sandbox.fault({
			route: 'create',
			status: 429,
			body: { code: 'Throttling', message: 'slow down', request_id: 'r' },
			headers: { 'retry-after': '7' },
		});
		const reply = await create(sandbox);
		expect(reply.status).toBe(429);
		expect(reply.json).toEqual({ code: 'Throttling', message: 'slow down', request_id: 'r' });
		expect(reply.headers.get('retry-after')).toBe('7');
	});

	it('may be half or no JSON', async () => {
		sandbox.fault({ route: 'query', status: 200, body: '{"request_id":"a","outp' });
		sandbox.fault({ route: 'query', status: 502, body: '<html>Bad Gateway</html>' });
		const half = await query(sandbox, 'x');
		expect([half.status, half.text]).toEqual([200, '{"request_id":"a","outp']);
		const html = await query(sandbox, 'x');
		expect(html.text).toBe('<html>Bad Gateway</html>');
		expect(html.headers.get('content-type')).toContain('text/html');
	});

	it('count and skip calls', async () => {
		sandbox.fault({ route: 'list', status: 500, skip: 1, times: 2 });
		const statuses = [];
		for (let i = 0; i < 5; i++) statuses.push((await list(sandbox)).status);
		expect(statuses).toEqual([200, 500, 500, 200, 200]);
	});

	it('may be meant for one task only', async () => {
		failing();
		const [a, b] = [await createId(sandbox), await createId(sandbox)];
		sandbox.fault({ route: 'query', status: 500, pathIncludes: b });
		expect((await query(sandbox, a)).status).toBe(200);
		expect((await query(sandbox, b)).status).toBe(500);
	});

	it('may come although the work was done', async () => {
		failing();
		sandbox.fault({ route: 'create', status: 504, afterWork: true });
		const reply = await create(sandbox);
		expect(reply.status).toBe(504);
		expect(reply.json).toHaveProperty('code');
		expect(sandbox.tasks()).toHaveLength(1);
		expect(sandbox.requests('create')[0]).toMatchObject({
			status: 504,
			fault: 'status 504 after the work',
		});
	});
});

describe('lost connections', () => {
	it('before the work leave no task', async () => {
		sandbox.fault({ route: 'create', drop: 'before' });
		await expect(create(sandbox)).rejects.toThrow('fetch failed');
		expect(sandbox.tasks()).toEqual([]);
		const [entry] = sandbox.requests('create');
		expect(entry?.status).toBeUndefined();
		expect(entry).toMatchObject({ fault: 'drop before', body: { model: expect.any(String) } });
	});

	it('after the work leave the task', async () => {
		failing();
		sandbox.fault({ route: 'create', drop: 'after' });
		await expect(create(sandbox)).rejects.toThrow('fetch failed');
		expect(sandbox.tasks()).toHaveLength(1);
		expect(sandbox.requests('create')[0]?.status).toBeUndefined();
		const listed = (await list(sandbox)).json.data as Json[];
		expect(listed[0]?.task_id).toBe(sandbox.tasks()[0]?.id);
	});

	it('lose uploads before or after they are stored', async () => {
		const file = await readFile(sandbox.samples.video.path);
		const fields = formFields(await policy(sandbox), 'a.mp4');
		sandbox.fault({ route: 'upload', drop: 'before' });
		await expect(postForm(sandbox.url, fields, file)).rejects.toThrow('fetch failed');
		sandbox.fault({ route: 'upload', drop: 'after' });
		await expect(postForm(sandbox.url, fields, file)).rejects.toThrow('fetch failed');
		expect((await postForm(sandbox.url, fields, file)).status).toBe(409);
	});

	it('come half way through an upload', async () => {
		const fields = formFields(await policy(sandbox), 'a.mp4');
		sandbox.fault({ route: 'upload', resetAfter: 1_000_000 });
		const file = Buffer.alloc(20_000_000);
		await expect(postForm(sandbox.url, fields, file)).rejects.toThrow('fetch failed');
		expect(sandbox.requests('upload')[0]?.fault).toBe('reset after 1000000');
		expect((await postForm(sandbox.url, fields, file)).status).toBe(200);
	});

	it('lose a result', async () => {
		const { output } = await edited(sandbox, { parameters: { resolution: '720P', duration: 2 } });
		const url = String((output as Json).video_url);
		for (const drop of ['before', 'after'] as const) {
			sandbox.fault({ route: 'result', drop });
			expect(await receive(url, {})).toEqual({ bytes: 0, error: 'ECONNRESET' });
		}
		expect(await receive(url, {})).toMatchObject({ status: 200 });
	});
});

describe('truncated answers', () => {
	it('have the true length in the head and break off', async () => {
		const { output } = await edited(sandbox, { parameters: { resolution: '720P', duration: 2 } });
		const url = String((output as Json).video_url);
		const whole = await receive(url, {});
		expect(whole.bytes).toBe(whole.contentLength);
		for (const truncate of [0, 5000, 100_000]) {
			sandbox.fault({ route: 'result', truncate });
			expect(await receive(url, {})).toEqual({
				status: 200,
				contentLength: whole.contentLength,
				bytes: truncate,
				error: 'ECONNRESET',
			});
		}
	});

	it('may be JSON', async () => {
		sandbox.fault({ route: 'query', truncate: 10 });
		const received = await receive(`${sandbox.url}/api/v1/tasks/x`, bearer(sandbox));
		expect(received).toMatchObject({ status: 200, bytes: 10, error: 'ECONNRESET' });
		expect(received.contentLength).toBeGreaterThan(50);
	});
});

describe('slow answers', () => {
	it('are right but late, and the work is done at once', async () => {
		failing();
		sandbox.fault({ route: 'create', delayMs: 400 });
		const start = Date.now();
		let answered = false;
		const pending = create(sandbox).finally(() => (answered = true));
		while (sandbox.tasks().length === 0 && !answered) {
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		expect(answered).toBe(false);
		expect(sandbox.tasks()).toHaveLength(1);
		const reply = await pending;
		expect(Date.now() - start).toBeGreaterThanOrEqual(395);
		expect(outputOf(reply).task_id).toBe(sandbox.tasks()[0]?.id);
	});

	it('may also be wrong', async () => {
		sandbox.fault({ route: 'list', delayMs: 150, status: 500 });
		const start = Date.now();
		expect((await list(sandbox)).status).toBe(500);
		expect(Date.now() - start).toBeGreaterThanOrEqual(145);
	});

	it('do not outlive a client that gives up, nor the sandbox', async () => {
		const own = await startSandbox();
		own.fault({ route: 'list', delayMs: 60_000 });
		const waiting = list(own).catch((error: unknown) => error);
		while (own.requests('list').length === 0) await new Promise((resolve) => setImmediate(resolve));
		await own.stop();
		// Else it would be answered after a minute, which is too late for this test.
		expect(await waiting).toBeDefined();
	});
});
