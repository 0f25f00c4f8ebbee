import {
	PROMPT_OF_ITEM,
	RETRY,
	at,
	detailsOf,
	mediaOf,
	named,
	only,
	until,
	useBench,
	modelId,
} from './bench';
import { FIELDS, FROM_START, THREE, breakDownload, runMeddled } from './three';
import { testCredential } from './engine';

// One test for each mistake that other nodes make with services of this kind. Most are tested more deeply
// elsewhere; here they stand side by side, so that none of them comes back unnoticed.

const bench = useBench();

const CONTINUE = { settings: { onError: 'continueErrorOutput' as const } };
const created = () => bench.sandbox.requests('create').length;

test('one failed poll does not lose a paid job', async () => {
	bench.sandbox.fault({ route: 'query', status: 500 });
	bench.sandbox.fault({ route: 'query', drop: 'before' });
	const { items } = await bench.run(1, { download: false });

	expect(only(items).json.succeeded).toBe(true);
	expect(created()).toBe(1);
});

test('an unknown task is not polled until the timeout', async () => {
	bench.sandbox.outcome({ status: 'UNKNOWN' });
	const { error } = await bench.run(1, { options: { timeout: 15 } });

	expect(error?.message).toMatch(/does not know task/);
	// The timeout would allow 900.
	expect(bench.sandbox.requests('query').length).toBeLessThan(20);
});

test('Stop is not noticed at the next poll only, and cancels what waits', async () => {
	bench.sandbox.configure({ slots: 0 });
	const { done, stop } = bench.start(1, { options: { pollInterval: 15 } });
	await until(() => bench.taskIds().length === 1);
	const stopped = Date.now();
	stop();
	await done;

	expect(Date.now() - stopped).toBeLessThan(7_500);
	await until(() => only(bench.sandbox.tasks()).status === 'CANCELED');
	expect(only(bench.sandbox.tasks()).status).toBe('CANCELED');
});

test('the task ID is in every failure of a task', async () => {
	bench.sandbox.outcome({ promptIncludes: 'fails', status: 'FAILED', code: 'X' });
	bench.sandbox.outcome({ promptIncludes: 'stuck', jobSeconds: 600 });
	bench.sandbox.outcome({ promptIncludes: 'gone', status: 'CANCELED' });
	const items = named('fails', 'stuck in black and white', 'gone');
	const fields = { ...FIELDS, options: { timeout: 0.04 } };
	const { errors } = await bench.run(items, fields, CONTINUE);

	expect(errors.map((item) => detailsOf(item).taskId)).toEqual(bench.taskIds());
	errors.forEach(({ json }, index) => {
		expect(json.error).toContain(at(bench.taskIds(), index));
	});
});

test('a local video can be edited', async () => {
	const data = await bench.file(bench.sandbox.samples.video);
	const { items } = await bench.run([{ json: {}, binary: { data } }], { videoSource: 'binary' });

	expect(only(items).json.succeeded).toBe(true);
});

test('DashScope’s reason does not become "Bad request"', async () => {
	const body = { code: 'InvalidParameter', message: 'The size is not match 8:1', request_id: 'r' };
	bench.sandbox.fault({ route: 'create', status: 400, body });
	const { error } = await bench.run(1);

	expect(error?.message).toBe('The size is not match 8:1 [item 0]');
	expect(`${error?.message} ${error?.description}`).not.toMatch(/bad request/i);
});

test('the credential is tested where the node will ask', async () => {
	await testCredential(bench.credential());
	await bench.run(1, { resource: 'task', operation: 'getStatus', taskId: 't', download: false });

	const [tested, asked] = bench.sandbox.log;
	expect(tested?.path).toBe('/api/v1/tasks/');
	expect(asked?.path).toBe('/api/v1/tasks/t');
});

test.each([
	['cn-beijing', '', 'dashscope.aliyuncs.com'],
	['ap-southeast-1', '', 'dashscope-intl.aliyuncs.com'],
	['cn-beijing', 'ws-1', 'ws-1.cn-beijing.maas.aliyuncs.com'],
	['ap-southeast-1', 'llm-2', 'llm-2.ap-southeast-1.maas.aliyuncs.com'],
])(
	'each region has its own host, with and without a workspace: %s %s',
	async (region, workspaceId, host) => {
		const asked: string[] = [];
		await bench.run(
			1,
			{ videoUrl: 'https://example.com/ride.mp4', waiting: 'none' },
			{
				credential: {
					apiKey: 'sk-1',
					region,
					workspaceId,
					baseUrl: 'https://left.over.example.com',
				},
				network: ({ url }) => {
					asked.push(url);
					return {
						statusCode: 200,
						body: { request_id: 'r', output: { task_id: 't', task_status: 'PENDING' } },
					};
				},
			},
		);

		expect(asked).toEqual([
			`https://${host}/api/v1/services/aigc/video-generation/video-synthesis`,
		]);
	},
);

test('items are not edited one after another', async () => {
	bench.sandbox.configure({ jobSeconds: 2 });
	const { items } = await bench.run(4, { download: false });

	expect(items).toHaveLength(4);
	const tasks = bench.sandbox.tasks();
	const lastSubmitted = Math.max(...tasks.map(({ submittedAt }) => submittedAt));
	expect(lastSubmitted).toBeLessThan(Math.min(...tasks.map(({ endedAt }) => endedAt ?? Infinity)));
});

test('items do not multiply runs: as many tasks as items, each with its own prompt', async () => {
	await bench.run(THREE, { ...FIELDS, waiting: 'none' });

	expect(bench.sandbox.tasks().map(({ prompt }) => prompt)).toEqual(
		THREE.map(({ json }) => json.prompt),
	);
});

test('a wait has an end, and it names the task', async () => {
	bench.sandbox.configure({ jobSeconds: 600 });
	const { error } = await bench.run(1, { options: { timeout: 0.03 } });

	expect(error?.message).toContain(only(bench.taskIds()));
	expect(error?.description).toMatch(/Wait for Completion/);
});

test('a throttled submission is not fatal', async () => {
	bench.sandbox.fault({ route: 'create', status: 429 });
	const { items } = await bench.run(1, { download: false });

	expect(only(items).json.succeeded).toBe(true);
	expect(bench.taskIds()).toHaveLength(1);
});

test('a submission that answered 5xx is not sent again', async () => {
	bench.sandbox.fault({ route: 'create', status: 500, afterWork: true });
	await bench.run(1, { waiting: 'none' });

	expect(created()).toBe(1);
	expect(bench.taskIds()).toHaveLength(1);
});

test('Retry On Fail does not bill twice', async () => {
	const { items } = await runMeddled(bench, RETRY, breakDownload(2));

	expect(items).toHaveLength(3);
	expect(created()).toBe(3);
});

test('a model that came out later can be used', async () => {
	await bench.run(1, {
		waiting: 'none',
		model: modelId('wan2.7-videoedit-2027-01-31'),
	});

	expect(only(bench.sandbox.tasks()).model).toBe('wan2.7-videoedit-2027-01-31');
});

test('the dearer resolution is not the default', async () => {
	await bench.run(1, { waiting: 'none' });

	expect(only(bench.bodies())).toMatchObject({ parameters: { resolution: '720P' } });
});

test('billed input seconds do not come as a surprise: they are in the output', async () => {
	const { items, hints } = await bench.run(1, { download: false });

	expect(only(items).json.usage).toMatchObject({ billedSeconds: 6, inputSeconds: 3 });
	expect(hints.join()).toContain('6 billed seconds');
});

test('the error branch keeps its pairing', async () => {
	bench.sandbox.outcome({ promptIncludes: 'blur', status: 'FAILED', code: 'X' });
	const { lookedUp } = await bench.run(THREE, FIELDS, { ...CONTINUE, lookUp: FROM_START });

	expect(lookedUp).toEqual({ items: ['item 0', 'item 2'], errors: ['item 1'] });
});

test('a key of another region does not just look like a bad key', async () => {
	const credential = { ...bench.credential(), apiKey: 'sk-of-another-region' };
	const { error } = await bench.run(1, {}, { credential });

	expect(error?.description).toMatch(/belongs to another region/);
	expect(error?.description).toContain(new URL(bench.sandbox.url).host);
});

test('the video does not only exist for 24 hours: it is fetched, and the link tells its end', async () => {
	const { items } = await bench.run(1);

	const { json, binary } = only(items);
	expect(binary?.data?.bytes).toBeGreaterThan(1_000);
	const left = Date.parse(String(json.videoUrlExpiresAt)) - Date.now();
	expect(left / 3_600_000).toBeGreaterThan(23.9);
	expect(left / 3_600_000).toBeLessThanOrEqual(24);
});

test('the result is fetched without the key, which object storage would refuse', async () => {
	const { error } = await bench.run(1);

	expect(error).toBeUndefined();
	const { headers, status } = only(bench.sandbox.requests('result'));
	expect(headers).not.toHaveProperty('authorization');
	expect(status).toBe(200);
});

test('a failed task in an HTTP 200 is no success without a video', async () => {
	bench.sandbox.outcome({ status: 'FAILED', code: 'InvalidFile.Content', message: 'broken' });
	const { items, error } = await bench.run(1);

	expect(items).toEqual([]);
	expect(error?.message).toContain('broken (InvalidFile.Content)');
});

test('a finished video that cannot be fetched is not lost with the error', async () => {
	bench.sandbox.fault({ route: 'result', status: 404 });
	const { errors } = await bench.run(1, {}, CONTINUE);
	const response = await fetch(String(detailsOf(only(errors)).videoUrl));

	expect(response.status).toBe(200);
	await response.body?.cancel();
});

test('several pictures keep the order that the prompt counts on', async () => {
	const { images } = bench.sandbox.samples;
	const urls = [2, 0, 1].map((index) => at(images, index).url);
	await bench.run(1, {
		operation: 'referenceEdit',
		imageSource: 'list',
		images: { image: urls.map((url) => ({ source: 'url', url })) },
		prompt: 'Image 1 holds Image 2 in front of Image 3',
		waiting: 'none',
	});

	const [, ...sent] = mediaOf(only(bench.sandbox.requests('create')));
	expect(sent.map(({ url }) => url)).toEqual(urls);
});

test('a batch does not ask more often than the account may', async () => {
	const { error } = await bench.run(named(...Array<string>(12).fill('black and white')), {
		prompt: PROMPT_OF_ITEM,
		download: false,
	});

	expect(error).toBeUndefined();
	expect(bench.sandbox.log.filter(({ status }) => status === 429)).toEqual([]);
});
