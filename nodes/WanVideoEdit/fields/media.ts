/** Fields for one file each: where it comes from, as a binary field of the item or as a URL. */
import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { describeLimits } from '../../shared/media/limits';
import type { MediaLimits } from '../../shared/media/types';
import { binaryFileOf } from '../../shared/n8n/binary';
import type { ModelSpec, RequestMedia } from '../models/spec';
import { textParameter } from './read';

export interface MediaField {
	/** Of the models' slots. */
	place: string;
	/** The names of its parameters begin with it: `videoSource`, `videoField`, `videoUrl`. */
	name: string;
	/** "Video" */
	label: string;
	/** What it is for, a whole sentence without its full stop. */
	description: string;
	limits: MediaLimits;
	/** Binary field that most users have. */
	field: string;
	/** The user may do without it. */
	optional?: boolean;
	/** Display name of the binary field's name, where it is not made from the label. */
	fieldLabel?: string;
}

const labelOf = ({ label, fieldLabel }: MediaField) => fieldLabel ?? `${label} Binary Field`;

/** @param models where the limits depend on the chosen model: those that the user can choose from */
export function mediaFields(
	media: MediaField,
	models: readonly ModelSpec[] = [],
): INodeProperties[] {
	const { name, label, description, limits, field, optional = false } = media;
	const source = `${name}Source`;
	const hintOf = ({ slots }: ModelSpec) =>
		describeLimits(slots.find(({ place }) => place === media.place)?.limits ?? limits);
	const binary: INodeProperties = {
		displayName: labelOf(media),
		name: `${name}Field`,
		type: 'string',
		required: true,
		default: field,
		hint: describeLimits(limits),
		description: `Name of the binary field with the ${label.toLowerCase()}`,
		displayOptions: { show: { [source]: ['binary'] } },
	};
	const url: INodeProperties = {
		displayName: `${label} URL`,
		name: `${name}Url`,
		type: 'string',
		required: true,
		default: '',
		placeholder: `e.g. https://example.com/${field === 'data' ? 'ride' : field}.${limits.kind === 'video' ? 'mp4' : 'png'}`,
		hint: describeLimits(limits),
		description: `Address of the ${label.toLowerCase()}; DashScope fetches it itself, so it must be public`,
		displayOptions: { show: { [source]: ['url'] } },
	};
	const sourceField: INodeProperties = {
		displayName: `${label} Source`,
		name: source,
		type: 'options',
		noDataExpression: true,
		default: 'binary',
		description,
		options: [
			{
				name: 'Binary Field',
				value: 'binary',
				description:
					'A file that a form, a storage or another node put into the item; it is uploaded to DashScope and deleted there after 48 hours',
			},
			...(optional ? [{ name: 'None', value: 'none' }] : []),
			{
				name: 'URL',
				value: 'url',
				description: 'A public web address, or an oss:// address of a DashScope upload',
			},
		],
	};
	return [
		optional ? { ...sourceField, default: 'none' } : sourceField,
		...(models.length === 0
			? [binary, url]
			: [binary, url].flatMap((one) => byModel(one, models, hintOf))),
	];
}

/**
 * A field whose hint depends on the chosen model: once for each hint, shown with its models.
 * @param models that the user can choose from, the default first; its hint serves IDs that the node does not know
 */
export function byModel(
	property: INodeProperties,
	models: readonly ModelSpec[],
	hintOf: (model: ModelSpec) => string,
): INodeProperties[] {
	const [first, ...others] = [...new Set(models.map(hintOf))];
	const idsOf = (hint: string) => models.filter((one) => hintOf(one) === hint).map(({ id }) => id);
	const { displayOptions: { show, hide } = {} } = property;
	const elsewhere = others.flatMap(idsOf);
	const hidden = elsewhere.length === 0 ? hide : { ...hide, '/model': elsewhere };
	return [
		{ ...property, hint: first, displayOptions: { show, ...(hidden && { hide: hidden }) } },
		...others.map((hint) => ({
			...property,
			hint,
			displayOptions: { show: { ...show, '/model': idsOf(hint) }, ...(hide && { hide }) },
		})),
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
	const { place, name, label } = media;
	const from = textParameter(functions, `${name}Source`, item);
	if (from === 'none' || (from === '' && media.optional)) return [];
	if (from === 'url') {
		const url = textParameter(functions, `${name}Url`, item);
		return [{ place, source: { from, field: `${label} URL`, url } }];
	}
	const field = labelOf(media);
	const file = await binaryFileOf(
		functions,
		item,
		field,
		textParameter(functions, `${name}Field`, item),
	);
	return [{ place, source: { from: 'binary', field, file } }];
}
