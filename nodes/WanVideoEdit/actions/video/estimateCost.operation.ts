import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { sumOf, toFourDecimals } from '../../../shared/billing/price';
import { dashScopeClient } from '../../../shared/dashscope/client';
import { isPrivateService } from '../../../shared/dashscope/hosts';
import { InputError } from '../../../shared/inputError';
import { TOLERANCE_SECONDS } from '../../../shared/media/limits';
import { OpenVideos } from '../../../shared/media/openVideos';
import { MOST_LOOKS, checkMedia } from '../../../shared/media/sources';
import type { CheckedMedia } from '../../../shared/media/sources';
import { roundedSeconds } from '../../../shared/media/wording';
import { eachItem } from '../../../shared/n8n/eachItem';
import { noteItem } from '../../../shared/n8n/noteItem';
import { Semaphore } from '../../../shared/tasks/semaphore';
import { hiddenFor } from '../../fields/byModel';
import { longVideoField, readLongVideo } from '../../fields/longVideo';
import type { LongVideo } from '../../fields/longVideo';
import { readMedia } from '../../fields/media';
import { billableModelField, readModel } from '../../fields/model';
import { optionsField } from '../../fields/options';
import { priceAdvice, readPrices, tierPriceOptions } from '../../fields/price';
import { collectionParameter } from '../../fields/read';
import { nodeFields, optionFields, readValues, resolutionSetting } from '../../fields/settings';
import type { Setting } from '../../fields/settings';
import { BILLABLE_MODELS, EDIT_MODELS, billingAt, regionalId, specOf } from '../../models';
import { planOf } from '../../models/estimate';
import { videoSlotOf } from '../../models/spec';
import type { ModelRequest, ModelSpec, Values } from '../../models/spec';
import { validateRequest } from '../../models/validate';
import { wan27I2v } from '../../models/wan27I2v';
import { anyLength, namingField, partsOf, secondsTaken } from '../longVideo';
import type { Cutting } from '../longVideo';
import { videoSecondsOf } from '../spending';
import { totalDuration } from './continue.operation';
import { video } from './media';

export const option = {
	name: 'Estimate Cost',
	description:
		'Estimate the cost of an edit from the length of the video. Free: nothing is sent to DashScope.',
	action: 'Estimate the cost of an edit',
};

const settings: readonly Setting[] = [
	resolutionSetting({
		description: 'Resolution of the result. The price depends on it.',
		options: [
			{
				name: '480P',
				value: '480P',
				description:
					'Only with Wan 3.0. Shows the billed seconds but no cost: the price is not known.',
			},
			{ name: '720P', value: '720P' },
			{ name: '1080P', value: '1080P' },
		],
	}),
	{
		api: 'duration',
		property: {
			displayName: 'Duration (Seconds)',
			name: 'duration',
			type: 'number',
			typeOptions: { minValue: 0, maxValue: 30 },
			default: 5,
			description:
				'Length of the result, if you will set it in the edit. Without this option, it is as long as the video; with Wan 2.7 Image to Video, it is 10 seconds, as in Continue.',
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
		description: 'Where the video comes from. Only the header of the file is read.',
		options: [
			{
				name: 'Binary Field',
				value: 'binary',
				description: 'A file from a previous node, such as a form or cloud storage',
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
		hint: "The name of the input binary field containing the video, as shown on the input's Binary tab",
		displayOptions: { show: { videoSource: ['binary'] } },
	},
	{
		displayName: 'Video URL',
		name: 'videoUrl',
		type: 'string',
		required: true,
		default: '',
		placeholder: 'e.g. https://example.com/ride.mp4',
		hint: 'A link to the file itself, not to a page that shows it',
		description:
			'Web address of the video. n8n downloads only the header of the file, without using the credential.',
		displayOptions: { show: { videoSource: ['url'] } },
	},
	{ ...billableModelField, description: 'The model that would edit the video' },
	...nodeFields(settings),
	hiddenFor(
		longVideoField,
		BILLABLE_MODELS.filter((spec) => !EDIT_MODELS.includes(spec)),
	),
	optionsField(...optionFields(settings), ...tierPriceOptions),
];

/** The model as far as its bill goes: what else it takes is not asked for here. */
function billOf(spec: ModelSpec): ModelSpec {
	return {
		...spec,
		prompt: { ...spec.prompt, required: false },
		slots: spec.slots.filter(({ place }) => place === 'video'),
	};
}

/** What a model's own operation sets unless the user does. */
function defaultsOf({ id }: ModelSpec): Values {
	return id === wan27I2v.id ? { [totalDuration.api]: Number(totalDuration.property.default) } : {};
}

/** @throws InputError for a model whose bill cannot be told in advance */
function specToEstimate(id: string): ModelSpec {
	const spec = specOf(id);
	if (spec !== undefined && BILLABLE_MODELS.includes(spec)) return billOf(spec);
	const why =
		spec === undefined
			? `The seconds that ${id} bills are not known in advance`
			: `The price of ${id} does not depend on the resolution, and is not known`;
	throw new InputError(
		id === '' ? "'Model' is empty" : why,
		`The cost can be estimated for ${BILLABLE_MODELS.map((one) => one.id).join(', ')}.`,
	);
}

/** The model with a video of any length, or one whose message for a longer video names the field. */
function specFor(way: LongVideo, spec: ModelSpec): ModelSpec {
	if (!EDIT_MODELS.some(({ id }) => id === spec.id)) return spec;
	const change = way === 'fail' ? namingField : anyLength;
	const slots = spec.slots.map((slot) => ({ ...slot, limits: change(slot.limits) }));
	return { ...spec, slots };
}

/**
 * The lengths, in seconds, of what the tasks would be given of a video behind a URL, of which only the header is
 * read: pieces of equal length, which its key frames may not allow.
 */
function equalLengths(spec: ModelSpec, way: LongVideo, seconds: number): number[] {
	const most = secondsTaken(videoSlotOf(spec)?.limits) ?? Infinity;
	if (seconds <= most + TOLERANCE_SECONDS) return [seconds];
	if (way === 'beginning') return [most];
	const count = Math.ceil(seconds / most);
	return Array.from({ length: count }, () => seconds / count);
}

/** What the tasks of an item would be given. */
interface Measured {
	/** Length of the whole video. */
	seconds: number;
	/** Of the video or its pieces, in seconds. */
	lengths: number[];
	/** The files of each task, as far as they were looked at. */
	files: CheckedMedia[][];
}

/** @throws InputError for a video that the model would refuse, or whose length cannot be told */
async function measure(
	functions: IExecuteFunctions,
	spec: ModelSpec,
	request: ModelRequest,
	way: LongVideo,
	baseUrl: string,
	cutting: Cutting,
): Promise<Measured> {
	const publicService = !isPrivateService(baseUrl);
	const whole = specFor(way, spec);
	const media = await checkMedia(validateRequest(whole, request, publicService));
	const seconds = await videoSecondsOf(functions, whole, media, baseUrl);
	if (seconds === undefined) {
		throw new InputError(
			`The length of the video cannot be told from '${media[0]?.field ?? 'Video'}'`,
			'Its header does not say it: save the video again as MP4.',
		);
	}
	if (way === 'fail') return { seconds, lengths: [seconds], files: [media] };
	if (media.some(({ from }) => from === 'url')) {
		return { seconds, lengths: equalLengths(spec, way, seconds), files: [media] };
	}
	const inputs = validateRequest(spec, request, publicService);
	const parts = await partsOf(spec, request, inputs, way, cutting);
	const files = parts.map((part) => part.media);
	return { seconds, lengths: files.map(([file]) => file?.facts.seconds ?? seconds), files };
}

/** Tells what an edit of each item's video would cost. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	// Only to know the region, and with it the currency.
	const { baseUrl } = await dashScopeClient(this);
	const billing = billingAt(baseUrl);
	const looks = new Semaphore(MOST_LOOKS);
	const unpriced = new Set<string>();
	const videos = new OpenVideos();
	const items = await eachItem(this, async (item) => {
		const model = regionalId(readModel(this, item), baseUrl);
		const spec = specToEstimate(model);
		const request: ModelRequest = {
			model,
			media: await readMedia(this, item, video),
			values: { ...defaultsOf(spec), ...readValues(this, item, settings) },
		};
		const way = readLongVideo(this, item);
		const cutting = { videos, note: (text: string) => noteItem(this, item, text) };
		const { seconds, lengths, files } = await looks.run(
			async () => await measure(this, spec, request, way, baseUrl, cutting),
		);
		for (const given of files) spec.fit?.(request, given);
		const own = readPrices(collectionParameter(this, 'options', item));
		const plans = lengths.flatMap((length) => planOf(spec, request, length, billing, own) ?? []);
		const { usage = {}, cost } = sumOf(plans);
		if (cost === undefined) {
			const { resolution = '' } = usage;
			unpriced.add(`No price of ${model} at ${resolution} is known. ${priceAdvice(resolution)}.`);
		}
		const json = {
			model,
			videoSeconds: roundedSeconds(seconds),
			pieces: lengths.length,
			...usage,
			pricePerSecond:
				cost === undefined ? null : toFourDecimals(cost.amount / (usage.billedSeconds ?? 0)),
			estimatedCost: cost === undefined ? null : { ...cost },
		};
		return [{ json, pairedItem: { item } }];
	}).finally(async () => await videos.close());
	for (const message of unpriced) {
		this.addExecutionHints({ message, location: 'outputPane' });
	}
	return items;
}
