/** DashScope's clock beside this computer's. Moments are epoch milliseconds. */

/** `Date` has whole seconds, so the measured offset of the service's clock jitters by up to this much. */
export const OFFSET_JITTER_MS = 2_000;

/** The service's clock, as its answers tell it. */
export interface ServiceClock {
	/** How far it is ahead of this one, in milliseconds; undefined until an answer has told. */
	readonly offset: number | undefined;
}

/** A local moment on the service's clock; the same one until an answer has told how far that is ahead. */
export function toService({ offset = 0 }: ServiceClock, local: number): number {
	return local + offset;
}

/** A moment on the service's clock by the local one; the same one until an answer has told how far that is behind. */
export function toLocal({ offset = 0 }: ServiceClock, onService: number): number {
	return onService - offset;
}
