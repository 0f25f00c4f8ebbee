/** The files that several operations ask for. */
import type { MediaField } from '../../fields/media';

export const video: MediaField = {
	place: 'video',
	label: 'Video',
	description:
		'Where the video to edit comes from. You pay for its seconds and those of the result.',
	field: 'data',
	fieldLabel: 'Input Binary Field',
};

/** Of the VACE model. */
export const vaceVideo: MediaField = {
	...video,
	description: 'Where the video comes from. The result has no sound.',
};

export const referenceImage: MediaField = {
	place: 'image',
	label: 'Reference Image',
	description: 'Where an image that shows how something should look comes from',
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
