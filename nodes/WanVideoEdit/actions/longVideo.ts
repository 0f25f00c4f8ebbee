/** Videos that are longer than a model takes: what its tasks are given of them. */
import { createHash } from 'crypto';
import { InputError } from '../../shared/inputError';
import { TOLERANCE_SECONDS } from '../../shared/media/limits';
import type { OpenVideos } from '../../shared/media/openVideos';
import { cutVideo, sourceOf, splitVideo } from '../../shared/media/pieces';
import type { Piece } from '../../shared/media/pieces';
import { checkMedia } from '../../shared/media/sources';
import type { CheckedMedia } from '../../shared/media/sources';
import type { MediaInput, MediaLimits } from '../../shared/media/types';
import { SPLIT, longVideoField, longVideoFieldOf } from '../fields/longVideo';
import type { LongVideo } from '../fields/longVideo';
import { videoSlotOf } from '../models/spec';
import type { ModelRequest, ModelSpec } from '../models/spec';

const FIELD = longVideoField.displayName;

/** What one task is given. */
export interface Part {
	request: ModelRequest;
	media: CheckedMedia[];
	/** Which piece of the video it is; absent where the video is edited as a whole. */
	piece?: Piece;
}

/** The longest video, in seconds, of which a model takes the whole; undefined where it sets no limit. */
export function secondsTaken(limits: MediaLimits | undefined): number | undefined {
	return limits?.usedSeconds ?? limits?.maxSeconds;
}

/** The limits with a message that names the field. */
export function namingField(limits: MediaLimits): MediaLimits {
	return { ...limits, longer: `, or set '${FIELD}' to '${SPLIT}'` };
}

/** The limits without those that a long video exceeds. */
export function anyLength(limits: MediaLimits): MediaLimits {
	return { ...limits, maxBytes: Infinity, maxSeconds: undefined };
}

/** What the cutting of an item's video needs. */
export interface Cutting {
	/** Those of the run, to be closed when nothing is uploaded any more. */
	videos: OpenVideos;
	/** Tells the user something about the item. */
	note(text: string): void;
}

/**
 * Looks at the files of a request and, where the video is too long, cuts it as the user wants.
 * @param way undefined for an operation that does not ask
 * @throws InputError for a file that the model would refuse, or that cannot be cut
 */
export async function partsOf(
	spec: ModelSpec,
	request: ModelRequest,
	inputs: MediaInput[],
	way: LongVideo | undefined,
	cutting: Cutting,
): Promise<Part[]> {
	const slot = videoSlotOf(spec);
	const index = inputs.findIndex(({ type }) => type === slot?.type);
	const video = inputs[index];
	const most = secondsTaken(video?.limits);
	const whole = async (all = inputs): Promise<Part[]> => [
		{ request, media: await checkMedia(all) },
	];
	if (video === undefined || most === undefined || way === undefined) return await whole();
	const { source, limits } = video;
	if (way === 'fail') {
		const hinted = { ...video, limits: namingField(limits) };
		return await whole(inputs.map((one) => (one === video ? hinted : one)));
	}
	if (source.from === 'url') {
		const leave = longVideoFieldOf(spec).options?.[0]?.name ?? '';
		throw new InputError(
			`'${FIELD}' does not work with a URL: only DashScope reads the video`,
			`Use a binary field: download the video with an HTTP Request node ('Response Format' File) before this one. Or choose '${leave}'.`,
		);
	}
	const { field, file } = source;
	const [looked] = await checkMedia([{ ...video, limits: anyLength(limits) }]);
	const { seconds = Infinity } = looked?.facts ?? {};
	if (seconds <= most + TOLERANCE_SECONDS) return await whole();

	const clip = sourceOf(file);
	try {
		const { pieces, notes } =
			way === 'beginning'
				? await cutVideo(field, file, clip, most)
				: await splitVideo(field, file, clip, { min: limits.minSeconds ?? 1, max: most });
		notes.forEach(cutting.note);
		const apart = pieces.length > 1;
		const asked = apart ? samePieces(spec, request, file.identity) : request;
		const others = await checkMedia(inputs.filter((input) => input !== video));
		const watched = cutting.videos.watch(clip, pieces.length);
		const parts: Part[] = [];
		for (const { file: part, ...piece } of pieces) {
			const own = await checkMedia([{ ...video, source: { ...source, file: watched(part) } }]);
			// An image that all pieces share is uploaded once.
			const shared = apart ? others.map((one) => ({ ...one, inline: false })) : others;
			const media = [...shared.slice(0, index), ...own, ...shared.slice(index)];
			parts.push({ request: asked, media, ...(apart ? { piece } : {}) });
		}
		return parts;
	} finally {
		// It opens itself again when a piece is uploaded, which may be long after.
		await clip.close();
	}
}

/** A request that makes the same of each piece. */
function samePieces(
	{ values: known }: ModelSpec,
	request: ModelRequest,
	identity: string,
): ModelRequest {
	const { duration, seed } = request.values;
	if (typeof duration === 'number' && duration > 0) {
		throw new InputError(
			`'Duration' is ${duration}, but the video is edited in pieces`,
			`Remove the option: each result is as long as its piece. Or set '${FIELD}' to 'Use the Beginning'.`,
		);
	}
	if (seed !== undefined || known.seed === undefined) return request;
	const hash = createHash('sha256').update(identity).digest();
	return { ...request, values: { ...request.values, seed: hash.readUInt32BE() % 2 ** 31 } };
}
