import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { choice } from '../models/validate';
import { textParameter } from './read';

const WAYS = ['fail', 'beginning', 'split'] as const;
export type LongVideo = (typeof WAYS)[number];

export const SPLIT = 'Split, Edit and Join';

/** Of operations whose model edits a video of limited length. */
export const longVideoField: INodeProperties = {
	displayName: 'Longer Than the Model Takes',
	name: 'longVideo',
	type: 'options',
	default: 'fail',
	description: 'What to do with a video that is longer than the model takes',
	options: [
		{ name: 'Fail', value: 'fail', description: 'Refuse the item before anything is sent' },
		{
			name: SPLIT,
			value: 'split',
			description:
				'Cut the video at key frames, edit each piece in a task of its own, with the same prompt, images and seed, and join the results into one video',
		},
		{
			name: 'Use the Beginning',
			value: 'beginning',
			description: 'Edit as much of the beginning as the model takes, and leave the rest out',
		},
	],
};

/** @throws InputError for what is none of the choices */
export function readLongVideo(functions: IExecuteFunctions, item: number): LongVideo {
	const { displayName, name } = longVideoField;
	return choice(displayName, textParameter(functions, name, item) || 'fail', WAYS);
}
