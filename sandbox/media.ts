import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { TaskFailure } from './errors';
import {
	audioFormat,
	firstBytes,
	imageFormat,
	probeAudio,
	probeImage,
	probeVideo,
	videoFormat,
	type AudioFormat,
	type AudioProbe,
	type ImageFormat,
	type ImageProbe,
	type VideoFormat,
	type VideoProbe,
} from './probe';
import type { StoredUpload } from './uploads';

// Media are really fetched and opened. What is wrong with them makes the task FAILED (in an HTTP
// 200) rather than refusing the create call: the service fetches them when it works on the task, and
// its error page lists the InvalidFile codes as those of failed tasks. Codes and the wording of
// messages follow that page; where it names no numbers for this model, the model's own are used.

interface Common {
	/** The type of a `media` item, or the name of the field that held the URL. */
	type: string;
	/** As sent; data URIs shortened. */
	url: string;
	path: string;
	sha256: string;
	bytes: number;
}

export interface VideoMedia extends Common {
	kind: 'video';
	probe: VideoProbe;
}

export interface ImageMedia extends Common {
	kind: 'image';
	probe: ImageProbe;
}

export interface AudioMedia extends Common {
	kind: 'audio';
	probe: AudioProbe;
}

export type Media = VideoMedia | ImageMedia | AudioMedia;

type Span = readonly [min: number, max: number];

/** What a file must be; each model has its own limits, and each place for a file within it. */
export type Limits = VideoLimits | ImageLimits | AudioLimits;

interface PictureLimits {
	megabytes: number;
	/** Pixels of width and height, each. */
	side?: Span;
	/** From 1:n to n:1. */
	aspect?: number;
}

export interface VideoLimits extends PictureLimits {
	kind: 'video';
	formats: readonly VideoFormat[];
	seconds?: Span;
	minFps?: number;
}

export interface ImageLimits extends PictureLimits {
	kind: 'image';
	formats: readonly ImageFormat[];
	/** Whether a data URI will do. */
	inline: boolean;
	/** PNG with transparency. */
	alpha?: boolean;
}

export interface AudioLimits {
	kind: 'audio';
	formats: readonly AudioFormat[];
	megabytes: number;
	seconds?: Span;
}

/** A file that a create call names. */
export interface MediaItem {
	type: string;
	url: string;
	limits: Limits;
}

const MB = 1024 * 1024;

/** Containers round: a clip cut at ten seconds often says 10.03. */
const SECONDS_TOLERANCE = 0.1;

const FETCH_TIMEOUT = 20_000;

export const INSPECTION = 'InvalidParameter.DataInspection';
export const BAD_FORMAT = 'The media format is not supported or incorrect for the data inspection.';
export const UNABLE = 'Unable to download the media resource during the data inspection process.';
export const NO_ACCESS =
	"Don't have authorization to access the media resource during the data inspection process.";

export interface MediaSources {
	/** Where fetched files are kept. */
	dir: string;
	findUpload: (key: string) => StoredUpload | undefined;
}

interface LocalFile {
	path: string;
	sha256: string;
	bytes: number;
}

export function shortUrl(url: string): string {
	return url.startsWith('data:') ? `${url.slice(0, url.indexOf(',') + 1)}…` : url;
}

/** The object key of an `oss://` URL, as written: URL parsers would change it. */
export const ossKey = (url: string) =>
	url.startsWith('oss://') ? url.slice('oss://'.length) : undefined;

/** Fetches, opens and judges one item; throws TaskFailure. */
export async function resolveMedia(
	item: MediaItem,
	sources: MediaSources,
	signal: AbortSignal,
): Promise<Media> {
	const file = await obtain(item, sources, signal);
	const { limits } = item;
	if (file.bytes > limits.megabytes * MB) throw tooLarge(item, file.bytes);
	const head = await firstBytes(file.path, 32);
	const common = { type: item.type, url: shortUrl(item.url), ...file };
	if (limits.kind === 'video') {
		checkFormat(videoFormat(head), limits.formats);
		const probe = await opened(probeVideo(file.path, signal), limits, signal);
		checkExtension(item, limits.formats);
		checkPicture(limits, probe);
		checkFps(limits, probe);
		checkSeconds(limits, probe);
		return { ...common, kind: 'video', probe };
	}
	if (limits.kind === 'audio') {
		checkFormat(audioFormat(head), limits.formats);
		const probe = await opened(probeAudio(file.path, signal), limits, signal);
		checkExtension(item, limits.formats);
		checkSeconds(limits, probe);
		return { ...common, kind: 'audio', probe };
	}
	checkFormat(imageFormat(head), limits.formats);
	const probe = await opened(probeImage(file.path, signal), limits, signal);
	if (probe.hasAlpha && !limits.alpha) {
		throw new TaskFailure('InvalidFile.Format', 'Invalid file format, PNG with an alpha channel.');
	}
	checkMime(item, probe);
	checkExtension(item, probe.format === 'jpeg' ? ['jpg', 'jpeg'] : [probe.format]);
	checkPicture(limits, probe);
	return { ...common, kind: 'image', probe };
}

async function obtain(
	item: MediaItem,
	{ dir, findUpload }: MediaSources,
	signal: AbortSignal,
): Promise<LocalFile> {
	await mkdir(dir, { recursive: true });
	const key = ossKey(item.url);
	if (key !== undefined) {
		const upload = findUpload(key);
		if (upload === undefined) throw new TaskFailure(INSPECTION, UNABLE);
		return upload;
	}
	if (item.url.startsWith('data:')) return await fromDataUri(item.url, dir);
	return await download(item, dir, signal);
}

async function fromDataUri(url: string, dir: string): Promise<LocalFile> {
	const content = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
	const sha256 = createHash('sha256').update(content).digest('hex');
	const path = join(dir, sha256);
	await writeFile(path, content);
	return { path, sha256, bytes: content.length };
}

async function download(item: MediaItem, dir: string, signal: AbortSignal): Promise<LocalFile> {
	const limit = item.limits.megabytes * MB;
	const timeout = AbortSignal.timeout(FETCH_TIMEOUT);
	const partial = join(dir, `partial-${randomUUID()}`);
	try {
		const either = AbortSignal.any([signal, timeout]);
		const response = await fetch(item.url, { signal: either });
		if (response.status === 401 || response.status === 403) {
			await response.body?.cancel();
			throw new TaskFailure(INSPECTION, NO_ACCESS);
		}
		if (!response.ok || response.body === null) {
			await response.body?.cancel();
			throw new TaskFailure(INSPECTION, UNABLE);
		}
		const hash = createHash('sha256');
		let bytes = 0;
		await pipeline(
			Readable.fromWeb(response.body),
			async function* (source: AsyncIterable<Uint8Array>) {
				for await (const chunk of source) {
					bytes += chunk.length;
					if (bytes > limit) throw tooLarge(item, bytes);
					hash.update(chunk);
					yield chunk;
				}
			},
			createWriteStream(partial),
			// An abort of fetch alone can leave the pipeline waiting for ever.
			{ signal: either },
		);
		const sha256 = hash.digest('hex');
		const path = join(dir, sha256);
		await rename(partial, path);
		return { path, sha256, bytes };
	} catch (error) {
		await rm(partial, { force: true });
		if (error instanceof TaskFailure || signal.aborted) throw error;
		if (timeout.aborted) {
			throw new TaskFailure(
				INSPECTION,
				'Download the media resource timed out during the data inspection process.',
			);
		}
		if (causeCode(error) === 'ECONNREFUSED') {
			throw new TaskFailure(
				'InvalidURL.ConnectionRefused',
				`Connection to ${item.url} refused, please provide available URL.`,
			);
		}
		throw new TaskFailure(INSPECTION, UNABLE);
	}
}

/** fetch wraps the reason; with several addresses there is one reason for each. */
function causeCode(error: unknown): unknown {
	const cause = error instanceof Error ? error.cause : undefined;
	if (cause instanceof AggregateError) return (cause.errors[0] as { code?: unknown }).code;
	return (cause as { code?: unknown } | undefined)?.code;
}

function checkFormat(format: string | undefined, formats: readonly string[]): void {
	if (format !== undefined && formats.includes(format)) return;
	const names = formats.map((name) => (name === 'jpeg' ? 'JPEG, JPG' : name.toUpperCase()));
	throw new TaskFailure(
		'InvalidFile.Format',
		`Invalid file format, the request file format is one of the following types: ${names.join(', ')}.`,
	);
}

async function opened<T>(probe: Promise<T>, { kind }: Limits, signal: AbortSignal): Promise<T> {
	try {
		return await probe;
	} catch (error) {
		if (signal.aborted) throw error;
		if (kind === 'image') {
			throw new TaskFailure(INSPECTION, 'Failed to decode the image during the data inspection.');
		}
		throw new TaskFailure('InvalidFile.Openerror', `Invalid file, cannot open file as ${kind}.`);
	}
}

/** The service guesses the type of an upload by its extension (API reference 4.2). */
function checkExtension({ url }: MediaItem, allowed: readonly string[]): void {
	const key = ossKey(url);
	if (key === undefined || allowed.includes(extname(key).slice(1).toLowerCase())) return;
	throw new TaskFailure(INSPECTION, BAD_FORMAT);
}

function checkMime({ url }: MediaItem, { format }: ImageProbe): void {
	if (url.startsWith('data:') && !url.startsWith(`data:image/${format};`)) {
		throw new TaskFailure(INSPECTION, BAD_FORMAT);
	}
}

function checkPicture(
	{ kind, side: [min, max] = [0, Infinity], aspect = Infinity }: VideoLimits | ImageLimits,
	{ width, height }: VideoProbe | ImageProbe,
): void {
	if (Math.min(width, height) < min || Math.max(width, height) > max) {
		throw new TaskFailure(
			'InvalidFile.Resolution',
			`Invalid ${kind} resolution, the height or width of ${kind} must be ${min} ~ ${max}, got ${width}x${height}.`,
		);
	}
	if (Math.max(width / height, height / width) > aspect) {
		throw new TaskFailure(
			'InvalidFile.AspectRatio',
			`Invalid file ratio, the file aspect ratio must be between 1:${aspect} and ${aspect}:1, got ${width}x${height}.`,
		);
	}
}

function checkFps({ minFps = 0 }: VideoLimits, { fps }: VideoProbe): void {
	if (fps >= minFps) return;
	throw new TaskFailure(
		'InvalidFile.FPS',
		`Invalid file FPS, the video FPS must be at least ${minFps}, got ${fps}.`,
	);
}

function checkSeconds(
	{ kind, seconds: [min, max] = [0, Infinity] }: VideoLimits | AudioLimits,
	{ seconds }: VideoProbe | AudioProbe,
): void {
	if (seconds < min - SECONDS_TOLERANCE || seconds > max + SECONDS_TOLERANCE) {
		throw new TaskFailure(
			'InvalidFile.Duration',
			`Invalid file duration, the ${kind} file duration must be between ${min}s and ${max}s, got ${seconds}s.`,
		);
	}
}

function tooLarge({ limits: { kind, megabytes } }: MediaItem, bytes: number): TaskFailure {
	return new TaskFailure(
		'InvalidFile.Size',
		`Invalid file size, the ${kind} file size must be less than ${megabytes}MB, got ${(bytes / MB).toFixed(1)}MB or more.`,
	);
}

/** The images among the media, in their order; of one type, if that is named. */
export const imagesOf = (media: Media[], type?: string) =>
	media.filter(
		(item): item is ImageMedia => item.kind === 'image' && (type ?? item.type) === item.type,
	);

export const videosOf = (media: Media[], type?: string) =>
	media.filter(
		(item): item is VideoMedia => item.kind === 'video' && (type ?? item.type) === item.type,
	);

export const audiosOf = (media: Media[]) =>
	media.filter((item): item is AudioMedia => item.kind === 'audio');

/** The video of a request that has to have one. */
export function onlyVideo(media: Media[], type?: string): VideoMedia {
	const [video] = videosOf(media, type);
	if (video === undefined) throw new Error('a request without a video was let in');
	return video;
}
