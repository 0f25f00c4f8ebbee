import { freedWhenSent } from '../../../nodes/shared/dashscope/sentChunks';

const CHUNK = 64 * 1024;
const MEGABYTE = 1024 * 1024;

/** Node 20, which may run these tests, has no `transfer`; Node's buffers belong to another realm than Jest's. */
const prototypes = [ArrayBuffer.prototype, Object.getPrototypeOf(Buffer.alloc(1).buffer) as object];

const without = prototypes.filter((prototype) => !('transfer' in prototype));

beforeAll(() => {
	for (const prototype of without) {
		Object.defineProperty(prototype, 'transfer', {
			configurable: true,
			value(this: ArrayBuffer) {
				return structuredClone(this, { transfer: [this] });
			},
		});
	}
});

afterAll(() => {
	for (const prototype of without) Reflect.deleteProperty(prototype, 'transfer');
});

function chunkOf(size: number, fill: number): Uint8Array {
	return Buffer.allocUnsafeSlow(size).fill(fill);
}

async function* all(chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
	for (const chunk of chunks) yield await Promise.resolve(chunk);
}

test('a chunk is freed when a megabyte has followed, and no earlier', async () => {
	const chunks = Array.from({ length: 40 }, (_, index) => chunkOf(CHUNK, index));
	let taken = 0;
	for await (const chunk of freedWhenSent(all(chunks), true)) {
		taken++;
		expect(chunk.every((byte) => byte === taken - 1)).toBe(true);
		const behind = (index: number) => (taken - 1 - index) * CHUNK;
		const lengths = chunks.slice(0, taken).map(({ byteLength }) => byteLength);
		expect(lengths).toEqual(
			chunks.slice(0, taken).map((__, index) => (behind(index) >= MEGABYTE ? 0 : CHUNK)),
		);
	}
	expect(taken).toBe(40);
});

test('a megabyte is counted in bytes, whatever the chunks are like', async () => {
	const sizes = Array.from({ length: 60 }, (_, index) => 1 + ((index * 37_813) % 300_000));
	const chunks = sizes.map((size) => chunkOf(size, 1));
	let taken = 0;
	for await (const chunk of freedWhenSent(all(chunks), true)) {
		expect(chunk.byteLength).toBe(sizes[taken]);
		taken++;
		for (let index = 0; index < taken; index++) {
			const behind = sizes.slice(index + 1, taken).reduce((sum, size) => sum + size, 0);
			if (behind < MEGABYTE) expect(chunks[index]?.byteLength).toBe(sizes[index]);
			else expect(chunks[index]?.byteLength).toBe(0);
		}
	}
});

test('nothing is freed that something else may use', async () => {
	const shared = Buffer.allocUnsafeSlow(4 * MEGABYTE);
	const parts = Array.from({ length: 64 }, (_, index) =>
		shared.subarray(index * CHUNK, (index + 1) * CHUNK),
	);
	const others = Array.from({ length: 64 }, () => chunkOf(CHUNK, 7));
	for await (const _ of freedWhenSent(all(parts), true));
	for await (const _ of freedWhenSent(all(others), false));
	expect(shared.byteLength).toBe(4 * MEGABYTE);
	expect(others.every(({ byteLength }) => byteLength === CHUNK)).toBe(true);
});
