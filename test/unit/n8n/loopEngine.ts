import { Readable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import type {
	IBinaryData,
	ICredentialDataDecryptedObject,
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	INode,
	INodeExecutionData,
	INodeParameters,
	IWebhookFunctions,
	IWebhookResponseData,
	IWorkflowBase,
	IWorkflowSettings,
} from 'n8n-workflow';
import { WanVideoEdit } from '../../../nodes/WanVideoEdit/WanVideoEdit.node';
import { VIDEO_URL } from '../requests';
import { START, VirtualClock } from '../virtualClock';
import { VirtualService } from '../virtualService';
import type { Plan, ServiceOptions } from '../virtualService';

/**
 * As much of n8n as the suspended wait needs, on a virtual clock: a node that starts a sub-execution and waits for
 * it, the loop in there (first step → If → check → If → …), executions that are saved as JSON whenever they wait,
 * and the tracker that wakes them. What it does was read in n8n 2.41.1 and is seen in test/e2e/suspend.test.ts.
 */

let current: VirtualClock | undefined;

jest.mock('n8n-workflow', () => ({
	...jest.requireActual<object>('n8n-workflow'),
	sleep: async (ms: number, signal?: AbortSignal) => await virtualSleep(ms, signal),
}));

async function virtualSleep(ms: number, signal?: AbortSignal): Promise<void> {
	if (current === undefined) throw new Error('There is no clock');
	const { clock } = { clock: current };
	await new Promise<void>((resolve, reject) => {
		const leave = () => reject(new Error('aborted'));
		if (signal?.aborted) leave();
		signal?.addEventListener('abort', leave, { once: true });
		clock.at(clock.now() + ms, resolve);
	});
}

afterEach(() => {
	current = undefined;
	jest.restoreAllMocks();
});

/** n8n looks for executions to wake this often, and sets exact timers for those due a little later. */
const TRACKER_MS = 60_000;
const TRACKER_REACH_MS = 70_000;

export const EDIT: INode = {
	id: 'edit',
	name: 'Edit',
	type: 'n8n-nodes-wan-video-edit.wanVideoEdit',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
	credentials: { dashScopeApi: { id: 'c1', name: 'DashScope' } },
};

const POLICY = {
	statusCode: 200,
	headers: {},
	body: {
		request_id: 'r',
		data: { upload_host: 'https://store.example', upload_dir: 'dir', policy: 'p', signature: 's' },
	},
};

const WAITING_URL = 'http://n8n.example/webhook-waiting';

export interface Options extends ServiceOptions {
	/** Of the items; for an operation on tasks, their IDs. */
	prompts?: string[];
	plans?: Plan[];
	parameters?: INodeParameters;
	options?: INodeParameters;
	/** Node settings such as retryOnFail, onError. */
	settings?: Partial<INode>;
	workflowSettings?: IWorkflowSettings;
	clock?: VirtualClock;
	service?: VirtualService;
	id?: string;
	/** With these, items have a video and results are files: what n8n's store holds of them is its content. */
	files?: {
		/** Of every item, in its field `data`. */
		video: Buffer;
		/** The video that a task makes. */
		resultOf(taskId: string): Buffer;
	};
}

/** How an execution is saved. */
interface Saved {
	output: INodeExecutionData[];
	context: IDataObject;
}

const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** The sub-execution that waits. */
export class LoopExecution {
	status: 'running' | 'waiting' | 'success' | 'error' = 'running';
	waitTill = 0;
	/** What the last step handed on. */
	output: INodeExecutionData[] = [];
	error?: Error & { description?: string | null };
	hints: string[] = [];
	context: IDataObject = {};
	/** What n8n calls the kind of execution that it is. */
	mode = 'integrated';
	/** How often the check has run. */
	turns = 0;
	/** When the looks began: whenever it was woken. */
	readonly looks: number[] = [];
	/** What the turns of the check have handed on. */
	private runs: INodeExecutionData[][] = [];
	/** The same as saved last. */
	private saved: INodeExecutionData[][] = [];
	private wakeUp: () => void = () => undefined;
	private woken = new Promise<void>(() => undefined);

	constructor(
		readonly id: string,
		private readonly engine: SuspendedRun,
		readonly workflow: IWorkflowBase,
		public input: INodeExecutionData[],
	) {
		this.sleeper = input;
	}

	private get check(): INode {
		const node = this.workflow.nodes.find(({ id }) => id === 'check');
		if (node === undefined) throw new Error('The loop has no check');
		return node;
	}

	/** From the first step on. */
	async start(): Promise<void> {
		this.input = copyOf(this.input);
		await this.ifStep(this.input);
	}

	private async ifStep(items: INodeExecutionData[]): Promise<void> {
		this.output = items;
		const again = items.filter((item) => !this.isFinished(item));
		if (again.length > 0) return await this.turn(again);
		this.status = 'success';
	}

	/** What its If finds: it is that of the version which began the loop. */
	private isFinished({ json: $json }: INodeExecutionData): boolean {
		const [, expression = ''] =
			/"leftValue":"=\{\{(.*?)\}\}"/.exec(JSON.stringify(this.workflow.nodes)) ?? [];
		return runInNewContext(expression, { $json }) === true;
	}

	/** What n8n hands on if it is killed now; undefined where it finds nothing, and the execution waits for ever. */
	get killed(): INodeExecutionData[] | undefined {
		return this.saved.at(-1);
	}

	private async turn(input: INodeExecutionData[]): Promise<void> {
		const { engine } = this;
		this.status = 'running';
		let waitTill: number | undefined;
		const functions = {
			...engine.shared(this.check, this.context, this.hints),
			getInputData: () => input,
			getNodeParameter: (name: string, _item: number, fallback?: unknown) =>
				this.check.parameters[name] ?? fallback,
			getMode: () => this.mode,
			getExecutionId: () => this.id,
			getExecutionCancelSignal: () => undefined,
			getWorkflowDataProxy: () => ({
				$runIndex: this.turns,
				$execution: { id: this.id, resumeUrl: `${WAITING_URL}/${this.id}?signature=secret` },
				$items: (name: string) => {
					if (name !== this.workflow.nodes[0]?.name) throw new Error(`There is no node ${name}`);
					return this.input;
				},
			}),
			putExecutionToWait: async (till: Date) => {
				waitTill = till.getTime();
				await Promise.resolve();
			},
		};
		try {
			const [output = []] = await new WanVideoEdit().execute.call(
				functions as unknown as IExecuteFunctions,
			);
			this.output = copyOf(output);
		} catch (error) {
			this.status = 'error';
			this.error = error as Error;
			return;
		}
		this.runs.push(this.output);
		if (waitTill === undefined) return await this.next(this.output);
		this.waitTill = waitTill;
		this.woken = new Promise((resolve) => {
			this.wakeUp = resolve;
		});
		this.sleeper = input;
		this.context = copyOf(this.context);
		this.saved = copyOf(this.runs);
		this.status = 'waiting';
	}

	/** What a check that sleeps passes on when it wakes: its input. */
	private sleeper: INodeExecutionData[];

	private async next(output: INodeExecutionData[]): Promise<void> {
		this.turns++;
		await this.ifStep(output);
	}

	/** n8n's tracker wakes it: a sleeping node passes its input on. */
	async resume(): Promise<void> {
		this.status = 'running';
		this.looks.push(this.engine.clock.now());
		this.runs.splice(-1, 1, copyOf(this.sleeper));
		await this.next(copyOf(this.sleeper));
	}

	/** A call of its resume URL. */
	async call(path: string, method = 'POST'): Promise<number> {
		if (this.status === 'running') return 409;
		if (this.status !== 'waiting') return 409;
		const [webhook] = new WanVideoEdit().description.webhooks ?? [];
		if (webhook?.path !== path || webhook.httpMethod !== method) return 404;
		const items = (await callWebhook(this.check.parameters)).workflowData?.[0];
		if (items === undefined) return 200;
		this.sleeper = items;
		this.status = 'running';
		// n8n takes it away before it saves that the execution runs.
		this.saved = this.runs.slice(0, -1);
		this.wakeUp();
		return 200;
	}

	/** The moment at which n8n's tracker wakes it. */
	private get dueAt(): number {
		const { clock, trackerAt } = this.engine;
		const since = clock.now() - trackerAt;
		const nextScan = trackerAt + Math.ceil((since + 1) / TRACKER_MS) * TRACKER_MS;
		const lastScanBefore = (moment: number) =>
			nextScan + Math.ceil((moment - TRACKER_REACH_MS - nextScan) / TRACKER_MS) * TRACKER_MS;
		return Math.max(this.waitTill, nextScan, lastScanBefore(this.waitTill));
	}

	/** Sleeps and looks until it ends. */
	async untilEnd(): Promise<void> {
		for (let rounds = 0; this.status === 'waiting'; rounds++) {
			if (rounds > 500) throw new Error('The loop does not end');
			await Promise.race([
				this.woken,
				this.engine.clock.wait(this.dueAt - this.engine.clock.now()),
			]);
			await this.resume();
		}
	}
}

/** The node's answer to a call of the resume URL. */
export async function callWebhook(parameters: INodeParameters): Promise<IWebhookResponseData> {
	const functions = {
		getNodeParameter: (name: string, fallback?: unknown) => parameters[name] ?? fallback,
	};
	return await new WanVideoEdit().webhook.call(functions as unknown as IWebhookFunctions);
}

const keys = new Map<VirtualService, string>();

/** Each service is an account of its own: what the process knows of one must not reach another test. */
function keyOf(service: VirtualService): string {
	const key = keys.get(service) ?? `sk-${keys.size}`;
	keys.set(service, key);
	return key;
}

/** What a parent execution has come to. */
export interface RunResult {
	items: INodeExecutionData[];
	error?: Error & { description?: string | null };
}

/** An execution of a workflow whose node suspends it. */
export class SuspendedRun {
	readonly clock: VirtualClock;
	readonly service: VirtualService;
	readonly node: INode;
	readonly id: string;
	readonly hints: string[] = [];
	readonly logged: string[] = [];
	/** Of the node, kept over its tries. */
	context: IDataObject = {};
	/** The executions that wait for this one, from the nearest on. */
	callers: string[] = [];
	/** Whether each of them waits for the one that it called. */
	callersWait = true;
	/** Executions that were stopped. */
	readonly stopped = new Set<string>();
	/** Any moment at which n8n's tracker looked. */
	trackerAt = START - 20_000;
	/** To fail calls of n8n itself. */
	broken: {
		executeWorkflow?: Error;
		getCredentials?: Error;
		getExecutionDataById?: Error;
	} = {};
	/** What is done with calls of a resume URL; by default they arrive. */
	reach: (id: string, path: string) => Promise<number> = async (id, path) =>
		id === this.loop?.id ? await this.loop.call(path) : await Promise.resolve(404);
	/** As if the resume URL led nowhere from here. */
	unreachable(): this {
		this.reach = async () => await Promise.reject(new Error('ECONNREFUSED'));
		return this;
	}

	/** n8n's binary store, by ID. */
	readonly store = new Map<string, Buffer>();
	/** All that were opened of it. */
	readonly streams: Readable[] = [];

	readonly posts: Array<{ at: number; url: string; status: number; withKey: boolean }> = [];
	loop?: LoopExecution;

	private readonly prompts: string[];
	private readonly parameters: INodeParameters;

	constructor(private readonly wanted: Options = {}) {
		const { prompts = ['wish'], plans, settings, id = '1', ...options } = wanted;
		this.clock = wanted.clock ?? new VirtualClock();
		this.service =
			wanted.service ?? new VirtualService(this.clock, { latency: () => 50, ...options });
		if (plans !== undefined) this.service.plans = plans;
		if (wanted.files !== undefined) this.store.set('video', wanted.files.video);
		this.prompts = prompts;
		this.id = id;
		this.node = { ...EDIT, ...settings };
		this.parameters = {
			resource: 'video',
			operation: 'instructionEdit',
			videoSource: 'url',
			videoUrl: VIDEO_URL,
			resolution: '720P',
			waiting: 'suspend',
			download: true,
			outputField: 'data',
			options: wanted.options ?? {},
			...wanted.parameters,
		};
		this.takeOver();
	}

	/** From now on it is this execution's clock that the node sees, where several were made. */
	takeOver(): void {
		current = this.clock;
		jest.spyOn(Date, 'now').mockImplementation(this.clock.now);
	}

	/** What both executions offer their node. */
	shared(node: INode, context: IDataObject, hints: string[]) {
		const { helpers } = this.service.client().functions;
		return {
			getNode: () => node,
			continueOnFail: () =>
				node.onError === 'continueErrorOutput' || node.onError === 'continueRegularOutput',
			getCredentials: async (): Promise<ICredentialDataDecryptedObject> => {
				if (this.broken.getCredentials) throw this.broken.getCredentials;
				return await Promise.resolve({
					apiKey: keyOf(this.service),
					region: 'custom',
					baseUrl: 'https://dashscope-test.aliyuncs.com',
				});
			},
			getWorkflow: () => ({ id: 'w1', name: 'Workflow' }),
			getWorkflowSettings: () => this.wanted.workflowSettings ?? {},
			isToolExecution: () => false,
			getExecutionContext: () => undefined,
			getParentNodes: () => [],
			getContext: () => context,
			addExecutionHints: ({ message }: { message: string }) => hints.push(message),
			logger: { info: (line: string) => this.logged.push(line) },
			getExecutionDataById: async (id: string) => {
				if (this.broken.getExecutionDataById) throw this.broken.getExecutionDataById;
				const chain = [this.id, ...this.callers];
				const index = chain.indexOf(id);
				if (index < 0) return undefined;
				const parent = chain[index + 1];
				return await Promise.resolve({
					resultData: { error: this.stopped.has(id) ? new Error('Stopped') : undefined },
					parentExecution:
						parent === undefined
							? undefined
							: { executionId: parent, shouldResume: this.callersWait },
				});
			},
			helpers: {
				...helpers,
				httpRequest: async (request: IHttpRequestOptions) => await this.request(request),
				httpRequestWithAuthentication: async (name: string, request: IHttpRequestOptions) =>
					request.url.endsWith('/uploads')
						? await Promise.resolve(POLICY)
						: await helpers.httpRequestWithAuthentication.call(
								{} as IExecuteFunctions,
								name,
								request,
							),
				assertBinaryData: () => ({
					data: '',
					id: 'video',
					fileName: 'ride.mp4',
					mimeType: 'video/mp4',
				}),
				getBinaryMetadata: async (id: string) =>
					await Promise.resolve({ fileSize: this.fileAt(id).length }),
				getBinaryStream: async (id: string) => {
					const stream = Readable.from(chunksOf(this.fileAt(id)));
					this.streams.push(stream);
					return await Promise.resolve(stream);
				},
				prepareBinaryData: async (stream: Readable, fileName: string, mimeType: string) => {
					if (this.wanted.files !== undefined) {
						const parts: Uint8Array[] = [];
						for await (const part of stream) parts.push(part as Uint8Array);
						const id = `file-${this.store.size}-${fileName}`;
						this.store.set(id, Buffer.concat(parts));
						return { data: '', id, fileName, mimeType };
					}
					let bytes = '';
					for await (const chunk of stream) bytes += String(chunk);
					const binary: IBinaryData = { data: '', id: bytes, fileName, mimeType };
					return binary;
				},
			},
		};
	}

	fileAt(id: string): Buffer {
		const file = this.store.get(id);
		if (file === undefined) throw new Error(`There is no file ${id}`);
		return file;
	}

	/** Calls without the key: uploads, results, and the resume URL. */
	private async request(options: IHttpRequestOptions): Promise<unknown> {
		const { url, method = 'GET', headers } = options;
		if (!url.startsWith(WAITING_URL)) {
			const [id = ''] = new URL(url).pathname.slice(1).split('.');
			await this.clock.wait(50);
			if (method === 'POST') {
				const { stream } = options.body as Blob;
				for await (const chunk of stream() as unknown as Readable) void chunk;
				return { statusCode: 200, headers: {}, body: '' };
			}
			const content = this.wanted.files?.resultOf(id) ?? Buffer.from(`video of ${id}`);
			return { statusCode: 200, headers: {}, body: Readable.from([content]) };
		}
		const { pathname, searchParams } = new URL(url);
		const [, , id = '', path = ''] = pathname.split('/');
		await this.clock.wait(20);
		const status =
			searchParams.get('signature') === 'secret' && method === 'POST'
				? await this.reach(id, path)
				: 401;
		const withKey = headers !== undefined && 'Authorization' in headers;
		this.posts.push({ at: this.clock.now(), url, status, withKey });
		if (status >= 400) throw new Error(`HTTP ${status}`);
		return {};
	}

	/** One try of the node: its items, or its error; `waiting` while the loop has not ended. */
	async start(): Promise<RunResult & { waiting: boolean }> {
		const context = this.context;
		const functions = {
			...this.shared(this.node, context, this.hints),
			getInputData: () =>
				this.prompts.map((prompt) => ({
					json: { prompt },
					...(this.wanted.files && {
						binary: { data: { data: '', id: 'video', mimeType: 'video/mp4' } },
					}),
				})),
			getNodeParameter: (name: string, item: number, fallback?: unknown) =>
				name === 'prompt' || name === 'taskId'
					? this.prompts[item]
					: (this.parameterAt(name) ?? fallback),
			getMode: () => 'webhook',
			getExecutionId: () => this.id,
			getExecutionCancelSignal: () => undefined,
			getWorkflowDataProxy: () => ({ $runIndex: 0 }),
			executeWorkflow: async (
				{ code }: { code: IWorkflowBase },
				items: INodeExecutionData[],
			): Promise<unknown> => {
				if (this.broken.executeWorkflow) throw this.broken.executeWorkflow;
				return await this.executeWorkflow(code, items);
			},
		};
		try {
			const [items = []] = await new WanVideoEdit().execute.call(
				functions as unknown as IExecuteFunctions,
			);
			return { items, waiting: this.loop?.status === 'waiting' };
		} catch (error) {
			return { items: [], error: error as Error, waiting: false };
		} finally {
			this.context = copyOf(context);
		}
	}

	private parameterAt(name: string): unknown {
		const [collection, option] = name.split('.');
		return option === undefined
			? this.parameters[name]
			: (this.parameters[collection ?? ''] as INodeParameters)[option];
	}

	private async executeWorkflow(
		code: IWorkflowBase,
		items: INodeExecutionData[],
	): Promise<unknown> {
		this.loop = new LoopExecution(`${this.id}0`, this, copyOf(code), items);
		await this.loop.start();
		const { status, waitTill, output, error } = this.loop;
		if (status === 'error') throw error ?? new Error('The loop failed');
		return status === 'waiting'
			? { executionId: this.loop.id, data: [output], waitTill: new Date(waitTill) }
			: { executionId: this.loop.id, data: [output] };
	}

	/** A loop that another version of the package has begun. */
	adopt(
		loop: Pick<LoopExecution, 'workflow' | 'input'> & Partial<Saved>,
		turns = 0,
	): LoopExecution {
		this.loop = new LoopExecution(`${this.id}0`, this, copyOf(loop.workflow), copyOf(loop.input));
		this.loop.context = copyOf(loop.context ?? {});
		this.loop.turns = turns;
		return this.loop;
	}

	/** From the start to the end of the wait. */
	async play(): Promise<RunResult> {
		const { waiting, ...first } = await this.start();
		return waiting ? await this.wait() : first;
	}

	/** The rest of the wait. */
	async wait(): Promise<RunResult> {
		const { loop } = this;
		if (loop === undefined) throw new Error('Nothing waits');
		await loop.untilEnd();
		return { items: loop.error === undefined ? loop.output : [], error: loop.error };
	}

	/** As n8n does it with Retry On Fail, for an execution that is kept running. */
	async retried(): Promise<RunResult> {
		const { retryOnFail = false, maxTries = 3 } = this.node;
		for (let tries = 1; ; tries++) {
			const result = await this.play();
			const failed = result.error !== undefined || result.items[0]?.json.error !== undefined;
			if (!failed || !retryOnFail || tries >= maxTries) return result;
		}
	}

	/** {@link play} on the virtual clock. */
	async run(): Promise<RunResult> {
		return await this.clock.run(this.play());
	}
}

/** As n8n's store gives a file. */
function* chunksOf(bytes: Buffer): Generator<Buffer> {
	for (let start = 0; start < bytes.length; start += 64 * 1024) {
		yield bytes.subarray(start, start + 64 * 1024);
	}
}

/** What is worth comparing of items: task, prompt, video, error. */
export function seen(items: INodeExecutionData[]): unknown[] {
	return items.map(({ json, binary, pairedItem }) => ({
		item: typeof pairedItem === 'object' && 'item' in pairedItem ? pairedItem.item : pairedItem,
		...(json.error === undefined ? { prompt: json.prompt } : { error: json.error }),
		...(binary?.data === undefined ? {} : { video: binary.data.id }),
	}));
}
