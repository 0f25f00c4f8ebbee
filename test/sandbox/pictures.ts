import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runFfmpeg } from '../../sandbox/programs';
import type { Json } from './client';

/** Runs ffmpeg into a temporary file and gives its content. */
export async function produce(args: string[], extension: string): Promise<Buffer> {
	const path = join(tmpdir(), `sandbox-test-${randomUUID()}.${extension}`);
	try {
		await runFfmpeg([...args, path]);
		return await readFile(path);
	} finally {
		await rm(path, { force: true });
	}
}

const SIDE = 48;

/** One frame, or what filters make of it, shrunk to 48 x 48 RGB. */
export async function frame(path: string, second = 1, filters = 'null'): Promise<Buffer> {
	// A still picture cannot be wound on.
	const start = second === 0 ? [] : ['-ss', String(second)];
	const args = [...start, '-i', path, '-frames:v', '1'];
	args.push('-vf', `${filters},scale=${SIDE}:${SIDE}:flags=area`);
	return await produce([...args, '-pix_fmt', 'rgb24', '-f', 'rawvideo'], 'rgb');
}

/** What a still picture looks like when it fills a frame of this size. */
export async function filling(path: string, width: number, height: number): Promise<Buffer> {
	const size = `${width}:${height}`;
	const fill = `scale=${size}:force_original_aspect_ratio=increase,crop=${size}`;
	return await frame(path, 0, fill);
}

/** Saves the result of a task that has succeeded. */
export async function downloaded(answer: Json, dir: string): Promise<string> {
	const output = answer.output as { task_status: string; video_url?: string; results?: Json };
	expect(output).toMatchObject({ task_status: 'SUCCEEDED' });
	const response = await fetch(String(output.video_url ?? output.results?.video_url));
	const path = join(dir, `${randomUUID()}.mp4`);
	await writeFile(path, Buffer.from(await response.arrayBuffer()));
	return path;
}

/** The sound, as bytes of 8-bit mono. */
export async function sound(path: string): Promise<Buffer> {
	const args = ['-i', path, '-vn', '-ac', '1', '-ar', '8000', '-f', 'u8'];
	return await produce(args, 'pcm');
}

/** Mean difference of the bytes, 0 to 255. */
export function difference(a: Buffer, b: Buffer): number {
	const length = Math.min(a.length, b.length);
	let sum = 0;
	for (let i = 0; i < length; i++) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
	return sum / length;
}

/** A part of a shrunk frame; all numbers from 0 to 1. */
export function region(pixels: Buffer, x: number, y: number, width: number, height: number) {
	const rows: Buffer[] = [];
	const [left, right] = [Math.round(x * SIDE), Math.round((x + width) * SIDE)];
	for (let row = Math.round(y * SIDE); row < Math.round((y + height) * SIDE); row++) {
		rows.push(pixels.subarray((row * SIDE + left) * 3, (row * SIDE + right) * 3));
	}
	return Buffer.concat(rows);
}

/** How colourful: mean distance between the channels of a pixel. */
export function colour(pixels: Buffer): number {
	let sum = 0;
	for (let i = 0; i + 2 < pixels.length; i += 3) {
		const [r = 0, g = 0, b = 0] = pixels.subarray(i, i + 3);
		sum += Math.max(r, g, b) - Math.min(r, g, b);
	}
	return sum / (pixels.length / 3);
}
