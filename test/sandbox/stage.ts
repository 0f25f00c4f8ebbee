import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startSandbox, type Sandbox } from '../../sandbox';
import { answered, type Json } from './client';
import { downloaded } from './pictures';

/** A sandbox without limits for the tests of a file, and a folder for its results. */
export function useResults() {
	let sandbox: Sandbox;
	let dir: string;
	beforeAll(async () => {
		sandbox = await startSandbox({
			jobSeconds: 0,
			submitsPerSecond: 1000,
			queriesPerSecond: 1000,
			slots: 20,
		});
		dir = await mkdtemp(join(tmpdir(), 'sandbox-results-'));
	});
	afterAll(async () => {
		await sandbox.stop();
		await rm(dir, { recursive: true, force: true });
	});
	return {
		sandbox: () => sandbox,
		samples: () => sandbox.samples,
		/** Sample pictures by their names. */
		images: () => {
			const [, star, umbrella, leaf] = sandbox.samples.images;
			if (!star || !umbrella || !leaf) throw new Error('samples are missing');
			return { star, umbrella, leaf };
		},
		answerOf: async (body: Json, path?: string) => await answered(sandbox, body, path),
		download: async (answer: Json) => await downloaded(answer, dir),
	};
}
