import { MEGABYTE } from '../../shared/media/limits';
import type { MediaLimits } from '../../shared/media/types';
import { WATERMARK } from './limits';
import { slot } from './spec';
import type { ModelSpec } from './spec';

const SIDES = { minSide: 200, maxRatio: 3 };

const PERSON_IMAGE: MediaLimits = {
	kind: 'image',
	formats: ['jpg', 'png', 'bmp', 'webp'],
	maxBytes: 5 * MEGABYTE,
	maxSide: 4096,
	...SIDES,
};

const PERSON_VIDEO: MediaLimits = {
	kind: 'video',
	formats: ['mp4', 'mov'],
	maxBytes: 200 * MEGABYTE,
	maxSide: 2048,
	minSeconds: 2,
	maxSeconds: 30,
	...SIDES,
};

/** wan2.2-animate-mix: puts the person of a picture in the place of the one in a video (API reference read 2026-11). */
export const animateMix: ModelSpec = {
	id: 'wan2.2-animate-mix',
	name: 'Wan 2.2 Animate Mix (Swap Person)',
	path: '/services/aigc/image2video/video-synthesis',
	prompt: { most: 0, required: false },
	slots: [
		slot('video', 'video_url', 'video', PERSON_VIDEO),
		slot('person', 'image_url', 'image of the person', PERSON_IMAGE),
	],
	values: {
		watermark: WATERMARK,
		mode: { label: 'Quality', kind: 'choice', of: ['wan-std', 'wan-pro'], required: true },
		check_image: { label: 'Check Image', kind: 'boolean' },
	},
	tier: ({ mode }) => (mode === 'wan-pro' ? 'pro' : 'standard'),
	// Only output is billed, which is as long as the video.
	billed: (_, seconds) => (seconds === undefined ? undefined : { input: 0, output: seconds }),
	body: ({ model, values }, media) => ({
		model,
		input: {
			...Object.fromEntries(media.map(({ type, url }) => [type, url])),
			watermark: values.watermark,
		},
		parameters: { mode: values.mode, check_image: values.check_image },
	}),
};
