import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { longVideoFieldOf } from '../fields/longVideo';
import { mediaFields, readMedia } from '../fields/media';
import type { MediaField } from '../fields/media';
import { submitOptionsField } from '../fields/options';
import { priceOption, spendingLimitOption, tierPriceOptions } from '../fields/price';
import { promptFields } from '../fields/prompt';
import type { PromptTexts } from '../fields/prompt';
import { collectionParameter, textOption } from '../fields/read';
import { awaitedDownloadFields } from '../fields/result';
import { nodeFields, optionFields } from '../fields/settings';
import type { Setting } from '../fields/settings';
import { waitingField } from '../fields/waiting';
import { idIn } from '../models';
import type { ModelSpec, RequestMedia } from '../models/spec';
import type { Operation } from './operation';
import { runModel } from './runModel';
import type { ModelOperation } from './runModel';

/** An operation of one model, as its file describes it. */
interface OneModel extends Partial<Pick<ModelOperation, 'moreValues' | 'readMedia'>> {
	option: Operation['option'];
	model: ModelSpec;
	/** The files; those that most users do without come after the settings. */
	media: MediaField[];
	/** Absent for a model that takes none. */
	prompt?: PromptTexts;
	/** Fields after the prompt. */
	fields?: INodeProperties[];
	settings: readonly Setting[];
	/** Whether a video that is too long can be cut. */
	longVideo?: boolean;
	/** Options other than the settings of the model. */
	options?: INodeProperties[];
}

/** Makes an operation of a model: its fields in the order in which all operations have them, and its execute. */
export function modelOperation({
	option,
	model,
	media,
	prompt,
	fields = [],
	settings,
	longVideo = false,
	options = [],
	moreValues,
	readMedia: readOwn,
}: OneModel): Operation {
	const fieldsOf = (some: MediaField[]) => some.flatMap((one) => mediaFields(one, [model]));
	const prices = model.tier === undefined ? tierPriceOptions : [priceOption];
	return {
		option,
		fields: [
			...fieldsOf(media.filter(({ optional, show }) => optional !== 'unused' && !show)),
			...(prompt === undefined ? [] : promptFields(prompt, [model])),
			...fields,
			...fieldsOf(media.filter(({ show }) => show !== undefined)),
			...nodeFields(settings),
			...fieldsOf(media.filter(({ optional }) => optional === 'unused')),
			...(longVideo ? [longVideoFieldOf(model)] : []),
			waitingField,
			...awaitedDownloadFields,
			submitOptionsField(
				...optionFields(settings),
				...options,
				...prices,
				spendingLimitOption,
				modelIdOption(model),
			),
		],
		async execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
			return await runModel(this, {
				settings,
				longVideo,
				moreValues,
				readMedia: readOwn ?? (async (functions, item) => await readAll(functions, item, media)),
				modelOf: onlyModel(model),
			});
		},
	};
}

async function readAll(
	functions: IExecuteFunctions,
	item: number,
	media: MediaField[],
): Promise<RequestMedia[]> {
	const all: RequestMedia[] = [];
	for (const one of media) all.push(...(await readMedia(functions, item, one)));
	return all;
}

/** For operations with one model, whose ID the user may replace by that of a snapshot, or of a gateway's region. */
const modelIdOption = ({ id }: ModelSpec): INodeProperties => ({
	displayName: 'Model ID',
	name: 'modelId',
	type: 'string',
	default: '',
	placeholder: `e.g. ${id}`,
	description:
		'ID of a dated version of the model, or of another version with the same fields. Without this option, the node uses the usual ID in your region.',
});

/** `modelOf` of an operation with one model. */
function onlyModel(spec: ModelSpec): ModelOperation['modelOf'] {
	return (functions, item, baseUrl) => [
		spec,
		textOption(collectionParameter(functions, 'options', item), 'modelId') ?? idIn(spec, baseUrl),
	];
}
