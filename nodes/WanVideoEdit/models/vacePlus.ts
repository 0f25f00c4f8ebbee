/** The five functions of wan2.1-vace-plus, in Beijing wanx2.1-vace-plus (guide and API reference read 2026-11). */
import type { JsonRecord } from '../../shared/dashscope/types';
import { InputError } from '../../shared/inputError';
import { MEGABYTE, TOLERANCE_SECONDS } from '../../shared/media/limits';
import type { CheckedMedia, ResolvedMedia } from '../../shared/media/sources';
import type { MediaLimits } from '../../shared/media/types';
import { checkSameSize, onlyWithOf } from './checks';
import { PROMPT_EXTEND, RATIOS, SEED, WATERMARK } from './limits';
import { slot, valuesIn } from './spec';
import type { ModelRequest, ModelSpec, ValueRule } from './spec';

/** The longest that a result is, and the most of a video that is used. Seconds. */
const MOST_SECONDS = 5;

/** The most of a clip to extend that is used, and the longest that both may be together. Seconds. */
const MOST_CLIP_SECONDS = 3;

const SIDES = { minSide: 360, maxSide: 2000, maxRatio: 8 };

const VACE_VIDEO: MediaLimits = {
	kind: 'video',
	formats: ['mp4'],
	maxBytes: 50 * MEGABYTE,
	...SIDES,
	usedSeconds: MOST_SECONDS,
	minFps: 16,
};

const VACE_CLIP: MediaLimits = { ...VACE_VIDEO, usedSeconds: MOST_CLIP_SECONDS };

/** TIFF, which the model takes as well, is not read by this node. */
const VACE_IMAGE: MediaLimits = {
	kind: 'image',
	formats: ['jpg', 'png', 'bmp', 'webp'],
	maxBytes: 10 * MEGABYTE,
	...SIDES,
};

const COMMON = { prompt_extend: PROMPT_EXTEND, seed: SEED, watermark: WATERMARK };

const SIZES = ['1280*720', '720*1280', '960*960', '832*1088', '1088*832'] as const;
const SIZE: ValueRule = { label: 'Size', kind: 'choice', of: SIZES };

const UNUSED = { least: 0 };
const VIDEO = slot('video', 'video_url', 'video', VACE_VIDEO);
const REFERENCE = slot('image', 'ref_images_url', 'reference image', VACE_IMAGE, UNUSED);

/** @param name of the function in the API */
function vace<const V extends ModelSpec['values']>(
	name: string,
	own: Pick<ModelSpec, 'slots' | 'fit'> & { values: V },
): ModelSpec & { values: V } {
	const spec: ModelSpec & { values: V } = {
		id: 'wan2.1-vace-plus',
		name: 'Wan 2.1 VACE Plus (Edit Area, Expand Frame, Repaint, Extend, From Reference Images)',
		beijingId: 'wanx2.1-vace-plus',
		createsPerSecond: 2,
		prompt: { most: 800, required: true },
		tier: () => 'standard',
		billed: (_, seconds) => outputOnly(spec, seconds),
		...own,
		values: { ...own.values, ...COMMON },
		body: (request, media) => flatBody(name, spec, request, media),
	};
	return spec;
}

/** Only output is billed: as long as the video, at most five seconds; without a video it is always five. */
function outputOnly({ slots }: ModelSpec, seconds: number | undefined) {
	const output = slots.includes(VIDEO) ? seconds : MOST_SECONDS;
	return output === undefined ? undefined : { input: 0, output: Math.min(output, MOST_SECONDS) };
}

function flatBody(
	name: string,
	{ slots, values }: ModelSpec,
	{ model, prompt, values: set }: ModelRequest,
	media: ResolvedMedia[],
): JsonRecord {
	const input: JsonRecord = { function: name, prompt };
	for (const { type } of slots) {
		const urls = media.filter((one) => one.type === type).map(({ url }) => url);
		// Reference images are a list, also a single one.
		if (urls.length > 0) input[type] = type === REFERENCE.type ? urls : urls[0];
	}
	const { mask_frame_id, ...parameters } = valuesIn({ values }, set);
	return { model, input: { ...input, mask_frame_id }, parameters };
}

export const vaceRepaint = vace('video_repainting', {
	slots: [VIDEO, REFERENCE],
	values: {
		control_condition: {
			label: 'Keep From the Video',
			kind: 'choice',
			of: ['posebodyface', 'posebody', 'depth', 'scribble'],
			required: true,
		},
		strength: { label: 'Strength', kind: 'number', min: 0, max: 1 },
	},
});

/** The most frames that the used part of a video can have, at 120 a second. */
const MOST_FRAMES = 120 * MOST_SECONDS + 1;

export const vaceEdit = vace('video_edit', {
	slots: [
		VIDEO,
		slot('maskImage', 'mask_image_url', 'mask image', VACE_IMAGE, UNUSED),
		slot('maskVideo', 'mask_video_url', 'mask video', VACE_VIDEO, UNUSED),
		REFERENCE,
	],
	values: {
		mask_frame_id: { label: 'Mask Frame', kind: 'integer', min: 1, max: MOST_FRAMES },
		mask_type: { label: 'Mask Type', kind: 'choice', of: ['tracking', 'fixed'] },
		expand_ratio: { label: 'Expand Ratio', kind: 'number', min: 0, max: 1 },
		expand_mode: { label: 'Expand Mode', kind: 'choice', of: ['hull', 'bbox', 'original'] },
		control_condition: {
			label: 'Keep From the Video',
			kind: 'choice',
			of: ['posebodyface', 'depth'],
		},
		size: SIZE,
	},
	fit(request, media) {
		const masks = media.filter(({ type }) => type.startsWith('mask_'));
		const [mask] = masks;
		if (mask === undefined || masks.length > 1) {
			throw new InputError(
				mask === undefined ? 'There is no mask' : 'There is both a mask image and a mask video',
				'Give one of them: a mask image (white where to edit, black where to keep), or a mask video.',
			);
		}
		checkSameSize(media[0], mask);
		const onlyWith = onlyWithOf(vaceEdit, request);
		const ofImage = ['mask_frame_id', 'mask_type', 'expand_ratio', 'expand_mode'];
		onlyWith(mask.type === 'mask_image_url', 'a mask image', ...ofImage);
		checkMaskFrame(request, media[0]);
		const tracks = request.values.mask_type !== 'fixed';
		onlyWith(tracks, "'Mask Type' Tracking", 'expand_ratio', 'expand_mode');
		return request;
	},
});

/** @throws InputError for a frame that the video, as far as that is known, does not have */
function checkMaskFrame({ values }: ModelRequest, video: CheckedMedia | undefined): void {
	const { fps, seconds } = video?.facts ?? {};
	const { mask_frame_id: frame } = values;
	if (fps === undefined || seconds === undefined || frame === undefined) return;
	const most = Math.floor(fps * Math.min(seconds, MOST_SECONDS)) + 1;
	if (Number(frame) <= most) return;
	throw new InputError(
		`'Mask Frame' is ${String(frame)}, but the part of the video that is used has ${most} frames`,
		`Enter a number from 1 to ${most}.`,
	);
}

/** @throws InputError for two clips that are too long together, as far as their lengths are known */
function checkClips(media: CheckedMedia[]): void {
	const clips = media.filter(({ type }) => type.endsWith('_clip_url'));
	const seconds = clips.map(({ facts }) => Math.min(facts.seconds ?? 0, MOST_CLIP_SECONDS));
	const together = seconds.reduce((sum, one) => sum + one, 0);
	if (together <= MOST_CLIP_SECONDS + TOLERANCE_SECONDS) return;
	throw new InputError(
		`'First Clip' and 'Last Clip' are ${Math.round(together * 100) / 100} seconds long together; the limit is ${MOST_CLIP_SECONDS}`,
		"Shorten them, for instance with 'Video: Split', or give only one of them.",
	);
}

export const vaceExtend = vace('video_extension', {
	slots: [
		slot('firstFrame', 'first_frame_url', 'first frame', VACE_IMAGE, UNUSED),
		slot('lastFrame', 'last_frame_url', 'last frame', VACE_IMAGE, UNUSED),
		slot('firstClip', 'first_clip_url', 'first clip', VACE_CLIP, UNUSED),
		slot('lastClip', 'last_clip_url', 'last clip', VACE_CLIP, UNUSED),
		slot('guide', 'video_url', 'motion guide', VACE_VIDEO, UNUSED),
	],
	values: {
		control_condition: {
			label: 'Keep From the Motion Guide',
			kind: 'choice',
			of: ['posebodyface', 'depth'],
		},
	},
	fit(request, media) {
		checkClips(media);
		if (media.every(({ type }) => type === 'video_url')) {
			throw new InputError(
				'There is nothing to extend',
				'Give at least one of these: first clip, last clip, first frame, last frame.',
			);
		}
		const guided = media.some(({ type }) => type === 'video_url');
		const { control_condition, ...others } = request.values;
		if (!guided) return { ...request, values: others };
		if (control_condition !== undefined) return request;
		throw new InputError(
			"'Keep From the Motion Guide' is empty",
			"Add it under 'Options', and choose what the result takes from the motion guide.",
		);
	},
});

export const vaceReference = vace('image_reference', {
	slots: [{ ...REFERENCE, least: 1, most: 3 }],
	values: {
		obj_or_bg: { label: 'Shows', kind: 'choices', of: ['obj', 'bg'] },
		size: SIZE,
	},
	fit(request) {
		// Where there are several images, each needs a kind.
		const unnamed = request.media.length > 1 ? request.media.map(() => 'obj') : undefined;
		const { obj_or_bg: kinds = unnamed } = request.values;
		const backgrounds = Array.isArray(kinds) ? kinds.filter((kind) => kind === 'bg').length : 0;
		if (backgrounds <= 1) return { ...request, values: { ...request.values, obj_or_bg: kinds } };
		throw new InputError(
			`${backgrounds} images are set to Background`,
			'Only one image can be the background: set the others to Object.',
		);
	},
});

const SCALE = { kind: 'number', min: 1, max: 2 } as const;

/** Each side grows to this many times the video's width or height. */
export type Scales = Record<'top_scale' | 'bottom_scale' | 'left_scale' | 'right_scale', number>;

export const vaceExpand = vace('video_outpainting', {
	slots: [VIDEO],
	values: {
		top_scale: { label: 'Top', ...SCALE },
		bottom_scale: { label: 'Bottom', ...SCALE },
		left_scale: { label: 'Left', ...SCALE },
		right_scale: { label: 'Right', ...SCALE },
		/** Not of the API: the shape that the scales are worked out for. */
		shape: { label: 'Expand To', kind: 'choice', of: [...RATIOS, 'custom'] },
	},
	fit(request, [video]) {
		const { shape, ...values } = request.values;
		if (shape === undefined || shape === 'custom') {
			if (
				Object.entries(values).some(([name, value]) => name.endsWith('_scale') && Number(value) > 1)
			) {
				return { ...request, values };
			}
			throw new InputError(
				"Nothing would be added to the frame: 'Top', 'Bottom', 'Left' and 'Right' are all 1",
				"Set at least one of them to more than 1, or choose a shape in 'Expand To'.",
			);
		}
		const { width, height } = video?.facts ?? {};
		if (width === undefined || height === undefined) {
			throw new InputError(
				`The size of the video in '${video?.field ?? 'Video'}' is not known, so the frame cannot be expanded to ${String(shape)}`,
				"Use a binary file, or choose 'Custom' in 'Expand To' and enter how far to expand.",
			);
		}
		return { ...request, values: { ...values, ...scalesFor(String(shape), width, height) } };
	},
});

/**
 * By what factor a scale may exceed what the service allows: it is cut down then, and the result is that much too
 * wide, as where 16:9 becomes 9:16.
 */
const CLOSE_ENOUGH = 1.06;

/**
 * The scales that give a video another shape, half of the new area on either side.
 * @param shape such as "9:16"
 * @throws InputError where the video has that shape already, or would have to grow more than the model allows
 */
export function scalesFor(shape: string, width: number, height: number): Scales {
	const [across = 1, down = 1] = shape.split(':').map(Number);
	/** How many times as wide as it is the video would have to be; below 1 it has to be taller. */
	const growth = (across / down) * (height / width);
	const times = Math.max(growth, 1 / growth);
	if (times < 1.01) {
		throw new InputError(
			`The video is ${width} × ${height} pixels, which is ${shape} already`,
			"Choose another shape in 'Expand To'.",
		);
	}
	const side = 1 + (times - 1) / 2;
	if (side > SCALE.max * CLOSE_ENOUGH) {
		throw new InputError(
			`To become ${shape}, the video of ${width} × ${height} pixels would have to be ${Math.round(times * 10) / 10} times as ${growth > 1 ? 'wide' : 'tall'}; the limit is 3 times`,
			"Choose a shape in 'Expand To' that is closer to that of the video, or crop the video first.",
		);
	}
	const scale = Math.min(SCALE.max, Math.round(side * 1000) / 1000);
	const none = { top_scale: 1, bottom_scale: 1, left_scale: 1, right_scale: 1 };
	return growth > 1
		? { ...none, left_scale: scale, right_scale: scale }
		: { ...none, top_scale: scale, bottom_scale: scale };
}
