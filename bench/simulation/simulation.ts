// Many executions over several processes that share one account, played on a virtual clock with the node's own engine.
// n8n itself is left out: an execution starts at once, and goes on at once when it is woken.
import { randomOf } from '../random';
import { spreadOf, type Spread } from '../statistics';
import {
	Account,
	Journal,
	pollSuspended,
	editOf,
	Ledger,
	mostPerSecond,
	runTasks,
	START,
	VirtualClock,
	untilEnded,
	type AwaitedTask,
	type TaskPorts,
	type OpenTask,
	type TaskRequest,
} from './engine';
import { ROUTES, Service, type Route } from './service';

export interface Scenario {
	/** Executions of one item each. */
	perHour: number;
	minutes: number;
	processes: number;
	/** Tasks that the account runs at once. */
	slots: number;
	/** Shortest and longest run of a task, seconds; every length between is as likely. */
	jobSeconds: readonly [least: number, most: number];
	waiting: 'active' | 'suspended';
	/** The node's option Timeout. */
	timeoutMinutes: number;
	/** Nothing is answered but 503. Minutes from the beginning. */
	outage?: { from: number; to: number };
	seed: number;
}

export interface SimulationResult extends Scenario {
	executions: number;
	completed: number;
	/** By the first words of the error. */
	failed: Record<string, number>;
	created: number;
	/** Answered with 429. */
	refused: Record<Route, number>;
	peakPerSecond: Record<Route | 'all', number>;
	requestsPerTask: number;
	/** From the end of a task to the end of the node, seconds. */
	delay: Spread;
	/** From the start of the execution to its submission being taken, seconds. */
	submission: Spread;
	/** Median delay and submission of the process that fares worst, to that of the one that fares best. */
	unevenness: { delay: number; submission: number };
	/** Processor time of the simulation, milliseconds for each execution: grows as the engine's own work does. */
	processorMs: number;
}

interface Played {
	process: number;
	startedAt: number;
	submittedAt?: number;
	/** From the end of its task. */
	delayMs?: number;
	error?: string;
}

/** The node's own default. */
const POLL_INTERVAL_MS = 2_000;

/** As nodes/shared/n8n/suspend has them: a sleep, and the end of it that nobody is woken from. */
const SLEEP_MS = 62_500;
const QUIET_MS = 10_000;

class Process {
	readonly account: Account;

	constructor(
		private readonly clock: VirtualClock,
		readonly number: number,
	) {
		this.account = new Account(new Journal(clock.now()));
	}

	/** Sleeps as a suspended execution does: until it is woken, or until its alarm. */
	async sleep(ports: TaskPorts<string>, task: AwaitedTask): Promise<void> {
		const { clock } = this;
		const until = clock.now() + SLEEP_MS;
		if (await untilEnded([task], ports, () => clock.now() < until - QUIET_MS)) return;
		await clock.wait(Math.max(0, until - clock.now()));
	}
}

async function play(
	{ waiting, timeoutMinutes }: Scenario,
	clock: VirtualClock,
	service: Service,
	process: Process,
	edit: TaskRequest,
	id: string,
	random: () => number,
): Promise<Played> {
	const played: Played = { process: process.number, startedAt: clock.now() };
	const ports = service.ports(process.account, id, random);
	const timeoutMs = timeoutMinutes * 60_000;
	try {
		const [first] = await runTasks(
			[edit],
			ports,
			{ ledger: new Ledger({}, 0), uploads: {}, items: {} },
			{
				submitOnly: false,
				pollIntervalMs: POLL_INTERVAL_MS,
				timeoutMs,
				resubmitFailed: 0,
				lostSubmission: 'lookUp',
				transfers: 2,
				retries: 0,
				holdMs: waiting === 'suspended' ? 0 : undefined,
			},
		);
		let outcome = first;
		if (outcome?.state === 'open') outcome = await loop(clock, ports, process, outcome);
		if (outcome === undefined || !('job' in outcome) || outcome.job === undefined) {
			return { ...played, error: outcome?.state === 'failed' ? outcome.error.message : 'no task' };
		}
		const task = service.task(outcome.job.taskId);
		played.submittedAt = task?.submittedAt;
		if (outcome.state === 'failed') return { ...played, error: outcome.error.message };
		return { ...played, delayMs: clock.now() - (task?.endedAt ?? NaN) };
	} catch (error) {
		return { ...played, error: error instanceof Error ? error.message : String(error) };
	}
}

async function loop(
	clock: VirtualClock,
	ports: TaskPorts<string>,
	process: Process,
	open: OpenTask,
) {
	const memory = { ledger: new Ledger({}, 0), uploads: {}, tries: [] };
	for (;;) {
		await process.sleep(ports, { ...open.job, model: open.model });
		const settled = await pollSuspended([open], ports, memory, {
			lostSubmission: 'lookUp',
			retries: 0,
			transfers: 2,
			failsTry: () => false,
		});
		if (Array.isArray(settled)) return settled[0];
	}
}

/** Errors without what differs from one to the next. */
const kindOf = (error: string) =>
	error
		.replace(/task-\d+/g, '<task>')
		.replace(/\d{4}-\S+Z/g, '<time>')
		.replace(/\d+/g, 'N')
		.slice(0, 70);

/** Plays a scenario until the last of its executions has ended, within seconds or minutes of real time. */
export async function simulate(scenario: Scenario): Promise<SimulationResult> {
	const { perHour, minutes, processes: count, slots, jobSeconds, outage, seed } = scenario;
	const random = randomOf(seed);
	const clock = new VirtualClock();
	const [least, most] = jobSeconds;
	const minute = (from: number) => START + from * 60_000;
	const service = new Service(clock, {
		slots,
		jobSeconds: () => least + (most - least) * random(),
		latency: () => 20 + 60 * random(),
		outage: outage && { from: minute(outage.from), to: minute(outage.to) },
	});
	const processes = Array.from({ length: count }, (_, index) => new Process(clock, index));
	const edit = await editOf();
	const executions = Math.round((perHour * minutes) / 60);
	const used = process.cpuUsage();
	// At random moments, as independent callers come.
	const starts = Array.from({ length: executions }, () => random() * minutes * 60_000);
	const all = starts.map(async (after, index) => {
		await clock.wait(after);
		const mine = processes[Math.floor(random() * count)] ?? new Process(clock, 0);
		return await play(scenario, clock, service, mine, edit, `execution ${index}`, random);
	});
	const played = await clock.run(Promise.all(all));
	const { user, system } = process.cpuUsage(used);
	return {
		...scenario,
		...resultOf(played, service, count),
		processorMs: (user + system) / 1_000 / executions,
	};
}

function resultOf(
	played: Played[],
	service: Service,
	processes: number,
): Omit<SimulationResult, keyof Scenario | 'processorMs'> {
	const failed: Record<string, number> = {};
	for (const { error } of played) {
		if (error !== undefined) failed[kindOf(error)] = (failed[kindOf(error)] ?? 0) + 1;
	}
	const seconds = (values: Array<number | undefined>) =>
		values.flatMap((value) => (value === undefined ? [] : [value / 1_000]));
	const delays = (of: Played[]) => seconds(of.map(({ delayMs }) => delayMs));
	const submissions = (of: Played[]) =>
		seconds(of.map((one) => one.submittedAt && one.submittedAt - one.startedAt));
	const each = Array.from({ length: processes }, (_, index) =>
		played.filter(({ process }) => process === index),
	);
	const uneven = (take: (of: Played[]) => number[]) => {
		const medians = each
			.map((of) => spreadOf(take(of)).median)
			.filter((value) => !Number.isNaN(value));
		return Math.max(...medians) / Math.min(...medians);
	};
	const of = (route: Route) => service.sent.filter((sent) => sent.route === route);
	const byRoute = (take: (route: Route) => number) =>
		Object.fromEntries(ROUTES.map((route) => [route, take(route)])) as Record<Route, number>;
	const created = service.tasks().length;
	return {
		executions: played.length,
		completed: played.filter(({ delayMs }) => delayMs !== undefined).length,
		failed,
		created,
		refused: byRoute((route) => of(route).filter(({ status }) => status === 429).length),
		peakPerSecond: {
			...byRoute((route) => mostPerSecond(of(route).map(({ at }) => at))),
			all: mostPerSecond(service.sent.map(({ at }) => at)),
		},
		requestsPerTask: service.sent.length / created,
		delay: spreadOf(delays(played)),
		submission: spreadOf(submissions(played)),
		unevenness: { delay: uneven(delays), submission: uneven(submissions) },
	};
}
