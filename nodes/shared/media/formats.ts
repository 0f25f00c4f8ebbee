/** Tells file formats by their first bytes: names and MIME types of uploads are often wrong. Pure. */
import type { MediaFormat } from './types';

/** How many bytes {@link detectFormat} looks at. */
export const HEAD_BYTES = 32;

const MP4: MediaFormat = { kind: 'video', extension: 'mp4', mimeType: 'video/mp4' };
const MOV: MediaFormat = { kind: 'video', extension: 'mov', mimeType: 'video/quicktime' };
const JPEG: MediaFormat = { kind: 'image', extension: 'jpg', mimeType: 'image/jpeg' };
const PNG: MediaFormat = { kind: 'image', extension: 'png', mimeType: 'image/png' };
const BMP: MediaFormat = { kind: 'image', extension: 'bmp', mimeType: 'image/bmp' };
const WEBP: MediaFormat = { kind: 'image', extension: 'webp', mimeType: 'image/webp' };

/** ISO-BMFF brands that are not MP4 video: HEIF and AVIF pictures, audio books and songs, 3GPP. */
const OTHER_BRANDS: ReadonlyArray<readonly [RegExp, string]> = [
	[/^(heic|heix|hevc|heim|heis|mif1|msf1)$/, 'an HEIC picture'],
	[/^avi[fs]$/, 'an AVIF picture'],
	[/^M4[ABP] $/, 'an M4A audio file'],
	[/^3g/, 'a 3GP video'],
	[/^crx /, 'a raw photo'],
];

/** First boxes of QuickTime files without an `ftyp` box. Before a small size stands a zero, which no text begins with. */
const QUICKTIME_BOXES = /^([^]{4}(moov|mdat)|\0[^]{3}(wide|pnot|free|skip))/;

/** What a link often leads to instead of a file. */
export const WEB_PAGE = 'a web page or XML text';

const OTHERS: ReadonlyArray<readonly [number, string, string]> = [
	[0, 'GIF8', 'a GIF'],
	[0, '%PDF', 'a PDF document'],
	[0, 'PK\x03\x04', 'a ZIP or Office file'],
	[0, '\x1aE\xdf\xa3', 'a WebM or MKV video'],
	[8, 'AVI ', 'an AVI video'],
	[8, 'WAVE', 'a WAV audio file'],
	[0, 'FLV', 'an FLV video'],
	[0, 'ID3', 'an MP3 audio file'],
	[0, 'OggS', 'an Ogg file'],
	[0, 'II*\0', 'a TIFF picture'],
	[0, 'MM\0*', 'a TIFF picture'],
	[0, '{', 'a JSON text'],
	[0, '<', WEB_PAGE],
];

const UNKNOWN = 'a file of an unknown kind';

/** Pictures of formats that DashScope does not take. */
const PICTURES = ['an HEIC picture', 'an AVIF picture', 'a raw photo', 'a GIF', 'a TIFF picture'];

function latin1Text(bytes: Uint8Array): string {
	return String.fromCharCode(...bytes);
}

/**
 * The format of a file that DashScope takes, or in words what the file is instead.
 * @param head the first {@link HEAD_BYTES} bytes, or all of a shorter file
 */
export function detectFormat(head: Uint8Array): MediaFormat | string {
	const text = latin1Text(head.subarray(0, HEAD_BYTES));
	if (text.startsWith('\xff\xd8\xff')) return JPEG;
	if (text.startsWith('\x89PNG\r\n\x1a\n')) return PNG;
	if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return WEBP;
	if (text.startsWith('BM') && head.length >= 26) return BMP;
	if (text.slice(4, 8) === 'ftyp') {
		const brand = text.slice(8, 12);
		if (brand === 'qt  ') return MOV;
		return OTHER_BRANDS.find(([pattern]) => pattern.test(brand))?.[1] ?? MP4;
	}
	if (QUICKTIME_BOXES.test(text)) return MOV;
	if (head.length === 0) return 'an empty file';
	const trimmed = text.trimStart();
	return OTHERS.find(([offset, magic]) => trimmed.startsWith(magic, offset))?.[2] ?? UNKNOWN;
}

/** What a host sends in place of a file: a login page, an error as XML or JSON, or nothing. */
const MESSAGES = ['an empty file', 'a JSON text', WEB_PAGE];

/**
 * What a host sent in place of a file, in words.
 * @param head the first {@link HEAD_BYTES} bytes, or all of a shorter file
 * @returns undefined for what may be a file
 */
export function messageIn(head: Uint8Array): string | undefined {
	const found = detectFormat(head);
	return MESSAGES.find((message) => message === found);
}

/**
 * Whether a file is a picture, of whatever format: one that is passed over would move the numbers of those after it.
 * @param found what {@link detectFormat} said about it
 * @param mimeType that it came with; decides where the content tells nothing, and whether XML is an SVG
 */
export function isPicture(found: MediaFormat | string, mimeType: string): boolean {
	if (typeof found !== 'string') return found.kind === 'image';
	if (found === WEB_PAGE) return mimeType.startsWith('image/svg');
	return PICTURES.includes(found) || (found === UNKNOWN && mimeType.startsWith('image/'));
}
