export interface SandboxOptions {
	/** 0 = any free port; the sandbox always binds 127.0.0.1. */
	port?: number;
	apiKey?: string;
	/** The region to act as. Without one, the models of both regions are known. */
	region?: Region;
	/** How long a task runs once it has a slot. */
	jobSeconds?: number;
	/**
	 * Tasks of a model running at once, instead of as many as the service runs of it; further ones wait
	 * as PENDING. 0 holds everything back.
	 */
	slots?: number;
	/** Create calls of a model, instead of as many as the service admits. */
	submitsPerSecond?: number;
	/** For query, cancel and list, each. */
	queriesPerSecond?: number;
	policySeconds?: number;
	/** Results are padded up to this size with an MP4 `free` box at the end. */
	resultBytes?: number;
	/** Instead of as much as the model that a file is for may be given. */
	maxUploadBytes?: number;
	/** The clock behind task times, expiries and limits; a test may hand in its own. */
	now?: () => number;
}

export const REGIONS = ['cn-beijing', 'ap-southeast-1'] as const;

export type Region = (typeof REGIONS)[number];

/** Unset options leave a decision to the model. */
type PerModel = 'region' | 'slots' | 'submitsPerSecond' | 'maxUploadBytes';

export type Settings = Required<Omit<SandboxOptions, PerModel>> & Pick<SandboxOptions, PerModel>;

/** Limits of the account as documented (task-management page; temporary-upload page). */
export const DEFAULTS: Settings = {
	port: 0,
	apiKey: 'sk-sandbox',
	jobSeconds: 1,
	queriesPerSecond: 20,
	policySeconds: 300,
	resultBytes: 0,
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
		} else if (name === 'region') {
			const region = REGIONS.find((known) => known === value);
			if (region === undefined) throw new Error(`region must be one of ${REGIONS.join(', ')}`);
			options.region = region;
		} else {
			throw new Error(`no option "${name}" can be changed while the sandbox runs`);
		}
	}
	return options;
}
