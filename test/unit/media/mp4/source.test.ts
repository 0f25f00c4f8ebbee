import { ClipError, streamedSource } from '../../../../nodes/shared/media/mp4/source';
import { streamOf } from './files';

const BYTES = Uint8Array.from({ length: 10_000 }, (_, index) => index % 251);

test('reads across chunks, and forwards from one stream', async () => {
	const source = streamOf(BYTES, 100);
	for (const [offset, length] of [
		[0, 16],
		[90, 30],
		[105, 5],
		[1000, 950],
		[9990, 10],
	] as const) {
		expect(await source.read(offset, length)).toEqual(BYTES.slice(offset, offset + length));
	}
	expect(source.counts.openings).toBe(1);
});

test('readers side by side have a stream each', async () => {
	const source = streamOf(BYTES, 100);
	const reader = async (start: number) => {
		for (let offset = start; offset < start + 2000; offset += 50) {
			expect(await source.read(offset, 50)).toEqual(BYTES.slice(offset, offset + 50));
		}
	};
	await Promise.all([0, 2000, 4000, 6000].map(reader));
	expect(source.counts.openings).toBeLessThanOrEqual(5);
	// Each passes over what lies before its place once.
	expect(source.counts.passed).toBeLessThan(25_000);
});

test('a file that is shorter than it said', async () => {
	const source = streamedSource(20_000, async () => {
		return await Promise.resolve(
			(async function* () {
				yield await Promise.resolve(BYTES);
			})(),
		);
	});
	await expect(source.read(9_000, 2_000)).rejects.toThrow(ClipError);
	await expect(source.read(9_000, 2_000)).rejects.toThrow(/ends at byte 10000, before byte 11000/);
});

test('streams that stop are ended, and those that are left are ended by close', async () => {
	let open = 0;
	const source = streamedSource(BYTES.length, async () => {
		open += 1;
		return await Promise.resolve(
			(async function* () {
				try {
					for (let at = 0; at < BYTES.length; at += 500) {
						yield await Promise.resolve(BYTES.subarray(at, at + 500));
					}
				} finally {
					open -= 1;
				}
			})(),
		);
	});
	await source.read(5000, 10);
	await source.read(0, 10);
	expect(open).toBe(2);
	await source.read(9000, 1000);
	expect(open).toBe(1);
	await source.close();
	expect(open).toBe(0);
	expect(await source.read(3, 2)).toEqual(BYTES.slice(3, 5));
	await source.close();
});
