import fc from 'fast-check';
import { collect } from '../../../nodes/WanVideoEditTrigger/collect';
import { readState } from '../../../nodes/WanVideoEditTrigger/finished';
import type { TriggerState } from '../../../nodes/WanVideoEditTrigger/finished';
import { Account } from '../../../nodes/shared/tasks/account';
import { Journal } from '../../../nodes/shared/tasks/journal';
import type { Task } from '../../../sandbox/tasks';
import { VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';
import type { Fault, Plan } from '../virtualService';

/**
 * Random days of an account on a virtual clock: tasks before and after the activation that queue for five slots and end
 * out of order; a list that lags and has small pages; clocks a minute apart; faults of lists, queries and downloads;
 * n8n killed between and in the middle of polls; pauses of up to a day. Every task that finishes after the activation
 * is emitted exactly once, none that finished before.
 *
 * A counterexample is printed with seed and path; FAST_CHECK_SEED and FAST_CHECK_PATH repeat it.
 */
const SCHEDULES = Number(process.env.SCHEDULES ?? 500);

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const MODELS = ['wan2.7-videoedit', 'wan3.0-video', 'another-model'];

const ENDS = ['SUCCEEDED', 'FAILED', 'CANCELED'];

interface Schedule {
	/** Submissions, by the moment relative to the activation. */
	tasks: Array<{ atMs: number; plan: Plan; model: number }>;
	/** A look after such a pause; the process may end before it (restart, deactivation) or while it is made. */
	polls: Array<{ pauseMs: number; begins: 'goes on' | 'restarted'; ends: 'well' | 'killed' }>;
	/** Whether n8n keeps the state after each poll; otherwise only after those that emit something. */
	durable: boolean;
	/** The only model, to be asked for from the service; undefined for two of the three. */
	model?: number;
	statuses: string[];
	download: boolean;
	skewMs: number;
	listLagMs: number;
	pageSize: number;
	tellsTime: boolean;
	listsEnds: boolean;
	latencies: number[];
	faults: Record<'list' | 'query' | 'download', Array<Fault | undefined>>;
}

const plan: fc.Arbitrary<Plan> = fc.record({
	jobSeconds: fc.oneof(
		{ weight: 6, arbitrary: fc.integer({ min: 10, max: 900 }) },
		{ weight: 1, arbitrary: fc.integer({ min: 900, max: 20 * 3_600 }) },
	),
	code: fc.constantFrom(undefined, undefined, undefined, 'InternalError.Algo'),
	cancelled: fc.constantFrom(false, false, false, true),
});

const pause = fc.oneof(
	{ weight: 12, arbitrary: fc.integer({ min: 5 * SECOND, max: 2 * MINUTE }) },
	{ weight: 4, arbitrary: fc.integer({ min: MINUTE, max: HOUR }) },
	{ weight: 1, arbitrary: fc.integer({ min: HOUR, max: 23 * HOUR }) },
);

const fault = (weight: number): fc.Arbitrary<Fault | undefined> =>
	fc.oneof(
		{ weight, arbitrary: fc.constant(undefined) },
		{
			weight: 1,
			arbitrary: fc.constantFrom<Fault>(
				faults.unavailable,
				faults.reset,
				faults.refused,
				faults.throttled('2'),
				faults.halfJson,
				faults.unauthorised,
				{ status: 200, body: '<html>Welcome</html>' },
				{ socket: 'ETIMEDOUT', delayMs: 30_000 },
				{ delayMs: 12_000 },
			),
		},
	);

const lying = fc.constantFrom<Fault>({ taskStatus: 'UNKNOWN' }, { taskStatus: 'RUNNING' });

const schedule: fc.Arbitrary<Schedule> = fc.record({
	tasks: fc.array(
		fc.record({
			atMs: fc.oneof(
				{ weight: 6, arbitrary: fc.integer({ min: -15 * MINUTE, max: HOUR }) },
				{ weight: 2, arbitrary: fc.integer({ min: -2 * HOUR, max: 6 * HOUR }) },
				{ weight: 1, arbitrary: fc.integer({ min: -26 * HOUR, max: 40 * HOUR }) },
			),
			plan,
			model: fc.integer({ min: 0, max: 2 }),
		}),
		{ minLength: 10, maxLength: 40 },
	),
	polls: fc.array(
		fc.record({
			pauseMs: pause,
			begins: fc.constantFrom('goes on', 'goes on', 'goes on', 'restarted'),
			ends: fc.constantFrom('well', 'well', 'well', 'well', 'well', 'killed'),
		}),
		{ minLength: 10, maxLength: 60 },
	),
	durable: fc.boolean(),
	model: fc.constantFrom(undefined, undefined, 0, 1, 2),
	statuses: fc.constantFrom(ENDS, ENDS, ['SUCCEEDED'], ['FAILED', 'CANCELED']),
	download: fc.boolean(),
	skewMs: fc.integer({ min: -MINUTE, max: MINUTE }),
	listLagMs: fc.integer({ min: 0, max: MINUTE }),
	pageSize: fc.integer({ min: 2, max: 50 }),
	tellsTime: fc.constantFrom(true, true, true, true, false),
	listsEnds: fc.constantFrom(true, true, true, true, false),
	latencies: fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 10 }),
	faults: fc.record({
		list: fc.array(fault(9), { maxLength: 100 }),
		query: fc.array(fc.oneof({ weight: 9, arbitrary: fault(6) }, { weight: 1, arbitrary: lying }), {
			maxLength: 100,
		}),
		download: fc.array(fault(3), { maxLength: 30 }),
	}),
});

interface Poll {
	/** On the service's clock, when it began. */
	at: number;
	/** Whether nothing at all went wrong with it. */
	clean: boolean;
}

interface Played {
	service: VirtualService;
	/** By task, how often it was emitted. */
	emitted: Map<string, number>;
	/** When the first poll began, and when it was over. */
	activatedAt: number;
	activeFrom: number;
	/** Whether the activation could tell the service's clock. */
	exact: boolean;
	polls: Poll[];
	state?: TriggerState;
}

async function play(plays: Schedule): Promise<Played> {
	const { latencies, skewMs } = plays;
	const clock = new VirtualClock();
	let calls = 0;
	const latency = () => latencies[calls++ % latencies.length] ?? 0;
	const service = new VirtualService(clock, { ...plays, latency });
	const activation = clock.now() + 27 * HOUR;
	for (const { atMs, plan: its, model } of plays.tasks) {
		clock.at(activation + atMs, () => service.addTask(`at ${atMs}`, its, MODELS[model]));
	}

	const played: Played = {
		service,
		emitted: new Map(),
		activatedAt: Infinity,
		activeFrom: Infinity,
		exact: false,
		polls: [],
	};
	const only = plays.model === undefined ? undefined : MODELS[plays.model];
	const settings = {
		source: { credential: 'c1', model: only },
		wanted: ({ model, status }: { model?: string; status: string }) =>
			plays.statuses.includes(status) &&
			(only === undefined ? model !== 'another-model' : model === only),
		download: plays.download,
		budgetMs: 5 * MINUTE,
	};

	/** What n8n has in its database and in its memory. */
	let saved: string | undefined;
	let kept: string | undefined;
	let account = new Account(new Journal(clock.now()));
	const poll = async (ends: 'well' | 'killed'): Promise<void> => {
		const first = service.calls.length;
		const at = clock.now() + skewMs;
		const ports = service.ports(undefined, true, undefined, { account });
		const before = kept === undefined ? undefined : readState(JSON.parse(kept));
		const result = await clock.run(
			collect(ports, before, settings).catch((error: unknown) => error),
		);
		if (result instanceof Error || ends === 'killed') {
			// Of a poll that failed nothing may have changed.
			expect(before && JSON.stringify(before)).toEqual(kept);
			return;
		}
		const { state, ended } = result as Awaited<ReturnType<typeof collect<string>>>;
		const news = service.calls.slice(first);
		played.polls.push({ at, clean: news.every((call) => call.fault === undefined) });
		if (played.activatedAt === Infinity) {
			played.activatedAt = at;
			played.activeFrom = clock.now() + skewMs;
			played.exact = account.offset !== undefined;
		}
		played.state = state;
		kept = JSON.stringify(state);
		// The first poll is that of the activation.
		if (plays.durable || ended.length > 0 || saved === undefined) saved = kept;
		for (const { task, video, error } of ended) {
			played.emitted.set(task.taskId, (played.emitted.get(task.taskId) ?? 0) + 1);
			expect(ENDS).toContain(task.status);
			const whole = plays.download && task.status === 'SUCCEEDED' && error === undefined;
			expect(video).toBe(whole ? `video of ${task.taskId}` : undefined);
		}
	};

	await clock.pass(activation - clock.now());
	Object.assign(service.faults, plays.faults);
	await poll('well');
	for (const { pauseMs, begins, ends } of plays.polls) {
		await clock.pass(pauseMs);
		if (begins === 'restarted') {
			kept = saved;
			account = new Account(new Journal(clock.now()));
		}
		await poll(ends);
		if (ends === 'killed') {
			kept = saved;
			account = new Account(new Journal(clock.now()));
		}
	}
	Object.assign(service.faults, { list: [], query: [], download: [] });
	for (let last = 0; last < 4; last++) {
		await clock.pass(MINUTE);
		await poll('well');
	}
	return played;
}

function check(
	{ service, emitted, activatedAt, activeFrom, exact, polls, state }: Played,
	plays: Schedule,
): void {
	const only = plays.model === undefined ? undefined : MODELS[plays.model];
	const wanted = ({ model, status }: Task) =>
		plays.statuses.includes(status) &&
		(only === undefined ? model !== 'another-model' : model === only);
	// Where times cannot be compared, what the list does not show as ended yet counts as open.
	const blurMs = exact && plays.listsEnds ? 0 : plays.listLagMs;

	const wrong: string[] = [];
	for (const task of service.tasks()) {
		const { id, submittedAt, endedAt = Infinity } = task;
		const times = emitted.get(id) ?? 0;
		const shown = ({ at, clean }: Poll) =>
			clean && at >= endedAt + plays.listLagMs && at < submittedAt + DAY - 3 * MINUTE;
		const never = !wanted(task) || endedAt < activatedAt - 7 * SECOND - blurMs;
		const always = !never && endedAt >= activeFrom && polls.some(shown);
		if (times < (always ? 1 : 0) || times > (never ? 0 : 1)) {
			wrong.push(
				`${id}, submitted ${submittedAt - activatedAt} and ended ${endedAt - activatedAt} ms after the activation, was emitted ${times} times`,
			);
		}
	}
	expect(wrong).toEqual([]);

	if (state === undefined) throw new Error('There was no poll');
	const { from, seen, due } = state;
	expect(Object.values(seen).every((time) => time >= from)).toBe(true);
	// What could not be fetched is given up, sooner or later.
	expect(Object.values(due).every(({ tries }) => tries < 5)).toBe(true);
}

test('every task that finishes after the activation is emitted exactly once, none before', async () => {
	let tasks = 0;
	let polls = 0;
	let emitted = 0;
	await fc.assert(
		fc.asyncProperty(schedule, async (plays) => {
			const played = await play(plays);
			check(played, plays);
			tasks += played.service.tasks().length;
			polls += played.polls.length;
			emitted += played.emitted.size;
		}),
		{
			numRuns: SCHEDULES,
			seed: process.env.FAST_CHECK_SEED ? Number(process.env.FAST_CHECK_SEED) : undefined,
			path: process.env.FAST_CHECK_PATH,
		},
	);
	// A test that emits nothing proves nothing.
	expect(emitted).toBeGreaterThan(SCHEDULES / 2);
	if (process.env.VERBOSE)
		process.stderr.write(`${tasks} tasks, ${polls} polls, ${emitted} emitted\n`);
}, 300_000);
