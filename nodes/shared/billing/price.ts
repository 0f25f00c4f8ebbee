/** What an edit costs, as an estimate. Pure. */
import { isBeijing } from '../dashscope/hosts';
import type { Usage } from '../dashscope/types';

/** Those that Alibaba Cloud bills in; {@link currencyOf} tells which. */
export type Currency = 'CNY' | 'USD';

/** Prices per billed second by resolution tier; what the user enters goes before the list. */
export type PricePerSecond = Partial<Record<string, number>>;

/** What a task is estimated to cost, in units of the currency. */
export interface EstimatedCost {
	amount: number;
	currency: Currency;
	/** When the price list was read (year and month); null for the user's own prices. */
	priceDate: string | null;
}

/** Pay-as-you-go list prices of a model. */
export type PriceList = { [currency in Currency]?: PricePerSecond } & {
	/** When it was read: year and month. */
	date: string;
};

/** What is needed to estimate the cost of any task. */
export interface Billing {
	currency: Currency;
	/** @returns undefined for a model whose prices are not known */
	priceListOf(model: string): PriceList | undefined;
}

/** Beijing bills in yuan, all other regions in US dollars. */
export function currencyOf(baseUrl: string): Currency {
	return isBeijing(baseUrl) ? 'CNY' : 'USD';
}

/** Rounds to as many decimals as prices have. */
export function toFourDecimals(value: number): number {
	return Math.round(value * 10_000) / 10_000;
}

/**
 * The estimated cost of a finished task: billed seconds times the price of its resolution tier.
 * @param own the user's prices, which serve any model
 * @returns undefined where the usage or a price is not known
 */
export function estimateCost(
	usage: Usage | undefined,
	model: string,
	{ currency, priceListOf }: Billing,
	own: PricePerSecond = {},
): EstimatedCost | undefined {
	const { billedSeconds, resolution } = usage ?? {};
	if (billedSeconds === undefined || resolution === undefined) return undefined;
	const ownPrice = own[resolution];
	const list = priceListOf(model);
	const price = ownPrice ?? list?.[currency]?.[resolution];
	if (price === undefined) return undefined;
	return {
		amount: toFourDecimals(billedSeconds * price),
		currency,
		priceDate: ownPrice === undefined ? (list?.date ?? null) : null,
	};
}

/** One task's share of a run's totals. */
export interface Billed {
	usage?: Usage;
	cost?: EstimatedCost;
}

/** What several tasks of one model cost together; what is not known of all of them is not known of the sum. */
export function sumOf(billed: Billed[]): Billed {
	const [first] = billed;
	if (first === undefined || billed.length === 1) return first ?? {};
	const total = (values: Array<number | undefined>) => {
		const known = values.flatMap((value) => (value === undefined ? [] : [value]));
		return known.length === values.length ? toFourDecimals(sum(known)) : undefined;
	};
	const usages = billed.map(({ usage }) => usage);
	const amount = total(billed.map(({ cost }) => cost?.amount));
	return {
		usage: {
			billedSeconds: total(usages.map((usage) => usage?.billedSeconds)),
			inputSeconds: total(usages.map((usage) => usage?.inputSeconds)),
			outputSeconds: total(usages.map((usage) => usage?.outputSeconds)),
			resolution: first.usage?.resolution,
		},
		cost: first.cost && amount !== undefined ? { ...first.cost, amount } : undefined,
	};
}

/** The totals of a run in one sentence, for the hint under the node's output; undefined when nothing was billed. */
export function totalsSentence(billed: Billed[]): string | undefined {
	if (billed.length === 0) return undefined;
	const tasks = billed.length === 1 ? '1 task' : `${billed.length} tasks`;
	const seconds = round(sum(billed.map(({ usage }) => usage?.billedSeconds ?? 0)));
	const costs = billed.flatMap(({ cost }) => (cost === undefined ? [] : [cost]));
	const [first] = costs;
	if (first === undefined) return `${tasks}, ${seconds} billed seconds.`;
	const amount = sum(costs.map((cost) => cost.amount)).toFixed(2);
	const date = costs.find(({ priceDate }) => priceDate !== null)?.priceDate;
	const basis = date ? `prices as of ${date}` : 'at your own prices';
	return `${tasks}, ${seconds} billed seconds, about ${amount} ${first.currency} (estimate, ${basis}).`;
}

function sum(values: number[]): number {
	return values.reduce((total, value) => total + value, 0);
}

function round(value: number): number {
	return Math.round(value * 100) / 100;
}
