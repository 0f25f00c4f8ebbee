import { turnOverYoungObjects } from '../youngObjects';

/**
 * A chunk this far behind has been sent: the streams between here and the socket hold 64 kB each, and take the next
 * chunk only when the socket has taken one. Bytes.
 */
const BEHIND_BYTES = 1024 * 1024;

/**
 * The chunks of a file, each freed when it has been sent. Otherwise it may stay for long: V8 comes to take the notes that
 * Node's streams make of what they are about to write for long-lived, and each such note keeps its chunk until the whole
 * heap is collected (Node 24, allocation-site pretenuring). A stream that read a freed chunk all the same would find it
 * empty, and the upload would be short and refused.
 * @param own whether nothing else uses the memory of these chunks
 */
export async function* freedWhenSent(
	chunks: AsyncIterable<Uint8Array>,
	own: boolean,
): AsyncGenerator<Uint8Array> {
	const sent: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of chunks) {
		if (own && isFreeable(chunk)) {
			sent.push(chunk);
			bytes += chunk.byteLength;
		} else {
			turnOverYoungObjects(chunk.byteLength);
		}
		let oldest = sent[0];
		while (oldest !== undefined && bytes - oldest.byteLength >= BEHIND_BYTES) {
			bytes -= oldest.byteLength;
			free(oldest);
			sent.shift();
			oldest = sent[0];
		}
		yield chunk;
	}
}

/** Node makes small chunks as parts of a larger piece of memory, and Node 20 cannot free any. */
function isFreeable({ buffer, byteLength }: Uint8Array): boolean {
	return 'transfer' in buffer && buffer.byteLength === byteLength;
}

function free({ buffer }: Uint8Array): void {
	if ('transfer' in buffer) buffer.transfer(0);
}
