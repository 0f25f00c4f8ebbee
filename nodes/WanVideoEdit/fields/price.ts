import type { INodeProperties } from 'n8n-workflow';
import type { JsonRecord } from '../../shared/dashscope/types';
import type { PricePerSecond } from '../../shared/tasks/price';
import { numberOption } from './read';

/** Options that replace the list prices. */
export const price1080Option: INodeProperties = {
	displayName: 'Price per Second at 1080P',
	name: 'price1080P',
	type: 'number',
	typeOptions: { minValue: 0, numberPrecision: 4 },
	default: 0.15,
	description:
		'Your own price for the estimated cost, in yuan for Beijing and in US dollars elsewhere. The preset is the price of wan2.7-videoedit in US dollars. Without this option, only wan2.7-videoedit is estimated, at its list price as of September 2026.',
};
export const price720Option: INodeProperties = {
	...price1080Option,
	displayName: 'Price per Second at 720P',
	name: 'price720P',
	default: 0.1,
};

/** What to do where no price is known. @param resolution tier of the price list */
export function priceAdvice(resolution: string): string {
	const option = [price720Option, price1080Option].find(
		({ name }) => name === `price${resolution}`,
	);
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
		'The most that one run of this node may cost, all items together, in yuan for Beijing and in US dollars elsewhere. A run whose estimate is higher, or cannot be made (as for wan2.1-vace-plus and wan2.2-animate-mix), is refused before anything is uploaded.',
};

/** @throws InputError for what is not a number */
export function readPrices(options: JsonRecord): PricePerSecond {
	return {
		'720P': numberOption(options, price720Option),
		'1080P': numberOption(options, price1080Option),
	};
}
