/** Files on their way from the item to the service: looked at, then sent. */
import type { UploadFile } from '../dashscope/uploads';
import { HEAD_BYTES, detectFormat } from './formats';
import { readFacts } from './headers';
import type { MediaFacts } from './headers';
import { MEGABYTE, checkFacts, validateFile } from './limits';
import type { BinaryFile, MediaFormat, MediaInput } from './types';
import { encodeUrl } from './urls';

/** Larger images are uploaded: a request body of many MB fails at gateways. */
const INLINE_IMAGE_BYTES = 5 * MEGABYTE;
const INLINE_TOTAL_BYTES = 10 * MEGABYTE;

/** How many files are looked at side by side. */
export const MOST_LOOKS = 5;

/** A file that was looked at; URLs are not looked at, and have no facts. */
export type CheckedMedia = Pick<MediaInput, 'type' | 'inline'> & {
	/** Display name of the field of the node that it comes from. */
	field: string;
	facts: MediaFacts;
} & ({ from: 'url'; url: string } | { from: 'binary'; file: BinaryFile; format: MediaFormat });

/** A file as the create call names it. */
export interface ResolvedMedia {
	type: string;
	/** A web address, an `oss://` URL or a data URI. */
	url: string;
}

/**
 * Looks at the first bytes and the header of every binary source. Nothing is sent.
 * @returns in the same order
 * @throws InputError for a file that the model would refuse
 */
export async function checkMedia(inputs: MediaInput[]): Promise<CheckedMedia[]> {
	const checked: CheckedMedia[] = [];
	for (const input of inputs) checked.push(await checkInput(input));
	return checked;
}

async function checkInput({ type, inline, source, limits }: MediaInput): Promise<CheckedMedia> {
	const { field } = source;
	if (source.from === 'url') {
		return { type, inline, field, facts: {}, from: 'url', url: encodeUrl(source.url) };
	}
	const { file } = source;
	const format = validateFile(limits, field, file, detectFormat(await file.head(HEAD_BYTES)));
	const stream = await file.open();
	try {
		const facts = await readFacts(stream, format, file.size);
		checkFacts(limits, format, field, file.fileName, facts);
		return { type, inline, field, facts, from: 'binary', file, format };
	} finally {
		stream.destroy();
	}
}

/** What a file is recognized by when an item is tried again: its URL, or the identity that n8n gave it. */
export function identitiesOf(media: CheckedMedia[]): ResolvedMedia[] {
	return media.map((one) => ({
		type: one.type,
		url: one.from === 'url' ? one.url : one.file.identity,
	}));
}

/**
 * Turns checked media into URLs that DashScope can read: URLs stay as they are, small images travel inline,
 * everything else is uploaded.
 * @param inlineBytes how many bytes of images may travel inline at most
 * @returns in the same order
 */
export async function resolveMedia(
	media: CheckedMedia[],
	upload: (file: UploadFile) => Promise<string>,
	inlineBytes = INLINE_TOTAL_BYTES,
): Promise<ResolvedMedia[]> {
	const resolved: ResolvedMedia[] = [];
	let left = Math.min(inlineBytes, INLINE_TOTAL_BYTES);
	for (const source of media) {
		const { type } = source;
		if (source.from === 'url') {
			resolved.push({ type, url: source.url });
			continue;
		}
		const { file, format } = source;
		const fits = source.inline && file.size <= Math.min(INLINE_IMAGE_BYTES, left);
		if (fits) left -= file.size;
		resolved.push({
			type,
			url: fits ? await dataUri(file, format) : await upload(toUpload(source)),
		});
	}
	return resolved;
}

/** A checked file, as it is uploaded. */
export function toUpload({ file, format }: Extract<CheckedMedia, { from: 'binary' }>): UploadFile {
	const { size, identity, ownChunks } = file;
	const { mimeType, extension } = format;
	return { size, identity, ownChunks, mimeType, extension, open: async () => await file.open() };
}

async function dataUri(file: BinaryFile, format: MediaFormat): Promise<string> {
	const chunks: Uint8Array[] = [];
	const stream = await file.open();
	for await (const chunk of stream) chunks.push(chunk);
	return `data:${format.mimeType};base64,${Buffer.concat(chunks).toString('base64')}`;
}
