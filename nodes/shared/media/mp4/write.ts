/** Writes MP4 files with their tables first, so that playing can begin before the end is there. */
import { box, concat, fullBox, latin1Bytes, u16, u32, u32s, u64s } from './boxes';
import { damaged } from './source';
import type { ByteSource, ClipFile } from './source';
import type { Sample, Track } from './tracks';

/** A sample to be written, and where its bytes come from. */
export interface SampleOut extends Sample {
	source: ByteSource;
	/** Written before the bytes of the source. */
	prefix: Uint8Array | undefined;
	/** Where it is written, from the beginning of the content: {@link writeMovie} finds it out. */
	place: number;
}

/** A sample to be written as it is. Spelt out: a copy with more keys takes V8 ten times as long, and there are many. */
export function sampleOut(sample: Sample, source: ByteSource): SampleOut {
	const { offset, size, pts, duration, sync, description } = sample;
	return { offset, size, pts, duration, sync, description, source, prefix: undefined, place: -1 };
}

/** A track to be written: `start`, `end` and `from` are those of its edit list. */
export interface TrackOut extends Omit<Track, 'samples'> {
	samples: SampleOut[];
}

/** Units per second of the movie: all usual frame rates divide it. */
export const MOVIE_TIMESCALE = 90_000;

/** Smaller parts are given out together. */
const CHUNK_BYTES = 64 * 1024;

const UNITY = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/**
 * An MP4 of these tracks.
 * @param order all samples in the order in which they are to be written: that in which they are to be read
 * @throws ClipError for a sample that is not among them, and for a track without an end
 */
export function writeMovie(
	tracks: readonly TrackOut[],
	order: readonly SampleOut[],
	quickTime: boolean,
): ClipFile {
	const brands = quickTime ? 'qt  \0\0\x02\0qt  ' : 'isom\0\0\x02\0isomiso2mp41';
	const ftyp = box('ftyp', latin1Bytes(brands));
	let content = 0;
	for (const sample of order) {
		sample.place = content;
		content += lengthOf(sample);
	}
	const tables = tracks.map(tablesOf);
	// The tables are as long wherever the samples lie, so they can be measured first.
	const short = moov(tables, 0, false).length;
	const isLong = content + ftyp.length + short + 16 >= 2 ** 32;
	const mdat = isLong
		? concat([u32(1), latin1Bytes('mdat'), u64s([content + 16])])
		: concat([u32(content + 8), latin1Bytes('mdat')]);
	const base = ftyp.length + (isLong ? moov(tables, 0, true).length : short) + mdat.length;
	const header = () => concat([ftyp, moov(tables, base, isLong), mdat]);
	return { size: base + content, chunks: () => chunksOf(header(), order) };
}

function lengthOf({ size, prefix }: SampleOut): number {
	return size + (prefix?.length ?? 0);
}

async function* chunksOf(
	header: Uint8Array,
	order: readonly SampleOut[],
): AsyncGenerator<Uint8Array> {
	yield header;
	let held: Uint8Array[] = [];
	let bytes = 0;
	const hold = (part: Uint8Array) => {
		held.push(part);
		bytes += part.length;
	};
	const take = () => {
		const [first] = held;
		const chunk = first !== undefined && held.length === 1 ? first : concat(held);
		held = [];
		bytes = 0;
		return chunk;
	};
	for (let index = 0; index < order.length; ) {
		const sample = order[index];
		if (sample === undefined) return;
		const { source, offset, prefix } = sample;
		let end = offset + sample.size;
		// What lies together is read together.
		for (index += 1; ; index++) {
			const next = order[index];
			if (next?.source !== source || next.offset !== end || next.prefix !== undefined) break;
			end += next.size;
		}
		if (prefix !== undefined) hold(prefix);
		for await (const part of source.parts(offset, end - offset)) {
			// Large ones are given out as they are.
			if (part.length >= CHUNK_BYTES && bytes > 0) yield take();
			hold(part);
			if (bytes >= CHUNK_BYTES) yield take();
		}
	}
	if (bytes > 0) yield take();
}

interface Tables {
	track: TrackOut;
	/** Everything of stbl but the places of the chunks. */
	fixed: Uint8Array[];
	/** Of the chunks, from the beginning of the content. */
	chunks: number[];
	/** In units of the track's timescale. */
	duration: number;
	mediaTime: number;
}

function tablesOf(track: TrackOut): Tables {
	const { samples, frameBytes, timescale } = track;
	const { dts, shift, end } = decodingTimes(samples);
	const frames = (sample: SampleOut) =>
		frameBytes === undefined ? 1 : Math.round(sample.size / frameBytes);

	const stts = new RunTable();
	const ctts = new RunTable();
	const chunks = new ChunkTable();
	let count = 0;
	for (const [index, sample] of samples.entries()) {
		const time = dts[index] ?? 0;
		const ticks = (dts[index + 1] ?? end) - time;
		const parts = frames(sample);
		// Frames of uncompressed sound are one tick each; the last takes what is over.
		stts.add(Math.min(parts - 1, ticks), 1);
		stts.add(Math.max(parts - 1 - ticks, 0), 0);
		stts.add(1, Math.max(ticks - parts + 1, 0));
		ctts.add(parts, sample.pts + shift - time);
		chunks.add(sample, parts);
		count += parts;
	}

	const syncs = samples.flatMap(({ sync }, index) => (sync ? [index + 1] : []));
	const sizes =
		frameBytes === undefined ? u32s([0, count, ...samples.map(lengthOf)]) : u32(frameBytes, count);
	const fixed = [
		fullBox('stsd', 0, u32(track.descriptions.length), ...track.descriptions),
		stts.box('stts'),
		...(ctts.isZero ? [] : [ctts.box('ctts')]),
		...(syncs.length === samples.length
			? []
			: [fullBox('stss', 0, u32s([syncs.length, ...syncs]))]),
		chunks.stsc(),
		fullBox('stsz', 0, sizes),
	];
	const mediaTime = Math.max(0, Math.round(track.from + shift - (dts[0] ?? 0)));
	if ((track.end - track.start) * timescale > Number.MAX_SAFE_INTEGER)
		throw damaged('it is endless');
	return { track, fixed, chunks: chunks.places, duration: end - (dts[0] ?? 0), mediaTime };
}

/**
 * Decoding times that go with times of showing: the same times in ascending order, all earlier by as much as it
 * takes for no picture to be shown before it is decoded. `shift` is how much later pictures are shown than decoded.
 */
function decodingTimes(samples: readonly SampleOut[]) {
	const dts = samples.map(({ pts }) => pts).sort((one, other) => one - other);
	const shift = samples.reduce(
		(most, { pts }, index) => Math.max(most, (dts[index] ?? 0) - pts),
		0,
	);
	const end = samples.reduce((latest, { pts, duration }) => Math.max(latest, pts + duration), 0);
	return { dts, shift, end };
}

/** A table of runs, (count, value) each. */
class RunTable {
	private readonly runs: number[] = [];

	get isZero(): boolean {
		return this.runs.length <= 2 && (this.runs[1] ?? 0) === 0;
	}

	add(count: number, value: number): void {
		if (count <= 0) return;
		const last = this.runs.length - 1;
		if (this.runs[last] === value && last > 0)
			this.runs[last - 1] = (this.runs[last - 1] ?? 0) + count;
		else this.runs.push(count, value);
	}

	box(type: string): Uint8Array {
		return fullBox(type, 0, u32(this.runs.length / 2), u32s(this.runs));
	}
}

/** The chunks of a track: samples that lie together and have one description. */
class ChunkTable {
	/** Of the chunks, from the beginning of the content. */
	readonly places: number[] = [];
	/** Of stsc: (first chunk, samples in each, description), where they differ from those of the chunks before. */
	private readonly runs: number[] = [];
	private inChunk = 0;
	private description = -1;
	private next = -1;

	/**
	 * @param parts that it counts as
	 * @throws ClipError for a sample that is not written
	 */
	add(sample: SampleOut, parts: number): void {
		const { place, description } = sample;
		if (place < 0) throw damaged('a sample is missing');
		if (place !== this.next || description !== this.description) {
			this.closeChunk();
			this.places.push(place);
			this.description = description;
		}
		this.inChunk += parts;
		this.next = place + lengthOf(sample);
	}

	stsc(): Uint8Array {
		this.closeChunk();
		return fullBox('stsc', 0, u32(this.runs.length / 3), u32s(this.runs));
	}

	private closeChunk(): void {
		if (this.inChunk === 0) return;
		const [samples, description] = this.runs.slice(-2);
		if (samples !== this.inChunk || description !== this.description + 1) {
			this.runs.push(this.places.length, this.inChunk, this.description + 1);
		}
		this.inChunk = 0;
	}
}

function moov(tables: readonly Tables[], base: number, long: boolean): Uint8Array {
	const ends = tables.map(({ track }) => ticks(track.end));
	// Dates, timescale, duration, normal speed and volume, matrix, then the number of the next track.
	const mvhd = fullBox(
		'mvhd',
		0,
		u32(0, 0, MOVIE_TIMESCALE, Math.max(...ends), 0x10000),
		u16(0x100, 0),
		u32(0, 0),
		UNITY,
		u32(0, 0, 0, 0, 0, 0, tables.length + 1),
	);
	return box('moov', mvhd, ...tables.map((one, index) => trak(one, index + 1, base, long)));
}

function ticks(seconds: number): number {
	return Math.round(seconds * MOVIE_TIMESCALE);
}

function trak(tables: Tables, id: number, base: number, long: boolean): Uint8Array {
	const { track, fixed, chunks, duration, mediaTime } = tables;
	const isVideo = track.kind === 'video';
	const tkhd = fullBox('tkhd', track.flags, u32(0, 0, id, 0, ticks(track.end), 0, 0), track.header);
	const gap = ticks(track.start);
	const edits = [
		...(gap > 0 ? [u32(gap, -1, 0x10000)] : []),
		u32(ticks(track.end) - gap, mediaTime, 0x10000),
	];
	// 64-bit times only where 32 bits are too few.
	const mdhd =
		duration < 2 ** 32
			? fullBox('mdhd', 0, u32(0, 0, track.timescale, duration), u16(track.language, 0))
			: fullBox(
					'mdhd',
					0x1000000,
					u64s([0, 0]),
					u32(track.timescale),
					u64s([duration]),
					u16(track.language, 0),
				);
	const places = chunks.map((chunk) => base + chunk);
	const stco = fullBox(
		long ? 'co64' : 'stco',
		0,
		u32(places.length),
		long ? u64s(places) : u32s(places),
	);
	const name = latin1Bytes(isVideo ? 'videVideoHandler' : 'sounSoundHandler');
	return box(
		'trak',
		tkhd,
		box('edts', fullBox('elst', 0, u32(edits.length), ...edits)),
		box(
			'mdia',
			mdhd,
			fullBox('hdlr', 0, u32(0), name.subarray(0, 4), u32(0, 0, 0), name.subarray(4), u16(0)),
			box(
				'minf',
				isVideo ? fullBox('vmhd', 1, u32(0, 0)) : fullBox('smhd', 0, u32(0)),
				box('dinf', fullBox('dref', 0, u32(1), fullBox('url ', 1))),
				box('stbl', ...fixed, stco),
			),
		),
	);
}
