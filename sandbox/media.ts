import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { TaskFailure } from './errors';
import {
	firstBytes,
	imageFormat,
	isMovie,
	probeImage,
	probeVideo,
	type ImageProbe,
	type VideoProbe,
} from './probe';
import type { StoredUpload } from './uploads';
import { ossKey, type MediaItem } from './validate';

// Media are really fetched and opened. What is wrong with them makes the task FAILED (in an HTTP
// 200) rather than refusing the create call: the service fetches them when it works on the task, and
// its error page lists the InvalidFile codes as those of failed tasks. Codes and the wording of
// messages follow that page; where it names no numbers for this model, the model's own are used.

export interface ResolvedMedia {
	type: MediaItem['type'];
	/** As sent; data URIs shortened. */
	url: string;
	path: string;
	sha256: string;
	bytes: number;
	probe: VideoProbe | ImageProbe;
}

export interface VideoMedia extends ResolvedMedia {
	type: 'video';
	probe: VideoProbe;
}

export interface ImageMedia extends ResolvedMedia {
	type: 'reference_image';
	probe: ImageProbe;
}

const MB = 1024 * 1024;

const LIMITS = {
	video: { bytes: 100 * MB, minSide: 240, maxSide: 4096 },
	reference_image: { bytes: 20 * MB, minSide: 240, maxSide: 8000 },
} as const;

const MAX_ASPECT = 8;
const MIN_SECONDS = 2;
const MAX_SECONDS = 10;
/** Containers round: a clip cut at ten seconds often says 10.03. */
const SECONDS_TOLERANCE = 0.1;

const FETCH_TIMEOUT = 20_000;

const INSPECTION = 'InvalidParameter.DataInspection';
const BAD_FORMAT = 'The media format is not supported or incorrect for the data inspection.';

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

/** Fetches, opens and judges one item; throws TaskFailure. */
export async function resolveMedia(
	item: MediaItem,
	sources: MediaSources,
	signal: AbortSignal,
): Promise<VideoMedia | ImageMedia> {
	const file = await obtain(item, sources, signal);
	const limit = LIMITS[item.type];
	if (file.bytes > limit.bytes) throw tooLarge(item, file.bytes);
	const common = { url: shortUrl(item.url), ...file };
	if (item.type === 'video') {
		const probe = await openVideo(file.path, signal);
		checkExtension(item, ['.mp4', '.mov']);
		checkPicture(item, probe);
		checkSeconds(probe.seconds);
		return { type: 'video', ...common, probe };
	}
	const probe = await openImage(file.path, signal);
	checkMime(item, probe);
	checkExtension(item, probe.format === 'jpeg' ? ['.jpg', '.jpeg'] : [`.${probe.format}`]);
	checkPicture(item, probe);
	return { type: 'reference_image', ...common, probe };
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
		if (upload === undefined) throw new TaskFailure(INSPECTION, unable);
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

const unable = 'Unable to download the media resource during the data inspection process.';

async function download(item: MediaItem, dir: string, signal: AbortSignal): Promise<LocalFile> {
	const limit = LIMITS[item.type].bytes;
	const timeout = AbortSignal.timeout(FETCH_TIMEOUT);
	const partial = join(dir, `partial-${randomUUID()}`);
	try {
		const either = AbortSignal.any([signal, timeout]);
		const response = await fetch(item.url, { signal: either });
		if (response.status === 401 || response.status === 403) {
			await response.body?.cancel();
			throw new TaskFailure(
				INSPECTION,
				"Don't have authorization to access the media resource during the data inspection process.",
			);
		}
		if (!response.ok || response.body === null) {
			await response.body?.cancel();
			throw new TaskFailure(INSPECTION, unable);
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
		throw new TaskFailure(INSPECTION, unable);
	}
}

/** fetch wraps the reason; with several addresses there is one reason for each. */
function causeCode(error: unknown): unknown {
	const cause = error instanceof Error ? error.cause : undefined;
	if (cause instanceof AggregateError) return (cause.errors[0] as { code?: unknown }).code;
	return (cause as { code?: unknown } | undefined)?.code;
}

async function openVideo(path: string, signal: AbortSignal): Promise<VideoProbe> {
	if (!isMovie(await firstBytes(path, 12))) {
		throw new TaskFailure(
			'InvalidFile.Format',
			'Invalid file format, the request file format is one of the following types: MP4, MOV.',
		);
	}
	try {
		return await probeVideo(path, signal);
	} catch (error) {
		if (signal.aborted) throw error;
		throw new TaskFailure('InvalidFile.Openerror', 'Invalid file, cannot open file as video.');
	}
}

async function openImage(path: string, signal: AbortSignal): Promise<ImageProbe> {
	if (imageFormat(await firstBytes(path, 16)) === undefined) {
		throw new TaskFailure(
			'InvalidFile.Format',
			'Invalid file format, the request file format is one of the following types: JPEG, JPG, PNG, BMP, WEBP.',
		);
	}
	let probe: ImageProbe;
	try {
		probe = await probeImage(path, signal);
	} catch (error) {
		if (signal.aborted) throw error;
		throw new TaskFailure(INSPECTION, 'Failed to decode the image during the data inspection.');
	}
	if (probe.hasAlpha) {
		throw new TaskFailure('InvalidFile.Format', 'Invalid file format, PNG with an alpha channel.');
	}
	return probe;
}

/** The service guesses the type of an upload by its extension (API reference 4.2). */
function checkExtension({ url }: MediaItem, allowed: string[]): void {
	const key = ossKey(url);
	if (key === undefined || allowed.includes(extname(key).toLowerCase())) return;
	throw new TaskFailure(INSPECTION, BAD_FORMAT);
}

function checkMime({ url }: MediaItem, { format }: ImageProbe): void {
	if (url.startsWith('data:') && !url.startsWith(`data:image/${format};`)) {
		throw new TaskFailure(INSPECTION, BAD_FORMAT);
	}
}

function checkPicture({ type }: MediaItem, { width, height }: VideoProbe | ImageProbe): void {
	const kind = type === 'video' ? 'video' : 'image';
	const { minSide, maxSide } = LIMITS[type];
	if (Math.min(width, height) < minSide || Math.max(width, height) > maxSide) {
		throw new TaskFailure(
			'InvalidFile.Resolution',
			`Invalid ${kind} resolution, the height or width of ${kind} must be ${minSide} ~ ${maxSide}, got ${width}x${height}.`,
		);
	}
	if (Math.max(width / height, height / width) > MAX_ASPECT) {
		throw new TaskFailure(
			'InvalidFile.AspectRatio',
			`Invalid file ratio, the file aspect ratio must be between 1:${MAX_ASPECT} and ${MAX_ASPECT}:1, got ${width}x${height}.`,
		);
	}
}

function checkSeconds(seconds: number): void {
	if (seconds < MIN_SECONDS - SECONDS_TOLERANCE || seconds > MAX_SECONDS + SECONDS_TOLERANCE) {
		throw new TaskFailure(
			'InvalidFile.Duration',
			`Invalid file duration, the video file duration must be between ${MIN_SECONDS}s and ${MAX_SECONDS}s, got ${seconds}s.`,
		);
	}
}

function tooLarge({ type }: MediaItem, bytes: number): TaskFailure {
	const kind = type === 'video' ? 'video' : 'image';
	const limit = LIMITS[type].bytes / MB;
	return new TaskFailure(
		'InvalidFile.Size',
		`Invalid file size, the ${kind} file size must be less than ${limit}MB, got ${(bytes / MB).toFixed(1)}MB or more.`,
	);
}
