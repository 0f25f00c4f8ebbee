import { createServer } from 'node:net';

/** A port on the loopback interface that is free now. */
export async function freePort(): Promise<number> {
	return await new Promise((resolve, reject) => {
		const server = createServer();
		server.once('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const address = server.address();
			server.close(() => {
				if (typeof address === 'object' && address) resolve(address.port);
				else reject(new Error('No free port on 127.0.0.1'));
			});
		});
	});
}
