import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

/** What an operation file exports. */
export interface Operation {
	/** How it is shown in the list of operations; `action` in that of n8n's node search. */
	option: { name: string; description: string; action: string };
	/** Its own fields, without those that choose it. */
	fields: INodeProperties[];
	execute(this: IExecuteFunctions): Promise<INodeExecutionData[]>;
}

/** A resource, with its operations by value in the order in which they are shown. */
export interface Resource {
	name: string;
	operations: Record<string, Operation>;
}
