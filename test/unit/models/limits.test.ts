import { InputError } from '../../../nodes/shared/inputError';
import type { CheckedMedia } from '../../../nodes/shared/media/sources';
import { ALL_MODELS } from '../../../nodes/WanVideoEdit/models';
import type { ModelRequest, ModelSpec, Values } from '../../../nodes/WanVideoEdit/models/spec';
import {
	scalesFor,
	vaceEdit,
	vaceExpand,
	vaceExtend,
	vaceReference,
	vaceRepaint,
} from '../../../nodes/WanVideoEdit/models/vacePlus';
import { validateRequest } from '../../../nodes/WanVideoEdit/models/validate';
import { wan27I2v } from '../../../nodes/WanVideoEdit/models/wan27I2v';
import { animateMix } from '../../../nodes/WanVideoEdit/models/animateMix';
import { wan3Video } from '../../../nodes/WanVideoEdit/models/wan3Video';
import { url } from '../requests';

// One table over all models: each limit has a value just inside and one just outside.

/** The least that a model needs. */
function requestOf(spec: ModelSpec, more: Partial<ModelRequest> = {}): ModelRequest {
	const media = spec.slots.flatMap(({ place, least }) =>
		Array.from({ length: least }, () => ({
			place,
			source: url(`https://f.example/${place}`, place),
		})),
	);
	const values: Values = {};
	for (const [name, rule] of Object.entries(spec.values)) {
		if (rule.kind === 'choice' && rule.required) values[name] = rule.of[0];
	}
	return {
		model: spec.id,
		prompt: spec.prompt.required ? 'p' : '',
		media,
		...more,
		values: { ...values, ...more.values },
	};
}

function refusal(check: () => unknown): InputError | undefined {
	try {
		check();
		return undefined;
	} catch (error) {
		if (!(error instanceof InputError)) throw error;
		expect(error.hint).toMatch(/^[A-Z0-9].*\.$/);
		return error;
	}
}

const validate = (spec: ModelSpec, more?: Partial<ModelRequest>) =>
	refusal(() => validateRequest(spec, requestOf(spec, more), true));

describe.each(ALL_MODELS.map((spec, index) => [`${spec.id} ${index}`, spec] as const))(
	'%s',
	(_name, spec) => {
		test('takes the least that it needs', () => {
			expect(validate(spec)).toBeUndefined();
		});

		test('takes a prompt of its length and no longer', () => {
			const { most } = spec.prompt;
			expect(validate(spec, { prompt: 'x'.repeat(most) })).toBeUndefined();
			expect(validate(spec, { prompt: 'x'.repeat(most + 1) })?.message).toBe(
				`'Prompt' has ${most + 1} characters; the limit is ${most}`,
			);
		});

		test('needs a prompt or not', () => {
			const refused = validate(spec, { prompt: '' });
			expect(refused?.message).toBe(spec.prompt.required ? "'Prompt' is empty" : undefined);
		});

		test('takes a negative prompt or not', () => {
			const { negativePrompt: most } = spec;
			expect(validate(spec, { negativePrompt: 'x'.repeat(most ?? 0) })).toBeUndefined();
			const refused = validate(spec, { negativePrompt: 'x'.repeat((most ?? 0) + 1) });
			expect(refused?.message).toContain("'Negative Prompt'");
			if (most === undefined) expect(refused?.message).toContain(`not a setting of ${spec.id}`);
		});

		test.each(spec.slots.map((slot) => [slot.place, slot] as const))(
			'takes as many files of %s as it does',
			(place, { least, most, noun }) => {
				const media = (count: number) => [
					...requestOf(spec).media.filter((one) => one.place !== place),
					...Array.from({ length: count }, (_, index) => ({
						place,
						source: url(`https://f.example/${index}`),
					})),
				];
				expect(validate(spec, { media: media(most) })).toBeUndefined();
				const refused = validate(spec, { media: media(most + 1) });
				expect(refused?.message).toBe(`There are ${most + 1} ${noun}s; the limit is ${most}`);
				expect(refused?.hint).toContain(spec.id);
				if (least > 0) {
					expect(validate(spec, { media: media(least - 1) })?.message).toBe(`There is no ${noun}`);
				}
			},
		);

		test('takes no file that it has no place for', () => {
			const media = [
				...requestOf(spec).media,
				{ place: 'elsewhere', source: url('https://f.example/x', 'Soundtrack URL') },
			];
			expect(validate(spec, { media })?.message).toBe(
				`'Soundtrack URL' is not a setting of ${spec.id}`,
			);
		});

		test.each(Object.entries(spec.values))('takes %s in its limits', (name, rule) => {
			const set = (value: Values[string]) => validate(spec, { values: { [name]: value } });
			switch (rule.kind) {
				case 'boolean':
					expect([set(true), set(false)]).toEqual([undefined, undefined]);
					break;
				case 'choice':
					for (const one of rule.of) expect(set(one)).toBeUndefined();
					expect(set('something else')?.message).toBe(
						`'${rule.label}' is "something else", which ${spec.id} does not take`,
					);
					expect(set('something else')?.hint).toContain(spec.id);
					break;
				case 'choices':
					expect(set([...rule.of])).toBeUndefined();
					expect(set([...rule.of, 'x'])?.message).toBe(
						`'${rule.label}' is "x", which ${spec.id} does not take`,
					);
					break;
				case 'integer':
				case 'number': {
					const step = rule.kind === 'integer' ? 1 : 0.001;
					for (const value of [rule.min, rule.max, rule.also ?? rule.min]) {
						expect(set(value)).toBeUndefined();
					}
					for (const value of [rule.min - step, rule.max + step, NaN, Infinity]) {
						if (value === rule.also) continue;
						expect(set(value)?.message).toBe(
							`'${rule.label}' is ${value}; the limit is ${rule.min} to ${rule.max}`,
						);
					}
					if (rule.kind === 'integer') expect(set(rule.min + 0.5)).toBeDefined();
				}
			}
		});

		test('takes no value of another model, and says so before anything is sent', () => {
			const foreign = ALL_MODELS.flatMap(({ values }) => Object.entries(values)).find(
				([name]) => !(name in spec.values),
			);
			const [name = '', rule] = foreign ?? [];
			const value = rule?.kind === 'choice' ? rule.of[0] : 2;
			const refused = validate(spec, { values: { [name]: value } });
			expect(refused?.message).toMatch(new RegExp(`^'.+' is not a setting of ${spec.id}$`));
		});
	},
);

const media = (type: string, facts: CheckedMedia['facts'] = {}): CheckedMedia => ({
	type,
	inline: false,
	field: type,
	facts,
	from: 'url',
	url: `https://f.example/${type}`,
});

const fit = (spec: ModelSpec, files: CheckedMedia[], values: Values = {}) =>
	refusal(() => spec.fit?.({ ...requestOf(spec), values }, files));

describe('what only the files tell', () => {
	test('a continuation is longer than the video that it begins with', () => {
		const clip = (seconds: number) => [media('first_clip', { seconds })];
		expect(fit(wan27I2v, clip(4.99), { duration: 5 })).toBeUndefined();
		expect(fit(wan27I2v, clip(4.99))).toBeUndefined();
		expect(fit(wan27I2v, clip(5), { duration: 5 })?.message).toBe(
			"'Duration' is 5 seconds, but the video alone is 5 seconds long",
		);
		expect(fit(wan27I2v, clip(6.123))?.message).toContain('6.12 seconds long');
		expect(fit(wan27I2v, [media('first_clip')], { duration: 2 })).toBeUndefined();
	});

	test('a video and its result are 30 seconds together where the model says so', () => {
		const clip = (seconds: number) => [media('reference_video', { seconds })];
		expect(fit(wan3Video, clip(15), { duration: 15 })).toBeUndefined();
		expect(fit(wan3Video, clip(9.98), { duration: 20 })).toBeUndefined();
		expect(fit(wan3Video, clip(15))).toBeUndefined();
		expect(fit(wan3Video, clip(15), { duration: -1 })).toBeUndefined();
		expect(fit(wan3Video, [media('reference_video')], { duration: 30 })).toBeUndefined();
		expect(fit(wan3Video, clip(10.2), { duration: 25 })?.message).toBe(
			"'Duration' is 25 seconds and the video has 10; the limit for both together is 30",
		);
	});

	test('a mask is as large as its video', () => {
		const video = media('video_url', { width: 1280, height: 720 });
		const mask = (width: number, height: number) => media('mask_image_url', { width, height });
		expect(fit(vaceEdit, [video, mask(1280, 720)])).toBeUndefined();
		expect(fit(vaceEdit, [video, media('mask_image_url')])).toBeUndefined();
		expect(fit(vaceEdit, [media('video_url'), mask(1, 1)])).toBeUndefined();
		expect(fit(vaceEdit, [video, mask(1280, 721)])?.message).toBe(
			"'mask_image_url' is 1280 × 721 pixels, but the video is 1280 × 720",
		);
	});

	test('there is one mask', () => {
		const video = media('video_url');
		const both = [video, media('mask_image_url'), media('mask_video_url')];
		expect(fit(vaceEdit, [video])?.message).toBe('There is no mask');
		expect(fit(vaceEdit, both)?.message).toBe('There is both a mask image and a mask video');
	});

	test('settings of a mask apply to that kind of mask', () => {
		const image = [media('video_url'), media('mask_image_url')];
		const video = [media('video_url'), media('mask_video_url')];
		expect(fit(vaceEdit, image, { mask_frame_id: 3, expand_ratio: 0.1 })).toBeUndefined();
		expect(fit(vaceEdit, video, { mask_frame_id: 3 })?.message).toContain("'Mask Frame'");
		const fixed = { mask_type: 'fixed', expand_mode: 'hull' };
		expect(fit(vaceEdit, image, fixed)?.message).toContain("'Expand Mode'");
		expect(fit(vaceEdit, video, { mask_type: 'tracking' })?.message).toContain("'Mask Type'");
		expect(fit(vaceEdit, video, { expand_ratio: 0.1 })?.message).toContain("'Expand Ratio'");
	});

	test('the frame of a mask is one of those that are used', () => {
		const files = (facts: CheckedMedia['facts']) => [
			media('video_url', facts),
			media('mask_image_url'),
		];
		const frame = (mask_frame_id: number) => ({ mask_frame_id });
		expect(fit(vaceEdit, files({ fps: 16, seconds: 5 }), frame(81))).toBeUndefined();
		expect(fit(vaceEdit, files({ fps: 16, seconds: 5 }), frame(82))?.message).toBe(
			"'Mask Frame' is 82, but the part of the video that is used has 81 frames",
		);
		expect(fit(vaceEdit, files({ fps: 60, seconds: 12 }), frame(301))).toBeUndefined();
		expect(fit(vaceEdit, files({ fps: 24, seconds: 2 }), frame(50))?.message).toContain(
			'49 frames',
		);
		expect(fit(vaceEdit, files({}), frame(500))).toBeUndefined();
	});

	test('an extension needs something to extend', () => {
		expect(fit(vaceExtend, [])?.message).toBe('There is nothing to extend');
		expect(fit(vaceExtend, [media('video_url')])?.message).toBe('There is nothing to extend');
		expect(fit(vaceExtend, [media('first_frame_url')])).toBeUndefined();
		const guided = [media('last_clip_url'), media('video_url')];
		expect(fit(vaceExtend, guided)?.message).toBe("'Keep From the Motion Guide' is empty");
		expect(fit(vaceExtend, guided, { control_condition: 'depth' })).toBeUndefined();
	});

	test('two clips are three seconds long together, as far as they are used', () => {
		const clips = (first?: number, last?: number) => [
			media('first_clip_url', { seconds: first }),
			media('last_clip_url', { seconds: last }),
		];
		expect(fit(vaceExtend, [media('first_clip_url', { seconds: 60 })])).toBeUndefined();
		expect(fit(vaceExtend, clips(1.5, 1.5))).toBeUndefined();
		expect(fit(vaceExtend, clips(60))).toBeUndefined();
		expect(fit(vaceExtend, clips(2, 1.5))?.message).toBe(
			"'First Clip' and 'Last Clip' are 3.5 seconds long together; the limit is 3",
		);
	});

	test('each of several images has a kind', () => {
		const kindsOf = (count: number, values: Values = {}) => {
			const { media: [image] = [], ...request } = requestOf(vaceReference);
			const images = Array.from({ length: count }, () => image).flatMap((one) => one ?? []);
			return vaceReference.fit?.({ ...request, media: images, values }, []).values.obj_or_bg;
		};
		expect(kindsOf(1)).toBeUndefined();
		expect(kindsOf(3)).toEqual(['obj', 'obj', 'obj']);
		expect(kindsOf(2, { obj_or_bg: ['bg', 'obj'] })).toEqual(['bg', 'obj']);
	});

	test('one image at most is the background', () => {
		expect(fit(vaceReference, [], { obj_or_bg: ['bg', 'obj'] })).toBeUndefined();
		expect(fit(vaceReference, [], { obj_or_bg: ['bg', 'obj', 'bg'] })?.message).toBe(
			'2 images are set to Background',
		);
	});

	test('a repainting keeps something of the video', () => {
		const request = { ...requestOf(vaceRepaint), values: {} };
		expect(refusal(() => validateRequest(vaceRepaint, request, true))?.message).toBe(
			"'Keep From the Video' is empty",
		);
	});
});

describe('the bill of a model without resolutions', () => {
	// Its guide says that output is billed, input is not.
	test.each([
		[vaceRepaint, 3.2, 3.2],
		[vaceEdit, 12, 5],
		[vaceExpand, 5, 5],
		[animateMix, 29, 29],
	])('is the output: %#', (spec, seconds, output) => {
		expect(spec.billed({}, seconds)).toEqual({ input: 0, output });
		expect(spec.billed({})).toBeUndefined();
	});

	test('is five seconds where there is no video to follow', () => {
		for (const spec of [vaceExtend, vaceReference]) {
			expect(spec.billed({})).toEqual({ input: 0, output: 5 });
		}
	});

	test('has a tier that the usage of the task will name', () => {
		expect(vaceEdit.tier?.({})).toBe('standard');
		expect(['wan-std', 'wan-pro'].map((mode) => animateMix.tier?.({ mode }))).toEqual([
			'standard',
			'pro',
		]);
	});
});

test('of a model that chooses the length itself the most is told as well', () => {
	expect(wan3Video.billed({}, 5)).toEqual({ input: 5, output: 5 });
	expect(wan3Video.mostBilled?.({}, 5)).toEqual({ input: 5, output: 25 });
	expect(wan3Video.mostBilled?.({ duration: 8 }, 5)).toEqual({ input: 5, output: 8 });
	expect(wan3Video.mostBilled?.({ duration: -1 }, 5)).toEqual({ input: 5, output: 25 });
	expect(wan3Video.mostBilled?.({})).toBeUndefined();
});

describe('the shape that a frame is expanded to', () => {
	const none = { top_scale: 1, bottom_scale: 1, left_scale: 1, right_scale: 1 };

	test.each([
		['1:1', 1280, 720, { ...none, top_scale: 1.389, bottom_scale: 1.389 }],
		['16:9', 720, 720, { ...none, left_scale: 1.389, right_scale: 1.389 }],
		['4:3', 1280, 720, { ...none, top_scale: 1.167, bottom_scale: 1.167 }],
		// The model can at most double a side.
		['9:16', 1280, 720, { ...none, top_scale: 2, bottom_scale: 2 }],
		['16:9', 720, 1280, { ...none, left_scale: 2, right_scale: 2 }],
	])('%s of %d × %d', (shape, width, height, expected) => {
		const scales = scalesFor(shape, width, height);
		expect(scales).toEqual(expected);
		const [across = 0, down = 1] = shape.split(':').map(Number);
		const wide = width * (scales.left_scale + scales.right_scale - 1);
		const tall = height * (scales.top_scale + scales.bottom_scale - 1);
		expect(Math.abs(wide / tall / (across / down) - 1)).toBeLessThan(0.06);
	});

	test('is refused where the video has it, and where it is too far away', () => {
		expect(refusal(() => scalesFor('16:9', 1920, 1080))?.message).toContain('is 16:9 already');
		expect(refusal(() => scalesFor('9:16', 2000, 500))?.message).toContain('the limit is 3 times');
	});

	test('is worked out from the size of the video, and is not sent itself', () => {
		const request = { ...requestOf(vaceExpand), values: { shape: '1:1' } };
		const fitted = vaceExpand.fit?.(request, [media('video_url', { width: 1280, height: 720 })]);
		expect(fitted?.values).toEqual({ ...none, top_scale: 1.389, bottom_scale: 1.389 });
		expect(fit(vaceExpand, [media('video_url')], { shape: '1:1' })?.message).toContain('not known');
	});

	test('may be chosen by hand, but something is to be added', () => {
		expect(fit(vaceExpand, [media('video_url')], { shape: 'custom' })?.message).toContain(
			'Nothing would be added',
		);
		const custom = { shape: 'custom', left_scale: 1.2 };
		expect(fit(vaceExpand, [media('video_url')], custom)).toBeUndefined();
	});
});
