/** What a track says of itself beside its samples: ISO/IEC 14496-12, 8.3 to 8.5 and 8.7.2. */
import { Fields, boxesIn, find } from './boxes';
import type { Box } from './boxes';
import { ClipError, damaged } from './source';
import type { Track } from './tracks';

/** Sample descriptions of a track: a joined video has at most one for each piece. */
const MAX_ENTRIES = 10_000;
/** Length of what is copied of a tkhd box: from layer to height. */
const HEADER_BYTES = 52;

export interface TrackHeader
	extends Pick<
		Track,
		'kind' | 'codec' | 'timescale' | 'language' | 'flags' | 'header' | 'descriptions'
	> {
	id: number;
	/** `vide`, `soun`, or another kind of track. */
	handler: string;
}

/** Whether a track is video or sound. */
export function isPlayed({ handler }: TrackHeader): boolean {
	return handler === 'vide' || handler === 'soun';
}

/** The box at a path of types in a track. @throws ClipError when there is none */
export function needed(trak: Box, ...path: string[]): Box {
	const box = find(trak, ...path);
	if (box === undefined) throw damaged(`a track has no "${path.at(-1)}"`);
	return box;
}

/** @throws ClipError for one that is incomplete */
export function readTrackHeader(trak: Box): TrackHeader {
	const tkhd = new Fields(needed(trak, 'tkhd'));
	const { version, flags } = tkhd.full();
	tkhd.skip(version === 1 ? 16 : 8);
	const id = tkhd.u32();
	tkhd.skip(version === 1 ? 20 : 16);
	const hdlr = new Fields(needed(trak, 'mdia', 'hdlr'));
	hdlr.skip(8);
	const handler = hdlr.text(4);
	const stbl = needed(trak, 'mdia', 'minf', 'stbl');
	return {
		id,
		handler,
		kind: handler === 'vide' ? 'video' : 'audio',
		...readTimescale(needed(trak, 'mdia', 'mdhd')),
		flags,
		header: tkhd.bytes(HEADER_BYTES),
		...readDescriptions(needed(stbl, 'stsd')),
	};
}

/** @throws ClipError for video or sound that is not in the file, or not to be read */
export function checkPlayable({ handler, codec }: TrackHeader, trak: Box): void {
	if (handler === 'vide' && !/^[ -~]{4}$/.test(codec)) throw damaged('its codec has no name');
	if (/^enc[av]$|^drm/.test(codec)) {
		throw new ClipError('The video is copy-protected', 'Use a video without protection.');
	}
	const dref = find(trak, 'mdia', 'minf', 'dinf', 'dref');
	if (dref !== undefined && isElsewhere(dref)) {
		throw new ClipError(
			'The file only refers to a video in another file',
			'Export the video with its media included.',
		);
	}
}

/**
 * mvhd and mdhd begin alike (8.2.2, 8.4.2): two dates, timescale, duration; then mdhd has the language.
 * @returns units per second, and the language as it is packed there
 * @throws ClipError for a timescale of 0
 */
export function readTimescale(box: Box): { timescale: number; language: number } {
	const fields = new Fields(box);
	const { version } = fields.full();
	fields.skip(version === 1 ? 16 : 8);
	const timescale = fields.u32();
	if (timescale === 0) throw damaged(`its box "${box.type}" has a timescale of 0`);
	fields.skip(version === 1 ? 8 : 4);
	return { timescale, language: fields.u16() };
}

function readDescriptions(stsd: Box): { codec: string; descriptions: Uint8Array[] } {
	const fields = new Fields(stsd);
	fields.full();
	const count = fields.count(8, MAX_ENTRIES);
	const descriptions: Uint8Array[] = [];
	for (let index = 0; index < count; index++) {
		const size = new Fields({
			type: 'stsd',
			content: stsd.content.subarray(fields.position),
		}).u32();
		if (size < 16) throw damaged('a sample description is too short');
		descriptions.push(fields.bytes(size));
	}
	const [first] = descriptions;
	const codec = first === undefined ? '' : String.fromCharCode(...first.subarray(4, 8));
	return { codec, descriptions };
}

/** Whether all data lie in other files (8.7.2: flag 1 means in this one). */
function isElsewhere(dref: Box): boolean {
	const entries = boxesIn(dref.content.subarray(8), 'dref');
	return entries.length > 0 && !entries.some((entry) => new Fields(entry).full().flags & 1);
}
