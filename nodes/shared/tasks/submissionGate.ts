/** The pace of one model's submissions with an account, and the pauses while the service is overloaded. */
import { toError } from '../thrown';
import { Limiter } from './limiter';
import type { Clock } from './ports';
import { backoff } from './schedule';

/** The account's limit for most video models (rate-limit page, read 2026-11): 5 submissions a second. */
const CREATES_PER_SECOND = 5;

/** What refusals leave of it at the least. More than of queries, because a refused submission costs nothing. */
const LEAST_PART_OF_CREATES = 1 / 4;

/** While somebody else's probe is under way. */
const PROBE_NAP_MS = 500;

/** Longest `Retry-After` that all submissions wait for: one answer must not make the others miss their deadlines. */
const LONGEST_PAUSE_MS = 60_000;

/** What the answer to a submission says about the service. */
export type Taken = 'taken' | 'overloaded' | 'unknown';

/**
 * Lets submissions of one model through: at the account's pace; and while the service is overloaded one at a time,
 * with growing pauses, until one is taken.
 */
export class SubmissionGate {
	private readonly limiter: Limiter;
	private overload:
		| { failures: number; setAt: number; nextProbeAt: number; probing: boolean }
		| undefined;

	/** @param requests of the account; submissions count there, but go first */
	constructor(
		private readonly requests: Limiter,
		createsPerSecond = CREATES_PER_SECOND,
	) {
		this.limiter = new Limiter(createsPerSecond, LEAST_PART_OF_CREATES);
	}

	/**
	 * @returns false when the service is overloaded and the deadline comes before the caller's turn
	 * @throws StoppedError
	 */
	async pass(clock: Clock, deadline: number): Promise<boolean> {
		for (;;) {
			const { overload } = this;
			const now = clock.now();
			const { probing = false, nextProbeAt = now, setAt = now } = overload ?? {};
			// The clock may have been set back.
			const due = nextProbeAt <= now || setAt > now;
			if (overload === undefined || (!probing && due)) {
				if (overload !== undefined) overload.probing = true;
				try {
					await this.limiter.pass(clock);
				} catch (error) {
					if (overload !== undefined) overload.probing = false;
					throw toError(error);
				}
				// While it waited for its turn, another may have found the service overloaded.
				if (this.overload === overload) {
					this.requests.take(clock.now());
					return true;
				}
				continue;
			}
			if (now >= deadline) return false;
			const pause = probing ? PROBE_NAP_MS : nextProbeAt - now;
			await clock.sleep(Math.max(1, Math.min(pause, deadline - now, 1_000)));
		}
	}

	/** The turn of one that was let through and then had to wait for something else. @throws StoppedError */
	async again(clock: Clock): Promise<void> {
		try {
			await this.limiter.pass(clock);
		} catch (error) {
			this.ended(clock, 'unknown');
			throw toError(error);
		}
	}

	/** To be called with the end of each submission that was let through. */
	ended(clock: Clock, taken: Taken, retryAfterMs = 0): void {
		if (taken === 'taken') this.overload = undefined;
		if (taken === 'unknown' && this.overload !== undefined) this.overload.probing = false;
		if (taken !== 'overloaded') return;
		const failures = (this.overload?.failures ?? 0) + 1;
		const now = clock.now();
		const pause = backoff(failures, clock.random(), retryAfterMs);
		const nextProbeAt = now + Math.min(pause, LONGEST_PAUSE_MS);
		this.overload = { failures, setAt: now, nextProbeAt, probing: false };
	}

	/** Learns from a submission that was refused as one too many. */
	throttled(sentAt: number, now: number, retryAfterMs?: number): void {
		this.limiter.throttled(sentAt, now, retryAfterMs);
	}
}
