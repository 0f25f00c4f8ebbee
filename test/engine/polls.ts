import { Container } from '@n8n/di';
import { PollContext, TriggersAndPollers } from 'n8n-core';
import { NodeHelpers, Workflow } from 'n8n-workflow';
import type {
	ICredentialDataDecryptedObject,
	IDataObject,
	INodeExecutionData,
	INodeParameters,
	IWorkflowExecuteAdditionalData,
	WorkflowExecuteMode,
} from 'n8n-workflow';
import { WanVideoEditTrigger } from '../../nodes/WanVideoEditTrigger/WanVideoEditTrigger.node';
import { credentialsHelper } from './engine';

const NAME = 'Wan Video Edit Trigger';

/** The trigger in an active workflow of n8n's engine. */
export interface ActiveTrigger {
	/** One poll, as n8n's clock starts it; `manual` is "Fetch Test Event". */
	poll(mode?: WorkflowExecuteMode): Promise<INodeExecutionData[] | null>;
	/** n8n starts again with what is saved of the workflow. */
	restart(): void;
	/** n8n has not kept what the trigger remembers. */
	forget(): void;
	/** What the trigger remembers. */
	memory(): IDataObject;
}

let count = 0;

/** @param budgetMs the time that n8n gives a poll, in milliseconds; n8n's own by default */
export function activeTrigger(
	credential: ICredentialDataDecryptedObject,
	parameters: INodeParameters = {},
	budgetMs?: number,
): ActiveTrigger {
	const id = `w${++count}`;
	const type = new WanVideoEditTrigger();
	const given = NodeHelpers.getNodeParameters(
		type.description.properties,
		parameters,
		true,
		false,
		null,
		type.description,
	);
	let workflow = begin(given ?? {}, {});

	function begin(its: INodeParameters, staticData: IDataObject): Workflow {
		const get = () => type;
		return new Workflow({
			id,
			name: 'trigger test',
			active: true,
			nodeTypes: { getByName: get, getByNameAndVersion: get, getKnownTypes: () => ({}) },
			staticData,
			nodes: [
				{
					id: '1',
					name: NAME,
					type: 'wanVideoEditTrigger',
					typeVersion: 1,
					position: [0, 0],
					parameters: its,
					credentials: { dashScopeApi: { id: 'c1', name: 'test' } },
				},
			],
			connections: {},
		});
	}

	return {
		poll: async (mode = 'trigger') => {
			const node = workflow.nodes[NAME];
			if (node === undefined) throw new Error('There is no trigger');
			const additionalData = {
				workflowId: id,
				credentialsHelper: credentialsHelper({ credential }),
				restApiUrl: '',
				variables: {},
			} as unknown as IWorkflowExecuteAdditionalData;
			const context = new PollContext(workflow, node, additionalData, mode, 'activate');
			if (budgetMs !== undefined) Object.assign(context, { getPollBudgetMs: () => budgetMs });
			const output = await Container.get(TriggersAndPollers).runPollFunction(
				workflow,
				node,
				context,
			);
			return output?.[0] ?? null;
		},
		restart: () => {
			const kept = JSON.parse(JSON.stringify(workflow.staticData)) as IDataObject;
			workflow = begin(given ?? {}, kept);
		},
		forget: () => {
			workflow = begin(given ?? {}, {});
		},
		memory: () => JSON.parse(JSON.stringify(workflow.staticData)) as IDataObject,
	};
}
