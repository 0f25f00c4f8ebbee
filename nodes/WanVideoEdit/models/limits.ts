/** Limits that several models share (API references of Model Studio, read 2026-11). */
import { MEGABYTE } from '../../shared/media/limits';
import type { MediaLimits } from '../../shared/media/types';
import type { ValueRule } from './spec';

export const WAN_VIDEO: MediaLimits = {
	kind: 'video',
	formats: ['mp4', 'mov'],
	maxBytes: 100 * MEGABYTE,
	minSide: 240,
	maxSide: 4096,
	maxRatio: 8,
	minSeconds: 2,
	maxSeconds: 10,
};

export const WAN_IMAGE: MediaLimits = {
	kind: 'image',
	formats: ['jpg', 'png', 'bmp', 'webp'],
	maxBytes: 20 * MEGABYTE,
	minSide: 240,
	maxSide: 8000,
	maxRatio: 8,
	opaque: true,
};

export const RATIOS = ['16:9', '9:16', '1:1', '4:3', '3:4'] as const;

const MAX_SEED = 2_147_483_647;

export const SEED = {
	label: 'Seed',
	kind: 'integer',
	min: 0,
	max: MAX_SEED,
	hint: `Enter a whole number from 0 to ${MAX_SEED}, or remove the option.`,
} satisfies ValueRule;

export const AUDIO: ValueRule = { label: 'Audio', kind: 'choice', of: ['auto', 'origin'] };
export const PROMPT_EXTEND: ValueRule = { label: 'Extend Prompt', kind: 'boolean' };
export const WATERMARK: ValueRule = { label: 'Watermark', kind: 'boolean' };

/** What the service assumes where none is given: the most expensive one. */
export const DEFAULT_RESOLUTION = '1080P';

/** @param tiers that the model takes, as the API writes them */
export const resolution = (...tiers: string[]): ValueRule => ({
	label: 'Resolution',
	kind: 'choice',
	of: tiers,
});
