import { DashScopeError } from '../dashscope/errors';
import { toError } from '../thrown';
import type { Clock } from './ports';

/** How much wider than necessary the gaps are, so that jitter on the way never squeezes a call too many into a second. */
const MARGIN = 1.1;

/** What a throttled answer leaves of the rate: somebody else uses the account, too, and about as much as we do. */
const CUT = 0.4;
/** However often calls are refused, this part of the rate remains. */
const LEAST_PART = 1 / 8;

/** A cut shows its effect before there is another: one refusal more says little. */
const CUT_EVERY_MS = 5_000;

/** After a cut the rate is held, then goes back in a straight line. DashScope's 429 clears within about a minute. */
const HOLD_MS = 10_000;
const RECOVER_MS = 40_000;

/**
 * How long everybody waits at most because one call was told to. The caller itself waits as long as it was told; the
 * others must not miss their own deadlines for it.
 */
const LONGEST_HOLD_MS = 5_000;

/** How long those who wait for a turn sleep at most before they look at the rate again: it may have changed. */
const LONGEST_NAP_MS = 1_000;

/**
 * Lets calls through one after another at no more than a number per second, and at fewer while the service says that
 * it is too many. Each process has one for an account: all back off when they hear of it and creep up again, so that
 * they share the account without talking to each other.
 */
export class Limiter {
	private nextFree = 0;
	private heldUntil = 0;
	private cut: { rate: number; at: number } | undefined;
	private readonly waiting: symbol[] = [];

	/**
	 * @param ceiling calls per second, as published
	 * @param leastPart of it that refusals leave at the least
	 */
	constructor(
		private readonly ceiling: number,
		private readonly leastPart = LEAST_PART,
	) {}

	/** Calls per second at a moment. */
	rateAt(now: number): number {
		if (this.cut === undefined) return this.ceiling;
		const { rate, at } = this.cut;
		const recovered = Math.max(0, now - at - HOLD_MS) / RECOVER_MS;
		return Math.min(this.ceiling, rate + (this.ceiling - rate) * recovered);
	}

	/**
	 * Resolves when the caller may go; in the order in which callers came.
	 * @throws StoppedError
	 */
	async pass(clock: Clock): Promise<void> {
		const me = Symbol('turn');
		this.waiting.push(me);
		try {
			for (;;) {
				const now = clock.now();
				this.keepUp(now);
				const before = this.waiting.indexOf(me);
				const turn = Math.max(this.nextFree, this.heldUntil) + before * this.gapAt(now);
				if (before === 0 && turn <= now) {
					this.take(now);
					return;
				}
				await clock.sleep(Math.min(Math.max(1, turn - now), LONGEST_NAP_MS));
			}
		} finally {
			this.waiting.splice(this.waiting.indexOf(me), 1);
		}
	}

	/**
	 * Makes a call in its turn, and learns from a refusal.
	 * @throws whatever the call throws; StoppedError
	 */
	async ask<T>(clock: Clock, call: () => Promise<T>): Promise<T> {
		await this.pass(clock);
		const sentAt = clock.now();
		try {
			return await call();
		} catch (error) {
			if (error instanceof DashScopeError && error.kind === 'throttled') {
				this.throttled(sentAt, clock.now(), error.retryAfterMs);
			}
			throw toError(error);
		}
	}

	/** Counts a call that does not wait for its turn. Of many, those who wait for theirs pay for no more than a hold. */
	take(now: number): void {
		const free = Math.max(now, this.nextFree) + this.gapAt(now);
		this.nextFree = Math.min(free, now + LONGEST_HOLD_MS);
	}

	/**
	 * Learns from an answer that refused a call as one too many.
	 * @param sentAt when the call was sent: those sent before the last cut had its effect say nothing new
	 * @param retryAfterMs the pause that the service asked for
	 */
	throttled(sentAt: number, now: number, retryAfterMs = 0): void {
		this.heldUntil = Math.max(this.heldUntil, now + Math.min(retryAfterMs, LONGEST_HOLD_MS));
		if (this.cut !== undefined && sentAt < this.cut.at + CUT_EVERY_MS) return;
		this.cut = { rate: Math.max(this.ceiling * this.leastPart, this.rateAt(now) * CUT), at: now };
		this.nextFree = Math.max(this.nextFree, now + this.gapAt(now));
	}

	/** After the computer's clock was set back, what was noted lies in the future, where it never does otherwise. */
	private keepUp(now: number): void {
		const latest = now + LONGEST_HOLD_MS;
		if (this.nextFree > latest) this.nextFree = now;
		if (this.heldUntil > latest) this.heldUntil = now;
		if (this.cut !== undefined && this.cut.at > now) this.cut = { ...this.cut, at: now };
	}

	private gapAt(now: number): number {
		return (1000 * MARGIN) / this.rateAt(now);
	}
}
