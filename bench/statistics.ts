// What is told of many values.

export interface Spread {
	count: number;
	mean: number;
	median: number;
	p95: number;
	p99: number;
	least: number;
	most: number;
}

/** The value below which a part of all lies, by the nearest rank. @param part from 0, the least, to 1, the most */
export function quantile(values: readonly number[], part: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? NaN;
}

export function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}

/** Of no values, all but their count is NaN. */
export function spreadOf(values: readonly number[]): Spread {
	return {
		count: values.length,
		mean: sum(values) / values.length,
		median: quantile(values, 0.5),
		p95: quantile(values, 0.95),
		p99: quantile(values, 0.99),
		least: quantile(values, 0),
		most: quantile(values, 1),
	};
}
