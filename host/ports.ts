import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the ports that systems give to outgoing connections: one of these could take a port that was named to a program
// as free, and that it begins to listen on only seconds later.
const from = 15_000;
const to = 32_000;

/** Jest's workers look at the same time, seconds before what they start listens: each has ports of its own. */
const SLICES = 16;
const slice = Number(process.env.JEST_WORKER_ID ?? 0) % SLICES;
const width = Math.floor((to - from) / SLICES);

/** What this process has been given. */
const given = new Set<number>();

async function isFree(port: number): Promise<boolean> {
	return await new Promise((resolve) => {
		const server = createServer();
		server.once('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}

/** A port on the loopback interface that is free now; at random, as another run may look for one at the same time. */
export async function freePort(): Promise<number> {
	for (let tries = 0; tries < 100; tries++) {
		const port = from + slice * width + randomInt(width);
		if (given.has(port)) continue;
		given.add(port);
		if (await isFree(port)) return port;
	}
	throw new Error('No free port on 127.0.0.1');
}
