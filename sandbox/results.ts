import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';

import { StorageError } from './errors';
import { naiveDay } from './times';
import type { Signer } from './uploads';

// The object storage's side of a result: signed links, ranges, padding.

export const RESULT_PREFIX = '/dashscope-result/';

export function resultPath(taskId: string, at: number): string {
	const [a, b] = [taskId.slice(0, 2), taskId.slice(2, 4)];
	return `${RESULT_PREFIX}${a}/${b}/${naiveDay(at)}/${taskId}.mp4`;
}

/** What OSS signs for a call by URL: method (so that a link for GET is none for HEAD), two empty headers, expiry, resource. */
const stringToSign = (method: string, path: string, expires: string) =>
	`${method}\n\n\n${expires}\n${path}`;

export function signedUrl(signer: Signer, base: string, path: string, expiresAt: number): string {
	const expires = String(Math.floor(expiresAt / 1000));
	const query = new URLSearchParams({
		Expires: expires,
		OSSAccessKeyId: signer.accessKeyId,
		Signature: signer.sign(stringToSign('GET', path, expires)),
	});
	return `${base}${path}?${query.toString()}`;
}

export interface ResultRequest {
	path: string;
	query: Record<string, string>;
	authorization: boolean;
	method: string;
	now: number;
}

export function assertSigned(signer: Signer, request: ResultRequest): void {
	const { path, method, query } = request;
	if (request.authorization) {
		throw new StorageError(
			400,
			'InvalidArgument',
			'Only one auth mechanism allowed; only the query string Signature parameter or the Authorization header should be specified.',
		);
	}
	const { Expires: expires, OSSAccessKeyId: accessKeyId, Signature: signature } = query;
	const text = expires && stringToSign(method, path, expires);
	signer.assertSigned(text, accessKeyId, signature);
	if (request.now / 1000 > Number(expires)) {
		throw new StorageError(403, 'AccessDenied', 'Request has expired.');
	}
}

export interface ByteRange {
	start: number;
	/** Inclusive. */
	end: number;
}

/** One range, as HTTP counts them; undefined = the whole, which is what OSS sends for nonsense. */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
	const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
	if (match === null || size === 0) return undefined;
	const [, first = '', last = ''] = match;
	if (first === '' && last === '') return undefined;
	const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
	const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
	return start <= end ? { start, end } : undefined;
}

const FREE_BOX_HEAD = 8;

/** Size of the padded result: an MP4 box has at least its head. */
export function paddedSize(fileBytes: number, wanted: number): number {
	return wanted >= fileBytes + FREE_BOX_HEAD ? wanted : fileBytes;
}

/** The file and, up to `size`, a `free` box that players skip; never held in memory. */
export function paddedContent(
	path: string,
	fileBytes: number,
	size: number,
	range: ByteRange = { start: 0, end: size - 1 },
): Readable {
	if (size === fileBytes) return createReadStream(path, range);
	return Readable.from(padded(path, fileBytes, size, range), { objectMode: false });
}

const ZEROS = Buffer.alloc(64 * 1024);

async function* padded(path: string, fileBytes: number, size: number, { start, end }: ByteRange) {
	if (start < fileBytes) {
		const file = createReadStream(path, { start, end: Math.min(end, fileBytes - 1) });
		for await (const chunk of file) yield chunk as Buffer;
	}
	const head = Buffer.alloc(FREE_BOX_HEAD);
	head.writeUInt32BE(size - fileBytes, 0);
	head.write('free', 4, 'latin1');
	const from = Math.max(start, fileBytes) - fileBytes;
	if (from < FREE_BOX_HEAD && end >= fileBytes) {
		yield head.subarray(from, Math.min(FREE_BOX_HEAD, end - fileBytes + 1));
	}
	let left = end - Math.max(start, fileBytes + FREE_BOX_HEAD) + 1;
	while (left > 0) {
		const chunk = ZEROS.subarray(0, Math.min(left, ZEROS.length));
		left -= chunk.length;
		yield chunk;
	}
}
