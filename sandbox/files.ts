import type { FastifyReply, FastifyRequest } from 'fastify';

import { paddedContent, parseRange } from './results';

export interface FileAnswer {
	file: string;
	fileBytes: number;
	/** With padding. */
	bytes: number;
	type: string;
}

/** Streams a file as the object storage does: with its length, and a part of it for a Range. */
export function sendFile(request: FastifyRequest, reply: FastifyReply, answer: FileAnswer): void {
	const { file, fileBytes, bytes, type } = answer;
	const range = parseRange(request.headers.range, bytes);
	const length = range === undefined ? bytes : range.end - range.start + 1;
	void reply
		.code(range === undefined ? 200 : 206)
		.type(type)
		.header('accept-ranges', 'bytes')
		.header('content-length', length)
		.header('x-oss-request-id', request.id);
	if (range !== undefined) {
		void reply.header('content-range', `bytes ${range.start}-${range.end}/${bytes}`);
	}
	if (request.method === 'HEAD') void reply.send();
	else void reply.send(paddedContent(file, fileBytes, bytes, range));
}
