// The ways to have a video edited that are measured side by side: what stands between the items and the next node.
import type { INode, INodeParameters } from 'n8n-workflow';
import type { Credential } from '../host/client';
import type { Sandbox } from '../sandbox';
import { credentialData, node } from '../test/e2e/support';
import { editNode } from './edit';

export type Way = 'active' | 'suspended' | 'qwenCloud' | 'drawn' | 'batched';

/** As the tables name them. */
export const TITLES: Record<Way, string> = {
	active: '(a) this node, active',
	suspended: '(b) this node, suspended',
	qwenCloud: '(c) Qwen Cloud node',
	drawn: '(d) HTTP Request, Wait, If',
	batched: '(d) with batching',
};

/** What is measured everywhere; `batched` only where the drawn loop fails without it. */
export const FOUR: readonly Way[] = ['active', 'suspended', 'qwenCloud', 'drawn'];

/** Where a way sends its requests. */
interface Address {
	sandbox: Sandbox;
	/** The sandbox's, or that of what stands in front of it. */
	url: string;
	/** The name of the way's credential. */
	credential: string;
}

interface Path {
	nodes: INode[];
	/** Lines of connected nodes, such as ['Create', 'Wait']. */
	lines: string[][];
	/** Where each output of a node with several leads to. */
	outputs?: Record<string, string[]>;
	/** The first and the last of them. */
	first: string;
	last: string;
}

const PROMPT = '={{ $json.prompt }}';

/** @param exclusive whether it says that only this n8n uses the account; n8n's own node has no such setting */
export function credentialOf(
	way: Way,
	{ sandbox, url, credential }: Address,
	exclusive = false,
): Credential {
	return way === 'qwenCloud'
		? {
				name: credential,
				type: 'alibabaCloudApi',
				data: { apiKey: sandbox.apiKey, region: 'cn-beijing', workspaceId: '', url },
			}
		: { name: credential, type: 'dashScopeApi', data: { ...credentialData(sandbox), exclusive } };
}

/** The nodes of a way, with the settings of its node or nodes. */
export function pathOf(way: Way, address: Address, settings: Partial<INode> = {}): Path {
	if (way === 'qwenCloud') return single(qwenCloudNode(address.credential, PROMPT), settings);
	if (way === 'drawn') return drawn(address, settings, {});
	// A quarter of a second apart: five submissions a second are allowed, and timers are not exact.
	if (way === 'batched') {
		const batching = { batch: { batchSize: 1, batchInterval: 250 } };
		return drawn(address, settings, { batching });
	}
	const edit = editNode('Edit', {
		waiting: way === 'active' ? 'active' : 'suspend',
		credential: address.credential,
		video: { url: address.sandbox.samples.video.url },
		prompt: PROMPT,
	});
	return single(edit, settings);
}

function single(only: INode, settings: Partial<INode>): Path {
	const { name } = only;
	return { nodes: [{ ...only, ...settings }], lines: [], first: name, last: name };
}

/** n8n's own node, with its download. */
export function qwenCloudNode(credential: string, prompt: string): INode {
	return node(
		'Generate',
		'@n8n/n8n-nodes-langchain.alibabaCloud',
		1.1,
		{
			resource: 'video',
			operation: 'textToVideo',
			modelId: { __rl: true, mode: 'id', value: 'wan2.6-t2v' },
			prompt,
			resolution: '720P',
			duration: 5,
			downloadVideo: true,
			simplify: false,
		},
		{ credentials: { alibabaCloudApi: { id: null, name: credential } } },
	);
}

/** The median of the waits in public templates. */
const DRAWN_WAIT_SECONDS = 15;

/** Trigger, create, wait, ask, decide, fetch, and what follows: as most public templates draw it. */
function drawn({ sandbox }: Address, settings: Partial<INode>, options: INodeParameters): Path {
	const authorization = { name: 'Authorization', value: `Bearer ${sandbox.apiKey}` };
	const http = (name: string, parameters: INodeParameters) => ({
		...node(name, 'n8n-nodes-base.httpRequest', 4.2, parameters),
		...settings,
	});
	// n8n puts the prompt in; what stands outside of its double braces is plain text.
	const body = JSON.stringify(
		{
			model: 'wan2.7-videoedit',
			input: {
				prompt: '{{ $json.prompt }}',
				media: [{ type: 'video', url: sandbox.samples.video.url }],
			},
			parameters: { resolution: '720P' },
		},
		undefined,
		'\t',
	);
	return {
		nodes: [
			http('Create', {
				method: 'POST',
				url: `${sandbox.url}/api/v1/services/aigc/video-generation/video-synthesis`,
				sendHeaders: true,
				headerParameters: {
					parameters: [authorization, { name: 'X-DashScope-Async', value: 'enable' }],
				},
				sendBody: true,
				specifyBody: 'json',
				jsonBody: `=${body}`,
				options,
			}),
			node('Wait', 'n8n-nodes-base.wait', 1.1, { amount: DRAWN_WAIT_SECONDS, unit: 'seconds' }),
			http('Ask', {
				url: `=${sandbox.url}/api/v1/tasks/{{ $json.output.task_id }}`,
				sendHeaders: true,
				headerParameters: { parameters: [authorization] },
				options,
			}),
			node('Done?', 'n8n-nodes-base.if', 2.2, {
				conditions: {
					options: { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 2 },
					combinator: 'and',
					conditions: [
						{
							id: 'done',
							leftValue: '={{ $json.output.task_status }}',
							rightValue: 'SUCCEEDED',
							operator: { type: 'string', operation: 'equals' },
						},
					],
				},
				options: {},
			}),
			http('Fetch', {
				url: '={{ $json.output.video_url }}',
				options: { response: { response: { responseFormat: 'file' } } },
			}),
		],
		lines: [['Create', 'Wait', 'Ask', 'Done?']],
		outputs: { 'Done?': ['Fetch', 'Wait'] },
		first: 'Create',
		last: 'Fetch',
	};
}
