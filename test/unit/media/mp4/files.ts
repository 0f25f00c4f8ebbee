import { readFile } from 'node:fs/promises';
import { splitClip } from '../../../../nodes/shared/media/mp4/split';
import { streamedSource } from '../../../../nodes/shared/media/mp4/source';
import type { ByteSource, ClipFile } from '../../../../nodes/shared/media/mp4/source';

/** Bytes as a stream from the start, the only way in which n8n gives a file; counts what was done. */
export function streamOf(
	bytes: Uint8Array,
	chunk = 1000,
): ByteSource & { counts: { openings: number; passed: number } } {
	const counts = { openings: 0, passed: 0 };
	const source = streamedSource(bytes.length, async () => {
		counts.openings += 1;
		return await Promise.resolve(
			(async function* () {
				for (let start = 0; start < bytes.length; start += chunk) {
					counts.passed += Math.min(chunk, bytes.length - start);
					yield await Promise.resolve(bytes.subarray(start, start + chunk));
				}
			})(),
		);
	});
	return Object.assign(source, { counts });
}

export function sourceOf(bytes: Uint8Array): ByteSource {
	const read = async (offset: number, length: number) => {
		if (offset + length > bytes.length) throw new Error('read past the end');
		return await Promise.resolve(bytes.subarray(offset, offset + length));
	};
	return {
		size: bytes.length,
		read,
		async *parts(offset, length) {
			yield await read(offset, length);
		},
		close: async () => await Promise.resolve(),
	};
}

export async function bytesOf(file: ClipFile): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	for await (const part of file.chunks()) parts.push(part);
	const bytes = Buffer.concat(parts);
	expect(bytes.length).toBe(file.size);
	return bytes;
}

export const sourceAt = async (path: string) => sourceOf(await readFile(path));

export async function piecesOf(
	source: ByteSource,
	limits = { min: 2, max: 10 },
	split = splitClip,
) {
	const { cuts, pieces, notes } = await split(source, limits);
	const files: Buffer[] = [];
	for (const piece of pieces) files.push(await bytesOf(piece));
	return { cuts, files, notes };
}

/** Of a box's type and, behind a colon, its number from 0 among those of the type: `trak:1`. */
type Step = string;

/** A file with the content of one of its boxes changed, and the sizes of those around it set right. */
export function changed(
	file: Buffer,
	[step = '', ...rest]: Step[],
	change: (content: Buffer) => Buffer,
): Buffer {
	const [wanted, number = '0'] = step.split(':');
	const parts: Buffer[] = [];
	let seen = 0;
	for (let at = 0; at + 8 <= file.length; ) {
		const end = at + file.readUInt32BE(at);
		const [header, content] = [file.subarray(at, at + 8), file.subarray(at + 8, end)];
		at = end;
		const isWanted = header.toString('latin1', 4) === wanted && seen++ === Number(number);
		const inner = !isWanted
			? content
			: rest.length === 0
				? change(Buffer.from(content))
				: changed(content, rest, change);
		const size = Buffer.alloc(4);
		size.writeUInt32BE(inner.length + 8);
		parts.push(size, header.subarray(4), inner);
	}
	if (seen <= Number(number)) throw new Error(`no box ${step}`);
	return Buffer.concat(parts);
}
