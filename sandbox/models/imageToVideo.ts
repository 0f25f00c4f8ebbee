import { Composition } from '../compose';
import { TaskFailure } from '../errors';
import { audiosOf, imagesOf, videosOf } from '../media';
import type { AudioLimits, Media } from '../media';
import { outputSize, RESOLUTIONS, tierNumber } from '../sizes';
import { continued } from './continued';
import { invalid } from './fields';
import { SEED, secondsUsage, type Model } from './model';
import { WAN27_IMAGE, WAN27_VIDEO } from './videoEdit';

// wan2.7-i2v, https://help.aliyun.com/zh/model-studio/image-to-video-general-api-reference

const AUDIO: AudioLimits = {
	kind: 'audio',
	formats: ['wav', 'mp3'],
	megabytes: 15,
	seconds: [2, 30],
};

export const imageToVideo: Model = {
	ids: { 'wan2.7-i2v': 'everywhere' },
	snapshots: true,
	service: 'video-generation',
	submitsPerSecond: 5,
	running: 5,
	read(input, parameters) {
		const prompt = input.text('prompt', 5000);
		input.text('negative_prompt', 500);
		const media = input.media({
			first_clip: { limits: WAN27_VIDEO, count: [0, 1] },
			first_frame: { limits: WAN27_IMAGE, count: [0, 1] },
			last_frame: { limits: WAN27_IMAGE, count: [0, 1] },
			driving_audio: { limits: AUDIO, count: [0, 1] },
		});
		const has = (wanted: string) => media.some(({ type }) => type === wanted);
		if (has('first_frame') === has('first_clip')) {
			throw invalid(
				'input.media must contain exactly one item of type first_frame or first_clip, not both',
			);
		}
		if (has('driving_audio') && !has('first_frame')) {
			throw invalid('input.media: driving_audio can only be used with first_frame');
		}
		const resolution = parameters.choice('resolution', RESOLUTIONS) ?? '1080P';
		const seconds = parameters.integer('duration', [2, 15]) ?? 5;
		parameters.flag('prompt_extend');
		const watermark = parameters.flag('watermark') ?? false;
		parameters.integer('seed', SEED);

		const plan = (files: Media[]) => {
			const [clip] = videosOf(files);
			const [first] = imagesOf(files, 'first_frame');
			const [tail] = imagesOf(files, 'last_frame');
			const head = clip ?? first;
			if (head === undefined) throw new Error('a request without a beginning was let in');
			// What happens then is not documented; there would be nothing new to see.
			if (clip !== undefined && clip.probe.seconds >= seconds) {
				throw new TaskFailure(
					'InvalidParameter',
					`duration must be longer than first_clip, got ${seconds}s for a clip of ${clip.probe.seconds}s.`,
				);
			}
			const scene = new Composition(outputSize(resolution, undefined, head.probe));
			const shown = continued(scene, { head, tail, seconds, prompt });
			const [driving] = audiosOf(files);
			let sound: string | undefined;
			if (driving !== undefined) sound = scene.sound(driving);
			else if (clip === undefined) sound = scene.inventedSound();
			else if (clip.probe.hasAudio) sound = scene.sound(clip);
			return {
				render: scene.plan(shown, seconds, { sound, watermark }),
				// The clip counts as a part of the output, and only the output is billed.
				usage: secondsUsage(0, seconds, tierNumber(resolution)),
				output: { orig_prompt: prompt },
			};
		};
		return { prompt, media, plan };
	},
};
