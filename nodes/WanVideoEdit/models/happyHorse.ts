import { AUDIO, SEED, WAN_IMAGE, WAN_VIDEO, WATERMARK, resolution } from './limits';
import { mediaBody, slot } from './spec';
import type { ModelSpec } from './spec';

/** Seconds. */
const USED_SECONDS = 15;

/**
 * happyhorse-1.0-video-edit, after its API reference (read 2026-11). Copies of that page differ in the shortest side
 * (320 or 360 pixels), and only one gives a highest frame rate (60): what only one of them forbids is left to the
 * service.
 */
export const happyHorse: ModelSpec = {
	id: 'happyhorse-1.0-video-edit',
	name: 'HappyHorse 1.0 Video Edit',
	createsPerSecond: 10,
	prompt: { most: 5000, required: true, chineseCountsTwice: true },
	slots: [
		slot('video', 'video', 'video', {
			...WAN_VIDEO,
			minSide: 320,
			maxRatio: 2.5,
			minSeconds: 3,
			maxSeconds: 60,
			minFps: 8,
			usedSeconds: USED_SECONDS,
		}),
		slot(
			'image',
			'reference_image',
			'reference image',
			{ ...WAN_IMAGE, formats: ['jpg', 'png', 'webp'], minSide: 300, maxRatio: 2.5 },
			{ least: 0, most: 5, inline: true },
		),
	],
	values: {
		resolution: resolution('720P', '1080P'),
		audio_setting: AUDIO,
		seed: SEED,
		watermark: WATERMARK,
	},
	// Unlike with the other models, it would be on if it were left out.
	body: (request, media) =>
		mediaBody(happyHorse, { ...request, values: { watermark: false, ...request.values } }, media),
	billed: (_, seconds) => {
		if (seconds === undefined) return undefined;
		const used = Math.min(seconds, USED_SECONDS);
		return { input: used, output: used };
	},
};
