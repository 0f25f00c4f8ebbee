import { passed, passing } from '../../../nodes/WanVideoEdit/n8n/passing';

const MEGABYTE = 1024 * 1024;

async function* chunksOf(count: number, bytes: number): AsyncGenerator<Uint8Array> {
	for (let index = 0; index < count; index++) {
		yield await Promise.resolve(new Uint8Array(bytes).fill(index));
	}
}

function streamOf(chunks: AsyncGenerator<Uint8Array>) {
	const stream = Object.assign(chunks, { destroyed: 0, destroy: () => void stream.destroyed++ });
	return stream;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
	const started = Date.now();
	await work();
	return (Date.now() - started) / 1000;
}

test('a stream keeps its bytes and their order', async () => {
	const seen: number[] = [];
	for await (const chunk of passing(streamOf(chunksOf(5, 3)))) seen.push(...chunk);
	expect(seen).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
});

test('what ends the copy ends the stream', async () => {
	const stream = streamOf(chunksOf(5, 3));
	const copy = passing(stream);
	copy.destroy();
	expect(stream.destroyed).toBe(1);
	for await (const chunk of copy) {
		expect(chunk).toHaveLength(3);
		break;
	}
	await expect(stream.next()).resolves.toMatchObject({ done: true });
});

test('an error of the stream is passed on', async () => {
	async function* breaking(): AsyncGenerator<Uint8Array> {
		yield await Promise.resolve(new Uint8Array(3));
		throw new Error('The file is gone');
	}
	const read = async () => {
		for await (const chunk of passing(streamOf(breaking()))) expect(chunk).toHaveLength(3);
	};
	await expect(read()).rejects.toThrow('The file is gone');
});

test('pieces of a file that is held in memory are not waited for', async () => {
	const file = new Uint8Array(40 * MEGABYTE);
	const seconds = await secondsOf(async () => {
		for (let start = 0; start < file.byteLength; start += MEGABYTE) {
			await passed(file.subarray(start, start + MEGABYTE));
		}
	});
	expect(seconds).toBeLessThan(0.4);
});

test('chunks that somebody keeps slow the stream down a little, and do not stop it', async () => {
	const kept: Uint8Array[] = [];
	const seconds = await secondsOf(async () => {
		for await (const chunk of passing(streamOf(chunksOf(1_600, MEGABYTE / 16)))) kept.push(chunk);
	});
	expect(kept).toHaveLength(1_600);
	// One pause for every 18 MB.
	expect(seconds).toBeGreaterThan(0.2);
	expect(seconds).toBeLessThan(6);
}, 30_000);
