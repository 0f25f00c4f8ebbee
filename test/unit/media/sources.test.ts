import { InputError } from '../../../nodes/shared/inputError';
import { resolveMedia } from '../../../nodes/shared/media/sources';
import type { MediaSource } from '../../../nodes/shared/media/types';
import type { UploadFile } from '../../../nodes/shared/dashscope/uploads';
import { HEADS, VIDEO_URL, binary, fileOf, mediaOf, url } from '../requests';

const MEGABYTE = 1024 * 1024;

const picture = (megabytes: number, identity = 'picture') =>
	fileOf(HEADS.png, { size: Math.round(megabytes * MEGABYTE), identity });

/** Resolves the media of a request, with an upload that names its files. */
async function resolve(
	images: MediaSource[],
	video: MediaSource = url(VIDEO_URL),
	inlineBytes?: number,
) {
	const uploads: string[] = [];
	const upload = async ({ identity, extension }: UploadFile) => {
		uploads.push(identity);
		return await Promise.resolve(`oss://${identity}.${extension}`);
	};
	const media = await mediaOf({ video, images });
	return { entries: await resolveMedia(media, upload, inlineBytes), uploads };
}

/** How each entry travels. */
const ways = (entries: ReadonlyArray<{ url: string }>) =>
	entries.map((entry) => /^(\w+):/.exec(entry.url)?.[1]);

describe('checking media', () => {
	test('knows the format of files by their content, whatever their name', async () => {
		const video = binary(fileOf(HEADS.mov, { fileName: 'clip.png' }));
		const image = binary(fileOf(HEADS.jpg, { fileName: 'photo.mp4' }));
		const media = await mediaOf({ video, images: [image] });
		expect(media.map((one) => one.from === 'binary' && one.format.extension)).toEqual([
			'mov',
			'jpg',
		]);
	});

	test('encodes URLs and looks no further', async () => {
		const media = await mediaOf({ video: url('https://files.example/é.mp4') });
		expect(media).toEqual([
			expect.objectContaining({ from: 'url', url: 'https://files.example/%C3%A9.mp4', facts: {} }),
		]);
	});

	test.each([
		['a picture as video', { video: binary(fileOf(HEADS.png), 'clip') }, /'clip'.*PNG/],
		['a video as image', { images: [binary(fileOf(HEADS.mp4), 'photo')] }, /'photo'.*MP4/],
		['an empty file', { video: binary(fileOf(new Uint8Array()), 'clip') }, /'clip'.*empty/],
		[
			'too large an image',
			{ images: [binary(picture(21), 'photo')] },
			/'photo'.*21\.0 MB.*20\.0 MB/,
		],
		[
			'too large a video',
			{ video: binary(fileOf(HEADS.mp4, { size: 101 * MEGABYTE }), 'clip') },
			/'clip'.*101\.0 MB.*100\.0 MB/,
		],
	])('refuses %s without opening it', async (_name, more, message) => {
		const checking = mediaOf(more);
		await expect(checking).rejects.toThrow(InputError);
		await expect(checking).rejects.toThrow(message);
	});
});

describe('resolving media', () => {
	test('gives the video first, then the images in order', async () => {
		const { entries } = await resolve([
			url('https://i.example/1'),
			binary(fileOf(HEADS.png, { identity: 'two' })),
			binary(picture(6, 'three')),
			url('oss://bucket/4.webp'),
		]);
		expect(entries.map(({ type }) => type)).toEqual(['video', ...Array(4).fill('reference_image')]);
		expect(entries.map((entry) => entry.url)).toEqual([
			VIDEO_URL,
			'https://i.example/1',
			`data:image/png;base64,${HEADS.png.toString('base64')}`,
			'oss://three.png',
			'oss://bucket/4.webp',
		]);
	});

	test('uploads a video, however small', async () => {
		const { entries, uploads } = await resolve([], binary(fileOf(HEADS.mp4, { identity: 'v' })));
		expect(entries).toEqual([{ type: 'video', url: 'oss://v.mp4' }]);
		expect(uploads).toEqual(['v']);
	});

	test('sends an image inline at 5 MB and uploads it a byte beyond', async () => {
		expect(ways((await resolve([binary(picture(5))])).entries)).toEqual(['https', 'data']);
		const beyond = fileOf(HEADS.png, { size: 5 * MEGABYTE + 1 });
		expect(ways((await resolve([binary(beyond)])).entries)).toEqual(['https', 'oss']);
	});

	test.each([
		[
			[5, 5],
			['data', 'data'],
		],
		[
			[4, 4, 4],
			['data', 'data', 'oss'],
		],
		[
			[4, 4, 4, 2],
			['data', 'data', 'oss', 'data'],
		],
		[
			[5, 5, 0.001],
			['data', 'data', 'oss'],
		],
		[
			[6, 5, 5, 0.001],
			['oss', 'data', 'data', 'oss'],
		],
	])('of images of %j MB, those within 10 MB together travel inline', async (sizes, expected) => {
		const images = sizes.map((megabytes, index) => binary(picture(megabytes, `i${index}`)));
		expect(ways((await resolve(images)).entries).slice(1)).toEqual(expected);
	});

	test('uploads all images where none may travel inline', async () => {
		const images = [binary(picture(1, 'a')), url('https://i.example/2'), binary(picture(1, 'b'))];
		const { entries, uploads } = await resolve(images, url(VIDEO_URL), 0);
		expect(ways(entries)).toEqual(['https', 'oss', 'https', 'oss']);
		expect(uploads).toEqual(['a', 'b']);
	});

	test('uploads what is more than may travel inline', async () => {
		const images = [1, 2, 0.5].map((megabytes, index) => binary(picture(megabytes, `i${index}`)));
		const { entries } = await resolve(images, url(VIDEO_URL), 1.6 * MEGABYTE);
		expect(ways(entries)).toEqual(['https', 'data', 'oss', 'data']);
	});

	test('encodes every byte of an inline image', async () => {
		const content = Buffer.concat([
			HEADS.jpg,
			Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
		]);
		const { entries } = await resolve([binary(fileOf(content))]);
		expect(entries[1]?.url).toBe(`data:image/jpeg;base64,${content.toString('base64')}`);
	});

	test('names a failed upload, and no entry is made up', async () => {
		const media = await mediaOf({ video: binary(fileOf(HEADS.mp4)) });
		const failing = async () => await Promise.reject<string>(new Error('store is full'));
		await expect(resolveMedia(media, failing)).rejects.toThrow('store is full');
	});
});
