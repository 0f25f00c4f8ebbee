import { copyFile, mkdtemp, readFile as readContent } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { INode, INodeParameters } from 'n8n-workflow';
import { N8nClient, type Connection, type Workflow } from '../../host/client';
import { startN8n, type N8n, type Snapshot, type StartOptions } from '../../host/n8n';
import { RAN_OUT_OF_TIME } from '../../host/rest';
import { startSandbox } from '../../sandbox';

export type Sandbox = Awaited<ReturnType<typeof startSandbox>>;
type SandboxOptions = Parameters<typeof startSandbox>[0];

export const nodeType = 'n8n-nodes-wan-video-edit.wanVideoEdit';

/** An n8n of a test's own, with the packed node. */
export async function startOwnN8n(
	options: Omit<StartOptions, 'tarball' | 'snapshot'> = {},
): Promise<N8n> {
	const snapshot = JSON.parse(process.env.E2E_SNAPSHOT ?? '') as Snapshot;
	return await startN8n({ tarball: process.env.E2E_TARBALL ?? '', snapshot, ...options });
}

/** The n8n that all files share, with its owner logged in. */
export async function sharedN8n(): Promise<N8nClient> {
	const n8n = new N8nClient(JSON.parse(process.env.E2E_N8N ?? '') as Connection);
	await n8n.logIn();
	return n8n;
}

export interface Stage {
	n8n: N8nClient;
	sandbox: Sandbox;
	/** The name of a credential in n8n that leads to this sandbox. */
	credential: string;
	/** Copies a file to where workflows may read it, and returns that path. */
	provide(path: string): Promise<string>;
	stop(): Promise<void>;
}

/** Whether a test can be run here: what is missing is told, and in CI it is a failure. */
export function available(missing: string | undefined): boolean {
	if (missing === undefined) return true;
	if (process.env.CI) throw new Error(missing);
	process.stderr.write(`${missing}\n`);
	return false;
}

let stages = 0;

/** The shared n8n with a sandbox for one test file. */
export async function setStage(options: SandboxOptions = {}): Promise<Stage> {
	const n8n = await sharedN8n();
	const sandbox = await startSandbox({ jobSeconds: 1, ...options });
	const credential = `Sandbox ${process.pid}-${sandbox.port}-${++stages}`;
	await n8n.addCredential({
		name: credential,
		type: 'dashScopeApi',
		data: credentialData(sandbox),
	});
	const folder = await mkdtemp(join(n8n.files, 'test-'));
	return {
		n8n,
		sandbox,
		credential,
		provide: async (path) => {
			const copy = join(folder, basename(path));
			await copyFile(path, copy);
			return copy;
		},
		stop: async () => await sandbox.stop(),
	};
}

export const credentialData = (sandbox: Sandbox) => ({
	apiKey: sandbox.apiKey,
	region: 'custom',
	workspaceId: '',
	baseUrl: sandbox.url,
});

/** A node as the editor saves it; its name is also its id. */
export function node(
	name: string,
	type: string,
	typeVersion: number,
	parameters: INodeParameters = {},
	more: Partial<INode> = {},
): INode {
	return { id: name, name, type, typeVersion, position: [0, 0], parameters, ...more };
}

export const manualTrigger = (name = 'Start') => node(name, 'n8n-nodes-base.manualTrigger', 1);

export const readFile = (name: string, path: string, field = 'data') =>
	node(name, 'n8n-nodes-base.readWriteFile', 1.1, {
		operation: 'read',
		fileSelector: path,
		options: { dataPropertyName: field },
	});

export const wanVideoEdit = (name: string, credential: string, parameters: INodeParameters) =>
	node(name, nodeType, 1, parameters, {
		credentials: { dashScopeApi: { id: null, name: credential } },
	});

/** Lines like ['Start', 'Read', 'Edit'], joined output 0 to input 0; "Name:1" is input 1 of Name. */
export function workflow(name: string, nodes: INode[], lines: string[][]): Workflow {
	const connections: Workflow['connections'] = {};
	for (const line of lines) {
		for (const [index, target] of line.slice(1).entries()) {
			const [from = ''] = (line[index] ?? '').split(':');
			const [to = '', input = '0'] = target.split(':');
			const outputs = ((connections[from] ??= {}).main ??= [[]]);
			outputs[0]?.push({ node: to, type: 'main', index: Number(input) });
		}
	}
	const placed = nodes.map((each, index) => ({
		...each,
		position: [index * 220, 0] as [number, number],
	}));
	return { name, nodes: placed, connections, settings: { executionOrder: 'v1' } };
}

/** A trigger that a test starts with {@link call}: a production run, as a user's workflow has it. */
export const webhook = (path: string, parameters: INodeParameters = {}) =>
	node(
		'Hook',
		'n8n-nodes-base.webhook',
		2,
		{ path, httpMethod: 'POST', responseMode: 'onReceived', ...parameters },
		{ webhookId: path },
	);

/** One item for each entry of a list. */
export const splitOut = (name: string, field: string) =>
	node(name, 'n8n-nodes-base.splitOut', 1, { fieldToSplitOut: field, options: {} });

/** Calls the webhook of a published workflow; after a restart, n8n needs a moment to register it again. */
export async function call(n8n: N8nClient, path: string, body: unknown = {}): Promise<Response> {
	return await until(`The webhook ${path}`, async () => {
		const response = await fetch(`${n8n.url}/webhook/${path}`, {
			method: 'POST',
			headers: { connection: 'close', 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		if (response.status === 404) return undefined;
		const text = response.status === 500 ? await response.clone().text() : '';
		return text.includes(RAN_OUT_OF_TIME) ? undefined : response;
	});
}

/** Sends a video to the webhook of a published workflow, as a form does. */
export async function sendVideo(n8n: N8nClient, path: string, file: string): Promise<Response> {
	const form = new FormData();
	form.set('video', new Blob([await readContent(file)], { type: 'video/mp4' }), basename(file));
	return await fetch(`${n8n.url}/webhook/${path}`, { method: 'POST', body: form });
}

export interface ExecutionRow {
	id: string;
	status: string;
	mode: string;
	workflowId: string;
	/** ISO 8601; absent while it runs. */
	stoppedAt?: string;
}

/** Executions of a workflow, oldest first, with the sub-executions that run under its ID. */
export async function executionsOf(n8n: N8nClient, workflowId: string): Promise<ExecutionRow[]> {
	const filter = encodeURIComponent(JSON.stringify({ workflowId }));
	const { results } = await n8n.rest<{ results: ExecutionRow[] }>(
		'GET',
		`/executions?filter=${filter}&limit=100`,
	);
	return results.sort((a, b) => Number(a.id) - Number(b.id));
}

/** Waits for something to be there. */
export async function until<T>(
	what: string,
	look: () => Promise<T | undefined>,
	timeoutMs = 120_000,
): Promise<T> {
	const end = Date.now() + timeoutMs;
	for (;;) {
		const found = await look();
		if (found !== undefined) return found;
		if (Date.now() > end) throw new Error(`${what}: not there after ${timeoutMs / 1000} s`);
		await sleep(500);
	}
}
