// A real n8n with its sandbox, in which executions are measured.
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionStatus } from 'n8n-workflow';
import type { Workflow } from '../host/client';
import { startN8n, type N8n } from '../host/n8n';
import { startSandbox, type Route, type Sandbox } from '../sandbox';
import { credentialData } from '../test/e2e/support';
import { startFront, type Front } from './front';
import { processorSeconds, whileSampling, type Sample, type Span } from './resident';
import { credential, warmUpWorkflow } from './workflows';

export type Direction = 'upload' | 'download';
export type Mode = 'filesystem' | 'database' | 'default';

/** What was seen of n8n's process during an execution. */
export interface Observed {
	samples: Sample[];
	seconds: number;
	/** NaN where it cannot be read. */
	processorSeconds: number;
}

/** What n8n needs to settle between two executions. */
export const PAUSE_MS = 1_500;
const PATIENCE_MS = 180_000;

/** The first calls of an upload and of a download. */
const TRANSFERS: Route[] = ['policy', 'result'];
const LOOK_MS = 5;

/** n8n's own node looks at once, and then after 15 s. */
const FRONT_HOLD_MS = 1_500;

interface Listed {
	id: string;
	status: ExecutionStatus;
}

/**
 * Waits until the newest executions have ended. One look at the list serves them all, and only now and then: an answer
 * costs n8n megabytes of memory, and asking for one of them would make it load all its data, files included.
 */
async function ended(n8n: N8n, executionIds: string[]): Promise<Listed[]> {
	const open: ExecutionStatus[] = ['new', 'running', 'waiting'];
	for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
		await sleep(500);
		// An n8n that is busy with 100 MB of base64 lets connections break off; it answers again later.
		const { results } = await n8n
			.rest<{ results: Listed[] }>('GET', `/executions?limit=${executionIds.length}`)
			.catch(() => ({ results: [] }));
		const over = results.filter(
			({ id, status }) => executionIds.includes(id) && !open.includes(status),
		);
		if (over.length === executionIds.length) return over;
	}
	throw new Error(`Executions ${executionIds.join(', ')} have not ended`);
}

/** A sandbox, an n8n, and the runs of one workflow after another in it. */
export class Laboratory {
	private constructor(
		readonly n8n: N8n,
		readonly sandbox: Sandbox,
		private readonly front: Front,
	) {}

	/** @param mode where n8n keeps files @param env more settings of n8n */
	static async open(
		mode: Mode,
		tarball: string,
		env: Record<string, string> = {},
	): Promise<Laboratory> {
		const sandbox = await startSandbox({ jobSeconds: 0.5 });
		const front = await startFront(sandbox, FRONT_HOLD_MS);
		const n8n = await startN8n({
			tarball,
			env: { N8N_DEFAULT_BINARY_DATA_MODE: mode, ...env },
			credentials: [
				{ name: credential, type: 'dashScopeApi', data: credentialData(sandbox) },
				{
					name: credential,
					type: 'alibabaCloudApi',
					data: { apiKey: sandbox.apiKey, region: 'cn-beijing', workspaceId: '', url: front.url },
				},
			],
		});
		await mkdir(n8n.files, { recursive: true });
		return new Laboratory(n8n, sandbox, front);
	}

	async close(): Promise<void> {
		await this.n8n.stop();
		this.front.close();
		await this.sandbox.stop();
	}

	/** Copies a file to where workflows may read it, and returns its path there. */
	async takeIn(path: string): Promise<string> {
		const inside = join(this.n8n.files, basename(path));
		await copyFile(path, inside);
		return inside;
	}

	/**
	 * Runs the workflows at the same time, each in an execution of its own.
	 * @param atFirstTransfer called once the node's first transfer begins; never when there is none
	 */
	async run(workflows: Workflow[], atFirstTransfer?: () => Promise<unknown>): Promise<Observed> {
		const ids = await Promise.all(workflows.map(async (one) => await this.n8n.addWorkflow(one)));
		// What earlier runs have transferred must not be taken for this one's.
		await this.sandbox.reset();
		let running = true;
		const work = async () => {
			const started = await Promise.all(ids.map(async (id) => await this.n8n.run(id)));
			for (const { id, status } of await ended(this.n8n, started)) {
				if (status === 'success') continue;
				throw new Error(`"${workflows[started.indexOf(id)]?.name}" ended with "${status}"`);
			}
		};
		const notice = async (tell: () => Promise<unknown>) => {
			const begun = () => this.sandbox.log.some(({ route }) => TRANSFERS.includes(route));
			while (running && !begun()) await sleep(LOOK_MS);
			if (running) await tell();
		};
		return await this.watch(async () => {
			await Promise.all([
				work().finally(() => (running = false)),
				atFirstTransfer && notice(atFirstTransfer),
			]);
		});
	}

	/** What happens to n8n's process meanwhile. */
	private async watch(work: () => Promise<void>): Promise<Observed> {
		const startedAt = Date.now();
		const used = await processorSeconds(this.n8n.pid);
		const samples = await whileSampling(this.n8n.pid, work);
		const seconds = (Date.now() - startedAt) / 1000;
		return { samples, seconds, processorSeconds: (await processorSeconds(this.n8n.pid)) - used };
	}

	/** Runs the workflow several times and collects what `take` makes of each. */
	async repeat<T>(times: number, workflow: Workflow, take: (run: Observed) => T): Promise<T[]> {
		const results: T[] = [];
		for (let count = 0; count < times; count++) {
			results.push(take(await this.run([workflow])));
			await sleep(PAUSE_MS);
		}
		return results;
	}

	/** A process that has done one small edit and settled: the state that every case starts from. */
	async refresh(): Promise<void> {
		await this.n8n.restart();
		const small = join(this.n8n.files, 'small.mp4');
		await copyFile(this.sandbox.samples.video.path, small);
		this.sandbox.configure({ slots: 5, resultBytes: 0 });
		await this.run([warmUpWorkflow(small)]);
		await sleep(2 * PAUSE_MS);
	}

	/** From the node's first call about the files to its first other one, or to the end of the execution. */
	transferSpan(direction: Direction): Span {
		const [first] = this.sandbox.requests(direction === 'upload' ? 'policy' : 'result');
		if (first === undefined) throw new Error(`There was no ${direction}`);
		const next = direction === 'upload' ? this.sandbox.requests('create')[0] : undefined;
		return { from: first.at, until: next?.at ?? Infinity };
	}
}
