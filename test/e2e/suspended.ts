// Workflows for the tests of the suspended wait: production runs, started by a webhook.
import { randomUUID } from 'node:crypto';
import type { INode, INodeParameters, IWorkflowSettings } from 'n8n-workflow';
import { outputOf, type Execution, type N8nClient } from '../../host/client';
import {
	call,
	executionsOf,
	node,
	splitOut,
	until,
	wanVideoEdit,
	webhook,
	workflow,
	type ExecutionRow,
	type Sandbox,
} from './support';

export interface Flow {
	id: string;
	path: string;
}

export interface FlowOptions {
	settings?: IWorkflowSettings;
	hook?: INodeParameters;
	/** Where each output of a node leads to, for nodes with several. */
	outputs?: Record<string, string[]>;
}

/** Hook → Items (one per prompt) → whatever the lines say. */
export async function addFlow(
	n8n: N8nClient,
	name: string,
	nodes: INode[],
	lines: string[][],
	{ settings, hook, outputs = {} }: FlowOptions = {},
): Promise<Flow> {
	const path = randomUUID();
	const flow = workflow(
		name,
		[webhook(path, hook), splitOut('Items', 'body.prompts'), ...nodes],
		[['Hook', 'Items'], ...lines],
	);
	for (const [from, targets] of Object.entries(outputs)) {
		const main = targets.map((target) => [{ node: target, type: 'main' as const, index: 0 }]);
		flow.connections[from] = { main };
	}
	const id = await n8n.addWorkflow({ ...flow, settings: { ...flow.settings, ...settings } });
	await n8n.publish(id);
	return { id, path };
}

/** A published workflow that another one calls, and that consists of one node. */
export async function addCalled(n8n: N8nClient, name: string, only: INode): Promise<string> {
	const called = node('Called', 'n8n-nodes-base.executeWorkflowTrigger', 1.1, {
		inputSource: 'passthrough',
	});
	const id = await n8n.addWorkflow(workflow(name, [called, only], [['Called', only.name]]));
	await n8n.publish(id);
	return id;
}

/** Calls a workflow once for all items, or for each item, and waits for it. */
export const callWorkflow = (name: string, workflowId: string, mode: 'once' | 'each') =>
	node(name, 'n8n-nodes-base.executeWorkflow', 1.2, {
		source: 'database',
		workflowId: { __rl: true, mode: 'id', value: workflowId },
		mode,
		options: { waitForSubWorkflow: true },
	});

/** Starts a production run with one item per prompt, and returns the ID of its execution. */
export async function startFlow(n8n: N8nClient, flow: Flow, prompts: string[]): Promise<string> {
	const before = new Set((await executionsOf(n8n, flow.id)).map(({ id }) => id));
	const response = await call(n8n, flow.path, { prompts: prompts.map((prompt) => ({ prompt })) });
	if (!response.ok) {
		throw new Error(`The webhook answered ${response.status}: ${await response.text()}`);
	}
	const { id } = await until(`An execution of ${flow.id}`, async () =>
		(await executionsOf(n8n, flow.id)).find(
			({ id, mode }) => mode === 'webhook' && !before.has(id),
		),
	);
	return id;
}

/** The sub-executions that wait for the videos of a workflow. */
export async function loopsOf(n8n: N8nClient, flow: Flow): Promise<ExecutionRow[]> {
	return (await executionsOf(n8n, flow.id)).filter(({ mode }) => mode === 'integrated');
}

export async function untilSuspended(n8n: N8nClient, id: string): Promise<Execution> {
	return await n8n.waitFor(id, { statuses: ['waiting'], timeoutMs: 90_000, everyMs: 1_000 });
}

/**
 * Calls the resume URL of an execution that waits, so often at once.
 * @returns the HTTP statuses, best first
 */
export async function callResume(
	n8n: N8nClient,
	{ id, data }: Execution,
	path: string,
	token = data.resumeToken ?? '',
	times = 1,
): Promise<number[]> {
	const url = `${n8n.url}/webhook-waiting/${id}${path === '' ? '' : `/${path}`}?signature=${token}`;
	const statuses = await Promise.all(
		Array.from({ length: times }, async () => (await fetch(url, { method: 'POST' })).status),
	);
	return statuses.sort((a, b) => a - b);
}

/** The node with the prompt of its item. */
export function edit(
	name: string,
	sandbox: Sandbox,
	credential: string,
	parameters: INodeParameters = {},
	more: Partial<INode> = {},
): INode {
	const made = wanVideoEdit(name, credential, {
		resource: 'video',
		operation: 'instructionEdit',
		videoSource: 'url',
		videoUrl: sandbox.samples.video.url,
		prompt: '={{ $json.prompt }}',
		resolution: '720P',
		waiting: 'suspend',
		download: true,
		outputField: 'data',
		options: {},
		...parameters,
	});
	return { ...made, ...more };
}

/** A node after the edit that keeps what it gets, and notes which item it came from. */
export const after = (name = 'After') =>
	node(name, 'n8n-nodes-base.set', 3.4, {
		assignments: {
			assignments: [
				{ id: 'from', name: 'from', value: "={{ $('Items').item.json.prompt }}", type: 'string' },
			],
		},
		includeOtherFields: true,
		options: { stripBinary: false },
	});

export interface Seen {
	from: unknown;
	error?: string;
	details?: unknown;
	/** The prompt of the task whose video came. */
	prompt?: unknown;
	/** Whether the video is an MP4 that n8n can hand out. */
	video: boolean;
}

const UUID = /[0-9a-f]{8}-[0-9a-f-]{27}/g;
const anyTask = (text: string) => text.replace(UUID, '<task>');

/** What a node put out, without what differs from run to run. */
export async function seenAt(
	n8n: N8nClient,
	execution: Execution,
	name: string,
	output = 0,
): Promise<Seen[]> {
	const items = outputOf(execution, name, output);
	return await Promise.all(
		items.map(async ({ json, binary }) => {
			const { from, error, details, prompt } = json;
			return {
				from,
				...(error === undefined ? {} : { error: anyTask(JSON.stringify(error)) }),
				...(details === undefined ? {} : { details: stripped(details) }),
				...(prompt === undefined ? {} : { prompt }),
				video: await isVideo(n8n, binary?.data?.id),
			};
		}),
	);
}

function stripped(details: unknown): unknown {
	const text = JSON.stringify(details, (key, value: unknown) =>
		key === 'requestId' ? '<request>' : value,
	);
	return JSON.parse(anyTask(text)) as unknown;
}

async function isVideo(n8n: N8nClient, id: string | undefined): Promise<boolean> {
	if (id === undefined) return false;
	return (await n8n.binary(id)).subarray(4, 8).toString() === 'ftyp';
}

/** The error of an execution, without what differs from run to run. */
export function errorOf({ data }: Execution) {
	const { error } = data.resultData;
	if (error === undefined) return undefined;
	const description = 'description' in error ? error.description : undefined;
	const failed = 'node' in error ? error.node?.name : undefined;
	return {
		name: error.name,
		message: anyTask(error.message),
		description: anyTask(description ?? '').replace(/Request ID: \S+/g, 'Request ID: <request>'),
		node: failed,
	};
}

/** Tasks whose prompt contains this. */
export const tasksOf = (sandbox: Sandbox, prompt: string) =>
	sandbox.tasks().filter((task) => task.prompt.includes(prompt));

/** How long after the end of its task the next node started, in seconds. */
export function addedDelay(sandbox: Sandbox, execution: Execution, prompt: string, name = 'After') {
	const [task] = tasksOf(sandbox, prompt);
	const start = execution.data.resultData.runData[name]?.[0]?.startTime ?? NaN;
	return (start - (task?.endedAt ?? NaN)) / 1000;
}
