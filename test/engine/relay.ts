import { createServer, request } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Anything that answers HTTP in a test. */
export interface TestServer {
	url: string;
	/** What came in, oldest first. */
	requests: IncomingMessage[];
	stop(): Promise<void>;
}

export async function serve(
	answer: (request: IncomingMessage, response: ServerResponse) => void,
	host = '127.0.0.1',
): Promise<TestServer> {
	const requests: IncomingMessage[] = [];
	const server: Server = createServer((incoming, response) => {
		requests.push(incoming);
		answer(incoming, response);
	});
	await new Promise<void>((resolve) => server.listen(0, host, resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://${host}:${port}`,
		requests,
		stop: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

export interface Relay extends TestServer {
	/** The most uploads, and downloads, that were open at the same time. */
	most: { uploads: number; downloads: number };
}

/** Stands between the node and a sandbox, with every link leading through it, and counts what goes on at once. */
export async function startRelay(
	target: string,
	/** How long each transfer takes at least, in milliseconds. */
	times: Relay['most'],
): Promise<Relay> {
	const open = { uploads: 0, downloads: 0 };
	const most = { uploads: 0, downloads: 0 };

	const hold = async (kind: keyof typeof open, response: ServerResponse) => {
		most[kind] = Math.max(most[kind], ++open[kind]);
		response.once('close', () => open[kind]--);
		await sleep(times[kind]);
	};
	const pass = async (incoming: IncomingMessage, response: ServerResponse) => {
		const path = incoming.url ?? '/';
		const api = path.startsWith('/api/');
		if (path === '/') await hold('uploads', response);
		else if (path.startsWith('/dashscope-result/')) await hold('downloads', response);
		const { host: _host, ...headers } = incoming.headers;
		const onward = request(`${target}${path}`, { method: incoming.method, headers });
		onward.on('error', () => response.destroy());
		onward.on('response', (answer) => {
			if (!api) {
				response.writeHead(answer.statusCode ?? 502, answer.headers);
				answer.pipe(response);
				return;
			}
			const chunks: Buffer[] = [];
			answer.on('data', (chunk: Buffer) => chunks.push(chunk));
			answer.on('end', () => {
				const text = Buffer.concat(chunks).toString().replaceAll(target, relay.url);
				response.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
				response.end(text);
			});
		});
		incoming.pipe(onward);
	};
	const server = await serve((incoming, response) => {
		void pass(incoming, response);
	});
	const relay: Relay = { ...server, most };
	return relay;
}
