import { Composition, NEW_SOUND } from '../compose';
import { imagesOf, onlyVideo } from '../media';
import type { ImageLimits, Media, VideoLimits } from '../media';
import { outputSize, RATIOS, RESOLUTIONS, tierNumber, type Ratio, type Resolution } from '../sizes';
import { secondsUsage, SEED, type Model, type Plan } from './model';

// wan2.7-videoedit, https://help.aliyun.com/zh/model-studio/wan-video-editing-api-reference

/** Of wan2.7 altogether. */
export const WAN27_VIDEO: VideoLimits = {
	kind: 'video',
	formats: ['mp4', 'mov'],
	megabytes: 100,
	seconds: [2, 10],
	side: [240, 4096],
	aspect: 8,
};

export const WAN27_IMAGE: ImageLimits = {
	kind: 'image',
	formats: ['jpeg', 'png', 'bmp', 'webp'],
	megabytes: 20,
	side: [240, 8000],
	aspect: 8,
	inline: true,
};

export const AUDIO_SETTINGS = ['auto', 'origin'] as const;

export const videoEdit: Model = {
	ids: { 'wan2.7-videoedit': 'everywhere' },
	snapshots: true,
	service: 'video-generation',
	submitsPerSecond: 5,
	running: 5,
	read(input, parameters) {
		const prompt = input.text('prompt', 5000);
		input.text('negative_prompt', 500);
		const media = input.media({
			video: { limits: WAN27_VIDEO, count: [1, 1] },
			reference_image: { limits: WAN27_IMAGE, count: [0, 4] },
		});
		const resolution = parameters.choice('resolution', RESOLUTIONS) ?? '1080P';
		const ratio = parameters.choice('ratio', RATIOS);
		const duration = parameters.integer('duration', [2, 10], 0) ?? 0;
		const audio = parameters.choice('audio_setting', AUDIO_SETTINGS) ?? 'auto';
		parameters.flag('prompt_extend');
		const watermark = parameters.flag('watermark') ?? false;
		parameters.integer('seed', SEED);
		const plan = (files: Media[]) => {
			const whole = onlyVideo(files).probe.seconds;
			// The duration cuts; it never makes a clip longer. Whether a cut clip is billed whole or only in
			// part is not documented: here whole.
			const seconds = duration === 0 ? whole : Math.min(duration, whole);
			const edit = { prompt, resolution, ratio, seconds, billedInput: whole, audio, watermark };
			return instructionEdit(files, edit);
		};
		return { prompt, media, plan };
	},
};

export interface InstructionEdit {
	prompt: string;
	resolution: Resolution;
	ratio?: Ratio;
	/** Of the result. */
	seconds: number;
	/** Seconds of the input that are billed. */
	billedInput: number;
	audio: (typeof AUDIO_SETTINGS)[number];
	watermark: boolean;
}

/** The whole picture changed, with the reference images along the upper edge. */
export function instructionEdit(files: Media[], edit: InstructionEdit): Plan {
	const video = onlyVideo(files);
	const { prompt, resolution, seconds, watermark } = edit;
	const scene = new Composition(outputSize(resolution, edit.ratio, video.probe));
	const changed = scene.changed(scene.picture(video, seconds), prompt);
	const shown = scene.thumbnails(changed, imagesOf(files));
	const filters = edit.audio === 'auto' ? NEW_SOUND : '';
	const sound = video.probe.hasAudio ? scene.sound(video, filters) : undefined;
	return {
		render: scene.plan(shown, seconds, { sound, watermark }),
		usage: secondsUsage(edit.billedInput, seconds, tierNumber(resolution)),
		output: { orig_prompt: prompt },
	};
}
