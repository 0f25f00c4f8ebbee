import type { PriceList } from '../../shared/billing/price';
import {
	AUDIO,
	PROMPT_EXTEND,
	RATIOS,
	SEED,
	WAN_IMAGE,
	WAN_VIDEO,
	WATERMARK,
	resolution,
} from './limits';
import { mediaBody, slot } from './spec';
import type { ModelSpec } from './spec';

export const WAN27_PRICES = {
	date: '2026-09',
	CNY: { '720P': 0.6, '1080P': 1.0 },
	USD: { '720P': 0.1, '1080P': 0.15 },
} satisfies PriceList;

/** wan2.7-videoedit, after its API reference (read 2026-11). */
export const wan27VideoEdit: ModelSpec = {
	id: 'wan2.7-videoedit',
	name: 'Wan 2.7 Video Edit (recommended)',
	prompt: { most: 5000, required: false },
	negativePrompt: 500,
	slots: [
		slot('video', 'video', 'video', WAN_VIDEO),
		slot('image', 'reference_image', 'reference image', WAN_IMAGE, {
			least: 0,
			most: 4,
			inline: true,
		}),
	],
	values: {
		resolution: resolution('720P', '1080P'),
		ratio: { label: 'Aspect Ratio', kind: 'choice', of: RATIOS },
		duration: {
			label: 'Duration',
			kind: 'integer',
			min: 2,
			max: 10,
			also: 0,
			hint: 'Enter 0 to keep the length of the video, or whole seconds from 2 to 10.',
		},
		audio_setting: AUDIO,
		prompt_extend: PROMPT_EXTEND,
		seed: SEED,
		watermark: WATERMARK,
	},
	body: (request, media) => mediaBody(wan27VideoEdit, request, media),
	// Whether a video that Duration cuts is billed whole is not documented: this is the most that it can be.
	billed: ({ duration }, input) =>
		input === undefined
			? undefined
			: {
					input,
					output: typeof duration === 'number' && duration > 0 ? Math.min(duration, input) : input,
				},
	prices: WAN27_PRICES,
};
