import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the ports that systems give to outgoing connections: one of these could take a port that was named to a program
// as free, and that it begins to listen on only seconds later.
const from = 15_000;
const to = 32_000;

async function isFree(port: number): Promise<boolean> {
	return await new Promise((resolve) => {
		const server = createServer();
		server.once('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}

/** A port on the loopback interface that is free now; at random, as others may look for one at the same time. */
export async function freePort(): Promise<number> {
	for (let tries = 0; tries < 100; tries++) {
		const port = randomInt(from, to);
		if (await isFree(port)) return port;
	}
	throw new Error('No free port on 127.0.0.1');
}
