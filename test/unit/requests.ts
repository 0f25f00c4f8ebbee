import type { ByteStream } from '../../nodes/shared/dashscope/uploads';
import { checkMedia } from '../../nodes/shared/media/sources';
import type { BinaryFile, MediaSource } from '../../nodes/shared/media/types';
import type { TaskRequest } from '../../nodes/shared/tasks/run';
import type { ModelRequest } from '../../nodes/WanVideoEdit/models/spec';
import { taskOf } from '../../nodes/WanVideoEdit/models/taskOf';
import { validateRequest } from '../../nodes/WanVideoEdit/models/validate';
import { wan27VideoEdit } from '../../nodes/WanVideoEdit/models/wan27VideoEdit';

export const MODEL = 'wan2.7-videoedit';

/** First bytes of files as their programs write them. */
export const HEADS = {
	mp4: Buffer.from('\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41', 'latin1'),
	mov: Buffer.from('\0\0\0\x14ftypqt  \0\0\x02\0qt  \0\0\0\x08wide', 'latin1'),
	png: Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x02\0\0', 'latin1'),
	jpg: Buffer.from('\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1'),
};

/** A file with these first bytes, and zeros up to its size. Counts how often it is opened and given back. */
export function fileOf(
	head: Uint8Array,
	{ size = head.length, identity = 'file', fileName }: Partial<BinaryFile> = {},
): BinaryFile & { opened: number; destroyed: number } {
	const file = {
		fileName,
		size,
		identity,
		ownChunks: true,
		opened: 0,
		destroyed: 0,
		head: async (bytes: number) => await Promise.resolve(head.subarray(0, bytes)),
		open: async (): Promise<ByteStream> => {
			file.opened++;
			async function* content() {
				yield await Promise.resolve(head.subarray(0, size));
				if (size > head.length) yield new Uint8Array(size - head.length);
			}
			return await Promise.resolve(
				Object.assign(content(), { destroy: () => void file.destroyed++ }),
			);
		},
	};
	return file;
}

export const url = (address: string, field = 'Video URL'): MediaSource => ({
	from: 'url',
	field,
	url: address,
});

export const binary = (file: BinaryFile, field = 'data'): MediaSource => ({
	from: 'binary',
	field,
	file,
});

export const VIDEO_URL = 'https://files.example/ride.mp4';

export interface Asked extends Partial<Omit<ModelRequest, 'media'>> {
	video?: MediaSource;
	images?: MediaSource[];
}

/** A request with the least that is needed, unless more is said. */
export function requestOf({
	video = url(VIDEO_URL),
	images = [],
	values,
	...more
}: Asked = {}): ModelRequest {
	return {
		model: MODEL,
		media: [
			{ place: 'video', source: video },
			...images.map((source) => ({ place: 'image', source })),
		],
		values: { resolution: '720P', ...values },
		...more,
	};
}

/** The files of a request, looked at. */
export const mediaOf = async (more?: Asked) =>
	await checkMedia(validateRequest(wan27VideoEdit, requestOf(more), false));

export async function editOf(more?: Asked): Promise<TaskRequest> {
	const task = taskOf(wan27VideoEdit, requestOf(more), await mediaOf(more));
	return { item: 0, recipe: 'the same', download: true, ...task };
}
