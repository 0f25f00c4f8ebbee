import { InputError } from '../../shared/inputError';
import { PROMPT_EXTEND, SEED, WAN_IMAGE, WAN_VIDEO, WATERMARK, resolution } from './limits';
import { mediaBody, slot } from './spec';
import type { ModelSpec } from './spec';

/** What the API takes for a missing `duration`, in seconds. */
const DEFAULT_SECONDS = 5;

/** wan2.7-i2v, used to continue a video (API reference read 2026-11). */
export const wan27I2v: ModelSpec = {
	id: 'wan2.7-i2v',
	name: 'Wan 2.7 Image to Video (Continue)',
	prompt: { most: 5000, required: false },
	negativePrompt: 500,
	slots: [
		slot('video', 'first_clip', 'video', WAN_VIDEO),
		slot('lastFrame', 'last_frame', 'last frame', WAN_IMAGE, { least: 0, inline: true }),
	],
	values: {
		resolution: resolution('720P', '1080P'),
		duration: { label: 'Duration', kind: 'integer', min: 2, max: 15 },
		prompt_extend: PROMPT_EXTEND,
		seed: SEED,
		watermark: WATERMARK,
	},
	fit(request, [clip]) {
		const { duration = DEFAULT_SECONDS } = request.values;
		const { seconds = 0 } = clip?.facts ?? {};
		if (seconds < Number(duration)) return request;
		throw new InputError(
			`'Duration' is ${String(duration)} seconds, but the video alone is ${Math.round(seconds * 100) / 100} seconds long`,
			'Duration is the length of the whole result, your video included: enter more seconds, up to 15, or use a shorter video.',
		);
	},
	body: (request, media) => mediaBody(wan27I2v, request, media),
	billed: ({ duration = DEFAULT_SECONDS }) => ({ input: 0, output: Number(duration) }),
};
