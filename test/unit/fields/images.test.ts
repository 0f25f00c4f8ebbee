import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import { checkMedia } from '../../../nodes/shared/media/sources';
import { WAN_IMAGE } from '../../../nodes/WanVideoEdit/models/limits';
import { readImages } from '../../../nodes/WanVideoEdit/fields/images';
import { HEADS } from '../requests';

/** "Image 2" in a prompt is the second picture that the user sends, whether or not the service can take the first. */

const HEADS_OF_OTHERS = {
	heic: Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'),
	avif: Buffer.from('\0\0\0\x18ftypavif\0\0\0\0mif1avif', 'latin1'),
	gif: Buffer.from('GIF89a\x01\0\x01\0', 'latin1'),
	tiff: Buffer.from('II*\0\x08\0\0\0', 'latin1'),
	unknown: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]),
	page: Buffer.from('<!doctype html>'),
	svg: Buffer.from('<?xml version="1.0"?><svg/>'),
	pdf: Buffer.from('%PDF-1.7\n'),
};

const file = (head: Buffer, mimeType: string): IBinaryData => ({
	data: head.toString('base64'),
	mimeType,
});

const JPEG = file(HEADS.jpg, 'image/jpeg');

/** The images of an item with these binary fields, by the names of the fields that they come from. */
async function imagesOf(binary: Record<string, IBinaryData>) {
	const functions = {
		getInputData: () => [{ json: {}, binary }],
		getNodeParameter: (name: string) => (name === 'imageSource' ? 'allImages' : ''),
		helpers: {
			assertBinaryData: (_item: number, name: string) => {
				const found = binary[name];
				if (found === undefined) throw new Error('not there');
				return found;
			},
		},
	};
	const images = await readImages(functions as unknown as IExecuteFunctions, 0);
	return images.map(({ source }) => source);
}

test.each([
	['heic', 'image/heic', 'holds an HEIC picture'],
	['heic', 'application/octet-stream', 'holds an HEIC picture'],
	['avif', 'application/octet-stream', 'holds an AVIF picture'],
	['gif', 'image/gif', 'holds a GIF'],
	['tiff', 'application/octet-stream', 'holds a TIFF picture'],
	['svg', 'image/svg+xml', 'holds a web page or XML text'],
	['unknown', 'image/x-canon-cr2', 'holds a file of an unknown kind'],
] as const)('a picture that is not taken keeps its place: %s as %s', async (kind, mime, why) => {
	const other = file(HEADS_OF_OTHERS[kind], mime);
	const sources = await imagesOf({ man: JPEG, hat: other, scarf: JPEG });
	expect(sources.map(({ field }) => field)).toEqual([
		'Binary Field man',
		'Binary Field hat',
		'Binary Field scarf',
	]);
	const checking = checkMedia(
		sources.map((source) => ({ type: '', inline: true, source, limits: WAN_IMAGE })),
	);
	await expect(checking).rejects.toThrow(`'Binary Field hat' ${why}`);
});

test('what is no picture is left out', async () => {
	const sources = await imagesOf({
		data: file(HEADS.mp4, 'video/mp4'),
		brief: file(HEADS_OF_OTHERS.pdf, 'image/jpeg'),
		page: file(HEADS_OF_OTHERS.page, 'image/jpeg'),
		man: JPEG,
		blob: file(HEADS_OF_OTHERS.unknown, 'application/octet-stream'),
		// As browsers send a file field that was left empty.
		none: file(Buffer.alloc(0), 'image/png'),
	});
	expect(sources.map(({ field }) => field)).toEqual(['Binary Field man']);
});
