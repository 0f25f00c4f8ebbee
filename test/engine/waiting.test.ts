import type { Fault } from '../../sandbox';
import {
	PROMPT_OF_ITEM,
	RETRY,
	at,
	busiestSecond,
	detailsOf,
	named,
	only,
	until,
	useBench,
} from './bench';

// Many tasks on one clock, and a service that stumbles while it is asked.

const bench = useBench();

const FIELDS = { prompt: PROMPT_OF_ITEM };

/**
 * The node submits five times a second at most and asks ten times, exactly so on the virtual clock; on a busy machine,
 * what was sent over some more time may arrive within one second.
 */
const MOST_CREATES = 8;
const MOST_QUERIES = 15;

const created = () => bench.sandbox.requests('create').length;

describe('many items', () => {
	// That they take no more than 1.1 times the ideal time is tested on a virtual clock.
	test('20 on 5 slots keep the slots busy, within the account’s limits', async () => {
		// Renders are cached: without this one the first task would take longer than it should.
		await bench.run(1, { download: false });
		await bench.sandbox.reset();
		const jobSeconds = 2;
		bench.sandbox.configure({ jobSeconds, submitsPerSecond: MOST_CREATES });
		const started = Date.now();
		const { items, error } = await bench.run(20);
		const seconds = (Date.now() - started) / 1000;
		bench.sandbox.configure({ submitsPerSecond: 5 });

		expect(error).toBeUndefined();
		expect(items.filter(({ json, binary }) => json.succeeded && binary?.data)).toHaveLength(20);
		expect(created()).toBe(20);
		// One after another they would take five times the ideal time.
		expect(seconds).toBeLessThanOrEqual(2.5 * (20 / 5) * jobSeconds);
		expect(busiestSecond(bench.sandbox.requests('create'))).toBeLessThanOrEqual(MOST_CREATES);
		expect(busiestSecond(bench.sandbox.requests('query'))).toBeLessThanOrEqual(MOST_QUERIES);
		const refused = bench.sandbox.log.filter(({ status }) => (status ?? 0) >= 400);
		expect(refused).toEqual([]);
	}, 60_000);

	test('are submitted side by side, not one after another', async () => {
		bench.sandbox.configure({ jobSeconds: 2 });
		await bench.run(4, { download: false });

		const tasks = bench.sandbox.tasks();
		const lastSubmitted = Math.max(...tasks.map(({ submittedAt }) => submittedAt));
		const firstEnded = Math.min(...tasks.map(({ endedAt }) => endedAt ?? Infinity));
		expect(lastSubmitted).toBeLessThan(firstEnded);
	});

	test('one slow answer does not hold up the others', async () => {
		bench.sandbox.configure({ jobSeconds: 1 });
		const { done } = bench.start(
			named('black and white', 'black and white, too', 'black and white, three'),
			{
				...FIELDS,
				download: false,
			},
		);
		await until(() => bench.taskIds().length === 3);
		const [slow, ...others] = bench.taskIds();
		bench.sandbox.fault({ route: 'query', pathIncludes: at([slow], 0), delayMs: 4_000 });
		const { items } = await done;

		expect(items.every(({ json }) => json.succeeded)).toBe(true);
		const answered = (id: string | undefined) =>
			bench.sandbox.requests('query').filter(({ path }) => path.endsWith(String(id)));
		const slowAsked = at(answered(slow), 0).at;
		for (const id of others) {
			const last = answered(id).at(-1)?.at ?? Infinity;
			expect(last).toBeLessThan(slowAsked + 4_000);
		}
	});
});

describe('a submission that is throttled', () => {
	test('waits as long as the service asks, then goes through', async () => {
		bench.sandbox.fault({ route: 'create', status: 429, headers: { 'retry-after': '3' } });
		const { items, error } = await bench.run(1, { download: false });

		expect(error).toBeUndefined();
		expect(only(items).json.succeeded).toBe(true);
		const [first, second] = bench.sandbox.requests('create');
		expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2_990);
		expect(bench.taskIds()).toHaveLength(1);
	});

	test('again and again, waits longer each time', async () => {
		bench.sandbox.fault({ route: 'create', times: 3, status: 429 });
		const { items } = await bench.run(1, { waiting: 'none' });

		expect(items).toHaveLength(1);
		const times = bench.sandbox.requests('create').map((request) => request.at);
		const gaps = times.slice(1).map((time, index) => time - at(times, index));
		expect(gaps).toHaveLength(3);
		expect(gaps[1]).toBeGreaterThan(at(gaps, 0));
		expect(gaps[2]).toBeGreaterThan(at(gaps, 1));
		expect(bench.taskIds()).toHaveLength(1);
	});

	test('to the timeout, says so; nothing was submitted', async () => {
		bench.sandbox.fault({ route: 'create', times: 99, status: 429 });
		const started = Date.now();
		const { error } = await bench.run(1, { options: { timeout: 0.06 } });

		expect(error?.message).toBe('Requests rate limit exceeded, please try again later. [item 0]');
		expect(error?.description).toMatch(/limits are shared.*Try again in a minute/);
		// It goes by the timeout of 3.6 seconds, and not by how often it could still try.
		expect(Date.now() - started).toBeLessThan(15_000);
		expect(bench.taskIds()).toEqual([]);
	});

	test('by a narrower account: all items are submitted in the end, each once', async () => {
		bench.sandbox.configure({ submitsPerSecond: 2 });
		const { items, error } = await bench.run(5, { waiting: 'none' });
		bench.sandbox.configure({ submitsPerSecond: 5 });

		expect(error).toBeUndefined();
		expect(items).toHaveLength(5);
		expect(bench.taskIds()).toHaveLength(5);
	});
});

describe('a question that gets a bad answer', () => {
	const query = (fault: Omit<Fault, 'route'>) => ({ route: 'query' as const, times: 2, ...fault });
	const text = (body: string, status = 200) => query({ status, body });
	const KINDS: Record<string, Fault> = {
		'429': query({ status: 429 }),
		'429 with Retry-After': query({ status: 429, headers: { 'retry-after': '2' } }),
		'500': query({ status: 500 }),
		'502 with a page': text('<html>Bad Gateway</html>', 502),
		'503': query({ status: 503 }),
		'504 with nothing': text('', 504),
		'dropped before': query({ drop: 'before' }),
		'dropped after': query({ drop: 'after' }),
		'reset half way': query({ truncate: 30 }),
		'no answer in time': query({ delayMs: 6_000 }),
		'half the JSON': text('{"request_id":"r","output":{"task_id":"'),
		'a page': text('<html>Please log in</html>'),
		'an empty body': text(''),
		'an empty object': text('{}'),
		'a list': text('[]'),
		null: text('null'),
		'a number': text('42'),
		'another task': text('{"output":{"task_id":"other","task_status":"SUCCEEDED"}}'),
		'no status': text('{"output":{"task_id":"TASK"}}'),
		'a new status': text('{"output":{"task_id":"TASK","task_status":"PAUSED"}}'),
		'400': query({ status: 400 }),
		'401': query({ status: 401 }),
		'403': query({ status: 403 }),
		'404': query({ status: 404 }),
	};

	test('is asked again: no kind of bad answer costs a task', async () => {
		const kinds = Object.keys(KINDS);
		bench.sandbox.configure({ slots: kinds.length, jobSeconds: 1 });
		const { done } = bench.start(
			kinds.length,
			{ download: false },
			{ requestTimeout: 4_000, settings: { onError: 'continueRegularOutput' } },
		);
		for (const [index, fault] of Object.values(KINDS).entries()) {
			await until(() => bench.taskIds().length > index);
			const id = at(bench.taskIds(), index);
			const body = typeof fault.body === 'string' ? fault.body.replace('TASK', id) : fault.body;
			bench.sandbox.fault({ ...fault, body, pathIncludes: id });
		}
		const { items } = await done;

		const ends = kinds.map((kind, index) => [
			kind,
			at(items, index).json.succeeded ?? at(items, index).json,
		]);
		expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(kinds.map((kind) => [kind, true])));
		expect(created()).toBe(kinds.length);
		// Every task did get its two bad answers.
		const faulted = (id: string) =>
			bench.sandbox.requests('query').filter(({ path, fault }) => fault && path.endsWith(id))
				.length;
		expect(bench.taskIds().map(faulted)).toEqual(kinds.map(() => 2));
		expect(busiestSecond(bench.sandbox.requests('query'))).toBeLessThanOrEqual(MOST_QUERIES);
	}, 60_000);

	test('waits as long as the service asks', async () => {
		bench.sandbox.fault({ route: 'query', status: 429, headers: { 'retry-after': '3' } });
		await bench.run(1, { download: false });

		const [first, second] = bench.sandbox.requests('query');
		expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2_990);
	});

	test('an hour’s Retry-After does not outlast the timeout', async () => {
		bench.sandbox.configure({ jobSeconds: 600 });
		bench.sandbox.fault({ route: 'query', status: 429, headers: { 'retry-after': '3600' } });
		const started = Date.now();
		const { error } = await bench.run(1, { options: { timeout: 0.05 } });

		expect(error?.message).toMatch(/was still/);
		expect(Date.now() - started).toBeLessThan(30_000);
	});

	test('to the timeout: the task is named and goes on', async () => {
		bench.sandbox.fault({ route: 'query', times: 99, status: 500 });
		const { errors } = await bench.run(
			1,
			{ options: { timeout: 0.05 } },
			{ settings: { onError: 'continueErrorOutput' } },
		);

		const task = only(bench.sandbox.tasks());
		expect(task.status).toBe('SUCCEEDED');
		const { json } = only(errors);
		const { taskId, waitedSeconds } = detailsOf(only(errors));
		expect(taskId).toBe(task.id);
		expect(waitedSeconds).toBeGreaterThanOrEqual(3);
		expect(json.error).toContain(
			`Task ${task.id} was still PENDING after ${waitedSeconds} seconds`,
		);
		expect(json.error).toContain('the last query failed: An internal error has occured');
	});
});

describe('the timeout', () => {
	test.each([
		['RUNNING', 5],
		['PENDING', 0],
	])(
		'of a %s task: names it, its status, the time and the next step; cancels nothing',
		async (status, slots) => {
			bench.sandbox.configure({ jobSeconds: 600, slots });
			const { error } = await bench.run(1, { options: { timeout: 0.05 } });

			const task = only(bench.sandbox.tasks());
			expect(error?.message.replace(/after \d+ seconds/, 'after 3 seconds')).toBe(
				`Task ${task.id} was still ${status} after 3 seconds [item 0]`,
			);
			expect(error?.description).toMatch(
				/'Task: Wait for Completion' and this task ID within 24 hours/,
			);
			expect(error?.description).toContain(`Task ID: ${task.id}`);
			expect(task.status).toBe(status);
			expect(bench.sandbox.requests('cancel')).toEqual([]);
		},
	);

	test('is one for each task, counted from its submission', async () => {
		bench.sandbox.outcome({ promptIncludes: 'stuck', jobSeconds: 600 });
		const { items, errors } = await bench.run(
			named('stuck in black and white', 'black and white'),
			{ ...FIELDS, options: { timeout: 0.05 } },
			{ settings: { onError: 'continueErrorOutput' } },
		);

		expect(only(items).json.prompt).toBe('black and white');
		const [stuck] = bench.taskIds();
		expect(detailsOf(only(errors))).toMatchObject({
			taskId: stuck,
			status: 'RUNNING',
			waitedSeconds: expect.any(Number),
			hint: expect.stringMatching(/raise the option 'Timeout'/),
		});
	});

	test('with Retry On Fail: waits again for the same task', async () => {
		bench.sandbox.configure({ jobSeconds: 4 });
		const { items, error } = await bench.run(
			1,
			{ options: { timeout: 0.04 } },
			{ settings: RETRY },
		);

		expect(error).toBeUndefined();
		expect(only(items).json.taskId).toBe(only(bench.taskIds()));
		expect(created()).toBe(1);
	});
});
