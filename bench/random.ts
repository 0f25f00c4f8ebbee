/** Numbers from 0 to 1 that are the same in every run with the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** So many numbers, every one between the two bounds as likely; the same in every run with the same seed. */
export function numbersBetween(
	{ least, most }: { least: number; most: number },
	count: number,
	seed: number,
): number[] {
	const random = randomOf(seed);
	return Array.from({ length: count }, () => least + (most - least) * random());
}
