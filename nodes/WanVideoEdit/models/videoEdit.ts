/** Builds the create call's body. Pure. */
import { createHash } from 'crypto';
import type { MediaEntry, VideoEditBody } from '../../shared/dashscope/types';
import type { EditRequest, MediaSource } from '../../shared/media/types';

/**
 * The body for a request whose media are resolved. Holds model, media, prompt, resolution and what the user set,
 * so that the service's own defaults apply to the rest: undefined values are not sent as JSON.
 * @param media in the order video, image 1, image 2, …
 */
export function buildBody(request: EditRequest, media: MediaEntry[]): VideoEditBody {
	return {
		model: request.model,
		input: {
			prompt: request.prompt || undefined,
			negative_prompt: request.negativePrompt || undefined,
			media,
		},
		parameters: {
			resolution: request.resolution,
			ratio: request.ratio,
			duration: request.duration,
			audio_setting: request.audioSetting,
			prompt_extend: request.promptExtend,
			seed: request.seed,
			watermark: request.watermark,
		},
	};
}

function identityOf(source: MediaSource): string {
	return source.from === 'url' ? source.url : source.file.identity;
}

/** Two requests have the same fingerprint when they ask for the same edit of the same media. */
export function fingerprint(request: EditRequest): string {
	const media: MediaEntry[] = [request.video, ...request.images].map((source, index) => ({
		type: index === 0 ? 'video' : 'reference_image',
		url: identityOf(source),
	}));
	return createHash('sha256')
		.update(JSON.stringify(buildBody(request, media)))
		.digest('hex')
		.slice(0, 32);
}

/** Percent-encodes what may not stand in a URL and leaves all else, signatures included, untouched. */
export function encodeUrl(url: string): string {
	return url.replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
}
