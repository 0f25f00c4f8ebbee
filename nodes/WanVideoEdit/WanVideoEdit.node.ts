import { NodeConnectionTypes } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';
import { testDashScope } from '../shared/dashscope/credentialTest';
import { wakeUp, wakeUpWebhooks } from '../shared/n8n/suspend/wakeUp';
import { operationFields, route } from './actions/router';

export class WanVideoEdit implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Wan Video Edit',
		name: 'wanVideoEdit',
		icon: {
			light: 'file:../../icons/wanVideoEdit.svg',
			dark: 'file:../../icons/wanVideoEdit.dark.svg',
		},
		group: ['transform'],
		version: 1,
		subtitle: '={{ $parameter["operation"] + ": " + $parameter["resource"] }}',
		description: 'Edit a video by instruction or with reference images, using Wan on DashScope',
		defaults: { name: 'Wan Video Edit' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'dashScopeApi', required: true, testedBy: 'testDashScope' }],
		webhooks: wakeUpWebhooks,
		properties: [
			{
				displayName: 'Resource',
				name: 'resource',
				type: 'options',
				noDataExpression: true,
				default: 'video',
				options: [
					{ name: 'Task', value: 'task' },
					{ name: 'Video', value: 'video' },
				],
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				default: 'instructionEdit',
				displayOptions: { show: { resource: ['video'] } },
				options: [
					{
						name: 'Instruction Edit',
						value: 'instructionEdit',
						description: 'Change a video as a text says',
						action: 'Edit a video by instruction',
					},
					{
						name: 'Reference Edit',
						value: 'referenceEdit',
						description: 'Change a video with the help of one to four pictures',
						action: 'Edit a video with reference images',
					},
				],
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				default: 'getStatus',
				displayOptions: { show: { resource: ['task'] } },
				options: [
					{
						name: 'Get Status',
						value: 'getStatus',
						description: 'Ask for a task by its ID and fetch the video when it is finished',
						action: 'Get the status of a task',
					},
				],
			},
			...operationFields,
		],
	};

	methods = { credentialTest: { testDashScope } };

	webhook = wakeUp;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await route.call(this);
	}
}
