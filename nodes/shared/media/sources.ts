import type { MediaEntry } from '../dashscope/types';
import { HEAD_BYTES, detectFormat } from './formats';
import { checkFacts, readFacts } from './headers';
import { encodeUrl } from '../../WanVideoEdit/models/videoEdit';
import type { BinaryFile, EditRequest, MediaFormat, MediaSource } from './types';
import { validateFile } from '../../WanVideoEdit/models/validate';

const MEGABYTE = 1024 * 1024;

/** Larger images are uploaded: a request body of many MB fails at gateways. */
const INLINE_IMAGE_BYTES = 5 * MEGABYTE;
const INLINE_TOTAL_BYTES = 10 * MEGABYTE;

/** A source whose file was looked at; URL sources have nothing to look at. */
export type CheckedMedia =
	| { from: 'url'; url: string }
	| { from: 'binary'; file: BinaryFile; format: MediaFormat };

/**
 * Looks at the first bytes and the header of every binary source of a request. Nothing is sent.
 * @returns video first, then the images in order
 * @throws InputError for a file that DashScope would refuse
 */
export async function checkMedia(request: EditRequest): Promise<CheckedMedia[]> {
	const sources = [request.video, ...request.images];
	const checked: CheckedMedia[] = [];
	for (const [index, source] of sources.entries()) {
		checked.push(await checkSource(source, index === 0 ? 'video' : 'image'));
	}
	return checked;
}

async function checkSource(source: MediaSource, kind: MediaFormat['kind']): Promise<CheckedMedia> {
	if (source.from === 'url') return { from: 'url', url: encodeUrl(source.url) };
	const { field, file } = source;
	const format = validateFile(kind, field, file, detectFormat(await file.head(HEAD_BYTES)));
	const stream = await file.open();
	try {
		checkFacts(format, field, file.fileName, await readFacts(stream, format));
	} finally {
		stream.destroy();
	}
	return { from: 'binary', file, format };
}

/**
 * Turns checked media into URLs that DashScope can read: URLs stay as they are, small images travel inline,
 * everything else is uploaded.
 * @param inline whether images may travel inline at all
 * @returns the `media` of the create call, video first
 */
export async function resolveMedia(
	media: CheckedMedia[],
	upload: (file: BinaryFile, format: MediaFormat) => Promise<string>,
	inline = true,
): Promise<MediaEntry[]> {
	const entries: MediaEntry[] = [];
	let inlineBytes = 0;
	for (const source of media) {
		const type = entries.length === 0 ? 'video' : 'reference_image';
		if (source.from === 'url') {
			entries.push({ type, url: source.url });
			continue;
		}
		const { file, format } = source;
		const fits =
			inline &&
			format.kind === 'image' &&
			file.size <= INLINE_IMAGE_BYTES &&
			inlineBytes + file.size <= INLINE_TOTAL_BYTES;
		if (fits) inlineBytes += file.size;
		entries.push({ type, url: fits ? await dataUri(file, format) : await upload(file, format) });
	}
	return entries;
}

async function dataUri(file: BinaryFile, format: MediaFormat): Promise<string> {
	const chunks: Uint8Array[] = [];
	const stream = await file.open();
	for await (const chunk of stream) chunks.push(chunk);
	return `data:${format.mimeType};base64,${Buffer.concat(chunks).toString('base64')}`;
}
