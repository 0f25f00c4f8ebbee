/** The limit that a user sets to what a run may cost. Pure. */
import { InputError } from '../inputError';
import type { Currency, EstimatedCost } from './price';

/** The most that a run may cost. */
export interface SpendingLimit {
	amount: number;
	currency: Currency;
}

/** How many items are named one by one. */
const MOST_NAMED = 10;

/** Less than the last digit of a price. */
const EPSILON = 1e-6;

/**
 * @param planned what each item that would be submitted is going to cost
 * @throws InputError when that is more than the limit, all together
 */
export function checkSpending(
	{ amount: limit, currency }: SpendingLimit,
	planned: Array<{ item: number; cost: EstimatedCost }>,
): void {
	const money = (amount: number) => `${decimals(amount)} ${currency}`;
	let total = 0;
	let within = 0;
	for (const { cost } of planned) {
		total += cost.amount;
		if (total <= limit + EPSILON) within++;
	}
	if (total <= limit + EPSILON) return;

	const named = planned
		.slice(0, MOST_NAMED)
		.map(({ item, cost }) => `item ${item}: ${money(cost.amount)}`);
	const more = planned.length - named.length;
	const fit =
		within === 0
			? `Item ${planned[0]?.item ?? 0} alone is above the limit`
			: `The first ${within === 1 ? 'item stays' : `${within} items stay`} within the limit`;
	throw new InputError(
		`This run would cost about ${money(total)}, ${money(total - limit)} more than the 'Spending Limit' of ${money(limit)}`,
		`Estimate: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}. ${fit}. Nothing was uploaded or submitted: send fewer items or shorter videos, choose a lower resolution, or raise the limit.`,
	);
}

/** Two, or as many as the prices have. */
function decimals(amount: number): string {
	return amount.toFixed(4).replace(/0{1,2}$/, '');
}
