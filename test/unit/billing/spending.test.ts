import { InputError } from '../../../nodes/shared/inputError';
import { checkSpending } from '../../../nodes/shared/billing/spending';

function refusal(limit: number, ...amounts: number[]): InputError | undefined {
	const planned = amounts.map((amount, item) => ({
		item,
		cost: { amount, currency: 'USD' as const, priceDate: null },
	}));
	try {
		checkSpending({ amount: limit, currency: 'USD' }, planned);
	} catch (error) {
		if (error instanceof InputError) return error;
		throw error;
	}
	return undefined;
}

test('a run at its limit passes, however the sum is rounded', () => {
	expect(refusal(0.3, 0.1, 0.1, 0.1)).toBeUndefined();
	expect(refusal(1, ...Array<number>(10).fill(0.1))).toBeUndefined();
	expect(refusal(0)).toBeUndefined();
});

test('one above it says by how much, to the last digit of a price', () => {
	expect(refusal(1, 0.6, 0.6)?.message).toBe(
		"This run would cost about 1.20 USD, 0.20 USD more than the 'Spending Limit' of 1.00 USD",
	);
	expect(refusal(1, 1.0004)?.message).toContain('about 1.0004 USD, 0.0004 USD more than');
});

test.each([
	[1, [0.6, 0.6, 0.1], 'The first item stays within the limit'],
	[1, [0.4, 0.4, 0.4], 'The first 2 items stay within the limit'],
	[0.5, [0.6], 'Item 0 alone is above the limit'],
])('a limit of %d for %j: %s', (limit, amounts, sentence) => {
	expect(refusal(limit, ...amounts)?.hint).toContain(sentence);
});

test('a hundred items are not all named', () => {
	const hint = refusal(1, ...Array<number>(100).fill(0.6))?.hint ?? '';
	expect(hint).toContain('item 9: 0.60 USD and 90 more.');
	expect(hint.length).toBeLessThan(600);
});
