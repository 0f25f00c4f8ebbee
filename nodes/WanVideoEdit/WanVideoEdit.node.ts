import { NodeConnectionTypes } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';
import { testDashScope } from '../shared/dashscope/credentialTest';
import { wakeUp, wakeUpWebhooks } from '../shared/n8n/suspend/wakeUp';
import { properties, route } from './actions/router';
import { searchAllModels, searchBillableModels, searchModels } from './fields/model';
import { builderHint, hints } from './hints';

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
		description:
			'Edit a video by instruction or with reference images, using Wan models on DashScope',
		defaults: { name: 'Wan Video Edit' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{
				name: 'dashScopeApi',
				required: true,
				testedBy: 'testDashScope',
				// These two send nothing to DashScope.
				displayOptions: { hide: { operation: ['split', 'join'] } },
			},
		],
		webhooks: wakeUpWebhooks,
		hints,
		builderHint,
		properties,
	};

	methods = {
		credentialTest: { testDashScope },
		listSearch: { searchModels, searchAllModels, searchBillableModels },
	};

	webhook = wakeUp;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await route.call(this);
	}
}
