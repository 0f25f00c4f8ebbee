import { ALL_MODELS, idIn, priceListOf, specOf } from '../../../nodes/WanVideoEdit/models';
import { animateMix } from '../../../nodes/WanVideoEdit/models/animateMix';
import { happyHorse } from '../../../nodes/WanVideoEdit/models/happyHorse';
import type { ModelSpec, Values } from '../../../nodes/WanVideoEdit/models/spec';
import {
	vaceEdit,
	vaceExpand,
	vaceExtend,
	vaceReference,
	vaceRepaint,
} from '../../../nodes/WanVideoEdit/models/vacePlus';
import { validateRequest } from '../../../nodes/WanVideoEdit/models/validate';
import { wan27I2v } from '../../../nodes/WanVideoEdit/models/wan27I2v';
import { wan3Video, wan3VideoPrime } from '../../../nodes/WanVideoEdit/models/wan3Video';
import { checkMedia } from '../../../nodes/shared/media/sources';
import { taskOf } from '../../../nodes/WanVideoEdit/models/taskOf';
import { url } from '../requests';

// The requests of the API references, field for field.

interface Asked {
	prompt?: string;
	negativePrompt?: string;
	media: Array<[place: string, url: string]>;
	values?: Values;
	model?: string;
}

/** The call as it travels. */
async function callOf(
	spec: ModelSpec,
	{ media, values = {}, model = spec.id, ...texts }: Asked,
): Promise<{ body: unknown; path?: string }> {
	const request = {
		model,
		...texts,
		values,
		media: media.map(([place, address]) => ({ place, source: url(address, place) })),
	};
	const checked = await checkMedia(validateRequest(spec, request, true));
	const task = taskOf(spec, spec.fit?.(request, checked) ?? request, checked);
	const { body, path } = await task.call(async () => await Promise.reject(new Error('upload')), 0);
	return { body: JSON.parse(JSON.stringify(body)) as unknown, path };
}

const V = 'https://files.example/v.mp4';
const W = 'https://files.example/w.mp4';
const I = 'https://files.example/i.png';
const J = 'https://files.example/j.png';

const CASES: Array<[what: string, ModelSpec, Asked, body: object]> = [
	[
		'happyhorse-1.0-video-edit with an image',
		happyHorse,
		{
			prompt: 'Put the hat from Image 1 on her',
			media: [
				['video', V],
				['image', I],
			],
			values: { resolution: '720P', audio_setting: 'origin', watermark: false, seed: 7 },
		},
		{
			model: 'happyhorse-1.0-video-edit',
			input: {
				prompt: 'Put the hat from Image 1 on her',
				media: [
					{ type: 'video', url: V },
					{ type: 'reference_image', url: I },
				],
			},
			parameters: { resolution: '720P', audio_setting: 'origin', seed: 7, watermark: false },
		},
	],
	[
		'happyhorse-1.0-video-edit has no watermark that nobody asked for',
		happyHorse,
		{ prompt: 'x', media: [['video', V]], values: { resolution: '720P' } },
		{
			model: 'happyhorse-1.0-video-edit',
			input: { prompt: 'x', media: [{ type: 'video', url: V }] },
			parameters: { resolution: '720P', watermark: false },
		},
	],
	[
		'wan3.0-video as an edit keeps length and shape',
		wan3Video,
		{
			prompt: 'Make it night',
			media: [
				['video', V],
				['image', I],
			],
			values: { resolution: '480P' },
		},
		{
			model: 'wan3.0-video',
			input: {
				prompt: 'Make it night',
				media: [
					{ type: 'reference_video', url: V },
					{ type: 'reference_image', url: I },
				],
			},
			parameters: { resolution: '480P', ratio: 'adaptive', duration: -1 },
		},
	],
	[
		'wan3.0-video-prime with everything',
		wan3VideoPrime,
		{
			prompt: 'p',
			media: [['video', V]],
			values: {
				resolution: '1080P',
				ratio: '21:9',
				duration: 12,
				audio: false,
				prompt_extend: true,
				seed: 0,
				watermark: true,
			},
		},
		{
			model: 'wan3.0-video-prime',
			input: { prompt: 'p', media: [{ type: 'reference_video', url: V }] },
			parameters: {
				resolution: '1080P',
				ratio: '21:9',
				duration: 12,
				audio: false,
				prompt_extend: true,
				seed: 0,
				watermark: true,
			},
		},
	],
	[
		'wan2.7-i2v continues a clip',
		wan27I2v,
		{
			prompt: 'She waves',
			negativePrompt: 'blurry',
			media: [
				['video', V],
				['lastFrame', I],
			],
			values: { resolution: '720P', duration: 15, prompt_extend: false, seed: 1, watermark: false },
		},
		{
			model: 'wan2.7-i2v',
			input: {
				prompt: 'She waves',
				negative_prompt: 'blurry',
				media: [
					{ type: 'first_clip', url: V },
					{ type: 'last_frame', url: I },
				],
			},
			parameters: {
				resolution: '720P',
				duration: 15,
				prompt_extend: false,
				seed: 1,
				watermark: false,
			},
		},
	],
	[
		'vace image_reference',
		vaceReference,
		{
			prompt: 'A girl in a forest',
			media: [
				['image', I],
				['image', J],
			],
			values: { obj_or_bg: ['obj', 'bg'], size: '1280*720' },
		},
		{
			model: 'wan2.1-vace-plus',
			input: { function: 'image_reference', prompt: 'A girl in a forest', ref_images_url: [I, J] },
			parameters: { obj_or_bg: ['obj', 'bg'], size: '1280*720' },
		},
	],
	[
		'vace video_repainting',
		vaceRepaint,
		{
			prompt: 'A black steampunk car',
			media: [
				['video', V],
				['image', I],
			],
			values: { control_condition: 'depth', strength: 0.5, prompt_extend: false },
			model: 'wanx2.1-vace-plus',
		},
		{
			model: 'wanx2.1-vace-plus',
			input: {
				function: 'video_repainting',
				prompt: 'A black steampunk car',
				video_url: V,
				ref_images_url: [I],
			},
			parameters: { control_condition: 'depth', strength: 0.5, prompt_extend: false },
		},
	],
	[
		'vace video_edit with a mask image',
		vaceEdit,
		{
			prompt: 'A lion in the chair',
			media: [
				['video', V],
				['maskImage', I],
			],
			values: { mask_frame_id: 1, mask_type: 'tracking', expand_ratio: 0.05 },
		},
		{
			model: 'wan2.1-vace-plus',
			input: {
				function: 'video_edit',
				prompt: 'A lion in the chair',
				video_url: V,
				mask_image_url: I,
				mask_frame_id: 1,
			},
			parameters: { mask_type: 'tracking', expand_ratio: 0.05 },
		},
	],
	[
		'vace video_edit with a mask video and a reference',
		vaceEdit,
		{
			prompt: 'p',
			media: [
				['video', V],
				['maskVideo', W],
				['image', J],
			],
			values: { control_condition: 'posebodyface', size: '960*960' },
		},
		{
			model: 'wan2.1-vace-plus',
			input: {
				function: 'video_edit',
				prompt: 'p',
				video_url: V,
				mask_video_url: W,
				ref_images_url: [J],
			},
			parameters: { control_condition: 'posebodyface', size: '960*960' },
		},
	],
	[
		'vace video_extension with a clip',
		vaceExtend,
		{ prompt: 'A dog skates', media: [['firstClip', V]], values: { control_condition: 'depth' } },
		{
			model: 'wan2.1-vace-plus',
			input: { function: 'video_extension', prompt: 'A dog skates', first_clip_url: V },
			parameters: {},
		},
	],
	[
		'vace video_extension with everything',
		vaceExtend,
		{
			prompt: 'p',
			media: [
				['firstFrame', I],
				['lastFrame', J],
				['lastClip', V],
				['guide', W],
			],
			values: { control_condition: 'depth', seed: 3 },
		},
		{
			model: 'wan2.1-vace-plus',
			input: {
				function: 'video_extension',
				prompt: 'p',
				first_frame_url: I,
				last_frame_url: J,
				last_clip_url: V,
				video_url: W,
			},
			parameters: { control_condition: 'depth', seed: 3 },
		},
	],
	[
		'vace video_outpainting',
		vaceExpand,
		{
			prompt: 'A street',
			media: [['video', V]],
			values: { shape: 'custom', top_scale: 1.5, bottom_scale: 1.5, left_scale: 1, right_scale: 2 },
		},
		{
			model: 'wan2.1-vace-plus',
			input: { function: 'video_outpainting', prompt: 'A street', video_url: V },
			parameters: { top_scale: 1.5, bottom_scale: 1.5, left_scale: 1, right_scale: 2 },
		},
	],
];

test.each(CASES)('the body of %s', async (_what, spec, asked, body) => {
	expect((await callOf(spec, asked)).body).toEqual(body);
});

test('wan2.2-animate-mix goes to a path of its own', async () => {
	const call = await callOf(animateMix, {
		media: [
			['video', V],
			['person', I],
		],
		values: { mode: 'wan-pro', watermark: true, check_image: false },
	});
	expect(call).toEqual({
		path: '/services/aigc/image2video/video-synthesis',
		body: {
			model: 'wan2.2-animate-mix',
			input: { video_url: V, image_url: I, watermark: true },
			parameters: { mode: 'wan-pro', check_image: false },
		},
	});
});

describe('which model an ID means', () => {
	test.each(ALL_MODELS.map((spec) => [spec.id, spec] as const))('%s', (id, spec) => {
		expect(specOf(id)?.id).toBe(spec.id);
		expect(specOf(`${id}-2026-04-25`)?.id).toBe(spec.id);
	});

	test.each(['', 'wan9', 'wan2.7-videoedit-pro', 'wan2.7-videoedit-2026', 'WAN2.7-VIDEOEDIT'])(
		'none by %j',
		(id) => {
			expect(specOf(id)).toBeUndefined();
			expect(priceListOf(id)).toBeUndefined();
		},
	);

	test.each([
		['https://dashscope.aliyuncs.com', 'wanx2.1-vace-plus'],
		['https://ws-1.cn-beijing.maas.aliyuncs.com', 'wanx2.1-vace-plus'],
		['https://vpc-cn-beijing.dashscope.aliyuncs.com', 'wanx2.1-vace-plus'],
		['https://cn-beijing.example.com.evil.example', 'wan2.1-vace-plus'],
		['https://dashscope-intl.aliyuncs.com', 'wan2.1-vace-plus'],
		['http://127.0.0.1:8787', 'wan2.1-vace-plus'],
	])('at %s the VACE model is %s', (baseUrl, expected) => {
		expect(idIn(vaceExpand, baseUrl)).toBe(expected);
		expect(specOf(expected)?.id).toBe('wan2.1-vace-plus');
		expect(idIn(wan27I2v, baseUrl)).toBe('wan2.7-i2v');
	});
});
