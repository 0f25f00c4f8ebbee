import { Container } from '@n8n/di';
import { PollContext, TriggersAndPollers } from 'n8n-core';
import { NodeHelpers, Workflow } from 'n8n-workflow';
import type {
	ICredentialDataDecryptedObject,
	IDataObject,
	INodeExecutionData,
	INodeParameters,
	IWorkflowExecuteAdditionalData,
	WorkflowActivateMode,
	WorkflowExecuteMode,
} from 'n8n-workflow';
import { WanVideoEditTrigger } from '../../nodes/WanVideoEditTrigger/WanVideoEditTrigger.node';
import { credentialsHelper } from './engine';

const NAME = 'Wan Video Edit Trigger';

/** The trigger in an active workflow of n8n's engine. */
export interface ActiveTrigger {
	/** One poll, as n8n's clock starts it; `manual` is "Fetch Test Event". */
	poll(mode?: WorkflowExecuteMode): Promise<INodeExecutionData[] | null>;
	/** n8n starts again with what is saved of the workflow, or activates it anew. */
	restart(activation?: WorkflowActivateMode): void;
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
	let context = contextOf('trigger', 'activate');

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

	/** What n8n makes when it activates the trigger, and keeps for all polls. */
	function contextOf(mode: WorkflowExecuteMode, activation: WorkflowActivateMode) {
		const node = workflow.nodes[NAME];
		if (node === undefined) throw new Error('There is no trigger');
		const additionalData = {
			workflowId: id,
			credentialsHelper: credentialsHelper({ credential }),
			restApiUrl: '',
			variables: {},
		} as unknown as IWorkflowExecuteAdditionalData;
		const functions = new PollContext(workflow, node, additionalData, mode, activation);
		if (budgetMs !== undefined) Object.assign(functions, { getPollBudgetMs: () => budgetMs });
		return { node, functions };
	}

	return {
		poll: async (mode = 'trigger') => {
			// Of a test event, n8n makes the functions for it alone.
			const its = mode === 'trigger' ? context : contextOf(mode, 'manual');
			const { node } = its;
			const output = await Container.get(TriggersAndPollers).runPollFunction(
				workflow,
				node,
				its.functions,
			);
			return output?.[0] ?? null;
		},
		restart: (activation = 'init') => {
			const kept = JSON.parse(JSON.stringify(workflow.staticData)) as IDataObject;
			workflow = begin(given ?? {}, kept);
			context = contextOf('trigger', activation);
		},
		forget: () => {
			workflow = begin(given ?? {}, {});
			context = contextOf('trigger', 'activate');
		},
		memory: () => JSON.parse(JSON.stringify(workflow.staticData)) as IDataObject,
	};
}
