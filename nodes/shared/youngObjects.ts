/**
 * The bytes of a file on its way lie outside V8's heap, and V8 lets 64 MB of them gather. Then it marks the whole heap
 * to find what it can free: with 400 MB in it that takes most of a second of processor time, again and again, and more
 * of it stands in the way of the event loop with each chunk that comes meanwhile. But these chunks are dead within
 * milliseconds: a collection of the young objects alone frees them, in a few milliseconds however large the heap is.
 * V8 does that whenever the young part (16 to 64 MB) is full, for which reading a file makes far too few objects.
 * So for each byte that moves this many are used up there. With more of them a chunk that waits for a slow receiver
 * is still there at a second collection, and V8 keeps it for the whole heap's next one; with fewer of them too many
 * bytes gather between two.
 */
const YOUNG_BYTES = 4;

/** Larger objects have a place of their own. Bytes. */
const PIECE_BYTES = 64 * 1024;

/** An element of an array. Bytes. */
const ELEMENT_BYTES = 8;

/** To be copied: arrays made with `new Array` outlived collections once V8 had optimized the code (seen with Node 24). */
const PIECE = new Array<number>(PIECE_BYTES / ELEMENT_BYTES).fill(0);

/** To be called as a file passes, chunk by chunk. @param bytes that have passed since the last call */
export function turnOverYoungObjects(bytes: number): void {
	for (let left = bytes * YOUNG_BYTES; left > 0; left -= PIECE_BYTES) {
		PIECE.slice(0, left / ELEMENT_BYTES);
	}
}
