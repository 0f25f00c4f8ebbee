/** Fields for one file each: where it comes from, as a binary field of the item or as a URL. */
import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { describeLimits } from '../../shared/media/limits';
import { binaryFileOf } from '../../shared/n8n/binary';
import type { ModelSpec, RequestMedia } from '../models/spec';
import { byModel } from './byModel';
import { fileParameter, textParameter } from './read';

export interface MediaField {
	/** Of the models' slots. The names of its parameters begin with it: `videoSource`, `videoField`, `videoUrl`. */
	place: string;
	/** "Video" */
	label: string;
	/** What it is for, a whole sentence without its full stop. */
	description: string;
	/** Default name of the binary field. */
	field: string;
	/** Whether the user may leave it out: "unused" begins with None, "used" with a file. */
	optional?: 'unused' | 'used';
	/** Values of other fields with which it is shown; a file that is not asked for is not read. */
	show?: Record<string, string[]>;
	/** Display name of the binary field's name, where it is not made from the label. */
	fieldLabel?: string;
	/** What the file has to show, for the hints. */
	shows?: string;
}

const labelOf = ({ label, fieldLabel }: MediaField) => fieldLabel ?? `${label} Binary Field`;

/** @param models that the user can choose from, the default first */
export function mediaFields(media: MediaField, models: readonly ModelSpec[]): INodeProperties[] {
	const { place, label, description, field, optional, show } = media;
	const source = `${place}Source`;
	const slotOf = ({ slots }: ModelSpec) => slots.find((slot) => slot.place === place);
	const shows = media.shows === undefined ? [] : [media.shows];
	const hintOf = (what: string) => (model: ModelSpec) => {
		const limits = slotOf(model)?.limits;
		const accepted = limits === undefined ? [] : [`Accepted: ${describeLimits(limits)}`];
		const sentences = [what, ...accepted, ...shows];
		return sentences.length === 1 ? what : `${sentences.join('. ')}.`;
	};
	const noun = label.toLowerCase();
	const isVideo = models.some((model) => slotOf(model)?.limits.kind === 'video');
	const binary: INodeProperties = {
		displayName: labelOf(media),
		name: `${place}Field`,
		type: 'string',
		required: true,
		default: field,
		displayOptions: { show: { ...show, [source]: ['binary'] } },
	};
	const url: INodeProperties = {
		displayName: `${label} URL`,
		name: `${place}Url`,
		type: 'string',
		required: true,
		default: '',
		placeholder: `e.g. https://example.com/${field === 'data' ? 'ride' : field}.${isVideo ? 'mp4' : 'png'}`,
		description: `Web address of the ${noun}. DashScope downloads it directly, so it must be public.`,
		displayOptions: { show: { ...show, [source]: ['url'] } },
	};
	const sourceField: INodeProperties = {
		displayName: `${label} Source`,
		name: source,
		builderHint: {
			propertyHint:
				'Prefer binary when a node before this one has the file: it is uploaded, and no public file host is needed. A URL must be public and lead to the file itself, not to a page that shows it.',
		},
		type: 'options',
		noDataExpression: true,
		default: 'binary',
		description,
		...(show === undefined ? {} : { displayOptions: { show } }),
		options: [
			{
				name: 'Binary Field',
				value: 'binary',
				description:
					'A file from a previous node, such as a form or cloud storage. It is uploaded to DashScope and deleted there after 48 hours.',
			},
			...(optional === undefined ? [] : [{ name: 'None', value: 'none' }]),
			{
				name: 'URL',
				value: 'url',
				description: "A public web address, or the oss:// address that 'File: Upload' returns",
			},
		],
	};
	return [
		optional === 'unused' ? { ...sourceField, default: 'none' } : sourceField,
		...byModel(
			binary,
			models,
			hintOf(
				`The name of the input binary field containing the ${noun}, as shown on the input's Binary tab`,
			),
		),
		...byModel(url, models, hintOf('A link to the file itself, not to a page that shows it')),
	];
}

/**
 * The file of an item, or none.
 * @throws InputError for a binary field that the item does not have
 */
export async function readMedia(
	functions: IExecuteFunctions,
	item: number,
	media: MediaField,
): Promise<RequestMedia[]> {
	const { place, label } = media;
	const from = textParameter(functions, `${place}Source`, item);
	if (from === 'none' || (from === '' && (media.optional ?? media.show) !== undefined)) return [];
	if (from === 'url') {
		const url = textParameter(functions, `${place}Url`, item);
		return [{ place, source: { from, field: `${label} URL`, url } }];
	}
	const field = labelOf(media);
	const file = await binaryFileOf(
		functions,
		item,
		field,
		fileParameter(functions, `${place}Field`, item),
	);
	return [{ place, source: { from: 'binary', field, file } }];
}
