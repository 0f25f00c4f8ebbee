import { Composition } from '../compose';
import { imagesOf, onlyVideo, type ImageLimits, type Media, type VideoLimits } from '../media';
import { outputSize } from '../sizes';
import { cents, type Model } from './model';

// wan2.2-animate-mix: the person of a picture takes the place of the one in a video,
// https://help.aliyun.com/zh/model-studio/wan-animate-mix-api

const VIDEO: VideoLimits = {
	kind: 'video',
	formats: ['mp4', 'avi', 'mov'],
	megabytes: 200,
	seconds: [2, 30],
	side: [200, 2048],
	aspect: 3,
};

const IMAGE: ImageLimits = {
	kind: 'image',
	formats: ['jpeg', 'png', 'bmp', 'webp'],
	megabytes: 5,
	side: [200, 4096],
	aspect: 3,
	inline: false,
	alpha: true,
};

export const animateMix: Model = {
	ids: { 'wan2.2-animate-mix': 'everywhere' },
	service: 'image2video',
	submitsPerSecond: 5,
	running: 1,
	resultAt: 'results.video_url',
	uploadMegabytes: VIDEO.megabytes,
	read(input, parameters) {
		for (const name of ['image_url', 'video_url']) input.require(name);
		const media = [...input.url('image_url', IMAGE), ...input.url('video_url', VIDEO)];
		const watermark = input.flag('watermark') ?? false;
		parameters.require('mode');
		const mode = parameters.choice('mode', ['wan-std', 'wan-pro']);
		parameters.flag('check_image');

		const plan = (files: Media[]) => {
			const video = onlyVideo(files);
			const { seconds, width, hasAudio } = video.probe;
			const scene = new Composition(outputSize('720P', undefined, video.probe));
			const [person] = imagesOf(files);
			const place = { x: 0.3, y: 0.25, width: 0.4, height: 0.7 };
			const shown = scene.picture(video, seconds);
			return {
				render: scene.plan(
					person === undefined ? shown : scene.placed(shown, person, place, width / 16),
					seconds,
					{ sound: hasAudio ? scene.sound(video) : undefined, watermark },
				),
				usage: {
					video_duration: cents(seconds),
					video_ratio: mode === 'wan-pro' ? 'pro' : 'standard',
				},
			};
		};
		return { prompt: '', media, plan };
	},
};
