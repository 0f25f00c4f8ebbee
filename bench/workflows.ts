// The workflows that are measured: one that only uploads, one that only downloads, and the upload's
// without the node, to tell what n8n itself needs for reading the file.
import type { INode } from 'n8n-workflow';
import type { Workflow } from '../host/client';
import { clipNode, editNode, type EditSettings } from './edit';
import { qwenCloudNode } from './ways';

export const credential = 'Sandbox of the bench';

function node(name: string, type: string, typeVersion: number, parameters = {}): INode {
	return { id: name, name, type, typeVersion, position: [0, 0], parameters };
}

function chain(name: string, nodes: INode[]): Workflow {
	const connections: Workflow['connections'] = {};
	for (const [index, { name: from }] of nodes.entries()) {
		const next = nodes[index + 1];
		if (next) connections[from] = { main: [[{ node: next.name, type: 'main', index: 0 }]] };
	}
	return { name, nodes, connections, settings: { executionOrder: 'v1' } };
}

const trigger = () => node('Start', 'n8n-nodes-base.manualTrigger', 1);

const readFile = (path: string) =>
	node('Read', 'n8n-nodes-base.readWriteFile', 1.1, {
		operation: 'read',
		fileSelector: path,
		options: { dataPropertyName: 'data' },
	});

const edit = (settings: Omit<EditSettings, 'credential' | 'prompt'>): INode =>
	editNode('Edit', {
		credential,
		prompt: 'Make it grey',
		...settings,
		options: { pollInterval: 1, ...settings.options },
	});

const fromBinary = { field: 'data' };

/** @param transfers how many files move at once */
export const uploadWorkflow = (path: string, transfers = 2) =>
	chain('upload', [
		trigger(),
		readFile(path),
		edit({ waiting: 'none', video: fromBinary, options: { transfers } }),
	]);

export const controlWorkflow = (path: string) =>
	chain('control', [trigger(), readFile(path), node('Nothing', 'n8n-nodes-base.noOp', 1)]);

/** One item for each of so many numbers. */
const items = (count: number): INode[] => {
	const numbers = Array.from({ length: count }, (_, index) => index);
	return [
		node('Numbers', 'n8n-nodes-base.set', 3.4, {
			mode: 'raw',
			jsonOutput: JSON.stringify({ numbers }),
		}),
		node('Items', 'n8n-nodes-base.splitOut', 1, { fieldToSplitOut: 'numbers', options: {} }),
	];
};

export type ClipStep = 'split' | 'join';

/** Cuts a file into pieces, and joins them. */
export const clipWorkflow = (path: string, steps: ClipStep[]) =>
	chain('clips', [trigger(), readFile(path), ...steps.map((step) => clipNode(step))]);

/** Runs for a second and touches no file. */
export const idleWorkflow = () =>
	chain('idle', [trigger(), ...items(10), node('Wait', 'n8n-nodes-base.wait', 1.1, { amount: 1 })]);

/** n8n's own download. */
export const fetchWorkflow = (url: string) =>
	chain('fetch', [
		trigger(),
		node('Fetch', 'n8n-nodes-base.httpRequest', 4.2, {
			url,
			options: { response: { response: { responseFormat: 'file' } } },
		}),
	]);

export const downloadWorkflow = (videoUrl: string, count: number) =>
	chain('download', [
		trigger(),
		...items(count),
		edit({ waiting: 'active', video: { url: videoUrl } }),
	]);

/** A small upload and download, so that code and connections are there before anything is measured. */
export const warmUpWorkflow = (path: string) =>
	chain('warm up', [trigger(), readFile(path), edit({ waiting: 'active', video: fromBinary })]);

/** The download of n8n's own node. */
export const qwenCloudWorkflow = () =>
	chain('qwen cloud', [trigger(), ...items(1), qwenCloudNode(credential, 'Make it grey')]);
