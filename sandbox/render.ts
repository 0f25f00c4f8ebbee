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

import { cacheDir, ffmpegPath, Gate, runFfmpeg } from './programs';
import { even, type Size } from './sizes';
import { watermark } from './watermark';

export interface RenderInput {
	/** A file, or a source of ffmpeg's own if the options say so. */
	path: string;
	/** Of the content. */
	sha256: string;
	/** Input options of ffmpeg. */
	options: string[];
}

/** All that a render depends on. */
export interface RenderPlan {
	inputs: RenderInput[];
	/** A filter graph, chain by chain, that leads to the labels `video` and `sound`. */
	chains: string[];
	video: string;
	sound?: string;
	size: Size;
	/** Length of the result. */
	seconds: number;
	watermark: boolean;
}

/** What the service puts out, always. */
export const OUTPUT_FPS = 30;

/** `paths` are those of the inputs and, if there is one, of the watermark. */
function renderArgs(plan: RenderPlan, paths: string[]): string[] {
	const { size, inputs } = plan;
	const chains = [...plan.chains];
	let { video } = plan;
	if (plan.watermark) {
		const height = even(Math.min(size.width, size.height) / 14);
		const margin = even(height / 2);
		const corner = `main_w-overlay_w-${margin}:main_h-overlay_h-${margin}`;
		chains.push(
			`[${inputs.length}:v]scale=-2:${height}:flags=neighbor[mark]`,
			`[${video}][mark]overlay=${corner}[marked]`,
		);
		video = 'marked';
	}
	const args = paths.flatMap((path, index) => {
		const { options = [] } = inputs[index] ?? {};
		const lavfi = options.includes('lavfi');
		return [...options, ...(lavfi ? [] : ['-protocol_whitelist', 'file']), '-i', path];
	});
	args.push('-filter_complex', chains.join(';'), '-map', `[${video}]`);
	if (plan.sound !== undefined) {
		// Streams that no filter has touched are mapped without brackets.
		args.push('-map', /^\d/.test(plan.sound) ? plan.sound : `[${plan.sound}]`);
		args.push('-c:a', 'aac', '-b:a', '128k', '-ar', '44100');
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
			const mark = `${own}.mark.pgm`;
			try {
				await mkdir(dirname(own), { recursive: true });
				const files = plan.inputs.map(({ path }) => path);
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
	const files = plan.inputs.map(({ sha256 }) => sha256);
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
