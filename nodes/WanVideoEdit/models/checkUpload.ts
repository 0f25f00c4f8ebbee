import { InputError } from '../../shared/inputError';
import { HEAD_BYTES, detectFormat } from '../../shared/media/formats';
import { describeLimits, nameOf } from '../../shared/media/limits';
import { checkMedia } from '../../shared/media/sources';
import type { CheckedMedia } from '../../shared/media/sources';
import type { MediaLimits, MediaSource } from '../../shared/media/types';
import { toError } from '../../shared/thrown';
import { specsOf } from './index';

type BinarySource = Extract<MediaSource, { from: 'binary' }>;
type CheckedFile = Extract<CheckedMedia, { from: 'binary' }>;

/** For a model that this node does not know: whatever is a video or a picture. */
const ANY: Omit<MediaLimits, 'kind' | 'formats'> = {
	maxBytes: Infinity,
	minSide: 0,
	maxSide: Infinity,
	maxRatio: Infinity,
};
const ANYTHING: MediaLimits[] = [
	{ ...ANY, kind: 'video', formats: ['mp4', 'mov'] },
	{ ...ANY, kind: 'image', formats: ['jpg', 'png', 'bmp', 'webp'] },
];

/**
 * Checks a file against the places of a model that may take it. Which one it is for shows only in the user's later
 * edit. Nothing is sent.
 * @throws InputError for a file that the model takes in none of its places
 */
export async function checkUpload(model: string, source: BinarySource): Promise<CheckedFile> {
	if (model === '') {
		throw new InputError("'Model' is empty", 'Choose the model that will use the file.');
	}
	const specs = specsOf(model);
	const all = specs.flatMap(({ slots }) => slots.map(({ limits }) => limits));
	const places = all.length === 0 ? ANYTHING : [...new Set(all)];
	const { field, file } = source;
	const detected = detectFormat(await file.head(HEAD_BYTES));
	const fitting = places.filter(
		({ kind }) => typeof detected !== 'string' && kind === detected.kind,
	);
	if (fitting.length === 0) {
		const held =
			typeof detected === 'string' ? detected : detected.kind === 'image' ? 'an image' : 'a video';
		throw new InputError(
			`${nameOf(field, file.fileName)} holds ${held}, which ${model} does not take`,
			all.length === 0
				? 'Upload a video (MP4 or MOV) or an image (JPEG, PNG, BMP or WEBP).'
				: `It takes: ${[...new Set(places.map(describeLimits))].join('; ')}.`,
		);
	}
	let refusal: unknown;
	for (const limits of fitting) {
		try {
			const [checked] = await checkMedia([{ type: '', source, limits, inline: false }]);
			if (checked?.from === 'binary') return checked;
		} catch (error) {
			refusal ??= error;
		}
	}
	throw toError(refusal);
}
