/** Numbers in messages. Pure. */

/** Doubles tell no more decimals apart. */
const MOST_DECIMALS = 15;

/** A number with so many decimals, or with as many more as it takes to look unlike the limit that it breaks. */
export function unlike(limit: number, value: number, decimals: number): string {
	const shown = value.toFixed(decimals);
	const isLike = value !== limit && shown === limit.toFixed(decimals);
	return isLike && decimals < MOST_DECIMALS ? unlike(limit, value, decimals + 1) : shown;
}
