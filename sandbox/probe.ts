import { open, stat } from 'node:fs/promises';

import { grayPixels, runFfprobe } from './programs';

export interface VideoProbe {
	codec: string;
	width: number;
	height: number;
	fps: number;
	seconds: number;
	hasAudio: boolean;
	bytes: number;
}

export interface ImageProbe {
	format: ImageFormat;
	width: number;
	height: number;
	hasAlpha: boolean;
	bytes: number;
}

export interface AudioProbe {
	format: AudioFormat;
	seconds: number;
	bytes: number;
}

export type VideoFormat = 'mp4' | 'mov' | 'avi';
export type AudioFormat = 'wav' | 'mp3';
export type ImageFormat = 'jpeg' | 'png' | 'bmp' | 'webp';

interface Stream {
	codec_type?: string;
	codec_name?: string;
	width?: number;
	height?: number;
	avg_frame_rate?: string;
	r_frame_rate?: string;
	duration?: string;
	tags?: { rotate?: string };
	side_data_list?: Array<{ rotation?: number }>;
}

interface Probed {
	streams?: Stream[];
	format?: { duration?: string };
}

const rate = (text: string | undefined) => {
	const [over = 0, under = 1] = (text ?? '').split('/').map(Number);
	return under > 0 && over > 0 ? over / under : 0;
};

const round = (value: number, digits: number) => Number(value.toFixed(digits));

/** Throws when the file is no video. */
export async function probeVideo(path: string, signal?: AbortSignal): Promise<VideoProbe> {
	const { streams = [], format = {} } = (await runFfprobe(path, signal)) as Probed;
	const video = streams.find(({ codec_type }) => codec_type === 'video');
	if (video?.width === undefined || video.height === undefined) throw new Error('no video stream');
	// Players (and ffmpeg) turn the picture; the stream's own numbers are those before turning.
	const rotation = Number(video.tags?.rotate ?? video.side_data_list?.[0]?.rotation ?? 0);
	const turned = Math.abs(rotation) % 180 === 90;
	return {
		codec: video.codec_name ?? '',
		width: turned ? video.height : video.width,
		height: turned ? video.width : video.height,
		fps: round(rate(video.avg_frame_rate) || rate(video.r_frame_rate), 3),
		seconds: round(Number(video.duration ?? format.duration ?? 0) || 0, 3),
		hasAudio: streams.some(({ codec_type }) => codec_type === 'audio'),
		bytes: (await stat(path)).size,
	};
}

/** The first bytes of a file, to tell what it is. */
export async function firstBytes(path: string, count: number): Promise<Buffer> {
	const file = await open(path, 'r');
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0);
		return buffer.subarray(0, bytesRead);
	} finally {
		await file.close();
	}
}

/** By content, not by name. */
export function imageFormat(head: Buffer): ImageFormat | undefined {
	const ascii = head.toString('latin1', 0, 16);
	if (ascii.startsWith('\xff\xd8\xff')) return 'jpeg';
	if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
	if (ascii.startsWith('BM')) return 'bmp';
	if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return 'webp';
	return undefined;
}

/** By content, not by name. */
export function videoFormat(head: Buffer): VideoFormat | undefined {
	const ascii = head.toString('latin1', 0, 16);
	if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'AVI ') return 'avi';
	const box = ascii.slice(4, 8);
	if (box === 'ftyp') return ascii.slice(8, 12) === 'qt  ' ? 'mov' : 'mp4';
	// Old QuickTime files begin with one of these.
	return ['moov', 'mdat', 'wide', 'free', 'skip', 'pnot'].includes(box) ? 'mov' : undefined;
}

/** By content, not by name. */
export function audioFormat(head: Buffer): AudioFormat | undefined {
	const ascii = head.toString('latin1', 0, 12);
	if (ascii.startsWith('RIFF') && ascii.slice(8) === 'WAVE') return 'wav';
	if (ascii.startsWith('ID3')) return 'mp3';
	const [first = 0, second = 0] = head;
	// The sync bits, and a layer, which AAC has not.
	return first === 0xff && second >= 0xe0 && (second & 0x06) !== 0 ? 'mp3' : undefined;
}

/** Throws when the file holds no sound. */
export async function probeAudio(path: string, signal?: AbortSignal): Promise<AudioProbe> {
	const format = audioFormat(await firstBytes(path, 12));
	const { streams = [], format: whole = {} } = (await runFfprobe(path, signal)) as Probed;
	const audio = streams.find(({ codec_type }) => codec_type === 'audio');
	if (format === undefined || audio === undefined) throw new Error('no sound in the file');
	return {
		format,
		seconds: round(Number(audio.duration ?? whole.duration ?? 0) || 0, 3),
		bytes: (await stat(path)).size,
	};
}

/** Throws when the file is no readable picture. */
export async function probeImage(path: string, signal?: AbortSignal): Promise<ImageProbe> {
	const head = await firstBytes(path, 32);
	const format = imageFormat(head);
	if (format === undefined) throw new Error('not a JPEG, PNG, BMP or WEBP file');
	const { streams = [] } = (await runFfprobe(path, signal)) as Probed;
	const [image] = streams;
	if (!image?.width || !image.height) throw new Error('no picture in the file');
	return {
		format,
		width: image.width,
		height: image.height,
		// Byte 25 of a PNG is its colour type: 4 and 6 carry an alpha channel.
		hasAlpha: format === 'png' && (head[25] === 4 || head[25] === 6),
		bytes: (await stat(path)).size,
	};
}

/** Grid on which a mask is looked at. */
const GRID = 64;

/** Where the first frame of a mask is bright, as shares of width and height; all of it if nowhere. */
export async function brightBox(path: string) {
	const pixels = await grayPixels(path, GRID);
	const bright = [...pixels.keys()].filter((at) => (pixels[at] ?? 0) > 127);
	const span = (places: number[]) => {
		const [first, last] = [Math.min(...places), Math.max(...places)];
		return places.length === 0 ? [0, 1] : [first / GRID, (last + 1 - first) / GRID];
	};
	const [x = 0, width = 1] = span(bright.map((at) => at % GRID));
	const [y = 0, height = 1] = span(bright.map((at) => Math.floor(at / GRID)));
	return { x, y, width, height };
}
