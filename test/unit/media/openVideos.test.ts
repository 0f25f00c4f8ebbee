import { OpenVideos } from '../../../nodes/shared/media/openVideos';
import type { BinaryFile } from '../../../nodes/shared/media/types';
import { sourceOf } from './mp4/files';

/** A video of three chunks in two pieces, and how often it was closed. */
function video(videos: OpenVideos, name = 'a') {
	const counts = { closed: 0, ended: 0 };
	const source = {
		...sourceOf(new Uint8Array()),
		close: async () => {
			counts.closed += 1;
			await Promise.resolve();
		},
	};
	async function* content() {
		try {
			for (const byte of [1, 2, 3]) yield await Promise.resolve(Uint8Array.of(byte));
		} finally {
			counts.ended += 1;
		}
	}
	const watch = videos.watch(source, 2);
	const [first, second] = [1, 2].map(
		(number): BinaryFile => ({
			size: 3,
			identity: `${name}-${number}`,
			head: async () => await Promise.resolve(new Uint8Array()),
			open: async () => await Promise.resolve(Object.assign(content(), { destroy: () => 0 })),
			ownChunks: false,
		}),
	);
	if (first === undefined || second === undefined) throw new Error('There are two');
	return { counts, first: watch(first), second: watch(second), source };
}

async function read(piece: BinaryFile): Promise<number[]> {
	const bytes: number[] = [];
	for await (const chunk of await piece.open()) bytes.push(...chunk);
	return bytes;
}

const settled = async () => await new Promise((resolve) => setImmediate(resolve));

test('a video is closed when all its pieces have been read, and again when one is read again', async () => {
	const { counts, first, second } = video(new OpenVideos());
	expect(await read(first)).toEqual([1, 2, 3]);
	expect(await read(first)).toEqual([1, 2, 3]);
	expect(counts.closed).toBe(0);
	expect(await read(second)).toEqual([1, 2, 3]);
	expect(counts.closed).toBe(1);
	await read(first);
	expect(counts.closed).toBe(2);
});

test('not while another one is read, and not for one that was read in part', async () => {
	const { counts, first, second } = video(new OpenVideos());
	const stream = await second.open();
	const chunks = stream[Symbol.asyncIterator]();
	await chunks.next();
	await read(first);
	expect(counts.closed).toBe(0);
	stream.destroy();
	await settled();
	expect(counts).toEqual({ closed: 0, ended: 2 });
	await read(second);
	expect(counts.closed).toBe(1);
});

test('few are open between two of their pieces: those read last', async () => {
	const videos = new OpenVideos();
	const made = Array.from({ length: 7 }, (_, index) => video(videos, `v${index}`));
	for (const { first } of made) await read(first);
	expect(made.map(({ counts }) => counts.closed)).toEqual([1, 1, 1, 0, 0, 0, 0]);
	await videos.close();
	expect(made.map(({ counts }) => counts.closed)).toEqual(made.map(() => 1));
});

test('what is still read when all are closed is closed afterwards', async () => {
	const videos = new OpenVideos();
	const { counts, first } = video(videos);
	const stream = await first.open();
	await stream[Symbol.asyncIterator]().next();
	await videos.close();
	expect(counts.closed).toBe(0);
	stream.destroy();
	await settled();
	expect(counts.closed).toBe(1);
});

test('a file that cannot be closed spoils nothing', async () => {
	const { first, second, source } = video(new OpenVideos());
	source.close = async () => await Promise.reject(new Error('EIO'));
	await read(first);
	expect(await read(second)).toEqual([1, 2, 3]);
});
