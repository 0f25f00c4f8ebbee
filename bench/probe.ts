// Asks the probe that is preloaded into n8n (probe.cjs).
import { join } from 'node:path';
import { freePort } from '../host/ports';

export interface Probed {
	/** Longest that the event loop stood still since the last reset, milliseconds. */
	stall: number;
	/** Used heap, megabytes. */
	heap: number;
	/** Longest single collection of garbage, milliseconds. */
	collections: { major: number; minor: number };
}

export interface Probe {
	/** For n8n's process. */
	env: Record<string, string>;
	/** @param path /fill?megabytes=400, /reset or / */
	ask(path: string): Promise<Probed>;
}

/** A probe for an n8n that is started with its settings; it answers from then on. */
export async function makeProbe(): Promise<Probe> {
	const port = await freePort();
	return {
		env: {
			NODE_OPTIONS: `--require ${join(__dirname, 'probe.cjs')}`,
			WAN_BENCH_PROBE: String(port),
		},
		ask: async (path) => (await (await fetch(`http://127.0.0.1:${port}${path}`)).json()) as Probed,
	};
}
