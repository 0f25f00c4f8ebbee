// Stands in front of a sandbox for n8n's own node, which submits to a text-to-video model. The sandbox knows video
// edits only: what is submitted here becomes one, so that limits, run times and queries are those of the same sandbox.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../sandbox';

const SUBMISSION = '/api/v1/services/aigc/video-generation/video-synthesis';

export interface Front {
	url: string;
	close(): void;
}

interface Submission {
	input?: { prompt?: string };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks);
}

/** @param holdMs how long the answer to a submission is held back, so that a first look finds a short task ended */
export async function startFront(sandbox: Sandbox, holdMs = 0): Promise<Front> {
	const asEdit = (body: Buffer) => {
		const { input } = JSON.parse(body.toString()) as Submission;
		return JSON.stringify({
			model: 'wan2.7-videoedit',
			input: {
				prompt: input?.prompt,
				media: [{ type: 'video', url: sandbox.samples.video.url }],
			},
			parameters: { resolution: '720P' },
		});
	};
	const pass = async (request: IncomingMessage, response: ServerResponse) => {
		const { method = 'GET', url = '/' } = request;
		const submits = method === 'POST' && url === SUBMISSION;
		const body = await bodyOf(request);
		const headers = new Headers({ connection: 'close' });
		for (const name of ['authorization', 'content-type', 'x-dashscope-async']) {
			const value = request.headers[name];
			if (typeof value === 'string') headers.set(name, value);
		}
		const answer = await fetch(`${sandbox.url}${url}`, {
			method,
			headers,
			body: method === 'GET' ? undefined : submits ? asEdit(body) : body,
		});
		const text = await answer.text();
		if (submits && holdMs > 0) await sleep(holdMs);
		response.writeHead(answer.status, {
			'content-type': answer.headers.get('content-type') ?? 'application/json',
		});
		response.end(text);
	};
	const server = createServer((request, response) => {
		// A connection that the sandbox breaks off is broken off here, too.
		pass(request, response).catch(() => request.socket.destroy());
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		close: () => {
			server.closeAllConnections();
			server.close();
		},
	};
}
