/** Where a video can be cut without decoding it, by what its pictures say themselves: ISO/IEC 14496-15, H.264 and H.265. */
import { Fields } from './boxes';
import { packingOf, parameterSets } from './codecs';
import type { Packing } from './codecs';
import { ClipError, damaged } from './source';
import type { ByteSource } from './source';
import type { Sample, Track } from './tracks';

/** A key frame at which a piece can begin. */
export interface CutPoint {
	/** When it is shown, in the movie's time. */
	seconds: number;
	/** Of the sample, in decoding order. */
	index: number;
	/**
	 * Pictures that follow it in decoding order and are shown before it: those of an open GOP, which need pictures
	 * from both sides. The piece before gets them, together with a copy of the key frame that it does not show; the
	 * piece that begins here does without.
	 */
	leading: number;
}

/** Bytes of each message of encoding (SEI) that are looked at; x264's own takes up some 700. */
const SEI_BYTES = 2048;

/**
 * Looks through all pictures: their units must fill the samples exactly, which damaged tables do not survive.
 * Reads the file once, forwards, and holds next to nothing.
 * @returns the samples at which decoding can begin, by their own type and not only by the file's word. In H.264
 * these are IDR pictures and such with a recovery point of 0 pictures; in H.265 IDR, BLA and CRA
 * @throws ClipError for pictures that are not where the tables say, and for a first one that is no key frame
 */
export async function checkPictures(
	{ samples, descriptions }: Track,
	source: ByteSource,
): Promise<Set<Sample>> {
	const packings = descriptions.map(packingOf);
	// Reads them to their end.
	descriptions.forEach(parameterSets);
	const entries = new Set<Sample>();
	for (const sample of [...samples].sort((one, other) => one.offset - other.offset)) {
		const packing = packings[sample.description];
		const isEntry = packing === undefined || (await checkPicture(source, sample, packing));
		if (isEntry && sample.sync) entries.add(sample);
	}
	const [first] = samples;
	if (first === undefined || !entries.has(first)) {
		throw new ClipError('The video does not begin with a key frame', 'Encode it again.');
	}
	return entries;
}

/**
 * The places at which a video can be cut, between its beginning and its end, in order. Codecs other than H.264 and
 * H.265 are cut only where no picture refers across (closed GOP).
 * @throws ClipError like {@link checkPictures}
 */
export async function findCutPoints(video: Track, source: ByteSource): Promise<CutPoint[]> {
	const { samples } = video;
	const canBegin = await checkPictures(video, source);
	const isKnown = video.descriptions.every((entry) => packingOf(entry) !== undefined);
	const points: CutPoint[] = [];
	const earliestFrom = earliest(samples);
	let latest = -Infinity;
	for (const [index, sample] of samples.entries()) {
		const isAhead = sample.pts > latest;
		latest = Math.max(latest, sample.pts);
		const seconds = video.start + (sample.pts - video.from) / video.timescale;
		if (!isAhead || !canBegin.has(sample) || seconds <= video.start || seconds >= video.end)
			continue;
		const leading = leadingOf(samples, index);
		const isClean = (earliestFrom[index + 1 + leading] ?? Infinity) > sample.pts;
		if (isClean && (leading === 0 || isKnown)) points.push({ seconds, index, leading });
	}
	return points;
}

/** For each sample the earliest time of it and all after it in decoding order. */
function earliest(samples: Track['samples']): Float64Array {
	const times = new Float64Array(samples.length);
	let least = Infinity;
	for (let index = samples.length - 1; index >= 0; index--) {
		least = Math.min(least, samples[index]?.pts ?? Infinity);
		times[index] = least;
	}
	return times;
}

function leadingOf(samples: Track['samples'], index: number): number {
	const pts = samples[index]?.pts ?? 0;
	let count = 0;
	while ((samples[index + 1 + count]?.pts ?? Infinity) < pts) count += 1;
	return count;
}

/** @returns whether decoding can begin with the picture */
async function checkPicture(
	source: ByteSource,
	sample: Sample,
	packing: Packing,
): Promise<boolean> {
	const { lengthBytes, codec } = packing;
	const end = sample.offset + sample.size;
	let recovers = false;
	let isEntry: boolean | undefined;
	for (let offset = sample.offset; offset < end; ) {
		const head = await source.read(offset, Math.min(lengthBytes + 1, end - offset));
		let length = 0;
		for (let index = 0; index < lengthBytes; index++) length = length * 256 + (head[index] ?? 0);
		const first = head[lengthBytes];
		const start = offset + lengthBytes;
		// Padding of zeros, as some cameras write it.
		if (length === 0 && start <= end) break;
		if (first === undefined || start + length > end) {
			throw damaged(`the picture at byte ${sample.offset} is not where its table says`);
		}
		const type = codec === 'h264' ? first & 31 : (first >> 1) & 63;
		if (codec === 'h264') {
			if (type === 6 && sample.sync && isEntry === undefined) {
				recovers ||= hasRecoveryPoint(await source.read(start, Math.min(length, SEI_BYTES)));
			}
			if (type >= 1 && type <= 5) isEntry ??= type === 5 || recovers;
		} else if (type <= 31) isEntry ??= type >= 16 && type <= 21;
		offset = start + length;
	}
	return isEntry ?? false;
}

/** Whether a SEI unit (H.264 D.1) has a recovery point after which every picture is whole at once. */
function hasRecoveryPoint(unit: Uint8Array): boolean {
	const fields = new Fields({ type: 'SEI', content: unit });
	fields.skip(1);
	const coded = () => {
		let sum = 0;
		while (fields.left > 0) {
			const byte = fields.u8();
			sum += byte;
			if (byte !== 255) break;
		}
		return sum;
	};
	while (fields.left > 2) {
		const type = coded();
		const size = coded();
		// recovery_frame_cnt, ue(v): a first bit of 1 is 0.
		if (type === 6) return fields.left > 0 && fields.u8() >= 128;
		if (size >= fields.left) return false;
		fields.skip(size);
	}
	return false;
}
