import type { IExecuteFunctions } from 'n8n-workflow';
import { httpAnswerOf } from './answer';
import { cancelSignalOf } from './client';
import type { DashScopeFunctions } from './client';
import { DashScopeError } from './errors';
import { isLoopbackHost, tryParseUrl } from './hosts';
import { isRecord, numberAt, textAt } from './json';
import { assertReachable, Transfer } from './transfer';
import type { JsonRecord } from './types';

/** A file on its way: its bytes and, if the host says it, their number. */
export interface OpenResult {
	stream: ResponseStream;
	size?: number;
	/** To be called whenever bytes were read: a standstill ends the transfer. */
	moved(bytes: number): void;
	/** What broke the transfer, seen from the error that reading brought. */
	reason(error: unknown): unknown;
	/** Gives the connection back; to be called in any case. */
	close(): void;
}

/** What n8n's HTTP client gives for `encoding: 'stream'`, and what n8n's binary store takes. */
export type ResponseStream = Awaited<ReturnType<IExecuteFunctions['helpers']['getBinaryStream']>>;

const MAX_REDIRECTS = 5;

/** A host that sends nothing for this long is given up: none takes longer to answer, or pauses longer in a file. */
const STALL_MS = 120_000;

/**
 * Opens the result of a task for download. The URL is signed by itself: the API key is never sent,
 * not to the result host and not to where it redirects.
 * @param url the task's `video_url`
 * @param baseUrl where the task was asked for
 * @param stop ends the transfer
 * @throws DashScopeError; kind `rejected` when the link has expired
 */
export async function openResult(
	functions: DashScopeFunctions,
	url: string,
	baseUrl: string,
	stop: AbortSignal | undefined,
): Promise<OpenResult> {
	const reachable = (text: string, base?: URL) => {
		const target = secureUrl(text, base);
		assertReachable(target, baseUrl);
		return target;
	};
	const { status, host, result } = await openUrl(functions, reachable(url), reachable, 0, stop);
	// Any other success has no file, or a part of one that nobody asked for.
	if (status === 200) return result;
	result.close();
	throw refusal(status, host);
}

/** An answered request for a file. */
export interface Opened {
	status: number;
	/** That answered, after redirects. */
	host: string;
	/** First byte of a part that was asked for, if the host gave it. */
	start?: number;
	/** To be closed, whatever the status. */
	result: OpenResult;
}

/**
 * Asks for a file without any credential, and follows redirects by itself.
 * @param next where a redirect leads, or throws for where it must not
 * @param from asks for the bytes from there on
 * @throws DashScopeError
 */
export async function openUrl(
	functions: DashScopeFunctions,
	url: URL,
	next: (location: string, base: URL) => URL,
	from = 0,
	stop = cancelSignalOf(functions),
): Promise<Opened> {
	let target = url;
	for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
		const { status, headers, result } = await get(functions, target, from, stop);
		const location = textAt(headers, 'location');
		if (status < 300 || status >= 400 || location === undefined) {
			return { status, host: target.host, start: startOf(status, headers), result };
		}
		result.close();
		target = next(location, target);
	}
	throw new DashScopeError(`${target.host} redirects in a loop`, { kind: 'server' });
}

function startOf(status: number, headers: JsonRecord): number | undefined {
	const start = /^bytes (\d+)-/.exec(textAt(headers, 'content-range') ?? '')?.[1];
	return status === 206 && start !== undefined ? Number(start) : undefined;
}

/** Results travel over https only; `http:` links of object storage work the same with https. */
function secureUrl(text: string, base?: URL): URL {
	const url = tryParseUrl(text, base);
	if (url?.protocol === 'http:' && !isLoopbackHost(url.hostname)) url.protocol = 'https:';
	if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
		throw new DashScopeError(`The result has a link of an unknown kind (${text.slice(0, 60)})`, {
			kind: 'rejected',
		});
	}
	return url;
}

interface Response {
	status: number;
	headers: JsonRecord;
	result: OpenResult;
}

async function get(
	functions: DashScopeFunctions,
	url: URL,
	from: number,
	stop: AbortSignal | undefined,
): Promise<Response> {
	const transfer = new Transfer(url.host, STALL_MS, stop);
	try {
		const answer: unknown = await functions.helpers.httpRequest({
			method: 'GET',
			url: url.href,
			// A compressed answer would arrive in another size than it says.
			headers: {
				'Accept-Encoding': 'identity',
				...(from > 0 ? { Range: `bytes=${from}-` } : {}),
			},
			encoding: 'stream',
			disableFollowRedirect: true,
			ignoreHttpStatusErrors: true,
			returnFullResponse: true,
			// It would not cover the body; the transfer watches over the answer and the body.
			timeout: 0,
			abortSignal: transfer.signal,
		});
		const { statusCode: status, headers, body } = httpAnswerOf(answer);
		if (status === 0 || !isResponseStream(body)) {
			throw new DashScopeError(`${url.host} gave no file`, { kind: 'garbled' });
		}
		transfer.goesOn();
		return { status, headers, result: open(body, headers, transfer) };
	} catch (error) {
		transfer.end();
		throw transfer.failure(error);
	}
}

function open(body: ResponseStream, headers: JsonRecord, transfer: Transfer): OpenResult {
	return {
		stream: body,
		size: numberAt(headers, 'content-length'),
		moved: (bytes) => transfer.moved(bytes),
		reason: (error) => transfer.reason(error),
		close: () => {
			body.destroy();
			// A body that nobody began to read does not close its connection when it is destroyed.
			transfer.end();
		},
	};
}

function isResponseStream(body: unknown): body is ResponseStream {
	return isRecord(body) && typeof body.pipe === 'function' && typeof body.destroy === 'function';
}

function refusal(status: number, host: string): DashScopeError {
	const gone = status === 403 || status === 404 || status === 410;
	const what = status < 300 ? 'did not send the whole result file' : 'refused the result file';
	return new DashScopeError(`${host} ${what} (HTTP ${status})`, {
		kind: gone || (status >= 400 && status < 429) ? 'rejected' : 'server',
		httpStatus: status,
		hint: gone
			? 'The link of a result works for 24 hours after the task ended. A firewall must allow *.aliyuncs.com.'
			: 'The file can be fetched again while its link is valid.',
	});
}
