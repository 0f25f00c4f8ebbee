import { DashScopeError, adviceFor, kindOf, nothingWasDone } from './errors';
import type { FailureKind } from './errors';
import { hostWithRegion } from './hosts';
import { isRecord, parseRecord, recordAt, textAt } from './json';
import { withoutKeys } from './key';
import type { JsonRecord } from './types';

/** What came back over HTTP, whatever the status. `body` may be parsed JSON or text. */
export interface HttpAnswer {
	statusCode: number;
	headers: JsonRecord;
	body: unknown;
}

/** A full response of n8n's HTTP helpers, read without trust: one that has changed its shape has status 0. */
export function httpAnswerOf(response: unknown): HttpAnswer {
	const { statusCode, headers, body } = isRecord(response) ? response : {};
	return {
		statusCode: typeof statusCode === 'number' ? statusCode : 0,
		headers: isRecord(headers) ? headers : {},
		body,
	};
}

/** Who was asked, and with which key. */
export interface Asked {
	/** Named in the message of a refused key. */
	host: string;
	/** Cut out of what the answer repeats of it. */
	apiKey: string;
}

/**
 * Socket errors raised before a connection stands: the request cannot have reached the service. Of a connection that
 * stands some of them may be told, too, when its packets find no way any more.
 */
const NEVER_CONNECTED = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EHOSTUNREACH',
	'ENETUNREACH',
	'ENETDOWN',
	'EADDRNOTAVAIL',
	'CERT_HAS_EXPIRED',
	'CERT_NOT_YET_VALID',
	'CERT_REVOKED',
	'CERT_SIGNATURE_FAILURE',
	'CERT_UNTRUSTED',
	'CERT_REJECTED',
	'DEPTH_ZERO_SELF_SIGNED_CERT',
	'SELF_SIGNED_CERT_IN_CHAIN',
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
	'UNABLE_TO_GET_ISSUER_CERT',
	'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
	'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/**
 * The `code` of the innermost error that has one (n8n wraps HTTP errors, with the original as `cause`).
 * @returns such as "ECONNRESET", or undefined
 */
export function socketCodeOf(error: unknown): string | undefined {
	return innermost(error, 'code');
}

function innermost(error: unknown, key: string): string | undefined {
	let found: string | undefined;
	let current = error;
	for (let depth = 0; depth < 5 && isRecord(current); depth++) {
		found = textAt(current, key) ?? found;
		current = current.cause;
	}
	return found;
}

/**
 * What OpenSSL says of a handshake that failed, in the message of `EPROTO`. It does so while it writes, but nothing of the
 * request has been sent. Codes such as `ERR_SSL_WRONG_VERSION_NUMBER` come from connections that stood (Node 20 to 24).
 */
const NO_TLS =
	/wrong.version.number|packet.length.too.long|http.request|unsupported.protocol|alert.protocol.version|handshake.failure|unrecognized.name/i;

/** Whether an error came while something was sent or awaited on a connection. */
function hasStood(error: unknown): boolean {
	return ['read', 'write'].includes(innermost(error, 'syscall') ?? '');
}

/** What asks for a longer pause is no pause: some gateways tell the moment in its place, in seconds since 1970. */
const LONGEST_RETRY_AFTER_MS = 24 * 3_600_000;

/** Milliseconds of a `Retry-After` header (seconds or an HTTP date); undefined when absent or unusable. */
export function retryAfterOf(headers: JsonRecord, now: number): number | undefined {
	const value = headers['retry-after'];
	if (typeof value !== 'string' || value.trim() === '') return undefined;
	const seconds = Number(value);
	const pause = Number.isNaN(seconds) ? Math.max(0, Date.parse(value) - now) : seconds * 1000;
	return pause >= 0 && pause <= LONGEST_RETRY_AFTER_MS ? pause : undefined;
}

const WHAT_BROKE: Record<Extract<FailureKind, 'unreachable' | 'lost'>, string> = {
	unreachable: 'could not be reached',
	lost: 'broke the connection before its answer was complete',
};

/** What to do where DashScope itself cannot be reached. */
const CHECK_HOST =
	'Check the region or base URL in the DashScope credential and that this n8n can reach that host.';

/** What to do where the host of a file cannot be reached: the credential does not name it. */
export const CHECK_FILE_HOST =
	'This n8n cannot reach the host of the file: the firewall or proxy of this n8n has to allow it.';

/**
 * The error for a call that brought no HTTP answer at all.
 * @param unreachable what to do where no connection was made
 */
export function connectionError(
	error: unknown,
	host: string,
	unreachable = CHECK_HOST,
): DashScopeError {
	const code = socketCodeOf(error);
	const noWay = code === 'ETIMEDOUT' && innermost(error, 'syscall') === 'connect';
	const noTls =
		code === 'EPROTO' &&
		NO_TLS.test(`${innermost(error, 'reason')} ${innermost(error, 'message')}`);
	const never =
		noWay || noTls || (code !== undefined && NEVER_CONNECTED.has(code) && !hasStood(error));
	const kind = never ? 'unreachable' : 'lost';
	const timedOut = code === 'ETIMEDOUT' || code === 'ECONNABORTED';
	const what = timedOut ? 'did not answer in time' : WHAT_BROKE[kind];
	// The code stays out of the message: n8n replaces messages that hold one by a sentence of its own.
	return new DashScopeError(`${host} ${what}`, {
		kind,
		code,
		hint: noTls
			? 'The host does not speak https as it should. Check that the address has the right scheme and port.'
			: nothingWasDone(kind)
				? unreachable
				: 'The connection was interrupted; try again.',
	});
}

/**
 * The JSON object of a successful answer.
 * @param asked the host and the key of the call
 * @param now epoch milliseconds, for `Retry-After` dates
 * @throws DashScopeError for every other answer, with DashScope's code, message and request ID
 */
export function readAnswer(answer: HttpAnswer, { host, apiKey }: Asked, now: number): JsonRecord {
	const { statusCode } = answer;
	const record = withoutOwnKey(parseRecord(answer.body), apiKey);
	if (statusCode >= 200 && statusCode < 300) {
		if (record !== undefined) return record;
		throw new DashScopeError(`${host} answered with something that is not JSON`, {
			kind: 'garbled',
			httpStatus: statusCode,
			taskId: taskIdIn(answer.body),
			hint: 'A proxy or gateway may stand between n8n and DashScope; check the base URL.',
		});
	}

	if (statusCode < 200) {
		throw new DashScopeError(`${host} gave an answer without an HTTP status`, { kind: 'garbled' });
	}

	const own = errorIn(record ?? {});
	const { code = `HTTP ${statusCode}`, message = `${host} answered HTTP ${statusCode}` } = own;
	const hint = adviceFor(code, message);
	throw new DashScopeError(message, {
		kind: kindOf({ ...own, status: statusCode }),
		code,
		httpStatus: statusCode,
		requestId: own.requestId,
		retryAfterMs: retryAfterOf(answer.headers, now),
		taskId: taskIdIn(answer.body),
		hint: hintFor(statusCode, host, hint),
	});
}

/**
 * The ID of the task that an answer is about, also where it is an error, or JSON that was cut off.
 * @param body parsed or text
 */
function taskIdIn(body: unknown): string | undefined {
	const record = parseRecord(body);
	if (record !== undefined) return textAt(recordAt(record, 'output'), 'task_id');
	return typeof body === 'string' ? /"task_id"\s*:\s*"([\w-]{8,})"/.exec(body)?.[1] : undefined;
}

/** DashScope's own words in an answer that is an error, as far as there are any. */
export function errorIn(record: JsonRecord) {
	const said = (key: string) => {
		const text = textAt(record, key);
		return text === undefined ? undefined : withoutKeys(text);
	};
	return { code: said('code'), message: said('message'), requestId: textAt(record, 'request_id') };
}

/**
 * An answer without what it repeats of the key: its texts become messages, items and saved data. Gateways repeat the
 * key that they refuse ("Invalid token sk-…"), and may put it anywhere.
 */
function withoutOwnKey(record: JsonRecord | undefined, apiKey: string): JsonRecord | undefined {
	// What is shorter is no key, and cutting it out would only garble the answer.
	if (record === undefined || apiKey.length < 8) return record;
	const text = JSON.stringify(record);
	const key = JSON.stringify(apiKey).slice(1, -1);
	return text.includes(key) ? parseRecord(text.replaceAll(key, '…')) : record;
}

function hintFor(statusCode: number, host: string, hint: string | undefined): string | undefined {
	if (statusCode === 401) {
		return `The request went to ${hostWithRegion(host)}. ${hint ?? adviceFor('InvalidApiKey')}`;
	}
	if (statusCode >= 300 && statusCode < 400) {
		return `${host} redirects elsewhere; the API key is not sent on. Enter the final address as the base URL.`;
	}
	return (
		hint ??
		(statusCode === 404 ? `Check the base URL: ${host} does not know this route.` : undefined)
	);
}
