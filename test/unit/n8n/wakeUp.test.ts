import { START, VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';
import { SuspendedRun, callWebhook, seen } from './loopEngine';

const PATH = 'wan-video-edit-tasks-ended';

/** Seconds since the start. */
const at = (moment: number) => (moment - START) / 1000;

/** The most moments in any second. */
const busiest = (times: number[]) =>
	Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));

describe('a suspended execution is woken when its tasks have ended', () => {
	test('within seconds, by its own resume URL, without the key', async () => {
		const run = new SuspendedRun({ plans: [{ jobSeconds: 100 }] });
		const { items } = await run.run();
		expect(seen(items)).toEqual([{ item: 0, prompt: 'wish', video: 'video of task-1' }]);
		const [post, ...more] = run.posts;
		expect(more).toEqual([]);
		expect(post).toMatchObject({ status: 200, withKey: false });
		expect(post?.url).toBe(`http://n8n.example/webhook-waiting/10/${PATH}?signature=secret`);
		expect(at(run.loop?.looks.at(-1) ?? 0)).toBeLessThan(112);
		expect(run.logged.join()).not.toContain('secret');
	});

	test('with what was finished before, and each item on its own', async () => {
		const run = new SuspendedRun({
			prompts: ['done', 'refused', 'long'],
			plans: [
				{ jobSeconds: 20 },
				{ jobSeconds: 20, code: 'DataInspectionFailed' },
				{ jobSeconds: 80 },
			],
			parameters: { waiting: 'auto' },
			settings: { onError: 'continueErrorOutput' },
		});
		const { items } = await run.run();
		expect(run.posts).toMatchObject([{ status: 200 }]);
		expect(seen(items)).toEqual([
			{ item: 0, prompt: 'done', video: 'video of task-1' },
			{ item: 1, error: expect.stringContaining('Task task-2 failed') },
			{ item: 2, prompt: 'long', video: 'video of task-3' },
		]);
	});

	test('once more for a task that took the place of a failed one', async () => {
		const run = new SuspendedRun({
			plans: [{ jobSeconds: 15, code: 'InternalError.Algo' }, { jobSeconds: 35 }],
			options: { resubmitFailed: 1 },
		});
		const { items } = await run.run();
		expect(seen(items)).toMatchObject([{ video: 'video of task-2' }]);
		expect(run.posts).toHaveLength(2);
		expect(at(run.clock.now())).toBeLessThan(80);
		expect(run.service.count('create')).toBe(2);
	});

	test.each([
		[1, 5],
		[5, 5],
		[20, 10],
	])('which takes few requests: of %d items, in 50 seconds %d', async (count, most) => {
		const prompts = Array.from({ length: count }, (_, index) => `wish ${index}`);
		const run = new SuspendedRun({
			prompts,
			slots: 100,
			plans: [{ jobSeconds: 120 }],
		}).unreachable();
		await run.clock.run(run.start());
		const requests = () => run.service.count('query') + run.service.count('list');
		const before = requests();
		await run.clock.pass(60_000);
		expect(requests() - before).toBe(most);
		await run.clock.run(run.wait());
	});

	test('and what it was told is not asked again', async () => {
		const prompts = Array.from({ length: 20 }, (_, index) => `wish ${index}`);
		const run = new SuspendedRun({ prompts, slots: 100, plans: [{ jobSeconds: 40 }] });
		const { items } = await run.run();
		expect(seen(items)).toHaveLength(20);
		expect(run.posts).toMatchObject([{ status: 200 }]);
		expect(run.service.count('query')).toBe(20);
	});

	test('but not shortly before its sleep ends by itself', async () => {
		const run = new SuspendedRun({ plans: [{ jobSeconds: 51 }] });
		await run.run();
		expect(run.posts).toEqual([]);
		expect(at(run.loop?.looks[0] ?? 0)).toBeCloseTo(62.6, 0);
	});
});

describe('without a call that arrives, the sleep ends by itself', () => {
	test.each(['refused', 'reset', 'unavailable', 'unauthorised'] as const)(
		'queries fail: %s',
		async (fault) => {
			const run = new SuspendedRun({ plans: [{ jobSeconds: 20 }] });
			run.service.faults.query.push(...Array.from({ length: 5 }, () => faults[fault]));
			const { items } = await run.run();
			expect(seen(items)).toMatchObject([{ video: 'video of task-1' }]);
			expect(run.posts).toEqual([]);
			expect(run.loop?.looks).toHaveLength(1);
		},
	);

	test('the URL cannot be reached', async () => {
		const run = new SuspendedRun({ plans: [{ jobSeconds: 70 }] }).unreachable();
		const { items } = await run.run();
		expect(seen(items)).toMatchObject([{ video: 'video of task-1' }]);
		expect(run.loop?.looks).toHaveLength(2);
		expect(at(run.clock.now())).toBeLessThan(130);
	});

	test('n8n is restarted: the next look watches again', async () => {
		const run = new SuspendedRun({ plans: [{ jobSeconds: 100 }] });
		// What watched before the restart is gone.
		const { reach } = run;
		run.unreachable();
		run.clock.at(START + 62_000, () => (run.reach = reach));
		await run.run();
		expect(run.loop?.looks).toHaveLength(2);
		expect(at(run.clock.now())).toBeLessThan(115);
	});

	test('a call that comes before it sleeps is repeated', async () => {
		const run = new SuspendedRun({ plans: [{ jobSeconds: 5 }] });
		const { reach } = run;
		let calls = 0;
		run.reach = async (id, path) =>
			++calls === 1 ? await Promise.resolve(409) : await reach(id, path);
		await run.run();
		expect(run.posts.map(({ status }) => status)).toEqual([409, 200]);
		expect(at(run.clock.now())).toBeLessThan(25);
	});
});

describe('calls that should not have come', () => {
	test('a forged one leads to a look, and the sleep goes on', async () => {
		const run = new SuspendedRun({
			prompts: ['one', 'two'],
			plans: [{ jobSeconds: 90 }],
			settings: { retryOnFail: true },
		});
		for (const second of [15, 16, 40]) {
			run.clock.at(START + second * 1000, () => void run.loop?.call(PATH));
		}
		const { items } = await run.run();
		expect(run.loop?.looks.length).toBeGreaterThanOrEqual(3);
		expect(seen(items)).toMatchObject([{ video: 'video of task-1' }, { video: 'video of task-2' }]);
		expect(run.service.count('create')).toBe(2);
	});

	test('one for another node of the execution finds nothing', async () => {
		const run = new SuspendedRun({ plans: [{ jobSeconds: 30 }] });
		await run.clock.run(run.start());
		expect(await run.loop?.call('')).toBe(404);
		expect(await run.loop?.call(PATH, 'GET')).toBe(404);
		expect(run.loop?.status).toBe('waiting');
		await run.clock.run(run.wait());
		expect(await run.loop?.call(PATH)).toBe(409);
	});

	test('the execution that waits for the loop is not woken: it would hand on something else', async () => {
		expect(await callWebhook({ resource: 'video', operation: 'instructionEdit' })).toEqual({});
		expect(await callWebhook({ resource: 'task', operation: 'getStatus' })).toEqual({});
	});
});

describe('many at once, within the limit of the process', () => {
	const suspendMany = async (count: number, lists: boolean) => {
		const clock = new VirtualClock();
		const service = new VirtualService(clock, { latency: () => 50, slots: 1000 });
		service.plans = [{ jobSeconds: 3000 }];
		if (!lists) service.faults.list.push(...Array.from({ length: 99 }, () => faults.unauthorised));
		const runs = Array.from(
			{ length: count },
			(_, index) => new SuspendedRun({ clock, service, id: `${100 + index}` }),
		);
		await clock.run(Promise.all(runs.map(async (run) => await run.start())));
		const from = service.calls.length;
		// None of the sleeps ends by itself meanwhile.
		await clock.pass(15_000);
		return { clock, service, runs, asked: service.calls.slice(from) };
	};

	test('lists serve them all', async () => {
		const { asked } = await suspendMany(150, true);
		// Two pages every three to five seconds.
		expect(asked.filter(({ route }) => route === 'list').length).toBeLessThanOrEqual(12);
		expect(asked.filter(({ route }) => route === 'query').length).toBeLessThanOrEqual(3);
	});

	test('without a list fifty are watched', async () => {
		const { clock, service, runs, asked } = await suspendMany(150, false);
		const queries = asked.filter(({ route }) => route === 'query');
		expect(new Set(queries.map(({ about }) => about)).size).toBe(50);
		expect(busiest(queries.map((call) => call.at))).toBeLessThanOrEqual(8);

		// They have all been forgotten when their sleeps are over.
		const one = runs.at(-1);
		await clock.pass(50_000);
		await clock.run(one?.loop?.resume() ?? Promise.resolve());
		const before = service.count('query');
		await clock.pass(10_500);
		expect(service.count('query')).toBeGreaterThan(before);
	});
});

test('at random ends it is noticed 7 seconds later on average, in the worst case after 17', async () => {
	const delays: number[] = [];
	for (let number = 0; number < 60; number++) {
		const jobSeconds = 60 + ((number * 37) % 240) + (number % 7) / 7;
		const run = new SuspendedRun({ plans: [{ jobSeconds }] });
		await run.run();
		delays.push(at(run.clock.now()) - jobSeconds);
	}
	const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
	expect(mean).toBeLessThan(8);
	expect(Math.max(...delays)).toBeLessThan(17);
});
