/** Settings that several functions of the VACE model have. */
import { promptExtend } from './settings';
import type { Setting } from './settings';

/** For the functions that start from a video, for which the model's reference recommends "off". */
export const promptExtendBesideVideo: Setting = {
	...promptExtend,
	property: {
		...promptExtend.property,
		default: false,
		description:
			'Whether DashScope may rewrite the prompt in more detail. Without this option, it does. If results differ too much from your video, turn it off and describe the scene exactly.',
	},
};

export const size: Setting = {
	api: 'size',
	property: {
		displayName: 'Size',
		name: 'size',
		type: 'options',
		default: '1280*720',
		description: 'Width and height of the result in pixels. Without this option, it is 1280 × 720.',
		options: [
			{ name: '1088 × 832 (4:3)', value: '1088*832' },
			{ name: '1280 × 720 (16:9)', value: '1280*720' },
			{ name: '720 × 1280 (9:16)', value: '720*1280' },
			{ name: '832 × 1088 (3:4)', value: '832*1088' },
			{ name: '960 × 960 (1:1)', value: '960*960' },
		],
	},
};

const KEEPS = {
	posebodyface: ['Movement and Faces', 'Pose of the body, and the expressions of faces'],
	posebody: ['Movement', 'Pose of the body, without the face'],
	depth: ['Composition', 'What is near, what is far, and how it moves'],
	scribble: ['Lines', 'The outlines of the scene'],
} as const;

/** What the model takes over from a video. @param rule of the function, with the default first */
export function keep(
	{ label, of: values }: { label: string; of: ReadonlyArray<keyof typeof KEEPS> },
	description: string,
): Setting {
	const [first = 'depth'] = values;
	return {
		api: 'control_condition',
		property: {
			displayName: label,
			name: 'keep',
			type: 'options',
			default: first,
			description,
			options: values.map((value) => {
				const [name, text] = KEEPS[value];
				return { name, value, description: text };
			}),
		},
	};
}
