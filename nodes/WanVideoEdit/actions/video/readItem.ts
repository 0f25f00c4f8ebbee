import type { IExecuteFunctions } from 'n8n-workflow';
import { InputError } from '../../../shared/tasks/errors';
import { checkMedia } from '../../../shared/media/sources';
import type { PreparedEdit, RunSettings } from '../../../shared/tasks/run';
import { LOST_SUBMISSION_RULES } from '../../../shared/tasks/submit';
import type { EditRequest, MediaSource } from '../../../shared/media/types';
import {
	AUDIO_SETTINGS,
	RATIOS,
	RESOLUTIONS,
	choice,
	validateRequest,
} from '../../models/validate';
import {
	DEFAULT_MODEL,
	DEFAULT_POLL_INTERVAL,
	DEFAULT_TIMEOUT,
	DEFAULT_TRANSFERS,
} from '../../fields/options';
import { readPrices } from '../../fields/price';
import {
	booleanOption,
	booleanParameter,
	collectionParameter,
	numberOption,
	textOption,
	textParameter,
} from '../../fields/read';
import { readMaxResultBytes } from '../../fields/result';
import { readVideoSource } from '../../fields/source';
import type { ItemOutput } from '../../../shared/n8n/handOn';
import { recipeOf } from '../../../shared/n8n/nodeMemory';

/** What differs between the edits: the images, and whether there must be a prompt. */
export interface EditKind {
	promptRequired: boolean;
	readImages(functions: IExecuteFunctions, item: number): Promise<MediaSource[]>;
}

/** An item whose fields and files have been read and checked. */
export interface ReadyItem {
	edit: PreparedEdit;
	output: ItemOutput;
}

/**
 * Reads and checks everything about one item; nothing is sent.
 * @param publicService whether DashScope is asked at a public host
 * @throws InputError naming field, value and limit
 */
export async function readItem(
	functions: IExecuteFunctions,
	kind: EditKind,
	item: number,
	publicService: boolean,
): Promise<ReadyItem> {
	const options = collectionParameter(functions, 'options', item);
	const request = await readRequest(functions, kind, item);
	validateRequest(request, publicService);
	const { video, model } = request;
	return {
		edit: { item, recipe: recipeOf(functions, item), request, media: await checkMedia(request) },
		output: {
			item,
			model,
			fileName: video.from === 'binary' ? video.file.fileName : undefined,
			field: textParameter(functions, 'outputField', item) || 'data',
			simplify: booleanOption(options, 'simplify') ?? true,
			prices: readPrices(options),
			maxResultBytes: readMaxResultBytes(options),
		},
	};
}

async function readRequest(
	functions: IExecuteFunctions,
	kind: EditKind,
	item: number,
): Promise<EditRequest> {
	const options = collectionParameter(functions, 'options', item);
	const ratio = textOption(options, 'ratio');
	const audioSetting = textOption(options, 'audioSetting');
	const resolution = textParameter(functions, 'resolution', item).toUpperCase();
	const prompt = textParameter(functions, 'prompt', item);
	if (prompt === '' && kind.promptRequired) {
		throw new InputError(
			"'Prompt' is empty",
			'Say what to change, such as "Turn the scene into claymation".',
		);
	}
	return {
		model: textOption(options, 'model') ?? DEFAULT_MODEL,
		prompt,
		negativePrompt: textOption(options, 'negativePrompt'),
		video: await readVideoSource(functions, item),
		images: await kind.readImages(functions, item),
		resolution: choice('Resolution', resolution, RESOLUTIONS),
		ratio: ratio === undefined ? undefined : choice('Aspect Ratio', ratio, RATIOS),
		duration: numberOption(options, 'duration', 'Duration'),
		audioSetting:
			audioSetting === undefined ? undefined : choice('Audio', audioSetting, AUDIO_SETTINGS),
		promptExtend: booleanOption(options, 'promptExtend'),
		seed: numberOption(options, 'seed', 'Seed'),
		watermark: booleanOption(options, 'watermark'),
	};
}

/**
 * Settings of the run as a whole; they come from the first item, as in n8n's own nodes.
 * @throws InputError for what is not a number
 */
export function readSettings(functions: IExecuteFunctions): Omit<RunSettings, 'retries'> {
	const options = collectionParameter(functions, 'options', 0);
	const seconds = numberOption(options, 'pollInterval', 'Poll Interval') ?? DEFAULT_POLL_INTERVAL;
	const minutes = numberOption(options, 'timeout', 'Timeout') ?? DEFAULT_TIMEOUT;
	const transfers = numberOption(options, 'transfers', 'Transfers at Once') ?? DEFAULT_TRANSFERS;
	const resubmits = numberOption(options, 'resubmitFailed', 'Resubmit Failed Tasks') ?? 0;
	return {
		submitOnly: textParameter(functions, 'completion', 0) === 'submit',
		download: booleanParameter(functions, 'download', 0, true),
		pollIntervalMs: Math.max(1, seconds) * 1000,
		timeoutMs: Math.max(0, minutes) * 60_000,
		resubmitFailed: Math.min(3, Math.max(0, resubmits)),
		transfers: Math.min(10, Math.max(1, Math.floor(transfers))),
		lostSubmission: choice(
			'When a Submission Gets No Response',
			textOption(options, 'lostSubmission') ?? 'lookUp',
			LOST_SUBMISSION_RULES,
		),
	};
}
