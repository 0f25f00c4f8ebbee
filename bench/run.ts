// What all measurements of a run share: the packed node, and an n8n for those that can be made side by side.
import { startN8n, type N8n } from '../host/n8n';
import { say } from '../host/progress';
import { Station, type StationOptions } from './station';
import { FOUR, type Way } from './ways';

export class Run {
	private shared: Promise<N8n> | undefined;
	private readonly own: N8n[] = [];

	constructor(readonly tarball: string) {}

	/** The n8n of all measurements that do not need one of their own. */
	async n8n(): Promise<N8n> {
		this.shared ??= this.warm();
		return await this.shared;
	}

	/** What n8n loads and compiles for the first execution of each way is no part of any figure. */
	private async warm(): Promise<N8n> {
		const n8n = await startN8n({ tarball: this.tarball });
		await inParallel(1, FOUR, async (way) => await this.warmUp(way, n8n));
		return n8n;
	}

	/** One edit, so that n8n has loaded and compiled what a way needs. */
	async warmUp(way: Way, n8n: N8n): Promise<void> {
		const work = async (station: Station) => {
			await station.start(1);
			await station.ended(1, 60_000);
		};
		await this.at({ way, jobSeconds: [0] }, work, n8n);
	}

	/** An n8n for one measurement, stopped with the run at the latest. */
	async ownN8n(env: Record<string, string> = {}): Promise<N8n> {
		const n8n = await startN8n({ tarball: this.tarball, env });
		this.own.push(n8n);
		return n8n;
	}

	/** Stops the shared n8n; the next measurement starts another one. */
	async stop(): Promise<void> {
		const shared = await this.shared?.catch(() => undefined);
		this.shared = undefined;
		await shared?.stop();
		for (const n8n of this.own.splice(0)) await n8n.stop();
	}

	/** Opens a station, does something in it, and closes it. */
	async at<T>(
		options: StationOptions,
		work: (station: Station) => Promise<T>,
		n8n?: N8n,
	): Promise<T> {
		const station = await Station.open(n8n ?? (await this.n8n()), options);
		try {
			return await work(station);
		} finally {
			await station.close();
		}
	}
}

/** Does the work for each of a list, at most so many at a time, in order. */
export async function inParallel<T, R>(
	most: number,
	list: readonly T[],
	work: (one: T) => Promise<R>,
): Promise<R[]> {
	const results = new Map<number, R>();
	const entries = list.entries();
	const worker = async () => {
		for (const [index, one] of entries) results.set(index, await work(one));
	};
	await Promise.all(Array.from({ length: most }, worker));
	return list.flatMap((_, index) => {
		const result = results.get(index);
		return result === undefined ? [] : [result];
	});
}

/** Tells how far a measurement is, in one line. */
export function progress(name: string, total: number): (what: string) => void {
	let done = 0;
	return (what) => say(`${name} ${++done}/${total}: ${what}`);
}
