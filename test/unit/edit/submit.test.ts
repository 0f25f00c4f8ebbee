import type { VideoEditBody } from '../../../nodes/shared/dashscope/types';
import { EditError, StoppedError } from '../../../nodes/WanVideoEdit/edit/errors';
import { Ledger } from '../../../nodes/WanVideoEdit/edit/ledger';
import type { LedgerStore } from '../../../nodes/WanVideoEdit/edit/ledger';
import { Submitter } from '../../../nodes/WanVideoEdit/edit/submit';
import type { SubmitSettings } from '../../../nodes/WanVideoEdit/edit/submit';
import { mostPerSecond } from '../rates';
import { MODEL, VIDEO_URL } from '../requests';
import { START, StopButton, VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';
import type { Fault, ServiceOptions } from '../virtualService';

const MINUTE = 60_000;

const bodyOf = (prompt: string): VideoEditBody => ({
	model: MODEL,
	input: { prompt, media: [{ type: 'video', url: VIDEO_URL }] },
	parameters: { resolution: '720P' },
});

function setup(options: ServiceOptions = {}) {
	const clock = new VirtualClock();
	const stop = new StopButton(clock);
	const service = new VirtualService(clock, { latency: () => 100, ...options });
	const store: LedgerStore = {};
	/** One try of the node: a submitter of its own over the ledger that is kept. */
	const attempt = (settings: Partial<SubmitSettings> = {}, aborts = true) => {
		const submitter = new Submitter(service.ports(stop, aborts), new Ledger(store, 0), {
			submitsPerSecond: 5,
			deadline: clock.now() + 30 * MINUTE,
			resubmitLost: false,
			...settings,
		});
		return async (prompt: string) =>
			await submitter.submit(
				`0:${prompt}:0`,
				MODEL,
				async () => await Promise.resolve(bodyOf(prompt)),
			);
	};
	return { clock, stop, service, store, attempt };
}

/** The error that the work ends with. */
async function failureOf(work: Promise<unknown>): Promise<EditError> {
	const thrown: unknown = await work.then(
		() => undefined,
		(error: unknown) => error,
	);
	if (thrown instanceof EditError) return thrown;
	throw new Error(`Not an EditError: ${String(thrown)}`);
}

const LOST: ReadonlyArray<readonly [string, Fault]> = [
	['a connection that breaks', faults.resetAfterwards],
	['a timeout', { socket: 'ETIMEDOUT', delayMs: 120_000, done: true }],
	['HTTP 500', { status: 500, body: { code: 'InternalError', message: 'x' }, done: true }],
	['HTTP 502 of a gateway', { status: 502, body: '<html>Bad Gateway</html>', done: true }],
	['HTTP 504 of a gateway', { status: 504, done: true }],
	['half an answer', faults.halfJson],
	['an answer without a task', { status: 200, body: { request_id: 'r' }, done: true }],
];

const never = (fault: Fault): Fault => ({ ...fault, done: false });

describe('a submission', () => {
	test('is one call, and the ledger knows its task', async () => {
		const { clock, service, store, attempt } = setup();
		const job = await clock.run(attempt()('a'));
		expect(job).toEqual({
			taskId: 'task-1',
			requestId: 'r-task-1',
			submittedAt: START + 200,
			known: false,
			adopted: false,
		});
		expect(service.count('create')).toBe(1);
		expect(store).toEqual({
			'0:a:0': { state: 'submitted', taskId: 'task-1', submittedAt: START + 200 },
		});
	});

	test('is in the ledger before it is sent', async () => {
		const { clock, store, attempt } = setup();
		const submitting = attempt()('a');
		await clock.pass(50);
		expect(store).toEqual({ '0:a:0': { state: 'sent', since: START } });
		await clock.run(submitting);
	});

	test('of many items keeps to five a second', async () => {
		const { clock, service, attempt } = setup();
		const submit = attempt();
		const names = Array.from({ length: 30 }, (_, index) => `item ${index}`);
		await clock.run(Promise.all(names.map(submit)));
		expect(service.tasks()).toHaveLength(30);
		expect(mostPerSecond(service.times('create'))).toBeLessThanOrEqual(5);
		expect(clock.now() - START).toBeLessThanOrEqual(7_000);
	});

	test('that an earlier try made is not made again, nor its body', async () => {
		const { clock, service, store, attempt } = setup();
		await clock.run(attempt()('a'));
		const submitter = new Submitter(service.ports(), new Ledger(store, 0), {
			submitsPerSecond: 5,
			deadline: Infinity,
			resubmitLost: true,
		});
		const body = async () => await Promise.reject<VideoEditBody>(new Error('uploaded again'));
		await expect(clock.run(submitter.submit('0:a:0', MODEL, body))).resolves.toEqual({
			taskId: 'task-1',
			submittedAt: START + 200,
			known: true,
			adopted: false,
		});
		expect(service.count('create')).toBe(1);
	});

	test('whose body cannot be made leaves nothing behind', async () => {
		const { clock, service, store } = setup();
		const submitter = new Submitter(service.ports(), new Ledger(store, 0), {
			submitsPerSecond: 5,
			deadline: Infinity,
			resubmitLost: false,
		});
		const body = async () => await Promise.reject<VideoEditBody>(new Error('store is full'));
		await expect(clock.run(submitter.submit('k', MODEL, body))).rejects.toThrow('store is full');
		expect(service.count('create')).toBe(0);
		expect(store).toEqual({});
	});
});

describe('a submission that is throttled', () => {
	test('is repeated with growing pauses', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(...Array.from({ length: 5 }, () => faults.throttled()));
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ known: false });
		const times = service.times('create');
		const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
		expect(gaps).toHaveLength(5);
		expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
		expect(service.tasks()).toHaveLength(1);
	});

	test('waits as long as the service asks', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.throttled('40'));
		await clock.run(attempt()('a'));
		const [first = 0, second = 0] = service.times('create');
		expect(second - first).toBeGreaterThanOrEqual(40_000);
	});

	test('is repeated until the timeout, and then says what the service said', async () => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(...Array.from({ length: 500 }, () => faults.throttled()));
		const started = clock.now();
		const deadline = started + 5 * MINUTE;
		const error = await clock.run(failureOf(attempt({ deadline })('a')));
		expect(clock.now()).toBeLessThanOrEqual(deadline);
		expect(clock.now()).toBeGreaterThan(deadline - 31_000);
		expect(error.message).toBe('Requests rate limit exceeded');
		expect(error.details).toMatchObject({ code: 'Throttling.RateQuota', httpStatus: 429 });
		expect(store).toEqual({});
	});

	test('is given up at once when the service asks for more patience than there is', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.throttled('3600'));
		await clock.run(failureOf(attempt({ deadline: clock.now() + MINUTE })('a')));
		expect(clock.now() - START).toBe(200);
	});

	test('because of the account is not repeated', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push({
			status: 429,
			body: { code: 'PostpaidBillOverdue', message: 'The postpaid bill is overdue.' },
		});
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.hint).toContain('billing console');
		expect(service.count('create')).toBe(1);
	});
});

describe('a submission that is refused', () => {
	test.each([
		[400, 'InvalidParameter'],
		[400, 'Arrearage'],
		[401, 'InvalidApiKey'],
		[403, 'AccessDenied'],
		[404, 'ModelNotFound'],
		[413, 'BadRequest.TooLarge'],
	])('with HTTP %d %s fails at once and leaves nothing behind', async (status, code) => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push({ status, body: { code, message: 'no', request_id: 'r-1' } });
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.message).toBe('no');
		expect(error.hint).toEqual(expect.any(String));
		expect(error.details).toEqual({ code, requestId: 'r-1', httpStatus: status });
		expect(service.count('create')).toBe(1);
		expect(service.count('list')).toBe(0);
		expect(store).toEqual({});
		expect(clock.now() - START).toBe(200);
	});

	test('may be made again by the next try', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.unauthorised);
		await clock.run(failureOf(attempt()('a')));
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ known: false });
		expect(service.tasks()).toHaveLength(1);
	});

	test('because no connection stands is repeated: it cannot have arrived', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.refused, faults.refused, faults.refused);
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ adopted: false });
		expect(service.count('list')).toBe(0);
		expect(service.tasks()).toHaveLength(1);
	});

	test('because no connection stands five times in a row is given up', async () => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(...Array<Fault>(9).fill(faults.refused));
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.message).toContain('could not be reached');
		expect(service.count('create')).toBe(5);
		expect(store).toEqual({});
	});
});

describe('a lost answer', () => {
	test.each(LOST)('to a submission that arrived is found in the list: %s', async (_name, fault) => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(fault);
		const job = await clock.run(attempt()('a'));
		expect(job).toMatchObject({ taskId: 'task-1', known: false, adopted: true });
		expect(service.count('create')).toBe(1);
		expect(store['0:a:0']).toMatchObject({ state: 'submitted', adopted: true });
		expect(service.log.join()).toContain('task-1');
	});

	test.each(LOST)(
		'to one that did not arrive is never repeated blindly: %s',
		async (_name, fault) => {
			const { clock, service, store, attempt } = setup();
			service.faults.create.push(never(fault));
			const error = await clock.run(failureOf(attempt()('a')));
			expect(error.message).toMatch(/^Outcome unknown/);
			expect(service.count('create')).toBe(1);
			expect(store['0:a:0']).toMatchObject({ state: 'sent' });
		},
	);

	test('names the window in which a task may have been created, and what to do', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(never(faults.resetAfterwards));
		const error = await clock.run(failureOf(attempt()('a')));
		const [from, to] = [START, START + 200].map((at) => new Date(at).toISOString());
		expect(error.message).toContain(`between ${from} and ${to}`);
		expect(error.hint).toMatch(/not submitted again.*list shows none.*Get Status.*Submit Again/s);
		expect(error.details).toMatchObject({ submittedFrom: from, submittedTo: to });
	});

	test('asks for tasks of this model since the call, in a narrow window', async () => {
		const { clock, service, attempt } = setup();
		await clock.pass(10 * MINUTE);
		service.faults.create.push(faults.resetAfterwards);
		await clock.run(attempt()('a'));
		const [look] = service.calls.filter(({ route }) => route === 'list');
		expect(look?.request?.options.qs).toEqual({
			model_name: MODEL,
			start_time: '20261102170958',
			end_time: '20261102171003',
			page_no: 1,
			page_size: 100,
		});
	});

	test('does not touch tasks of other models, of earlier times, or of other requests', async () => {
		const { clock, service, attempt } = setup();
		const submit = attempt();
		service.addTask('before', { jobSeconds: 60 });
		await clock.pass(10_000);
		await clock.run(submit('other'));
		service.faults.create.push(faults.resetAfterwards);
		const submitting = submit('a');
		await clock.pass(200);
		service.addTask('elsewhere', { jobSeconds: 60 }, 'happyhorse-1.0-video-edit');
		const job = await clock.run(submitting);
		expect(service.tasksOf('a').map(({ id }) => id)).toEqual([job.taskId]);
	});

	test.each([500, 3_000, 8_000])('is found although the task shows %d ms late', async (lateMs) => {
		const { clock, service, attempt } = setup();
		service.faults.create.push({ ...faults.resetAfterwards, lateMs });
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ taskId: 'task-1' });
	});

	test.each([-1_500, 1_500])('is found although the clocks differ by %d ms', async (skewMs) => {
		const { clock, service, attempt } = setup({ skewMs });
		service.faults.create.push(faults.resetAfterwards);
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ taskId: 'task-1' });
	});

	test('is found although the list stumbles at first', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		service.faults.list.push(faults.unavailable, faults.reset);
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ taskId: 'task-1' });
	});

	test('is unknown when the list cannot be read', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		service.faults.list.push(faults.unavailable, faults.unavailable, faults.unavailable);
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(service.count('create')).toBe(1);
	});

	test('is unknown when two tasks may be it; both are named', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		const submitting = failureOf(attempt()('a'));
		await clock.pass(100);
		service.addTask('foreign', { jobSeconds: 60 });
		const error = await clock.run(submitting);
		expect(error.details.possibleTaskIds?.toString().split(', ').sort()).toEqual([
			'task-1',
			'task-2',
		]);
		expect(error.hint).toContain('task-1');
	});

	test.each([true, false])(
		'of two submissions, of which one or both arrived (%s), is unknown for both',
		async (both) => {
			const { clock, service, attempt } = setup();
			const second = both ? faults.resetAfterwards : never(faults.resetAfterwards);
			service.faults.create.push(faults.resetAfterwards, second);
			const submit = attempt();
			const errors = await clock.run(
				Promise.all(['a', 'b'].map(async (name) => await failureOf(submit(name)))),
			);
			for (const error of errors) {
				expect(error.message).toMatch(/^Outcome unknown/);
				expect(error.details.possibleTaskIds).toContain('task-1');
			}
			expect(service.count('create')).toBe(2);
		},
	);

	test('waits for submissions under way, which could be taken for it', async () => {
		const { clock, service, attempt } = setup();
		const submit = attempt();
		service.faults.create.push(never(faults.resetAfterwards), { delayMs: 20_000 });
		const lost = failureOf(submit('lost'));
		const slow = submit('slow');
		const [error, job] = await clock.run(Promise.all([lost, slow]));
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(error.details.possibleTaskIds).toBeUndefined();
		expect(job).toMatchObject({ taskId: 'task-1', adopted: false });
	});

	test('does not take the task of a submission that overtakes the look at the list', async () => {
		const ways = [100, 100, 1_000];
		const { clock, service, attempt } = setup({ latency: () => ways.shift() ?? 100 });
		service.faults.create.push(never(faults.resetAfterwards), { delayMs: 5_000 });
		const submit = attempt();
		const lost = failureOf(submit('lost'));
		await clock.pass(1_300);
		expect(service.count('list')).toBe(1);
		const [error, job] = await clock.run(Promise.all([lost, submit('quick')]));
		expect(job).toMatchObject({ taskId: 'task-1', adopted: false });
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(error.details.possibleTaskIds).toBeUndefined();
	});

	test('does not take the task of a request that failed and was forgotten', async () => {
		const { clock, service, store, attempt } = setup();
		const submit = attempt();
		await clock.run(submit('failed'));
		service.faults.create.push(never(faults.resetAfterwards));
		const submitting = failureOf(submit('lost'));
		new Ledger(store, 0).ended('0:failed:0');
		const error = await clock.run(submitting);
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(error.details.possibleTaskIds).toBeUndefined();
	});

	test('does not take the task of another lost one that was stored late', async () => {
		const { clock, service, attempt } = setup();
		const submit = attempt();
		service.faults.create.push(
			{ ...faults.resetAfterwards, lateMs: 15_000 },
			never(faults.resetAfterwards),
		);
		const first = await clock.run(failureOf(submit('first')));
		expect(first.message).toMatch(/^Outcome unknown/);
		await clock.pass(2_000);
		const second = await clock.run(failureOf(submit('second')));
		expect(service.tasksOf('first').map(({ id }) => id)).toEqual(['task-1']);
		expect(second.message).toMatch(/^Outcome unknown/);
		expect(second.details.possibleTaskIds).toBe('task-1');
	});

	test('long after another one is not mistaken for it', async () => {
		const { clock, service, attempt } = setup();
		const submit = attempt();
		service.faults.create.push(never(faults.resetAfterwards));
		await clock.run(failureOf(submit('first')));
		await clock.pass(2 * MINUTE);
		service.faults.create.push(faults.resetAfterwards);
		await expect(clock.run(submit('second'))).resolves.toMatchObject({ taskId: 'task-1' });
	});
});

describe('a lost answer, at the next try', () => {
	test('is looked for again before anything is sent', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push({ ...faults.resetAfterwards, lateMs: 20_000 });
		await clock.run(failureOf(attempt()('a')));
		await clock.pass(30_000);
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({
			taskId: 'task-1',
			adopted: true,
		});
		expect(service.count('create')).toBe(1);
	});

	test('is still unknown when there is still no task', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(never(faults.resetAfterwards));
		for (let tries = 0; tries < 3; tries++) {
			const error = await clock.run(failureOf(attempt()('a')));
			expect(error.message).toMatch(/^Outcome unknown/);
		}
		expect(service.count('create')).toBe(1);
	});

	test('is found when n8n died before the answer came', async () => {
		const { clock, service, store, attempt } = setup();
		store['0:a:0'] = { state: 'sent', since: clock.now() };
		service.addTask('a', { jobSeconds: 60 });
		await clock.pass(5 * MINUTE);
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ taskId: 'task-1' });
		expect(service.count('create')).toBe(0);
	});

	test('stays adopted, so that the prompt can still be compared', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		await clock.run(attempt()('a'));
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ known: true, adopted: true });
	});
});

describe('a lost answer, where the user chose to submit again', () => {
	const resubmitLost = true;

	test('is still looked for first', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		const job = await clock.run(attempt({ resubmitLost })('a'));
		expect(job).toMatchObject({ taskId: 'task-1', adopted: true });
		expect(service.count('create')).toBe(1);
	});

	test('is submitted again when no task is found', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(never(faults.resetAfterwards));
		const job = await clock.run(attempt({ resubmitLost })('a'));
		expect(job).toMatchObject({ taskId: 'task-1', adopted: false });
		expect(service.count('create')).toBe(2);
	});

	test('is submitted again at most twice', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(...Array<Fault>(9).fill(never(faults.resetAfterwards)));
		await clock.run(failureOf(attempt({ resubmitLost })('a')));
		expect(service.count('create')).toBe(3);
	});

	test('of one item does not make another item take its late task', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(
			{ ...faults.resetAfterwards, lateMs: 11_000 },
			undefined,
			never(faults.resetAfterwards),
		);
		const submit = attempt({ resubmitLost });
		await clock.run(submit('first'));
		const job = await clock.run(submit('second'));
		expect(service.tasksOf('second').map(({ id }) => id)).toContain(job.taskId);
	});
});

describe('Stop', () => {
	test.each([
		['while a submission is under way', undefined, 50],
		['in a pause after a 429', faults.throttled('600'), 5_000],
		['while a lost answer is looked for', never(faults.resetAfterwards), 2_000],
	])('%s ends it at once', async (_name, fault, ms) => {
		const { clock, stop, service, attempt } = setup();
		service.faults.create.push(fault);
		clock.at(clock.now() + ms, () => stop.press());
		await expect(clock.run(attempt()('a'))).rejects.toThrow();
		expect(clock.now() - START).toBe(ms);
		expect(service.count('create')).toBe(1);
	});

	test('leaves what was under way in the ledger', async () => {
		const { clock, stop, store, attempt } = setup();
		clock.at(clock.now() + 150, () => stop.press());
		await expect(clock.run(attempt()('a'))).rejects.toThrow();
		expect(store['0:a:0']).toEqual({ state: 'sent', since: START, until: START + 150 });
	});

	test('lets nothing more be sent, not even what waits for nothing', async () => {
		const { clock, stop, service, store, attempt } = setup();
		stop.press();
		await expect(clock.run(attempt({}, false)('a'))).rejects.toThrow(StoppedError);
		expect(service.count('create')).toBe(0);
		expect(store).toEqual({});
	});

	test('ends items that wait for their turn', async () => {
		const { clock, stop, service, attempt } = setup();
		const submit = attempt();
		clock.at(clock.now() + 500, () => stop.press());
		const names = Array.from({ length: 10 }, (_, index) => `item ${index}`);
		const results = await clock.run(Promise.allSettled(names.map(submit)));
		expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
		expect(service.count('create')).toBe(3);
		expect(clock.now() - START).toBe(500);
	});
});
