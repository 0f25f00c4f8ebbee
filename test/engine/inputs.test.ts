import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { INodeParameters } from 'n8n-workflow';
import type { LoggedRequest, SampleFile, UploadPart } from '../../sandbox';
import { readBinary, useBinaryMode } from './engine';
import { PROMPT_OF_ITEM, at, named, only, useBench, modelId } from './bench';
import { bmpOf } from './pictures';

// Every kind of input, and every byte of what is sent for it. Time is saved by not waiting where the request is the point.

const bench = useBench();

const SUBMIT = { waiting: 'none' };
const MB = 1024 * 1024;

const OSS_VIDEO = /^oss:\/\/dashscope-instant\/[\w/-]+\/[\w-]{36}\.mp4$/;
const OSS_MOV = /^oss:\/\/dashscope-instant\/[\w/-]+\/[\w-]{36}\.mov$/;
const OSS_BMP = /^oss:\/\/dashscope-instant\/[\w/-]+\/[\w-]{36}\.bmp$/;

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

/** The body of an edit that sets nothing but what it must. */
function minimalBody(...media: Array<[type: string, url: unknown]>) {
	return {
		model: 'wan2.7-videoedit',
		input: { prompt: 'black and white', media: media.map(([type, url]) => ({ type, url })) },
		parameters: { resolution: '720P' },
	};
}

/** A data URI that holds exactly this file. */
async function dataUri({ path, mimeType }: { path: string; mimeType: string }): Promise<string> {
	return `data:${mimeType};base64,${(await readFile(path)).toString('base64')}`;
}

/** Reference Edit with a list of images. */
function referenceEdit(...image: INodeParameters[]): INodeParameters {
	return { operation: 'referenceEdit', imageSource: 'list', images: { image } };
}

const byField = (field: string): INodeParameters => ({ source: 'binary', field });
const byUrl = (url: string): INodeParameters => ({ source: 'url', url });

function partsOf({ body }: LoggedRequest): UploadPart[] {
	return body as UploadPart[];
}

function fileOf(request: LoggedRequest): UploadPart {
	return only(partsOf(request).filter(({ name }) => name === 'file'));
}

describe('video', () => {
	test('by URL: nothing is sent but model, prompt, video and resolution', async () => {
		const { url } = bench.sandbox.samples.video;
		const { items, error } = await bench.run(1, { videoUrl: url });

		expect(error).toBeUndefined();
		expect(only(items).json.succeeded).toBe(true);
		expect(bench.bodies()).toEqual([minimalBody(['video', url])]);
		const create = only(bench.sandbox.requests('create'));
		expect(create.authorized).toBe(true);
		expect(create.headers['x-dashscope-async']).toBe('enable');
		expect(create.headers['content-type']).toMatch(/^application\/json/);
		expect(create.headers).not.toHaveProperty('x-dashscope-ossresourceresolve');
		expect(create.headers['user-agent']).toBe('n8n-nodes-wan-video-edit');
		for (const query of bench.sandbox.requests('query')) expect(query.authorized).toBe(true);
		for (const result of bench.sandbox.requests('result')) {
			expect(result.headers).not.toHaveProperty('authorization');
			expect(JSON.stringify(result.headers)).not.toMatch(/dashscope/i);
		}
		expect(bench.sandbox.requests('result')).toHaveLength(1);
		expect(bench.sandbox.requests('upload')).toEqual([]);
	});

	test('by binary field: uploaded with a policy for the model, then named as oss://', async () => {
		const { video } = bench.sandbox.samples;
		const data = await bench.file(video);
		const { items } = await bench.run([{ json: {}, binary: { data } }], { videoSource: 'binary' });

		expect(only(items).json.succeeded).toBe(true);
		expect(bench.bodies()).toEqual([minimalBody(['video', expect.stringMatching(OSS_VIDEO)])]);
		const create = only(bench.sandbox.requests('create'));
		expect(create.headers['x-dashscope-ossresourceresolve']).toBe('enable');
		expect(create.headers['x-dashscope-async']).toBe('enable');

		const policy = only(bench.sandbox.requests('policy'));
		expect(policy.authorized).toBe(true);
		expect(policy.query).toEqual({ action: 'getPolicy', model: 'wan2.7-videoedit' });

		const upload = only(bench.sandbox.requests('upload'));
		const key = at(bench.media(), 0).url.slice('oss://'.length);
		expect(upload.headers).not.toHaveProperty('authorization');
		expect(upload.headers).not.toHaveProperty('transfer-encoding');
		expect(Number(upload.headers['content-length'])).toBeGreaterThan(video.bytes);
		expect(partsOf(upload)).toEqual([
			{ name: 'OSSAccessKeyId', value: expect.stringMatching(/./) },
			{ name: 'Signature', value: expect.stringMatching(/./) },
			{ name: 'policy', value: expect.stringMatching(/./) },
			{ name: 'key', value: key },
			{ name: 'x-oss-object-acl', value: 'private' },
			{ name: 'x-oss-forbid-overwrite', value: 'true' },
			{ name: 'success_action_status', value: '200' },
			{
				name: 'file',
				filename: key.split('/').at(-1),
				bytes: video.bytes,
				contentType: 'video/mp4',
			},
		]);
		const sent = at(only(bench.sandbox.tasks()).media, 0);
		expect(sent.sha256).toBe(sha256(await readFile(video.path)));
	});

	test('as MOV: keeps its extension and type, whatever the file is called', async () => {
		const data = await bench.file(bench.sandbox.samples.movVideo, 'clip.mp4', 'video/mp4');
		const { items } = await bench.run([{ json: {}, binary: { data } }], { videoSource: 'binary' });

		expect(only(items).json.succeeded).toBe(true);
		expect(bench.bodies()).toEqual([minimalBody(['video', expect.stringMatching(OSS_MOV)])]);
		expect(fileOf(only(bench.sandbox.requests('upload'))).contentType).toBe('video/quicktime');
	});

	test('by oss:// URL: sent on as it is, with the resolve header and without an upload', async () => {
		const data = await bench.file(bench.sandbox.samples.video);
		await bench.run([{ json: {}, binary: { data } }], { videoSource: 'binary', ...SUBMIT });
		const { url } = at(bench.media(), 0);
		const { items } = await bench.run(1, { videoUrl: url });

		expect(only(items).json.succeeded).toBe(true);
		expect(bench.bodies().at(-1)).toEqual(minimalBody(['video', url]));
		const [, second] = bench.sandbox.requests('create');
		expect(second?.headers['x-dashscope-ossresourceresolve']).toBe('enable');
		expect(bench.sandbox.requests('upload')).toHaveLength(1);
	});

	test('by URL with spaces and letters of other scripts: percent-encoded, the rest untouched', async () => {
		const { url } = bench.sandbox.samples.video;
		const odd = `${url}?name=grün und 视频&signature=a%2Fb%3D+c&plus=1+1`;
		const { items } = await bench.run(1, { videoUrl: odd });

		expect(only(items).json.succeeded).toBe(true);
		const encoded = `${url}?name=gr%C3%BCn%20und%20%E8%A7%86%E9%A2%91&signature=a%2Fb%3D+c&plus=1+1`;
		expect(bench.bodies()).toEqual([minimalBody(['video', encoded])]);
	});

	test.each([
		['letters of other scripts, spaces and brackets', 'Ünï cødé 视频 (1).MP4'],
		['no extension', 'ride'],
		['the extension of a picture', 'ride.png'],
		['a path', '../../etc/ride.mp4'],
		['line breaks and quotes', 'a"\r\nX-Evil: 1\r\n.mp4'],
	])('from a file whose name has %s: uploaded under a plain name', async (_what, fileName) => {
		const data = await bench.file(bench.sandbox.samples.video, fileName, 'application/x-unknown');
		const { error } = await bench.run([{ json: {}, binary: { data } }], {
			videoSource: 'binary',
			...SUBMIT,
		});

		expect(error).toBeUndefined();
		expect(bench.bodies()).toEqual([minimalBody(['video', expect.stringMatching(OSS_VIDEO)])]);
		const file = fileOf(only(bench.sandbox.requests('upload')));
		expect(file.filename).toMatch(/^[\w-]{36}\.mp4$/);
		expect(file.contentType).toBe('video/mp4');
	});

	test('in another binary field, named by an expression', async () => {
		const clip = await bench.file(bench.sandbox.samples.video);
		const { error } = await bench.run([{ json: { field: 'clip' }, binary: { clip } }], {
			videoSource: 'binary',
			videoField: '={{ $json.field }}',
			...SUBMIT,
		});

		expect(error).toBeUndefined();
		expect(bench.bodies()).toEqual([minimalBody(['video', expect.stringMatching(OSS_VIDEO)])]);
	});

	test('of another node, given by an expression, as is an image', async () => {
		const { video, images } = bench.sandbox.samples;
		const clip = await bench.file(video);
		const photo = await bench.file(at(images, 0));
		const { error } = await bench.run([{ json: {}, binary: { clip, photo } }], {
			...referenceEdit(byField("={{ $('Start').item.binary.photo }}")),
			...SUBMIT,
			videoSource: 'binary',
			videoField: "={{ $('Start').item.binary.clip }}",
		});

		expect(error).toBeUndefined();
		expect(bench.bodies()).toEqual([
			minimalBody(
				['video', expect.stringMatching(OSS_VIDEO)],
				['reference_image', await dataUri(at(images, 0))],
			),
		]);
	});

	test('given by an expression without its content, as $binary has it', async () => {
		const clip = await bench.file(bench.sandbox.samples.video);
		const { error } = await bench.run([{ json: {}, binary: { clip } }], {
			videoSource: 'binary',
			videoField: '={{ $binary.clip }}',
			...SUBMIT,
		});

		expect(error).toBeUndefined();
		expect(bench.bodies()).toEqual([minimalBody(['video', expect.stringMatching(OSS_VIDEO)])]);
	});

	test('the same file in several items is uploaded once and edited for each', async () => {
		const data = await bench.file(bench.sandbox.samples.video);
		const items = named('black and white', 'blur it', 'black and white').map((item) => ({
			...item,
			binary: { data },
		}));
		await bench.run(items, { videoSource: 'binary', prompt: PROMPT_OF_ITEM, ...SUBMIT });

		expect(bench.sandbox.requests('upload')).toHaveLength(1);
		expect(bench.sandbox.tasks().map(({ prompt }) => prompt)).toEqual([
			'black and white',
			'blur it',
			'black and white',
		]);
	});

	test('is uploaded for the model that edits it', async () => {
		const data = await bench.file(bench.sandbox.samples.video);
		const { error } = await bench.run([{ json: {}, binary: { data } }], {
			videoSource: 'binary',
			model: modelId('wan2.7-videoedit-2026-04-25'),
			...SUBMIT,
		});

		expect(error).toBeUndefined();
		expect(only(bench.sandbox.requests('policy')).query.model).toBe('wan2.7-videoedit-2026-04-25');
		expect(only(bench.sandbox.tasks()).model).toBe('wan2.7-videoedit-2026-04-25');
	});
});

describe('in n8n’s memory mode', () => {
	beforeAll(async () => await useBinaryMode('default'));
	afterAll(async () => await useBinaryMode('filesystem'));

	test('a video is uploaded byte for byte, and the result comes back whole', async () => {
		const { video } = bench.sandbox.samples;
		const data = await bench.file(video);
		expect(data.id).toBeUndefined();
		const { items } = await bench.run([{ json: {}, binary: { data } }], { videoSource: 'binary' });

		expect(bench.bodies()).toEqual([minimalBody(['video', expect.stringMatching(OSS_VIDEO)])]);
		expect(fileOf(only(bench.sandbox.requests('upload'))).bytes).toBe(video.bytes);
		const task = only(bench.sandbox.tasks());
		expect(at(task.media, 0).sha256).toBe(sha256(await readFile(video.path)));

		const result = only(items).binary?.data;
		expect(result?.id).toBeUndefined();
		expect(result).toMatchObject({ fileName: `${task.id}.mp4`, mimeType: 'video/mp4' });
		const content = result === undefined ? Buffer.alloc(0) : await readBinary(result);
		expect(content.toString('latin1', 4, 8)).toBe('ftyp');
		expect(content).toHaveLength(
			task.work?.status === 'SUCCEEDED' ? (task.work.result.bytes ?? 0) : 0,
		);
	});

	test('a video that a Code node made of base64 in lines is uploaded byte for byte', async () => {
		const { video } = bench.sandbox.samples;
		const data = await bench.file(video);
		data.data = data.data.replace(/.{76}/g, '$&\r\n');
		await bench.run([{ json: {}, binary: { data } }], { videoSource: 'binary' });

		const task = only(bench.sandbox.tasks());
		expect(at(task.media, 0).sha256).toBe(sha256(await readFile(video.path)));
	});

	test('an image travels inline', async () => {
		const scarf = at(bench.sandbox.samples.images, 0);
		const image = await bench.file(scarf);
		const { error } = await bench.run([{ json: {}, binary: { image } }], {
			...referenceEdit(byField('image')),
			...SUBMIT,
		});

		expect(error).toBeUndefined();
		const { url } = bench.sandbox.samples.video;
		expect(bench.bodies()).toEqual([
			minimalBody(['video', url], ['reference_image', await dataUri(scarf)]),
		]);
	});
});

describe('in a workflow that keeps files in the json of its items', () => {
	const logic = { filesInJson: true };

	test('a video, its pictures and the result are found by the names of their fields', async () => {
		const { images, video } = bench.sandbox.samples;
		const [scarf, star] = [at(images, 0), at(images, 1)];
		const binary = {
			data: await bench.file(video),
			'photo.one': await bench.file(star),
			photo_two: await bench.file(scarf),
		};
		const { items } = await bench.run(
			[{ json: {}, binary }],
			{ operation: 'referenceEdit', imageSource: 'allImages', videoSource: 'binary' },
			logic,
		);

		const task = only(bench.sandbox.tasks());
		expect(at(task.media, 0).sha256).toBe(sha256(await readFile(video.path)));
		expect(bench.bodies()).toEqual([
			minimalBody(
				['video', expect.stringMatching(OSS_VIDEO)],
				['reference_image', await dataUri(star)],
				['reference_image', await dataUri(scarf)],
			),
		]);
		const { json } = only(items);
		expect(json.succeeded).toBe(true);
		expect(json._files).toMatchObject({ data: { fileName: `${task.id}.mp4` } });
	});

	test('a field that is not there is told with those that are', async () => {
		const binary = { clip: await bench.file(bench.sandbox.samples.video) };
		const { error } = await bench.run([{ json: {}, binary }], { videoSource: 'binary' }, logic);

		expect(error?.message).toContain('names the binary field "data"');
		expect(error?.description).toBe('Enter the name of a binary field of the item: clip.');
		expect(bench.sandbox.requests('create')).toEqual([]);
	});
});

test('json that looks like files of an item is not read as its files', async () => {
	const file = await bench.file(at(bench.sandbox.samples.images, 0));
	const { error } = await bench.run([{ json: { _files: { file } } }], {
		operation: 'referenceEdit',
		imageSource: 'allImages',
	});

	expect(error?.message).toContain('no reference image');
	expect(bench.sandbox.requests('create')).toEqual([]);
});

describe('reference images', () => {
	test('by URL and by binary field, in the order of the list', async () => {
		const { images, video } = bench.sandbox.samples;
		const [scarf, star, umbrella, leaf] = [0, 1, 2, 3].map((index) => at(images, index)) as [
			SampleFile,
			SampleFile,
			SampleFile,
			SampleFile,
		];
		const binary = { leaf: await bench.file(leaf), star: await bench.file(star) };
		const { items } = await bench.run(
			[{ json: {}, binary }],
			referenceEdit(byField('star'), byUrl(scarf.url), byField('leaf'), byUrl(umbrella.url)),
		);

		expect(only(items).json.succeeded).toBe(true);
		expect(bench.bodies()).toEqual([
			minimalBody(
				['video', video.url],
				['reference_image', await dataUri(star)],
				['reference_image', scarf.url],
				['reference_image', await dataUri(leaf)],
				['reference_image', umbrella.url],
			),
		]);
		const create = only(bench.sandbox.requests('create'));
		expect(create.headers).not.toHaveProperty('x-dashscope-ossresourceresolve');
	});

	test('of every accepted kind are sent with the type of their content, not of their name', async () => {
		const { images, video } = bench.sandbox.samples;
		const kinds = ['image/jpeg', 'image/png', 'image/webp', 'image/bmp'];
		const samples = kinds.map((kind) =>
			at(
				images.filter(({ mimeType }) => mimeType === kind),
				0,
			),
		);
		const fields = samples.map((_, index) => `p${index}`);
		const files = await Promise.all(
			samples.map(async (sample) => await bench.file(sample, 'photo.heic', 'image/heic')),
		);
		const binary = Object.fromEntries(files.map((file, index) => [`p${index}`, file]));
		const { items } = await bench.run(
			[{ json: {}, binary }],
			referenceEdit(...fields.map(byField)),
		);

		expect(only(items).json.succeeded).toBe(true);
		const uris = await Promise.all(samples.map(dataUri));
		expect(uris.map((uri) => uri.slice(5, uri.indexOf(';')))).toEqual(kinds);
		expect(bench.bodies()).toEqual([
			minimalBody(
				['video', video.url],
				...uris.map((uri): [string, unknown] => ['reference_image', uri]),
			),
		]);
	});

	test('of more than 5 MB are uploaded', async () => {
		const large = bmpOf(5 * MB + 1);
		const image = await bench.file(large, 'large.bmp', 'image/bmp');
		const { items } = await bench.run([{ json: {}, binary: { image } }], {
			...referenceEdit(byField('image')),
		});

		expect(only(items).json.succeeded).toBe(true);
		const { url } = bench.sandbox.samples.video;
		expect(bench.bodies()).toEqual([
			minimalBody(['video', url], ['reference_image', expect.stringMatching(OSS_BMP)]),
		]);
		const create = only(bench.sandbox.requests('create'));
		expect(create.headers['x-dashscope-ossresourceresolve']).toBe('enable');
		const task = only(bench.sandbox.tasks());
		expect(at(task.media, 1).sha256).toBe(sha256(large));
	});

	test('of up to 5 MB each are inline as long as they have 10 MB together', async () => {
		const pictures = [1, 2, 3].map((shade) => bmpOf(4.5 * MB, shade));
		const files = await Promise.all(pictures.map(async (file) => await bench.file(file, 'a.bmp')));
		const binary = Object.fromEntries(files.map((file, index) => [`p${index}`, file]));
		const { items } = await bench.run([{ json: {}, binary }], {
			...referenceEdit(byField('p0'), byField('p1'), byField('p2')),
		});

		expect(only(items).json.succeeded).toBe(true);
		const [first, second] = pictures.map(
			(file) => `data:image/bmp;base64,${file.toString('base64')}`,
		);
		const [video, ...images] = bench.media();
		expect(video).toEqual({ type: 'video', url: bench.sandbox.samples.video.url });
		expect(images.map(({ type }) => type)).toEqual(Array(3).fill('reference_image'));
		// Compared by hash: a mismatch would print megabytes.
		expect(images.slice(0, 2).map(({ url }) => sha256(Buffer.from(url)))).toEqual(
			[first, second].map((uri) => sha256(Buffer.from(uri ?? ''))),
		);
		expect(images[2]?.url).toMatch(OSS_BMP);
		const sent = only(bench.sandbox.tasks()).media.slice(1);
		expect(sent.map((media) => media.sha256)).toEqual(pictures.map(sha256));
	});

	test('as all images of the item: pictures in the item’s order, other fields left out', async () => {
		const { images, video } = bench.sandbox.samples;
		const [scarf, star, umbrella] = [at(images, 0), at(images, 1), at(images, 2)];
		const binary = {
			data: await bench.file(video),
			photos_0: await bench.file(umbrella),
			brief: await bench.file(Buffer.from('%PDF-1.7 brief'), 'brief.jpg', 'image/jpeg'),
			photos_1: await bench.file(scarf),
			empty: await bench.file(Buffer.alloc(0), 'empty.png', 'image/png'),
			notes: await bench.file(Buffer.from('some notes'), 'notes.txt', 'text/plain'),
			photos_2: await bench.file(star, 'no-name', 'application/octet-stream'),
		};
		const { items } = await bench.run([{ json: {}, binary }], {
			operation: 'referenceEdit',
			imageSource: 'allImages',
			videoSource: 'binary',
		});

		expect(only(items).json.succeeded).toBe(true);
		expect(bench.bodies()).toEqual([
			minimalBody(
				['video', expect.stringMatching(OSS_VIDEO)],
				['reference_image', await dataUri(umbrella)],
				['reference_image', await dataUri(scarf)],
				['reference_image', await dataUri(star)],
			),
		]);
		expect(bench.sandbox.requests('upload')).toHaveLength(1);
	});

	test('need no prompt', async () => {
		const { images, video } = bench.sandbox.samples;
		const { error } = await bench.run(1, {
			...referenceEdit(byUrl(at(images, 0).url)),
			prompt: '',
			...SUBMIT,
		});

		expect(error).toBeUndefined();
		expect(bench.bodies()).toEqual([
			{
				model: 'wan2.7-videoedit',
				input: {
					media: [
						{ type: 'video', url: video.url },
						{ type: 'reference_image', url: at(images, 0).url },
					],
				},
				parameters: { resolution: '720P' },
			},
		]);
	});
});

describe('options: each adds its own field and nothing else', () => {
	test.each<[what: string, fields: INodeParameters, sent: object]>([
		['resolution', { resolution: '1080P' }, { parameters: { resolution: '1080P' } }],
		[
			'ratio',
			{ options: { ratio: '9:16' } },
			{ parameters: { resolution: '720P', ratio: '9:16' } },
		],
		['duration', { options: { duration: 2 } }, { parameters: { resolution: '720P', duration: 2 } }],
		[
			'duration 0, if the user sets it',
			{ options: { duration: 0 } },
			{ parameters: { resolution: '720P', duration: 0 } },
		],
		[
			'audio: keep',
			{ options: { audioSetting: 'origin' } },
			{ parameters: { resolution: '720P', audio_setting: 'origin' } },
		],
		[
			'audio: auto',
			{ options: { audioSetting: 'auto' } },
			{ parameters: { resolution: '720P', audio_setting: 'auto' } },
		],
		[
			'extend prompt: on',
			{ options: { promptExtend: true } },
			{ parameters: { resolution: '720P', prompt_extend: true } },
		],
		[
			'extend prompt: off',
			{ options: { promptExtend: false } },
			{ parameters: { resolution: '720P', prompt_extend: false } },
		],
		['seed 0', { options: { seed: 0 } }, { parameters: { resolution: '720P', seed: 0 } }],
		[
			'the largest seed',
			{ options: { seed: 2147483647 } },
			{ parameters: { resolution: '720P', seed: 2147483647 } },
		],
		[
			'watermark: on',
			{ options: { watermark: true } },
			{ parameters: { resolution: '720P', watermark: true } },
		],
		[
			'watermark: off',
			{ options: { watermark: false } },
			{ parameters: { resolution: '720P', watermark: false } },
		],
		[
			'negative prompt',
			{ options: { negativePrompt: ' blurry ' } },
			{ input: { negative_prompt: 'blurry' } },
		],
		[
			'model',
			{ model: modelId('wan2.7-videoedit-2026-04-25') },
			{ model: 'wan2.7-videoedit-2026-04-25' },
		],
		[
			'nothing: what concerns only the node',
			{
				options: {
					pollInterval: 2,
					timeout: 30,
					simplify: false,
					price720P: 1,
					price1080P: 2,
					resubmitFailed: 3,
					lostSubmission: 'resubmit',
				},
			},
			{},
		],
		[
			'nothing: what an expression left empty',
			{
				options: {
					ratio: '',
					audioSetting: '',
					duration: '',
					promptExtend: '',
					seed: '',
					watermark: '',
					negativePrompt: '',
				},
			},
			{},
		],
	])('%s', async (_what, fields, sent) => {
		const { error } = await bench.run(1, { ...fields, ...SUBMIT });

		expect(error).toBeUndefined();
		const body = minimalBody(['video', bench.sandbox.samples.video.url]);
		expect(bench.bodies()).toEqual([
			{
				...body,
				...sent,
				input: { ...body.input, ...('input' in sent ? (sent.input as object) : {}) },
			},
		]);
	});

	test('all at once', async () => {
		const { error } = await bench.run(1, {
			resolution: '1080P',
			options: {
				model: 'wan2.7-videoedit',
				ratio: '4:3',
				duration: 2,
				audioSetting: 'origin',
				promptExtend: false,
				seed: 7,
				watermark: true,
				negativePrompt: 'rain',
			},
			...SUBMIT,
		});

		expect(error).toBeUndefined();
		expect(bench.bodies()).toEqual([
			{
				model: 'wan2.7-videoedit',
				input: {
					prompt: 'black and white',
					negative_prompt: 'rain',
					media: [{ type: 'video', url: bench.sandbox.samples.video.url }],
				},
				parameters: {
					resolution: '1080P',
					ratio: '4:3',
					duration: 2,
					audio_setting: 'origin',
					prompt_extend: false,
					seed: 7,
					watermark: true,
				},
			},
		]);
	});

	test('per item, through expressions; numbers and switches may come as text', async () => {
		const { video } = bench.sandbox.samples;
		const items = [
			{
				json: {
					prompt: 'black and white',
					seconds: '2',
					seed: ' 42 ',
					mark: 'true',
					size: '1080p',
				},
			},
			{ json: { prompt: 2026, seconds: 3, seed: 0, mark: 'false', size: '720P' } },
		];
		const { error } = await bench.run(items, {
			prompt: PROMPT_OF_ITEM,
			resolution: '={{ $json.size }}',
			options: {
				duration: '={{ $json.seconds }}',
				seed: '={{ $json.seed }}',
				watermark: '={{ $json.mark }}',
			},
			...SUBMIT,
		});

		expect(error).toBeUndefined();
		const media = [{ type: 'video', url: video.url }];
		expect(bench.bodies()).toEqual([
			{
				model: 'wan2.7-videoedit',
				input: { prompt: 'black and white', media },
				parameters: { resolution: '1080P', duration: 2, seed: 42, watermark: true },
			},
			{
				model: 'wan2.7-videoedit',
				input: { prompt: '2026', media },
				parameters: { resolution: '720P', duration: 3, seed: 0, watermark: false },
			},
		]);
	});
});

describe('Get Status', () => {
	test('asks for the task of the item and for nothing else', async () => {
		const { items: submitted } = await bench.run(1, SUBMIT);
		const taskId = String(only(submitted).json.taskId);
		bench.sandbox.log.length = 0;
		const { error } = await bench.run([{ json: { taskId } }], {
			resource: 'task',
			operation: 'getStatus',
			download: false,
		});

		expect(error).toBeUndefined();
		const asked = bench.sandbox.log.filter(({ route }) => route !== 'sample');
		const { method, path, query, authorized, body } = only(asked);
		expect({ method, path, query, authorized, body }).toEqual({
			method: 'GET',
			path: `/api/v1/tasks/${taskId}`,
			query: {},
			authorized: true,
			body: undefined,
		});
	});
});
