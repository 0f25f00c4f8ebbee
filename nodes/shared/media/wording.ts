/** Numbers and words in messages and items. Pure. */

/** A text with a capital letter in front, as a sentence begins. */
export function capitalized(text: string): string {
	return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** Seconds, rounded to the millisecond. */
export function roundedSeconds(seconds: number): number {
	return Math.round(seconds * 1000) / 1000;
}

/** A double has no more significant decimals. */
const MOST_DECIMALS = 15;

/** A number with this many decimals, or with as many more as it takes to look unlike the limit that it breaks. */
export function unlike(limit: number, value: number, decimals: number): string {
	const shown = value.toFixed(decimals);
	const isLike = value !== limit && shown === limit.toFixed(decimals);
	return isLike && decimals < MOST_DECIMALS ? unlike(limit, value, decimals + 1) : shown;
}
