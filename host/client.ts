// What a person does in n8n's editor, done through the REST API that the editor uses.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
	ExecutionStatus,
	ICredentialDataDecryptedObject,
	IConnections,
	INode,
	INodeExecutionData,
	INodeTypeDescription,
	IRunExecutionData,
	IWorkflowSettings,
} from 'n8n-workflow';
import { RAN_OUT_OF_TIME, RestClient, RestError, type Owner } from './rest';

export interface Credential {
	/** The id that the workflows given beside it use; n8n gives it another one. */
	id?: string;
	name: string;
	type: string;
	data: ICredentialDataDecryptedObject;
}

export interface Workflow {
	id?: string;
	name: string;
	nodes: INode[];
	connections: IConnections;
	settings?: IWorkflowSettings;
}

export interface Execution {
	id: string;
	workflowId: string;
	status: ExecutionStatus;
	mode: string;
	finished: boolean;
	startedAt: string;
	stoppedAt?: string;
	waitTill?: string | null;
	retryOf?: string | null;
	data: IRunExecutionData;
}

export interface RunOptions {
	/** The trigger to start from, when the workflow has more than one. */
	trigger?: string;
	/** The last node to run. */
	destination?: string;
}

/** Triggers that nothing from outside starts. */
const CALLED = /(manual|executeWorkflow|error)Trigger$/;

interface Publication {
	/** A workflow without triggers ends as "not_published". */
	status: 'in_progress' | 'published' | 'partial' | 'failed' | 'not_published';
	triggers: unknown[];
}

/** All that another process needs to use a running n8n. */
export interface Connection {
	url: string;
	owner: Owner;
	/** The only folder that workflows may read and write files in. */
	files: string;
	/** The folder that n8n is installed in. */
	hostDir: string;
}

const finalStatuses: ExecutionStatus[] = ['success', 'error', 'crashed', 'canceled'];

interface Flatted {
	parse(text: string): unknown;
}

/** What a node handed on in its last run. */
export function outputOf(execution: Execution, node: string, output = 0): INodeExecutionData[] {
	return execution.data.resultData.runData[node]?.at(-1)?.data?.main?.[output] ?? [];
}

export class N8nClient {
	readonly url: string;
	readonly owner: Owner;
	readonly files: string;
	/** The version that is installed. */
	readonly version: string;
	private readonly client: RestClient;
	private readonly flatted: Flatted;
	private readonly credentialIds = new Map<string, string>();

	constructor(readonly connection: Connection) {
		({ url: this.url, owner: this.owner, files: this.files } = connection);
		this.client = new RestClient(connection.url);
		const load = createRequire(join(connection.hostDir, 'package.json'));
		// n8n's own copy, so that it reads what n8n writes.
		this.flatted = load('flatted') as Flatted;
		this.version = (load('n8n/package.json') as { version: string }).version;
	}

	async logIn(): Promise<void> {
		await this.client.logIn(this.owner);
	}

	async rest<T>(method: string, path: string, body?: unknown): Promise<T> {
		return await this.client.call<T>(method, path, body);
	}

	/** Returns n8n's id. Workflows added later may refer to it by the id or name it has here. */
	async addCredential({ id, name, type, data }: Credential): Promise<string> {
		const saved = await this.rest<{ id: string }>('POST', '/credentials', { name, type, data });
		this.credentialIds.set(`${type}:${id ?? name}`, saved.id);
		return saved.id;
	}

	async addWorkflow(workflow: Workflow): Promise<string> {
		const nodes = workflow.nodes.map((node) => {
			if (!node.credentials) return node;
			const credentials = Object.entries(node.credentials).map(([type, details]) => {
				const known = this.credentialIds.get(`${type}:${details.id ?? details.name}`);
				return [type, known ? { ...details, id: known } : details] as const;
			});
			return { ...node, credentials: Object.fromEntries(credentials) };
		});
		// n8n 2.0 does not take a workflow that leaves it out.
		const body = { ...workflow, nodes, active: false };
		const saved = await this.rest<{ id: string }>('POST', '/workflows', body);
		return saved.id;
	}

	/**
	 * Makes the workflow's webhooks and triggers live, and waits until they are. On a busy machine n8n may end as "not
	 * published", without an error: then it is tried again.
	 */
	async publish(workflowId: string, timeoutMs = 120_000): Promise<void> {
		const { versionId, nodes } = await this.rest<Workflow & { versionId: string }>(
			'GET',
			`/workflows/${workflowId}`,
		);
		const listens = nodes.some(({ type }) => /webhook$|trigger$/i.test(type) && !CALLED.test(type));
		const end = Date.now() + timeoutMs;
		for (;;) {
			await this.rest('POST', `/workflows/${workflowId}/activate`, { versionId });
			const status = await this.published(workflowId, end);
			if (status !== 'not_published' || !listens) return;
			if (Date.now() > end) throw new Error(`Workflow ${workflowId} was not published`);
			await this.rest('POST', `/workflows/${workflowId}/deactivate`);
		}
	}

	/** How a publication ended; undefined where n8n publishes at once. */
	private async published(workflowId: string, end: number) {
		for (;;) {
			const { status, triggers } = (await this.publication(workflowId)) ?? {};
			if (status === 'failed' || status === 'partial') {
				throw new Error(`Workflow ${workflowId} was not published: ${JSON.stringify(triggers)}`);
			}
			if (status !== 'in_progress') return status;
			if (Date.now() > end) throw new Error(`Workflow ${workflowId} is still being published`);
			await sleep(100);
		}
	}

	/** n8n puts what is to be published into a queue; versions that publish at once have no such status. */
	private async publication(workflowId: string): Promise<Publication | undefined> {
		try {
			return await this.rest<Publication>('GET', `/workflows/${workflowId}/publication-status`);
		} catch (error) {
			if (error instanceof RestError && error.status === 404) return undefined;
			throw error;
		}
	}

	/** The descriptions of all node types, as the editor gets them. */
	async nodeTypes(): Promise<INodeTypeDescription[]> {
		const response = await this.client.fetch('GET', '/nodes.json', undefined, '/types');
		return (await response.json()) as INodeTypeDescription[];
	}

	workflowUrl(workflowId: string): string {
		return `${this.url}/workflow/${workflowId}`;
	}

	/** Starts a manual execution as the editor's button does, and returns its id. */
	async run(workflowId: string, options: RunOptions = {}): Promise<string> {
		return await this.start(workflowId, options).catch(async (error: unknown) =>
			error instanceof RestError && error.message.includes(RAN_OUT_OF_TIME)
				? await this.start(workflowId, options)
				: await Promise.reject(error),
		);
	}

	private async start(workflowId: string, options: RunOptions): Promise<string> {
		const workflow = await this.rest<Workflow>('GET', `/workflows/${workflowId}`);
		const trigger =
			options.trigger ?? workflow.nodes.find(({ type }) => /trigger$/i.test(type))?.name;
		if (!trigger) throw new Error(`The workflow "${workflow.name}" has no trigger`);
		const started = await this.rest<{ executionId?: string }>(
			'POST',
			`/workflows/${workflowId}/run`,
			{
				triggerToStartFrom: { name: trigger },
				...(options.destination && {
					destinationNode: { nodeName: options.destination, mode: 'inclusive' },
				}),
			},
		);
		if (!started.executionId) throw new Error(`"${workflow.name}" waits for a webhook call`);
		return started.executionId;
	}

	async execution(id: string): Promise<Execution> {
		const { data, ...rest } = await this.rest<Omit<Execution, 'data'> & { data: string }>(
			'GET',
			`/executions/${id}`,
		);
		return { ...rest, data: this.flatted.parse(data) as IRunExecutionData };
	}

	/** Waits until the execution has ended, or reached one of the statuses asked for. */
	async waitFor(
		id: string,
		{ timeoutMs = 120_000, statuses = finalStatuses, everyMs = 250 } = {},
	): Promise<Execution> {
		const end = Date.now() + timeoutMs;
		for (;;) {
			const execution = await this.execution(id);
			if (statuses.includes(execution.status)) return execution;
			if (Date.now() > end) {
				throw new Error(`Execution ${id} is still "${execution.status}" after ${timeoutMs} ms`);
			}
			await sleep(everyMs);
		}
	}

	async stopExecution(id: string): Promise<void> {
		await this.rest('POST', `/executions/${id}/stop`);
	}

	/** "Retry with original workflow", or with the workflow as it is saved now; returns when it ends. */
	async retryExecution(id: string, { loadWorkflow = false } = {}): Promise<Execution> {
		return await this.rest<Execution>('POST', `/executions/${id}/retry`, { loadWorkflow });
	}

	/** A stored binary by the id that an item's binary carries. */
	async binary(id: string): Promise<Buffer> {
		const query = new URLSearchParams({ id, action: 'download' });
		const response = await this.client.fetch('GET', `/binary-data?${query.toString()}`);
		return Buffer.from(await response.arrayBuffer());
	}
}
