/** The most moments that fall into any one second. */
export function mostPerSecond(moments: readonly number[]): number {
	const sorted = [...moments].sort((a, b) => a - b);
	let most = 0;
	let from = 0;
	for (const [index, at] of sorted.entries()) {
		while ((sorted[from] ?? at) <= at - 1_000) from++;
		most = Math.max(most, index - from + 1);
	}
	return most;
}
