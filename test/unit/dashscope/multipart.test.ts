import { multipartBytes, multipartFrame } from '../../../nodes/shared/dashscope/multipart';

async function* chunks(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
	for (const part of parts) yield await Promise.resolve(part);
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	for await (const part of bytes) parts.push(part);
	return Buffer.concat(parts);
}

const FIELDS = [
	['OSSAccessKeyId', 'LTAI1'],
	['key', 'dashscope-instant/a/b.mp4'],
] as const;

test('the body is framed byte for byte, with the file as the last part', async () => {
	const content = Buffer.from([0x00, 0xff, 0x0d, 0x0a, 0x2d, 0x2d]);
	const file = { fileName: 'b.mp4', mimeType: 'video/mp4', size: content.length };
	const frame = multipartFrame(FIELDS, file, 'BOUND');

	const expected = Buffer.concat([
		Buffer.from(
			[
				'--BOUND',
				'Content-Disposition: form-data; name="OSSAccessKeyId"',
				'',
				'LTAI1',
				'--BOUND',
				'Content-Disposition: form-data; name="key"',
				'',
				'dashscope-instant/a/b.mp4',
				'--BOUND',
				'Content-Disposition: form-data; name="file"; filename="b.mp4"',
				'Content-Type: video/mp4',
				'',
				'',
			].join('\r\n'),
		),
		content,
		Buffer.from('\r\n--BOUND--\r\n'),
	]);
	const body = await collect(
		multipartBytes(frame, chunks(content.subarray(0, 2), content.subarray(2))),
	);
	expect(body.equals(expected)).toBe(true);
	expect(frame.contentType).toBe('multipart/form-data; boundary=BOUND');
});

test.each([
	['an empty file', [], 0],
	['one chunk', [1_000], 1_000],
	['many chunks', [65_536, 65_536, 17, 0, 1], 131_090],
])('the announced length is that of the bytes produced: %s', async (_name, sizes, size) => {
	const file = { fileName: 'a.png', mimeType: 'image/png', size };
	const frame = multipartFrame(FIELDS, file, 'b');
	const body = await collect(
		multipartBytes(frame, chunks(...sizes.map((length) => new Uint8Array(length).fill(7)))),
	);
	expect(body.length).toBe(frame.contentLength);
});

test('characters beyond ASCII count by their bytes', async () => {
	const file = { fileName: 'a.png', mimeType: 'image/png', size: 3 };
	const frame = multipartFrame([['policy', '图片 ü 🎬']], file, 'b');
	const body = await collect(multipartBytes(frame, chunks(new Uint8Array(3))));
	expect(body.length).toBe(frame.contentLength);
	expect(body.toString('utf8')).toContain('\r\n\r\n图片 ü 🎬\r\n');
});

test('without fields the file is the only part', async () => {
	const file = { fileName: 'a.bmp', mimeType: 'image/bmp', size: 1 };
	const frame = multipartFrame([], file, 'b');
	const body = await collect(multipartBytes(frame, chunks(Uint8Array.of(65))));
	expect(body.toString('latin1')).toBe(
		'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bmp"\r\nContent-Type: image/bmp\r\n\r\nA\r\n--b--\r\n',
	);
});

test('chunks pass through one at a time', async () => {
	let read = 0;
	async function* file() {
		for (const byte of [1, 2]) {
			read++;
			yield await Promise.resolve(Uint8Array.of(byte));
		}
	}
	const frame = multipartFrame([], { fileName: 'a', mimeType: 'b/c', size: 2 }, 'b');
	const body = multipartBytes(frame, file());
	expect((await body.next()).value).toEqual(frame.head);
	expect(read).toBe(0);
	expect((await body.next()).value).toEqual(Uint8Array.of(1));
	expect(read).toBe(1);
	expect((await body.next()).value).toEqual(Uint8Array.of(2));
	expect((await body.next()).value).toEqual(frame.tail);
	expect((await body.next()).done).toBe(true);
});

test('a file that comes as one large chunk is handed on in slices', async () => {
	const content = new Uint8Array(1_000_001).map((_byte, index) => index % 251);
	const frame = multipartFrame(
		[],
		{ fileName: 'a', mimeType: 'b/c', size: content.byteLength },
		'b',
	);
	const parts: Uint8Array[] = [];
	for await (const part of multipartBytes(frame, chunks(content))) parts.push(part);
	expect(Math.max(...parts.map((part) => part.byteLength))).toBeLessThanOrEqual(256 * 1024);
	const file = Buffer.concat(parts.slice(1, -1));
	expect(file.equals(content)).toBe(true);
});

test('a file that breaks off breaks the body off', async () => {
	async function* broken() {
		yield await Promise.resolve(Uint8Array.of(1));
		throw new Error('disk');
	}
	const frame = multipartFrame([], { fileName: 'a', mimeType: 'b/c', size: 2 }, 'b');
	await expect(collect(multipartBytes(frame, broken()))).rejects.toThrow('disk');
});
