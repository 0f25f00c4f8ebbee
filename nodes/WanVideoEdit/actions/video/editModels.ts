/** What the edits by instruction and with reference images share: their models, and the fields that depend on them. */
import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { InputError } from '../../../shared/inputError';
import { hiddenFor } from '../../fields/byModel';
import { editSettings } from '../../fields/editSettings';
import { longVideoField } from '../../fields/longVideo';
import { readModel } from '../../fields/model';
import { submitOptionsField } from '../../fields/options';
import { spendingLimitWithWan3, tierPriceOptions } from '../../fields/price';
import { awaitedDownloadFields } from '../../fields/result';
import { negativePromptProperty, nodeFields, optionFields } from '../../fields/settings';
import { waitingField } from '../../fields/waiting';
import { EDIT_MODELS, specOf } from '../../models';
import type { ModelSpec } from '../../models/spec';
import { wan27VideoEdit } from '../../models/wan27VideoEdit';

/** What every edit asks for after its prompt. */
export const editResultFields: INodeProperties[] = [
	...nodeFields(editSettings),
	longVideoField,
	waitingField,
	...awaitedDownloadFields,
	submitOptionsField(
		hiddenFor(
			negativePromptProperty,
			EDIT_MODELS.filter(({ negativePrompt }) => negativePrompt === undefined),
		),
		...optionFields(editSettings),
		...tierPriceOptions,
		spendingLimitWithWan3,
	),
];

/**
 * The model that the user chose. One that this node does not know is sent the fields of the default model.
 * @throws InputError for a known model that is not made for edits by instruction
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
