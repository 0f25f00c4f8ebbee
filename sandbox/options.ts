export interface SandboxOptions {
	/** 0 = any free port; the sandbox always binds 127.0.0.1. */
	port?: number;
	apiKey?: string;
	region?: Region;
	/** How long a task runs once it has a slot. */
	jobSeconds?: number;
	/** Tasks running at once; further ones wait as PENDING. 0 holds everything back. */
	slots?: number;
	submitsPerSecond?: number;
	/** For query, cancel and list, each. */
	queriesPerSecond?: number;
	policySeconds?: number;
	/** Results are padded up to this size with an MP4 `free` box at the end. */
	resultBytes?: number;
	maxUploadBytes?: number;
	/** The clock behind task times, expiries and limits; a test may hand in its own. */
	now?: () => number;
}

export type Region = 'cn-beijing' | 'ap-southeast-1';

export type Settings = Required<SandboxOptions>;

/** Limits of the account and model as documented (rate-limit page; temporary-upload page). */
export const DEFAULTS: Settings = {
	port: 0,
	apiKey: 'sk-sandbox',
	region: 'cn-beijing',
	jobSeconds: 1,
	slots: 5,
	submitsPerSecond: 5,
	queriesPerSecond: 20,
	policySeconds: 300,
	resultBytes: 0,
	maxUploadBytes: 100 * 1024 * 1024,
	now: Date.now,
};

export function withDefaults(options: SandboxOptions): Settings {
	const given = Object.entries(options).filter(([, value]) => value !== undefined);
	return { ...DEFAULTS, ...Object.fromEntries(given) };
}

const COUNTS = [
	'jobSeconds',
	'slots',
	'submitsPerSecond',
	'queriesPerSecond',
	'policySeconds',
	'resultBytes',
	'maxUploadBytes',
] as const;

/** Options that arrive as JSON over the control route; throws on anything that is not one. */
export function readOptions(body: unknown): SandboxOptions {
	if (typeof body !== 'object' || body === null || Array.isArray(body)) {
		throw new Error('options must be an object');
	}
	const options: SandboxOptions = {};
	for (const [name, value] of Object.entries(body)) {
		const count = COUNTS.find((known) => known === name);
		if (count !== undefined) {
			if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
				throw new Error(`${name} must be a number of 0 or more`);
			}
			options[count] = value;
		} else if (name === 'apiKey') {
			if (typeof value !== 'string' || value === '') throw new Error('apiKey must be a string');
			options.apiKey = value;
		} else {
			throw new Error(`no option "${name}" can be changed while the sandbox runs`);
		}
	}
	return options;
}
