import { encodeUrl } from '../../../nodes/shared/media/urls';
import type { ModelRequest } from '../../../nodes/WanVideoEdit/models/spec';
import { wan27VideoEdit } from '../../../nodes/WanVideoEdit/models/wan27VideoEdit';
import { HEADS, MODEL, VIDEO_URL, binary, editOf, fileOf, requestOf, url } from '../requests';
import type { Asked } from '../requests';

/** The body as it travels. */
const sent = (request: ModelRequest, ...urls: string[]): unknown =>
	JSON.parse(
		JSON.stringify(
			wan27VideoEdit.body(
				request,
				urls.map((address, index) => ({
					type: index === 0 ? 'video' : 'reference_image',
					url: address,
				})),
			),
		),
	);

describe('the body of the create call', () => {
	test('of a minimal request holds model, media and resolution only', () => {
		expect(sent(requestOf(), VIDEO_URL)).toEqual({
			model: MODEL,
			input: { media: [{ type: 'video', url: VIDEO_URL }] },
			parameters: { resolution: '720P' },
		});
	});

	test('of a full request holds everything that was set', () => {
		const request = requestOf({
			model: 'wan2.7-videoedit-2026-06-12',
			prompt: 'The rider wears the coat from Image 1',
			negativePrompt: 'blurry',
			values: {
				resolution: '1080P',
				ratio: '9:16',
				duration: 5,
				audio_setting: 'origin',
				prompt_extend: false,
				seed: 12345,
				watermark: true,
			},
		});
		expect(
			sent(request, 'oss://v.mp4', 'data:image/png;base64,AA==', 'https://i.example/2'),
		).toEqual({
			model: 'wan2.7-videoedit-2026-06-12',
			input: {
				prompt: 'The rider wears the coat from Image 1',
				negative_prompt: 'blurry',
				media: [
					{ type: 'video', url: 'oss://v.mp4' },
					{ type: 'reference_image', url: 'data:image/png;base64,AA==' },
					{ type: 'reference_image', url: 'https://i.example/2' },
				],
			},
			parameters: {
				resolution: '1080P',
				ratio: '9:16',
				duration: 5,
				audio_setting: 'origin',
				prompt_extend: false,
				seed: 12345,
				watermark: true,
			},
		});
	});

	test('keeps what is set to nothing: 0 and false are values', () => {
		const request = requestOf({
			values: { duration: 0, seed: 0, prompt_extend: false, watermark: false },
		});
		expect(sent(request, VIDEO_URL)).toMatchObject({
			parameters: { duration: 0, seed: 0, prompt_extend: false, watermark: false },
		});
	});

	test('leaves empty texts out', () => {
		const body = sent(requestOf({ prompt: '', negativePrompt: '' }), VIDEO_URL);
		expect(body).toHaveProperty('input', { media: [{ type: 'video', url: VIDEO_URL }] });
	});
});

describe('the fingerprint of a request', () => {
	const BASE: Asked = {
		prompt: 'p',
		negativePrompt: 'n',
		images: [url('https://i.example/1'), url('https://i.example/2')],
		values: {
			ratio: '1:1',
			duration: 5,
			audio_setting: 'auto',
			prompt_extend: true,
			seed: 1,
			watermark: false,
		},
	};
	const fingerprint = async ({ values, ...change }: Asked = {}) =>
		(await editOf({ ...BASE, ...change, values: { ...BASE.values, ...values } })).fingerprint;

	test('is the same for the same edit', async () => {
		expect(await fingerprint()).toBe(await fingerprint());
		expect(await fingerprint()).toMatch(/^[0-9a-f]{32}$/);
	});

	test.each<[string, Asked]>([
		['model', { model: 'other' }],
		['prompt', { prompt: 'q' }],
		['negative prompt', { negativePrompt: 'm' }],
		['video', { video: url('https://files.example/other.mp4') }],
		['an image', { images: [url('https://i.example/1'), url('https://i.example/3')] }],
		['the order of images', { images: [url('https://i.example/2'), url('https://i.example/1')] }],
		['number of images', { images: [url('https://i.example/1')] }],
		['resolution', { values: { resolution: '1080P' } }],
		['ratio', { values: { ratio: '3:4' } }],
		['no ratio', { values: { ratio: undefined } }],
		['duration', { values: { duration: 0 } }],
		['audio', { values: { audio_setting: 'origin' } }],
		['prompt extension', { values: { prompt_extend: undefined } }],
		['seed', { values: { seed: 2 } }],
		['watermark', { values: { watermark: undefined } }],
	])('is another for another edit: %s', async (_name, change) => {
		expect(await fingerprint(change)).not.toBe(await fingerprint());
	});

	test('goes by the identity of a file, not by its name or the field it came from', async () => {
		const video = async (identity: string, fileName: string, field: string) =>
			await fingerprint({ video: binary(fileOf(HEADS.mp4, { identity, fileName }), field) });
		expect(await video('a', 'one.mp4', 'data')).toBe(await video('a', 'two.mp4', 'file'));
		expect(await video('a', 'one.mp4', 'data')).not.toBe(await video('b', 'one.mp4', 'data'));
	});

	test('does not depend on whether a missing text is empty or absent', async () => {
		expect(await fingerprint({ prompt: '' })).toBe(await fingerprint({ prompt: undefined }));
	});
});

describe('URLs on their way to DashScope', () => {
	test.each([
		'https://files.example/a%20b.mp4?Expires=1&Signature=a%2Bb%2F%3D&x=%E8%A7%86',
		"https://files.example/a'(b)*!$,;:@[c]{d}|e^f`g~h#i",
		'oss://dashscope-instant/a/b.mp4',
		'https://files.example/a+b?c=d+e',
	])('%s stays untouched', (address) => {
		expect(encodeUrl(address)).toBe(address);
	});

	test.each([
		['https://files.example/视频.mp4', 'https://files.example/%E8%A7%86%E9%A2%91.mp4'],
		['https://files.example/my ride.mp4', 'https://files.example/my%20ride.mp4'],
		['https://files.example/é.mp4?s=a%2Bb', 'https://files.example/%C3%A9.mp4?s=a%2Bb'],
		['https://files.example/🎬.mp4', 'https://files.example/%F0%9F%8E%AC.mp4'],
		['https://files.example/a\tb', 'https://files.example/a%09b'],
		['https://视频.example/a b.mp4?c=é', 'https://xn--cy2a840a.example/a%20b.mp4?c=%C3%A9'],
		['http://me:pw@München.example:81/a', 'http://me:pw@xn--mnchen-3ya.example:81/a'],
		['https://files.example/@é/a', 'https://files.example/@%C3%A9/a'],
		// The header for uploads is decided by the lower case.
		['OSS://Bucket/Clip.MP4', 'oss://Bucket/Clip.MP4'],
	])('%s is encoded where it must be', (address, expected) => {
		expect(encodeUrl(address)).toBe(expected);
	});
});
