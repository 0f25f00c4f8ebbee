import type { INodeProperties } from 'n8n-workflow';
import { price1080Option, price720Option } from './price';
import { maxResultSizeOption, simplifyOption } from './result';

export const DEFAULT_MODEL = 'wan2.7-videoedit';

/** Seconds. */
export const DEFAULT_POLL_INTERVAL = 5;

/** Each way: videos are large, and n8n has other work to do. */
export const DEFAULT_TRANSFERS = 2;

/** Minutes: edits take up to ten, and twenty of them share five slots. */
export const DEFAULT_TIMEOUT = 60;

/** Options of both edits; what is not added is not sent. */
export const editOptions: INodeProperties = {
	displayName: 'Options',
	name: 'options',
	type: 'collection',
	placeholder: 'Add option',
	default: {},
	options: [
		{
			displayName: 'Aspect Ratio',
			name: 'ratio',
			type: 'options',
			default: '16:9',
			description:
				'Shape of the result. Without this option it follows the input video approximately.',
			options: [
				{ name: '1:1 (Square)', value: '1:1' },
				{ name: '16:9 (Landscape)', value: '16:9' },
				{ name: '3:4', value: '3:4' },
				{ name: '4:3', value: '4:3' },
				{ name: '9:16 (Portrait)', value: '9:16' },
			],
		},
		{
			displayName: 'Audio',
			name: 'audioSetting',
			type: 'options',
			default: 'auto',
			description: 'What happens to the sound of the video',
			options: [
				{
					name: 'Auto',
					value: 'auto',
					description: 'The model decides from the prompt and may make new sound',
				},
				{ name: 'Keep Original', value: 'origin', description: 'The sound of the input is kept' },
			],
		},
		{
			displayName: 'Duration (Seconds)',
			name: 'duration',
			type: 'number',
			typeOptions: { minValue: 0, maxValue: 10 },
			default: 0,
			description:
				'Length of the result: 0 keeps the length of the video, 2 to 10 uses only that much from its beginning. Shorter results cost less.',
		},
		{
			displayName: 'Extend Prompt',
			name: 'promptExtend',
			type: 'boolean',
			default: true,
			description:
				'Whether to let DashScope rewrite the prompt in more detail, which helps short prompts and takes a little longer',
		},
		maxResultSizeOption,
		{
			displayName: 'Model',
			name: 'model',
			type: 'string',
			default: DEFAULT_MODEL,
			placeholder: 'e.g. wan2.7-videoedit',
			description:
				'ID of the model, for dated snapshots or newer versions. Models that take the same fields work.',
		},
		{
			displayName: 'Negative Prompt',
			name: 'negativePrompt',
			type: 'string',
			typeOptions: { rows: 2 },
			default: '',
			placeholder: 'e.g. blurry, low quality',
			description: 'What the result should not show, up to 500 characters',
		},
		{
			displayName: 'Poll Interval (Seconds)',
			name: 'pollInterval',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 300, numberPrecision: 1 },
			default: DEFAULT_POLL_INTERVAL,
			description:
				'How often to ask for each task while waiting. Questions cost nothing; the account may ask 20 times a second.',
		},
		price1080Option,
		price720Option,
		{
			displayName: 'Resubmit Failed Tasks',
			name: 'resubmitFailed',
			type: 'number',
			typeOptions: { minValue: 0, maxValue: 3 },
			default: 0,
			description:
				'How often to submit a task again that failed through a fault of the service (such as InternalError.Algo). Failed tasks are not billed.',
		},
		{
			displayName: 'Seed',
			name: 'seed',
			type: 'number',
			typeOptions: { minValue: 0, maxValue: 2147483647 },
			default: 0,
			description:
				'The same number with the same input gives a similar result, 0 to 2147483647. Without this option it is random.',
		},
		simplifyOption,
		{
			displayName: 'Timeout (Minutes)',
			name: 'timeout',
			type: 'number',
			typeOptions: { minValue: 0.05, maxValue: 1440, numberPrecision: 2 },
			default: DEFAULT_TIMEOUT,
			description:
				'How long to wait for each task. A task that takes longer is not lost: the error names its ID for Get Status.',
		},
		{
			displayName: 'Transfers at Once',
			name: 'transfers',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 10 },
			default: DEFAULT_TRANSFERS,
			description: 'How many files to upload, and how many results to download, at the same time',
		},
		{
			displayName: 'Watermark',
			name: 'watermark',
			type: 'boolean',
			default: false,
			description: 'Whether to mark the result as made by AI ("AI生成", bottom right)',
		},
		{
			displayName: 'When a Submission Gets No Response',
			name: 'lostSubmission',
			type: 'options',
			default: 'lookUp',
			description:
				'What to do when the connection breaks while a task is being submitted, so that it may or may not exist',
			options: [
				{
					name: 'Fail',
					value: 'fail',
					description: 'Fail the item with "outcome unknown" and the tasks that may be its own',
				},
				{
					name: 'Look It Up',
					value: 'lookUp',
					description:
						'Submit again once the task list shows that no task was created, which takes about a minute; fail if that stays unclear',
				},
				{
					name: 'Submit Again',
					value: 'resubmit',
					description:
						'Look it up, but submit again if it stays unclear; the video may be billed twice',
				},
			],
		},
	],
};
