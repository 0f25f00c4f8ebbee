import type { Clock } from './ports';

/** How much wider than necessary the gaps are, so that jitter on the way never squeezes a call too many into a second. */
const MARGIN = 1.1;

/** Lets calls through one after another at no more than a number per second. */
export class RateGate {
	private nextFree = 0;

	constructor(
		private readonly clock: Clock,
		private readonly perSecond: number,
	) {}

	/** Resolves when the caller may go. */
	async pass(): Promise<void> {
		const now = this.clock.now();
		const turn = Math.max(now, this.nextFree);
		this.nextFree = turn + (1000 * MARGIN) / this.perSecond;
		if (turn > now) await this.clock.sleep(turn - now);
	}
}

/** Lets a number of jobs run at once; the others wait in order. */
export class Slots {
	private free: number;
	private readonly waiting: Array<() => void> = [];

	constructor(count: number) {
		this.free = count;
	}

	async run<T>(job: () => Promise<T>): Promise<T> {
		if (this.free > 0) this.free--;
		else await new Promise<void>((resolve) => this.waiting.push(resolve));
		try {
			return await job();
		} finally {
			const next = this.waiting.shift();
			if (next === undefined) this.free++;
			else next();
		}
	}
}
