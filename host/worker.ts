// A worker of an n8n in queue mode. Shares the main process's folder, and so its node and its key.
import { n8nEnvironment } from './environment';
import { ensureHost } from './install';
import { n8nProgram, type N8n } from './n8n';
import { freePort } from './ports';
import type { Program } from './program';
import { stopLater } from './stopping';

export interface WorkerOptions {
	concurrency: number;
	/** The settings that make it a part of the main process's queue. */
	env: Record<string, string>;
}

/** Starts a worker, and waits until it takes jobs. End it with `kill`. */
export async function startWorker(main: N8n, options: WorkerOptions): Promise<Program> {
	const host = await ensureHost();
	const { userFolder, files } = main;
	const [port, brokerPort] = [await freePort(), await freePort()];
	const env = n8nEnvironment(host, { userFolder, port, brokerPort, files }, options.env);
	const command = ['worker', `--concurrency=${options.concurrency}`];
	const worker = n8nProgram(host, 'The n8n worker', command, 'n8n worker is now ready', {
		...env,
		// Calls of executions arrive at the main process.
		N8N_WEBHOOK_URL: `${main.url}/`,
	});
	stopLater(async () => await worker.kill());
	await worker.launch();
	return worker;
}
