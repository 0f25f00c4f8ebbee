/**
 * At most so many calls in any second. The window is a little shorter than a second: a client that
 * keeps exactly to the limit must not trip over the jitter of timers and sockets.
 */
const WINDOW = 950;

export class RateLimit {
	private accepted: number[] = [];

	constructor(private readonly now: () => number) {}

	/** Counts the call unless it is refused. */
	admit(perSecond: number): boolean {
		const now = this.now();
		this.accepted = this.accepted.filter((at) => now - at < WINDOW);
		if (this.accepted.length >= perSecond) return false;
		this.accepted.push(now);
		return true;
	}
}
