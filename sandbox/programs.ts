import { execFile } from 'node:child_process';
import {
	accessSync,
	chmodSync,
	constants,
	copyFileSync,
	mkdirSync,
	renameSync,
	statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import ffmpegInstaller from '@ffmpeg-installer/ffmpeg';
import ffprobeInstaller from '@ffprobe-installer/ffprobe';

/** Samples, renders and the like that may outlive a run; safe to delete at any time. */
export function cacheDir(...parts: string[]): string {
	// The user's own folder: in a shared /tmp another user's would not be writable.
	const root =
		process.env.XDG_CACHE_HOME ?? join(tmpdir(), `cache-${process.getuid?.() ?? 'user'}`);
	const dir = join(root, 'wan-video-edit-sandbox', ...parts);
	mkdirSync(dir, { recursive: true });
	return dir;
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

/**
 * The packages' install scripts set the executable bit; where install scripts are switched off, as
 * in this repository, it may be missing, and the package folder may not be ours to change.
 */
function runnable(path: string, name: string): string {
	if (isExecutable(path)) return path;
	try {
		chmodSync(path, 0o755);
		return path;
	} catch {
		const copy = join(cacheDir('bin'), `${name}-${statSync(path).size}`);
		if (!isExecutable(copy)) {
			const partial = `${copy}.${process.pid}`;
			copyFileSync(path, partial);
			chmodSync(partial, 0o755);
			renameSync(partial, copy);
		}
		return copy;
	}
}

let ffmpegProgram: string | undefined;
let ffprobeProgram: string | undefined;

export const ffmpegPath = () => (ffmpegProgram ??= runnable(ffmpegInstaller.path, 'ffmpeg'));
export const ffprobePath = () => (ffprobeProgram ??= runnable(ffprobeInstaller.path, 'ffprobe'));

/** A render that takes longer than this is stuck. */
const RUN_TIMEOUT = 180_000;

function run(program: string, args: string[], signal?: AbortSignal): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		const child = execFile(
			program,
			args,
			{
				signal,
				timeout: RUN_TIMEOUT,
				killSignal: 'SIGKILL',
				maxBuffer: 16 * 1024 * 1024,
				encoding: 'buffer',
			},
			(error, stdout, stderr) => {
				if (error === null) return resolve(stdout);
				const reason = stderr.toString().trim().split('\n').slice(-3).join(' ');
				const failure =
					signal?.aborted || reason === '' ? error : new Error(reason, { cause: error });
				// A process that was only just killed may write for a moment longer.
				const runs =
					child.pid !== undefined && child.exitCode === null && child.signalCode === null;
				if (runs) child.once('exit', () => reject(failure));
				else reject(failure);
			},
		);
	});
}

const QUIET = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y'];

export async function runFfmpeg(args: string[], signal?: AbortSignal): Promise<void> {
	await run(ffmpegPath(), [...QUIET, ...args], signal);
}

/** The first frame of a file as so many times so many bytes of brightness. */
export async function grayPixels(file: string, side: number): Promise<Buffer> {
	const shown = ['-frames:v', '1', '-vf', `scale=${side}:${side}`, '-pix_fmt', 'gray'];
	const args = ['-protocol_whitelist', 'file,pipe', '-i', file, ...shown, '-f', 'rawvideo', '-'];
	return await run(ffmpegPath(), [...QUIET, ...args]);
}

export async function runFfprobe(file: string, signal?: AbortSignal): Promise<unknown> {
	const args = ['-v', 'error', '-protocol_whitelist', 'file'];
	args.push('-show_format', '-show_streams', '-of', 'json', file);
	return JSON.parse((await run(ffprobePath(), args, signal)).toString());
}

/** Lets at most so many pieces of work run at once. */
export class Gate {
	private active = 0;
	private waiting: Array<() => void> = [];

	constructor(private readonly places: number) {}

	async run<T>(work: () => Promise<T>): Promise<T> {
		if (this.active >= this.places) {
			await new Promise<void>((resolve) => this.waiting.push(resolve));
		} else {
			this.active += 1;
		}
		try {
			return await work();
		} finally {
			// The place goes straight to the next in line, so nobody can slip in between.
			const next = this.waiting.shift();
			if (next === undefined) this.active -= 1;
			else next();
		}
	}
}
