export const ROUTES = [
	'create',
	'query',
	'list',
	'cancel',
	'policy',
	'upload',
	'result',
	'sample',
] as const;

export type Route = (typeof ROUTES)[number];

export interface UploadPart {
	name: string;
	/** Of plain fields. */
	value?: string;
	/** Of files. */
	filename?: string;
	bytes?: number;
	contentType?: string;
}

export interface LoggedRequest {
	at: number;
	route: Route;
	method: string;
	path: string;
	query: Record<string, string>;
	/** `authorization` is present only if it was sent, and never holds the key. */
	headers: Record<string, string>;
	/** Whether the credential that was sent is the right one; absent when none was sent. */
	authorized?: boolean;
	/** Parsed JSON, or for uploads the parts in their order. */
	body?: unknown;
	/** Undefined while the answer is not sent, and for good when the connection was dropped. */
	status?: number;
	/** What was done to the call on purpose. */
	fault?: string;
}

/** Kept small enough that a sandbox may run for weeks. */
const KEPT = 20_000;

export class RequestLog {
	readonly entries: LoggedRequest[] = [];

	add(entry: LoggedRequest): void {
		this.entries.push(entry);
		if (this.entries.length > KEPT) this.entries.splice(0, this.entries.length - KEPT);
	}

	of(route: Route): LoggedRequest[] {
		return this.entries.filter((entry) => entry.route === route);
	}

	clear(): void {
		this.entries.length = 0;
	}
}

/** JSON where it is JSON. */
export function loggableBody(body: unknown): unknown {
	if (typeof body !== 'string' || body === '') return undefined;
	try {
		return JSON.parse(body);
	} catch {
		return body;
	}
}

export function loggableHeaders(
	headers: Record<string, string | string[] | undefined>,
): Record<string, string> {
	const result: Record<string, string> = {};
	for (const [name, value] of Object.entries(headers)) {
		if (value === undefined) continue;
		result[name] = Array.isArray(value) ? value.join(', ') : value;
	}
	if (result.authorization !== undefined) {
		result.authorization = /^Bearer\b/i.test(result.authorization) ? 'Bearer ***' : '***';
	}
	return result;
}
