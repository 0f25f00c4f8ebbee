import { NodeConnectionTypes } from 'n8n-workflow';
import type {
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
	IPollFunctions,
} from 'n8n-workflow';
import { testDashScope } from '../shared/dashscope/credentialTest';
import { asNodeError } from '../shared/n8n/failures';
import { toError } from '../shared/thrown';
import { properties, searchTriggerModels } from './fields';
import { pollAtRestart, pollOnce, testEvent } from './poll';
import { isRestart } from './restart';

export class WanVideoEditTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Wan Video Edit Trigger',
		name: 'wanVideoEditTrigger',
		icon: {
			light: 'file:../../icons/wanVideoEdit.svg',
			dark: 'file:../../icons/wanVideoEdit.dark.svg',
		},
		group: ['trigger'],
		version: 1,
		subtitle: '={{ $parameter["event"] }}',
		description:
			'Edit videos with Wan models on DashScope, or start a workflow when an edit has finished',
		defaults: { name: 'Wan Video Edit Trigger' },
		polling: true,
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'dashScopeApi', required: true, testedBy: 'testDashScope' }],
		properties,
	};

	methods = {
		credentialTest: { testDashScope },
		listSearch: { searchModels: searchTriggerModels },
	};

	async poll(this: IPollFunctions): Promise<INodeExecutionData[][] | null> {
		try {
			if (this.getMode() === 'manual') return await testEvent.call(this);
			return isRestart(this) ? await pollAtRestart.call(this) : await pollOnce.call(this);
		} catch (thrown) {
			throw asNodeError(this, toError(thrown));
		}
	}
}
