// Videos of any size: a real one with a box at its end that players skip.
import { copyFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { SampleFile } from '../sandbox';

export const MEGABYTE = 1024 * 1024;

const HEAD_BYTES = 8;

/** Makes as many files as asked for and returns the pattern of their paths. */
export async function largeVideos(
	sample: SampleFile,
	folder: string,
	bytes: number,
	count: number,
): Promise<string> {
	for (let index = 0; index < count; index++) {
		await largeVideo(sample, join(folder, `${count}x`, String(index)), bytes);
	}
	return join(folder, `${count}x`, '*', nameOf(bytes));
}

const nameOf = (bytes: number) => `video-${Math.round(bytes / MEGABYTE)}mb.mp4`;

/** Makes the file in the folder and returns its path. The padding takes no room on most disks. */
export async function largeVideo(
	sample: SampleFile,
	folder: string,
	bytes: number,
): Promise<string> {
	const path = join(folder, nameOf(bytes));
	await mkdir(folder, { recursive: true });
	await copyFile(sample.path, path);
	const file = await open(path, 'r+');
	try {
		const { size } = await file.stat();
		const head = Buffer.alloc(HEAD_BYTES);
		head.writeUInt32BE(bytes - size, 0);
		head.write('free', 4, 'latin1');
		await file.write(head, 0, HEAD_BYTES, size);
		await file.truncate(bytes);
	} finally {
		await file.close();
	}
	return path;
}
