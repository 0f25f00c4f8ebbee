import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { InputError } from '../../../shared/inputError';
import { joinClips } from '../../../shared/media/mp4/join';
import { PieceError } from '../../../shared/media/mp4/joinPiece';
import { ClipError } from '../../../shared/media/mp4/source';
import type { ByteSource } from '../../../shared/media/mp4/source';
import { sourceOf } from '../../../shared/media/pieces';
import { binaryDataOf, fileOf } from '../../../shared/n8n/binary';
import { storeClip } from '../../../shared/n8n/clips';
import { errorItem, runError } from '../../../shared/n8n/failures';
import { StoppedError } from '../../../shared/tasks/errors';
import { toError } from '../../../shared/thrown';
import { fileParameter, textParameter } from '../../fields/read';
import { outputFieldFor, readOutputField } from '../../fields/result';
import { checkVideo } from './media';

const FIELD = 'Input Binary Field';
const SOUND_FIELD = 'Sound Binary Field';

export const option = {
	name: 'Join',
	description:
		'Join the videos of all items, in their order, into one. Free: nothing is sent to DashScope.',
	action: 'Join videos',
};

export const fields: INodeProperties[] = [
	{
		displayName: FIELD,
		name: 'videoField',
		type: 'string',
		required: true,
		default: 'data',
		hint: 'The name of the input binary field containing the video of each item. All videos must have the same codec and size.',
	},
	{
		displayName: 'Sound',
		name: 'sound',
		type: 'options',
		default: 'pieces',
		description: 'Where the sound of the joined video comes from',
		options: [
			{ name: 'From the Videos', value: 'pieces' },
			{
				name: 'From Another Binary Field',
				value: 'field',
				description: 'The sound of one file, such as the video that you split',
			},
		],
	},
	{
		displayName: SOUND_FIELD,
		name: 'soundField',
		type: 'string',
		required: true,
		default: 'original',
		hint: "The name of the first item's binary field containing the sound. Accepted: MP4, MOV or M4A.",
		displayOptions: { show: { sound: ['field'] } },
	},
	outputFieldFor('the joined video'),
];

/** Makes one item of all, with their videos as one. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const items = [...this.getInputData().keys()];
	if (items.length === 0) return [];
	let current = 0;
	const apart = textParameter(this, 'sound', 0) === 'field';
	const opened: ByteSource[] = [];
	const open = async (item: number, label: string, name: string) => {
		current = item;
		const data = binaryDataOf(this, item, label, fileParameter(this, name, item));
		const file = await fileOf(this, data, label);
		// Other members of the MP4 family, such as 3GP or M4A, may fit as well.
		if (!isBoxed(await file.head(8))) await checkVideo(label, file);
		const source = sourceOf(file);
		opened.push(source);
		return { data, source };
	};
	try {
		const first = await open(0, FIELD, 'videoField');
		const sources = [first.source];
		for (const item of items.slice(1)) sources.push((await open(item, FIELD, 'videoField')).source);
		const sound = apart ? (await open(0, SOUND_FIELD, 'soundField')).source : undefined;
		const { file, notes } = await joinClips(sources, { sound, nameOf });
		const video = await storeClip(this, file, first.data, 'joined.mp4');
		for (const message of notes) this.addExecutionHints({ message, location: 'outputPane' });
		return [
			{
				json: { videos: items.length, notes },
				binary: { [readOutputField(this, 0)]: video },
				pairedItem: items.map((item) => ({ item })),
			},
		];
	} catch (thrown) {
		const error = toError(thrown);
		if (error instanceof StoppedError) throw error;
		const failure = failureOf(error, current, apart);
		if (!this.continueOnFail()) throw runError(this, [failure]);
		return [errorItem(failure)];
	} finally {
		await Promise.all(opened.map(async (source) => await source.close()));
	}
}

/** Whether a file begins as MP4 and its relatives do. */
const isBoxed = (head: Uint8Array) => String.fromCharCode(...head.subarray(4, 8)) === 'ftyp';

/** A piece is the video of an item. Pieces are numbered from 1, items from 0. */
const nameOf = (piece: number) => `the video of item ${piece - 1}`;

/**
 * The item that an error is about, with the field in the message. An error that names no piece is about the file of
 * the sound, if there is one.
 */
function failureOf(error: Error, current: number, apart: boolean) {
	if (!(error instanceof ClipError)) return { item: current, error };
	const [field, item] =
		error instanceof PieceError
			? [FIELD, error.piece - 1]
			: ([apart ? SOUND_FIELD : FIELD, 0] as const);
	return { item, error: new InputError(`'${field}': ${error.message}`, error.hint) };
}
