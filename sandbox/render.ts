import { createHash, randomUUID } from 'node:crypto';
import {
	access,
	copyFile,
	link,
	mkdir,
	readdir,
	rename,
	rm,
	stat,
	utimes,
	writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { effectFor } from './effects';
import type { ImageMedia, VideoMedia } from './media';
import { watermark } from './pictures';
import { cacheDir, ffmpegPath, Gate, runFfmpeg } from './programs';
import { outputSize, type Size } from './sizes';
import type { EditRequest } from './validate';

/** Everything a render depends on, besides the files' content. */
export interface RenderPlan {
	source: VideoMedia;
	images: ImageMedia[];
	size: Size;
	/** Length of the result. */
	seconds: number;
	prompt: string;
	audio: 'auto' | 'origin';
	watermark: boolean;
}

/** What the service puts out, always. */
export const OUTPUT_FPS = 30;

export function planFor(
	request: EditRequest,
	source: VideoMedia,
	images: ImageMedia[],
): RenderPlan {
	const { probe } = source;
	const { duration, resolution, ratio, prompt, audio, watermark: marked } = request;
	return {
		source,
		images,
		size: outputSize(resolution, ratio, probe),
		// The duration cuts; it never makes a clip longer.
		seconds: duration === 0 ? probe.seconds : Math.min(duration, probe.seconds),
		prompt,
		audio,
		watermark: marked,
	};
}

const even = (length: number) => Math.max(2, Math.round(length / 2) * 2);

/** One row of thumbnails along the upper edge, in the order of the prompt's numbering. */
function thumbnails({ images, size }: RenderPlan): string[] {
	const box = even(Math.min(size.width / 6.2, size.height / 4.5));
	const margin = even(box / 8);
	const border = even(box / 40);
	const fit = `scale=${box}:${box}:force_original_aspect_ratio=decrease`;
	const frame = `pad=iw+${2 * border}:ih+${2 * border}:${border}:${border}:white,setsar=1`;
	return images.flatMap((_, index) => {
		const x = margin + index * (box + 2 * border + margin);
		return [
			`[${index + 1}:v]${fit},${frame}[image${index}]`,
			`[v${index}][image${index}]overlay=${x}:${margin}[v${index + 1}]`,
		];
	});
}

/** `files` are the source, the images and the watermark, in this order. */
export function renderArgs(plan: RenderPlan, files: string[]): string[] {
	const { size, source, images } = plan;
	const { width, height } = size;
	const filters = [
		[
			'[0:v]setpts=PTS-STARTPTS',
			`scale=${width}:${height}:force_original_aspect_ratio=increase`,
			`crop=${width}:${height}`,
			'setsar=1',
			effectFor(plan.prompt, size).filter,
			`fps=${OUTPUT_FPS}`,
			'format=yuv420p[v0]',
		].join(','),
		...thumbnails(plan),
	];
	let last = `v${images.length}`;
	if (plan.watermark) {
		const markHeight = even(Math.min(width, height) / 14);
		const margin = even(markHeight / 2);
		const corner = `main_w-overlay_w-${margin}:main_h-overlay_h-${margin}`;
		filters.push(
			`[${images.length + 1}:v]scale=-2:${markHeight}:flags=neighbor[mark]`,
			`[${last}][mark]overlay=${corner}[marked]`,
		);
		last = 'marked';
	}
	const args = files.flatMap((file) => ['-protocol_whitelist', 'file', '-i', file]);
	args.push('-filter_complex', filters.join(';'), '-map', `[${last}]`);
	if (source.probe.hasAudio) {
		args.push('-map', '0:a:0', '-c:a', 'aac', '-b:a', '128k', '-ar', '44100');
		// "auto" lets the model make new sound: here the old one with a clear echo.
		if (plan.audio === 'auto') args.push('-af', 'aecho=0.8:0.8:90|180:0.5|0.3');
	}
	args.push('-t', plan.seconds.toFixed(3), '-r', String(OUTPUT_FPS));
	args.push('-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '24', '-pix_fmt', 'yuv420p');
	args.push('-threads', '2', '-map_metadata', '-1', '-fflags', '+bitexact');
	args.push('-movflags', '+faststart', '-f', 'mp4');
	return args;
}

/** ffmpeg processes at once, and space that finished renders may take. */
const PROCESSES = 2;
const CACHE_BYTES = 512 * 1024 * 1024;

/**
 * Renders plans, each only once: equal plans share one run, and results stay in a cache folder for
 * the next sandbox.
 */
export class Renderer {
	/** ffmpeg runs so far; cache hits do not count. */
	runs = 0;
	private readonly gate = new Gate(PROCESSES);
	private readonly busy = new Map<string, Promise<string>>();
	private readonly cache = cacheDir('renders');

	/** `dir` is where finished files of this sandbox lie, safe from a cache that is emptied. */
	constructor(private readonly dir: string) {}

	async render(plan: RenderPlan, signal: AbortSignal): Promise<string> {
		const key = renderKey(plan);
		let work = this.busy.get(key);
		if (work === undefined) {
			work = this.produce(plan, key, signal);
			this.busy.set(key, work);
			// A failure must not stick to the next task with the same media.
			work.catch(() => this.busy.delete(key));
		}
		return await work;
	}

	forget(): void {
		this.busy.clear();
	}

	private async produce(plan: RenderPlan, key: string, signal: AbortSignal): Promise<string> {
		const cached = join(this.cache, `${key}.mp4`);
		const own = join(this.dir, `${key}.mp4`);
		await mkdir(this.dir, { recursive: true });
		if (await take(cached, own)) return own;
		await this.gate.run(async () => {
			signal.throwIfAborted();
			this.runs += 1;
			const partial = join(this.cache, `partial-${randomUUID()}`);
			const mark = `${own}.mark.pam`;
			try {
				await mkdir(dirname(own), { recursive: true });
				const files = [plan.source.path, ...plan.images.map(({ path }) => path)];
				if (plan.watermark) {
					await writeFile(mark, watermark());
					files.push(mark);
				}
				await runFfmpeg([...renderArgs(plan, files), partial], signal);
				await rename(partial, cached);
			} finally {
				await rm(partial, { force: true });
				await rm(mark, { force: true });
			}
		});
		if (!(await take(cached, own))) throw new Error('the rendered file is gone');
		return own;
	}
}

function renderKey(plan: RenderPlan): string {
	const files = [plan.source.sha256, ...plan.images.map(({ sha256 }) => sha256)];
	if (plan.watermark) files.push(createHash('sha256').update(watermark()).digest('hex'));
	return createHash('sha256')
		.update(JSON.stringify([ffmpegPath(), ...renderArgs(plan, files)]))
		.digest('hex');
}

/** A hard link where possible: no second copy, and it stays when the cache loses the file. */
async function take(cached: string, own: string): Promise<boolean> {
	try {
		await access(own);
		return true;
	} catch {
		// Not there yet.
	}
	try {
		await access(cached);
	} catch {
		return false;
	}
	await link(cached, own).catch(async (error: NodeJS.ErrnoException) => {
		// Copying onto a link to the same file would empty both.
		if (error.code !== 'EEXIST') await copyFile(cached, own);
	});
	const now = new Date();
	await utimes(cached, now, now).catch(() => undefined);
	return true;
}

/** Removes the renders that were used longest ago, and what broken runs left. */
export async function trimRenderCache(maxBytes = CACHE_BYTES): Promise<void> {
	const dir = cacheDir('renders');
	const files: Array<{ path: string; bytes: number; usedAt: number }> = [];
	for (const name of await readdir(dir)) {
		const path = join(dir, name);
		const info = await stat(path).catch(() => undefined);
		if (info === undefined) continue;
		if (name.startsWith('partial-') && Date.now() - info.mtimeMs > 3_600_000) {
			await rm(path, { force: true });
		} else {
			files.push({ path, bytes: info.size, usedAt: info.mtimeMs });
		}
	}
	let sum = 0;
	for (const { path, bytes } of files.sort((a, b) => b.usedAt - a.usedAt)) {
		sum += bytes;
		if (sum > maxBytes) await rm(path, { force: true });
	}
}
