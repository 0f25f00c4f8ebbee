import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runFfmpeg } from '../../sandbox/programs';

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

/** One frame, shrunk to 48 x 48 RGB. */
export async function frame(path: string, second = 1): Promise<Buffer> {
	const args = ['-ss', String(second), '-i', path, '-frames:v', '1'];
	args.push('-vf', `scale=${SIDE}:${SIDE}:flags=area`, '-pix_fmt', 'rgb24', '-f', 'rawvideo');
	return await produce(args, 'rgb');
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
