import { StoppedError } from '../../nodes/shared/tasks/errors';
import type { Clock } from '../../nodes/shared/tasks/ports';

/** A morning in November; any moment would do. */
export const START = Date.parse('2026-11-02T09:00:00Z');

interface Timer {
	at: number;
	fire(): void;
}

/** Lets everything run that does not wait for time: promises and their followers. */
async function drain(): Promise<void> {
	await new Promise((resolve) => setImmediate(resolve));
}

/** Time that passes only while somebody waits for it. Whole milliseconds, as a computer's clock has. */
export class VirtualClock {
	private time = START;
	/** By moment, those of the same moment in the order they were set. */
	private readonly timers: Timer[] = [];

	readonly now = (): number => this.time;

	/** Resolves after so much time; cannot be interrupted. */
	async wait(ms: number): Promise<void> {
		await new Promise<void>((resolve) => this.at(this.time + ms, resolve));
	}

	/** Calls `fire` at a moment. */
	at(moment: number, fire: () => void): void {
		const at = Math.max(this.time, Math.ceil(moment));
		let index = this.timers.length;
		while (index > 0 && (this.timers[index - 1]?.at ?? 0) > at) index--;
		this.timers.splice(index, 0, { at, fire });
	}

	/**
	 * Lets time pass until the work is done.
	 * @throws Error when it would wait for ever, or longer than `limitMs`
	 */
	async run<T>(work: Promise<T>, limitMs = 24 * 3_600_000): Promise<T> {
		const limit = this.time + limitMs;
		let done = false;
		const end = () => {
			done = true;
		};
		work.then(end, end);
		await drain();
		while (!done) {
			const next = this.timers.shift();
			if (next === undefined) throw new Error('The work waits for something that never comes');
			if (next.at > limit) throw new Error(`The work still runs after ${limitMs} ms`);
			this.time = next.at;
			next.fire();
			await drain();
		}
		return await work;
	}

	/** Lets so much time pass, whatever happens meanwhile. */
	async pass(ms: number): Promise<void> {
		await this.run(this.wait(ms), ms);
	}
}

/** The Stop button of an execution: sleep ends at once when it is pressed. */
export class StopButton {
	private readonly interrupts = new Set<() => void>();
	private pressedAt: number | undefined;

	constructor(private readonly clock: VirtualClock) {}

	readonly stopped = (): boolean => this.pressedAt !== undefined;

	press(): void {
		this.pressedAt ??= this.clock.now();
		for (const interrupt of this.interrupts) interrupt();
		this.interrupts.clear();
	}

	/** The outcome of the work, unless Stop comes first. */
	async orStop<T>(work: Promise<T>, reason: () => Error): Promise<T> {
		if (this.stopped()) throw reason();
		return await new Promise<T>((resolve, reject) => {
			const interrupt = () => reject(reason());
			this.interrupts.add(interrupt);
			work.then(resolve, reject).finally(() => this.interrupts.delete(interrupt));
		});
	}

	readonly sleep = async (ms: number): Promise<void> => {
		await this.orStop(
			this.stopped() ? Promise.resolve() : this.clock.wait(ms),
			() => new StoppedError(),
		);
	};
}

/** The clock as the edit rooms see it, with a jitter that is the same in every run. */
export function clockOf(clock: VirtualClock, random: () => number = () => 0.5): Clock {
	return { now: clock.now, sleep: async (ms) => await clock.wait(ms), random };
}
