import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ILoadOptionsFunctions, INodeParameters } from 'n8n-workflow';
import { WanVideoEdit } from '../../nodes/WanVideoEdit/WanVideoEdit.node';
import { modelId, named, only, useBench } from './bench';
import type { RunOptions } from './bench';
import { serve } from './relay';
import type { TestServer } from './relay';

// Video: Estimate Cost, and the option Spending Limit of the edits.

const bench = useBench();

const MB = 1024 * 1024;
const ESTIMATE = { resource: 'video', operation: 'estimateCost', resolution: '720P' };

const servers: TestServer[] = [];
afterEach(async () => {
	await Promise.all(servers.splice(0).map(async (server) => await server.stop()));
});

const videoItem = async (sample = bench.sandbox.samples.video) => ({
	json: {},
	binary: { data: await bench.file(sample) },
});

const BINARY = { videoSource: 'binary', videoField: 'data' };

const estimate = async (fields: INodeParameters, options: RunOptions = {}) =>
	await bench.run([await videoItem()], { ...ESTIMATE, ...BINARY, ...fields }, options);

const calls = () => bench.sandbox.log.filter(({ route }) => route !== 'sample');

describe('an estimate', () => {
	test('is what the edit is then billed, and sends nothing', async () => {
		const { items, error } = await estimate({});

		expect(error).toBeUndefined();
		expect(calls()).toEqual([]);
		const { json, binary, pairedItem } = only(items);
		expect(json).toEqual({
			model: 'wan2.7-videoedit',
			videoSeconds: 3,
			pieces: 1,
			billedSeconds: 6,
			inputSeconds: 3,
			outputSeconds: 3,
			resolution: '720P',
			pricePerSecond: 0.1,
			estimatedCost: { amount: 0.6, currency: 'USD', priceDate: '2026-09' },
		});
		expect([binary, pairedItem]).toEqual([undefined, { item: 0 }]);

		const edit = await bench.run([await videoItem()], { ...BINARY, waiting: 'active' });
		const { billedSeconds, inputSeconds, outputSeconds, resolution, estimatedCost } = json;
		expect(only(edit.items).json.usage).toEqual({
			billedSeconds,
			inputSeconds,
			outputSeconds,
			resolution,
			estimatedCost,
		});
	});

	test.each([
		['wan2.7-videoedit', { resolution: '1080P' }, {}, 6, 0.9],
		['wan2.7-videoedit', {}, { duration: 2 }, 5, 0.5],
		['wan2.7-videoedit', {}, { price720P: 2 }, 6, 12],
		['wan3.0-video', {}, { duration: 10, price720P: 1 }, 13, 13],
		['happyhorse-1.0-video-edit', {}, {}, 6, null],
		['wan2.7-i2v', {}, { duration: 10 }, 10, null],
		['wan2.7-videoedit-2026-06-12', {}, {}, 6, null],
	])('%s %j %j: %d seconds, %p', async (id, fields, options, seconds, amount) => {
		const { items, hints } = await estimate({ model: modelId(id), ...fields, options });

		const { billedSeconds, estimatedCost } = only(items).json;
		expect(billedSeconds).toBe(seconds);
		expect(estimatedCost).toEqual(amount === null ? null : expect.objectContaining({ amount }));
		expect(hints.join()).toMatch(amount === null ? /No price of .* is known/ : /^$/);
	});

	test('is made for each model in the list, and for no other', async () => {
		const { searchAllModels, searchBillableModels } = new WanVideoEdit().methods.listSearch;
		const idsOf = async (search: typeof searchAllModels) =>
			(await search.call({} as ILoadOptionsFunctions)).results.map(({ value }) => String(value));
		const all = await idsOf(searchAllModels);
		const runs = await Promise.all(
			all.map(async (id) => ({ id, ...(await estimate({ model: modelId(id) })) })),
		);
		const estimated = runs.filter(({ error }) => error === undefined).map(({ id }) => id);
		expect(await idsOf(searchBillableModels)).toEqual(estimated);
		expect([estimated.length, all.length]).toEqual([5, 7]);
	});

	test.each([
		['720P', "Add the option 'Price per Second at 720P' with your own price."],
		['480P', 'Choose 720P or 1080P, for which you can enter your own price.'],
	])('says what to do where no price at %s is known', async (resolution, advice) => {
		const { hints } = await estimate({ model: modelId('wan3.0-video'), resolution });
		expect(hints.join()).toBe(`No price of wan3.0-video at ${resolution} is known. ${advice}`);
	});

	test('in yuan for Beijing', async () => {
		const { items } = await estimate({}, { credential: { apiKey: 'sk-b', region: 'cn-beijing' } });
		expect(only(items).json.estimatedCost).toMatchObject({ amount: 3.6, currency: 'CNY' });
	});

	test('of each item by itself; what the edit would refuse is refused', async () => {
		const items = [
			await videoItem(bench.sandbox.samples.longVideo),
			await videoItem(bench.sandbox.samples.bad.tooLongVideo),
			{ json: {} },
		];
		const { items: good, errors } = await bench.run(
			items,
			{ ...ESTIMATE, ...BINARY },
			{ settings: { onError: 'continueErrorOutput' } },
		);

		expect(good.map(({ json, pairedItem }) => [json.videoSeconds, pairedItem])).toEqual([
			[6, { item: 0 }],
		]);
		expect(errors.map(({ json }) => String(json.error).replace(/\d+\.\d+/, 'N'))).toEqual([
			expect.stringMatching(/seconds long; the limit is 2 to 10 seconds \[item 1\]$/),
			expect.stringMatching(/the item does not have \[item 2\]$/),
		]);
	});

	test.each([
		['480P', 'wan2.7-videoedit', /'Resolution' is "480P"/],
		['720P', 'wan9-whatever', /The seconds that wan9-whatever bills are not known in advance/],
		[
			'720P',
			'wan2.1-vace-plus',
			/The price of wan2.1-vace-plus does not depend on the resolution, and is not known/,
		],
	])('%s with %s cannot be made', async (resolution, id, message) => {
		const { error } = await estimate({ model: modelId(id), resolution });
		expect(error?.message).toMatch(message);
		expect(error?.description).toMatch(/wan2\.7-videoedit/);
	});

	test('a file whose header does not tell the length is named', async () => {
		const whole = await readFile(bench.sandbox.samples.video.path);
		const data = await bench.file(whole.subarray(0, 40), 'cut.mp4', 'video/mp4');
		const { error } = await bench.run([{ json: {}, binary: { data } }], {
			...ESTIMATE,
			...BINARY,
		});
		expect(error?.message).toBe(
			"The length of the video cannot be told from 'Input Binary Field' [item 0]",
		);
	});
});

describe('of a video behind a URL', () => {
	const estimateUrl = async (videoUrl: string, options: RunOptions = {}) =>
		await bench.run([{ json: {} }], { ...ESTIMATE, videoSource: 'url', videoUrl }, options);

	/** The sample with so many bytes between its beginning and its header, as phones write them. */
	async function headerBehind(bytes: number): Promise<Buffer> {
		const sample = await readFile(bench.sandbox.samples.video.path);
		const first = sample.readUInt32BE(0);
		const gap = Buffer.alloc(bytes);
		gap.writeUInt32BE(bytes, 0);
		gap.write('free', 4, 'latin1');
		return Buffer.concat([sample.subarray(0, first), gap, sample.subarray(first)]);
	}

	interface Web extends TestServer {
		sent: number;
	}

	/** A web server with one file; counts the bytes that it gets rid of. */
	async function web(file: Buffer, ranges = true): Promise<Web> {
		const answer = (request: IncomingMessage, response: ServerResponse) => {
			const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
			const part = ranges && from > 0;
			const body = part ? file.subarray(from) : file;
			response.writeHead(part ? 206 : 200, {
				'content-type': 'video/mp4',
				'content-length': body.length,
				...(part ? { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
			});
			let at = 0;
			const more = () => {
				while (at < body.length && !response.destroyed) {
					const chunk = body.subarray(at, at + 64 * 1024);
					at += chunk.length;
					server.sent += chunk.length;
					if (!response.write(chunk)) return void response.once('drain', more);
				}
				response.end();
			};
			more();
		};
		const server: Web = { ...(await serve(answer)), sent: 0 };
		servers.push(server);
		return server;
	}

	test('reads only the beginning, without the key', async () => {
		const sample = await readFile(bench.sandbox.samples.video.path);
		const padding = Buffer.alloc(60 * MB);
		padding.writeUInt32BE(padding.length, 0);
		padding.write('free', 4, 'latin1');
		const server = await web(Buffer.concat([sample, padding]));

		const { items, error } = await estimateUrl(`${server.url}/ride.mp4`);

		expect(error).toBeUndefined();
		expect(only(items).json).toMatchObject({ videoSeconds: 3, billedSeconds: 6 });
		// Far less than the file: what stands in the buffers of the sockets.
		expect(server.sent).toBeLessThan(12 * MB);
		expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
		expect(calls()).toEqual([]);
	});

	test('a header at the end is fetched from there', async () => {
		const server = await web(await headerBehind(60 * MB));
		const { items } = await estimateUrl(server.url);

		expect(only(items).json.videoSeconds).toBe(3);
		expect(server.requests).toHaveLength(2);
		expect(server.sent).toBeLessThan(12 * MB);
	});

	test('from a host that gives no parts, a header at the end is read if that is not far', async () => {
		const near = await web(await headerBehind(5 * MB), false);
		const far = await web(await headerBehind(60 * MB), false);

		expect(only((await estimateUrl(near.url)).items).json.videoSeconds).toBe(3);
		const { error } = await estimateUrl(far.url);
		expect(error?.message).toMatch(
			/^'Video URL' could not be read: its header is not within the first 16 MB/,
		);
		expect(error?.description).toMatch(/use a binary field/);
	});

	test('a redirect is followed', async () => {
		const file = await web(await readFile(bench.sandbox.samples.video.path));
		const server = await serve((_, response) => {
			response.writeHead(302, { location: `${file.url}/moved.mp4` }).end();
		});
		servers.push(server);
		expect(only((await estimateUrl(server.url)).items).json.videoSeconds).toBe(3);
	});

	test.each([
		['not there', 404, 'nope', /could not be read: 127\.0\.0\.1:\d+ answered HTTP 404/],
		[
			'a web page',
			200,
			'<!doctype html><title>Log in</title>',
			/holds a web page or XML text.* A link must lead to the file itself/,
		],
		['nothing', 200, '', /holds an empty file/],
		['a redirect in circles', 302, '/', /redirects in a loop/],
	])('%s is named', async (_name, status, body, message) => {
		const server = await serve((_, response) => {
			response.writeHead(status, status === 302 ? { location: body } : {}).end(body);
		});
		servers.push(server);
		const { error } = await estimateUrl(server.url);
		expect(`${error?.message} ${error?.description}`).toMatch(message);
	});

	test('a host that cannot be reached, an oss:// URL and an address inside of the network', async () => {
		const gone = await serve(() => undefined);
		await gone.stop();
		const messages = [
			(await estimateUrl(gone.url)).error?.message,
			(await estimateUrl('oss://dashscope-instant/x/clip.mp4')).error?.message,
			(
				await estimateUrl('http://169.254.169.254/latest', {
					credential: { apiKey: 'sk-x', region: 'ap-southeast-1' },
				})
			).error?.message,
		];
		expect(messages).toEqual([
			expect.stringMatching(/'Video URL' could not be read: 127\.0\.0\.1:\d+ could not be reached/),
			expect.stringMatching(/'Video URL' could not be read: it is an oss:\/\/ URL/),
			expect.stringMatching(/'Video URL' points to 169\.254\.169\.254, which only this network/),
		]);
	});
});

describe('Spending Limit', () => {
	const SUBMIT = { ...BINARY, waiting: 'none' };

	test('lets a run through that stays within it', async () => {
		const items = [await videoItem(), await videoItem()];
		const { error } = await bench.run(items, { ...SUBMIT, options: { spendingLimit: 1.2 } });
		expect(error).toBeUndefined();
		expect(bench.taskIds()).toHaveLength(2);
	});

	test('refuses one that is above it, all of it, before anything is uploaded', async () => {
		const items = [await videoItem(), await videoItem(), await videoItem()];
		const { error } = await bench.run(items, { ...SUBMIT, options: { spendingLimit: 1.3 } });

		expect(error?.message).toBe(
			"This run would cost about 1.80 USD, 0.50 USD more than the 'Spending Limit' of 1.30 USD",
		);
		expect(error?.description).toContain(
			'Estimate: item 0: 0.60 USD, item 1: 0.60 USD, item 2: 0.60 USD. The first 2 items stay within the limit. Nothing was uploaded or submitted',
		);
		expect(bench.sandbox.log).toEqual([]);
	});

	test('hands each item on as an error where the user lets it continue; a bad one keeps its own', async () => {
		const { items, errors } = await bench.run(
			[await videoItem(), { json: {} }, await videoItem()],
			{ ...SUBMIT, options: { spendingLimit: 1 } },
			{ settings: { onError: 'continueErrorOutput' } },
		);
		expect(items).toEqual([]);
		expect(errors.map(({ json }) => json.error)).toEqual([
			expect.stringMatching(/^This run would cost about 1\.20 USD, 0\.20 USD more .* \[item 0\]$/),
			expect.stringMatching(/the item does not have \[item 1\]$/),
			expect.stringMatching(/^This run would cost about .* \[item 2\]$/),
		]);
		expect(bench.sandbox.log).toEqual([]);
	});

	test('looks at the header of a URL', async () => {
		const { error } = await bench.run(named('a', 'b'), {
			waiting: 'none',
			options: { spendingLimit: 1 },
		});
		expect(error?.message).toMatch(/^This run would cost about 1\.20 USD/);
		expect(bench.sandbox.requests('sample')).toHaveLength(2);
		expect(calls()).toEqual([]);
	});

	test.each([
		[
			'the length',
			{ videoUrl: 'oss://dashscope-instant/x/clip.mp4' },
			{},
			/'Video URL' could not be read/,
		],
		[
			'the price',
			{ model: modelId('happyhorse-1.0-video-edit') },
			{},
			/^No price of happyhorse-1\.0-video-edit at 720P is known, so 'Spending Limit' cannot be kept/,
		],
	])('refuses where %s is not known', async (_what, fields, options, message) => {
		const { error } = await bench.run(1, {
			waiting: 'none',
			...fields,
			options: { spendingLimit: 100, ...options },
		});
		expect(error?.message).toMatch(message);
		expect(bench.taskIds()).toEqual([]);
	});

	test('is kept with the user’s own price', async () => {
		const { error } = await bench.run(1, {
			waiting: 'none',
			model: modelId('happyhorse-1.0-video-edit'),
			options: { spendingLimit: 5, price720P: 1 },
		});
		expect(error?.message).toMatch(/^This run would cost about 6\.00 USD, 1\.00 USD more/);
	});

	test('is kept where only output is billed', async () => {
		const repaint = async (options: INodeParameters) =>
			await bench.run([await videoItem()], {
				...SUBMIT,
				operation: 'repaint',
				keep: 'depth',
				options: { spendingLimit: 2, ...options },
			});
		const { error } = await repaint({ pricePerSecond: 1 });
		expect(error?.message).toMatch(/^This run would cost about 3\.00 USD, 1\.00 USD more/);
		const unknown = await repaint({});
		expect(unknown.error?.message).toMatch(/^No price of wan2\.1-vace-plus is known/);
		expect(unknown.error?.description).toMatch(/'Price per Second' with your own price/);
		expect(bench.taskIds()).toEqual([]);
		const { items } = await repaint({ pricePerSecond: 0.5 });
		expect(items).toHaveLength(1);
	});

	test('counts the most that Wan 3.0 may choose, unless Duration says it', async () => {
		const wan3 = async (options: INodeParameters) =>
			await bench.run([await videoItem()], {
				...SUBMIT,
				model: modelId('wan3.0-video'),
				options: { spendingLimit: 10, price720P: 1, ...options },
			});
		const { error } = await wan3({});
		expect(error?.message).toMatch(/^This run would cost about 30\.00 USD/);
		const { items } = await wan3({ duration3: 5 });
		expect(items).toHaveLength(1);
	});

	test.each([null, ''])('of %p is no limit, and is refused', async (spendingLimit) => {
		const { error } = await bench.run(1, { waiting: 'none', options: { spendingLimit } });
		expect(error?.message).toMatch(/^'Spending Limit' is empty/);
		expect(bench.taskIds()).toEqual([]);
	});

	test('a price below 0 is refused', async () => {
		const options = { spendingLimit: 1, price720P: -1 };
		const { error } = await bench.run(1, { waiting: 'none', options });
		expect(error?.message).toMatch(/^'Price per Second at 720P' is -1; the limit is 0 or more/);
	});

	test.each([-1, 'much'])('of %p is refused', async (spendingLimit) => {
		const { error } = await bench.run(1, { waiting: 'none', options: { spendingLimit } });
		expect(error?.message).toMatch(/^'Spending Limit' is/);
	});

	test('of 0 allows nothing', async () => {
		const { error } = await bench.run([await videoItem()], {
			...SUBMIT,
			options: { spendingLimit: 0 },
		});
		expect(error?.message).toMatch(/0\.60 USD more than the 'Spending Limit' of 0\.00 USD/);
		expect(bench.bodies()).toEqual([]);
	});
});
