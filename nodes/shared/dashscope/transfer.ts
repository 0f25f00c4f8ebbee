import { sleep } from 'n8n-workflow';
import { turnOverYoungObjects } from '../youngObjects';
import { CHECK_FILE_HOST, connectionError } from './answer';
import { DashScopeError } from './errors';
import { isPrivateHost, isPrivateService } from './hosts';

/**
 * What has to move in half an hour, in bytes: a host that gives or takes one now and then would keep the place of others
 * forever.
 */
const LEAST_BYTES = 4 * 1024 * 1024;
const CRAWL_MS = 30 * 60_000;

/**
 * Watches over one file on its way. n8n's HTTP client limits the time of a whole upload, which slow lines
 * exceed, and does not watch the body of a download at all; here it is the standstill that is limited.
 */
export class Transfer {
	private readonly controller = new AbortController();
	/** For the HTTP call: fires on Stop, at a standstill, and at the end of the transfer. */
	readonly signal: AbortSignal;
	private lastMove = Date.now();
	/** Since when bytes are counted, and how many have moved. */
	private since = Date.now();
	private bytes = 0;
	private stalled = false;

	/**
	 * @param host named in the message
	 * @param stallMs how long no byte may move
	 * @param stop the execution's own signal
	 */
	constructor(
		private readonly host: string,
		private readonly stallMs: number,
		stop: AbortSignal | undefined,
	) {
		const own = this.controller.signal;
		this.signal = stop === undefined ? own : AbortSignal.any([own, stop]);
		void this.watch();
	}

	/** To be called when something other than bytes of a file has come, such as the beginning of an answer. */
	goesOn(): void {
		this.lastMove = this.since = Date.now();
		this.bytes = 0;
	}

	/** To be called whenever bytes of a download have moved. */
	moved(bytes: number): void {
		this.count(bytes);
		turnOverYoungObjects(bytes);
	}

	/** The chunks of an upload; each that is taken counts as a move. */
	async *watched(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
		for await (const chunk of chunks) {
			this.count(chunk.byteLength);
			yield chunk;
		}
		this.goesOn();
	}

	/** What broke the transfer: `error`, unless it only followed from the standstill. */
	reason(error: unknown): unknown {
		if (!this.stalled) return error;
		const stoodStill = this.stallEnd <= this.crawlEnd;
		const what = stoodStill
			? `stood still for ${Math.round(this.stallMs / 1000)} seconds`
			: `moved only ${Math.ceil(this.bytes / 1024)} kB in ${CRAWL_MS / 60_000} minutes`;
		return new DashScopeError(`The transfer with ${this.host} ${what}`, {
			kind: 'lost',
			hint: 'The connection was interrupted; try again.',
		});
	}

	/** What broke the transfer, as the error of the call that it belongs to. */
	failure(error: unknown): DashScopeError {
		const reason = this.reason(error);
		return reason instanceof DashScopeError
			? reason
			: connectionError(reason, this.host, CHECK_FILE_HOST);
	}

	/** Ends the watch and gives the connection back, also one whose body nobody began to read. */
	end(): void {
		this.controller.abort();
	}

	private count(bytes: number): void {
		this.lastMove = Date.now();
		this.bytes += bytes;
		if (this.bytes >= LEAST_BYTES) this.goesOn();
	}

	private get stallEnd(): number {
		return this.lastMove + this.stallMs;
	}

	private get crawlEnd(): number {
		return this.since + CRAWL_MS;
	}

	private async watch(): Promise<void> {
		const { signal } = this;
		while (!signal.aborted) {
			const left = Math.min(this.stallEnd, this.crawlEnd) - Date.now();
			if (left <= 0) {
				this.stalled = true;
				this.controller.abort();
				return;
			}
			// Ends early, with an error, when the signal fires.
			await sleep(left, signal).catch(() => undefined);
		}
	}
}

/**
 * A file goes to and comes from the host that DashScope's answers name. Whoever answers must not make n8n ask hosts that
 * only n8n can reach, unless DashScope's own base URL is one of those.
 * @throws DashScopeError
 */
export function assertReachable({ host, hostname }: URL, baseUrl: string): void {
	if (!isPrivateHost(hostname) || isPrivateService(baseUrl)) return;
	throw new DashScopeError(`DashScope named a host inside a private network for a file: ${host}`, {
		kind: 'rejected',
		hint: 'n8n connects to such a host only if the base URL of the credential is inside a private network, too.',
	});
}
