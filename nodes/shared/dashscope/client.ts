import { sleep } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	IHttpRequestMethods,
	IHttpRequestOptions,
	IPollFunctions,
} from 'n8n-workflow';
import { connectionError, httpAnswerOf, readAnswer } from './answer';
import { baseUrlOf, credentialIn } from './hosts';
import { textAt } from './json';
import type { JsonRecord } from './types';

/** What n8n gives to an action or a trigger. */
export type DashScopeFunctions = IExecuteFunctions | IPollFunctions;

/** Who asks, and where: everything one call needs besides its request. */
export interface DashScopeClient {
	functions: DashScopeFunctions;
	/** Scheme, host and optional path prefix, without `/api/v1`. */
	baseUrl: string;
	/** The API key: what an error answer repeats of it is cut out. */
	apiKey: string;
	/** Whether nothing but this n8n submits tasks with the account, as the user says. */
	exclusive: boolean;
	/**
	 * Called when a call is sent.
	 * @returns a function that is called when its answer comes, with the service's clock (its `Date`, epoch
	 * milliseconds) if the answer tells that
	 */
	onCall?(): (serverTime?: number) => void;
}

export interface DashScopeRequest {
	method: IHttpRequestMethods;
	/** Path below `/api/v1`, starting with a slash. */
	path: string;
	query?: Record<string, string | number>;
	headers?: Record<string, string>;
	body?: JsonRecord;
	/** How long no byte may move, in milliseconds. The whole call may take longer, but not without end. */
	timeoutMs?: number;
}

const CREDENTIAL = 'dashScopeApi';

/** A query takes milliseconds; a create call with 10 MB of inline images on a slow line takes longer. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** What a whole answer may take once it has begun: it is a few kilobytes of JSON, or a page of the task list. */
const ANSWER_MS = 30_000;

/** A body with inline images may be sent so slowly, in characters per millisecond: half a megabit per second. */
const SLOWEST_LINE = 64;

/** The HTTP options shared by the node's calls and the credential test, without the key. */
export function httpOptions(baseUrl: string, request: DashScopeRequest) {
	return {
		method: request.method,
		url: `${baseUrl}/api/v1${request.path}`,
		headers: { 'User-Agent': 'n8n-nodes-wan-video-edit', ...request.headers },
		qs: request.query,
		body: request.body,
		json: true,
		timeout: request.timeoutMs ?? DEFAULT_TIMEOUT_MS,
	} satisfies IHttpRequestOptions;
}

/**
 * The client for the credential chosen on the node.
 * @throws Error with one sentence for the user about one that cannot be used
 */
export async function dashScopeClient(functions: DashScopeFunctions): Promise<DashScopeClient> {
	const credential = credentialIn(await functions.getCredentials(CREDENTIAL));
	const { apiKey, exclusive = false } = credential;
	return { functions, baseUrl: baseUrlOf(credential), apiKey, exclusive };
}

/** The signal that n8n aborts on Stop and on a workflow timeout, where the context has one. */
export function cancelSignalOf(functions: DashScopeFunctions): AbortSignal | undefined {
	return 'getExecutionCancelSignal' in functions ? functions.getExecutionCancelSignal() : undefined;
}

/** The functions with another cancel signal: n8n's HTTP client takes it from the context that it is called on. */
export function withCancelSignal<Functions extends DashScopeFunctions>(
	functions: Functions,
	signal: AbortSignal | undefined,
): Functions {
	return Object.create(functions, { getExecutionCancelSignal: { value: () => signal } });
}

/**
 * Sends one request to DashScope; all traffic with the API key goes through here.
 * @returns the answer's JSON object
 * @throws DashScopeError with what is known: code, message, request ID, what to do, and whether the work may have been done
 */
export async function dashScopeRequest(
	client: DashScopeClient,
	request: DashScopeRequest,
): Promise<JsonRecord> {
	const host = new URL(client.baseUrl).host;
	const options: IHttpRequestOptions = {
		...httpOptions(client.baseUrl, request),
		// A redirect would carry the key to another host.
		disableFollowRedirect: true,
		// Errors are read here: n8n would replace DashScope's code and message by a general sentence.
		ignoreHttpStatusErrors: true,
		returnFullResponse: true,
	};
	const answered = client.onCall?.();
	const answer: unknown = await sendInTime(client.functions, options, limitOf(request)).catch(
		(error: unknown) => {
			throw connectionError(error, host);
		},
	);

	const read = httpAnswerOf(answer);
	const serverTime = Date.parse(textAt(read.headers, 'date') ?? '');
	answered?.(Number.isFinite(serverTime) ? serverTime : undefined);
	return readAnswer(read, { host, apiKey: client.apiKey }, Date.now());
}

/** How long a call may take as a whole, in milliseconds. */
function limitOf({ timeoutMs = DEFAULT_TIMEOUT_MS, body }: DashScopeRequest): number {
	return timeoutMs + ANSWER_MS + charactersIn(body) / SLOWEST_LINE;
}

/** How many characters the texts in a body have: nearly its size, without writing it out. */
function charactersIn(value: unknown): number {
	if (typeof value === 'string') return value.length;
	if (typeof value !== 'object' || value === null) return 0;
	return Object.values(value)
		.map(charactersIn)
		.reduce((sum, characters) => sum + characters, 0);
}

/**
 * Sends a call that ends in any case. n8n's HTTP client limits standstills only: an answer that drips would keep whoever
 * waits for it forever.
 * @param limitMs of the whole call
 * @throws what n8n's HTTP client throws, also on Stop; what it would throw for a standstill if the limit is exceeded
 */
async function sendInTime(
	functions: DashScopeFunctions,
	options: IHttpRequestOptions,
	limitMs: number,
): Promise<unknown> {
	const stop = cancelSignalOf(functions);
	const call = new AbortController();
	const ended = new AbortController();
	const end = () => call.abort();
	if (stop?.aborted === true) end();
	stop?.addEventListener('abort', end);
	const view = withCancelSignal(functions, call.signal);
	const limit = sleep(limitMs, ended.signal).then(() => {
		throw Object.assign(new Error('timeout'), { code: 'ECONNABORTED' });
	});
	try {
		return await Promise.race([
			functions.helpers.httpRequestWithAuthentication.call(view, CREDENTIAL, options),
			limit,
		]);
	} finally {
		stop?.removeEventListener('abort', end);
		ended.abort();
		// Ends a call that has exceeded the limit; one that has ended is not touched by it.
		end();
	}
}
