import { priceListOf } from '../../../nodes/WanVideoEdit/models';
import { currencyOf, totalsSentence } from '../../../nodes/shared/billing/price';
import * as price from '../../../nodes/shared/billing/price';
import type { Currency, PricePerSecond } from '../../../nodes/shared/billing/price';
import type { Usage } from '../../../nodes/shared/dashscope/types';

const MODEL = 'wan2.7-videoedit';
const usage = (billedSeconds?: number, resolution?: string) => ({ billedSeconds, resolution });

const estimateCost = (
	given: Usage | undefined,
	model: string,
	currency: Currency,
	own?: PricePerSecond,
) => price.estimateCost(given, model, { currency, priceListOf }, own);

describe('the currency', () => {
	test.each([
		['https://dashscope.aliyuncs.com', 'CNY'],
		['https://ws-1.cn-beijing.maas.aliyuncs.com', 'CNY'],
		['https://dashscope-intl.aliyuncs.com', 'USD'],
		['https://ws-1.ap-southeast-1.maas.aliyuncs.com', 'USD'],
		['https://dashscope-us.aliyuncs.com', 'USD'],
		['http://127.0.0.1:8080', 'USD'],
		['https://dashscope.aliyuncs.com.example', 'USD'],
	])('of %s is %s', (baseUrl, expected) => {
		expect(currencyOf(baseUrl)).toBe(expected);
	});
});

describe('the estimate', () => {
	test.each([
		[10, '720P', 'CNY', 6],
		[20, '1080P', 'CNY', 20],
		[10, '720P', 'USD', 1],
		[20, '1080P', 'USD', 3],
		[10.4, '720P', 'USD', 1.04],
		[0, '720P', 'USD', 0],
		[3.3333, '1080P', 'USD', 0.5],
	] as const)('of %d billed seconds at %s is in %s %d', (seconds, tier, currency, amount) => {
		expect(estimateCost(usage(seconds, tier), MODEL, currency)).toEqual({
			amount,
			currency,
			priceDate: expect.stringMatching(/^\d{4}-\d{2}$/),
		});
	});

	test('uses the own price of a tier, and then names no date', () => {
		const own = { '720P': 0.5 };
		expect(estimateCost(usage(10, '720P'), MODEL, 'USD', own)).toEqual({
			amount: 5,
			currency: 'USD',
			priceDate: null,
		});
		expect(estimateCost(usage(10, '1080P'), MODEL, 'USD', own)).toMatchObject({ amount: 1.5 });
	});

	test('takes an own price of nothing for a price', () => {
		expect(estimateCost(usage(10, '720P'), MODEL, 'USD', { '720P': 0 })?.amount).toBe(0);
	});

	test('of another model needs an own price', () => {
		expect(estimateCost(usage(10, '720P'), 'wan3.0-video', 'USD')).toBeUndefined();
		expect(estimateCost(usage(10, '720P'), 'wan3.0-video', 'USD', { '720P': 1 })?.amount).toBe(10);
	});

	test.each([undefined, usage(), usage(10), usage(undefined, '720P'), usage(10, '480P')])(
		'of the usage %j is none',
		(given) => {
			expect(estimateCost(given, MODEL, 'USD')).toBeUndefined();
		},
	);
});

describe('the totals', () => {
	const billed = (seconds: number, amount: number, priceDate: string | null = '2026-09') => ({
		usage: usage(seconds, '720P'),
		cost: { amount, currency: 'USD' as const, priceDate },
	});

	test('of nothing are nothing', () => {
		expect(totalsSentence([])).toBeUndefined();
	});

	test('of one task and of several', () => {
		expect(totalsSentence([billed(10, 1)])).toBe(
			'1 task, 10 billed seconds, about 1.00 USD (estimate, prices as of 2026-09).',
		);
		expect(totalsSentence([billed(10.1, 1.01), billed(0.2, 0.02), billed(5, 0.5)])).toBe(
			'3 tasks, 15.3 billed seconds, about 1.53 USD (estimate, prices as of 2026-09).',
		);
	});

	test('say so when they go by own prices', () => {
		expect(totalsSentence([billed(10, 5, null)])).toContain('(estimate, at your own prices)');
	});

	test('without prices tell the seconds only', () => {
		expect(totalsSentence([{ usage: usage(10) }, {}])).toBe('2 tasks, 10 billed seconds.');
	});
});
