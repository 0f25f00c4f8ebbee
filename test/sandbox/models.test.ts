import { startSandbox, type Sandbox } from '../../sandbox';
import {
	bearer,
	CREATE_PATH,
	createId,
	IMAGE2VIDEO_PATH,
	list,
	outputOf,
	query,
	send,
	submit,
	type Json,
} from './client';

// What each model's create call may hold: every limit of the documentation, just inside and just
// outside. Nothing is rendered here.

let sandbox: Sandbox;
let ahead = 0;

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 0, now: () => Date.now() + ahead });
});
beforeEach(async () => {
	await sandbox.reset();
	ahead = 0;
	sandbox.configure({ jobSeconds: 0, queriesPerSecond: 1000 });
	sandbox.outcome({ status: 'FAILED', code: 'InternalError.Algo', message: 'no', times: 1000 });
});
afterAll(async () => await sandbox.stop());

const post = async (body: Json, path?: string, to = sandbox) => await submit(to, body, path);

const item = (type: string, url = `https://example.com/${type}.bin`) => ({ type, url });
const items = (type: string, count: number) => Array.from({ length: count }, () => item(type));
const urls = (count: number) =>
	Array.from({ length: count }, (_, index) => `https://example.com/${index}.png`);
const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const V = 'https://example.com/v.mp4';
const I = 'https://example.com/i.png';

interface Case {
	input?: Json;
	parameters?: Json;
}

/** What a model accepts; what it refuses, with what the message must name. */
interface Table {
	model: string;
	path?: string;
	/** Good on its own; cases change it. */
	base: Required<Case>;
	accepted: Array<[string, Case]>;
	refused: Array<[string, Case, RegExp]>;
}

const wan3 = (model: string): Table => {
	const media = (...all: unknown[]): Case => ({ input: { media: all } });
	const parameters = (given: Json): Case => ({ parameters: given });
	return {
		model,
		base: { input: { prompt: 'clay', media: [item('reference_video')] }, parameters: {} },
		accepted: [
			['an edit', parameters({ resolution: '720P', ratio: 'adaptive', duration: -1, audio: true })],
			['a prompt alone', { input: { media: undefined } }],
			['media alone', { input: { prompt: undefined } }],
			['five videos', media(...items('reference_video', 5))],
			['ten images', media(...items('reference_image', 10))],
			['five sounds', media(...items('reference_audio', 5))],
			['an image as data', media(item('reference_image', PNG))],
			['a first frame', media(item('first_frame'))],
			['first and last frame', media(item('first_frame'), item('last_frame'))],
			...['480P', '720P', '1080P'].map((resolution): [string, Case] => [
				resolution,
				parameters({ resolution }),
			]),
			...['adaptive', '21:9', '16:9', '4:3', '1:1', '3:4', '9:16'].map((ratio): [string, Case] => [
				ratio,
				parameters({ ratio }),
			]),
			['two seconds', parameters({ duration: 2, seed: -1 })],
			['thirty seconds', parameters({ duration: 30, seed: 2147483647 })],
			['a silent result', parameters({ audio: false, watermark: true, prompt_extend: false })],
			['a prompt that is cut', { input: { prompt: 'x'.repeat(20_001) } }],
		],
		refused: [
			['neither prompt nor media', { input: { prompt: '', media: [] } }, /input\.prompt/],
			['six videos', media(...items('reference_video', 6)), /at most 5 .*reference_video, got 6/],
			['eleven images', media(...items('reference_image', 11)), /at most 10 .*got 11/],
			['six sounds', media(...items('reference_audio', 6)), /at most 5 .*reference_audio, got 6/],
			['two first frames', media(...items('first_frame', 2)), /at most 1 .*first_frame, got 2/],
			['a last frame alone', media(item('last_frame')), /last_frame requires first_frame/],
			[
				'both modes',
				media(item('first_frame'), item('reference_image')),
				/^The two modes are mutually exclusive/,
			],
			[
				'a last frame and a reference',
				media(item('last_frame'), item('reference_video')),
				/^The two modes are mutually exclusive/,
			],
			['the video of videoedit', media(item('video')), /media\[0\]\.type must be one of/],
			['a base64 video', media(item('reference_video', 'data:video/mp4;base64,AA')), /base64/],
			['a base64 sound', media(item('reference_audio', 'data:audio/mp3;base64,AA')), /base64/],
			['240P', parameters({ resolution: '240P' }), /resolution/],
			['2:1', parameters({ ratio: '2:1' }), /ratio/],
			['one second', parameters({ duration: 1 }), /duration must be -1 or between 2 and 30/],
			['no seconds', parameters({ duration: 0 }), /duration/],
			['31 seconds', parameters({ duration: 31 }), /duration/],
			['minus two', parameters({ duration: -2 }), /duration/],
			['audio "on"', parameters({ audio: 'on' }), /audio should be a boolean/],
			['seed -2', parameters({ seed: -2 }), /seed/],
			['audio_setting', parameters({ audio_setting: 'origin' }), /audio_setting is not supported/],
		],
	};
};

const i2v = (model: string): Table => {
	const media = (...all: unknown[]): Case => ({ input: { media: all } });
	const parameters = (given: Json): Case => ({ parameters: given });
	return {
		model,
		base: { input: { prompt: 'on', media: [item('first_clip')] }, parameters: {} },
		accepted: [
			['a clip', parameters({ resolution: '720P', duration: 8, watermark: true, seed: 0 })],
			['clip and last frame', media(item('first_clip'), item('last_frame', PNG))],
			['a first frame', media(item('first_frame', PNG))],
			['a frame and sound', media(item('first_frame'), item('last_frame'), item('driving_audio'))],
			['no prompt', { input: { prompt: undefined } }],
			['2 s', parameters({ duration: 2, prompt_extend: false })],
			['15 s', parameters({ duration: 15, resolution: '1080P' })],
			['a negative prompt that is cut', { input: { negative_prompt: 'x'.repeat(600) } }],
			['what the SDKs add', { input: { extend_prompt: true, function: 'video-synthesis' } }],
			['what the Java SDK adds', parameters({ with_audio: false })],
		],
		refused: [
			['no media', { input: { media: undefined } }, /required: input\.media/],
			[
				'nothing to begin with',
				media(item('last_frame')),
				/exactly one .*first_frame or first_clip/,
			],
			['two beginnings', media(item('first_clip'), item('first_frame')), /exactly one/],
			['two clips', media(...items('first_clip', 2)), /at most 1 item of type first_clip, got 2/],
			[
				'two last frames',
				media(item('first_clip'), ...items('last_frame', 2)),
				/last_frame, got 2/,
			],
			[
				'sound with a clip',
				media(item('first_clip'), item('driving_audio')),
				/driving_audio can only be used with first_frame/,
			],
			['a base64 clip', media(item('first_clip', 'data:video/mp4;base64,AA')), /base64/],
			['the video of videoedit', media(item('video')), /type must be one of first_clip/],
			['1 s', parameters({ duration: 1 }), /duration must be between 2 and 15/],
			['16 s', parameters({ duration: 16 }), /duration must be between 2 and 15/],
			['0 s', parameters({ duration: 0 }), /duration/],
			['half seconds', parameters({ duration: 5.5 }), /integer/],
			['480P', parameters({ resolution: '480P' }), /resolution/],
			[
				'a ratio',
				parameters({ ratio: '16:9' }),
				/parameters\.ratio is not supported by wan2\.7-i2v/,
			],
			['audio_setting', parameters({ audio_setting: 'auto' }), /audio_setting is not supported/],
			['seed -1', parameters({ seed: -1 }), /seed/],
		],
	};
};

const happyHorse: Table = {
	model: 'happyhorse-1.0-video-edit',
	base: { input: { prompt: 'snow', media: [item('video')] }, parameters: {} },
	accepted: [
		['five images', { input: { media: [item('video'), ...items('reference_image', 5)] } }],
		['all parameters', { parameters: { resolution: '720P', audio_setting: 'origin', seed: 7 } }],
		['no watermark', { parameters: { watermark: false } }],
		['a negative prompt that it does not know', { input: { negative_prompt: 'x' } }],
	],
	refused: [
		['no prompt', { input: { prompt: undefined } }, /required: input\.prompt/],
		['an empty prompt', { input: { prompt: '' } }, /required: input\.prompt/],
		[
			'six images',
			{ input: { media: [item('video'), ...items('reference_image', 6)] } },
			/at most 5 .*got 6/,
		],
		[
			'two videos',
			{ input: { media: items('video', 2) } },
			/exactly one item of type video, got 2/,
		],
		['a ratio', { parameters: { ratio: '16:9' } }, /ratio is not supported by happyhorse/],
		['a duration', { parameters: { duration: 5 } }, /duration is not supported/],
		['prompt_extend', { parameters: { prompt_extend: true } }, /prompt_extend is not supported/],
		['480P', { parameters: { resolution: '480P' } }, /resolution/],
	],
};

const vace = (model: string, name: string, base: Required<Case>): Omit<Table, 'refused'> => ({
	model,
	base: { ...base, input: { function: name, prompt: 'night', ...base.input } },
	accepted: [
		...['1280*720', '720*1280', '960*960', '832*1088', '1088*832'].map((size): [string, Case] => [
			size,
			{ parameters: { size } },
		]),
		[
			'what all functions know',
			{ parameters: { duration: 5, prompt_extend: false, seed: 1, watermark: true } },
		],
		['a prompt that is cut', { input: { prompt: 'x'.repeat(801) } }],
	],
});

const vaceRefused: Table['refused'] = [
	['no prompt', { input: { prompt: '' } }, /required: input\.prompt/],
	['no function', { input: { function: undefined } }, /required: input\.function/],
	['another function', { input: { function: 'video-synthesis' } }, /function must be one of/],
	['another size', { parameters: { size: '1920*1080' } }, /size must be one of/],
	['four seconds', { parameters: { duration: 4 } }, /duration must be 5$/],
	['a resolution', { parameters: { resolution: '720P' } }, /resolution is not supported by wan/],
	['a seed too large', { parameters: { seed: 2147483648 } }, /seed/],
];

/** Both sides of a range, and what lies just outside. */
const range = (name: string, min: number, max: number, step: number) => ({
	accepted: [min, max].map((value): [string, Case] => [
		`${name} ${value}`,
		{ parameters: { [name]: value } },
	]),
	refused: [min - step, max + step, String(min)].map((value): [string, Case, RegExp] => [
		`${name} ${JSON.stringify(value)}`,
		{ parameters: { [name]: value } },
		new RegExp(`parameters\\.${name} (must be between ${min} and ${max}|should be a number)`),
	]),
});

const choices = (name: string, known: string[], unknown: string) => ({
	accepted: known.map((value): [string, Case] => [
		`${name} "${value}"`,
		{ parameters: { [name]: value } },
	]),
	refused: [
		[`${name} "${unknown}"`, { parameters: { [name]: unknown } }, new RegExp(`${name} must be`)],
	] as Table['refused'],
});

/** A table and more rows for it. */
function more(
	table: Omit<Table, 'refused'>,
	...rows: Array<{ accepted?: Table['accepted']; refused?: Table['refused'] }>
): Table {
	return {
		...table,
		accepted: [...table.accepted, ...rows.flatMap(({ accepted = [] }) => accepted)],
		refused: [...vaceRefused, ...rows.flatMap(({ refused = [] }) => refused)],
	};
}

const needsVideo: Table['refused'] = [
	['no video', { input: { video_url: undefined } }, /required: input\.video_url/],
	['a base64 video', { input: { video_url: 'data:video/mp4;base64,AA' } }, /base64/],
	['media', { input: { video_url: undefined, media: [item('video')] } }, /input\.video_url/],
];
const oneReference = {
	accepted: [['a reference', { input: { ref_images_url: [I] } }]] as Table['accepted'],
	refused: [
		['two references', { input: { ref_images_url: urls(2) } }, /0 to 1 URLs, got 2/],
		['a base64 reference', { input: { ref_images_url: [PNG] } }, /base64/],
		['a reference that is no list', { input: { ref_images_url: I } }, /should be an array/],
	] as Table['refused'],
};

const TABLES: Table[] = [
	wan3('wan3.0-video'),
	wan3('wan3.0-video-prime'),
	i2v('wan2.7-i2v'),
	i2v('wan2.7-i2v-2026-04-25'),
	happyHorse,
	more(
		vace('wanx2.1-vace-plus', 'image_reference', {
			input: { ref_images_url: urls(2) },
			parameters: { obj_or_bg: ['obj', 'bg'] },
		}),
		{
			accepted: [
				['one', { input: { ref_images_url: urls(1) }, parameters: { obj_or_bg: ['obj'] } }],
				[
					'three',
					{ input: { ref_images_url: urls(3) }, parameters: { obj_or_bg: ['obj', 'bg', 'obj'] } },
				],
			],
			refused: [
				['none', { input: { ref_images_url: [] } }, /1 to 3 URLs, got 0/],
				['no list', { input: { ref_images_url: undefined } }, /1 to 3 URLs, got 0/],
				['four', { input: { ref_images_url: urls(4) } }, /1 to 3 URLs, got 4/],
				['two backgrounds', { parameters: { obj_or_bg: ['bg', 'bg'] } }, /at most one bg/],
				['another length', { parameters: { obj_or_bg: ['obj'] } }, /as long as .*got 1 and 2/],
				['another kind', { parameters: { obj_or_bg: ['obj', 'fg'] } }, /obj_or_bg\[1\] must be/],
				['strength', { parameters: { strength: 1 } }, /strength is not supported/],
			],
		},
	),
	more(
		vace('wan2.1-vace-plus', 'video_repainting', {
			input: { video_url: V },
			parameters: { control_condition: 'depth' },
		}),
		oneReference,
		choices('control_condition', ['posebodyface', 'posebody', 'depth', 'scribble'], 'pose'),
		range('strength', 0, 1, 0.01),
		{ refused: needsVideo },
		{
			refused: [
				[
					'no condition',
					{ parameters: { control_condition: undefined } },
					/required: parameters\.control_condition/,
				],
				['mask_type', { parameters: { mask_type: 'fixed' } }, /mask_type is not supported/],
				['obj_or_bg', { parameters: { obj_or_bg: ['obj'] } }, /obj_or_bg is not supported/],
			],
		},
	),
	more(
		vace('wanx2.1-vace-plus', 'video_edit', {
			input: { video_url: V, mask_image_url: I },
			parameters: {},
		}),
		oneReference,
		choices('mask_type', ['tracking', 'fixed'], 'moving'),
		choices('expand_mode', ['hull', 'bbox', 'original'], 'circle'),
		choices('control_condition', ['posebodyface', 'depth', ''], 'scribble'),
		range('expand_ratio', 0, 1, 0.01),
		{ refused: needsVideo },
		{
			accepted: [
				['a frame', { input: { mask_frame_id: 1 } }],
				['a mask video', { input: { mask_image_url: undefined, mask_video_url: V } }],
			],
			refused: [
				['no mask', { input: { mask_image_url: undefined } }, /One of input\.mask_image_url/],
				['two masks', { input: { mask_video_url: V } }, /One of input\.mask_image_url .* not both/],
				['frame 0', { input: { mask_frame_id: 0 } }, /input\.mask_frame_id must be between 1/],
				[
					'a frame of a mask video',
					{ input: { mask_image_url: undefined, mask_video_url: V, mask_frame_id: 1 } },
					/mask_frame_id can only/,
				],
				[
					'a margin around what stays where it is',
					{ parameters: { mask_type: 'fixed', expand_ratio: 0.1 } },
					/expand_ratio can only be used with mask_type tracking/,
				],
				['a scale', { parameters: { top_scale: 1.5 } }, /top_scale is not supported/],
			],
		},
	),
	more(
		vace('wan2.1-vace-plus', 'video_extension', {
			input: { first_clip_url: V },
			parameters: {},
		}),
		{
			accepted: [
				['a first frame', { input: { first_clip_url: undefined, first_frame_url: I } }],
				['a last frame', { input: { first_clip_url: undefined, last_frame_url: I } }],
				['a last clip', { input: { first_clip_url: undefined, last_clip_url: V } }],
				['both ends', { input: { last_clip_url: V } }],
				['a guide', { input: { video_url: V }, parameters: { control_condition: 'posebodyface' } }],
			],
			refused: [
				['nothing', { input: { first_clip_url: undefined } }, /At least one of/],
				[
					'only a guide',
					{ input: { first_clip_url: undefined, video_url: V } },
					/At least one of input\.first_frame_url/,
				],
				[
					'a condition without a guide',
					{ parameters: { control_condition: 'depth' } },
					/control_condition can only be used with input\.video_url/,
				],
				[
					'another condition',
					{ input: { video_url: V }, parameters: { control_condition: 'scribble' } },
					/control_condition must be/,
				],
			],
		},
	),
	more(
		vace('wanx2.1-vace-plus', 'video_outpainting', { input: { video_url: V }, parameters: {} }),
		...['top_scale', 'bottom_scale', 'left_scale', 'right_scale'].map((name) =>
			range(name, 1, 2, 0.01),
		),
		{ refused: needsVideo },
	),
	{
		model: 'wan2.2-animate-mix',
		path: IMAGE2VIDEO_PATH,
		base: { input: { image_url: I, video_url: V }, parameters: { mode: 'wan-std' } },
		accepted: [
			['pro', { parameters: { mode: 'wan-pro', check_image: false } }],
			['a watermark', { input: { watermark: true } }],
			['what the SDKs add', { input: { prompt: null, extend_prompt: true, function: 'x' } }],
		],
		refused: [
			['no mode', { parameters: { mode: undefined } }, /required: parameters\.mode/],
			['another mode', { parameters: { mode: 'std' } }, /mode must be one of wan-std, wan-pro/],
			['no image', { input: { image_url: undefined } }, /required: input\.image_url/],
			['no video', { input: { video_url: '' } }, /required: input\.video_url/],
			['a base64 image', { input: { image_url: PNG } }, /base64/],
			['check_image 1', { parameters: { check_image: 1 } }, /check_image should be a boolean/],
			['watermark as a parameter', { parameters: { watermark: true } }, /watermark is not supp/],
		],
	},
];

const bodyOf = ({ model, base }: Table, { input, parameters }: Case = {}) => ({
	model,
	input: { ...base.input, ...input },
	parameters: { ...base.parameters, ...parameters },
});

const named = (table: Table) => [table.model, table.base.input.function].filter(Boolean).join(' ');

describe.each(TABLES.map((table) => [named(table), table] as const))('%s', (_name, table) => {
	beforeAll(() => sandbox.configure({ submitsPerSecond: 1000, slots: 5 }));

	it.each([['its plainest body', {}] as [string, Case], ...table.accepted])(
		'accepts %s',
		async (_what, change) => {
			const reply = await post(bodyOf(table, change), table.path);
			expect([reply.status, reply.json.message]).toEqual([200, undefined]);
			expect(sandbox.tasks()).toMatchObject([{ model: table.model }]);
		},
	);

	it.each(table.refused)('refuses %s', async (_what, change, message) => {
		const reply = await post(bodyOf(table, change), table.path);
		expect([reply.status, reply.json.code]).toEqual([400, 'InvalidParameter']);
		expect(reply.json.message).toMatch(message);
		expect(sandbox.tasks()).toEqual([]);
	});

	it('is served on its own path only', async () => {
		const other = table.path === undefined ? IMAGE2VIDEO_PATH : CREATE_PATH;
		const reply = await post(bodyOf(table), other);
		expect(reply.json).toMatchObject({
			code: 'InvalidParameter',
			message: 'url error, please check url!',
		});
	});

	it('is found in the task list by its name', async () => {
		const { json } = await post(bodyOf(table), table.path);
		const id = (json.output as Json).task_id;
		await createId(sandbox);
		const found = (await list(sandbox, `?model_name=${table.model}`)).json.data as Json[];
		const service = table.path === undefined ? 'video-generation' : 'image2video';
		expect(found).toMatchObject([
			{
				task_id: id,
				model_name: table.model,
				user_api_unique_key: `apikey:v1:aigc:${service}:video-synthesis:${table.model}`,
			},
		]);
	});
});

describe('limits of the account', () => {
	// Not to be set back once they are set, so each test has a sandbox whose models decide.
	const LIMITS = [
		['wan2.7-videoedit', { input: { media: [item('video')] } }, 5, 5],
		['wan2.7-i2v', { input: { media: [item('first_clip')] } }, 5, 5],
		['happyhorse-1.0-video-edit', { input: { prompt: 'x', media: [item('video')] } }, 10, 5],
		[
			'wanx2.1-vace-plus',
			{ input: { function: 'video_outpainting', prompt: 'x', video_url: V } },
			2,
			2,
		],
		[
			'wan2.2-animate-mix',
			{ input: { image_url: I, video_url: V }, parameters: { mode: 'wan-pro' } },
			5,
			1,
		],
	] as const;

	it('are those of each model', async () => {
		let now = Date.now();
		const own = await startSandbox({ jobSeconds: 60, now: () => now, queriesPerSecond: 1000 });
		own.outcome({ status: 'FAILED', times: 1000 });
		try {
			const submitted = LIMITS.map(async ([model, body, rate]) => {
				const path = model === 'wan2.2-animate-mix' ? IMAGE2VIDEO_PATH : CREATE_PATH;
				const calls = Array.from(
					{ length: 12 },
					async () => await post({ model, ...body }, path, own),
				);
				const statuses = (await Promise.all(calls)).map(({ status }) => status);
				expect([model, statuses.filter((status) => status === 200).length]).toEqual([model, rate]);
				expect(statuses.filter((status) => status === 429)).toHaveLength(12 - rate);
			});
			await Promise.all(submitted);
			now += 1000;
			for (const [model, body, , running] of LIMITS) {
				const path = model === 'wan2.2-animate-mix' ? IMAGE2VIDEO_PATH : CREATE_PATH;
				await post({ model, ...body }, path, own);
				await post({ model, ...body }, path, own);
				const mine = own.tasks().filter((task) => task.model === model);
				const runs = mine.filter(({ status }) => status === 'RUNNING').length;
				expect([model, runs]).toEqual([model, running]);
				// A model's tasks wait for their own kind only.
				expect(mine.slice(running).every(({ status }) => status === 'PENDING')).toBe(true);
			}
		} finally {
			await own.stop();
		}
	});

	it('can be set for all models', async () => {
		sandbox.configure({ submitsPerSecond: 3, slots: 1 });
		const body = { model: 'wan2.2-animate-mix', ...LIMITS[4][1] };
		const replies = [];
		for (let i = 0; i < 4; i++) replies.push((await post(body, IMAGE2VIDEO_PATH)).status);
		expect(replies).toEqual([200, 200, 200, 429]);
	});
});

describe('a region', () => {
	it.each([
		['cn-beijing', 'wanx2.1-vace-plus', 'wan2.1-vace-plus'],
		['ap-southeast-1', 'wan2.1-vace-plus', 'wanx2.1-vace-plus'],
	] as const)('%s knows %s and not %s', async (region, known, unknown) => {
		const own = await startSandbox({ region, submitsPerSecond: 100 });
		own.outcome({ status: 'FAILED', times: 100 });
		try {
			const input = { function: 'video_outpainting', prompt: 'x', video_url: V };
			expect((await post({ model: known, input }, CREATE_PATH, own)).status).toBe(200);
			expect((await post({ model: unknown, input }, CREATE_PATH, own)).json).toMatchObject({
				code: 'InvalidParameter',
				message: 'Model not exist.',
			});
			const media = [item('video')];
			const common = { model: 'wan2.7-videoedit', input: { media } };
			expect((await post(common, CREATE_PATH, own)).status).toBe(200);
			const listed = (await list(own)).json.data as Json[];
			expect(listed.map((task) => task.region)).toEqual([region, region]);
			const { output } = (await send(`${own.url}/api/v1/models`, { headers: bearer(own) })).json;
			const ids = (output as { models: Json[] }).models.map(({ model }) => model);
			expect(ids).toContain(known);
			expect(ids).not.toContain(unknown);
		} finally {
			await own.stop();
		}
	});
});

describe('the catalogue', () => {
	const page = async (search: string) =>
		(await send(`${sandbox.url}/api/v1/models${search}`, { headers: bearer(sandbox) })).json;

	it('wants the key', async () => {
		expect((await send(`${sandbox.url}/api/v1/models`)).status).toBe(401);
	});

	it('has pages, with all models that can be called and some that cannot', async () => {
		const all = (await page('?page_no=1&page_size=100')).output as {
			total: number;
			models: Array<{ model: string; name: string }>;
		};
		const ids = all.models.map(({ model }) => model);
		expect(all.total).toBe(ids.length);
		for (const { model } of TABLES) {
			if (!/\d{4}-\d\d-\d\d$/.test(model)) expect(ids).toContain(model);
		}
		expect(ids).toContain('qwen3-max');
		const second = await page('?page_no=2&page_size=3');
		expect(second.output).toMatchObject({ total: ids.length, page_no: 2, page_size: 3 });
		expect((second.output as typeof all).models.map(({ model }) => model)).toEqual(ids.slice(3, 6));
		expect((await page('?page_no=99')).output).toMatchObject({ models: [] });
		expect(await page('?page_no=0')).toMatchObject({ code: 'InvalidParameter' });
	});
});

it('reports a failed task of any model in the same way', async () => {
	const body = { input: { image_url: I, video_url: V }, parameters: { mode: 'wan-std' } };
	const { json } = await post({ model: 'wan2.2-animate-mix', ...body }, IMAGE2VIDEO_PATH);
	const id = String((json.output as Json).task_id);
	await query(sandbox, id);
	const answer = outputOf(await query(sandbox, id));
	expect(answer).toMatchObject({ task_status: 'FAILED', code: 'InternalError.Algo' });
	expect(answer).not.toHaveProperty('results');
});
