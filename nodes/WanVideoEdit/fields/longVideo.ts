import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { videoSlotOf } from '../models/spec';
import type { ModelSpec } from '../models/spec';
import { choice, textParameter } from './read';

const WAYS = ['fail', 'beginning', 'split'] as const;
/** What becomes of a video that is too long. */
export type LongVideo = (typeof WAYS)[number];

export const SPLIT = 'Split, Edit and Join';

/** What becomes of a video that is too long, for operations whose model edits a video of limited length. */
export const longVideoField: INodeProperties = {
	displayName: 'When the Video Is Too Long',
	name: 'longVideo',
	type: 'options',
	default: 'fail',
	description:
		'What to do if the video is longer than the model accepts. A video that is split loses no quality: it is cut at key frames (pictures that are stored completely), and each piece is edited with the same settings.',
	options: [
		{
			name: 'Fail',
			value: 'fail',
			description: 'Stop with an error before anything is uploaded or billed',
		},
		{
			name: SPLIT,
			value: 'split',
			description:
				'Edit the video in pieces and join the results. You pay for all pieces; colors may differ between them.',
		},
		{
			name: 'Use the Beginning',
			value: 'beginning',
			description: 'Edit as much of the beginning as the model accepts, and drop the rest',
		},
	],
};

/** The field for one model. Where that takes a video of any length and uses its beginning, nothing fails. */
export function longVideoFieldOf(model: ModelSpec): INodeProperties {
	const { maxSeconds, usedSeconds } = videoSlotOf(model)?.limits ?? {};
	if (maxSeconds !== undefined || usedSeconds === undefined) return longVideoField;
	const leave = {
		name: 'Leave It to the Model',
		value: 'fail',
		description: `Send the whole video. The model edits its first ${usedSeconds} seconds.`,
	};
	const [, ...others] = longVideoField.options ?? [];
	return { ...longVideoField, options: [leave, ...others] };
}

/** @throws InputError for what is none of the choices */
export function readLongVideo(functions: IExecuteFunctions, item: number): LongVideo {
	const { displayName, name } = longVideoField;
	return choice(displayName, textParameter(functions, name, item) || 'fail', WAYS);
}
