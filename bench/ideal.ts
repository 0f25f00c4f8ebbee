// What no way can beat, computed from slots and run times alone: way (e).

/**
 * Seconds until the last of the tasks has ended, if each begins as soon as one of the slots is free, in order
 * of submission.
 * @param jobSeconds of each task
 */
export function idealSeconds(jobSeconds: readonly number[], slots: number): number {
	const free = Array.from({ length: Math.min(slots, jobSeconds.length) }, () => 0);
	for (const seconds of jobSeconds) {
		const next = free.indexOf(Math.min(...free));
		free[next] = (free[next] ?? 0) + seconds;
	}
	return Math.max(0, ...free);
}
