import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { InputError } from '../../../shared/inputError';
import { KeyFramesError } from '../../../shared/media/mp4/plan';
import { ClipError } from '../../../shared/media/mp4/source';
import type { ByteSource } from '../../../shared/media/mp4/source';
import { NoKeyFrameError, splitClip, splitTrusting } from '../../../shared/media/mp4/split';
import { namingFile, sourceOf, splitVideo } from '../../../shared/media/pieces';
import type { CutVideo } from '../../../shared/media/pieces';
import type { BinaryFile } from '../../../shared/media/types';
import { roundedSeconds } from '../../../shared/media/wording';
import { binaryDataOf, fileOf } from '../../../shared/n8n/binary';
import { storeClip } from '../../../shared/n8n/clips';
import { eachItem } from '../../../shared/n8n/eachItem';
import { noteItem } from '../../../shared/n8n/noteItem';
import { Semaphore } from '../../../shared/tasks/semaphore';
import { fileParameter, numberOption } from '../../fields/read';
import { outputFieldFor, readOutputField } from '../../fields/result';
import { checkVideo } from './media';

const FIELD = 'Input Binary Field';
/** What messages call the field of the length. */
const LABEL = 'Maximum Length';

export const option = {
	name: 'Split',
	description: 'Cut a video into pieces that a model accepts. Free: nothing is sent to DashScope.',
	action: 'Split a video',
};

const maxSeconds: INodeProperties = {
	displayName: 'Maximum Length (Seconds)',
	name: 'maxSeconds',
	type: 'number',
	typeOptions: { minValue: 0.5 },
	default: 10,
	description:
		'How long a piece may be. The node makes as few pieces as possible, of similar length. A video can be cut only at its key frames (pictures that are stored completely).',
};

export const fields: INodeProperties[] = [
	{
		displayName: FIELD,
		name: 'videoField',
		type: 'string',
		required: true,
		default: 'data',
		hint: "The name of the input binary field containing the video, as shown on the input's Binary tab. Accepted: MP4 or MOV with H.264 or H.265.",
	},
	maxSeconds,
	outputFieldFor('each piece'),
];

/** Videos that are cut at the same time: n8n's database store holds each of them whole. */
const MOST_CUT = 2;

/** Characters of a file's name that stand before the number of the piece: n8n's database takes 255 in all. */
const MOST_CHARACTERS = 240;

/**
 * The shortest piece that models take, in seconds. Where the key frames do not allow it, pieces may have any length.
 */
const LEAST = 2;

/** Makes items of the pieces of each item's video. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const turns = new Semaphore(MOST_CUT);
	return await eachItem(this, async (item) => await turns.run(async () => await split(this, item)));
}

async function split(functions: IExecuteFunctions, item: number): Promise<INodeExecutionData[]> {
	const max = readMaxSeconds(functions, item);
	const data = binaryDataOf(functions, item, FIELD, fileParameter(functions, 'videoField', item));
	const video = await fileOf(functions, data, FIELD);
	await checkVideo(FIELD, video);
	const whole = (video.fileName ?? 'video').replace(/\.\w{1,4}$/, '');
	const name = [...whole].slice(0, MOST_CHARACTERS).join('');
	const field = readOutputField(functions, item);
	const source = sourceOf(video);
	const itemsBy = async (way: typeof splitClip) => {
		const { pieces, notes } = await cut(video, source, max, way);
		const items: INodeExecutionData[] = [];
		for (const { number: piece, of, from, to, file } of pieces) {
			const binary = await storeClip(functions, file, data, `${name}-${piece}.mp4`);
			items.push({
				json: { piece, pieces: of, from: roundedSeconds(from), to: roundedSeconds(to) },
				binary: { [field]: binary },
				pairedItem: { item },
			});
		}
		return { items, notes };
	};
	try {
		const written = itemsBy(splitTrusting).catch(async (error: unknown) => {
			if (error instanceof NoKeyFrameError) return await itemsBy(splitClip);
			throw error;
		});
		const { items, notes } = await namingFile(FIELD, video, written);
		for (const note of notes) noteItem(functions, item, note);
		return items;
	} finally {
		await source.close();
	}
}

/** @throws InputError for a length that is missing or too short */
function readMaxSeconds(functions: IExecuteFunctions, item: number): number {
	const given = { maxSeconds: functions.getNodeParameter('maxSeconds', item, 10) };
	const max = numberOption(given, maxSeconds);
	if (max !== undefined && max >= 0.5) return max;
	const what = max === undefined ? 'empty' : `${max} seconds, which is too short`;
	throw new InputError(`'${LABEL}' is ${what}`, 'Enter 0.5 seconds or more.');
}

/**
 * The pieces of a video, as long as models take them if its key frames allow that.
 * @param max length of a piece in seconds
 * @throws InputError for a file that is damaged, or whose key frames are too far apart
 */
async function cut(
	video: BinaryFile,
	source: ByteSource,
	max: number,
	way: typeof splitClip,
): Promise<CutVideo> {
	const advising: typeof splitClip = async (...what) => await way(...what).catch(allowingLonger);
	const within = async (min: number) =>
		await splitVideo(FIELD, video, source, { min, max }, advising);
	return await within(Math.min(LEAST, max / 2)).catch(async (error: unknown) => {
		if (error instanceof InputError) return await within(0);
		throw error;
	});
}

/** For a video whose key frames are too far apart: here, longer pieces are the easier way. */
function allowingLonger(error: unknown): never {
	if (!(error instanceof KeyFramesError)) throw error;
	throw new ClipError(error.message, `Enter a larger '${LABEL}'. Or: ${error.hint}`);
}
