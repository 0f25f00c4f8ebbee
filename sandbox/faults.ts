import { ROUTES, type Route } from './log';

export interface Fault {
	route: Route;
	/** Applies to the next n matching calls; 1 by default. */
	times?: number;
	/** Lets this many matching calls through first. */
	skip?: number;
	/** Only calls whose path contains this, for example a task id. */
	pathIncludes?: string;
	/** Answers with this instead. A string is sent as it is, anything else as JSON. */
	status?: number;
	body?: unknown;
	headers?: Record<string, string>;
	/** With `status`: the work is done first, so that for example the task exists all the same. */
	afterWork?: boolean;
	/** Destroys the socket before the work is done, or after it: answer lost, task stored. */
	drop?: 'before' | 'after';
	/** The answer, whichever it is, leaves so much later. The work is done at once. */
	delayMs?: number;
	/** Sends only so many bytes of the true body, then resets the connection. */
	truncate?: number;
	/** Uploads: reads about so many bytes of the request, then resets the connection. */
	resetAfter?: number;
}

/** What a task that is created next shall come to. */
export interface TaskOutcome {
	times?: number;
	skip?: number;
	promptIncludes?: string;
	/** How it ends; without it the task ends as it would anyway. */
	status?: 'FAILED' | 'CANCELED' | 'UNKNOWN';
	/** Of FAILED. */
	code?: string;
	message?: string;
	/** How long it runs, instead of the sandbox's own `jobSeconds`. */
	jobSeconds?: number;
}

interface Counted {
	times?: number;
	skip?: number;
}

/**
 * Rules for the next calls, in the order they were set. The first that applies takes the call;
 * later rules count only the calls that earlier ones let through.
 */
export class Rules<T extends Counted> {
	private rules: Array<{ rule: T; skip: number; times: number }> = [];

	add(rule: T): void {
		this.rules.push({ rule, skip: rule.skip ?? 0, times: rule.times ?? 1 });
	}

	take(matches: (rule: T) => boolean): T | undefined {
		for (const entry of this.rules) {
			if (!matches(entry.rule)) continue;
			if (entry.skip > 0) {
				entry.skip -= 1;
				continue;
			}
			entry.times -= 1;
			this.rules = this.rules.filter(({ times }) => times > 0);
			return entry.rule;
		}
		return undefined;
	}

	clear(): void {
		this.rules = [];
	}
}

export function describeFault(fault: Fault): string {
	const parts: string[] = [];
	if (fault.status !== undefined) {
		parts.push(`status ${fault.status}${fault.afterWork ? ' after the work' : ''}`);
	}
	if (fault.drop !== undefined) parts.push(`drop ${fault.drop}`);
	if (fault.delayMs !== undefined) parts.push(`delay ${fault.delayMs} ms`);
	if (fault.truncate !== undefined) parts.push(`truncate at ${fault.truncate}`);
	if (fault.resetAfter !== undefined) parts.push(`reset after ${fault.resetAfter}`);
	return parts.join(', ');
}

type Check = 'count' | 'status' | 'string' | 'boolean' | 'headers' | 'any' | readonly string[];

const FAULT_FIELDS: Record<keyof Fault, Check> = {
	route: ROUTES,
	times: 'count',
	skip: 'count',
	pathIncludes: 'string',
	status: 'status',
	body: 'any',
	headers: 'headers',
	afterWork: 'boolean',
	drop: ['before', 'after'],
	delayMs: 'count',
	truncate: 'count',
	resetAfter: 'count',
};

const OUTCOME_FIELDS: Record<keyof TaskOutcome, Check> = {
	times: 'count',
	skip: 'count',
	promptIncludes: 'string',
	status: ['FAILED', 'CANCELED', 'UNKNOWN'],
	code: 'string',
	message: 'string',
	jobSeconds: 'count',
};

function passes(value: unknown, check: Check): boolean {
	if (typeof check !== 'string') return typeof value === 'string' && check.includes(value);
	switch (check) {
		case 'count':
			return typeof value === 'number' && value >= 0;
		case 'status':
			return Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599;
		case 'headers':
			return (
				typeof value === 'object' &&
				value !== null &&
				Object.values(value).every((header) => typeof header === 'string')
			);
		case 'any':
			return true;
		default:
			return typeof value === check;
	}
}

/** A misspelt rule would silently do nothing and leave a test green, so it is refused. */
function assertRule(kind: string, rule: unknown, fields: Record<string, Check>): void {
	if (typeof rule !== 'object' || rule === null) throw new Error(`a ${kind} must be an object`);
	for (const [name, value] of Object.entries(rule)) {
		const check = fields[name];
		if (check === undefined) throw new Error(`a ${kind} has no field "${name}"`);
		if (value !== undefined && !passes(value, check)) {
			throw new Error(`${name} of the ${kind} cannot be ${JSON.stringify(value)}`);
		}
	}
}

export function faultOf(value: unknown): Fault {
	assertRule('fault', value, FAULT_FIELDS);
	const fault = value as Fault;
	if (fault.route === undefined) throw new Error('a fault needs a route');
	if (describeFault(fault) === '') throw new Error('the fault does nothing');
	return fault;
}

export function outcomeOf(value: unknown): TaskOutcome {
	assertRule('outcome', value, OUTCOME_FIELDS);
	const outcome = value as TaskOutcome;
	const { status, jobSeconds } = outcome;
	if (status === undefined && jobSeconds === undefined) throw new Error('the outcome does nothing');
	return outcome;
}
