// One way in an n8n, with a sandbox of its own: an account that nobody else uses.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { INode } from 'n8n-workflow';
import type { N8n } from '../host/n8n';
import { startSandbox, type Sandbox, type SandboxTask } from '../sandbox';
import type { SandboxOptions } from '../sandbox/options';
import { addFlow, type Flow } from '../test/e2e/suspended';
import { node, until, type ExecutionRow } from '../test/e2e/support';
import { startFront, type Front } from './front';
import { idealSeconds } from './ideal';
import { credentialOf, pathOf, type Way } from './ways';

export interface StationOptions {
	way: Way;
	sandbox?: SandboxOptions;
	/** Whether this node's credential says that only this n8n uses the account. */
	exclusive?: boolean;
	/** Of the way's nodes, such as Retry On Fail. */
	settings?: Partial<INode>;
	/** Seconds that the tasks run, by number of the item over all executions; the last one serves all others. */
	jobSeconds: readonly number[];
}

/** What became of the executions of one start. */
export interface Ended {
	rows: ExecutionRow[];
	/** From the first start to the last end, seconds; undefined when one has not succeeded. */
	seconds?: number;
	/** Of each execution that succeeded, from the start of the first, seconds. */
	each: number[];
}

/** A busy n8n may take so long until a webhook of a workflow that was just published answers. */
const REGISTERED_MS = 15_000;

const OVER = ['success', 'error', 'crashed', 'canceled'];

/** No prompt is part of another one, and all ask for the same result: the sandbox renders it once. */
export const promptOf = (index: number) => `grey, item ${index}.`;

export const NEXT = 'Next';

export class Station {
	private startedAt = 0;

	private constructor(
		readonly n8n: N8n,
		readonly way: Way,
		readonly sandbox: Sandbox,
		private readonly front: Front | undefined,
		readonly flow: Flow,
		private readonly jobSeconds: readonly number[],
	) {
		this.setOutcomes();
	}

	/** Its sandbox, its credential, and a workflow that a webhook starts. */
	static async open(n8n: N8n, options: StationOptions): Promise<Station> {
		const { way, settings, jobSeconds, exclusive = false } = options;
		const sandbox = await startSandbox(options.sandbox);
		const front = way === 'qwenCloud' ? await startFront(sandbox) : undefined;
		const credential = `${way} ${randomUUID()}`;
		const address = { sandbox, url: (front ?? sandbox).url, credential };
		await n8n.addCredential(credentialOf(way, address, exclusive));
		const { nodes, lines, outputs, first, last } = pathOf(way, address, settings);
		const next = node(NEXT, 'n8n-nodes-base.noOp', 1);
		// A node with several outputs has its lines there.
		const toNext = [last, NEXT];
		const flow = await addFlow(
			n8n,
			credential,
			[...nodes, next],
			[['Items', first], ...lines, toNext],
			{
				outputs,
			},
		);
		return new Station(n8n, way, sandbox, front, flow, jobSeconds);
	}

	private setOutcomes(): void {
		this.sandbox.configure({ jobSeconds: this.jobSeconds.at(-1) });
		for (const [index, jobSeconds] of this.jobSeconds.slice(0, -1).entries()) {
			this.sandbox.outcome({ promptIncludes: promptOf(index), jobSeconds, times: 10_000 });
		}
	}

	/** Starts executions, each with so many items: all at once, or one after another with a pause. */
	async start(executions: number, items = 1, pauseMs = 0): Promise<void> {
		this.startedAt = Date.now();
		const url = `${this.n8n.url}/webhook/${this.flow.path}`;
		const call = async (index: number) => {
			const numbers = Array.from({ length: items }, (_, item) => index * items + item);
			const prompts = numbers.map((number) => ({ prompt: promptOf(number) }));
			if (pauseMs > 0) await sleep(index * pauseMs);
			for (const end = Date.now() + REGISTERED_MS; ; ) {
				const response = await fetch(url, {
					method: 'POST',
					headers: { connection: 'close', 'content-type': 'application/json' },
					body: JSON.stringify({ prompts }),
				});
				if (response.ok) return;
				// Any other answer than a good one means that n8n has not started an execution.
				if (Date.now() > end) {
					const what = `${response.status} ${(await response.text()).slice(0, 200)}`;
					throw new Error(`${this.way}: the webhook answered ${what}`);
				}
				await sleep(250);
			}
		};
		await Promise.all(Array.from({ length: executions }, async (_, index) => await call(index)));
	}

	/** The executions that were started, without the loops that some wait in. */
	async rows(): Promise<ExecutionRow[]> {
		return await this.executions('webhook');
	}

	/** At most a hundred: n8n lists no more at once. */
	private async executions(mode: 'webhook' | 'integrated' | 'retry'): Promise<ExecutionRow[]> {
		const filter = encodeURIComponent(JSON.stringify({ workflowId: this.flow.id, mode }));
		const { results } = await this.n8n.rest<{ results: ExecutionRow[] }>(
			'GET',
			`/executions?filter=${filter}&limit=100`,
		);
		return results;
	}

	/** The IDs of the executions that were started, and of the loops that some wait in. */
	async allIds(): Promise<string[]> {
		const rows = [...(await this.rows()), ...(await this.executions('integrated'))];
		return rows.map(({ id }) => id);
	}

	/** Waits until so many executions, or retries of such, have ended, or until the patience does. */
	async ended(
		executions: number,
		patienceMs: number,
		mode: 'webhook' | 'retry' = 'webhook',
	): Promise<Ended> {
		const over = async () => {
			const rows = (await this.executions(mode)).filter(({ status }) => OVER.includes(status));
			return rows.length >= executions ? rows : undefined;
		};
		const rows = await until('The end', slowly(over), patienceMs).catch(
			async () => await this.executions(mode),
		);
		const good = rows.filter(({ status }) => status === 'success');
		const each = good.map(({ stoppedAt = '' }) => (Date.parse(stoppedAt) - this.startedAt) / 1_000);
		const seconds = good.length === executions ? Math.max(...each) : undefined;
		return { rows, seconds, each };
	}

	/** What the first of these executions that has not succeeded says of it. */
	async failureOf(rows: ExecutionRow[]): Promise<string> {
		const bad = rows.find(({ status }) => status !== 'success');
		if (bad === undefined) return 'has not ended';
		const { data } = await this.n8n.execution(bad.id);
		return `${bad.status}: ${data.resultData.error?.message ?? 'no message'}`;
	}

	/** Of the tasks in the order in which they were submitted, seconds. */
	ideal(slots: number): number {
		return idealSeconds(
			this.tasks().map(({ jobSeconds }) => jobSeconds),
			slots,
		);
	}

	tasks(): SandboxTask[] {
		return this.sandbox.tasks();
	}

	/** When the limits of the service are about them: submissions, queries, lists, cancellations. */
	requestTimes(): number[] {
		return this.sandbox.log
			.filter(({ route }) => ['create', 'query', 'list', 'cancel'].includes(route))
			.map(({ at }) => at)
			.sort((a, b) => a - b);
	}

	/** Submissions answered with 429. */
	refusals(): number {
		return this.sandbox.requests('create').filter(({ status }) => status === 429).length;
	}

	async close(): Promise<void> {
		this.front?.close();
		await this.sandbox.stop();
	}
}

/** An answer of n8n about its executions costs it processor time that others need. */
function slowly<T>(look: () => Promise<T | undefined>): () => Promise<T | undefined> {
	return async () => {
		await sleep(1_500);
		// A busy n8n may not answer; it is asked again.
		return await look().catch(() => undefined);
	};
}
