import { InputError } from '../../shared/inputError';
import { PROMPT_EXTEND, SEED, WAN_IMAGE, WAN_VIDEO, WATERMARK, resolution } from './limits';
import { mediaBody, slot } from './spec';
import type { ModelSpec, Values } from './spec';

/** The model makes new videos, too: without these it would not follow the length and shape of the input. */
const AS_THE_INPUT = { ratio: 'adaptive', duration: -1 };

/** Input and result together. Seconds. */
const MOST_SECONDS = 30;

/** The length that was asked for; -1, as no value, leaves it to the model. */
function secondsOf(duration: Values[string]): number | undefined {
	return typeof duration === 'number' && duration > 0 ? duration : undefined;
}

function wan3(id: string, name: string): ModelSpec {
	const spec: ModelSpec = {
		id,
		name,
		prompt: { most: 20_000, required: false },
		slots: [
			slot('video', 'reference_video', 'video', {
				...WAN_VIDEO,
				minSeconds: 1,
				maxSeconds: 15,
				minFps: 16,
			}),
			slot('image', 'reference_image', 'reference image', WAN_IMAGE, {
				least: 0,
				most: 10,
				inline: true,
			}),
		],
		values: {
			resolution: resolution('480P', '720P', '1080P'),
			ratio: {
				label: 'Aspect Ratio',
				kind: 'choice',
				of: ['adaptive', '21:9', '16:9', '4:3', '1:1', '3:4', '9:16'],
			},
			duration: {
				label: 'Duration',
				kind: 'integer',
				min: 2,
				max: 30,
				also: -1,
				hint: 'Enter whole seconds from 2 to 30, or remove the option to keep the length of the video.',
			},
			audio: { label: 'Generate Audio', kind: 'boolean' },
			prompt_extend: PROMPT_EXTEND,
			seed: SEED,
			watermark: WATERMARK,
		},
		fit(request, [video]) {
			const { duration } = request.values;
			// Parts of a second are left to the service, which may round them.
			const seconds = Math.floor(video?.facts.seconds ?? 0);
			if (typeof duration !== 'number' || seconds + duration <= MOST_SECONDS) return request;
			throw new InputError(
				`'Duration' is ${duration} seconds and the video has ${seconds}; the limit for both together is ${MOST_SECONDS}`,
				'Enter fewer seconds, or use a shorter video.',
			);
		},
		body: (request, media) =>
			mediaBody(spec, { ...request, values: { ...AS_THE_INPUT, ...request.values } }, media),
		billed: ({ duration }, input) => {
			if (input === undefined) return undefined;
			return { input, output: secondsOf(duration) ?? input };
		},
		// Without a duration the model chooses one.
		mostBilled: ({ duration }, input) => {
			if (input === undefined) return undefined;
			return { input, output: secondsOf(duration) ?? MOST_SECONDS - input };
		},
	};
	return spec;
}

/** wan3.0-video and its faster sister, used to edit a video (API reference read 2026-11). */
export const wan3Video = wan3('wan3.0-video', 'Wan 3.0 Video');
export const wan3VideoPrime = wan3('wan3.0-video-prime', 'Wan 3.0 Video Prime (faster)');
