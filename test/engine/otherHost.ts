import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Another host than DashScope: notes what reaches it and answers everything with one body. */
export class OtherHost {
	readonly seen: Array<{ url: string; headers: IncomingHttpHeaders }> = [];
	private server?: Server;

	constructor(private readonly body: Buffer | string) {}

	/** Starts it. @returns its address, without a slash at the end */
	async start(): Promise<string> {
		const server = createServer((request, response) => {
			this.seen.push({ url: request.url ?? '', headers: request.headers });
			response.writeHead(200, { 'content-length': Buffer.byteLength(this.body) });
			response.end(this.body);
		});
		this.server = server;
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	}

	async stop(): Promise<void> {
		const { server } = this;
		server?.closeAllConnections();
		await new Promise((resolve) => (server === undefined ? resolve(null) : server.close(resolve)));
	}
}

/** The address of a port that nothing listens on. */
export async function closedPort(): Promise<string> {
	const host = new OtherHost('');
	const url = await host.start();
	await host.stop();
	return url;
}
