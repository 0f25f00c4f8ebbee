import type { IHttpRequestOptions } from 'n8n-workflow';
import { connectionError, readAnswer } from '../../nodes/shared/dashscope/answer';
import type { HttpAnswer } from '../../nodes/shared/dashscope/answer';
import type { DashScopeClient } from '../../nodes/shared/dashscope/client';
import { DashScopeError } from '../../nodes/shared/dashscope/errors';
import { isRecord, numberAt, recordAt, textAt } from '../../nodes/shared/dashscope/json';
import { cancelTask, createTask, getTask, listTasks } from '../../nodes/shared/dashscope/tasks';
import type { JsonRecord } from '../../nodes/shared/dashscope/types';
import type { UploadSource } from '../../nodes/shared/dashscope/uploads';
import { Account } from '../../nodes/shared/tasks/account';
import { Journal } from '../../nodes/shared/tasks/journal';
import type { TaskPorts, TaskRecord } from '../../nodes/shared/tasks/ports';
import { TaskStore } from '../../sandbox/tasks';
import type { Task, Work } from '../../sandbox/tasks';
import { naiveTime, parseCompactTime } from '../../sandbox/times';
import { clientOf } from './http';
import type { SentRequest } from './http';
import { StopButton } from './virtualClock';
import type { VirtualClock } from './virtualClock';

export type Route = 'create' | 'query' | 'list' | 'cancel' | 'policy' | 'post' | 'download';

/** Calls that the tests of a file leave without an answer. The limit of each, in real time, would keep Jest waiting. */
const unanswered = new Set<() => void>();
afterAll(() => {
	for (const end of unanswered) end();
});

/** What goes wrong with one call. */
export interface Fault {
	/** The answer instead of the true one. */
	status?: number;
	body?: unknown;
	/** Of a query: the answer says this of the task that was asked for. */
	taskStatus?: string;
	retryAfter?: string;
	/** With `status`: the body is DashScope's own error with the request ID of the call, or a gateway's with an ID of its own. */
	envelope?: boolean | 'gateway';
	/** No answer, but this error of the socket. */
	socket?: string;
	/** Whether the work is done all the same; it is not by default when something else is answered. */
	done?: boolean;
	/** The work is done so much later than it should. */
	lateMs?: number;
	/** The answer comes so much later than usual. */
	delayMs?: number;
}

/** What a task comes to. */
export interface Plan {
	jobSeconds: number;
	/** Of a task that fails. */
	code?: string;
	/** What it says of that; absent: any. */
	message?: string;
	cancelled?: boolean;
}

export interface Call {
	route: Route;
	/** The task it is about, or the prompt of the one it creates. */
	about?: string;
	/** Who sent it. */
	executionId?: string;
	/** With which API key. */
	keyId?: string;
	/** When it was sent. Epoch milliseconds. */
	at: number;
	/** Whether Stop had been pressed by then. */
	stopped: boolean;
	request?: SentRequest;
	fault?: Fault;
	/** The task it created. */
	created?: string;
	requestId: string;
	/** On the service's clock. */
	answeredAt?: number;
}

const MODEL = 'wan2.7-videoedit';
const HOST = 'dashscope.example';

/** Of the API key that is used unless a test says otherwise. */
export const OUR_KEY = 'key-1';

export const faults = {
	throttled: (retryAfter?: string): Fault => ({
		status: 429,
		body: { code: 'Throttling.RateQuota', message: 'Requests rate limit exceeded' },
		retryAfter,
	}),
	unavailable: { status: 503, body: 'Service Unavailable' } satisfies Fault,
	overloaded: { status: 503, envelope: true } satisfies Fault,
	overloadedAfterwards: { status: 503, envelope: true, done: true } satisfies Fault,
	refused: { socket: 'ECONNREFUSED' } satisfies Fault,
	reset: { socket: 'ECONNRESET' } satisfies Fault,
	resetAfterwards: { socket: 'ECONNRESET', done: true } satisfies Fault,
	halfJson: { status: 200, body: '{"output":{"task_', done: true } satisfies Fault,
	unauthorised: {
		status: 401,
		body: { code: 'InvalidApiKey', message: 'Invalid API-key provided.', request_id: 'r-401' },
	} satisfies Fault,
};

export interface ServiceOptions {
	slots?: number;
	/** One way, in milliseconds. */
	latency?: () => number;
	/** How far the service's clock is ahead. */
	skewMs?: number;
	/** A task shows in the list only so much after it was created. */
	listLagMs?: number;
	/** The same for single tasks, by their number from 1. */
	listLagOf?: (number: number) => number | undefined;
	/**
	 * Whether the list's rows carry the request ID of the create call, or that of some other call; they do by default.
	 * For single tasks by their number from 1.
	 */
	listsRequestIds?: boolean | 'other' | ((number: number) => boolean | 'other');
	/** What the list's rows carry as ID of the API key; nothing by default. */
	listsKeyIds?: (task: { keyId: string; number: number }) => string | undefined;
	/** The most rows on a page of the list, whatever is asked for. */
	pageSize?: number;
	/** Whether the list's rows say when a task ended; they do by default. */
	listsEnds?: boolean;
	/** Whether a list shows the tasks of all models, whatever it is asked for. */
	listsAllModels?: boolean;
	/** Whether answers carry the service's time; they do by default. */
	tellsTime?: boolean;
}

/** Whose view of the service the ports are. */
export interface Viewer {
	/** Of the process. */
	account?: Account;
	/** Of the API key. */
	keyId?: string;
	/** That of the key which calls are made with: the user may change the credential meanwhile. */
	keyNow?: () => string;
	executionId?: string;
	exclusive?: boolean;
	lineage?: string;
	record?: TaskRecord;
}

/** The record that all tries of an execution share. @param loses whether the next facts do not get there */
export function recordOf(loses: () => boolean = () => false): TaskRecord & { forget: () => void } {
	const kept = new Set<string>();
	return {
		forget: () => kept.clear(),
		add: async (facts) => {
			await Promise.resolve();
			if (!loses()) for (const fact of facts) kept.add(fact);
		},
		which: async (facts) => {
			const found = facts.filter((fact) => kept.has(fact));
			return await Promise.resolve(new Map(found.map((fact) => [fact, 'yes'])));
		},
	};
}

/**
 * DashScope on a virtual clock: the sandbox's queue of tasks behind the real request functions, with faults on
 * demand. Only the network is missing.
 */
export class VirtualService {
	readonly calls: Call[] = [];
	readonly log: string[] = [];
	/** Of the tasks in the order they are created; the last one serves all others. */
	plans: Plan[] = [{ jobSeconds: 60 }];
	/** Faults of the next calls of a route, one each; undefined lets a call through. */
	readonly faults: Record<Route, Array<Fault | undefined>> = {
		create: [],
		query: [],
		list: [],
		cancel: [],
		policy: [],
		post: [],
		download: [],
	};

	private readonly aimed: Array<{ route: Route; about: string; left: number; fault: Fault }> = [];
	private readonly store: TaskStore;
	/** Of the one process that there is, unless a test says otherwise. */
	readonly account = new Account(new Journal(0), '', 'dashscope');
	/** Of the API keys that tasks were created with. */
	private readonly keyIds = new Map<string, string>();
	private created = 0;
	private uploaded = 0;

	constructor(
		readonly clock: VirtualClock,
		private readonly options: ServiceOptions = {},
	) {
		this.store = new TaskStore(() => this.serviceNow(), options.slots ?? 5);
	}

	tasks(): Task[] {
		return this.store.all();
	}

	/** The tasks that were created for a prompt. */
	tasksOf(prompt: string): Task[] {
		return this.tasks().filter((task) => task.prompt === prompt);
	}

	count(route: Route): number {
		return this.calls.filter((call) => call.route === route).length;
	}

	times(route: Route): number[] {
		return this.calls.filter((call) => call.route === route).map(({ at }) => at);
	}

	/** Lets the next calls about one task, or with one prompt, go wrong. */
	break(route: Route, about: string, fault: Fault, times = 1): void {
		this.aimed.push({ route, about, left: times, fault });
	}

	private takeFault(route: Route, about: string | undefined): Fault | undefined {
		const aimed = this.aimed.find(
			(one) => one.route === route && one.about === about && one.left > 0,
		);
		if (aimed === undefined) return this.faults[route].shift();
		aimed.left--;
		return aimed.fault;
	}

	/** A task that was not submitted through the ports of this service. */
	addTask(prompt: string, plan: Plan, model = MODEL, keyId = OUR_KEY): string {
		const body = { model, input: { prompt }, parameters: {} };
		return this.create(body, plan, { requestId: `r-${prompt}`, keyId });
	}

	/**
	 * The edit rooms' view of this service.
	 * @param stop ends calls at once unless `abortsCalls` is false
	 */
	ports(
		stop = new StopButton(this.clock),
		abortsCalls = true,
		random = () => 0.5,
		{
			account = this.account,
			keyId = OUR_KEY,
			keyNow = () => keyId,
			executionId = 'execution',
			exclusive = false,
			lineage,
			record,
		}: Viewer = {},
	): TaskPorts<string> {
		const telling = (aborts: boolean): DashScopeClient => ({
			...clientOf(
				async (request) => await this.http(request, stop, aborts, { executionId, keyId: keyNow() }),
			),
			onCall: () => {
				const sentAt = this.clock.now();
				return (time) => account.answered(sentAt, this.clock.now(), time);
			},
		});
		const client = telling(abortsCalls);
		const endsAnyway = telling(false);
		const clock = { now: this.clock.now, sleep: stop.sleep, random };
		const turn = async () => await account.requests.pass(clock);
		return {
			...clock,
			account,
			exclusive,
			keyIsSame: async () => await Promise.resolve(keyNow() === keyId),
			lineage,
			record,
			executionId,
			stopped: stop.stopped,
			createTask: async (body) => await createTask(client, body),
			getTask: async (taskId) => await getTask(client, taskId),
			listTasks: async (query) => await listTasks(client, query, turn),
			cancelTask: async (taskId) => await cancelTask(endsAnyway, taskId),
			upload: async (_model, source) => await this.upload(source, stop, abortsCalls),
			download: async (taskId, url) => await this.download(taskId, url, stop, abortsCalls),
			log: (message) => this.log.push(message),
		};
	}

	/** The real client of this service, for what the ports do not show. */
	client(): DashScopeClient {
		return clientOf(async (request) => await this.http(request, new StopButton(this.clock), true));
	}

	private serviceNow(): number {
		return this.clock.now() + (this.options.skewMs ?? 0);
	}

	private async http(
		request: SentRequest,
		stop: StopButton,
		abortsCalls: boolean,
		sender: Pick<Call, 'executionId' | 'keyId'> = {},
	): Promise<HttpAnswer> {
		const route = routeOf(request.options);
		const about = aboutOf(route, request.options);
		const call = this.noteCall(route, stop, { about, request, ...sender });
		const answer = await new Promise<HttpAnswer>((resolve, reject) => {
			const end = () => reject(new Error('The tests are over'));
			unanswered.add(end);
			this.reach(call, stop, abortsCalls, async () => await this.answer(call))
				.then(resolve, reject)
				.finally(() => unanswered.delete(end));
		});
		if (this.options.tellsTime === false) return answer;
		const date = new Date(call.answeredAt ?? this.serviceNow()).toUTCString();
		return { ...answer, headers: { ...answer.headers, date } };
	}

	private noteCall(
		route: Route,
		stop: StopButton,
		details: Pick<Call, 'about' | 'request' | 'executionId' | 'keyId'> = {},
	): Call {
		const fault = this.takeFault(route, details.about);
		const requestId = `r-${this.calls.length + 1}`;
		const at = this.clock.now();
		const call = { ...details, route, at, stopped: stop.stopped(), fault, requestId };
		this.calls.push(call);
		return call;
	}

	/** The way to the service and back, with what goes wrong on it. */
	private async reach<T>(
		call: Call,
		stop: StopButton,
		abortsCalls: boolean,
		work: () => Promise<T>,
	): Promise<T> {
		const way = this.travel(call, work);
		// After Stop nobody may be left to hear of its end.
		way.catch(() => undefined);
		return await (abortsCalls ? stop.orStop(way, aborted) : way);
	}

	private async travel<T>(call: Call, work: () => Promise<T>): Promise<T> {
		const { fault } = call;
		const latency = this.options.latency ?? (() => 0);
		await this.clock.wait(latency());
		const instead = fault?.status !== undefined || fault?.socket !== undefined;
		const done = fault?.done ?? !instead;
		let answer: T | undefined;
		if (done && fault?.lateMs !== undefined) {
			this.clock.at(this.clock.now() + fault.lateMs, () => void work());
		} else if (done) {
			answer = await work();
		}
		call.answeredAt = this.serviceNow();
		await this.clock.wait(latency() + (fault?.delayMs ?? 0));
		if (fault?.socket !== undefined) {
			throw Object.assign(new Error(fault.socket), { code: fault.socket });
		}
		if (fault?.status !== undefined) return answerOf(fault.status, faultBody(call, fault)) as T;
		if (answer === undefined) throw Object.assign(new Error('late'), { code: 'ETIMEDOUT' });
		return answer;
	}

	private async answer(call: Call): Promise<HttpAnswer> {
		const { route, request, about = '' } = call;
		const said = call.fault?.taskStatus;
		if (said !== undefined) {
			const output = { task_id: about, task_status: said };
			return answerOf(200, { body: { request_id: 'r', output } });
		}
		switch (route) {
			case 'create': {
				call.created = this.create(request?.options.body, this.nextPlan(), call);
				const output = { task_id: call.created, task_status: 'PENDING' };
				return answerOf(200, { body: { request_id: call.requestId, output } });
			}
			case 'query':
				return answerOf(200, { body: this.taskAnswer(about) });
			case 'cancel': {
				const cancelled = this.store.cancel(about);
				const body = { code: 'UnsupportedOperation', message: 'Failed to cancel the task' };
				return cancelled ? answerOf(200, { body: { request_id: 'r' } }) : answerOf(400, { body });
			}
			case 'list':
				return answerOf(200, { body: this.listAnswer(request?.options.qs) });
			default:
				throw new Error(`${route} is answered elsewhere`);
		}
	}

	private nextPlan(): Plan {
		const plan = this.plans[this.created] ?? this.plans.at(-1);
		return plan ?? { jobSeconds: 60 };
	}

	private create(
		body: unknown,
		plan: Plan,
		{ requestId, keyId = OUR_KEY }: Pick<Call, 'requestId' | 'keyId'>,
	): string {
		const request = isRecord(body) ? body : {};
		this.created++;
		const id = `task-${this.created}`;
		this.keyIds.set(id, keyId);
		this.store.create({
			id,
			requestId,
			model: textAt(request, 'model') ?? '',
			prompt: textAt(recordAt(request, 'input'), 'prompt') ?? '',
			body,
			jobSeconds: plan.jobSeconds,
			work: workOf(plan),
		});
		return id;
	}

	private taskAnswer(id: string): JsonRecord {
		const task = this.store.get(id);
		if (task === undefined) return { output: { task_id: id, task_status: 'UNKNOWN' } };
		const time = (at: number | undefined) => (at === undefined ? undefined : naiveTime(at));
		const output: JsonRecord = {
			task_id: id,
			task_status: task.status,
			submit_time: time(task.submittedAt),
			scheduled_time: time(task.scheduledAt),
			end_time: time(task.endedAt),
		};
		if (task.work?.status === 'FAILED' && task.status === 'FAILED') {
			output.code = task.work.code;
			output.message = task.work.message;
		}
		if (task.status !== 'SUCCEEDED') return { request_id: 'r', output };
		output.orig_prompt = task.prompt;
		output.video_url = `https://result.example/${id}.mp4?Expires=${Math.floor((task.endedAt ?? 0) / 1000) + 86_400}&Signature=s`;
		return { request_id: 'r', output, usage: { duration: 10, SR: 720 } };
	}

	private listAnswer(query: IHttpRequestOptions['qs']): JsonRecord {
		const text = (key: string) => (isRecord(query) ? textAt(query, key) : undefined);
		const { listLagMs = 0, listLagOf: lagOf = () => undefined, listsRequestIds } = this.options;
		const listsId = (number: number) =>
			typeof listsRequestIds === 'function' ? listsRequestIds(number) : listsRequestIds;
		const idOf = ({ id, requestId }: Task) => {
			const lists = listsId(Number(id.slice(5)));
			if (lists === false) return {};
			return { request_id: `${lists === 'other' ? 'other-' : ''}${requestId}` };
		};
		const { pageSize = Infinity, listsEnds = true, listsKeyIds = () => undefined } = this.options;
		const visible = this.serviceNow() - listLagMs;
		const data = this.store
			.list({
				model: this.options.listsAllModels === true ? undefined : text('model_name'),
				from: parseCompactTime(text('start_time') ?? ''),
				to: parseCompactTime(text('end_time') ?? ''),
			})
			.filter(({ id, submittedAt }) => submittedAt <= visible - (lagOf(Number(id.slice(5))) ?? 0))
			.map((task) => ({
				task_id: task.id,
				// Its end shows as late as its beginning.
				status: (task.endedAt ?? 0) > visible ? 'RUNNING' : task.status,
				model_name: task.model,
				gmt_create: task.submittedAt,
				...idOf(task),
				api_key_id: listsKeyIds({
					keyId: this.keyIds.get(task.id) ?? '',
					number: Number(task.id.slice(5)),
				}),
				...(task.endedAt === undefined || task.endedAt > visible || !listsEnds
					? {}
					: { end_time: task.endedAt }),
			}));
		const number = (key: string) => (isRecord(query) ? numberAt(query, key) : undefined);
		const size = Math.min(pageSize, number('page_size') ?? 10);
		const page = number('page_no') ?? 1;
		return {
			request_id: 'r',
			total: data.length,
			total_page: Math.ceil(data.length / size),
			data: data.slice((page - 1) * size, page * size),
		};
	}

	private async upload(
		source: UploadSource,
		stop: StopButton,
		abortsCalls: boolean,
	): Promise<string> {
		const permission = async () =>
			await Promise.resolve(answerOf(200, { body: { request_id: 'r' } }));
		await this.read(this.noteCall('policy', stop), stop, abortsCalls, permission);

		let name = 0;
		const file = await source.open();
		try {
			await this.read(this.noteCall('post', stop), stop, abortsCalls, async () => {
				await wholeOf(file, source.size);
				name = ++this.uploaded;
				return answerOf(200, { body: {} });
			});
		} finally {
			file.destroy();
		}
		return `oss://dashscope-instant/${name}.${source.extension}`;
	}

	/** A call whose refusals are read as those of DashScope; an upload that is refused may be tried again. */
	private async read(
		call: Call,
		stop: StopButton,
		abortsCalls: boolean,
		work: () => Promise<HttpAnswer>,
	): Promise<void> {
		const answer = await this.reach(call, stop, abortsCalls, work).catch((error: unknown) =>
			Promise.reject(connectionError(error, HOST)),
		);
		readAnswer(answer, { host: HOST, apiKey: '' }, this.clock.now());
	}

	private async download(
		taskId: string,
		url: string,
		stop: StopButton,
		abortsCalls: boolean,
	): Promise<string> {
		const call = this.noteCall('download', stop, { about: taskId });
		const file = async () => {
			await Promise.resolve();
			if (!url.includes(taskId)) throw new Error(`${url} is not the video of ${taskId}`);
			return `video of ${taskId}`;
		};
		const received: unknown = await this.reach(call, stop, abortsCalls, file).catch(
			(error: unknown) => Promise.reject(connectionError(error, 'result.example')),
		);
		if (typeof received === 'string') return received;
		const status = call.fault?.status ?? 0;
		throw new DashScopeError(`HTTP ${status}`, {
			kind: status >= 500 ? 'server' : 'rejected',
			httpStatus: status,
		});
	}

	/** Files that arrived whole. */
	get uploads(): number {
		return this.uploaded;
	}
}

function aborted(): Error {
	return Object.assign(new Error('canceled'), { code: 'ERR_CANCELED' });
}

function aboutOf(route: Route, { url, body }: IHttpRequestOptions): string | undefined {
	if (route === 'list') return undefined;
	if (route === 'create') return textAt(recordAt(isRecord(body) ? body : {}, 'input'), 'prompt');
	const [id] = new URL(url).pathname.split('/').slice(4);
	return decodeURIComponent(id ?? '');
}

function faultBody({ requestId }: Call, fault: Fault): Fault {
	const { envelope = false } = fault;
	if (envelope === false) return fault;
	const message = 'The model is overloaded, please try again later';
	const request_id = envelope === 'gateway' ? `gateway-${requestId}` : requestId;
	return { ...fault, body: { code: 'ModelServingError', message, request_id } };
}

function answerOf(statusCode: number, { body, retryAfter }: Fault): HttpAnswer {
	return {
		statusCode,
		headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
		body,
	};
}

function workOf({ code, message = `It failed with ${code}`, cancelled = false }: Plan): Work {
	if (cancelled) return { status: 'CANCELED' };
	if (code !== undefined) return { status: 'FAILED', code, message };
	const usage = {
		duration: 10,
		input_video_duration: 5,
		output_video_duration: 5,
		video_count: 1,
		SR: 720,
	};
	return { status: 'SUCCEEDED', result: { usage } };
}

function routeOf({ method, url }: IHttpRequestOptions): Route {
	const { pathname } = new URL(url);
	if (pathname.endsWith('/cancel')) return 'cancel';
	if (pathname.endsWith('/tasks/')) return 'list';
	return method === 'POST' ? 'create' : 'query';
}

/** Reads a file to its end, as a store does. */
async function wholeOf(file: AsyncIterable<Uint8Array>, size: number): Promise<void> {
	let bytes = 0;
	for await (const chunk of file) bytes += chunk.byteLength;
	if (bytes !== size) throw new Error(`${bytes} bytes came, ${size} were announced`);
}
