import type { INodeProperties } from 'n8n-workflow';
import type { PricePerSecond } from '../../shared/billing/price';
import type { JsonRecord } from '../../shared/dashscope/types';
import { WAN27_PRICES, wan27VideoEdit } from '../models/wan27VideoEdit';
import { numberOption, numberWithin } from './read';

const {
	date,
	USD: { '720P': price720, '1080P': price1080 },
} = WAN27_PRICES;

/** When the list prices were read, such as "September 2026". */
export const PRICE_MONTH = new Date(date).toLocaleDateString('en', {
	month: 'long',
	year: 'numeric',
	timeZone: 'UTC',
});

/** Options that replace the list prices. */
const price1080Option: INodeProperties = {
	displayName: 'Price per Second at 1080P',
	name: 'price1080P',
	type: 'number',
	typeOptions: { minValue: 0, numberPrecision: 4 },
	default: price1080,
	description: `Your price for cost estimates, in yuan for Beijing and in US dollars elsewhere. The default is the US dollar price of ${wan27VideoEdit.id}. Without this option, only the cost of ${wan27VideoEdit.id} is estimated, at its list price as of ${PRICE_MONTH}.`,
};
const price720Option: INodeProperties = {
	...price1080Option,
	displayName: 'Price per Second at 720P',
	name: 'price720P',
	default: price720,
};

/** For models whose price does not depend on a resolution. */
export const priceOption: INodeProperties = {
	...price1080Option,
	displayName: 'Price per Second',
	name: 'pricePerSecond',
	default: 0.1,
	description:
		'Your price per output second of wan2.1-vace-plus or wan2.2-animate-mix for cost estimates, in yuan for Beijing and in US dollars elsewhere. The default is only an example. Without this option, the cost is not estimated.',
};

/** For models whose price depends on the resolution. */
export const tierPriceOptions = [price1080Option, price720Option];

/** For operations that serve every model. */
export const priceOptions = [priceOption, ...tierPriceOptions];

/** The option for each tier of the price lists, as the `usage` of a task calls it. */
const OPTION_OF: Partial<Record<string, INodeProperties>> = {
	'720P': price720Option,
	'1080P': price1080Option,
	standard: priceOption,
	pro: priceOption,
};

/** What to do where no price is known. @param tier of the price list */
export function priceAdvice(tier: string): string {
	const option = OPTION_OF[tier];
	return option === undefined
		? 'Choose 720P or 1080P, for which you can enter your own price'
		: `Add the option '${option.displayName}' with your own price`;
}

export const spendingLimitOption: INodeProperties = {
	displayName: 'Spending Limit',
	name: 'spendingLimit',
	builderHint: {
		propertyHint: 'Set it where people or agents whom the user does not know can start the run.',
	},
	type: 'number',
	typeOptions: { minValue: 0, numberPrecision: 2 },
	default: 5,
	description:
		'The most that one run of this node may cost, all items together, in yuan for Beijing and in US dollars elsewhere. A run whose estimate is higher, or whose price is not known, stops with an error before anything is uploaded.',
};

/** For operations with a model that chooses the length of the result. */
export const spendingLimitWithWan3: INodeProperties = {
	...spendingLimitOption,
	description: `${spendingLimitOption.description} With Wan 3.0, also set Duration; otherwise the longest possible result is assumed.`,
};

/** @throws InputError for what is not a number, or less than 0 */
export function readPrices(options: JsonRecord): PricePerSecond {
	const prices: PricePerSecond = {};
	for (const [tier, option] of Object.entries(OPTION_OF)) {
		if (option === undefined || numberOption(options, option) === undefined) continue;
		prices[tier] = numberWithin(options, option);
	}
	return prices;
}
