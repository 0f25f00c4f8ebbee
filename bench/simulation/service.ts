// DashScope on the virtual clock, with the limits of an account: the sandbox's queue of tasks and its rate limits
// behind the node's own request functions. Task lists come in pages, and each page is a request.
import { RateLimit } from '../../sandbox/rateLimit';
import { TaskStore, type Task } from '../../sandbox/tasks';
import { naiveTime, parseCompactTime } from '../../sandbox/times';
import {
	cancelTask,
	clientOf,
	createTask,
	getTask,
	listTasks,
	MODEL,
	StopButton,
	type Account,
	type DashScopeClient,
	type TaskPorts,
	type HttpAnswer,
	type SentRequest,
	type VirtualClock,
} from './engine';

export const ROUTES = ['create', 'query', 'list'] as const;
export type Route = (typeof ROUTES)[number];

/** Published for the account (rate-limit page and task API page, read 2026-11). */
const PER_SECOND: Record<Route, number> = { create: 5, query: 20, list: 20 };

export interface ServiceOptions {
	/** Tasks running at once. */
	slots: number;
	jobSeconds: () => number;
	/** One way, in milliseconds. */
	latency: () => number;
	/** From and to, epoch milliseconds: everything is answered with 503. */
	outage?: { from: number; to: number };
}

interface Sent {
	route: Route;
	at: number;
	status: number;
}

export class Service {
	readonly sent: Sent[] = [];
	private answered = 0;
	private readonly store: TaskStore;
	private readonly submitted: Array<{ id: string; at: number }> = [];
	private readonly limits: Record<Route, RateLimit>;

	constructor(
		private readonly clock: VirtualClock,
		private readonly options: ServiceOptions,
	) {
		this.store = new TaskStore(clock.now, options.slots);
		this.limits = {
			create: new RateLimit(clock.now),
			query: new RateLimit(clock.now),
			list: new RateLimit(clock.now),
		};
	}

	task(id: string): Task | undefined {
		return this.store.get(id);
	}

	tasks(): Task[] {
		return this.store.all();
	}

	/** The view that one execution has. @param account what its process knows of the account */
	ports(account: Account, executionId: string, random: () => number): TaskPorts<string> {
		const { clock } = this;
		const stop = new StopButton(clock);
		const client: DashScopeClient = {
			...clientOf(async (request) => await this.http(request)),
			onCall: () => {
				const sentAt = clock.now();
				return (time) => account.answered(sentAt, clock.now(), time);
			},
		};
		const paced = { now: clock.now, sleep: stop.sleep, random };
		return {
			...paced,
			account,
			exclusive: false,
			keyIsSame: async () => await Promise.resolve(true),
			executionId,
			stopped: stop.stopped,
			createTask: async (body) => await createTask(client, body),
			getTask: async (taskId) => await getTask(client, taskId),
			listTasks: async (query) =>
				await listTasks(client, query, async () => await account.requests.pass(paced)),
			cancelTask: async (taskId) => await cancelTask(client, taskId),
			upload: async () => await Promise.reject(new Error('Nothing is uploaded here')),
			download: async (taskId) => await Promise.resolve(`video of ${taskId}`),
			log: () => undefined,
		};
	}

	private async http({ options }: SentRequest): Promise<HttpAnswer> {
		const { pathname } = new URL(options.url);
		const create = options.method === 'POST';
		const route: Route = create ? 'create' : pathname.endsWith('/tasks/') ? 'list' : 'query';
		const sent: Sent = { route, at: this.clock.now(), status: 0 };
		this.sent.push(sent);
		await this.clock.wait(this.options.latency());
		const answer = this.answer(route, options);
		sent.status = answer.statusCode;
		const date = new Date(this.clock.now()).toUTCString();
		await this.clock.wait(this.options.latency());
		return { ...answer, headers: { date } };
	}

	private answer(route: Route, { url, qs }: SentRequest['options']): Omit<HttpAnswer, 'headers'> {
		const requestId = `r-${++this.answered}`;
		const refuse = (statusCode: number, code: string, message: string) => ({
			statusCode,
			body: { code, message, request_id: requestId },
		});
		const { from, to } = this.options.outage ?? { from: Infinity, to: Infinity };
		if (this.clock.now() >= from && this.clock.now() < to) {
			return refuse(503, 'ModelUnavailable', 'Model is unavailable, please try again later.');
		}
		if (!this.limits[route].admit(PER_SECOND[route])) {
			return refuse(429, 'Throttling.RateQuota', 'Requests rate limit exceeded');
		}
		const body = (rest: Record<string, unknown>) => ({
			statusCode: 200,
			body: { request_id: requestId, ...rest },
		});
		if (route === 'create') {
			const id = `task-${this.submitted.length + 1}`;
			const usage = {
				duration: 10,
				input_video_duration: 5,
				output_video_duration: 5,
				video_count: 1,
				SR: 720,
			};
			this.store.create({
				id,
				requestId,
				model: MODEL,
				prompt: '',
				body: undefined,
				jobSeconds: this.options.jobSeconds(),
				work: { status: 'SUCCEEDED', result: { usage } },
			});
			this.submitted.push({ id, at: this.clock.now() });
			return body({ output: { task_id: id, task_status: 'PENDING' } });
		}
		if (route === 'list') return body(this.page(qs as Record<string, unknown>));
		return body(this.state(decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '')));
	}

	private state(id: string): Record<string, unknown> {
		const task = this.store.get(id);
		if (task === undefined) return { output: { task_id: id, task_status: 'UNKNOWN' } };
		const time = (at: number | undefined) => (at === undefined ? undefined : naiveTime(at));
		const output = {
			task_id: id,
			task_status: task.status,
			submit_time: time(task.submittedAt),
			scheduled_time: time(task.scheduledAt),
			end_time: time(task.endedAt),
			video_url: task.status === 'SUCCEEDED' ? `https://result.example/${id}.mp4` : undefined,
		};
		return { output, usage: { duration: 10, SR: 720 } };
	}

	/** Newest first, as the service does. */
	private page(query: Record<string, unknown>): Record<string, unknown> {
		const from = parseCompactTime(String(query.start_time)) ?? 0;
		const to = parseCompactTime(String(query.end_time)) ?? Infinity;
		const size = Number(query.page_size);
		const number = Number(query.page_no);
		let last = this.submitted.length;
		while (last > 0 && (this.submitted[last - 1]?.at ?? 0) > to) last--;
		let first = last;
		while (first > 0 && (this.submitted[first - 1]?.at ?? 0) >= from) first--;
		const total = last - first;
		const end = last - (number - 1) * size;
		const rows = this.submitted.slice(Math.max(first, end - size), Math.max(first, end));
		const data = rows.reverse().flatMap(({ id }) => {
			const task = this.store.get(id);
			if (task === undefined) return [];
			const { status, model, submittedAt, requestId } = task;
			return [
				{ task_id: id, status, model_name: model, gmt_create: submittedAt, request_id: requestId },
			];
		});
		return { total, total_page: Math.ceil(total / size), data };
	}
}
