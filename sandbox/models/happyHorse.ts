import { onlyVideo, type ImageLimits, type Media, type VideoLimits } from '../media';
import { RESOLUTIONS } from '../sizes';
import { SEED, type Model } from './model';
import { AUDIO_SETTINGS, instructionEdit } from './videoEdit';

// happyhorse-1.0-video-edit, https://help.aliyun.com/zh/model-studio/happyhorse-video-edit-api-reference
// Two versions of that page name different sides (320–2160, 360–4096): whatever one of them allows.

const VIDEO: VideoLimits = {
	kind: 'video',
	formats: ['mp4', 'mov'],
	megabytes: 100,
	seconds: [3, 60],
	side: [320, 4096],
	aspect: 2.5,
	minFps: 8,
};

const IMAGE: ImageLimits = {
	kind: 'image',
	formats: ['jpeg', 'png', 'webp'],
	megabytes: 20,
	side: [300, Infinity],
	aspect: 2.5,
	inline: true,
};

/** Only the beginning of a longer video is used. */
const USED_SECONDS = 15;

/** 5000 characters, or 2500 Chinese ones. */
const length = (character: string) => (/\p{Script=Han}/u.test(character) ? 2 : 1);

export const happyHorse: Model = {
	ids: { 'happyhorse-1.0-video-edit': 'everywhere' },
	service: 'video-generation',
	submitsPerSecond: 10,
	running: 5,
	read(input, parameters) {
		input.require('prompt');
		const prompt = input.text('prompt', 5000, length);
		const media = input.media({
			video: { limits: VIDEO, count: [1, 1] },
			reference_image: { limits: IMAGE, count: [0, 5] },
		});
		const resolution = parameters.choice('resolution', RESOLUTIONS) ?? '1080P';
		const audio = parameters.choice('audio_setting', AUDIO_SETTINGS) ?? 'auto';
		const watermark = parameters.flag('watermark') ?? true;
		parameters.integer('seed', SEED);
		const plan = (files: Media[]) => {
			const seconds = Math.min(onlyVideo(files).probe.seconds, USED_SECONDS);
			const edit = { prompt, resolution, seconds, billedInput: seconds, audio, watermark };
			return instructionEdit(files, edit);
		};
		return { prompt, media, plan };
	},
};
