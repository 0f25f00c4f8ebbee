import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { BAD_BODY, storageErrorXml, TOO_MANY, WRONG_KEY } from './errors';
import { describeFault, type Fault } from './faults';
import { loggableBody, type Route } from './log';
import type { State } from './sandbox';

// Faults, carried out. They come before every check of the routes themselves.

declare module 'fastify' {
	interface FastifyRequest {
		fault?: Fault;
	}
}

const STORAGE: readonly Route[] = ['upload', 'result', 'sample'];

/** What the service says with a status, when the fault does not say it itself. */
const TEXTS: Record<number, readonly [code: string, message: string]> = {
	400: BAD_BODY,
	401: WRONG_KEY,
	403: ['AccessDenied', 'Access denied.'],
	404: ['NotFound', 'Not found.'],
	429: TOO_MANY,
	503: ['ModelUnavailable', 'Model is unavailable, please try again later.'],
};

const OTHER = [
	'InternalError',
	'An internal error has occured, please try again later or contact service support.',
] as const;

interface Answer {
	type: string;
	content: string;
}

function faultAnswer(fault: Fault, status: number, requestId: string): Answer {
	const { body, route } = fault;
	const storage = STORAGE.includes(route);
	if (typeof body === 'string') {
		const markup = body.startsWith('<') ? 'text/html' : 'application/json';
		return { type: storage ? 'application/xml' : markup, content: body };
	}
	if (body !== undefined) return { type: 'application/json', content: JSON.stringify(body) };
	const [code, message] = TEXTS[status] ?? OTHER;
	if (storage) {
		return { type: 'application/xml', content: storageErrorXml(code, message, requestId) };
	}
	if (status < 300) return { type: 'application/json', content: '' };
	const error = { code, message, request_id: requestId };
	return { type: 'application/json', content: JSON.stringify(error) };
}

/** Waits as long as the fault wants, but never longer than the sandbox lives. */
async function delay({ stopping }: State, { delayMs }: Fault): Promise<void> {
	if (delayMs === undefined) return;
	await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
}

function dropConnection(request: FastifyRequest): void {
	request.raw.socket.destroy();
	if (request.entry !== undefined) request.entry.status = undefined;
}

export function faultHooks(app: FastifyInstance, state: State): void {
	app.addHook('preHandler', async (request, reply) => {
		const route = request.routeOptions.config.sandboxRoute;
		if (route === undefined) return undefined;
		const path = request.entry?.path ?? '';
		const fault = state.faults.take(
			(rule) => rule.route === route && path.includes(rule.pathIncludes ?? ''),
		);
		if (fault === undefined) return undefined;
		request.fault = fault;
		if (request.entry !== undefined) request.entry.fault = describeFault(fault);
		if (fault.drop === 'before') {
			await delay(state, fault);
			if (request.entry !== undefined) request.entry.body ??= loggableBody(request.body);
			reply.hijack();
			dropConnection(request);
			return reply;
		}
		if (fault.resetAfter !== undefined) {
			reply.hijack();
			await readSome(request, fault.resetAfter);
			request.raw.socket.resetAndDestroy();
			return reply;
		}
		if (fault.status !== undefined && fault.afterWork !== true) {
			if (request.entry !== undefined) request.entry.body ??= loggableBody(request.body);
			// What the client still sends is read to the end and thrown away: it would never see an earlier answer.
			await drained(request);
			const answer = faultAnswer(fault, fault.status, request.id);
			return reply.code(fault.status).type(answer.type).send(answer.content);
		}
		return undefined;
	});

	app.addHook('onSend', async (request, reply, payload) => {
		const { fault } = request;
		if (fault === undefined) return payload;
		await delay(state, fault);
		if (fault.drop === 'after') {
			if (payload instanceof Readable) payload.destroy();
			dropConnection(request);
			return '';
		}
		let answer: unknown = payload;
		if (fault.status !== undefined) {
			if (fault.afterWork) {
				if (payload instanceof Readable) payload.destroy();
				const { type, content } = faultAnswer(fault, fault.status, request.id);
				reply.removeHeader('content-length').code(fault.status).type(type);
				answer = content;
			}
			if (request.entry !== undefined) request.entry.status = fault.status;
			reply.headers(fault.headers ?? {});
		}
		if (fault.truncate === undefined) return answer;
		return truncated(request, reply, answer, fault.truncate);
	});
}

async function readSome(request: FastifyRequest, bytes: number): Promise<void> {
	const { raw } = request;
	await new Promise<void>((resolve) => {
		let seen = 0;
		raw.on('data', (chunk: Buffer) => {
			seen += chunk.length;
			if (seen < bytes) return;
			raw.pause();
			resolve();
		});
		// The client may have less to say, or go away itself.
		raw.on('end', resolve).on('close', resolve);
	});
}

async function drained({ raw }: FastifyRequest): Promise<void> {
	if (raw.readableEnded || raw.destroyed) return;
	await new Promise<void>((resolve) => {
		raw.on('end', resolve).on('close', resolve).resume();
	});
}

/** Time for the bytes to reach the client before the reset overtakes them. */
const FLUSH_MS = 50;

/** The head as it would be, with the true length, but only the first bytes of the content. */
function truncated(
	request: FastifyRequest,
	reply: FastifyReply,
	payload: unknown,
	bytes: number,
): Readable {
	const source = payload instanceof Readable ? payload : Readable.from([toBuffer(payload)]);
	if (!(payload instanceof Readable)) reply.header('content-length', toBuffer(payload).length);
	async function* some() {
		let left = bytes;
		for await (const chunk of source) {
			const part = (chunk as Buffer).subarray(0, left);
			left -= part.length;
			if (part.length > 0) yield part;
			if (left <= 0) break;
		}
		// Without content nothing would have sent the head.
		reply.raw.flushHeaders();
		const { socket } = request.raw;
		if (socket.writableLength > 0) await Promise.race([once(socket, 'drain'), sleep(1000)]);
		await sleep(FLUSH_MS);
		socket.resetAndDestroy();
	}
	return Readable.from(some(), { objectMode: false });
}

function toBuffer(payload: unknown): Buffer {
	if (Buffer.isBuffer(payload)) return payload;
	return Buffer.from(typeof payload === 'string' ? payload : '');
}
