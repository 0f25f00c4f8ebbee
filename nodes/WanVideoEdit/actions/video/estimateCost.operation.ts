import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { dashScopeClient } from '../../../shared/dashscope/client';
import { isPrivateHost } from '../../../shared/dashscope/hosts';
import { InputError } from '../../../shared/inputError';
import { checkMedia } from '../../../shared/media/sources';
import { eachItem } from '../../../shared/n8n/eachItem';
import { currencyOf } from '../../../shared/tasks/price';
import { Semaphore } from '../../../shared/tasks/semaphore';
import type { Billing } from '../../../shared/tasks/price';
import { readMedia } from '../../fields/media';
import { anyModelField, readModel } from '../../fields/model';
import { optionsField } from '../../fields/options';
import { price1080Option, price720Option, readPrices } from '../../fields/price';
import { collectionParameter } from '../../fields/read';
import { readValues } from '../../fields/settings';
import type { Setting } from '../../fields/settings';
import { ALL_MODELS, priceListOf, regionalId, specOf } from '../../models';
import { planOf } from '../../models/estimate';
import type { ModelRequest, ModelSpec } from '../../models/spec';
import { validateRequest } from '../../models/validate';
import { videoSecondsOf } from '../spending';
import { video } from './media';

export const option = {
	name: 'Estimate Cost',
	description:
		'Tell what an edit of a video would cost, from its length; nothing is sent to DashScope and nothing is billed',
	action: 'Estimate the cost of an edit',
};

const settings: readonly Setting[] = [
	{
		api: 'resolution',
		kind: 'tier',
		prominent: true,
		property: {
			displayName: 'Resolution',
			name: 'resolution',
			type: 'options',
			default: '720P',
			description: 'Resolution of the result, on which the price depends',
			options: [
				{ name: '480P', value: '480P', description: 'Only for Wan 3.0' },
				{ name: '720P', value: '720P' },
				{ name: '1080P', value: '1080P' },
			],
		},
	},
	{
		api: 'duration',
		kind: 'number',
		property: {
			displayName: 'Duration (Seconds)',
			name: 'duration',
			type: 'number',
			typeOptions: { minValue: 0, maxValue: 30 },
			default: 5,
			description:
				'Length of the result, if the edit is to set it. Without this option it is as long as the video.',
		},
	},
];

export const fields: INodeProperties[] = [
	{
		displayName: 'Video Source',
		name: 'videoSource',
		type: 'options',
		noDataExpression: true,
		default: 'binary',
		description: 'Where the video comes from. Only the header of its file is read.',
		options: [
			{
				name: 'Binary Field',
				value: 'binary',
				description: 'A file that a form, a storage or another node put into the item',
			},
			{ name: 'URL', value: 'url', description: 'A public web address' },
		],
	},
	{
		displayName: 'Input Binary Field',
		name: 'videoField',
		type: 'string',
		required: true,
		default: 'data',
		hint: 'The name of the input binary field with the video',
		displayOptions: { show: { videoSource: ['binary'] } },
	},
	{
		displayName: 'Video URL',
		name: 'videoUrl',
		type: 'string',
		required: true,
		default: '',
		placeholder: 'e.g. https://example.com/ride.mp4',
		description: 'Address of the video; n8n fetches the header of the file, without the credential',
		displayOptions: { show: { videoSource: ['url'] } },
	},
	{ ...anyModelField, description: 'The model that would edit the video' },
	...settings.flatMap(({ prominent, property }) => (prominent ? [property] : [])),
	optionsField(
		...settings.flatMap(({ prominent, property }) => (prominent ? [] : [property])),
		price1080Option,
		price720Option,
	),
];

/** The model as far as its bill goes: what else it takes is not asked for here. */
function billOf(spec: ModelSpec): ModelSpec {
	return {
		...spec,
		prompt: { ...spec.prompt, required: false },
		slots: spec.slots.filter(({ place }) => place === 'video'),
	};
}

/** @throws InputError for a model whose bill cannot be told before */
function specToEstimate(id: string): ModelSpec {
	const spec = specOf(id);
	if (spec?.billed !== undefined) return billOf(spec);
	const known = ALL_MODELS.flatMap((one) => (one.billed === undefined ? [] : [one.id]));
	throw new InputError(
		id === '' ? "'Model' is empty" : `How many seconds ${id} bills is not known before`,
		`The cost can be estimated for ${known.join(', ')}.`,
	);
}

/** Files that are looked at side by side. */
const MOST_LOOKS = 5;

/** Tells what an edit of each item's video would cost. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	// Only to know the region, and with it the currency.
	const { baseUrl } = await dashScopeClient(this);
	const publicService = !isPrivateHost(new URL(baseUrl).hostname);
	const billing: Billing = { currency: currencyOf(baseUrl), priceListOf };
	const looks = new Semaphore(MOST_LOOKS);
	const unpriced = new Set<string>();
	const items = await eachItem(this, async (item) => {
		const model = regionalId(readModel(this, item), baseUrl);
		const spec = specToEstimate(model);
		const asked: ModelRequest = {
			model,
			media: await readMedia(this, item, video),
			values: readValues(this, item, settings),
		};
		const inputs = validateRequest(spec, asked, publicService);
		const media = await looks.run(async () => await checkMedia(inputs));
		const request = spec.fit?.(asked, media) ?? asked;
		const seconds = await looks.run(async () => await videoSecondsOf(this, spec, media, baseUrl));
		if (seconds === undefined) {
			throw new InputError(
				`The length of the video cannot be told from '${media[0]?.field ?? 'Video'}'`,
				'Its header does not say it: save the video again as MP4.',
			);
		}
		const own = readPrices(collectionParameter(this, 'options', item));
		const { usage, cost } = planOf(spec, request, seconds, billing, own);
		if (cost === undefined) unpriced.add(`${model} at ${usage.resolution}`);
		const json = {
			model,
			videoSeconds: Math.round(seconds * 1000) / 1000,
			...usage,
			pricePerSecond: cost === undefined ? null : round(cost.amount / usage.billedSeconds),
			estimatedCost: cost === undefined ? null : { ...cost },
		};
		return [{ json, pairedItem: { item } }];
	});
	for (const what of unpriced) {
		this.addExecutionHints({
			message: `No price of ${what} is known: add the option 'Price per Second' with your own.`,
			location: 'outputPane',
		});
	}
	return items;
}

function round(price: number): number {
	return Math.round(price * 10_000) / 10_000;
}
