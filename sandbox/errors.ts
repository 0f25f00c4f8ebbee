/** An answer of DashScope itself: `{code, message, request_id}` at top level. */
export class ApiError extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		message: string,
	) {
		super(message);
	}
}

// What the service says with a status, where more than one place says it.
export const BAD_BODY = [
	'InvalidParameter',
	'Required body invalid, please check the request body format.',
] as const;
export const WRONG_KEY = ['InvalidApiKey', 'Invalid API-key provided.'] as const;
export const TOO_MANY = [
	'Throttling.RateQuota',
	'Requests rate limit exceeded, please try again later.',
] as const;

/** An answer of the object storage behind uploads and results: XML. */
export class StorageError extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		message: string,
	) {
		super(message);
	}
}

/** What makes a task end FAILED, inside an HTTP 200. */
export class TaskFailure extends Error {
	constructor(
		readonly code: string,
		message: string,
	) {
		super(message);
	}
}

const escapeXml = (text: string) =>
	text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export function storageErrorXml(code: string, message: string, requestId: string): string {
	return [
		'<?xml version="1.0" encoding="UTF-8"?>',
		'<Error>',
		`  <Code>${escapeXml(code)}</Code>`,
		`  <Message>${escapeXml(message)}</Message>`,
		`  <RequestId>${requestId}</RequestId>`,
		'  <HostId>dashscope-sandbox</HostId>',
		'</Error>',
		'',
	].join('\n');
}

export const messageOf = (error: unknown) =>
	error instanceof Error ? error.message : String(error);
