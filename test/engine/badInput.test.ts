import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Container } from '@n8n/di';
import { BinaryDataService } from 'n8n-core';
import type {
	IBinaryData,
	ICredentialDataDecryptedObject,
	INodeExecutionData,
	INodeParameters,
} from 'n8n-workflow';
import type { RunOptions } from './bench';
import { PROMPT_OF_ITEM, at, detailsOf, named, only, useBench } from './bench';
import { bmpOf } from './pictures';

// Everything that the node refuses: with a message that names the field and the item, and before anything is sent.

const bench = useBench();

const MB = 1024 * 1024;
const SUBMIT = { waiting: 'none' };
const GET_STATUS = { resource: 'task', operation: 'getStatus' };

interface Bad {
	fields?: INodeParameters;
	json?: INodeExecutionData['json'];
	binary?: Record<string, IBinaryData>;
	/** What message and advice must say between them. */
	says: Array<string | RegExp>;
	run?: RunOptions;
}

/**
 * Runs the node over an item that it must refuse in each of n8n's three ways to handle errors.
 */
async function expectRefusal({ fields = {}, json = {}, binary, says, run = {} }: Bad) {
	const items = [{ json: { ...json, name: 'mine' }, ...(binary && { binary }) }];
	const stopped = await bench.run(items, fields, run);
	const texts = [`${stopped.error?.message}\n${stopped.error?.description}`];
	expect(stopped.error?.message).toContain('[item 0]');
	expect(stopped.error?.name).toBe('NodeOperationError');
	expect(stopped.items).toEqual([]);

	for (const onError of ['continueRegularOutput', 'continueErrorOutput'] as const) {
		const {
			items: good,
			errors,
			error,
		} = await bench.run(items, fields, {
			...run,
			settings: { onError },
			lookUp: "={{ $('Start').item.json.name }}",
		});
		expect(error).toBeUndefined();
		const [failed, other] = onError === 'continueErrorOutput' ? [errors, good] : [good, errors];
		expect(other).toEqual([]);
		const item = only(failed);
		expect(item.pairedItem).toEqual({ item: 0 });
		expect(item).not.toHaveProperty('binary');
		texts.push(`${String(item.json.error)}\n${String(detailsOf(item).hint)}`);
		expect(item.json.error).toContain('[item 0]');
	}

	for (const text of texts) {
		for (const part of says) {
			if (typeof part === 'string') expect(text).toContain(part);
			else expect(text).toMatch(part);
		}
		expect(text).not.toMatch(/undefined|\[object|NaN/);
	}
	// Nothing left this machine: no policy, no upload, no submission, not even a question.
	expect(bench.sandbox.log).toEqual([]);
	expect(bench.sandbox.tasks()).toEqual([]);
}

const image = (...images: INodeParameters[]): INodeParameters => ({
	operation: 'referenceEdit',
	imageSource: 'list',
	images: { image: images },
});

const BINARY_VIDEO = { videoSource: 'binary' };

describe('texts', () => {
	test.each([
		['empty', '={{ "" }}'],
		['blank', ' \n\t '],
		['absent', '={{ $json.nothing }}'],
		['null', '={{ null }}'],
	])('prompt %s', async (_what, prompt) => {
		await expectRefusal({ fields: { prompt }, says: ["'Prompt' is empty"] });
	});

	test('prompt left empty in the editor: n8n itself does not start the node', () => {
		const run = () => bench.start(1, { prompt: '' });

		expect(run).toThrow('Parameter "Prompt" is required');
		expect(bench.sandbox.log).toEqual([]);
	});

	test('prompt of 5001 characters', async () => {
		await expectRefusal({
			fields: { prompt: 'x'.repeat(5001) },
			says: ["'Prompt' has 5001 characters", 'the limit is 5000'],
		});
	});

	test('negative prompt of 501 characters, also where the prompt may be missing', async () => {
		await expectRefusal({
			fields: {
				...image({ source: 'url', url: bench.sandbox.samples.video.url }),
				prompt: '',
				options: { negativePrompt: '雨'.repeat(501) },
			},
			says: ["'Negative Prompt' has 501 characters", 'the limit is 500'],
		});
	});

	test('texts of exactly the limit are taken, with emoji and Chinese counted as one each', async () => {
		const prompt = `${'x'.repeat(4998)}像🎬`;
		const negativePrompt = `${'x'.repeat(499)}🎬`;
		const { error } = await bench.run(1, { prompt, options: { negativePrompt }, ...SUBMIT });

		expect(error).toBeUndefined();
		expect(only(bench.bodies())).toMatchObject({
			input: { prompt, negative_prompt: negativePrompt },
		});
	});
});

describe('binary fields', () => {
	test('that the item does not have: says which it has', async () => {
		const { samples } = bench.sandbox;
		await expectRefusal({
			fields: BINARY_VIDEO,
			binary: {
				clip: await bench.file(samples.video),
				photo: await bench.file(at(samples.images, 0)),
			},
			says: ["'Input Binary Field'", '"data"', 'clip, photo'],
		});
	});

	test('of an item without any', async () => {
		await expectRefusal({
			fields: BINARY_VIDEO,
			says: ["'Input Binary Field'", '"data"', 'The item has no file'],
		});
	});

	test('without a name', async () => {
		await expectRefusal({
			fields: { ...BINARY_VIDEO, videoField: '={{ $json.field }}' },
			binary: { clip: await bench.file(bench.sandbox.samples.video) },
			says: ["'Input Binary Field' is empty", 'clip'],
		});
	});

	test.each([
		['={{ Object.keys($binary) }}', '"[clip, photo]"'],
		['={{ $binary }}', '"{ clip, photo }"'],
	])('that are no name but what %s gives', async (videoField, shown) => {
		const clip = await bench.file(bench.sandbox.samples.video);
		await expectRefusal({
			fields: { ...BINARY_VIDEO, videoField },
			binary: { clip, photo: clip },
			says: ["'Input Binary Field'", shown, 'clip, photo'],
		});
	});

	test('of a reference image that the item does not have', async () => {
		await expectRefusal({
			fields: image(
				{ source: 'url', url: bench.sandbox.samples.video.url },
				{ source: 'binary', field: 'coat' },
			),
			binary: { hat: await bench.file(at(bench.sandbox.samples.images, 0)) },
			says: [/Image 2/, '"coat"', 'hat'],
		});
	});
});

describe('files', () => {
	const MP4_BOX = (brand: string) => Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0${'x'.repeat(40)}`);

	test.each<[what: string, content: Buffer, found: RegExp]>([
		['a PDF', Buffer.from('%PDF-1.7 and more'), /PDF/],
		['a text', Buffer.from('This is a video, honestly.'), /unknown kind/],
		['nothing', Buffer.alloc(0), /empty/],
		['a web page', Buffer.from('<!doctype html><title>Not found</title>'), /web page/],
		['a JSON answer', Buffer.from('{"error":"not found"}'), /JSON/],
		['a WebM video', Buffer.from('\x1aE\xdf\xa3 webm and more', 'latin1'), /WebM/],
		['an AVI video', Buffer.from('RIFF\0\0\0\0AVI LIST and more', 'latin1'), /AVI/],
		['an audio file in an MP4 container', MP4_BOX('M4A '), /audio/],
		['an HEIC picture', MP4_BOX('heic'), /HEIC/],
		['a GIF', Buffer.from('GIF89a and more', 'latin1'), /GIF/],
		['a ZIP archive', Buffer.from('PK\x03\x04 and more', 'latin1'), /ZIP/],
	])('that are called ride.mp4 but hold %s', async (_what, content, found) => {
		await expectRefusal({
			fields: BINARY_VIDEO,
			binary: { data: await bench.file(content, 'ride.mp4', 'video/mp4') },
			says: ["'Input Binary Field'", 'ride.mp4', found, 'MP4 or MOV'],
		});
	});

	test.each<[what: string, fields: INodeParameters, field: string]>([
		['a video to be edited', BINARY_VIDEO, 'Input Binary Field'],
		['a video to be split', { operation: 'split' }, 'Input Binary Field'],
		['a video to be joined', { operation: 'join' }, 'Input Binary Field'],
		['an image', image({ source: 'binary', field: 'data' }), 'Image 1 Binary Field'],
		[
			'one of all images',
			{ operation: 'referenceEdit', imageSource: 'allImages' },
			'Binary Field data',
		],
		['a file to be uploaded', { resource: 'file', operation: 'upload' }, 'Input Binary Field'],
	])('%s that n8n has deleted meanwhile', async (_what, fields, field) => {
		const data = await bench.file(bench.sandbox.samples.video, 'ride.mp4');
		const path = Container.get(BinaryDataService).getPath(data.id ?? '');
		await rm(path);
		const says = [`'${field}' (ride.mp4) could not be read from the storage of n8n`, 'unpin'];
		await expectRefusal({ fields, binary: { data }, says });
		await rm(`${path}.metadata`);
		await expectRefusal({ fields, binary: { data }, says });
	});

	test('a video whose reading breaks off', async () => {
		const data = await bench.file(bench.sandbox.samples.video, 'ride.mp4');
		const store = jest.spyOn(Container.get(BinaryDataService), 'getAsStream');
		store.mockImplementation(async () => {
			const stream = Readable.from([]);
			return await Promise.resolve(stream.destroy(new Error('read ECONNRESET')));
		});
		const says = ["'Input Binary Field' (ride.mp4) could not be read", 'read ECONNRESET'];
		for (const fields of [BINARY_VIDEO, { operation: 'split' }, { operation: 'join' }]) {
			await expectRefusal({ fields, binary: { data }, says });
		}
		store.mockRestore();
	});

	test('a picture in place of the video', async () => {
		const star = at(bench.sandbox.samples.images, 1);
		await expectRefusal({
			fields: BINARY_VIDEO,
			binary: { data: await bench.file(star, 'ride.mp4', 'video/mp4') },
			says: ["'Input Binary Field'", 'ride.mp4', 'a PNG picture', 'MP4 or MOV'],
		});
	});

	test('a video in place of a picture', async () => {
		const { movVideo } = bench.sandbox.samples;
		await expectRefusal({
			fields: image({ source: 'binary', field: 'image' }),
			binary: { image: await bench.file(movVideo, 'coat.png', 'image/png') },
			says: [/Image 1/, 'coat.png', 'a MOV video', 'JPEG, PNG, BMP or WEBP'],
		});
	});

	test.each<[what: string, content: Buffer, found: RegExp]>([
		['a GIF', Buffer.from('GIF89a and more', 'latin1'), /GIF/],
		['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), /XML/],
		['a TIFF', Buffer.from('II*\0 and more', 'latin1'), /TIFF/],
		['an AVIF picture', MP4_BOX('avif'), /AVIF/],
		['an HEIC picture', MP4_BOX('mif1'), /HEIC/],
		['nothing', Buffer.alloc(0), /empty/],
	])('%s in place of a picture', async (_what, content, found) => {
		await expectRefusal({
			fields: image({ source: 'binary', field: 'image' }),
			binary: { image: await bench.file(content, 'coat.png', 'image/png') },
			says: [/Image 1/, 'coat.png', found, 'JPEG, PNG, BMP or WEBP'],
		});
	});

	test('a video of more than 100 MB', async () => {
		const large = Buffer.alloc(100 * MB + 1);
		MP4_BOX('isom').copy(large);
		await expectRefusal({
			fields: BINARY_VIDEO,
			binary: { data: await bench.file(large, 'long.mp4', 'video/mp4') },
			says: ["'Input Binary Field'", 'long.mp4', '100.0 MB', /limit/],
		});
	});

	test('an image of more than 20 MB', async () => {
		const large = await bench.file(bmpOf(20.5 * MB), 'coat.bmp', 'image/bmp');
		await expectRefusal({
			fields: image({ source: 'binary', field: 'image' }),
			binary: { image: large },
			says: [/Image 1/, 'coat.bmp', '20.5 MB', 'the limit is 20.0 MB'],
		});
		await expectRefusal({
			fields: { operation: 'referenceEdit', imageSource: 'allImages' },
			binary: { coat: large },
			says: [/coat/, '20.5 MB', 'the limit is 20.0 MB'],
		});
	});
});

describe('number of reference images', () => {
	test('none in the list', async () => {
		await expectRefusal({ fields: image(), says: [/no reference image/, '1 to 4'] });
	});

	test('none in the item', async () => {
		await expectRefusal({
			fields: { operation: 'referenceEdit', imageSource: 'allImages' },
			binary: { data: await bench.file(bench.sandbox.samples.video) },
			says: [/no reference image/, '1 to 4'],
		});
	});

	test('five in the list', async () => {
		const { url } = at(bench.sandbox.samples.images, 0);
		await expectRefusal({
			fields: image(...Array<INodeParameters>(5).fill({ source: 'url', url })),
			says: [/5 reference images/, '1 to 4'],
		});
	});

	test('five in the item', async () => {
		const photo = await bench.file(at(bench.sandbox.samples.images, 0));
		await expectRefusal({
			fields: { operation: 'referenceEdit', imageSource: 'allImages' },
			binary: { a: photo, b: photo, c: photo, d: photo, e: photo },
			says: [/5 reference images/, '1 to 4'],
		});
	});
});

describe('values', () => {
	test.each<[field: string, option: string, value: unknown, shown: string]>([
		['Duration', 'duration', 1, '1'],
		['Duration', 'duration', 11, '11'],
		['Duration', 'duration', -2, '-2'],
		['Duration', 'duration', 2.5, '2.5'],
		['Duration', 'duration', '11', '11'],
		['Duration', 'duration', 'five', 'five'],
		['Duration', 'duration', '5s', '5s'],
		['Duration', 'duration', true, 'true'],
		['Seed', 'seed', -1, '-1'],
		['Seed', 'seed', 2147483648, '2147483648'],
		['Seed', 'seed', 1.5, '1.5'],
		['Seed', 'seed', 'lucky', 'lucky'],
		['Aspect Ratio', 'ratio', '21:9', '21:9'],
		['Audio', 'audioSetting', 'loud', 'loud'],
		['Price per Second at 720P', 'price720P', 'cheap', 'cheap'],
	])('%s', async (field, option, value, shown) => {
		await expectRefusal({
			json: { value: value as string },
			fields: { options: { [option]: '={{ $json.value }}' } },
			says: [`'${field}`, shown],
		});
	});

	test.each([
		['duration', 11, '0', '2', '10'],
		['seed', -1, '0', '2147483647'],
		['ratio', '2:1', '16:9', '9:16', '1:1', '4:3', '3:4'],
		['audioSetting', 'loud', 'auto', 'origin'],
	])('%s: the message names the limits', async (option, value, ...limits) => {
		await expectRefusal({
			json: { value },
			fields: { options: { [option]: '={{ $json.value }}' } },
			says: limits.map(String),
		});
	});

	test('resolution', async () => {
		await expectRefusal({
			fields: { resolution: '={{ "480P" }}' },
			says: ["'Resolution'", '480P', '720P', '1080P'],
		});
	});

	test.each([
		['Duration', { duration: '={{ [5] }}' }],
		['Duration', { duration: '={{ ({ seconds: 5 }) }}' }],
		['Seed', { seed: '={{ [1, 2] }}' }],
	])('%s of a wrong type', async (field, options) => {
		const { error } = await bench.run(1, { options });

		expect(error?.message).toContain(`'${field}'`);
		expect(bench.sandbox.log).toEqual([]);
	});
});

describe('settings of the run', () => {
	test.each([
		['Poll Interval', 'pollInterval'],
		['Timeout', 'timeout'],
		['Resubmit Failed Tasks', 'resubmitFailed'],
	])('%s that is no number', async (field, option) => {
		const items = named('black and white', 'blur it');
		const fields = { prompt: PROMPT_OF_ITEM, options: { [option]: '={{ "often" }}' } };
		const stopped = await bench.run(items, fields);
		const continued = await bench.run(items, fields, {
			settings: { onError: 'continueErrorOutput' },
		});

		expect(stopped.error?.message).toContain(`'${field}`);
		expect(stopped.error?.message).toContain('often');
		expect(continued.items).toEqual([]);
		expect(continued.errors.map(({ json }) => json.error)).toEqual([
			expect.stringContaining(`'${field}`),
			expect.stringContaining(`'${field}`),
		]);
		expect(bench.sandbox.log).toEqual([]);
	});
});

describe('a setting of the run that an expression gives', () => {
	test.each([
		['Timeout', 'timeout', '-5', '-5 minutes; the limit is 0.01 to 1440'],
		['Timeout', 'timeout', '2000', '2000 minutes; the limit is 0.01 to 1440'],
		['Maximum Result Size', 'maxResultSize', '0', '0 MB; the limit is 1 or more'],
	])('%s: %s %s is refused before anything is sent', async (field, option, value, what) => {
		const { error } = await bench.run(1, { options: { [option]: `={{ ${value} }}` } });
		expect(error?.message).toContain(`'${field}' is ${what}`);
		expect(bench.sandbox.log).toEqual([]);
	});
});

describe('addresses', () => {
	test.each([
		['empty', '={{ "" }}', /'Video URL' is empty/],
		['blank', '  ', /'Video URL' is empty/],
		['absent', '={{ $json.nothing }}', /'Video URL' is empty/],
		['no address', 'ride.mp4', /"ride\.mp4"/],
		['without a scheme', '//example.com/ride.mp4', /example\.com\/ride\.mp4/],
		['of a file', 'file:///etc/passwd', /file:\/\/\/etc\/passwd/],
		['of an FTP server', 'ftp://example.com/ride.mp4', /ftp:/],
		['that is a data URI', 'data:video/mp4;base64,AAAA', /binary/],
		['that is a script', 'javascript:alert(1)', /javascript/],
		['that ends in half of an emoji', '={{ "https://example.com/🎬".slice(0, -1) }}', /example/],
	])('of the video: %s', async (_what, videoUrl, says) => {
		await expectRefusal({ fields: { videoUrl }, says: ["'Video URL'", says] });
	});

	test.each([
		['empty', '', /is empty/],
		['no address', 'coat.png', /"coat\.png"/],
		['a data URI', 'data:image/png;base64,AAAA', /binary/],
	])('of an image: %s', async (_what, url, says) => {
		await expectRefusal({
			fields: image({ source: 'url', url: 'https://example.com/a.png' }, { source: 'url', url }),
			says: ["'Image 2 URL'", says],
		});
	});

	test.each([
		['a signature', 'ftp://example.com/ride.mp4?Signature=secret'],
		['a password', 'ftp://me:secret@example.com/ride.mp4'],
	])('%s in an address stays out of the message', async (_what, videoUrl) => {
		await expectRefusal({
			fields: { videoUrl },
			says: ['example.com/ride.mp4', /^(?!.*secret)/s],
		});
	});

	describe('in a private network, while DashScope is asked on the internet', () => {
		const asked: string[] = [];
		const network: RunOptions['network'] = ({ url }) => {
			asked.push(url);
			return undefined;
		};
		const publicCredentials: ICredentialDataDecryptedObject[] = [
			{ apiKey: 'sk-x', region: 'ap-southeast-1' },
			{ apiKey: 'sk-x', region: 'cn-beijing', workspaceId: 'ws-1' },
			{ apiKey: 'sk-x', region: 'custom', baseUrl: 'https://gateway.example.com/dashscope' },
		];

		test.each([
			'http://localhost:8080/ride.mp4',
			'http://127.0.0.1/ride.mp4',
			'https://10.0.0.7/ride.mp4',
			'http://172.16.3.4/ride.mp4',
			'http://192.168.1.20:5678/ride.mp4',
			'http://169.254.169.254/latest/meta-data',
			'http://[::1]/ride.mp4',
			'http://[fd00::1]/ride.mp4',
			'http://nas/ride.mp4',
			'http://minio.internal/ride.mp4',
			'http://2130706433/ride.mp4',
			'http://0x7f.1/ride.mp4',
		])('%s', async (videoUrl) => {
			for (const credential of publicCredentials) {
				await expectRefusal({
					fields: { videoUrl },
					says: ["'Video URL'", new URL(videoUrl).hostname, /only this network/, /binary/],
					run: { credential, network },
				});
			}
			expect(asked).toEqual([]);
		});

		test('also for an image', async () => {
			await expectRefusal({
				fields: {
					videoUrl: 'https://example.com/ride.mp4',
					...image({ source: 'url', url: 'http://192.168.1.20/coat.png' }),
				},
				says: ["'Image 1 URL'", '192.168.1.20'],
				run: { credential: publicCredentials[0], network },
			});
			expect(asked).toEqual([]);
		});

		test('but not for a public address: that one is sent', async () => {
			const { error } = await bench.run(
				1,
				{ videoUrl: 'https://8.8.8.8/ride.mp4', ...SUBMIT },
				{
					credential: publicCredentials[0],
					network: ({ url }) => {
						asked.push(url);
						return {
							statusCode: 200,
							body: { request_id: 'r', output: { task_id: 't', task_status: 'PENDING' } },
						};
					},
				},
			);

			expect(error).toBeUndefined();
			expect(asked).toEqual([
				'https://dashscope-intl.aliyuncs.com/api/v1/services/aigc/video-generation/video-synthesis',
			]);
		});
	});
});

describe('task IDs', () => {
	test.each([
		['empty', '={{ "" }}', /'Task ID' is empty/],
		['blank', '   ', /'Task ID' is empty/],
		['absent in the item', '={{ $json.taskId }}', /'Task ID' is empty/],
		['a path', '../uploads?action=getPolicy', /'Task ID' is "\.\.\/uploads/],
		['with spaces', 'abc def', /'Task ID' is "abc def"/],
		['endless', 'a'.repeat(500), /'Task ID' is "a+"/],
	])('%s', async (_what, taskId, says) => {
		await expectRefusal({ fields: { ...GET_STATUS, taskId }, says: [says] });
	});
});

describe('a bad item among good ones', () => {
	const items = named('black and white', '', 'black and white');

	test('keeps all of them from being sent, unless the user lets the others go on', async () => {
		const data = await bench.file(bench.sandbox.samples.video);
		const { error } = await bench.run(
			items.map((item) => ({ ...item, binary: { data } })),
			{ prompt: PROMPT_OF_ITEM, ...BINARY_VIDEO },
		);

		expect(error?.message).toBe("'Prompt' is empty [item 1]");
		expect(bench.sandbox.log).toEqual([]);
	});

	test('all bad items are named in one go', async () => {
		const { error } = await bench.run(named('', 'black and white', 'x'.repeat(5001)), {
			prompt: PROMPT_OF_ITEM,
		});

		expect(error?.message).toBe("'Prompt' is empty [item 0]");
		expect(error?.description).toContain("Item 2: 'Prompt' has 5001 characters");
		expect(bench.sandbox.log).toEqual([]);
	});

	test('with Continue: fails in its place, the others are edited', async () => {
		const { items: out } = await bench.run(
			items,
			{ prompt: PROMPT_OF_ITEM },
			{ settings: { onError: 'continueRegularOutput' } },
		);

		expect(out.map(({ json }) => json.succeeded ?? json.error)).toEqual([
			true,
			"'Prompt' is empty [item 1]",
			true,
		]);
		expect(out.map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 1 },
			{ item: 2 },
		]);
		expect(bench.taskIds()).toHaveLength(2);
	});

	test('with an error output: goes there, paired, the others to the first', async () => {
		const {
			items: out,
			errors,
			lookedUp,
		} = await bench.run(
			items,
			{ prompt: PROMPT_OF_ITEM },
			{
				settings: { onError: 'continueErrorOutput' },
				lookUp: "={{ $('Start').item.json.name }}",
			},
		);

		expect(out.map(({ json }) => json.succeeded)).toEqual([true, true]);
		expect(only(errors).json).toEqual({
			name: 'item 1',
			prompt: '',
			error: "'Prompt' is empty [item 1]",
			details: { hint: expect.stringMatching(/Enter what the video should become/) },
		});
		expect(lookedUp).toEqual({ items: ['item 0', 'item 2'], errors: ['item 1'] });
		expect(bench.taskIds()).toHaveLength(2);
	});

	test.each([0, 1])(
		'an option that cannot be evaluated for item %i fails that alone',
		async (bad) => {
			const seed = `={{ $json.name === 'item ${bad}' ? $('Nowhere').item.json.seed : 1 }}`;
			const { items: out } = await bench.run(
				named('black and white', 'blur it'),
				{ prompt: PROMPT_OF_ITEM, waiting: 'none', options: { seed } },
				{ settings: { onError: 'continueRegularOutput' } },
			);

			expect(out.map(({ json }) => json.error ?? json.status)).toEqual(
				[0, 1].map((item) => (item === bad ? expect.stringMatching(/\[item \d\]$/) : 'PENDING')),
			);
		},
	);

	test('of Get Status', async () => {
		const { items: submitted } = await bench.run(1, SUBMIT);
		const { taskId } = only(submitted).json;
		const both = [{ json: { taskId: '', name: 'bad' } }, { json: { taskId, name: 'good' } }];
		const stopped = await bench.run(both, { ...GET_STATUS, download: false });
		const continued = await bench.run(
			both,
			{ ...GET_STATUS, download: false },
			{ settings: { onError: 'continueErrorOutput' } },
		);

		expect(stopped.error?.message).toBe("'Task ID' is empty [item 0]");
		expect(continued.items.map(({ json }) => json.taskId)).toEqual([taskId]);
		expect(only(continued.errors).json).toMatchObject({ name: 'bad' });
	});
});

describe('credentials that cannot be used', () => {
	test.each<[what: string, credential: ICredentialDataDecryptedObject, says: RegExp]>([
		['plain http', { region: 'custom', baseUrl: 'http://dashscope.example.com' }, /must use https/],
		['no address', { region: 'custom', baseUrl: 'dashscope' }, /"dashscope" is not a web address/],
		['no address at all', { region: 'custom', baseUrl: '' }, /is not a web address/],
		['a password', { region: 'custom', baseUrl: 'https://a:b@example.com' }, /password/],
		['a workspace ID with dots', { region: 'cn-beijing', workspaceId: 'a.evil.com/' }, /workspace/],
	])('%s', async (_what, credential, says) => {
		const options: RunOptions = {
			credential: { apiKey: 'sk-x', ...credential },
			network: () => undefined,
		};
		const stopped = await bench.run(2, {}, options);
		const continued = await bench.run(
			2,
			{},
			{
				...options,
				settings: { onError: 'continueErrorOutput' },
			},
		);

		expect(stopped.error?.message).toMatch(says);
		expect(stopped.text).not.toContain('sk-x');
		expect(continued.items).toEqual([]);
		expect(continued.errors.map(({ json }) => json.error)).toEqual([
			expect.stringMatching(says),
			expect.stringMatching(says),
		]);
	});
});
