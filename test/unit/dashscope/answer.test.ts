import { createServer } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
	connectionError,
	readAnswer,
	retryAfterOf,
	socketCodeOf,
} from '../../../nodes/shared/dashscope/answer';
import type { HttpAnswer } from '../../../nodes/shared/dashscope/answer';
import { DashScopeError, adviceFor } from '../../../nodes/shared/dashscope/errors';

const HOST = 'dashscope.example';
const KEY = 'a-key-of-no-known-form';
const NOW = Date.parse('2026-11-02T09:00:00Z');

const answer = (statusCode: number, body: unknown, headers: HttpAnswer['headers'] = {}) => ({
	statusCode,
	headers,
	body,
});

/** The error that an answer is read as. */
function refusal(given: HttpAnswer): DashScopeError {
	try {
		readAnswer(given, { host: HOST, apiKey: KEY }, NOW);
	} catch (error) {
		if (error instanceof DashScopeError) return error;
		throw error;
	}
	throw new Error('The answer was taken for a success');
}

describe('a successful answer', () => {
	test.each([
		[200, { request_id: 'r' }],
		[201, { request_id: 'r' }],
		[200, '{"request_id":"r"}'],
	])('of status %d gives its JSON object', (status, body) => {
		expect(readAnswer(answer(status, body), { host: HOST, apiKey: KEY }, NOW)).toEqual({
			request_id: 'r',
		});
	});

	test.each(['<html>Welcome</html>', '{"output":{"task_', '', undefined, [1]])(
		'with the body %j is garbled: the work may have been done',
		(body) => {
			const error = refusal(answer(200, body));
			expect(error).toMatchObject({ kind: 'garbled', httpStatus: 200 });
			expect(error.message).toContain(HOST);
			expect(error.hint).toContain('base URL');
		},
	);
});

describe('an error answer', () => {
	test.each([
		['Invalid token sk-0123456789abcdef', 'Invalid token sk-…'],
		['Bearer sk-ws-01234_56-789 is not known', 'Bearer sk-… is not known'],
		['bearer eyJhbGciOi.J9.x was refused', 'bearer … was refused'],
		['a-key-of-no-known-form: no such key', '…: no such key'],
		['the task-list is sketchy', 'the task-list is sketchy'],
	])('that repeats a key is cleaned of it: %s', (message, clean) => {
		const error = refusal(answer(401, { code: message, message, request_id: 'r' }));
		expect(error.message).toBe(clean);
		expect(error.code).toBe(clean);
	});

	test.each([0, 100, Number.NaN])('without a status (%d) says nothing about the work', (status) => {
		expect(refusal(answer(status, { output: {} })).kind).toBe('garbled');
	});

	test.each([500, 502, 503])("of HTTP %d in DashScope's own envelope is told apart", (status) => {
		const body = { code: 'ModelServingError', message: 'Too many requests', request_id: 'r-1' };
		expect(refusal(answer(status, body))).toMatchObject({ kind: 'answered', requestId: 'r-1' });
		for (const key of ['code', 'message', 'request_id']) {
			expect(refusal(answer(status, { ...body, [key]: undefined })).kind).toBe('server');
		}
	});

	test("keeps DashScope's code, message and request ID, and adds advice", () => {
		const body = { code: 'Arrearage', message: 'Access denied', request_id: 'r-1' };
		expect(refusal(answer(400, body))).toMatchObject({
			name: 'DashScopeError',
			message: 'Access denied',
			kind: 'rejected',
			code: 'Arrearage',
			httpStatus: 400,
			requestId: 'r-1',
			hint: adviceFor('Arrearage'),
			retryAfterMs: undefined,
		});
	});

	test.each([
		[400, 'InvalidParameter', 'rejected'],
		[403, 'AccessDenied', 'rejected'],
		[404, 'ModelNotFound', 'rejected'],
		[429, 'Throttling.RateQuota', 'throttled'],
		[429, 'PostpaidBillOverdue', 'rejected'],
		[500, 'InternalError', 'server'],
		[502, 'BadGateway', 'server'],
		[503, 'ModelUnavailable', 'server'],
		[504, 'GatewayTimeout', 'server'],
	] as const)('HTTP %d with code %s is of the kind %s', (status, code, kind) => {
		expect(refusal(answer(status, { code, message: 'm' })).kind).toBe(kind);
	});

	test.each([
		['<html>Bad Gateway</html>', undefined],
		['', undefined],
		[undefined, undefined],
		[{ detail: 'no code' }, undefined],
		[{ request_id: 'r-2' }, 'r-2'],
	])('without code and message (%j) is named by its status', (body, requestId) => {
		expect(refusal(answer(502, body))).toMatchObject({
			kind: 'server',
			code: 'HTTP 502',
			message: expect.stringMatching(/ answered HTTP 502$/),
			requestId,
		});
	});

	test('with an error body sent as text is read all the same', () => {
		const error = refusal(answer(400, '{"code":"Arrearage","message":"pay"}'));
		expect(error).toMatchObject({ code: 'Arrearage', message: 'pay' });
	});

	test('of status 401 says that the key may be of another region, and names the host', () => {
		const body = { code: 'InvalidApiKey', message: 'Invalid API-key provided.' };
		const { hint, message } = refusal(answer(401, body));
		expect(message).toBe('Invalid API-key provided.');
		expect(hint).toContain(HOST);
		expect(hint).toContain('another region');
	});

	test('of status 401 names host and region even when a gateway gives no code', () => {
		const { hint } = refusal(answer(401, 'Unauthorized'));
		expect(hint).toContain(HOST);
		expect(hint).toContain('another region');
	});

	test('of status 401 with a code of its own keeps the advice for that code', () => {
		const { hint } = refusal(answer(401, { code: 'NOT AUTHORIZED', message: 'no' }));
		expect(hint).toContain(HOST);
		expect(hint).toContain('workspace');
	});

	test.each([301, 302, 307, 308])(
		'of status %d is a redirect, which would carry the key elsewhere',
		(status) => {
			const error = refusal(answer(status, '', { location: 'https://elsewhere.example' }));
			expect(error.kind).toBe('rejected');
			expect(error.hint).toContain(HOST);
			expect(error.hint).toContain('redirects elsewhere');
		},
	);

	test('of status 404 without a known code points to the base URL', () => {
		expect(refusal(answer(404, 'Not Found')).hint).toContain(`${HOST} does not know this route`);
	});

	test('of status 429 tells how long to wait', () => {
		const body = { code: 'Throttling', message: 'slow down' };
		const error = refusal(answer(429, body, { 'retry-after': '7' }));
		expect(error.retryAfterMs).toBe(7_000);
	});
});

describe('Retry-After', () => {
	test.each([
		['0', 0],
		['12', 12_000],
		['1.5', 1_500],
		[' 3 ', 3_000],
		['Mon, 02 Nov 2026 09:00:30 GMT', 30_000],
		['Mon, 02 Nov 2026 08:59:00 GMT', 0],
		['86400', 86_400_000],
		['Tue, 03 Nov 2026 09:00:01 GMT', undefined],
		['1793610005', undefined],
		['99999999999999999999', undefined],
		['Infinity', undefined],
		['-5', undefined],
		['soon', undefined],
		['', undefined],
		['  ', undefined],
		[undefined, undefined],
		[5, undefined],
		[null, undefined],
	])('%j means %j ms', (value, expected) => {
		expect(retryAfterOf({ 'retry-after': value }, NOW)).toBe(expected);
	});

	test('may be missing', () => {
		expect(retryAfterOf({}, NOW)).toBeUndefined();
	});
});

describe('a call without any answer', () => {
	const broken = (code?: string) => Object.assign(new Error('socket'), { code });

	test.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'CERT_HAS_EXPIRED'])(
		'%s never reached the service: nothing was done',
		(code) => {
			const error = connectionError(broken(code), HOST);
			expect(error).toMatchObject({ kind: 'unreachable', code });
			expect(error.message).toBe(`${HOST} could not be reached`);
			expect(error.hint).toContain('credential');
		},
	);

	test.each(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', undefined])(
		'%s may have broken after the work was done',
		(code) => {
			const error = connectionError(broken(code), HOST);
			expect(error).toMatchObject({ kind: 'lost', code });
			expect(error.message).toContain('broke the connection');
		},
	);

	test.each([
		['ENETUNREACH', 'read'],
		['EHOSTUNREACH', 'read'],
		['ENETDOWN', 'write'],
	])(
		'%s of a connection that stood (%s) may have come after the work was done',
		(code, syscall) => {
			// Linux tells so of an established connection whose packets a router refuses.
			const inner = Object.assign(broken(code), { syscall });
			const wrapped = Object.assign(new Error('wrapped', { cause: inner }), { code });
			expect(connectionError(wrapped, HOST)).toMatchObject({ kind: 'lost', code });
			const before = Object.assign(broken(code), { syscall: 'connect' });
			expect(connectionError(before, HOST).kind).toBe('unreachable');
		},
	);

	test.each(['ETIMEDOUT', 'ECONNABORTED'])('%s is told as a timeout', (code) => {
		const error = connectionError(broken(code), HOST);
		expect(error).toMatchObject({ kind: 'lost', code });
		expect(error.message).toBe(`${HOST} did not answer in time`);
	});

	test('a host that does not speak TLS was sent nothing', async () => {
		const server = createServer((_, response) => response.end());
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		try {
			const { port } = server.address() as AddressInfo;
			const thrown: unknown = await new Promise((resolve) => {
				get(`https://127.0.0.1:${port}`).once('error', resolve);
			});
			const error = connectionError(new Error('wrapped', { cause: thrown }), HOST);
			expect(error.kind).toBe('unreachable');
			expect(error.hint).toMatch(/does not speak https/);
		} finally {
			server.close();
		}
		// Of a connection that stood, such an error says nothing about the request.
		const later = Object.assign(broken('ERR_SSL_WRONG_VERSION_NUMBER'), {
			reason: 'wrong version number',
		});
		expect(connectionError(later, HOST).kind).toBe('lost');
	});

	test('the code stays out of the message', () => {
		expect(connectionError(broken('ECONNRESET'), HOST).message).not.toContain('ECONNRESET');
	});

	test('finds the code under the wrappers of an HTTP client', () => {
		const inner = broken('ECONNREFUSED');
		const outer = Object.assign(new Error('outer', { cause: inner }), { code: 'ERR_WRAPPED' });
		const wrapped = new Error('wrapped', { cause: outer });
		expect(socketCodeOf(wrapped)).toBe('ECONNREFUSED');
		expect(connectionError(wrapped, HOST).kind).toBe('unreachable');
	});

	test.each([undefined, null, 'text', new Error('plain'), { code: 7 }])(
		'%j has no code and counts as lost',
		(thrown) => {
			expect(socketCodeOf(thrown)).toBeUndefined();
			expect(connectionError(thrown, HOST).kind).toBe('lost');
		},
	);

	test('an error that is its own cause does not hang', () => {
		const circle: Error & { code?: string } = broken('ECONNRESET');
		circle.cause = circle;
		expect(socketCodeOf(circle)).toBe('ECONNRESET');
	});
});
