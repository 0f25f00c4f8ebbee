import 'reflect-metadata';
import { userFolder } from './userFolder';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Logger } from '@n8n/backend-common';
import { Container } from '@n8n/di';
import {
	BinaryDataConfig,
	BinaryDataService,
	CredentialTestContext,
	DataDeduplicationService,
	ExecutionLifecycleHooks,
	WorkflowExecute,
} from 'n8n-core';
import { BINARY_MODE_COMBINED, LoggerProxy, Workflow, createRunExecutionData } from 'n8n-workflow';
import type {
	IBinaryData,
	ICredentialDataDecryptedObject,
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	INode,
	INodeCredentialTestResult,
	INodeExecutionData,
	INodeParameters,
	INodeType,
	INodeTypes,
	IRun,
	IRunExecutionData,
	IWorkflowExecuteAdditionalData,
	WorkflowExecuteMode,
} from 'n8n-workflow';
import { DashScopeApi } from '../../credentials/DashScopeApi.credentials';
import { WanVideoEdit } from '../../nodes/WanVideoEdit/WanVideoEdit.node';
import { ProcessedData } from '../processedData';

/**
 * Runs the compiled node in n8n's own engine: a start node that gives the items, then the node, alone or in a
 * loop, then one end for each output.
 */

/** What n8n and the node log, of all levels, newest last. */
const logged: string[] = [];

function captureLog(): Logger {
	const keep = (...parts: unknown[]) => {
		logged.push(parts.map((part) => (typeof part === 'string' ? part : safeJson(part))).join(' '));
	};
	const logger = { error: keep, warn: keep, info: keep, debug: keep, scoped: () => logger };
	LoggerProxy.init(logger);
	return logger as unknown as Logger;
}

/** JSON with errors and their causes, however they nest. */
function safeJson(value: unknown): string {
	const seen = new Set<unknown>();
	return (
		JSON.stringify(value, (_key, part: unknown) => {
			if (typeof part !== 'object' || part === null) return part;
			if (seen.has(part)) return '[seen]';
			seen.add(part);
			if (!(part instanceof Error)) return part;
			const { message, stack, cause } = part;
			return { ...part, message, stack, cause };
		}) ?? ''
	);
}

Container.set(Logger, captureLog());
void DataDeduplicationService.init(new ProcessedData());

export type BinaryMode = 'filesystem' | 'default';

/** Sets n8n's binary store up; `default` keeps files as base64 in the items. */
export async function useBinaryMode(mode: BinaryMode): Promise<void> {
	const localStoragePath = join(userFolder, 'storage');
	Object.assign(Container.get(BinaryDataConfig), { mode, localStoragePath });
	const service = Container.get(BinaryDataService);
	await service.init();
	if (mode === 'default') Object.assign(service, { mode: 'default' });
}

export async function removeUserFolder(): Promise<void> {
	await rm(userFolder, { recursive: true, force: true });
}

/** Puts a file into n8n's binary store, as an earlier node of the execution would. */
export async function storeBinary(
	content: Buffer,
	fileName: string,
	mimeType: string,
): Promise<IBinaryData> {
	return await Container.get(BinaryDataService).store(
		{ type: 'execution', workflowId: 'w1', executionId: 'e1' },
		content,
		{ data: '', fileName, mimeType },
	);
}

export async function readBinary(binary: IBinaryData): Promise<Buffer> {
	return await Container.get(BinaryDataService).getAsBuffer(binary);
}

const description = (name: string, outputs: INodeType['description']['outputs']) => ({
	displayName: name,
	name,
	group: ['transform' as const],
	version: 1,
	description: name,
	defaults: { name },
	inputs: ['main' as const],
	outputs,
	properties: [],
});

/** Gives the items of the test. */
const start = (items: INodeExecutionData[]): INodeType => ({
	description: { ...description('start', ['main']), group: ['trigger'], inputs: [] },
	async execute() {
		return await Promise.resolve([items]);
	},
});

const pass: INodeType = {
	description: description('pass', ['main']),
	async execute(this: IExecuteFunctions) {
		return await Promise.resolve([this.getInputData()]);
	},
};

/** What "Loop Over Items" does: so many items at a time on its second output, until none are left. */
const loop = (batchSize: number): INodeType => ({
	description: description('loop', ['main', 'main']),
	async execute(this: IExecuteFunctions) {
		const context = this.getContext('node');
		const waiting = Array.isArray(context.items) ? context.items : this.getInputData();
		context.items = waiting.slice(batchSize);
		const batch = waiting.slice(0, batchSize);
		return await Promise.resolve(batch.length === 0 ? [[{ json: {} }], []] : [[], batch]);
	},
});

/** What n8n makes of a node that says `usableAsTool`. */
function asTool(): INodeType {
	const node = new WanVideoEdit();
	node.description.name += 'Tool';
	node.description.inputs = [];
	node.description.outputs = ['ai_tool'];
	return node;
}

interface Tool {
	name: string;
	description: string;
	invoke(args: object): Promise<unknown>;
}

/**
 * Calls each of its tools once with the json of each item, as an agent does, and gives what it was told. Items with the
 * same `wave` are called at once.
 */
const agent: INodeType = {
	description: {
		...description('agent', ['main']),
		inputs: ['main', { type: 'ai_tool' }],
	},
	async execute(this: IExecuteFunctions) {
		const tools = (await this.getInputConnectionData('ai_tool', 0)) as Tool[];
		const calls = this.getInputData().flatMap(({ json: { wave, ...args } }, item) =>
			tools.map((tool) => ({ tool, args, wave: wave ?? `item ${item}` })),
		);
		const answers: INodeExecutionData[] = [];
		for (const wave of new Set(calls.map((call) => call.wave))) {
			const told = calls
				.filter((call) => call.wave === wave)
				.map(async ({ tool, args }): Promise<INodeExecutionData> => {
					const said = await tool
						.invoke(args)
						.then(String, (error: Error) => `Error: ${error.message}`);
					return { json: { tool: tool.name, description: tool.description, said } };
				});
			answers.push(...(await Promise.all(told)));
		}
		return [answers];
	},
};

/** Evaluates its parameter for every item, as nodes after this one do to find out where an item came from. */
const lookUp: INodeType = {
	description: {
		...description('lookUp', ['main']),
		properties: [{ displayName: 'Value', name: 'value', type: 'string', default: '' }],
	},
	async execute(this: IExecuteFunctions) {
		const value = (item: number) => {
			try {
				return this.getNodeParameter('value', item);
			} catch (error) {
				return error instanceof Error ? error.message : String(error);
			}
		};
		return await Promise.resolve([
			this.getInputData().map((_, item) => ({ json: { value: value(item) } })),
		]);
	},
};

export interface EngineOptions {
	credential: ICredentialDataDecryptedObject;
	/** Node settings such as retryOnFail, onError. */
	settings?: Partial<INode>;
	/** "Execution Logic v2": the files of an item are in its json. */
	filesInJson?: boolean;
	mode?: WorkflowExecuteMode;
	/** Execution data to go on from, as {@link retryData} makes it. */
	from?: IRunExecutionData;
	/** Runs the node in a loop, so many items at a time. */
	batchSize?: number;
	/** An expression that nodes after this one evaluate for each item. */
	lookUp?: string;
	/** Cuts the timeouts of calls with the key, in milliseconds. */
	requestTimeout?: number;
	/** Of the node; `wanVideoEditTool` as n8n's engine runs it for an agent. */
	type?: 'wanVideoEdit' | 'wanVideoEditTool';
	/** Lets an agent call it as its tool, once for each item, with the item's json as its arguments. */
	byAgent?: boolean;
	/** Answers calls in place of the network; calls it has no answer for fail. */
	network?: (request: IHttpRequestOptions) => { statusCode: number; body: unknown } | undefined;
}

export interface EngineRun {
	run: IRun;
	/** Items on the node's first output. */
	items: INodeExecutionData[];
	/** What an agent was told. */
	answers: IDataObject[];
	/** Items on its error output. */
	errors: INodeExecutionData[];
	/** What the node threw, if the execution failed. */
	error?: Error & { description?: string | null };
	hints: string[];
	/** Values of `lookUp` for the items of the two outputs. */
	lookedUp: { items: unknown[]; errors: unknown[] };
	/** What was logged meanwhile. */
	log: string[];
	/** Everything about the run that n8n keeps or shows, as text. */
	text: string;
}

export const NODE = 'Wan Video Edit';

function nodeTypesFor(items: INodeExecutionData[], { batchSize = 1 }: EngineOptions): INodeTypes {
	const types: Record<string, INodeType> = {
		start: start(items),
		pass,
		loop: loop(batchSize),
		lookUp,
		wanVideoEdit: new WanVideoEdit(),
		wanVideoEditTool: asTool(),
		agent,
	};
	const get = (name: string) => {
		const type = types[name];
		if (type === undefined) throw new Error(`No node type ${name}`);
		return type;
	};
	return {
		getByName: get,
		getByNameAndVersion: get,
		getKnownTypes: () => ({}),
	};
}

function workflowFor(
	items: INodeExecutionData[],
	parameters: INodeParameters,
	options: EngineOptions,
): Workflow {
	const node = (id: string, name: string, type: string, more: Partial<INode> = {}): INode => ({
		id,
		name,
		type,
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
		...more,
	});
	const to = (...names: string[]) =>
		names.map((name) => ({ node: name, type: 'main' as const, index: 0 }));
	const looped = options.batchSize !== undefined;
	const back = looped ? ['Loop'] : [];
	return new Workflow({
		id: 'w1',
		name: 'engine test',
		active: false,
		nodeTypes: nodeTypesFor(items, options),
		settings: {
			executionOrder: 'v1',
			...(options.filesInJson ? { binaryMode: BINARY_MODE_COMBINED } : {}),
		},
		nodes: [
			node('1', 'Start', 'start'),
			node('2', NODE, options.type ?? 'wanVideoEdit', {
				parameters,
				credentials: { dashScopeApi: { id: 'c1', name: 'test' } },
				...options.settings,
			}),
			node('3', 'Good', 'pass'),
			node('4', 'Bad', 'pass'),
			node('5', 'Loop', 'loop'),
			node('6', 'Look up good', 'lookUp', { parameters: { value: options.lookUp ?? '' } }),
			node('7', 'Look up bad', 'lookUp', { parameters: { value: options.lookUp ?? '' } }),
			node('8', 'Agent', 'agent'),
		],
		connections: {
			Start: { main: [to(options.byAgent ? 'Agent' : looped ? 'Loop' : NODE)] },
			Loop: { main: [[], to(NODE)] },
			[NODE]: {
				main: [to('Good', ...back), to('Bad', ...back)],
				ai_tool: [[{ node: 'Agent', type: 'ai_tool', index: 0 }]],
			},
			Good: { main: [to('Look up good')] },
			Bad: { main: [to('Look up bad')] },
		},
	});
}

/** The part of n8n's credential handling that the engine calls; the key travels as the credential says. */
export function credentialsHelper({
	credential,
	requestTimeout = Infinity,
}: Pick<EngineOptions, 'credential' | 'requestTimeout'>) {
	const { authenticate } = new DashScopeApi();
	return {
		getParentTypes: () => [],
		getDecrypted: async () => await Promise.resolve(credential),
		getCredentials: async () => await Promise.reject(new Error('not used')),
		preAuthentication: async () => await Promise.resolve(undefined),
		authenticate: async (
			data: ICredentialDataDecryptedObject,
			_type: string,
			request: IHttpRequestOptions,
		) => {
			const authenticated = await authenticate(data, request);
			return {
				...authenticated,
				timeout: Math.min(request.timeout ?? Infinity, requestTimeout),
			};
		},
		getCredentialsProperties: () => [],
		updateCredentials: async () => await Promise.resolve(),
		updateCredentialsOauthTokenData: async () => await Promise.resolve(),
		runPreAuthentication: async () => await Promise.resolve(undefined),
		isCredentialUsableByNode: () => true,
	};
}

/** What the credential's Test button does. */
export async function testCredential(
	data: ICredentialDataDecryptedObject,
): Promise<INodeCredentialTestResult> {
	const { testDashScope } = new WanVideoEdit().methods.credentialTest;
	return await testDashScope.call(new CredentialTestContext(), {
		id: 'c1',
		name: 'test',
		type: 'dashScopeApi',
		data,
	});
}

/** A started execution: its end, and Stop. */
export interface Started {
	done: Promise<EngineRun>;
	stop(): void;
	/** What was logged since its start, its end included. */
	log(): string[];
}

export function startNode(
	items: INodeExecutionData[],
	parameters: INodeParameters,
	options: EngineOptions,
): Started {
	const mode = options.mode ?? 'trigger';
	const workflow = workflowFor(items, withDefaults(parameters), options);
	const { network } = options;
	const additionalData = {
		executionId: 'e1',
		workflowId: 'w1',
		credentialsHelper: credentialsHelper(options),
		evalLlmMockHandler:
			network === undefined
				? undefined
				: async (request: IHttpRequestOptions) => {
						const answer = network(request);
						if (answer === undefined) throw new Error(`No network: ${request.url}`);
						return await Promise.resolve({ headers: {}, ...answer });
					},
		hooks: new ExecutionLifecycleHooks(mode, 'e1', {
			id: 'w1',
			name: workflow.name ?? '',
			active: false,
			activeVersionId: null,
			isArchived: false,
			nodes: Object.values(workflow.nodes),
			connections: workflow.connectionsBySourceNode,
			createdAt: new Date(),
			updatedAt: new Date(),
		}),
		currentNodeParameters: parameters,
		restApiUrl: 'http://localhost:5678/rest',
		instanceBaseUrl: 'http://localhost:5678/',
		webhookWaitingBaseUrl: 'http://localhost:5678/webhook-waiting',
		formWaitingBaseUrl: 'http://localhost:5678/form-waiting',
		webhookBaseUrl: '',
		variables: {},
		getRunExecutionData: async () => await Promise.resolve(options.from),
		setExecutionStatus: () => undefined,
	} as unknown as IWorkflowExecuteAdditionalData;

	const logStart = logged.length;
	const data = options.from ?? createRunExecutionData({});
	const execution =
		options.from === undefined
			? new WorkflowExecute(additionalData, mode, data).run({
					workflow,
					startNode: workflow.nodes.Start,
				})
			: new WorkflowExecute(additionalData, mode, data).processRunExecutionData(workflow);
	return {
		done: execution.then((run: IRun) => summarise(run, logged.slice(logStart))),
		stop: () => execution.cancel(),
		log: () => logged.slice(logStart),
	};
}

/** Runs the node once over the items and waits for the end of the execution. */
export async function runNode(
	items: INodeExecutionData[],
	parameters: INodeParameters,
	options: EngineOptions,
): Promise<EngineRun> {
	return await startNode(items, parameters, options).done;
}

/** What the editor fills in: defaults of the fields that a test does not set. */
function withDefaults(parameters: INodeParameters): INodeParameters {
	return { resource: 'video', operation: 'instructionEdit', ...parameters };
}

/**
 * The data that n8n's "Retry execution" goes on from: what was saved of a failed run, without the failed node's
 * last run and its error.
 */
export function retryData({ run }: EngineRun): IRunExecutionData {
	const data = JSON.parse(JSON.stringify(run.data)) as IRunExecutionData;
	const { resultData } = data;
	const { lastNodeExecuted = '' } = resultData;
	delete resultData.error;
	const runs = resultData.runData[lastNodeExecuted];
	if (runs?.at(-1)?.error !== undefined) runs.pop();
	return data;
}

function summarise(run: IRun, log: string[]): EngineRun {
	const { runData, error } = run.data.resultData;
	const output = (name: string, index = 0) =>
		runData[name]?.flatMap((one) => one.data?.main?.[index] ?? []) ?? [];
	const values = (name: string) => output(name).map(({ json }) => json.value);
	return {
		run,
		items: output(NODE),
		answers: output('Agent').map(({ json }) => json),
		errors: output(NODE, 1),
		error,
		hints: runData[NODE]?.flatMap((one) => one.hints?.map((hint) => hint.message) ?? []) ?? [],
		lookedUp: { items: values('Look up good'), errors: values('Look up bad') },
		log,
		text: `${safeJson(run)} ${log.join('\n')}`,
	};
}
