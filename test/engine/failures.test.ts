import type { INodeParameters } from 'n8n-workflow';
import { readBinary } from './engine';
import { detailsOf, only, until, useBench, modelId } from './bench';
import { OtherHost, closedPort } from './otherHost';

// What goes wrong between the node and DashScope, and what the user gets to read about it.
// That the key never shows up anywhere is checked after every run (bench.ts).

const bench = useBench();

const CONTINUE = { settings: { onError: 'continueErrorOutput' as const } };
const GET_STATUS = { resource: 'task', operation: 'getStatus', taskId: 't-1', download: false };
const BINARY_VIDEO = { videoSource: 'binary' };

const calls = (route: Parameters<typeof bench.sandbox.requests>[0]) =>
	bench.sandbox.requests(route).length;

async function videoItem() {
	return { json: {}, binary: { data: await bench.file(bench.sandbox.samples.video) } };
}

describe('a wrong key', () => {
	const credential = () => ({ ...bench.credential(), apiKey: 'sk-wrong-0000' });
	const host = () => new URL(bench.sandbox.url).host;

	test.each<[what: string, fields: INodeParameters, route: 'create' | 'policy' | 'query']>([
		['when an edit is submitted', {}, 'create'],
		['when a file is to be uploaded', BINARY_VIDEO, 'policy'],
		['when a status is asked for', GET_STATUS, 'query'],
	])('%s: may be wrong or of another region; names the host', async (_what, fields, route) => {
		const items = [await videoItem()];
		const stopped = await bench.run(items, fields, { credential: credential() });
		const continued = await bench.run(items, fields, { credential: credential(), ...CONTINUE });

		expect(stopped.error?.name).toBe('NodeApiError');
		expect(stopped.error?.message).toBe('Invalid API-key provided. [item 0]');
		expect(stopped.error).toMatchObject({ httpCode: '401' });
		const { description } = stopped.error ?? {};
		expect(description).toContain(`The request went to ${host()}.`);
		expect(description).toMatch(/key may be wrong, or it belongs to another region/);
		expect(description).toContain('Code: InvalidApiKey');
		expect(description).toMatch(/Request ID: [\w-]{36}/);

		const failed = only(continued.errors);
		expect(failed.json.error).toBe('Invalid API-key provided. [item 0]');
		expect(detailsOf(failed)).toEqual({
			code: 'InvalidApiKey',
			httpStatus: 401,
			requestId: expect.stringMatching(/^[\w-]{36}$/),
			hint: expect.stringContaining(host()),
		});
		// Asked once for each run: a wrong key does not become right by asking again.
		expect(calls(route)).toBe(2);
		expect(bench.sandbox.tasks()).toEqual([]);
	});

	test('no key at all is not sent as "undefined"', async () => {
		const { error } = await bench.run(
			1,
			{},
			{ credential: { ...bench.credential(), apiKey: ' ' } },
		);

		expect(error?.message).toMatch(/API-key provided/);
		expect(only(bench.sandbox.requests('create')).authorized).toBe(false);
	});
});

describe('a refused submission', () => {
	test.each<[status: number, code: string, message: string, hint: RegExp]>([
		[400, 'InvalidParameter', 'Field required: input.media', /made for this model/],
		[400, 'InvalidParameter', 'url error, check url!', /check the model ID and the region/],
		[400, 'InvalidParameter', 'Model not exist.', /check the model ID and the region/],
		[
			400,
			'Arrearage',
			'Access denied, please make sure your account is in good standing.',
			/billing/,
		],
		[
			400,
			'DataInspectionFailed',
			'Input data may contain inappropriate content.',
			/Change the prompt or the media/,
		],
		[
			400,
			'InvalidParameter.DataInspection',
			'Unable to download the media resource during the data inspection process.',
			/public/,
		],
		[400, 'IPInfringementSuspect', 'Input is suspected of IP infringement.', /protected content/],
		[400, 'BadRequest.TooLarge', 'Payload Too Large', /larger than the model takes/],
		[401, 'invalid access token or token expired', 'token expired', /plan/],
		[403, 'AccessDenied', 'current user api does not support synchronous calls.', /key/],
		[403, 'AccessDenied.Unpurchased', 'Access to model denied.', /Activate Model Studio/],
		[403, 'Model.AccessDenied', 'Model access denied.', /workspace may not use this model/],
		[403, 'AllocationQuota.FreeTierOnly', 'The free tier is exhausted.', /free/],
		[404, 'ModelNotFound', 'Model not found.', /check the model ID and the region/],
		[
			404,
			'WorkSpaceNotFound',
			'Workspace not found.',
			/check the model ID and the region|workspace/,
		],
		[429, 'PostpaidBillOverdue', 'The postpaid bill is overdue.', /billing/],
		[429, 'Throttling.AllocationQuota', 'Free allocated quota exceeded.', /free quota/i],
	])('%s %s: %s', async (status, code, message, hint) => {
		const body = { code, message, request_id: 'r-17' };
		bench.sandbox.fault({ route: 'create', times: 2, status, body });
		const stopped = await bench.run(1);
		const continued = await bench.run(1, {}, CONTINUE);

		expect(stopped.error?.message).toBe(`${message} [item 0]`);
		expect(stopped.error).toMatchObject({ name: 'NodeApiError', httpCode: String(status) });
		expect(stopped.error?.description).toMatch(hint);
		expect(stopped.error?.description).toContain(`Code: ${code}. Request ID: r-17`);
		expect(detailsOf(only(continued.errors))).toEqual({
			code,
			httpStatus: status,
			requestId: 'r-17',
			hint: expect.stringMatching(hint),
		});
		// Never again by itself: one call for each run.
		expect(calls('create')).toBe(2);
		expect(bench.sandbox.tasks()).toEqual([]);
	});

	test('by a page that is not DashScope’s', async () => {
		bench.sandbox.fault({ route: 'create', status: 404, body: '<html>nginx</html>' });
		const { error } = await bench.run(1);

		expect(error?.message).toContain('HTTP 404');
		expect(error?.description).toMatch(/Check the base URL: 127\.0\.0\.1:\d+ does not know/);
		expect(calls('create')).toBe(1);
	});

	test('by the service’s own checks', async () => {
		const { error } = await bench.run(1, { model: modelId('wan9-videoedit') });

		expect(error?.message).toBe('Model not exist. [item 0]');
		expect(calls('create')).toBe(1);
	});
});

describe('a host that cannot be reached', () => {
	test('is named, with what to check', async () => {
		const baseUrl = await closedPort();
		const credential = { ...bench.credential(), baseUrl };
		const { error } = await bench.run(1, { options: { timeout: 0.03 } }, { credential });

		expect(error?.message).toContain(new URL(baseUrl).host);
		expect(error?.message).toContain('could not be reached');
		expect(error?.description).toMatch(/base URL in the DashScope credential/);
	});
});

describe('redirects', () => {
	let other: OtherHost;
	let elsewhere: string;
	beforeEach(async () => {
		other = new OtherHost('{"output":{"task_id":"stolen","task_status":"PENDING"}}');
		elsewhere = await other.start();
	});
	afterEach(async () => await other.stop());

	test.each([301, 302, 303, 307, 308])('of a submission (%s) are refused', async (status) => {
		bench.sandbox.fault({
			route: 'create',
			status,
			headers: { location: `${elsewhere}/api` },
			body: 'moved',
		});
		const { error } = await bench.run(1);

		expect(other.seen).toEqual([]);
		expect(error?.description).toMatch(/redirects elsewhere; the API key is not sent on/);
		expect(calls('create')).toBe(1);
	});

	test('of a question are refused', async () => {
		bench.sandbox.fault({
			route: 'query',
			status: 307,
			headers: { location: `${elsewhere}/api` },
			body: 'moved',
		});
		const { error } = await bench.run([{ json: {} }], GET_STATUS);

		expect(other.seen).toEqual([]);
		expect(error?.description).toMatch(/redirects elsewhere/);
	});

	test('of an upload are refused', async () => {
		bench.sandbox.fault({
			route: 'upload',
			times: 9,
			status: 307,
			headers: { location: `${elsewhere}/upload` },
		});
		const { error } = await bench.run([await videoItem()], BINARY_VIDEO);

		expect(other.seen).toEqual([]);
		expect(error).toBeDefined();
		expect(bench.sandbox.tasks()).toEqual([]);
	});
});

describe('a task that brings no video', () => {
	test.each([
		['InternalError.Algo', 'inference failed', /Run it again/],
		['InternalError.Timeout', 'async task timeout', /three hours/],
		['DataInspectionFailed', 'Output data may contain inappropriate content.', /Another seed/],
		['SomethingNew', 'never heard of it', /./],
	])('FAILED with %s', async (code, message, hint) => {
		bench.sandbox.outcome({ times: 2, status: 'FAILED', code, message });
		const stopped = await bench.run(1);
		const continued = await bench.run(1, {}, CONTINUE);

		const [first, second] = bench.taskIds();
		expect(stopped.error?.message).toBe(`Task ${first} failed: ${message} (${code}) [item 0]`);
		const { description } = stopped.error ?? {};
		expect(description).toMatch(hint);
		expect(description).toContain(`Code: ${code}. Task ID: ${first}. Request ID: `);
		expect(detailsOf(only(continued.errors))).toMatchObject({
			taskId: second,
			status: 'FAILED',
			code,
			requestId: expect.stringMatching(/^[\w-]{36}$/),
		});
		expect(calls('create')).toBe(2);
		expect(calls('result')).toBe(0);
	});

	test.each([
		['too short', 'shortVideo' as const, 'InvalidFile.Duration', /shorter or longer/],
		['too long', 'tooLongVideo' as const, 'InvalidFile.Duration', /shorter or longer/],
		['too small', 'smallVideo' as const, 'InvalidFile.Resolution', /Width, height or aspect ratio/],
	])('because its video is %s', async (_what, name, code, hint) => {
		const { error } = await bench.run(1, { videoUrl: bench.sandbox.samples.bad[name].url });

		expect(error?.message).toMatch(/^Task [\w-]{36} failed: /);
		expect(error?.message).toContain(`(${code})`);
		expect(error?.description).toMatch(hint);
	});

	test('because its address leads nowhere', async () => {
		const url = `${await closedPort()}/ride.mp4`;
		const { error } = await bench.run(1, { videoUrl: url });

		expect(error?.message).toMatch(
			/\((InvalidURL\.ConnectionRefused|InvalidParameter\.DataInspection)\)/,
		);
		expect(error?.description).toMatch(/public/);
	});

	test('CANCELED by somebody', async () => {
		bench.sandbox.outcome({ status: 'CANCELED' });
		const { error } = await bench.run(1);

		expect(error?.message).toBe(`Task ${only(bench.taskIds())} was canceled [item 0]`);
		expect(error?.description).toMatch(/not billed/);
		expect(calls('create')).toBe(1);
	});

	test('UNKNOWN: asked a few times, not for minutes, and explained', async () => {
		bench.sandbox.outcome({ status: 'UNKNOWN' });
		const { error } = await bench.run(1);

		expect(error?.message).toBe(`DashScope does not know task ${only(bench.taskIds())} [item 0]`);
		expect(error?.description).toMatch(/24 hours.*region.*account/);
		expect(calls('query')).toBeGreaterThan(1);
		expect(calls('query')).toBeLessThan(8);
	});

	test('UNKNOWN for a moment right after the submission is waited out', async () => {
		const { done } = bench.start(1, { download: false });
		await until(() => bench.taskIds().length === 1);
		const unknown = { output: { task_id: only(bench.taskIds()), task_status: 'UNKNOWN' } };
		bench.sandbox.fault({ route: 'query', times: 2, status: 200, body: unknown });
		const { items, error } = await done;

		expect(error).toBeUndefined();
		expect(only(items).json.succeeded).toBe(true);
	});

	test('SUCCEEDED without a link: says so and keeps the task', async () => {
		const { items } = await bench.run(1, { waiting: 'none' });
		const taskId = String(only(items).json.taskId);
		bench.sandbox.fault({
			route: 'query',
			status: 200,
			body: { output: { task_id: taskId, task_status: 'SUCCEEDED' } },
		});
		const { errors } = await bench.run(
			1,
			{ resource: 'task', operation: 'getStatus', taskId },
			CONTINUE,
		);

		expect(only(errors).json.error).toMatch(/holds no link/);
		expect(detailsOf(only(errors))).toMatchObject({ taskId, status: 'SUCCEEDED' });
	});
});

describe('a result that cannot be fetched', () => {
	test.each([403, 404])('HTTP %s: at once, with everything to fetch it later', async (status) => {
		bench.sandbox.fault({ route: 'result', times: 2, status });
		const stopped = await bench.run(1);
		expect(calls('result')).toBe(1);
		const continued = await bench.run(1, {}, CONTINUE);

		const [first, second] = bench.taskIds();
		expect(stopped.error?.message).toContain(
			`The video of task ${first} is ready but could not be`,
		);
		expect(stopped.error?.message).toContain(`HTTP ${status}`);
		expect(stopped.error?.description).toMatch(/24 hours/);
		expect(stopped.error?.description).toMatch(/get it with 'Task: Get Status' and this task ID/);
		expect(stopped.error?.description).toContain(`Task ID: ${first}`);

		const details = detailsOf(only(continued.errors));
		expect(details).toMatchObject({
			taskId: second,
			status: 'SUCCEEDED',
			httpStatus: status,
			videoUrl: expect.stringContaining(`${second}.mp4?Expires=`),
			videoUrlExpiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
		});
		const link = await fetch(String(details.videoUrl));
		expect(link.status).toBe(200);
		expect((await link.arrayBuffer()).byteLength).toBeGreaterThan(1000);
	});

	test.each([
		['HTTP 500', { status: 500 }],
		['HTTP 503', { status: 503 }],
		['a dropped connection', { drop: 'before' as const }],
		['a reset half way', { truncate: 100_000 }],
	])('%s, twice: fetched whole at the third go', async (_what, fault) => {
		bench.sandbox.configure({ resultBytes: 400_000 });
		bench.sandbox.fault({ route: 'result', times: 2, ...fault });
		const { items, error } = await bench.run(1);

		expect(error).toBeUndefined();
		const data = only(items).binary?.data;
		expect(data?.bytes).toBe(400_000);
		const content = data === undefined ? Buffer.alloc(0) : await readBinary(data);
		expect(content).toHaveLength(400_000);
		expect(calls('result')).toBe(3);
		expect(calls('create')).toBe(1);
	});

	test('is followed where it redirects, without any credential', async () => {
		const video = Buffer.from('\0\0\0\x18ftypisom the video');
		const other = new OtherHost(video);
		const url = `${await other.start()}/moved.mp4?sig=1`;
		bench.sandbox.fault({ route: 'result', status: 302, headers: { location: url } });
		const { items, error } = await bench.run(1);
		await other.stop();

		expect(error).toBeUndefined();
		const data = only(items).binary?.data;
		expect(data === undefined ? undefined : await readBinary(data)).toEqual(video);
		const { url: asked, headers } = only(other.seen);
		expect(asked).toBe('/moved.mp4?sig=1');
		expect(headers).not.toHaveProperty('authorization');
		expect(headers).not.toHaveProperty('cookie');
		expect(JSON.stringify(headers)).not.toContain(bench.sandbox.apiKey);
	});

	test('is not followed in circles', async () => {
		bench.sandbox.fault({
			route: 'result',
			times: 99,
			status: 302,
			headers: { location: '/dashscope-result/round/and/round.mp4' },
		});
		const { error } = await bench.run(1);

		expect(error?.message).toContain('redirects in a loop');
		expect(calls('result')).toBeLessThan(25);
	});
});

describe('an upload', () => {
	const expectEdited = async () => {
		const { items, error } = await bench.run([await videoItem()], BINARY_VIDEO);
		expect(error).toBeUndefined();
		expect(only(items).json.succeeded).toBe(true);
		expect(calls('create')).toBe(1);
	};

	test('whose permission has expired gets a new one', async () => {
		bench.sandbox.fault({ route: 'upload', status: 403 });
		await expectEdited();

		expect(calls('policy')).toBe(2);
		const keys = bench.sandbox.requests('upload').map(({ body }) => body);
		expect(keys).toHaveLength(2);
	});

	test('that is reset half way is sent again under a new name', async () => {
		bench.sandbox.fault({ route: 'upload', resetAfter: 20_000 });
		await expectEdited();

		expect(calls('policy')).toBe(2);
		expect(calls('upload')).toBe(2);
	});

	test('whose policy cannot be had for a moment waits for it', async () => {
		bench.sandbox.fault({ route: 'policy', status: 429, headers: { 'retry-after': '1' } });
		bench.sandbox.fault({ route: 'policy', status: 500 });
		await expectEdited();

		expect(calls('policy')).toBe(3);
		expect(calls('upload')).toBe(1);
	});

	test('that fails again and again costs nothing', async () => {
		bench.sandbox.fault({ route: 'upload', times: 99, status: 500 });
		const { error } = await bench.run([await videoItem()], BINARY_VIDEO);

		expect(error?.message).toMatch(/upload to 127\.0\.0\.1/);
		expect(error?.description).toMatch(/[Tt]ry again/);
		expect(calls('upload')).toBe(3);
		expect(calls('create')).toBe(0);
	});

	test('larger than DashScope allows for the model is not even begun', async () => {
		bench.sandbox.configure({ maxUploadBytes: 20_480 });
		const { error } = await bench.run([await videoItem()], BINARY_VIDEO);
		bench.sandbox.configure({ maxUploadBytes: 100 * 1024 * 1024 });

		expect(error?.message).toMatch(/the limit for this model is 20480/);
		expect(calls('upload')).toBe(0);
		expect(calls('create')).toBe(0);
	});
});

test('questions that stumble are asked again by Get Status, too', async () => {
	const { items: submitted } = await bench.run(1, { waiting: 'none' });
	const taskId = String(only(submitted).json.taskId);
	bench.sandbox.fault({ route: 'query', status: 503 });
	bench.sandbox.fault({ route: 'query', drop: 'before' });
	const { items, error } = await bench.run([{ json: {} }], { ...GET_STATUS, taskId });

	expect(error).toBeUndefined();
	expect(only(items).json.taskId).toBe(taskId);
	expect(calls('query')).toBe(3);
});

test('the check for the key does look at what is shown and kept', async () => {
	const { text } = await bench.run(1, { prompt: `black and white ${'me'.repeat(20)}` });

	expect(text).toContain(`black and white ${'me'.repeat(20)}`);
	expect(text).toContain(only(bench.taskIds()));
	expect(text).toMatch(/Running node/);
});
