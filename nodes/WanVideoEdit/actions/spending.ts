/** What items are going to cost, before anything is sent. */
import type { IExecuteFunctions } from 'n8n-workflow';
import type { Billing, EstimatedCost, PricePerSecond } from '../../shared/billing/price';
import { checkSpending } from '../../shared/billing/spending';
import type { SpendingLimit } from '../../shared/billing/spending';
import { isRecord } from '../../shared/dashscope/json';
import { InputError } from '../../shared/inputError';
import { measuredSeconds } from '../../shared/media/pieces';
import type { CheckedMedia } from '../../shared/media/sources';
import { remoteFacts } from '../../shared/n8n/remoteFile';
import { priceAdvice, spendingLimitOption } from '../fields/price';
import { numberOption, runOptions } from '../fields/read';
import { planOf } from '../models/estimate';
import { videoSlotOf } from '../models/spec';
import type { ModelRequest, ModelSpec } from '../models/spec';

/**
 * What the items of a run are going to cost, beside the limit that the user set to it. Without a limit nothing is added
 * up: a price may not be known.
 * @throws InputError for a limit that is no amount
 */
export function spendingOf(functions: IExecuteFunctions, billing: Billing, baseUrl: string) {
	const limit = readSpendingLimit(functions, billing);
	const costs = new Map<number, EstimatedCost>();
	return {
		/** Adds a task of an item. @param own the user's prices @throws InputError where its cost cannot be told */
		async add(
			item: number,
			spec: ModelSpec,
			request: ModelRequest,
			media: CheckedMedia[],
			own: PricePerSecond,
		): Promise<void> {
			if (limit === undefined) return;
			const cost = await costOf(functions, spec, request, media, { baseUrl, billing, own });
			const amount = (costs.get(item)?.amount ?? 0) + cost.amount;
			costs.set(item, { ...cost, amount });
		},
		/** @throws InputError when all items together cost more than the limit */
		check(): void {
			if (limit === undefined) return;
			const planned = [...costs].map(([item, cost]) => ({ item, cost }));
			checkSpending(limit, planned);
		},
	};
}

/**
 * The limit of the run as a whole; it comes from the first item.
 * @throws InputError for what is no amount
 */
function readSpendingLimit(
	functions: IExecuteFunctions,
	{ currency }: Billing,
): SpendingLimit | undefined {
	const { name, displayName } = spendingLimitOption;
	const amount = numberOption(runOptions(functions, name), spendingLimitOption);
	if (amount === undefined) {
		const { options: given } = functions.getNode().parameters;
		if (!isRecord(given) || !(name in given)) return undefined;
		throw new InputError(`'${displayName}' is empty`, 'Enter an amount, or remove the option.');
	}
	if (amount >= 0) return { amount, currency };
	throw new InputError(
		`'${displayName}' is ${amount}, which is less than 0`,
		'Enter an amount of 0 or more, or remove the option.',
	);
}

/**
 * The length of the video that a model is given, from the header of its file, or from its tables where that does not
 * say it.
 * @returns undefined where the model is given none, or its file does not say it
 * @throws InputError for a file that cannot be read
 */
export async function videoSecondsOf(
	functions: IExecuteFunctions,
	spec: ModelSpec,
	media: CheckedMedia[],
	baseUrl: string,
): Promise<number | undefined> {
	const slot = videoSlotOf(spec);
	const video = media.find(({ type }) => type === slot?.type);
	if (slot === undefined || video === undefined) return undefined;
	if (video.from === 'binary') {
		return video.facts.seconds ?? (await measuredSeconds(video.file));
	}
	return (await remoteFacts(functions, video, slot.limits, baseUrl)).seconds;
}

/**
 * What a task is going to cost, where the user has set a limit.
 * @throws InputError where that cannot be told
 */
async function costOf(
	functions: IExecuteFunctions,
	spec: ModelSpec,
	request: ModelRequest,
	media: CheckedMedia[],
	{ baseUrl, billing, own }: { baseUrl: string; billing: Billing; own: PricePerSecond },
): Promise<EstimatedCost> {
	const seconds = await videoSecondsOf(functions, spec, media, baseUrl);
	const most = { ...spec, billed: spec.mostBilled ?? spec.billed };
	const planned = planOf(most, request, seconds, billing, own);
	if (planned === undefined) {
		throw new InputError(
			"The length of the video cannot be read from its file, so 'Spending Limit' cannot be kept",
			'Save the video again as MP4, or remove the limit. Nothing was submitted.',
		);
	}
	const { cost, usage } = planned;
	if (cost !== undefined) return cost;
	throw new InputError(
		`No price of ${request.model}${spec.tier === undefined ? ` at ${usage.resolution}` : ''} is known, so 'Spending Limit' cannot be kept`,
		`${priceAdvice(usage.resolution)}, or remove the limit. Nothing was submitted.`,
	);
}
