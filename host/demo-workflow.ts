import type { INode } from 'n8n-workflow';
import type { Workflow } from './client';

export const editNode = 'Edit Video with Wan';

export const credentialName = 'DashScope (Demo)';

export interface DemoFiles {
	input: string;
	output: string;
}

const note = (where: string) => `## A video edited by one instruction
1. **Read the Sample Video** puts an MP4 into the item as the binary field \`data\`.
2. **${editNode}** uploads it, has ${where} edit it and waits for the result.
3. **Save the Edited Video** writes the finished MP4 to disk.

Change the instruction in *${editNode}* and click **Execute workflow**. Pixel art, grey, blur …`;

/** Manual trigger → read a file → Wan Video Edit → write a file. */
export function demoWorkflow(files: DemoFiles, where: string): Workflow {
	const node = (
		name: string,
		type: string,
		typeVersion: number,
		position: [number, number],
		parameters: INode['parameters'],
	): INode => ({ id: name, name, type, typeVersion, position, parameters });

	const steps = [
		node('Start by Hand', 'n8n-nodes-base.manualTrigger', 1, [0, 0], {}),
		node('Read the Sample Video', 'n8n-nodes-base.readWriteFile', 1.1, [240, 0], {
			operation: 'read',
			fileSelector: files.input,
			options: {},
		}),
		{
			...node(editNode, 'n8n-nodes-wan-video-edit.wanVideoEdit', 1, [480, 0], {
				resource: 'video',
				operation: 'instructionEdit',
				videoSource: 'binary',
				videoField: 'data',
				prompt: 'Turn this video into 8-bit pixel art',
				resolution: '720P',
				waiting: 'auto',
				download: true,
				outputField: 'data',
				options: {},
			}),
			credentials: { dashScopeApi: { id: null, name: credentialName } },
		},
		node('Save the Edited Video', 'n8n-nodes-base.readWriteFile', 1.1, [720, 0], {
			operation: 'write',
			fileName: files.output,
			dataPropertyName: 'data',
			options: {},
		}),
	];
	const connections: Workflow['connections'] = {};
	for (const [index, { name }] of steps.slice(1).entries()) {
		connections[steps[index]?.name ?? ''] = { main: [[{ node: name, type: 'main', index: 0 }]] };
	}
	const sticky = node('About This Workflow', 'n8n-nodes-base.stickyNote', 1, [-40, -300], {
		content: note(where),
		width: 920,
		height: 240,
	});
	return {
		name: 'Wan Video Edit Demo',
		nodes: [...steps, sticky],
		connections,
		settings: { executionOrder: 'v1' },
	};
}

export const demoCredential = (data: Record<string, string>) => ({
	name: credentialName,
	type: 'dashScopeApi',
	data,
});
