/** What an edit costs, as an estimate. Pure. */
import type { Usage } from '../dashscope/types';

export type Currency = 'CNY' | 'USD';

/** Prices per billed second by resolution tier; what the user enters goes before the list. */
export type PricePerSecond = Partial<Record<string, number>>;

export interface EstimatedCost {
	amount: number;
	currency: Currency;
	/** When the price list was read (year and month); null for the user's own prices. */
	priceDate: string | null;
}

/** Pay-as-you-go list prices of `wan2.7-videoedit`; one rate for input and output seconds. */
const PRICE_LIST: Record<Currency, PricePerSecond> = {
	CNY: { '720P': 0.6, '1080P': 1.0 },
	USD: { '720P': 0.1, '1080P': 0.15 },
};

export const PRICED_MODEL = 'wan2.7-videoedit';
export const PRICE_DATE = '2026-09';

/** Beijing bills in yuan, all other regions in US dollars. */
export function currencyOf(baseUrl: string): Currency {
	const { hostname } = new URL(baseUrl);
	return hostname === 'dashscope.aliyuncs.com' || hostname.includes('.cn-beijing.') ? 'CNY' : 'USD';
}

/**
 * The estimated cost of a finished task: billed seconds times the price of its resolution tier.
 * @param own the user's prices, which serve any model
 * @returns undefined where the usage or a price is not known
 */
export function estimateCost(
	usage: Usage | undefined,
	model: string,
	currency: Currency,
	own: PricePerSecond = {},
): EstimatedCost | undefined {
	const { billedSeconds, resolution } = usage ?? {};
	if (billedSeconds === undefined || resolution === undefined) return undefined;
	const ownPrice = own[resolution];
	const price = ownPrice ?? (model === PRICED_MODEL ? PRICE_LIST[currency][resolution] : undefined);
	if (price === undefined) return undefined;
	return {
		amount: Math.round(billedSeconds * price * 10_000) / 10_000,
		currency,
		priceDate: ownPrice === undefined ? PRICE_DATE : null,
	};
}

/** One task's share of a run's totals. */
export interface Billed {
	usage?: Usage;
	cost?: EstimatedCost;
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
