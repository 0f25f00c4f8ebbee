/** Where a video can be cut without decoding it, by what its pictures say themselves: ISO/IEC 14496-15, H.264 and H.265. */
import { Fields, concat } from './boxes';
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
	video: Track,
	source: ByteSource,
): Promise<ReadonlySet<Sample>> {
	const [first] = video.samples;
	const { start, end } = extentOf(video.samples);
	const look = new PictureLook(video);
	if (video.descriptions.some((entry) => packingOf(entry) !== undefined)) {
		let position = start;
		for await (const part of source.parts(start, end - start)) position = look.at(part, position);
	}
	if (first !== undefined && look.entries.has(first)) return look.entries;
	throw new ClipError(
		'The video does not begin with a key frame',
		'Convert it to MP4 (H.264) again.',
	);
}

/**
 * Looks at the first picture only, and reads nothing else: its units must fill its sample exactly.
 * @throws ClipError for one that is not where the tables say, or that is no key frame
 */
export async function checkFirstPicture(video: Track, source: ByteSource): Promise<void> {
	await checkPictures({ ...video, samples: video.samples.slice(0, 1) }, source);
}

/** Bytes of the file between which samples lie. */
function extentOf(samples: readonly Sample[]): { start: number; end: number } {
	let [start, end] = [Infinity, 0];
	for (const { offset, size } of samples) {
		start = Math.min(start, offset);
		end = Math.max(end, offset + size);
	}
	return { start: Math.min(start, end), end };
}

/**
 * A file whose pictures are looked at as its parts pass: whole samples, which may leave out some and pass again.
 * `entries` are those that have passed at which decoding can begin. What is only read is not looked at.
 * @throws ClipError for a sample description that is damaged; the parts do so for a picture that its units do not fill
 */
export function lookedAt(
	source: ByteSource,
	video: Track,
): ByteSource & { readonly entries: ReadonlySet<Sample> } {
	const look = new PictureLook(video);
	return {
		...source,
		entries: look.entries,
		async *parts(offset, length) {
			let position = offset;
			for await (const part of source.parts(offset, length)) {
				position = look.at(part, position);
				yield part;
			}
		},
	};
}

/** A look at the pictures of a track while the bytes pass that they lie in. */
class PictureLook {
	/** At which decoding can begin, of those that have passed. */
	readonly entries = new Set<Sample>();
	/** In the order in which they lie in the file; without those of codecs that are not looked into. */
	private readonly pictures: Picture[];
	private next = 0;
	private position = 0;
	/** Those that began to pass. */
	private open: PictureReader[] = [];

	constructor({ samples, descriptions }: Pick<Track, 'samples' | 'descriptions'>) {
		const packings = descriptions.map(packingOf);
		// Reads them to their end.
		descriptions.forEach(parameterSets);
		this.pictures = [];
		for (const sample of samples) {
			const packing = packings[sample.description];
			if (packing !== undefined) this.pictures.push({ sample, packing });
			else if (sample.sync) this.entries.add(sample);
		}
		this.pictures.sort((one, other) => one.sample.offset - other.sample.offset);
	}

	/**
	 * @param position of the part in the file
	 * @returns that of what follows it
	 * @throws ClipError for a picture that its units do not fill
	 */
	at(part: Uint8Array, position: number): number {
		const begins = (index: number) => this.pictures[index]?.sample.offset ?? Infinity;
		if (position !== this.position) this.open = [];
		while (begins(this.next) < position) this.next += 1;
		while (this.next > 0 && begins(this.next - 1) >= position) this.next -= 1;
		for (; begins(this.next) < position + part.length; this.next++) {
			const picture = this.pictures[this.next];
			if (picture !== undefined) this.open.push(new PictureReader(picture));
		}
		this.open = this.open.filter((reader) => {
			const canBegin = reader.read(part, position);
			const { sample } = reader.picture;
			if (canBegin === true && sample.sync) this.entries.add(sample);
			return canBegin === undefined;
		});
		this.position = position + part.length;
		return this.position;
	}
}

interface Picture {
	sample: Sample;
	packing: Packing;
}

/**
 * The places at which a video can be cut, between its beginning and its end, in order. Codecs other than H.264 and
 * H.265 are cut only where no picture refers across (closed GOP).
 * @throws ClipError like {@link checkPictures}
 */
export async function findCutPoints(video: Track, source: ByteSource): Promise<CutPoint[]> {
	return cutPointsOf(video, await checkPictures(video, source));
}

/**
 * The places at which a video can be cut, as {@link findCutPoints} finds them, without reading it.
 * @param canBegin the samples at which decoding can begin
 * @throws ClipError for a sample description that is damaged
 */
export function cutPointsOf(video: Track, canBegin: ReadonlySet<Sample>): CutPoint[] {
	const { samples } = video;
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

/** Gives {@link readUnits} the bytes that it asks for, from parts that pass. */
class PictureReader {
	private readonly units: Generator<Wanted, boolean, Uint8Array>;
	private step: IteratorResult<Wanted, boolean>;
	/** What has passed of the bytes that are wanted. */
	private held: Uint8Array = new Uint8Array();

	constructor(readonly picture: Picture) {
		this.units = readUnits(picture);
		this.step = this.units.next(this.held);
	}

	/** @returns whether decoding can begin with the picture; undefined as long as it has not passed */
	read(part: Uint8Array, position: number): boolean | undefined {
		while (this.step.done !== true) {
			const { offset, length } = this.step.value;
			const from = offset + this.held.length - position;
			const found = part.subarray(from, offset + length - position);
			const bytes = this.held.length === 0 ? found : concat([this.held, found]);
			if (bytes.length < length) {
				this.held = bytes;
				return undefined;
			}
			this.held = new Uint8Array();
			this.step = this.units.next(bytes);
		}
		return this.step.value;
	}
}

/** Bytes that {@link readUnits} asks for: always behind those before. */
interface Wanted {
	offset: number;
	length: number;
}

/** @returns whether decoding can begin with the picture */
function* readUnits({ sample, packing }: Picture): Generator<Wanted, boolean, Uint8Array> {
	const { lengthBytes, codec } = packing;
	const end = sample.offset + sample.size;
	let recovers = false;
	let isEntry: boolean | undefined;
	for (let offset = sample.offset; offset < end; ) {
		const head = yield { offset, length: Math.min(lengthBytes + 1, end - offset) };
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
				const rest = yield { offset: start + 1, length: Math.min(length, SEI_BYTES) - 1 };
				recovers ||= hasRecoveryPoint(rest);
			}
			if (type >= 1 && type <= 5) isEntry ??= type === 5 || recovers;
		} else if (type <= 31) isEntry ??= type >= 16 && type <= 21;
		offset = start + length;
	}
	return isEntry ?? false;
}

/**
 * Whether a SEI unit (H.264 D.1), without its first byte, has a recovery point after which every picture is whole at
 * once.
 */
function hasRecoveryPoint(unit: Uint8Array): boolean {
	const fields = new Fields({ type: 'SEI', content: unit });
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
