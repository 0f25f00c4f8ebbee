import { Composition, type Box } from '../compose';
import { TaskFailure } from '../errors';
import { imagesOf, onlyVideo, videosOf } from '../media';
import type { ImageLimits, Media, MediaItem, VideoLimits } from '../media';
import { brightBox } from '../probe';
import { outputSize, sizeOfShape, type Size } from '../sizes';
import { continued } from './continued';
import { invalid, type Fields } from './fields';
import { cents, SEED, type Model, type Plan } from './model';

// wanx2.1-vace-plus (Beijing) = wan2.1-vace-plus (Singapore), five functions in one model,
// https://help.aliyun.com/zh/model-studio/wanx-vace-api-reference and the guide wan-vace-guide

const VIDEO: VideoLimits = {
	kind: 'video',
	formats: ['mp4'],
	megabytes: 50,
	side: [360, 2000],
	minFps: 16,
};

const IMAGE: ImageLimits = {
	kind: 'image',
	formats: ['jpeg', 'png', 'bmp', 'webp'],
	megabytes: 10,
	side: [360, 2000],
	inline: false,
	alpha: true,
};

/** Of a result, and of an input video that is used. */
const MOST_SECONDS = 5;
/** Of a clip to extend, and of both together. */
const MOST_CLIP_SECONDS = 3;

const SIZES = ['1280*720', '720*1280', '960*960', '832*1088', '1088*832'] as const;

/** What all functions know. */
interface Common {
	prompt: string;
	size: (typeof SIZES)[number] | undefined;
	watermark: boolean;
}

interface Reading {
	media: MediaItem[];
	plan(media: Media[]): Plan | Promise<Plan>;
}

const FUNCTIONS = {
	image_reference: imageReference,
	video_repainting: repainting,
	video_edit: localEdit,
	video_extension: extension,
	video_outpainting: outpainting,
};

type FunctionName = keyof typeof FUNCTIONS;

const isFunction = (name: string): name is FunctionName => name in FUNCTIONS;

export const vace: Model = {
	ids: { 'wanx2.1-vace-plus': 'cn-beijing', 'wan2.1-vace-plus': 'ap-southeast-1' },
	service: 'video-generation',
	submitsPerSecond: 2,
	running: 2,
	read(input, parameters) {
		input.require('function');
		const name = input.choice('function', Object.keys(FUNCTIONS)) ?? '';
		if (!isFunction(name)) throw invalid('input.function is invalid');
		input.require('prompt');
		const prompt = input.text('prompt', 800);
		// The API reference lists it for two functions only; what the others do with it is not known.
		const size = parameters.choice('size', SIZES);
		parameters.integer('duration', [MOST_SECONDS, MOST_SECONDS]);
		const extend = parameters.flag('prompt_extend') ?? true;
		parameters.integer('seed', SEED);
		const watermark = parameters.flag('watermark') ?? false;
		const { media, plan } = FUNCTIONS[name](input, parameters, { prompt, size, watermark });
		const output = {
			orig_prompt: prompt,
			...(extend ? { actual_prompt: `${prompt} Rich in detail, natural light.` } : {}),
		};
		return { prompt, media, plan: async (files) => ({ ...(await plan(files)), output }) };
	},
};

function imageReference(input: Fields, parameters: Fields, common: Common): Reading {
	const media = input.urls('ref_images_url', IMAGE, [1, 3]);
	const kinds = parameters.choices('obj_or_bg', ['obj', 'bg']) ?? media.map(() => 'obj');
	if (kinds.length !== media.length) {
		throw invalid(
			`parameters.obj_or_bg must be as long as input.ref_images_url, got ${kinds.length} and ${media.length}`,
		);
	}
	if (kinds.filter((kind) => kind === 'bg').length > 1) {
		throw invalid('parameters.obj_or_bg must contain at most one bg');
	}
	const plan = (files: Media[]) => {
		const images = imagesOf(files);
		const scene = new Composition(sizeNamed(common.size ?? SIZES[0]));
		const background = images.find((_image, index) => kinds[index] === 'bg');
		const behind =
			background === undefined
				? scene.invented(MOST_SECONDS)
				: scene.zoomed(scene.picture(background, MOST_SECONDS), 'in', MOST_SECONDS);
		const objects = images.filter((image) => image !== background);
		const shown = scene.scattered(scene.changed(behind, common.prompt), objects);
		return finish(scene, shown, MOST_SECONDS, common);
	};
	return { media, plan };
}

const REPAINTING_CONDITIONS = ['posebodyface', 'posebody', 'depth', 'scribble'] as const;
/** Empty for none. */
const OTHER_CONDITIONS = ['posebodyface', 'depth', ''] as const;

function repainting(input: Fields, parameters: Fields, common: Common): Reading {
	input.require('video_url');
	const media = [...input.url('video_url', VIDEO), ...input.urls('ref_images_url', IMAGE, [0, 1])];
	// One list of parameters has it required, the guide optional: who always sends it suits both.
	parameters.require('control_condition');
	parameters.choice('control_condition', REPAINTING_CONDITIONS);
	parameters.number('strength', [0, 1]);
	const plan = (files: Media[]) => {
		const { scene, video, seconds } = sceneOf(files, common);
		const changed = scene.changed(scene.picture(video, seconds), common.prompt);
		return finish(scene, scene.thumbnails(changed, imagesOf(files)), seconds, common);
	};
	return { media, plan };
}

function localEdit(input: Fields, parameters: Fields, common: Common): Reading {
	input.require('video_url');
	if (input.has('mask_image_url') === input.has('mask_video_url')) {
		throw invalid('One of input.mask_image_url and input.mask_video_url is required, not both');
	}
	const media = [
		...input.url('video_url', VIDEO),
		...input.url('mask_image_url', IMAGE),
		...input.url('mask_video_url', VIDEO),
		...input.urls('ref_images_url', IMAGE, [0, 1]),
	];
	const maskFrame = input.integer('mask_frame_id', [1, Number.MAX_SAFE_INTEGER]) ?? 1;
	if (input.has('mask_frame_id') && input.has('mask_video_url')) {
		throw invalid('input.mask_frame_id can only be used with input.mask_image_url');
	}
	parameters.choice('control_condition', OTHER_CONDITIONS);
	const type = parameters.choice('mask_type', ['tracking', 'fixed']) ?? 'tracking';
	const ratio = parameters.number('expand_ratio', [0, 1]) ?? 0.05;
	parameters.choice('expand_mode', ['hull', 'bbox', 'original']);
	for (const name of ['expand_ratio', 'expand_mode']) {
		if (type === 'fixed' && parameters.has(name)) {
			throw invalid(`parameters.${name} can only be used with mask_type tracking`);
		}
	}

	const plan = async (files: Media[]) => {
		const { scene, video, seconds } = sceneOf(files, common);
		const [mask] = [...imagesOf(files, 'mask_image_url'), ...videosOf(files, 'mask_video_url')];
		if (mask === undefined) throw new Error('a request without a mask was let in');
		const [size, maskSize] = [video, mask].map(
			({ probe: { width, height } }) => `${width}x${height}`,
		);
		if (size !== maskSize) {
			throw new TaskFailure(
				'InvalidParameter',
				`The size is not match, the mask is ${maskSize}, the video ${size}.`,
			);
		}
		const frames = Math.floor(video.probe.fps * seconds) + 1;
		if (maskFrame > frames) {
			throw new TaskFailure(
				'InvalidParameter',
				`mask_frame_id must be between 1 and ${frames}, got ${maskFrame}.`,
			);
		}
		const [kept, copy] = scene.twice(scene.picture(video, seconds));
		let changed = scene.changed(copy, common.prompt);
		const [reference] = imagesOf(files, 'ref_images_url');
		if (reference !== undefined) {
			changed = scene.placed(changed, reference, await brightBox(mask.path));
		}
		const area = scene.picture(mask, seconds);
		// What is tracked is taken with a margin around it.
		const margin = Math.round((ratio * Math.min(scene.size.width, scene.size.height)) / 4);
		const grown = `boxblur=${margin}:1,lutyuv=y='if(gt(val,20),255,0)'`;
		const wider =
			type === 'tracking' && margin > 0 ? scene.chain([area], `format=gray,${grown}`) : area;
		return finish(scene, scene.masked(kept, changed, wider), seconds, common);
	};
	return { media, plan };
}

function extension(input: Fields, parameters: Fields, common: Common): Reading {
	const media = [
		...input.url('first_clip_url', VIDEO),
		...input.url('first_frame_url', IMAGE),
		...input.url('last_clip_url', VIDEO),
		...input.url('last_frame_url', IMAGE),
	];
	if (media.length === 0) {
		throw invalid(
			'At least one of input.first_frame_url, input.last_frame_url, input.first_clip_url and input.last_clip_url is required',
		);
	}
	media.push(...input.url('video_url', VIDEO));
	const condition = parameters.choice('control_condition', OTHER_CONDITIONS);
	if (condition && !input.has('video_url')) {
		throw invalid('parameters.control_condition can only be used with input.video_url');
	}
	const plan = (files: Media[]) => {
		const edge = (side: string) =>
			videosOf(files, `${side}_clip_url`)[0] ?? imagesOf(files, `${side}_frame_url`)[0];
		const [head, tail] = [edge('first'), edge('last')];
		const clips = ['first', 'last'].flatMap((side) => videosOf(files, `${side}_clip_url`));
		const together = clips
			.map(({ probe }) => Math.min(probe.seconds, MOST_CLIP_SECONDS))
			.reduce((sum, seconds) => sum + seconds, 0);
		if (together > MOST_CLIP_SECONDS + 0.1) {
			throw new TaskFailure(
				'InvalidParameter',
				`The first clip and the last clip are ${together.toFixed(2)} s long together, at most ${MOST_CLIP_SECONDS} s are allowed.`,
			);
		}
		const { width, height } = (head ?? tail)?.probe ?? { width: 16, height: 9 };
		const scene = new Composition(sizeFor(common.size, width / height));
		const shown = continued(scene, {
			head,
			tail,
			seconds: MOST_SECONDS,
			prompt: common.prompt,
			mostClipSeconds: MOST_CLIP_SECONDS,
			guide: videosOf(files, 'video_url')[0],
		});
		return finish(scene, shown, MOST_SECONDS, common);
	};
	return { media, plan };
}

function outpainting(input: Fields, parameters: Fields, common: Common): Reading {
	input.require('video_url');
	const media = input.url('video_url', VIDEO);
	const scale = (side: string) => parameters.number(`${side}_scale`, [1, 2]) ?? 1;
	const [top, bottom, left, right] = [scale('top'), scale('bottom'), scale('left'), scale('right')];
	// "Setting left_scale to 1.5 expands the left side to 1.5 times the original width": half a width
	// more, on that side.
	const across = left + right - 1;
	const up = top + bottom - 1;
	const plan = (files: Media[]) => {
		const video = onlyVideo(files);
		const { width, height } = video.probe;
		const seconds = Math.min(video.probe.seconds, MOST_SECONDS);
		const scene = new Composition(sizeFor(common.size, (width * across) / (height * up)));
		const inner: Box = {
			x: (left - 1) / across,
			y: (top - 1) / up,
			width: 1 / across,
			height: 1 / up,
		};
		const shown = scene.framed(video, seconds, inner, common.prompt);
		return finish(scene, shown, seconds, common);
	};
	return { media, plan };
}

const sizeNamed = (size: string): Size => {
	const [width = 0, height = 0] = size.split('*').map(Number);
	return { width, height };
};

/** Without a size: that of the 720P tier in the shape of the input. */
const sizeFor = (size: Common['size'], shape: number) =>
	size === undefined ? sizeOfShape('720P', shape) : sizeNamed(size);

function sceneOf(files: Media[], { size }: Common) {
	const video = onlyVideo(files, 'video_url');
	const seconds = Math.min(video.probe.seconds, MOST_SECONDS);
	const full = size === undefined ? outputSize('720P', undefined, video.probe) : sizeNamed(size);
	return { scene: new Composition(full), video, seconds };
}

/** Silent, always. */
function finish(scene: Composition, shown: string, seconds: number, { watermark }: Common): Plan {
	return {
		render: scene.plan(shown, seconds, { watermark }),
		usage: {
			video_duration: cents(seconds),
			video_ratio: 'standard',
			video_count: 1,
		},
	};
}
