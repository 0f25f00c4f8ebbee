/** The files that several operations ask for. */
import { HEAD_BYTES, detectFormat } from '../../../shared/media/formats';
import { validateFile } from '../../../shared/media/limits';
import type { BinaryFile } from '../../../shared/media/types';
import type { MediaField } from '../../fields/media';
import { WAN_VIDEO } from '../../models/limits';

export const video: MediaField = {
	place: 'video',
	label: 'Video',
	description:
		'Where the video to edit comes from. You pay for its seconds and for those of the result.',
	field: 'data',
	fieldLabel: 'Input Binary Field',
};

/** The video of the VACE model's operations, whose results are silent. */
export const vaceVideo: MediaField = {
	...video,
	description: 'Where the video comes from. The result has no sound.',
};

export const referenceImage: MediaField = {
	place: 'image',
	label: 'Reference Image',
	description: 'Where the reference image comes from. It shows how something should look.',
	field: 'image',
	optional: 'unused',
};

/** An image or clip that a result begins or ends with. */
export const part = (place: string, label: string, description: string): MediaField => ({
	place,
	label,
	description,
	field: place,
	optional: 'unused',
});

/**
 * Looks at the first bytes of a file that is cut or joined here.
 * @param field display name of the node's field
 * @throws InputError for what is no MP4 or MOV
 */
export async function checkVideo(field: string, file: BinaryFile): Promise<void> {
	const format = detectFormat(await file.head(HEAD_BYTES));
	validateFile({ ...WAN_VIDEO, maxBytes: Infinity }, field, file, format);
}
