import { Composition, NEW_SOUND } from '../compose';
import { TaskFailure } from '../errors';
import { audiosOf, imagesOf, videosOf } from '../media';
import type { AudioLimits, ImageLimits, Media, VideoLimits } from '../media';
import { OUTPUT_FPS } from '../render';
import { RESOLUTIONS, sizeOfShape, tierNumber } from '../sizes';
import { continued } from './continued';
import { invalid } from './fields';
import { SEED, secondsUsage, type Model } from './model';

// wan3.0-video and the faster wan3.0-video-prime,
// https://help.aliyun.com/zh/model-studio/wan3-video-generation-api-reference (without file and link)

const VIDEO: VideoLimits = {
	kind: 'video',
	formats: ['mp4', 'mov'],
	megabytes: 100,
	seconds: [1, 15],
	side: [240, 4096],
	aspect: 8,
	minFps: 16,
};

const IMAGE: ImageLimits = {
	kind: 'image',
	formats: ['jpeg', 'png', 'bmp', 'webp'],
	megabytes: 20,
	side: [240, 8000],
	inline: true,
};

const AUDIO: AudioLimits = { kind: 'audio', formats: ['wav', 'mp3'], megabytes: 15 };

/** For all reference videos together, and for all reference audios. */
const MOST_REFERENCE_SECONDS = 15;
/** Input and output together. */
const MOST_SECONDS = 30;

const RATIOS = ['21:9', '16:9', '4:3', '1:1', '3:4', '9:16'] as const;

const shapeOf = (ratio: string) => {
	const [across = 1, up = 1] = ratio.split(':').map(Number);
	return across / up;
};

/** As usage names it. */
const nearestRatio = (shape: number) =>
	[...RATIOS].sort(
		(a, b) => Math.abs(Math.log(shapeOf(a) / shape)) - Math.abs(Math.log(shapeOf(b) / shape)),
	)[0] ?? '16:9';

export const wan3: Model = {
	ids: { 'wan3.0-video': 'everywhere', 'wan3.0-video-prime': 'everywhere' },
	service: 'video-generation',
	// Not in the rate table that is at hand; those of the other Wan models.
	submitsPerSecond: 5,
	running: 5,
	read(input, parameters) {
		const prompt = input.text('prompt', 20_000);
		const types = {
			reference_video: { limits: VIDEO, count: [0, 5] },
			reference_image: { limits: IMAGE, count: [0, 10] },
			reference_audio: { limits: AUDIO, count: [0, 5] },
			first_frame: { limits: IMAGE, count: [0, 1] },
			last_frame: { limits: IMAGE, count: [0, 1] },
		} as const;
		const media = input.media(types, true);
		const has = (part: string) => media.some(({ type }) => type.includes(part));
		if (prompt === '' && media.length === 0) throw invalid('Field required: input.prompt');
		if (has('_frame') && has('reference_')) {
			throw invalid(
				'The two modes are mutually exclusive: first_frame and last_frame cannot be combined with reference_video, reference_image or reference_audio.',
			);
		}
		if (has('last_frame') && !has('first_frame')) {
			throw invalid('input.media: last_frame requires first_frame');
		}
		const resolution = parameters.choice('resolution', ['480P', ...RESOLUTIONS]) ?? '1080P';
		const ratio = parameters.choice('ratio', ['adaptive', ...RATIOS]) ?? 'adaptive';
		const duration = parameters.integer('duration', [2, 30], -1) ?? 5;
		const audible = parameters.flag('audio') ?? true;
		parameters.flag('prompt_extend');
		const watermark = parameters.flag('watermark') ?? false;
		parameters.integer('seed', SEED, -1);

		const plan = (files: Media[]) => {
			const videos = videosOf(files);
			const sounds = audiosOf(files);
			const input = checkTotal('video', videos);
			checkTotal('audio', sounds);
			const [source, ...otherVideos] = videos;
			const automatic = source === undefined ? 5 : Math.max(2, source.probe.seconds);
			const seconds = duration === -1 ? automatic : duration;
			if (input + seconds > MOST_SECONDS + 0.5) {
				throw new TaskFailure(
					'InvalidParameter',
					`The input videos and the output together must not exceed ${MOST_SECONDS}s, got ${input}s and ${seconds}s.`,
				);
			}
			const images = imagesOf(files);
			const [shaping = { probe: { width: 16, height: 9 } }] = [...videos, ...images];
			const shape =
				ratio === 'adaptive' ? shaping.probe.width / shaping.probe.height : shapeOf(ratio);
			const scene = new Composition(sizeOfShape(resolution, shape));
			const [first] = imagesOf(files, 'first_frame');
			const [last] = imagesOf(files, 'last_frame');
			let shown: string;
			if (first !== undefined) {
				shown = continued(scene, { head: first, tail: last, seconds, prompt });
			} else {
				const base =
					source === undefined ? scene.invented(seconds) : scene.fitted(scene.looped(source));
				const changed = scene.changed(base, prompt);
				shown =
					source === undefined
						? scene.scattered(changed, images)
						: scene.thumbnails(changed, [...otherVideos, ...images]);
			}
			let sound: string | undefined;
			if (audible) {
				if (sounds[0] !== undefined) sound = scene.sound(sounds[0]);
				else if (source?.probe.hasAudio) sound = scene.sound(source, NEW_SOUND);
				else sound = scene.inventedSound();
			}
			const usage = secondsUsage(input, seconds, tierNumber(resolution));
			return {
				render: scene.plan(shown, seconds, { sound, watermark }),
				usage: { ...usage, fps: OUTPUT_FPS, ratio: nearestRatio(shape) },
				output: { orig_prompt: prompt },
			};
		};
		return { prompt, media, plan };
	},
};

function checkTotal(kind: string, media: Array<{ probe: { seconds: number } }>): number {
	const total = media.reduce((sum, { probe }) => sum + probe.seconds, 0);
	if (total > MOST_REFERENCE_SECONDS + 0.1) {
		throw new TaskFailure(
			'InvalidFile.Duration',
			`Invalid file duration, the total duration of reference ${kind} must not exceed ${MOST_REFERENCE_SECONDS}s, got ${total.toFixed(2)}s.`,
		);
	}
	return total;
}
