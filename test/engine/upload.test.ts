import type { INodeExecutionData, INodeParameters } from 'n8n-workflow';
import { RETRY, at, modelId, named, only, useBench } from './bench';
import type { RunOptions } from './bench';

// File: Upload.

const bench = useBench();

const UPLOAD = {
	resource: 'file',
	operation: 'upload',
	fileField: 'data',
	model: modelId('wan2.7-videoedit'),
};
const HOUR = 3_600_000;

const video = async (): Promise<INodeExecutionData> => ({
	json: {},
	binary: { data: await bench.file(bench.sandbox.samples.video) },
});

const upload = async (
	items: INodeExecutionData[],
	fields: INodeParameters = {},
	options: RunOptions = {},
) => await bench.run(items, { ...UPLOAD, ...fields }, options);

test('gives an oss:// URL, until when it works, and for which model', async () => {
	const { items, error } = await upload([await video()]);

	expect(error).toBeUndefined();
	const { json, binary, pairedItem } = only(items);
	expect(json).toEqual({
		url: expect.stringMatching(/^oss:\/\/.+\.mp4$/),
		expiresAt: expect.any(String),
		model: 'wan2.7-videoedit',
		fileName: bench.sandbox.samples.video.fileName,
		mimeType: 'video/mp4',
		bytes: bench.sandbox.samples.video.bytes,
	});
	const lasts = Date.parse(String(json.expiresAt)) - Date.now();
	expect(lasts).toBeGreaterThan(48 * HOUR - 60_000);
	expect(lasts).toBeLessThanOrEqual(48 * HOUR);
	expect(binary).toBeUndefined();
	expect(pairedItem).toEqual({ item: 0 });
	expect(bench.bodies()).toEqual([]);
});

test('the URL serves several edits of that model, with one upload', async () => {
	const { items } = await upload([await video()]);
	const { url = '' } = only(items).json;

	const edits = await bench.run(named('one', 'two'), {
		videoSource: 'url',
		videoUrl: String(url),
	});

	expect(edits.error).toBeUndefined();
	expect(edits.items.map(({ json }) => json.succeeded)).toEqual([true, true]);
	expect(bench.sandbox.requests('upload')).toHaveLength(1);
});

test('the same file for two items is uploaded once, and not again by a retry', async () => {
	const one = await video();
	bench.sandbox.fault({ route: 'upload', times: 1, drop: 'before' });
	const bad: INodeExecutionData = { json: {} };

	const { error } = await upload([one, one, bad], {}, { settings: RETRY });

	expect(error?.message).toMatch(/binary field "data", which the item does not have/);
	// Once broken, once taken; two more tries of the node used what there was.
	expect(bench.sandbox.requests('upload')).toHaveLength(2);
});

describe('what the model would refuse is refused before', () => {
	test('a video that is too long, with the model’s limit', async () => {
		const data = await bench.file(bench.sandbox.samples.bad.tooLongVideo);
		const { error } = await upload([{ json: {}, binary: { data } }]);

		expect(error?.message).toMatch(/seconds long; the limit is 2 to 10 seconds/);
		expect(bench.sandbox.log).toEqual([]);
	});

	test('a video that another model takes passes for that one', async () => {
		const data = await bench.file(bench.sandbox.samples.bad.tooLongVideo);
		const { error } = await upload([{ json: {}, binary: { data } }], {
			model: modelId('wan3.0-video'),
		});
		expect(error).toBeUndefined();
	});

	test('what is no media at all, whatever it calls itself', async () => {
		const data = await bench.file(Buffer.from('%PDF-1.7 …'), 'clip.mp4', 'video/mp4');
		const { error } = await upload([{ json: {}, binary: { data } }]);

		expect(error?.message).toBe(
			"'Input Binary Field' (clip.mp4) holds a PDF document, which wan2.7-videoedit does not take [item 0]",
		);
		expect(error?.description).toMatch(/It takes: MP4 or MOV, 2 to 10 seconds.*; JPEG/s);
		expect(bench.sandbox.log).toEqual([]);
	});

	test('a field that is empty, a field that is not there, and no model', async () => {
		const item = await video();
		const messages = [];
		for (const fields of [
			{ fileField: "={{ '' }}" },
			{ fileField: 'clip' },
			{ model: modelId("={{ '' }}") },
		]) {
			messages.push((await upload([item], fields)).error?.message);
		}
		expect(messages).toEqual([
			"'Input Binary Field' is empty [item 0]",
			`'Input Binary Field' names the binary field "clip", which the item does not have [item 0]`,
			"'Model' is empty [item 0]",
		]);
	});
});

test('an image goes by the limits of images', async () => {
	const data = await bench.file(at(bench.sandbox.samples.images, 0));
	const { items } = await upload([{ json: {}, binary: { data } }]);
	expect(only(items).json).toMatchObject({
		mimeType: 'image/jpeg',
		url: expect.stringMatching(/\.jpg$/),
	});
});

test('for a model that the node does not know, any video is let through', async () => {
	const data = await bench.file(bench.sandbox.samples.bad.tooLongVideo);
	const { items } = await upload([{ json: {}, binary: { data } }], {
		model: modelId('wan9-videoedit'),
	});
	expect(only(items).json.model).toBe('wan9-videoedit');
	expect(only(bench.sandbox.requests('policy')).query.model).toBe('wan9-videoedit');
});
