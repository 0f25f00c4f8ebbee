/** Facts from the `moov` box of MP4 and MOV files: ISO/IEC 14496-12 and the QuickTime File Format. */
import { readWithin, walkBoxes } from './boxes';
import type { Box, BoxReader } from './boxes';
import { EndedError, UnreadableError } from './cursor';
import type { Cursor } from './cursor';
import { setSize, textAt } from './facts';
import type { MediaFacts } from './facts';

/** A length in units of `timescale` per second; `duration` is absent where the file says that it is unknown. */
interface Times {
	timescale: number;
	duration?: number;
}

interface Size {
	width: number;
	height: number;
}

interface Track {
	enabled: boolean;
	handler?: string;
	/** Of the parts that the edit list shows, in units of the movie's timescale. */
	edited?: number;
	/** Of the track by its header, in units of the movie's timescale. */
	presented?: number;
	media?: Times;
	/** How long each of the pictures lasts, in units of the media's timescale; absent where that differs. */
	each?: number;
	/** Of the decoded pictures. */
	coded?: Size;
	/** As the track header wants it shown, not yet turned. */
	shown?: Size;
	/** Turned by 90° or 270°. */
	sideways: boolean;
}

interface Movie {
	times?: Times;
	video?: Track;
	/** The file consists of fragments, whose samples the movie's own lengths do not count. */
	fragmented: boolean;
	/** Including all fragments, in units of the movie's timescale. */
	fragmentedDuration?: number;
	/** Kinds of all tracks, as far as they are told. */
	handlers: Array<string | undefined>;
}

/**
 * Reads width, height, length and frame rate of the video. Everything outside `moov` is skipped, and within it the
 * tables of samples but for the beginning of one; `moov` read to its end is the end of reading, or the header of the
 * content that follows it.
 * @param size of the whole file in bytes, where it is known
 */
export async function readMp4(cursor: Cursor, facts: MediaFacts, size?: number): Promise<void> {
	let found = false;
	let content = false;
	const isCutOff = ({ end }: Box) => size !== undefined && end > size && end !== Infinity;
	const moov: BoxReader = async (box) => {
		// Where nothing of it is there, it may be something else.
		if (!found && isCutOff(box) && cursor.position !== size) {
			facts.flaw = 'cutOff';
			return;
		}
		// In one that lasts to the end of the file, anything may stand there.
		found = box.end === Infinity;
		await readMovie(cursor, box, facts);
		found = true;
	};
	const mdat: BoxReader = async (box) => {
		content = true;
		if (isCutOff(box)) facts.flaw = 'cutOff';
		await Promise.resolve();
	};
	const readers = new Map([
		['moov', moov],
		['mdat', mdat],
	]);
	const done = () => facts.flaw !== undefined || (found && (content || size === undefined));
	const toTheEnd = await walkBoxes(cursor, Infinity, readers, done).then(
		async () => !found && (await cursor.atEnd()),
		(error: unknown) => {
			if (error instanceof EndedError) return true;
			throw error;
		},
	);
	// A recording that was interrupted: content, and nothing that says what it is.
	if (toTheEnd && !found && content && cursor.position === size) facts.flaw = 'cutOff';
}

async function readMovie(cursor: Cursor, moov: Box, facts: MediaFacts): Promise<void> {
	const movie: Movie = { fragmented: false, handlers: [] };
	const readers = new Map<string, BoxReader>([
		[
			'mvhd',
			async (box) => {
				movie.times = await readTimes(cursor, box);
			},
		],
		[
			'trak',
			async (box) => {
				const track = await readTrack(cursor, box);
				movie.handlers.push(track.handler);
				movie.video = preferred(movie.video, track);
			},
		],
		[
			'mvex',
			async (box) => {
				movie.fragmented = true;
				movie.fragmentedDuration = await readFragmentedDuration(cursor, box);
			},
		],
	]);
	await walkBoxes(cursor, moov.end, readers);
	// Noted only now: a `moov` that breaks off may lack the track or the `mvex` that decides.
	const isOther = (handler?: string) => handler !== undefined && handler !== 'vide';
	if (movie.handlers.length > 0 && movie.handlers.every(isOther)) facts.flaw = 'noVideo';
	facts.seconds = secondsOf(movie);
	if (!movie.fragmented) facts.fps = ratio(movie.video?.media?.timescale, movie.video?.each ?? 0);
	const size = movie.video === undefined ? undefined : sizeOf(movie.video);
	if (size !== undefined) setSize(facts, size.width, size.height);
}

/** The first video track that is switched on: QuickTime keeps chapter pictures as one that is off. */
function preferred(current: Track | undefined, next: Track): Track | undefined {
	if (next.handler !== 'vide') return current;
	return current === undefined || (next.enabled && !current.enabled) ? next : current;
}

/**
 * The size of the sample entry (stsd), turned by the track header's matrix: it is that of the decoded pictures,
 * which is what ffprobe and the service's decoder see. The track header's own size is scaled by the shape of the
 * pixels (anamorphic video) and may be anything a player should show; it only stands in where stsd has none.
 */
function sizeOf({ coded, shown, sideways }: Track): Size | undefined {
	const size = [coded, shown].find((one) => one !== undefined && one.width > 0 && one.height > 0);
	if (size === undefined || !sideways) return size;
	return { width: size.height, height: size.width };
}

/**
 * The length of the video track as shown: the sum of its edits, so that a clip which was trimmed without encoding
 * it again has its trimmed length. The track header should say the same, but some writers (ffmpeg) put the length
 * of all samples there; it counts where there is no edit list. That of the media (mdhd) knows no edits, and that
 * of the movie (mvhd) includes longer sound: these only stand in.
 * In fragmented files none of them counts the fragments but mehd; without it the length is unknown.
 */
function secondsOf({ times, video, fragmented, fragmentedDuration }: Movie): number | undefined {
	const timescale = times?.timescale ?? 0;
	if (video === undefined) return undefined;
	if (fragmented) return ratio(fragmentedDuration, timescale);
	return (
		ratio(video.edited, timescale) ??
		ratio(video.presented, timescale) ??
		ratio(video.media?.duration, video.media?.timescale ?? 0) ??
		ratio(times?.duration, timescale)
	);
}

function ratio(duration: number | undefined, timescale: number): number | undefined {
	if (duration === undefined || duration === 0 || timescale === 0) return undefined;
	return duration / timescale;
}

async function readTrack(cursor: Cursor, trak: Box): Promise<Track> {
	const track: Track = { enabled: false, sideways: false };
	const into = (...readers: Array<[string, BoxReader]>): BoxReader => {
		const known = new Map(readers);
		return async (box) => await walkBoxes(cursor, box.end, known);
	};
	const stsd: BoxReader = async (box) => {
		track.coded = (await readSampleSize(cursor, box)) ?? track.coded;
	};
	const stts: BoxReader = async (box) => {
		track.each = await readSampleLength(cursor, box);
	};
	const mdhd: BoxReader = async (box) => {
		track.media = await readTimes(cursor, box);
	};
	const hdlr: BoxReader = async (box) => {
		// Version and flags, QuickTime's component type, then the kind of track.
		track.handler = textAt(await readWithin(cursor, box, 12), 8, 4);
	};
	const tkhd: BoxReader = async (box) => {
		Object.assign(track, await readTrackHeader(cursor, box));
	};
	const elst: BoxReader = async (box) => {
		track.edited = await readEdits(cursor, box);
	};
	const minf = into(['stbl', into(['stsd', stsd], ['stts', stts])]);
	const mdia = into(['mdhd', mdhd], ['hdlr', hdlr], ['minf', minf]);
	await into(['tkhd', tkhd], ['edts', into(['elst', elst])], ['mdia', mdia])(trak);
	return track;
}

/** What a full box begins with (4.2): version 1 has 64-bit times. */
async function readVersion(cursor: Cursor, box: Box): Promise<{ long: boolean; flags: number }> {
	const word = (await readWithin(cursor, box, 4)).getUint32(0);
	const version = word >>> 24;
	if (version > 1) throw new UnreadableError(`Box ${box.type} has an unknown version`);
	return { long: version === 1, flags: word & 0xffffff };
}

/** A duration of 32 or 64 bits; all bits set mean unknown. */
function durationAt(view: DataView, offset: number, long: boolean): number | undefined {
	if (!long) {
		const value = view.getUint32(offset);
		return value === 0xffff_ffff ? undefined : value;
	}
	const value = view.getBigUint64(offset);
	return value === 0xffff_ffff_ffff_ffffn ? undefined : Number(value);
}

/** mvhd and mdhd begin alike (8.2.2, 8.4.2): two dates, timescale, duration. */
async function readTimes(cursor: Cursor, box: Box): Promise<Times> {
	const { long } = await readVersion(cursor, box);
	const dates = long ? 16 : 8;
	const fields = await readWithin(cursor, box, dates + (long ? 12 : 8));
	return { timescale: fields.getUint32(dates), duration: durationAt(fields, dates + 4, long) };
}

/** tkhd, 8.3.2. */
async function readTrackHeader(
	cursor: Cursor,
	box: Box,
): Promise<Pick<Track, 'enabled' | 'presented' | 'shown' | 'sideways'>> {
	const { long, flags } = await readVersion(cursor, box);
	// Two dates, track number and a reserved word come before the duration.
	const duration = long ? 24 : 16;
	// After it 8 reserved bytes and four 16-bit fields, then the matrix of nine words.
	const matrix = duration + (long ? 8 : 4) + 16;
	const fields = await readWithin(cursor, box, matrix + 36 + 8);
	const word = (index: number) => fields.getInt32(matrix + 4 * index);
	// Rows {a b u} {c d v} {x y w}: a quarter turn moves all of a and d to b and c.
	const sideways = word(0) === 0 && word(4) === 0 && word(1) !== 0 && word(3) !== 0;
	// 16.16 fixed point.
	const pixels = (offset: number) => Math.round(fields.getUint32(offset) / 0x10000);
	return {
		enabled: (flags & 1) === 1,
		presented: durationAt(fields, duration, long),
		shown: { width: pixels(matrix + 36), height: pixels(matrix + 40) },
		sideways,
	};
}

/** The sum of an edit list's parts (elst, 8.6.6), gaps before or between them left out. */
async function readEdits(cursor: Cursor, box: Box): Promise<number | undefined> {
	const { long } = await readVersion(cursor, box);
	const entries = (await readWithin(cursor, box, 4)).getUint32(0);
	let sum = 0;
	for (let entry = 0; entry < entries; entry++) {
		// Duration, start within the media (-1 for a gap), speed.
		const fields = await readWithin(cursor, box, long ? 20 : 12);
		const duration = durationAt(fields, 0, long);
		if (duration === undefined || duration === 0) return undefined;
		const isGap = long ? fields.getBigInt64(8) === -1n : fields.getInt32(4) === -1;
		if (!isGap) sum += duration;
	}
	return sum;
}

/** The size in the first entry of stsd (8.5.2, 12.1.3); of no meaning in tracks other than video. */
async function readSampleSize(cursor: Cursor, stsd: Box): Promise<Size | undefined> {
	// Version and flags, number of entries; of the entry: size, type, 6 reserved bytes, data reference,
	// 16 bytes that QuickTime uses for version and quality, width, height.
	const width = 8 + 8 + 8 + 16;
	if (stsd.end - cursor.position < width + 4) return undefined;
	const fields = await readWithin(cursor, stsd, width + 4);
	if (fields.getUint32(4) === 0) return undefined;
	return { width: fields.getUint16(width), height: fields.getUint16(width + 2) };
}

/** How long samples last (stts, 8.6.1.2): one run of equal ones, after which the last one may differ. */
async function readSampleLength(cursor: Cursor, stts: Box): Promise<number | undefined> {
	if (stts.end - cursor.position < 16) return undefined;
	// Version and flags, number of runs; of a run: number of samples, length of each.
	const fields = await readWithin(cursor, stts, 16);
	const runs = fields.getUint32(4);
	if (runs > 2 || fields.getUint32(8) < 2) return undefined;
	if (runs === 2) {
		if (stts.end - cursor.position < 4) return undefined;
		if ((await readWithin(cursor, stts, 4)).getUint32(0) !== 1) return undefined;
	}
	return fields.getUint32(12);
}

/** mehd, 8.8.2. */
async function readFragmentedDuration(cursor: Cursor, mvex: Box): Promise<number | undefined> {
	let duration: number | undefined;
	const mehd: BoxReader = async (box) => {
		const { long } = await readVersion(cursor, box);
		duration = durationAt(await readWithin(cursor, box, long ? 8 : 4), 0, long);
	};
	await walkBoxes(cursor, mvex.end, new Map([['mehd', mehd]]));
	return duration;
}
