import { randomUUID } from 'crypto';
import type { IHttpRequestOptions } from 'n8n-workflow';
import { messageOf } from '../thrown';
import { httpAnswerOf } from './answer';
import type { HttpAnswer } from './answer';
import { cancelSignalOf, dashScopeRequest } from './client';
import type { DashScopeClient } from './client';
import { DashScopeError, adviceFor } from './errors';
import type { FailureKind } from './errors';
import { isLoopbackHost, tryParseUrl } from './hosts';
import { isRecord, numberAt, recordAt, textAt } from './json';
import { multipartBytes, multipartFrame } from './multipart';
import { freedWhenSent } from './sentChunks';
import { assertReachable, Transfer } from './transfer';

/** A file that can be opened again for another try. */
export interface UploadSource {
	/** Bytes. */
	size: number;
	mimeType: string;
	/** Of the real type, without a dot: DashScope tells the type by it. */
	extension: string;
	open(): Promise<ByteStream>;
	/** Whether nothing else uses the memory of the chunks that are read. */
	ownChunks: boolean;
}

/** A file to upload, once for all that need it. */
export interface UploadFile extends UploadSource {
	/** Two files with the same identity are the same file. */
	identity: string;
}

/** Bytes that arrive over time; `destroy` gives the underlying file or socket back. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
	destroy(): unknown;
}

interface UploadPolicy {
	uploadHost: string;
	directory: string;
	maxBytes?: number;
	fields: ReadonlyArray<readonly [name: string, value: string]>;
}

/** Longer than any pause of a slow line; the last bytes may sit in the system's buffers for that long, too. */
const STALL_MS = 300_000;

/** Fetches the permission for one upload; it lasts 300 s and is bound to the model. */
async function getPolicy(client: DashScopeClient, model: string): Promise<UploadPolicy> {
	const raw = await dashScopeRequest(client, {
		method: 'GET',
		path: '/uploads',
		query: { action: 'getPolicy', model },
		timeoutMs: 30_000,
	}).catch((error: unknown) => {
		throw policyRefused(error, client.baseUrl);
	});
	const data = recordAt(raw, 'data');
	const uploadHost = textAt(data, 'upload_host');
	const directory = textAt(data, 'upload_dir');
	if (uploadHost === undefined || directory === undefined) {
		throw new DashScopeError('The answer holds no upload permission', {
			kind: 'garbled',
			requestId: textAt(raw, 'request_id'),
		});
	}
	const maxMegabytes = numberAt(data, 'max_file_size_mb');
	return {
		uploadHost,
		directory,
		maxBytes: maxMegabytes === undefined ? undefined : maxMegabytes * 1024 * 1024,
		fields: [
			['OSSAccessKeyId', textAt(data, 'oss_access_key_id') ?? ''],
			['Signature', textAt(data, 'signature') ?? ''],
			['policy', textAt(data, 'policy') ?? ''],
			['x-oss-object-acl', textAt(data, 'x_oss_object_acl') ?? 'private'],
			['x-oss-forbid-overwrite', textAt(data, 'x_oss_forbid_overwrite') ?? 'true'],
			['success_action_status', '200'],
		],
	};
}

/** The hosts that the page on temporary uploads names. Others, of workspaces, plans and gateways, may not take any. */
const TAKES_UPLOADS = /^dashscope(-intl)?\.aliyuncs\.com$/;
const OF_WORKSPACE =
	/^(?!token-plan\.)[a-z0-9-]+\.(cn-beijing|ap-southeast-1)\.maas\.aliyuncs\.com$/;

/** The error of a host that does not know the route of uploads, or keeps it shut, with what to do instead. */
function policyRefused(error: unknown, baseUrl: string): unknown {
	if (!(error instanceof DashScopeError) || ![403, 404].includes(error.httpStatus ?? 0)) {
		return error;
	}
	const { hostname } = new URL(baseUrl);
	const { message, ...facts } = error;
	const { code = '' } = facts;
	const isUnclear = /^(AccessDenied|access_denied|NotFound)$/.test(code);
	const hasReason = !isUnclear && adviceFor(code, message) !== undefined;
	if (hasReason || TAKES_UPLOADS.test(hostname)) return error;
	const otherwise = OF_WORKSPACE.test(hostname)
		? ", or leave 'Workspace ID' in the DashScope credential empty"
		: '';
	const hint = `${hostname} seems to take no uploads: use a public URL instead of a binary file${otherwise}.`;
	return new DashScopeError(message, { ...facts, hint });
}

/**
 * Uploads a file to DashScope's temporary store, as a stream of known length.
 * Every call uses a fresh permission and a fresh object name, so a failed one can be repeated.
 * @param model the model of the later create call; the upload serves no other
 * @returns an `oss://` URL, valid for 48 h, for this account and model only
 * @throws DashScopeError
 */
export async function uploadFile(
	client: DashScopeClient,
	model: string,
	source: UploadSource,
): Promise<string> {
	const policy = await getPolicy(client, model);
	if (policy.maxBytes !== undefined && source.size > policy.maxBytes) {
		throw new DashScopeError(
			`The file is ${source.size} bytes; the limit for this model is ${policy.maxBytes} bytes (${Math.floor(policy.maxBytes / 1024 / 1024)} MB)`,
			{ kind: 'rejected', code: 'InvalidFile.Size', hint: 'Compress or shorten the file.' },
		);
	}
	const fileName = `${randomUUID()}.${source.extension}`;
	const key = `${policy.directory}/${fileName}`;
	await postFile(client, policy, key, fileName, source);
	return `oss://${key}`;
}

async function postFile(
	{ functions, baseUrl }: DashScopeClient,
	policy: UploadPolicy,
	key: string,
	fileName: string,
	source: UploadSource,
): Promise<void> {
	const url = uploadUrl(policy);
	assertReachable(url, baseUrl);
	const { host } = url;
	const frame = multipartFrame(
		[...policy.fields.slice(0, 3), ['key', key], ...policy.fields.slice(3)],
		{ fileName, mimeType: source.mimeType, size: source.size },
		`wan-${randomUUID()}`,
	);
	const file = await source.open();
	let unread: DashScopeError | undefined;
	const whole = wholeFile(file, source.size, (failure) => (unread = failure));
	const bytes = freedWhenSent(whole, source.ownChunks);
	const transfer = new Transfer(host, STALL_MS, cancelSignalOf(functions));
	const options: IHttpRequestOptions = {
		method: 'POST',
		url: policy.uploadHost,
		headers: { 'Content-Type': frame.contentType, 'Content-Length': frame.contentLength },
		// Shaped like a Blob: n8n's HTTP client streams those with their size, and no stream class can be
		// imported in a community node.
		body: {
			[Symbol.toStringTag]: 'Blob',
			size: frame.contentLength,
			type: frame.contentType,
			stream: () => transfer.watched(multipartBytes(frame, bytes)),
		},
		// Also keeps memory flat: the layer that follows redirects holds the whole body.
		disableFollowRedirect: true,
		ignoreHttpStatusErrors: true,
		returnFullResponse: true,
		encoding: 'text',
		// It would count from the start: 100 MB take longer than any sensible limit on a slow line.
		timeout: 0,
		abortSignal: transfer.signal,
	};
	try {
		const answer: unknown = await functions.helpers.httpRequest(options).catch((error: unknown) => {
			throw unread ?? transfer.failure(error);
		});
		checkUploadAnswer(httpAnswerOf(answer), host);
	} finally {
		transfer.end();
		file.destroy();
	}
}

/**
 * The chunks of a file, as many bytes as it is said to have: for those that do not come the host would wait, until the
 * transfer is ended as one that stands still, and more than that it would take for another request.
 * @param failed is told what is wrong with the file, for which the error of the call would blame the host
 */
async function* wholeFile(
	file: ByteStream,
	size: number,
	failed: (failure: DashScopeError) => void,
): AsyncGenerator<Uint8Array> {
	let read = 0;
	const failure = (
		kind: FailureKind,
		message: string,
		hint = 'What n8n keeps of the file is damaged: run the nodes before this one again.',
	) => {
		const error = new DashScopeError(message, { kind, hint });
		failed(error);
		return error;
	};
	try {
		for await (const chunk of file) {
			read += chunk.byteLength;
			if (read > size) break;
			yield chunk;
		}
	} catch (error) {
		const hint = isRecord(error) ? textAt(error, 'hint') : undefined;
		throw failure('lost', `After ${read} of ${size} bytes, ${messageOf(error)}`, hint);
	}
	if (read === size) return;
	const found = read > size ? `more than the ${size}` : `only ${read} of the ${size}`;
	// Read again, it has no other length.
	throw failure('rejected', `The file has ${found} bytes that n8n tells of it`);
}

/** The form's signature is worth an upload to whoever reads it: https only, except on this machine. */
function uploadUrl({ uploadHost }: UploadPolicy): URL {
	const url = tryParseUrl(uploadHost);
	if (url === undefined) {
		throw new DashScopeError(`DashScope returned an invalid upload host: ${uploadHost}`, {
			kind: 'garbled',
		});
	}
	if (url.protocol !== 'https:' && !isLoopbackHost(url.hostname)) {
		throw new DashScopeError(`DashScope returned an upload host without https: ${url.host}`, {
			kind: 'rejected',
		});
	}
	return url;
}

/** Object storage answers errors as XML: `<Error><Code>…</Code><Message>…</Message>`. */
function checkUploadAnswer({ statusCode, body }: HttpAnswer, host: string): void {
	if (statusCode >= 200 && statusCode < 300) return;
	const xml = typeof body === 'string' ? body : '';
	const code = /<Code>([^<]*)<\/Code>/.exec(xml)?.[1] ?? `HTTP ${statusCode}`;
	const message = /<Message>([^<]*)<\/Message>/.exec(xml)?.[1] ?? 'The upload was refused';
	throw new DashScopeError(`${message} (upload to ${host})`, {
		// Whatever the store says, nothing was billed: a fresh permission may cure it.
		kind: 'server',
		code,
		httpStatus: statusCode,
		requestId: /<RequestId>([^<]*)<\/RequestId>/.exec(xml)?.[1],
		hint:
			adviceFor(code, message) ??
			'The file could not be stored for DashScope: try again, or give it as a URL.',
	});
}
