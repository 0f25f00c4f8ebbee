/**
 * Framing of a multipart/form-data body with one file as its last part, so that a file of known size
 * can be sent as a stream with a known Content-Length. Pure.
 */

export interface MultipartFile {
	/** ASCII file name for the part's header. */
	fileName: string;
	mimeType: string;
	/** Bytes. */
	size: number;
}

export interface MultipartFrame {
	/** Everything before the file's bytes. */
	head: Uint8Array;
	/** Everything after them. */
	tail: Uint8Array;
	contentType: string;
	/** Bytes of the whole body. */
	contentLength: number;
}

/**
 * @param fields name and value of the text parts, in the order in which they are sent
 * @param boundary must not occur in any part; random is enough
 */
export function multipartFrame(
	fields: ReadonlyArray<readonly [name: string, value: string]>,
	file: MultipartFile,
	boundary: string,
): MultipartFrame {
	const parts = fields.map(
		([name, value]) =>
			`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
	);
	const filePart =
		`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.fileName}"\r\n` +
		`Content-Type: ${file.mimeType}\r\n\r\n`;
	const encoder = new TextEncoder();
	const head = encoder.encode(parts.join('') + filePart);
	const tail = encoder.encode(`\r\n--${boundary}--\r\n`);
	return {
		head,
		tail,
		contentType: `multipart/form-data; boundary=${boundary}`,
		contentLength: head.byteLength + file.size + tail.byteLength,
	};
}

/** Bytes handed on at a time: n8n's database store gives a whole file as one chunk, which TLS would copy whole. */
const SLICE_BYTES = 256 * 1024;

/** The bytes of the body, one slice after another, without ever holding the file. */
export async function* multipartBytes(
	frame: MultipartFrame,
	file: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
	yield frame.head;
	for await (const chunk of file) {
		for (let start = 0; start < chunk.byteLength; start += SLICE_BYTES) {
			yield chunk.subarray(start, start + SLICE_BYTES);
		}
	}
	yield frame.tail;
}
