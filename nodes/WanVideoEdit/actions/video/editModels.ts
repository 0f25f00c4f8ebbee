/** What the edits by instruction and with reference images share: their models, and the fields that depend on them. */
import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { InputError } from '../../../shared/inputError';
import { longVideoField } from '../../fields/longVideo';
import { readModel } from '../../fields/model';
import { submitOptionsField } from '../../fields/options';
import { tierPriceOptions } from '../../fields/price';
import { awaitedDownloadFields } from '../../fields/result';
import {
	audioSetting,
	duration,
	duration3,
	generateAudio,
	hiddenFor,
	negativePromptProperty,
	promptExtend,
	ratio,
	ratio3,
	resolution,
	resolution480,
	seed,
	shownFor,
	watermark,
} from '../../fields/settings';
import type { Setting } from '../../fields/settings';
import { waitingField } from '../../fields/waiting';
import { EDIT_MODELS, specOf } from '../../models';
import type { ModelSpec } from '../../models/spec';
import { wan27VideoEdit } from '../../models/wan27VideoEdit';
import { wan3Video, wan3VideoPrime } from '../../models/wan3Video';

const WAN3: readonly ModelSpec[] = [wan3Video, wan3VideoPrime];

const hidden = (setting: Setting, models: readonly ModelSpec[]): Setting => ({
	...setting,
	property: hiddenFor(setting.property, models),
});

/** Hidden where the chosen model does not take it. */
const shared = (setting: Setting) =>
	hidden(
		setting,
		EDIT_MODELS.filter(({ values }) => !(setting.api in values)),
	);

/** The same of models that are not Wan 3.0, which take other values. */
const beforeWan3 = (setting: Setting) =>
	hidden(
		setting,
		EDIT_MODELS.filter((spec) => WAN3.includes(spec) || !(setting.api in spec.values)),
	);

/** Hidden with models that this node does not know as well: they take the fields of the default model. */
const ofWan3 = (setting: Setting): Setting => ({
	...setting,
	property: shownFor(setting.property, WAN3),
});

export const editSettings: readonly Setting[] = [
	beforeWan3(resolution),
	ofWan3(resolution480),
	beforeWan3(ratio),
	ofWan3(ratio3),
	beforeWan3(duration),
	ofWan3(duration3),
	shared(audioSetting),
	ofWan3(generateAudio),
	...[promptExtend, seed, watermark].map(shared),
];

/** What every edit asks for after its prompt. */
export const editResultFields: INodeProperties[] = [
	...editSettings.flatMap(({ prominent, property }) => (prominent ? [property] : [])),
	longVideoField,
	waitingField,
	...awaitedDownloadFields,
	submitOptionsField(
		hiddenFor(
			negativePromptProperty,
			EDIT_MODELS.filter(({ negativePrompt }) => negativePrompt === undefined),
		),
		...editSettings.flatMap(({ prominent, property }) => (prominent ? [] : [property])),
		...tierPriceOptions,
	),
];

/**
 * The model that the user chose. One that this node does not know is sent the fields of the default model.
 * @throws InputError for a model that does other things
 */
export function editModelOf(
	functions: IExecuteFunctions,
	item: number,
): [spec: ModelSpec, id: string] {
	const id = readModel(functions, item);
	const spec = specOf(id);
	if (spec === undefined) {
		if (item === 0 && id !== '') {
			functions.addExecutionHints({
				message: `This node does not know the model ${id}: the fields and limits of ${wan27VideoEdit.id} were used.`,
				location: 'outputPane',
			});
		}
		return [wan27VideoEdit, id];
	}
	if (!EDIT_MODELS.includes(spec)) {
		throw new InputError(
			`'Model' is "${id}", which does not edit a video by instruction`,
			'Choose a model from the list, or the operation that uses this model.',
		);
	}
	return [spec, id];
}
