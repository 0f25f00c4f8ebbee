/**
 * Which samples an MP4 or MOV file has, where they lie and when they are shown: ISO/IEC 14496-12 and the QuickTime
 * File Format.
 */
import { Fields, boxesIn, find } from './boxes';
import type { Box } from './boxes';
import { frameBytesOf, sampleRateOf } from './codecs';
import { placeOf, readEdits } from './editList';
import type { Edit } from './editList';
import { Chunks, Runs, openTable, readSizes } from './sampleTables';
import { ClipError, damaged } from './source';
import type { ByteSource } from './source';
import { checkPlayable, isPlayed, needed, readTimescale, readTrackHeader } from './trackHeader';
import type { TrackHeader } from './trackHeader';

/** A coded picture or packet of sound, in decoding order. Of uncompressed sound up to {@link PCM_FRAMES} frames. */
export interface Sample {
	/** In the file, in bytes. */
	offset: number;
	size: number;
	/** When it is shown, and for how long, in units of the track's timescale. */
	pts: number;
	duration: number;
	/** Decoding can begin here, so the file says. */
	sync: boolean;
	/** Index in {@link Track.descriptions}. */
	description: number;
}

/** A track of video or sound, with all its samples. */
export interface Track {
	kind: 'video' | 'audio';
	/** Type of the sample entry, for instance `avc1`, `hvc1`, `mp4a`. */
	codec: string;
	/** Units per second. */
	timescale: number;
	/** Packed as in mdhd. */
	language: number;
	/** Of tkhd: flags, and everything from layer to height, the matrix (rotation) included. */
	flags: number;
	header: Uint8Array;
	/** Whole sample entries. */
	descriptions: Uint8Array[];
	/** Of uncompressed sound: bytes of one frame. */
	frameBytes?: number;
	samples: Sample[];
	/** Seconds of the movie during which the track is shown. */
	start: number;
	end: number;
	/** What is shown at {@link start}, in units of the timescale. */
	from: number;
}

/** What a file with a video has. */
export interface Movie extends Tracks {
	video: Track;
}

/** What a file has, be it a video or only sound. */
export interface Tracks {
	quickTime: boolean;
	video: Track | undefined;
	audio: Track[];
	/** What was left out, as sentences for the user. */
	notes: string[];
}

/** The most that `moov` and all `moof` may have together: an hour of short fragments has 10 MB. */
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
const MAX_BOXES = 200_000;
/** Cameras and editors write some ten, or one for each of many microphones. */
const MAX_TRACKS = 200;
/** The most samples of all tracks, at some 80 bytes each: an hour of 60 pictures a second and two sounds has 550,000. */
const MAX_SAMPLES = 1_000_000;
const MAX_SECONDS = 6 * 3600;
/** Frames of uncompressed sound that are handled as one sample: as many as a packet of AAC has. */
const PCM_FRAMES = 1024;

const LONG_HINT = 'Cut the video into shorter ones first.';

function tooLong(): ClipError {
	return new ClipError('The video is longer than six hours', LONG_HINT);
}

interface Draft extends Track, TrackHeader {
	edits: Edit[];
	/** Why it cannot be carried, as the end of a sentence. */
	flaw?: string;
	/** Decoding time of the next fragment that does not say its own. */
	nextDts: number;
}

interface Defaults {
	description: number;
	duration: number;
	size: number;
	flags: number;
}

/** {@link readTracks} of a video. @throws ClipError as it does, and for a file without video */
export async function readMovie(source: ByteSource): Promise<Movie> {
	const { video, ...others } = await readTracks(source);
	if (video !== undefined) return { ...others, video };
	throw new ClipError('The file has no video that can be split or joined', 'Use another video.');
}

/**
 * Reads the tables of a file: `moov`, wherever it lies, and those of all fragments.
 * @throws ClipError for contradictory or absurd tables, and for video or sound that cannot be carried
 */
export async function readTracks(source: ByteSource): Promise<Tracks> {
	const reader = new MovieReader(source.size);
	let held = 0;
	let boxes = 0;
	for (let start = 0; source.size - start >= 8; ) {
		if (++boxes > MAX_BOXES) throw damaged(`it consists of more than ${MAX_BOXES} boxes`);
		const head = new Fields({
			type: 'file',
			content: await source.read(start, Math.min(16, source.size - start)),
		});
		const size32 = head.u32();
		const type = head.text(4);
		const size = size32 === 1 ? head.u64() : size32 === 0 ? source.size - start : size32;
		const end = start + size;
		// Some cameras and programs put data of their own behind the last box.
		if (size < head.position && reader.isWhole) break;
		if (size < head.position) throw damaged(`the size of its box at byte ${start} cannot be true`);
		if (type === 'ftyp' || type === 'moov' || type === 'moof') {
			held += size;
			if (end > source.size) throw damaged(`it ends within its box "${type}"`);
			if (held > MAX_TABLE_BYTES) {
				throw new ClipError(
					'The video has too many pictures to be cut here: their tables are larger than 64 MB',
					LONG_HINT,
				);
			}
			const content = await source.read(start + head.position, size - head.position);
			reader.take({ type, content }, start);
		}
		// What a file ends in may be anything; whether samples are missing is seen by their own places.
		start = end;
	}
	return reader.tracks();
}

class MovieReader {
	private quickTime = false;
	private fragmented = false;
	private timescale = 0;
	private drafts?: Draft[];
	private readonly defaults = new Map<number, Defaults>();
	private readonly notes: string[] = [];
	private samples = 0;

	constructor(private readonly size: number) {}

	/** Whether no tables can follow: those of fragments may, where the movie says so (trex, 8.8.3). */
	get isWhole(): boolean {
		return this.drafts !== undefined && this.defaults.size === 0;
	}

	/** Reads an `ftyp`, `moov` or `moof`. @param start offset of the box in the file @throws ClipError */
	take(box: Box, start: number): void {
		if (box.type === 'ftyp') this.quickTime = new Fields(box).text(4) === 'qt  ';
		else if (box.type === 'moov') this.drafts ??= this.readMoov(box);
		else this.readMoof(box, start);
	}

	/** @throws ClipError for a file without tables, and for a video that cannot be carried */
	tracks(): Tracks {
		if (this.drafts === undefined) {
			throw new ClipError(
				'The file has no table of its content (box "moov"): the recording was cut off, or it is not an MP4 or MOV',
				'Use the whole file, or repair the recording first.',
			);
		}
		const tracks = this.drafts.filter((track) => this.isCarried(track));
		// A recording of a part of a live stream has the stream's times.
		const begin = this.fragmented ? Math.min(...tracks.map(({ start }) => start)) : 0;
		for (const track of tracks) {
			track.start -= begin;
			track.end -= begin;
			if (track.end > MAX_SECONDS) throw tooLong();
		}
		const videos = tracks.filter(({ kind }) => kind === 'video');
		// QuickTime keeps chapter pictures as a track that is off.
		const video = videos.find(({ flags }) => (flags & 1) === 1) ?? videos[0];
		if (videos.length > 1) this.notes.push('Only the first of several video tracks is kept.');
		const audio = tracks.filter(({ kind }) => kind === 'audio');
		return { quickTime: this.quickTime, video, audio, notes: this.notes };
	}

	private isCarried(track: Draft): boolean {
		if (!isPlayed(track)) {
			this.notes.push(
				`Track ${track.id}, neither video nor audio ("${track.handler}"), is left out.`,
			);
			return false;
		}
		const why = this.whyNotShown(track);
		if (why === undefined) return true;
		if (track.kind === 'video' && track.samples.length > 0) {
			throw new ClipError(
				`The video ${why}`,
				'Export it again from a video editor, so that cuts and speed become part of the file.',
			);
		}
		this.notes.push(`Track ${track.id} (${track.kind}) is left out: it ${why}.`);
		return false;
	}

	/** Places a track in the movie. @returns why it cannot be carried, as the end of a sentence */
	private whyNotShown(track: Draft): string | undefined {
		if (track.flaw !== undefined) return track.flaw;
		if (track.samples.length === 0) return 'is empty';
		const media = lastUntilNext(track.samples);
		Object.assign(track, placeOf(track, media, this.timescale));
		countInSamples(track);
		return track.end > track.start ? undefined : 'is never played (edit list)';
	}

	private readMoov(moov: Box): Draft[] {
		if (find(moov, 'cmov') !== undefined) {
			throw new ClipError('The table of the file is compressed', 'Convert the video to MP4 first.');
		}
		const mvhd = find(moov, 'mvhd');
		if (mvhd === undefined) throw damaged('"moov" has no "mvhd"');
		this.timescale = readTimescale(mvhd).timescale;
		const mvex = find(moov, 'mvex');
		for (const trex of mvex === undefined ? [] : boxesIn(mvex.content, 'mvex', 'trex')) {
			const fields = new Fields(trex);
			fields.full();
			const [id, description, duration, size, flags] = [0, 0, 0, 0, 0].map(fields.u32);
			if (id === undefined) continue;
			this.defaults.set(id, {
				description: (description ?? 1) - 1,
				duration: duration ?? 0,
				size: size ?? 0,
				flags: flags ?? 0,
			});
		}
		const traks = boxesIn(moov.content, 'moov', 'trak');
		if (traks.length > MAX_TRACKS) throw damaged(`it claims to have ${traks.length} tracks`);
		return traks.map((trak) => this.readTrack(trak));
	}

	private readTrack(trak: Box): Draft {
		const header = readTrackHeader(trak);
		const elst = find(trak, 'edts', 'elst');
		const draft: Draft = {
			...header,
			samples: [],
			// Of what is left out anyway, the speed does not matter.
			edits: elst === undefined || !isPlayed(header) ? [] : readEdits(elst),
			start: 0,
			end: 0,
			from: 0,
			nextDts: 0,
		};
		if (!isPlayed(draft)) return draft;
		checkPlayable(draft, trak);
		this.readTables(draft, needed(trak, 'mdia', 'minf', 'stbl'));
		return draft;
	}

	/** The sample tables, 8.6 and 8.7. */
	private readTables(draft: Draft, stbl: Box): void {
		const sizes = readSizes(stbl);
		if (sizes.count === 0) return;
		const stco = openTable(stbl, 'stco', 4);
		const offsets = stco ?? openTable(stbl, 'co64', 8);
		const stsc = openTable(stbl, 'stsc', 12, MAX_SAMPLES);
		const stts = openTable(stbl, 'stts', 8);
		if (offsets === undefined || stsc === undefined || stts === undefined) {
			throw damaged(`track ${draft.id} lacks a table of its samples`);
		}
		const durations = new Runs(stts.fields, stts.count, 'stts');
		const ctts = openTable(stbl, 'ctts', 8);
		const shifts = ctts && new Runs(ctts.fields, ctts.count, 'ctts');
		const stss = openTable(stbl, 'stss', 4, Math.min(sizes.count, MAX_SAMPLES));
		const syncs = stss && new Set(Array.from({ length: stss.count }, stss.fields.u32));

		const pcm = draft.kind === 'audio' && sizes.all > 0 && durations.isOnly(1, sizes.count);
		const frameBytes = pcm ? frameSize(draft, sizes.all) : 0;
		if (frameBytes === undefined) {
			draft.flaw = 'is compressed, and the file does not say how large its packets are';
			return;
		}
		if (pcm) draft.frameBytes = frameBytes;
		const step = pcm ? PCM_FRAMES : 1;
		const chunks = new Chunks(draft.id, offsets, stsc, stco === undefined);
		let [index, dts] = [0, 0];
		while (index < sizes.count && !chunks.atEnd) {
			const { offset: begin, samples, description } = chunks.next();
			let offset = begin;
			const last = Math.min(index + samples, sizes.count);
			while (index < last) {
				const frames = Math.min(step, last - index);
				const size = pcm ? frames * frameBytes : sizes.next();
				const duration = pcm ? frames : durations.next();
				this.add(draft, {
					offset,
					size,
					pts: dts + (shifts?.next() ?? 0),
					duration,
					sync: syncs === undefined || syncs.has(index + 1),
					description,
				});
				index += frames;
				dts += duration;
				offset += size;
			}
		}
		const whole = index === sizes.count && (pcm || durations.atEnd) && (shifts?.atEnd ?? true);
		if (!whole) throw damaged(`the tables of track ${draft.id} count different numbers of samples`);
		draft.nextDts = dts;
	}

	/** A fragment, 8.8. */
	private readMoof(moof: Box, start: number): void {
		this.fragmented = true;
		let end = start;
		for (const [index, traf] of boxesIn(moof.content, 'moof', 'traf').entries()) {
			const header = find(traf, 'tfhd');
			if (header === undefined) throw damaged('a fragment has no "tfhd"');
			const tfhd = new Fields(header);
			const { flags } = tfhd.full();
			const id = tfhd.u32();
			const draft = this.drafts?.find((track) => track.id === id);
			const common = this.defaults.get(id);
			if (draft === undefined || common === undefined) {
				throw damaged(`a fragment belongs to track ${id}, which the file does not have`);
			}
			const base = flags & 1 ? tfhd.u64() : flags & 0x20000 || index === 0 ? start : end;
			const defaults: Defaults = {
				description: flags & 2 ? tfhd.u32() - 1 : common.description,
				duration: flags & 8 ? tfhd.u32() : common.duration,
				size: flags & 0x10 ? tfhd.u32() : common.size,
				flags: flags & 0x20 ? tfhd.u32() : common.flags,
			};
			const tfdt = find(traf, 'tfdt');
			if (tfdt !== undefined) {
				const fields = new Fields(tfdt);
				draft.nextDts = fields.full().version === 1 ? fields.u64() : fields.u32();
			}
			end = base;
			for (const trun of boxesIn(traf.content, 'traf', 'trun')) {
				end = this.readRun(draft, trun, base, end, defaults);
			}
		}
	}

	/** @returns the offset of what follows the run's samples */
	private readRun(draft: Draft, trun: Box, base: number, next: number, defaults: Defaults): number {
		const fields = new Fields(trun);
		const { flags } = fields.full();
		const has = (flag: number) => (flags & flag) !== 0;
		const columns = [0x100, 0x200, 0x400, 0x800].filter(has).length;
		const count = fields.count(columns * 4);
		this.expectRoom(count);
		let offset = has(1) ? base + fields.i32() : next;
		const first = has(4) ? fields.u32() : undefined;
		for (let index = 0; index < count; index++) {
			const duration = has(0x100) ? fields.u32() : defaults.duration;
			const size = has(0x200) ? fields.u32() : defaults.size;
			const own = has(0x400) ? fields.u32() : defaults.flags;
			const word = index === 0 && first !== undefined ? first : own;
			const pts = draft.nextDts + (has(0x800) ? fields.i32() : 0);
			// Bit 16: sample_is_non_sync_sample, 8.8.3.1.
			const sync = (word & 0x10000) === 0;
			const { description } = defaults;
			this.add(draft, { offset, size, pts, duration, sync, description });
			draft.nextDts += duration;
			offset += size;
		}
		return offset;
	}

	private expectRoom(count: number): void {
		if (this.samples + count <= MAX_SAMPLES) return;
		throw new ClipError(
			`The video has more than ${MAX_SAMPLES} frames and audio samples`,
			LONG_HINT,
		);
	}

	private add(draft: Draft, sample: Sample): void {
		this.samples += 1;
		this.expectRoom(0);
		const seconds = sample.pts / draft.timescale;
		const end = sample.offset + sample.size;
		if (end > this.size || sample.offset < 0) {
			throw damaged(
				`its ${draft.kind} at ${seconds.toFixed(1)} seconds should lie at bytes ${sample.offset} to ${end}, but the file has ${this.size}`,
			);
		}
		if (draft.descriptions[sample.description] === undefined) {
			throw damaged(`track ${draft.id} names a sample description that it does not have`);
		}
		const before = draft.samples[0]?.pts ?? sample.pts;
		const ticks = Math.max(Math.abs(sample.pts - before), sample.duration);
		if (ticks / draft.timescale > MAX_SECONDS) throw tooLong();
		draft.samples.push(sample);
	}
}

/**
 * Bytes of a frame of uncompressed sound. QuickTime may write 1 as the size of each, and means that of its description.
 * @param size of each by its table
 * @returns undefined where it is not known
 */
function frameSize({ descriptions: [entry] }: Draft, size: number): number | undefined {
	return size === 1 && entry !== undefined ? frameBytesOf(entry) : size;
}

/**
 * Has the times of sound counted in samples of it, where the file counts them otherwise (in units of 10,000,000 a
 * second, as Smooth Streaming does). What an edit list hides at the beginning ffmpeg leaves out as that many samples:
 * of a piece that would be seconds instead of one packet, and often all there is.
 */
function countInSamples(track: Draft): void {
	const { kind, timescale, samples, descriptions } = track;
	const [entry] = descriptions;
	const rate = kind === 'audio' && entry !== undefined ? sampleRateOf(entry) : undefined;
	// Frames of uncompressed sound are counted anyway, and of HE-AAC the entry may tell half of the rate.
	if (rate === undefined || track.frameBytes !== undefined) return;
	if (timescale === rate || timescale === 2 * rate) return;
	const counted = (ticks: number) => Math.round((ticks / timescale) * rate);
	for (const sample of samples) {
		const end = counted(sample.pts + sample.duration);
		sample.pts = counted(sample.pts);
		sample.duration = end - sample.pts;
	}
	track.from = counted(track.from);
	track.timescale = rate;
}

/**
 * Has each sample last until the next one is shown: the table counts durations in decoding order, which is another one
 * where pictures vary in length.
 * @returns when the first one begins and the last one ends, in units of the track's timescale
 */
function lastUntilNext(samples: readonly Sample[]): { begin: number; end: number } {
	const shown = [...samples].sort((one, other) => one.pts - other.pts);
	shown.forEach((sample, index) => {
		const next = shown[index + 1];
		if (next !== undefined) sample.duration = next.pts - sample.pts;
	});
	const last = shown.at(-1);
	return { begin: shown[0]?.pts ?? 0, end: last === undefined ? 0 : last.pts + last.duration };
}
