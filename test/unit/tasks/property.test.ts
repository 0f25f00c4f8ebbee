import fc from 'fast-check';
import { isRecord, recordAt, textAt } from '../../../nodes/shared/dashscope/json';
import { asksForNewTask } from '../../../nodes/shared/dashscope/errors';
import { pollSuspended, tasksUnderWay } from '../../../nodes/shared/tasks/suspended';
import type { LoopMemory } from '../../../nodes/shared/tasks/suspended';
import { StoppedError } from '../../../nodes/shared/tasks/errors';
import { Account } from '../../../nodes/shared/tasks/account';
import { Journal } from '../../../nodes/shared/tasks/journal';
import type { ItemStore } from '../../../nodes/shared/tasks/identity';
import { Ledger } from '../../../nodes/shared/tasks/ledger';
import type { LedgerStore, Unseen } from '../../../nodes/shared/tasks/ledger';
import type { TaskPorts } from '../../../nodes/shared/tasks/ports';
import type { OpenTask, Outcome } from '../../../nodes/shared/tasks/outcome';
import { runTasks } from '../../../nodes/shared/tasks/run';
import type { Memory, TaskRequest, RunSettings } from '../../../nodes/shared/tasks/run';
import { cancelWaiting } from '../../../nodes/shared/tasks/cancel';
import type { UploadStore } from '../../../nodes/shared/tasks/uploads';
import type { Task } from '../../../sandbox/tasks';
import { mostPerSecond } from '../rates';
import { HEADS, binary, editOf, fileOf, url } from '../requests';
import { StopButton, VirtualClock } from '../virtualClock';
import { OUR_KEY, VirtualService, faults, recordOf } from '../virtualService';
import type { Call, Fault, Plan, Route } from '../virtualService';

/**
 * Random batches, faults on every route, outcomes of tasks, retries and stops on a virtual clock, beside strangers
 * that submit the same: another application, another execution, another process. Whatever happens, nothing may be
 * billed twice, nothing that was paid for may be lost, and nobody may get a task that somebody else submitted.
 *
 * The bounds are the world's, not the code's: clocks a minute apart, a task list that lags a minute, gateways that
 * store a task 25 s late.
 *
 * A counterexample is printed with seed and path; FAST_CHECK_SEED and FAST_CHECK_PATH repeat it.
 */
const SCHEDULES = Number(process.env.SCHEDULES ?? 500);

interface Scenario {
	/** What each item asks for; equal numbers are equal items. */
	items: number[];
	/** Of the execution: the node runs so often (Loop Over Items), each time with the same items. */
	runs: number;
	/** Of each run, as by Retry On Fail. */
	pauseMs: number;
	/** The items come in reverse order from the second try on. */
	reversed: boolean;
	/** Otherwise: their prompts differ from try to try, as with the time of day in an expression. */
	changing: boolean;
	plans: Plan[];
	slots: number;
	latencies: number[];
	skewMs: number;
	tellsTime: boolean;
	/** How late a task is listed, its late storing included. */
	listLagMs: number;
	listsRequestIds: boolean | 'other';
	/**
	 * What the list's rows carry as ID of the API key: the key's, nothing, another one for each task, or that of a gateway's
	 * keys, which take turns.
	 */
	listsKeyIds: 'key' | 'nothing' | 'task' | 'gateway';
	/** When in the first try the user changes the key, on the same account. */
	changesKeyAfterMs?: number;
	/** When another application submits tasks with the same prompts, and whether with a key of its own. */
	strangers: Array<{ afterMs: number; kind: number; ownKey: boolean }>;
	/** Another execution of the same workflow, with the same items. */
	other?: { afterMs: number; sameProcess: boolean; sameCredential: boolean };
	/** What the user says, where it is true. */
	saysExclusive: boolean;
	/** Each try is an execution of its own, as by "Retry execution"; otherwise they are those of Retry On Fail. */
	retriedExecution: boolean;
	/** n8n is restarted between two tries, when the other execution has ended. */
	restarts: boolean;
	/** n8n is killed in the first try, and its execution retried: of that try nothing is remembered. */
	killedAfterMs?: number;
	/** Whether n8n's database keeps what is submitted at once: all of it, or only some. */
	record?: 'whole' | 'lossy';
	/** Nothing but the record tells that it was killed. Only where that is whole, and names what the retry asks for. */
	unnoticed: boolean;
	jitter: number[];
	faults: Record<Route, Array<Fault | undefined>>;
	settings: RunSettings;
	stopAfterMs?: number;
	/** Whether Stop ends calls under way. */
	aborts: boolean;
}

// What can be asked for ---------------------------------------------------------------------------------------------

const KINDS = 7;
const UPLOADED = 6;

/** Even kinds differ by their video only, odd ones also by their prompt; the last one is a file. */
const promptOf = (kind: number) =>
	kind % 2 === 0 && kind !== UPLOADED ? 'the same for many' : `prompt ${kind}`;

async function itemOf(kind: number, item: number, more = ''): Promise<TaskRequest> {
	const video =
		kind === UPLOADED
			? binary(fileOf(HEADS.mp4, { identity: 'clip' }))
			: url(`https://files.example/${kind}.mp4`);
	const edit = await editOf({ prompt: `${promptOf(kind)}${more}`, video });
	return { ...edit, item, download: kind !== 4 };
}

/** Which kind of item a task was created for. */
function kindOf({ body }: Task): number {
	const { media } = recordAt(isRecord(body) ? body : {}, 'input');
	const [video]: unknown[] = Array.isArray(media) ? media : [];
	const address = isRecord(video) ? (textAt(video, 'url') ?? '') : '';
	const number = /\/(\d)\.mp4$/.exec(address)?.[1];
	return address.startsWith('oss:') ? UPLOADED : Number(number);
}

// What can go wrong -------------------------------------------------------------------------------------------------

const orNothing = <T>(
	weight: number,
	...kinds: Array<fc.Arbitrary<T>>
): fc.Arbitrary<T | undefined> =>
	fc.oneof(
		{ weight, arbitrary: fc.constant(undefined) },
		...kinds.map((arbitrary) => ({ weight: 1, arbitrary })),
	);

const throttled = fc
	.constantFrom(undefined, '0', '3', '20')
	.map((after) => faults.throttled(after));

const broken = fc.constantFrom<Fault>(
	faults.unavailable,
	faults.reset,
	{ status: 500, body: { code: 'InternalError', message: 'An internal error has occured' } },
	{ socket: 'ETIMEDOUT', delayMs: 30_000 },
	{ status: 200, body: '<html>Welcome</html>' },
);

/** The answer to a create call is lost, after its task was stored: at once, or a while later. */
const lostAfterwards: fc.Arbitrary<Fault> = fc
	.tuple(broken, fc.constantFrom(undefined, 100, 4_000, 12_000, 25_000), fc.constantFrom(0, 90_000))
	.map(([fault, lateMs, delayMs]) => ({ ...fault, done: true, lateMs, delayMs }));

/** DashScope's own error, whether or not it created a task. */
const overloaded: fc.Arbitrary<Fault> = fc
	.tuple(fc.boolean(), fc.constantFrom(undefined, undefined, 4_000, 25_000))
	.map(([done, lateMs]) => ({ ...faults.overloaded, done, lateMs: done ? lateMs : undefined }));

const slow = fc.integer({ min: 500, max: 20_000 }).map((delayMs): Fault => ({ delayMs }));

const faultsOf: fc.Arbitrary<Scenario['faults']> = fc.record({
	create: fc.array(
		orNothing(
			7,
			throttled,
			broken,
			lostAfterwards,
			lostAfterwards,
			overloaded,
			overloaded,
			slow,
			fc.constantFrom<Fault>(faults.refused, faults.unauthorised),
		),
		{ maxLength: 30 },
	),
	query: fc.array(
		orNothing(
			10,
			throttled,
			broken,
			slow,
			fc.constantFrom<Fault>(faults.halfJson, faults.refused, faults.unauthorised),
			fc.constant<Fault>({ taskStatus: 'UNKNOWN' }),
		),
		{ maxLength: 60 },
	),
	list: fc.array(
		orNothing(3, broken, throttled, slow, fc.constant<Fault>({ status: 200, body: { data: [] } })),
		{ maxLength: 12 },
	),
	download: fc.array(orNothing(3, broken, slow, fc.constant<Fault>({ status: 403 })), {
		maxLength: 20,
	}),
	policy: fc.array(orNothing(3, broken, throttled, fc.constant(faults.unauthorised)), {
		maxLength: 8,
	}),
	post: fc.array(orNothing(3, broken, slow), { maxLength: 8 }),
	cancel: fc.array(orNothing(3, fc.constantFrom<Fault>(faults.unavailable, faults.reset)), {
		maxLength: 4,
	}),
});

const planOf: fc.Arbitrary<Plan> = fc.record(
	{
		jobSeconds: fc.oneof(
			{ weight: 6, arbitrary: fc.integer({ min: 1, max: 60 }) },
			{ weight: 1, arbitrary: fc.integer({ min: 60, max: 900 }) },
		),
		code: fc.constantFrom('InternalError.Algo', 'RewriteFailed', 'DataInspectionFailed'),
		cancelled: fc.boolean(),
	},
	{ requiredKeys: ['jobSeconds'] },
);

const plans = fc.array(
	fc.oneof(
		{ weight: 3, arbitrary: planOf.map(({ jobSeconds }): Plan => ({ jobSeconds })) },
		{ weight: 1, arbitrary: planOf },
	),
	{ minLength: 1, maxLength: 20 },
);

const settingsOf: fc.Arbitrary<RunSettings> = fc.record({
	submitOnly: fc.constantFrom(false, false, false, true),
	pollIntervalMs: fc.constantFrom(5_000, 5_000, 15_000, 1_000),
	timeoutMs: fc.constantFrom(20_000, 60_000, 300_000),
	resubmitFailed: fc.constantFrom(0, 0, 1, 3),
	lostSubmission: fc.constantFrom('lookUp', 'lookUp', 'lookUp', 'fail', 'resubmit'),
	retries: fc.integer({ min: 0, max: 2 }),
	transfers: fc.integer({ min: 1, max: 3 }),
	// Where the execution is suspended, after how long.
	holdMs: fc.constantFrom(undefined, undefined, undefined, 0, 15_000),
});

const scenarios: fc.Arbitrary<Scenario> = fc.record(
	{
		items: fc.array(fc.integer({ min: 0, max: KINDS - 1 }), { minLength: 1, maxLength: 12 }),
		runs: fc.constantFrom(1, 1, 1, 2),
		// n8n waits at least a second between two tries by default.
		pauseMs: fc.constantFrom(1_000, 2_000, 5_000, 60_000),
		reversed: fc.boolean(),
		changing: fc.constantFrom(false, false, true),
		plans,
		slots: fc.integer({ min: 2, max: 5 }),
		latencies: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 20 }),
		skewMs: fc.constantFrom(0, 0, -60_000, -40_000, -1_500, 2_500, 60_000),
		tellsTime: fc.constantFrom(true, true, true, false),
		listLagMs: fc.constantFrom(0, 0, 2_000, 15_000, 45_000, 60_000),
		listsRequestIds: fc.constantFrom<boolean | 'other'>(true, true, false, 'other'),
		listsKeyIds: fc.constantFrom('key', 'key', 'nothing', 'task', 'gateway'),
		changesKeyAfterMs: fc.option(fc.integer({ min: 0, max: 90_000 }), { nil: undefined, freq: 1 }),
		strangers: fc.array(
			fc.record({
				afterMs: fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 200_000 })),
				kind: fc.integer({ min: 0, max: KINDS - 1 }),
				ownKey: fc.boolean(),
			}),
			{ maxLength: 3 },
		),
		other: fc.record({
			afterMs: fc.integer({ min: 0, max: 3_000 }),
			sameProcess: fc.boolean(),
			sameCredential: fc.boolean(),
		}),
		saysExclusive: fc.boolean(),
		retriedExecution: fc.boolean(),
		restarts: fc.constantFrom(false, false, true),
		jitter: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), {
			minLength: 1,
			maxLength: 8,
		}),
		faults: faultsOf,
		settings: settingsOf,
		killedAfterMs: orNothing(2, fc.integer({ min: 0, max: 90_000 })),
		record: fc.constantFrom('whole', 'lossy'),
		unnoticed: fc.boolean(),
		stopAfterMs: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 120_000 })),
		aborts: fc.boolean(),
	},
	{
		requiredKeys: [
			'items',
			'runs',
			'pauseMs',
			'reversed',
			'changing',
			'plans',
			'slots',
			'latencies',
			'skewMs',
			'tellsTime',
			'listLagMs',
			'listsRequestIds',
			'listsKeyIds',
			'changesKeyAfterMs',
			'strangers',
			'saysExclusive',
			'retriedExecution',
			'restarts',
			'unnoticed',
			'jitter',
			'faults',
			'settings',
			'aborts',
		],
	},
);

// Playing a scenario ------------------------------------------------------------------------------------------------

interface Try {
	run: number;
	items: number[];
	/** Undefined when it was stopped, or killed. */
	outcomes?: Array<Outcome<string>>;
	/** What the node shows while its execution is suspended. */
	shown?: Array<Outcome<string>>;
	startedAt: number;
	endedAt: number;
	killed?: boolean;
}

interface Story {
	scenario: Scenario;
	service: VirtualService;
	tries: Try[];
	stoppedAt?: number;
	/** Of the other execution. */
	others: Array<Outcome<string>>;
	/** IDs of tasks that are recorded, or may be. */
	recorded: Set<string>;
}

/** Whose calls are whose. */
const OURS = 'ours';
const THEIRS = 'theirs';
const THEIR_KEY = 'key-2';
const NEW_KEY = 'key-3';

/** The values one after another, again from the first. */
function cycle(values: number[]): () => number {
	let index = 0;
	return () => values[index++ % values.length] ?? 0;
}

const AT_ONCE = ['now', 'random', 'stopped', 'log'];

/** What a process does, until it is killed: from then on nothing leaves it or comes back to it. */
function mortal(ports: TaskPorts<string>, isDead: () => boolean): TaskPorts<string> {
	return new Proxy(ports, {
		get: (target, name: keyof TaskPorts<string>) => {
			const value = target[name];
			if (typeof value !== 'function' || AT_ONCE.includes(name)) return value;
			return async (...given: never[]) => {
				const never = new Promise(() => undefined);
				if (isDead()) return await never;
				const work = (value as (...all: never[]) => Promise<unknown>)(...given);
				await work.catch(() => undefined);
				return await (isDead() ? never : work);
			};
		},
	});
}

/** Between two looks at the tasks of a suspended execution. */
const LOOK_MS = 62_500;

/** What one try may take at most: every part of it may use up the timeout, and reconciling takes its time. */
function longest({ settings, items }: Scenario): number {
	const submissions = 4 + settings.resubmitFailed;
	return submissions * (settings.timeoutMs + 20 * 60_000) + items.length * 3 * 60_000;
}

async function play(scenario: Scenario): Promise<Story> {
	const clock = new VirtualClock();
	const service = new VirtualService(clock, {
		slots: scenario.slots,
		latency: cycle(scenario.latencies),
		skewMs: scenario.skewMs,
		tellsTime: scenario.tellsTime,
		listLagMs: scenario.listLagMs,
		listsRequestIds: scenario.listsRequestIds,
		listsKeyIds: ({ keyId, number }) => {
			const ids = {
				key: keyId,
				nothing: undefined,
				task: `of-${number}`,
				gateway: `key-${number % 2}`,
			};
			return ids[scenario.listsKeyIds];
		},
	});
	service.plans = scenario.plans;
	for (const [route, list] of Object.entries(scenario.faults) as Array<
		[Route, Array<Fault | undefined>]
	>) {
		// A task is listed within a minute, whatever delays it.
		service.faults[route] = list.map((fault) =>
			fault?.lateMs === undefined
				? fault
				: {
						...fault,
						lateMs: Math.min(fault.lateMs, 58_000 - Math.min(58_000, scenario.listLagMs)),
					},
		);
	}
	for (const { afterMs, kind, ownKey } of scenario.strangers) {
		const key = ownKey ? THEIR_KEY : OUR_KEY;
		clock.at(
			clock.now() + afterMs,
			() => void service.addTask(promptOf(kind), { jobSeconds: 20 }, undefined, key),
		);
	}
	const stop = new StopButton(clock);
	const story: Story = { scenario, service, tries: [], others: [], recorded: new Set() };
	const { stopAfterMs, killedAfterMs } = scenario;
	// One of the same process would end with it.
	const beside = killedAfterMs === undefined ? {} : { sameProcess: false };
	const other = scenario.other && { ...scenario.other, ...beside };
	const journal = new Journal(0);
	/** Of the process that the next try runs in. */
	let current = journal;
	/** With a key of an account. */
	const accountWith = (keyId: string, of = journal) =>
		new Account(of, keyId, scenario.listsKeyIds === 'gateway' ? 'gateway' : 'dashscope');
	const account = accountWith(OUR_KEY);
	const alone = scenario.strangers.length === 0 && (other?.sameProcess ?? true);
	const exclusive = alone && scenario.saysExclusive;
	if (stopAfterMs !== undefined) {
		clock.at(clock.now() + stopAfterMs, () => {
			story.stoppedAt = clock.now();
			stop.press();
		});
	}
	const jitter = cycle(scenario.jitter);
	const kept = recordOf(() => scenario.record === 'lossy' && jitter() < 0.5);
	const record = scenario.record && {
		...kept,
		add: async (facts: string[]) => {
			for (const fact of facts) story.recorded.add(fact.split(' ').at(-1) ?? '');
			await kept.add(facts);
		},
	};
	const unnoticed = isUnnoticed(scenario);
	const begunAt = clock.now();
	const { changesKeyAfterMs = Infinity } = scenario;
	const keyNow = () => (clock.now() - begunAt < changesKeyAfterMs ? OUR_KEY : NEW_KEY);
	const portsFor = (process: Account) =>
		service.ports(stop, scenario.aborts, jitter, {
			executionId: OURS,
			account: process,
			keyId: process.id,
			keyNow,
			exclusive,
			record,
		});
	let ports = portsFor(account);
	const others = async ({ afterMs, sameProcess, sameCredential }: NonNullable<typeof other>) => {
		const edits = await Promise.all(
			scenario.items.map(async (kind, item) => await itemOf(kind, item)),
		);
		await clock.wait(afterMs);
		const theirKey = sameCredential ? OUR_KEY : THEIR_KEY;
		const another = accountWith(theirKey, sameProcess ? journal : new Journal(0));
		const process = sameProcess && sameCredential ? account : another;
		const theirs = { executionId: THEIRS, account: process, keyId: theirKey, exclusive };
		const memory = { ledger: new Ledger({}, 0), uploads: {}, items: {} };
		const settings = { ...scenario.settings, retries: 0, holdMs: undefined };
		story.others = await runTasks(
			edits,
			service.ports(new StopButton(clock), true, jitter, theirs),
			memory,
			settings,
		);
	};
	const ended = other === undefined ? Promise.resolve() : others(other);
	const fresh = '{"ledger":{},"uploads":{},"items":{}}';
	let saved = fresh;
	let unseen: Unseen | undefined;

	/** The memory that n8n hands to a try, and what it saves of it. */
	const remembering = async <T>(
		json: string,
		run: number,
		work: (memory: Memory) => Promise<T>,
	): Promise<{ result: T | undefined; json: string }> => {
		const memory = JSON.parse(json) as {
			ledger: LedgerStore;
			uploads: UploadStore;
			items: ItemStore;
		};
		const promise = work({ ...memory, ledger: new Ledger(memory.ledger, run) });
		const result = await clock.run(promise, longest(scenario)).catch((error: unknown) => {
			if (error instanceof StoppedError) return undefined;
			throw error;
		});
		return { result, json: JSON.stringify(memory) };
	};

	/** The same, for the execution that waits. */
	const looking = async <T>(
		loop: { json: string; tries: number[] },
		work: (memory: LoopMemory) => Promise<T>,
	): Promise<T | undefined> => {
		const { result, json } = await remembering(
			loop.json,
			0,
			async (memory) => await work({ ...memory, tries: loop.tries }),
		);
		loop.json = json;
		return result;
	};

	/** Looks at the open tasks from time to time, as the loop of a suspended execution does. */
	const wait = async (
		outcomes: Array<Outcome<string>>,
		retries: number,
	): Promise<Try['outcomes']> => {
		const open = outcomes.filter((outcome) => outcome.state === 'open');
		const luggage = JSON.stringify(open);
		const { resubmitFailed, lostSubmission, timeoutMs, transfers } = scenario.settings;
		// Each may use up the timeout, which a look notices: the task that a try finds, the one in its place, and more.
		const waits = (1 + retries) * (2 + resubmitFailed);
		const limit = clock.now() + waits * (timeoutMs + LOOK_MS) + 10 * 60_000;
		const loop = { json: fresh, tries: [] };
		const failsTry = (failed: boolean[]) => failed.includes(true);
		for (;;) {
			await clock.pass(LOOK_MS);
			if (clock.now() > limit) throw new Error('The suspended execution does not end');
			const edits = JSON.parse(luggage) as OpenTask[];
			if (stop.stopped()) {
				await looking(
					loop,
					async (memory) =>
						await cancelWaiting(
							ports,
							tasksUnderWay(edits, memory).map(({ taskId }) => taskId),
						),
				);
				return undefined;
			}
			const settled = await looking(
				loop,
				async (memory) =>
					await pollSuspended(edits, ports, memory, {
						transfers,
						retries,
						lostSubmission,
						failsTry,
					}),
			);
			if (stop.stopped()) return undefined;
			if (!Array.isArray(settled)) continue;
			return outcomes.map((outcome) =>
				outcome.state === 'open' ? (settled[open.indexOf(outcome)] ?? outcome) : outcome,
			);
		}
	};

	const attempt = async (run: number, items: number[], retries: number): Promise<Try> => {
		const more = scenario.changing && !scenario.reversed ? ` at ${clock.now()}` : '';
		const edits = await Promise.all(
			items.map(async (kind, item) => await itemOf(kind, item, more)),
		);
		const startedAt = clock.now();
		if (killedAfterMs !== undefined && story.tries.length === 0) {
			let dead = false;
			const process = mortal(ports, () => dead);
			const work = async (memory: Memory) =>
				await runTasks(edits, process, memory, { ...scenario.settings, retries });
			const death = clock.wait(killedAfterMs).then(() => {
				dead = true;
			});
			await remembering(
				saved,
				run,
				async (memory) => await Promise.race([work(memory).then(() => undefined), death]),
			);
			return { run, items, startedAt, endedAt: clock.now(), killed: true };
		}
		const killed = story.tries.find((one) => one.killed);
		if (killed !== undefined && !unnoticed)
			unseen ??= { since: killed.startedAt, until: startedAt };
		const retried = killed !== undefined || scenario.retriedExecution;
		const retriedSince = retried ? story.tries.at(0)?.startedAt : undefined;
		const work = async (memory: Memory) =>
			await runTasks(
				edits,
				ports,
				{ ...memory, unseen, retriedSince },
				{ ...scenario.settings, retries },
			);
		const { result, json } = await remembering(saved, run, work);
		saved = json;
		const ended = { run, items, outcomes: result, startedAt, endedAt: clock.now() };
		const has = (state: Outcome<string>['state']) => result?.some((one) => one.state === state);
		if (result === undefined || has('failed') || !has('open')) return ended;
		const outcomes = await wait(result, retries);
		return { ...ended, outcomes, shown: result, endedAt: clock.now() };
	};

	for (let run = 0; run < scenario.runs; run++) {
		const kills = run === 0 && scenario.killedAfterMs !== undefined ? 1 : 0;
		for (let tries = 0; tries <= scenario.settings.retries + kills && !stop.stopped(); tries++) {
			const keyId = tries > 0 ? keyNow() : ports.account.id;
			const restarts = (scenario.restarts || story.tries.at(-1)?.killed) && tries > 0;
			if (restarts) {
				await clock.run(ended, 24 * longest(scenario));
				current = new Journal(clock.now());
				if (stop.stopped()) break;
			}
			if (restarts || keyId !== ports.account.id) ports = portsFor(accountWith(keyId, current));
			if (scenario.retriedExecution && tries > 0) {
				ports = { ...ports, executionId: `${OURS}, retry ${tries}` };
			}
			const backwards = scenario.reversed && tries > 0;
			const items = backwards ? [...scenario.items].reverse() : scenario.items;
			const one = await attempt(run, items, scenario.settings.retries + kills - tries);
			story.tries.push(one);
			await clock.pass(scenario.pauseMs);
			if (one.killed) continue;
			// n8n does not try a node again that was suspended; its loop has done so.
			if (one.shown !== undefined || !one.outcomes?.some(({ state }) => state === 'failed')) break;
		}
	}
	await clock.run(ended, 24 * longest(scenario));
	// Everything that was stored late or is still running comes to its end.
	await clock.pass(5 * 3_600_000);
	return story;
}

// What must hold ----------------------------------------------------------------------------------------------------

/** The task IDs that a try tells the user. */
function toldBy({ outcomes = [], shown = [] }: Try): string[] {
	return [...outcomes, ...shown].flatMap((outcome) => {
		if (outcome.state === 'finished') {
			return [outcome.job, ...(outcome.duplicates ?? [])].flatMap(({ taskId }) => taskId ?? []);
		}
		if (outcome.state !== 'failed') return [outcome.job.taskId];
		const { taskId = '', possibleTaskIds = '', duplicateTaskIds = '' } = outcome.error.details;
		return [taskId, ...`${possibleTaskIds}, ${duplicateTaskIds}`.split(', ')];
	});
}

const isUnknown = (outcome: Outcome<string>) =>
	outcome.state === 'failed' && outcome.error.message.startsWith('Outcome unknown');

/** Whether the answer that names the created task never reached the node. */
function answerWasLost({ fault, at }: Call, { scenario, stoppedAt, tries }: Story): boolean {
	if (tries.some((one) => one.killed && at >= one.startedAt && at <= one.endedAt)) return true;
	const lost = fault?.socket !== undefined || fault?.status !== undefined;
	// Stop may have ended the call before its answer came.
	const cut = scenario.aborts && stoppedAt !== undefined && at > stoppedAt - 21_000;
	return lost || cut || fault?.lateMs !== undefined;
}

interface Creation {
	call: Call;
	task: Task;
	kind: number;
	run: number;
}

const isUnnoticed = ({ unnoticed, record, changing }: Scenario) =>
	unnoticed && record === 'whole' && !changing;

/** Whether nothing at all is left of a task: a try that was killed made it, and nobody knows that. */
function isForgotten({ id }: Task, { at }: Call, { scenario, tries, recorded }: Story): boolean {
	if (!isUnnoticed(scenario) || recorded.has(id)) return false;
	return tries.some((one) => one.killed && at >= one.startedAt && at <= one.endedAt);
}

/** Every task of the story with the call that created it. */
function creationsOf(story: Story): Creation[] {
	const tasks = new Map(story.service.tasks().map((task) => [task.id, task]));
	return story.service.calls.flatMap((call) => {
		const task = tasks.get(call.created ?? '');
		if (task === undefined || call.executionId !== OURS) return [];
		const one = story.tries.find(
			({ startedAt, endedAt }) => call.at >= startedAt && call.at <= endedAt,
		);
		return [{ call, task, kind: kindOf(task), run: one?.run ?? -1 }];
	});
}

/** Of a task that is not billed. */
const isFree = ({ status }: Task) => status === 'FAILED' || status === 'CANCELED';

function countBy<T>(values: readonly T[], has: (value: T) => boolean): number {
	return values.filter(has).length;
}

/** At most one task for each item, unless a rule allows another. */
function billsOnce(story: Story): void {
	const { items, settings } = story.scenario;
	const creations = creationsOf(story);
	const told = new Set(story.tries.flatMap(toldBy));
	// A suspended execution makes its tries within one.
	const triedAgain = (run: number) =>
		story.tries.some(({ run: other, shown }) => other === run && shown && settings.retries > 0) ||
		countBy(story.tries, (one) => one.run === run) > 1;
	for (let run = 0; run < story.scenario.runs; run++) {
		for (let kind = 0; kind < KINDS; kind++) {
			const made = creations.filter((one) => one.kind === kind && one.run === run);
			const again = made.filter(({ task, call }) => {
				if (settings.lostSubmission === 'resubmit' && answerWasLost(call, story)) return true;
				if (isForgotten(task, call, story)) return true;
				// Where the list was fresh, yet not in this one row: told, or cancelled while it waited.
				const named = told.has(task.id) || story.stoppedAt !== undefined;
				if (call.fault?.envelope && (task.status === 'CANCELED' || named)) return true;
				if (!isFree(task)) return false;
				if (answerWasLost(call, story)) return true;
				const asks = task.work?.status === 'FAILED' && asksForNewTask(task.work.code);
				return triedAgain(run) || (asks && settings.resubmitFailed > 0);
			});
			const allowed = countBy(items, (item) => item === kind) + again.length;
			const most = (1 + settings.retries) * (1 + settings.resubmitFailed);
			const lost = countBy(
				made,
				({ call, task }) =>
					isForgotten(task, call, story) ||
					call.fault?.envelope === true ||
					(isFree(task) && answerWasLost(call, story)),
			);
			const free = settings.lostSubmission === 'resubmit';
			if (!free && made.length > most * countBy(items, (item) => item === kind) + lost) {
				throw new Error(`${made.length} tasks for kind ${kind} in run ${run}; tries allow ${most}`);
			}
			if (made.length > allowed) {
				throw new Error(`${made.length} tasks for kind ${kind} in run ${run}; allowed: ${allowed}`);
			}
		}
	}
}

/** Each item ends with a task of its own that was made for its request. */
function confusesNothing(story: Story): void {
	const tasks = new Map(story.service.tasks().map((task) => [task.id, task]));
	const ownerOf = new Map<string, number>();
	for (const { run, items, outcomes = [] } of story.tries) {
		const taken = new Set<string>();
		for (const [index, outcome] of outcomes.entries()) {
			if (outcome.state === 'failed') continue;
			const { taskId } = outcome.job;
			const task = tasks.get(taskId);
			if (task === undefined) throw new Error(`Item ${index} has ${taskId}, which does not exist`);
			if (kindOf(task) !== items[index]) throw new Error(`Item ${index} has the task of another`);
			if (taken.has(taskId)) throw new Error(`${taskId} was given to two items`);
			if ((ownerOf.get(taskId) ?? run) !== run) throw new Error(`${taskId} was given to two runs`);
			taken.add(taskId);
			ownerOf.set(taskId, run);
			if (outcome.state === 'finished' && outcome.video !== undefined) {
				expect(outcome.video).toBe(`video of ${taskId}`);
			}
		}
		if (outcomes.length !== (outcomes.length === 0 ? 0 : items.length)) {
			throw new Error('An item has no outcome');
		}
	}
}

/** Nobody has a task that somebody else submitted. */
function keepsApart({ service, tries, others }: Story): void {
	const ownerOf = new Map(service.calls.map((call) => [call.created, call.executionId]));
	const check = (outcomes: Array<Outcome<string>>, owner: string) => {
		for (const outcome of outcomes) {
			if (!('job' in outcome) || outcome.job === undefined) continue;
			if (ownerOf.get(outcome.job.taskId) !== owner) {
				throw new Error(`${outcome.job.taskId} was submitted by somebody else`);
			}
		}
	};
	for (const { outcomes = [], shown = [] } of tries) check([...outcomes, ...shown], OURS);
	check(others, THEIRS);
	// What was cancelled as a second task was somebody's own.
	for (const { route, about = '', executionId } of service.calls) {
		if (route === 'cancel' && ownerOf.get(about) !== executionId) {
			throw new Error(`${about} of somebody else was canceled`);
		}
	}
}

/** Every task that succeeded, and so is billed, is named to the user. */
function losesNothing(story: Story): void {
	const { settings } = story.scenario;
	const told = new Set(story.tries.flatMap(toldBy));
	const logged = new Set(story.service.log.join(' ').match(/task-\d+/g) ?? []);
	for (const { task, call, run, kind } of creationsOf(story)) {
		if (task.status !== 'SUCCEEDED' || told.has(task.id)) continue;
		if (story.stoppedAt !== undefined && logged.has(task.id)) continue;
		if (isForgotten(task, call, story)) continue;
		if (!answerWasLost(call, story)) throw new Error(`${task.id} succeeded and is lost`);
		const unknown = story.tries.some(
			(one) =>
				one.run === run &&
				one.outcomes?.some((outcome, index) => isUnknown(outcome) && one.items[index] === kind),
		);
		const stopped = story.stoppedAt !== undefined;
		if (!unknown && !stopped && settings.lostSubmission !== 'resubmit') {
			throw new Error(`${task.id}, whose answer was lost, is not even told to be unknown`);
		}
	}
}

/** No more requests of a process than the account's limits leave to it. */
function keepsToBudgets({ service, scenario }: Story): void {
	const { sameProcess = true, sameCredential = true } = scenario.other ?? {};
	// Limits are known by process and credential.
	if (!sameProcess || !sameCredential || scenario.restarts) return;
	if (scenario.changesKeyAfterMs !== undefined) return;
	if (scenario.killedAfterMs !== undefined) return;
	expect(mostPerSecond(service.times('create'))).toBeLessThanOrEqual(5);
	const reads = [...service.times('query'), ...service.times('list')];
	expect(mostPerSecond(reads.sort((a, b) => a - b))).toBeLessThanOrEqual(10);
}

/** Stop ends the run within a second, cancels what waits, and lets nothing follow. */
function stopsAtOnce(story: Story): void {
	const { scenario, service, stoppedAt } = story;
	if (stoppedAt === undefined) return;
	const late = service.calls.filter(({ route, stopped }) => stopped && route !== 'cancel');
	if (late.some(({ route }) => route === 'create')) throw new Error('A submission followed Stop');
	const last = story.tries.at(-1);
	if (last === undefined || last.outcomes !== undefined) return;
	if (scenario.aborts && last.shown === undefined)
		expect(last.endedAt - stoppedAt).toBeLessThanOrEqual(1_000);

	const uncancelled = service.calls.some(({ route, fault }) => route === 'cancel' && fault);
	for (const { task, call, run } of creationsOf(story)) {
		// One that has timed out, perhaps in an earlier run, is left alone.
		const timedOut = run !== last.run || stoppedAt >= call.at + scenario.settings.timeoutMs;
		const startedAt = (task.scheduledAt ?? Infinity) - scenario.skewMs;
		const started = startedAt <= last.endedAt + 2_000;
		const waited = !timedOut && !started;
		if (!waited || task.status === 'CANCELED' || uncancelled || answerWasLost(call, story))
			continue;
		throw new Error(`${task.id} was still waiting and was not cancelled`);
	}
}

// -------------------------------------------------------------------------------------------------------------------

const { FAST_CHECK_SEED, FAST_CHECK_PATH } = process.env;

test(`in ${SCHEDULES} random schedules nothing is billed twice and nothing paid for is lost`, async () => {
	await fc.assert(
		fc.asyncProperty(scenarios, async (scenario) => {
			const story = await play(scenario);
			billsOnce(story);
			confusesNothing(story);
			keepsApart(story);
			losesNothing(story);
			keepsToBudgets(story);
			stopsAtOnce(story);
		}),
		{
			numRuns: SCHEDULES,
			seed: FAST_CHECK_SEED === undefined ? undefined : Number(FAST_CHECK_SEED),
			path: FAST_CHECK_PATH,
			// A counterexample is made smaller for so long, then told as it is.
			interruptAfterTimeLimit: 240_000,
			markInterruptAsFailure: true,
		},
	);
}, 300_000);
