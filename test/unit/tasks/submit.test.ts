import type { CreateCall } from '../../../nodes/shared/dashscope/types';
import { TaskError, StoppedError } from '../../../nodes/shared/tasks/errors';
import { Account } from '../../../nodes/shared/tasks/account';
import { Journal } from '../../../nodes/shared/tasks/journal';
import { Ledger } from '../../../nodes/shared/tasks/ledger';
import type { LedgerStore } from '../../../nodes/shared/tasks/ledger';
import { Submitter } from '../../../nodes/shared/tasks/submit';
import type { SubmitSettings } from '../../../nodes/shared/tasks/lostSubmissions';
import { parseCompactTime } from '../../../sandbox/times';
import { mostPerSecond } from '../rates';
import { MODEL, VIDEO_URL } from '../requests';
import { START, StopButton, VirtualClock } from '../virtualClock';
import { OUR_KEY, VirtualService, faults } from '../virtualService';
import type { Fault, ServiceOptions, Viewer } from '../virtualService';

const MINUTE = 60_000;

/** A prompt may say which model it is for. */
const modelOf = (prompt: string) => /^for (\S+)/.exec(prompt)?.[1] ?? MODEL;

const callOf = (prompt: string): CreateCall => ({
	body: {
		model: modelOf(prompt),
		input: { prompt, media: [{ type: 'video', url: VIDEO_URL }] },
		parameters: { resolution: '720P' },
	},
});

function setup(options: ServiceOptions = {}) {
	const clock = new VirtualClock();
	const stop = new StopButton(clock);
	const service = new VirtualService(clock, { latency: () => 100, ...options });
	const store: LedgerStore = {};
	/** One try of the node: a submitter of its own over the ledger that is kept. */
	const attempt = (settings: Partial<SubmitSettings> = {}, aborts = true, viewer: Viewer = {}) => {
		const ports = service.ports(stop, aborts, () => 0.5, viewer);
		const submitter = new Submitter(ports, new Ledger(store, 0), {
			deadline: clock.now() + 30 * MINUTE,
			lostSubmission: 'lookUp',
			...settings,
		});
		return async (prompt: string) =>
			await submitter.submit(
				`0:${prompt}:0`,
				modelOf(prompt),
				async () => await Promise.resolve(callOf(prompt)),
			);
	};
	return { clock, stop, service, store, attempt };
}

/** A submission whose computer's clock can be set under way; the service tells its own time unless it does not. */
function setupClock({ tellsTime = true, minutes = 30 } = {}) {
	const { clock, service, store } = setup({ tellsTime });
	const { account, ...ports } = service.ports();
	const own = { set: 0 };
	const now = () => clock.now() + own.set;
	const listTasks: typeof ports.listTasks = async (query) => {
		const sentAt = now();
		const rows = await ports.listTasks(query);
		account.answered(sentAt, now(), tellsTime ? clock.now() - 100 : undefined);
		return rows;
	};
	const submitter = new Submitter({ ...ports, account, now, listTasks }, new Ledger(store, 0), {
		deadline: clock.now() + minutes * MINUTE,
		lostSubmission: 'lookUp',
	});
	const submit = async () =>
		await submitter.submit('0:a:0', MODEL, async () => await Promise.resolve(callOf('a')));
	return { clock, service, account, own, now, submit };
}

/** The error that the work ends with. */
async function failureOf(work: Promise<unknown>): Promise<TaskError> {
	const thrown: unknown = await work.then(
		() => undefined,
		(error: unknown) => error,
	);
	if (thrown instanceof TaskError) return thrown;
	throw new Error(`Not an TaskError: ${String(thrown)}`);
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
			requestId: 'r-1',
			submittedAt: START + 200,
			known: false,
			adopted: false,
		});
		expect(service.count('create')).toBe(1);
		expect(store).toEqual({
			'0:a:0': {
				state: 'submitted',
				taskId: 'task-1',
				submittedAt: START + 200,
				requestId: 'r-1',
			},
		});
	});

	test('is in the ledger before it is sent', async () => {
		const { clock, store, attempt } = setup();
		const submitting = attempt()('a');
		await clock.pass(50);
		const id = expect.any(String);
		expect(store).toEqual({ '0:a:0': { state: 'sent', since: START, model: MODEL, id } });
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
			deadline: Infinity,
			lostSubmission: 'resubmit',
		});
		const body = async () => await Promise.reject<CreateCall>(new Error('uploaded again'));
		await expect(clock.run(submitter.submit('0:a:0', MODEL, body))).resolves.toEqual({
			taskId: 'task-1',
			requestId: 'r-1',
			submittedAt: START + 200,
			known: true,
			adopted: false,
		});
		expect(service.count('create')).toBe(1);
	});

	test('whose body cannot be made leaves nothing behind', async () => {
		const { clock, service, store } = setup();
		const submitter = new Submitter(service.ports(), new Ledger(store, 0), {
			deadline: Infinity,
			lostSubmission: 'lookUp',
		});
		const body = async () => await Promise.reject<CreateCall>(new Error('store is full'));
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

	test('because the host does not answer is repeated until the timeout: nothing can be lost', async () => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(...Array<Fault>(900).fill(faults.refused));
		// A host that never answered may have a wrong port.
		const never = await clock.run(failureOf(attempt()('a')));
		expect(never.message).toContain('could not be reached');
		expect(clock.now() - START).toBeGreaterThan(5 * MINUTE);
		expect(clock.now() - START).toBeLessThan(6 * MINUTE);

		service.account.answered(clock.now(), clock.now());
		const started = clock.now();
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.message).toContain('could not be reached');
		expect(clock.now() - started).toBeGreaterThan(29 * MINUTE);
		expect(store).toEqual({});
	});

	test.each(['ENOTFOUND', 'CERT_HAS_EXPIRED'])(
		'because the address is wrong (%s) is given up soon, unless it was right before',
		async (socket) => {
			const { clock, service, attempt } = setup();
			service.faults.create.push(...Array<Fault>(5).fill({ socket }));
			const error = await clock.run(failureOf(attempt()('a')));
			expect(error.message).toContain('could not be reached');
			expect(service.count('create')).toBe(5);

			await clock.run(attempt()('b'));
			service.faults.create.push(...Array<Fault>(9).fill({ socket }));
			await expect(clock.run(attempt()('c'))).resolves.toMatchObject({ known: false });
		},
	);
});

/** Nobody else submits tasks, as the user says. */
const EXCLUSIVE = { exclusive: true };

const iso = (at: number) => new Date(at).toISOString();

describe('a submission without a response, where nobody else submits tasks', () => {
	test.each(LOST)('that arrived is found in the list: %s', async (_name, fault) => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(fault);
		const job = await clock.run(attempt({}, true, EXCLUSIVE)('a'));
		expect(job).toMatchObject({ taskId: 'task-1', known: false, adopted: true });
		expect(service.count('create')).toBe(1);
		expect(store['0:a:0']).toMatchObject({ state: 'submitted', adopted: true });
		expect(service.log.join()).toContain('task-1');
	});

	test.each([500, 3_000, 8_000, 25_000])(
		'is found although its task is stored %d ms late',
		async (lateMs) => {
			const { clock, service, attempt } = setup();
			service.faults.create.push({ ...faults.resetAfterwards, lateMs });
			const job = attempt({}, true, EXCLUSIVE)('a');
			await expect(clock.run(job)).resolves.toMatchObject({ taskId: 'task-1' });
		},
	);

	test.each([-60_000, -40_000, -2_500, 2_500, 20_000, 60_000])(
		'is found although the clocks differ by %d ms',
		async (skewMs) => {
			for (const tellsTime of [true, false]) {
				const { clock, service, attempt } = setup({ skewMs, tellsTime });
				service.faults.create.push(faults.resetAfterwards);
				const job = attempt({}, true, EXCLUSIVE)('a');
				await expect(clock.run(job)).resolves.toMatchObject({ taskId: 'task-1' });
			}
		},
	);

	test.each([-15 * MINUTE, 15 * MINUTE])(
		'is found although the clocks differ by %d ms, once an answer has told the time',
		async (skewMs) => {
			const { clock, service, attempt } = setup({ skewMs });
			const submit = attempt({}, true, EXCLUSIVE);
			await clock.run(submit('first'));
			service.faults.create.push(faults.resetAfterwards);
			await expect(clock.run(submit('a'))).resolves.toMatchObject({ taskId: 'task-2' });
		},
	);

	test.each([6_000, 15_000, 45_000, 60_000])(
		'is found although the list lags %d ms',
		async (listLagMs) => {
			const { clock, service, attempt } = setup({ listLagMs });
			service.faults.create.push(faults.resetAfterwards);
			const job = attempt({}, true, EXCLUSIVE)('a');
			await expect(clock.run(job)).resolves.toMatchObject({ taskId: 'task-1', adopted: true });
		},
	);

	test('is found although the list stumbles at first', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		service.faults.list.push(faults.unavailable, faults.reset, { status: 200, body: { data: [] } });
		const job = attempt({}, true, EXCLUSIVE)('a');
		await expect(clock.run(job)).resolves.toMatchObject({ taskId: 'task-1' });
	});

	test('is unknown when two tasks may be it; both are named', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		const submitting = failureOf(attempt({}, true, EXCLUSIVE)('a'));
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
		'of two, of which one or both arrived (%s), is unknown for both',
		async (both) => {
			const { clock, service, attempt } = setup();
			const second = both ? faults.resetAfterwards : never(faults.resetAfterwards);
			service.faults.create.push(faults.resetAfterwards, second);
			const submit = attempt({}, true, EXCLUSIVE);
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

	test('is not taken by one that may have made none, whatever another model loses meanwhile', async () => {
		const { clock, service, attempt } = setup();
		const [lost, made] = [never(faults.resetAfterwards), faults.resetAfterwards];
		service.faults.create.push(lost, made, lost);
		const submit = attempt({}, true, EXCLUSIVE);
		const errors = ['a', 'b'].map(async (name) => await failureOf(submit(name)));
		await clock.pass(400);
		const other = submit('for wan3.0-video');
		for (const error of await clock.run(Promise.all(errors))) {
			expect(error.message).toMatch(/^Outcome unknown/);
			expect(error.details.possibleTaskIds).toBe('task-1');
		}
		await expect(clock.run(other)).resolves.toMatchObject({ taskId: 'task-2', adopted: false });
	});

	test('is not taken by a submission of another model, where the list shows the tasks of all', async () => {
		const { clock, service, attempt } = setup({ listsAllModels: true });
		service.faults.create.push(never(faults.resetAfterwards), faults.resetAfterwards);
		const submit = attempt({}, true, EXCLUSIVE);
		const lost = submit('a');
		await clock.pass(400);
		const other = submit('for wan3.0-video');
		const jobs = await clock.run(Promise.all([lost, other]));
		expect(jobs).toMatchObject([
			{ taskId: 'task-2', adopted: false },
			{ taskId: 'task-1', adopted: true },
		]);
	});

	test('is taken although another submission was under way when it was lost', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push({ ...faults.resetAfterwards, delayMs: 600 }, { delayMs: 2_000 });
		const submit = attempt({}, true, EXCLUSIVE);
		const [lost, slow] = await clock.run(Promise.all([submit('a'), submit('b')]));
		expect(lost).toMatchObject({ taskId: 'task-1', adopted: true });
		expect(slow).toMatchObject({ taskId: 'task-2', adopted: false });
		expect(service.count('create')).toBe(2);
	});

	test('is found although an earlier one of the same request was lost as well', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(never(faults.resetAfterwards), faults.resetAfterwards);
		const job = await clock.run(attempt({}, true, EXCLUSIVE)('a'));
		expect(job).toMatchObject({ taskId: 'task-1', adopted: true });
		expect(service.count('create')).toBe(2);
	});

	test.each<[string, (journal: Journal, now: number) => Journal]>([
		['that another credential of the process made', (journal) => journal],
		['that the process before this one made', (_journal, now) => new Journal(now)],
	])('is not taken for one %s, and of which it knows nothing', async (_what, journalAt) => {
		const { clock, service, attempt } = setup();
		const journal = new Journal(0);
		service.faults.create.push(never(faults.resetAfterwards));
		const account = new Account(journal);
		const lost = failureOf(
			attempt({ lostSubmission: 'fail' }, true, { ...EXCLUSIVE, account })('a'),
		);
		await clock.pass(500);
		const other = { ...EXCLUSIVE, account: new Account(journal), executionId: 'B' };
		await clock.run(attempt({}, true, other)('b'));
		await clock.run(lost);
		// "Retry execution".
		const viewer = { ...EXCLUSIVE, account: new Account(journalAt(journal, clock.now())) };
		const retried = attempt({ lostSubmission: 'fail' }, true, viewer)('a');
		const error = await clock.run(failureOf(retried));
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(service.count('create')).toBe(2);
	});

	test('is found at the next try, also where its end was not seen', async () => {
		const { clock, service, store, attempt } = setup();
		store['0:a:0'] = { state: 'sent', since: clock.now() };
		service.addTask('a', { jobSeconds: 60 });
		await clock.pass(5 * MINUTE);
		const job = attempt({}, true, EXCLUSIVE)('a');
		await expect(clock.run(job)).resolves.toMatchObject({ taskId: 'task-1' });
		expect(service.count('create')).toBe(0);
	});

	test('does not take the task of a submission that began while the list was read', async () => {
		let latency = 100;
		const { clock, service, attempt } = setup({ latency: () => latency });
		const submit = attempt({}, true, EXCLUSIVE);
		service.faults.create.push(never(faults.resetAfterwards));
		const lost = submit('a');
		await clock.pass(900);
		latency = 1_500;
		await clock.pass(600);
		expect(service.count('list')).toBe(1);
		latency = 100;
		service.break('create', 'slow', { delayMs: 5_000 });
		const [ofA, slow] = await clock.run(Promise.all([lost, submit('slow')]));
		expect(slow).toMatchObject({ taskId: 'task-1', adopted: false });
		expect(ofA).toMatchObject({ taskId: 'task-2', adopted: false });
	});

	test('stays adopted, so that the prompt can still be compared', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		await clock.run(attempt({}, true, EXCLUSIVE)('a'));
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ known: true, adopted: true });
	});
});

describe('a submission without a response', () => {
	test.each(LOST)('whose task is listed is not guessed: %s', async (_name, fault) => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(fault);
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(error.details.possibleTaskIds).toBe('task-1');
		expect(service.count('create')).toBe(1);
		expect(store['0:a:0']).toMatchObject({ state: 'sent' });
	});

	test.each(LOST)(
		'of which nothing is listed for a minute is sent again: %s',
		async (_name, fault) => {
			const { clock, service, attempt } = setup();
			service.faults.create.push(never(fault));
			const job = await clock.run(attempt()('a'));
			expect(job).toMatchObject({ taskId: 'task-1', known: false, adopted: false });
			expect(service.count('create')).toBe(2);
			const [first = 0, second = 0] = service.times('create');
			expect(second - first).toBeGreaterThanOrEqual(60_000);
			expect(second - first - (fault.delayMs ?? 0)).toBeLessThanOrEqual(70_000);
		},
	);

	test('is not sent again because the list shows a task that was made later: its call may be under way', async () => {
		const { clock, service, attempt } = setup();
		const submit = attempt();
		service.faults.create.push({ ...faults.resetAfterwards, lateMs: 25_000 });
		const lost = failureOf(submit('lost'));
		await clock.pass(1_000);
		const [error] = await clock.run(Promise.all([lost, submit('later')]));
		expect(error.details.possibleTaskIds).toBe('task-2');
		expect(service.count('create')).toBe(2);
	});

	test('is not sent again while the list lacks tasks of our own', async () => {
		// The second task, which does arrive, is never listed: so the list says nothing about the first.
		const { clock, service, attempt } = setup({ listLagOf: (number) => (number === 1 ? 9e9 : 0) });
		service.faults.create.push(never(faults.resetAfterwards));
		const submit = attempt({ deadline: clock.now() + 5 * MINUTE });
		const [error] = await clock.run(Promise.all([failureOf(submit('lost')), submit('other')]));
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(service.count('create')).toBe(2);
	});

	test('is not sent again while the list lacks a task of our own that was sent before it', async () => {
		const { clock, service, attempt } = setup({ listLagMs: 3 * MINUTE });
		const submit = attempt();
		await clock.run(submit('own'));
		await clock.pass(20_000);
		service.faults.create.push(faults.resetAfterwards);
		const error = await clock.run(failureOf(submit('lost')));
		expect(error.details.possibleTaskIds).toBe('task-2');
		expect(service.count('create')).toBe(2);
	});

	test('is not sent again days later, when the list does not go back to it', async () => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		await clock.run(failureOf(attempt()('a')));
		await clock.pass(72 * 60 * MINUTE);
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(error.hint).toContain('The task list shows none, but goes back only 24 hours');
		expect(service.count('create')).toBe(1);
		expect(store['0:a:0']).toMatchObject({ state: 'sent' });
		const job = attempt({ lostSubmission: 'resubmit' })('a');
		await expect(clock.run(job)).resolves.toMatchObject({ taskId: 'task-2' });
	});

	test('is sent again although the list is refused now and then', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(never(faults.resetAfterwards));
		const denied: Fault = { status: 401, body: { code: 'InvalidApiKey', message: 'No' } };
		service.faults.list.push(denied, undefined, denied, undefined, denied);
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ taskId: 'task-1' });
	});

	test('names the tasks that the list showed before it could not be read any more', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		const failing = failureOf(attempt()('a'));
		await clock.pass(5_000);
		service.faults.list.push(...Array<Fault>(99).fill({ status: 404, body: '' }));
		const error = await clock.run(failing);
		expect(error.hint).toContain('could not be read, after it had shown task-1: ');
		expect(error.details.possibleTaskIds).toBe('task-1');
	});

	test.each([10 * MINUTE, -60 * MINUTE])(
		'is sent again after a minute although the computer’s clock is set by %d ms meanwhile',
		async (step) => {
			const { clock, service, own, submit } = setupClock({ minutes: 300 });
			service.faults.create.push(never(faults.resetAfterwards));
			const submitting = submit();
			await clock.pass(2_000);
			own.set = step;
			await clock.run(submitting);
			const [first = 0, second = 0] = service.times('create');
			expect(second - first).toBeGreaterThanOrEqual(60_000);
			expect(second - first).toBeLessThanOrEqual(90_000);
		},
	);

	test('names the window in which a task may have been created, and what to do', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		const error = await clock.run(failureOf(attempt()('a')));
		const [from, to] = [START, START + 200].map(iso);
		expect(error.message).toContain(`between ${from} and ${to}`);
		expect(error.hint).toMatch(/not submitted again.*list shows task-1.*Get Status.*Submit Again/s);
		expect(error.hint).toMatch(/suspended, cannot be retried: run .* with this item only\.$/);
		expect(error.details).toMatchObject({ submittedFrom: from, submittedTo: to });
	});

	test('is left to the user who chose to fail', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(never(faults.resetAfterwards));
		const error = await clock.run(failureOf(attempt({ lostSubmission: 'fail' })('a')));
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(error.hint).toContain('The task list shows none');
		expect(service.count('create')).toBe(1);
	});

	test('asks for all pages of tasks of this model from before the call to now', async () => {
		const { clock, service, attempt } = setup();
		await clock.pass(10 * MINUTE);
		service.faults.create.push(faults.resetAfterwards);
		await clock.run(failureOf(attempt()('a')));
		const [look] = service.calls.filter(({ route }) => route === 'list');
		expect(look?.request?.options.qs).toEqual({
			model_name: MODEL,
			start_time: '20261102170855',
			end_time: '20261102171101',
			page_no: 1,
			page_size: 100,
		});
	});

	test('asks for tasks up to the moment at which the list is read, however long it waited for its turn', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		const submitting = failureOf(attempt()('a'));
		// As behind the queries of many executions, while somebody else uses up the account's limit.
		const turn = jest.spyOn(service.account.requests, 'pass');
		turn.mockImplementationOnce(async () => await clock.wait(100_000));
		await clock.run(submitting);
		const [look] = service.calls.filter(({ route }) => route === 'list');
		expect(look?.at).toBeGreaterThan(START + 100_000);
		const { end_time: end } = look?.request?.options.qs as { end_time: string };
		expect(parseCompactTime(end)).toBeGreaterThanOrEqual(look?.at ?? Infinity);
	});

	test('is not confused by tasks of other models, of earlier times, or of our own', async () => {
		const { clock, service, attempt } = setup();
		const submit = attempt();
		service.addTask('before', { jobSeconds: 60 });
		await clock.pass(3 * MINUTE);
		await clock.run(submit('other'));
		service.faults.create.push(never(faults.resetAfterwards));
		const submitting = submit('a');
		await clock.pass(200);
		service.addTask('elsewhere', { jobSeconds: 60 }, 'happyhorse-1.0-video-edit');
		const job = await clock.run(submitting);
		expect(service.tasksOf('a').map(({ id }) => id)).toEqual([job.taskId]);
	});

	test('is unknown when the list cannot be read, however long', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		service.faults.list.push(...Array<Fault>(999).fill(faults.unavailable));
		const error = await clock.run(failureOf(attempt({ deadline: clock.now() + 10 * MINUTE })('a')));
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(error.hint).toContain('The task list could not be read');
		expect(clock.now() - START).toBeGreaterThan(9 * MINUTE);
		expect(service.count('create')).toBe(1);
	});

	test('is unknown soon where there is no task list', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		service.faults.list.push(...Array<Fault>(9).fill({ status: 404, body: '' }));
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.hint).toContain('The task list could not be read');
		expect(service.count('list')).toBe(3);
	});

	test('waits for submissions under way, which could be taken for it', async () => {
		const { clock, service, attempt } = setup();
		const submit = attempt();
		service.faults.create.push(never(faults.resetAfterwards), { delayMs: 100_000 });
		const [lost, slow] = await clock.run(Promise.all([submit('lost'), submit('slow')]));
		expect(slow).toMatchObject({ taskId: 'task-1', adopted: false });
		expect(lost).toMatchObject({ taskId: 'task-2', adopted: false });
	});

	test('does not take the task of a request that failed and was forgotten', async () => {
		const { clock, service, store, attempt } = setup();
		const submit = attempt();
		await clock.run(submit('failed'));
		service.faults.create.push(never(faults.resetAfterwards));
		const submitting = submit('lost');
		new Ledger(store, 0).ended('0:failed:0');
		await expect(clock.run(submitting)).resolves.toMatchObject({ taskId: 'task-2' });
	});
});

describe('two executions of one workflow with equal prompts', () => {
	const viewers = (account?: Account) => ({ executionId: 'B', account });

	test.each<[what: string, fault: Fault]>([
		['503', faults.overloaded],
		['503 of a gateway', faults.unavailable],
		['reset', faults.reset],
		['timeout', { socket: 'ETIMEDOUT', delayMs: 30_000 }],
	])('never get each other’s video: %s', async (_what, fault) => {
		for (const elsewhere of [false, true]) {
			for (const listsRequestIds of [true, false]) {
				const account = elsewhere ? new Account(new Journal(0)) : undefined;
				const { clock, service, attempt } = setup({ listsRequestIds });
				service.faults.create.push(fault);
				const other: LedgerStore = {};
				const ports = service.ports(undefined, true, () => 0.5, viewers(account));
				const b = new Submitter(ports, new Ledger(other, 0), {
					deadline: clock.now() + 30 * MINUTE,
					lostSubmission: 'lookUp',
				});
				const first = attempt()('same').catch((error: unknown) => error);
				const second = clock
					.wait(800)
					.then(
						async () =>
							await b.submit('k', MODEL, async () => await Promise.resolve(callOf('same'))),
					);
				const [ofA, ofB] = await clock.run(Promise.all([first, second]));
				expect(ofB).toMatchObject({ adopted: false });
				const taskOfA = ofA instanceof TaskError ? undefined : (ofA as { taskId: string }).taskId;
				expect(taskOfA).not.toBe(ofB.taskId);
				if (ofA instanceof TaskError) expect(ofA.details.possibleTaskIds).toContain(ofB.taskId);
				// In one process the other one's task is known: it neither confuses nor delays for ever.
				if (account === undefined) expect(taskOfA).toBeDefined();
			}
		}
	});
});

describe('a submission that the service answers with an error of its own', () => {
	test.each([0, 15_000, 45_000, 60_000])(
		'although it created the task is found by its request ID, listed after %d ms',
		async (listLagMs) => {
			for (const skewMs of [-60_000, 0, 60_000]) {
				const { clock, service, attempt } = setup({ listLagMs, skewMs });
				service.faults.create.push(faults.overloadedAfterwards);
				service.addTask('same', { jobSeconds: 60 });
				const job = await clock.run(attempt()('same'));
				expect(job).toMatchObject({ taskId: 'task-2', adopted: true });
				expect(service.count('create')).toBe(1);
			}
		},
	);

	test('and that created nothing is sent again when the list has shown nothing for a minute', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.overloaded);
		const job = await clock.run(attempt()('a'));
		expect(job).toMatchObject({ taskId: 'task-1', adopted: false });
		const [first = 0, second = 0] = service.times('create');
		expect(second - first).toBeGreaterThanOrEqual(60_000);
		expect(second - first).toBeLessThanOrEqual(70_000);
	});

	test('is sent again sooner when the list shows a task that was made later', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.overloaded);
		const submit = attempt();
		await clock.run(Promise.all(['a', 'b', 'c', 'd', 'e'].map(submit)));
		expect(service.tasks()).toHaveLength(5);
		expect(clock.now() - START).toBeLessThanOrEqual(20_000);
	});

	test('is not sent again sooner where rows carry no request IDs: its task may be made late', async () => {
		for (const listsRequestIds of [false, 'other'] as const) {
			const { clock, service, attempt } = setup({ listsRequestIds });
			service.faults.create.push(faults.overloaded);
			const submit = attempt();
			const submitting = failureOf(submit('a'));
			const later = submit('b');
			await clock.pass(10_000);
			service.addTask('a', { jobSeconds: 60 });
			const error = await clock.run(submitting);
			await clock.run(later);
			expect(error.details.possibleTaskIds).toBe('task-2');
			expect(service.count('create')).toBe(2);
		}
	});

	test('is given up although another call never ends', async () => {
		const { clock, service, attempt } = setup();
		const submit = attempt();
		await clock.run(submit('own'));
		service.faults.create.push({ ...faults.overloaded, delayMs: 600 * MINUTE }, faults.reset);
		void submit('hangs').catch(() => undefined);
		const error = await clock.run(failureOf(submit('a')), 60 * MINUTE);
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(error.hint).toContain('no answer for ten minutes');
	});

	test.each([0, 15_000])(
		'is unclear behind a gateway whose errors have request IDs of its own, listed after %d ms',
		async (lag) => {
			const { clock, service, attempt } = setup({
				listLagOf: (number) => (number === 2 ? lag : 0),
			});
			const account = new Account(new Journal(0), 'ours', 'gateway');
			const submit = attempt({}, true, { account });
			await clock.run(submit('own'));
			await clock.pass(5 * MINUTE);
			service.faults.create.push({ status: 504, envelope: 'gateway', done: true });
			const error = clock.run(failureOf(submit('a')));
			await clock.run(submit('later'));
			expect((await error).details.possibleTaskIds).toBe('task-2');
			expect(service.tasksOf('a')).toHaveLength(1);
		},
	);

	test('is not fresh for a task that was sent before our clock was set back', async () => {
		const { clock, account, own, service, submit } = setupClock();
		own.set = 10 * MINUTE;
		service.account.answered(clock.now() + own.set, clock.now() + own.set, clock.now() - 500);
		const sentAt = clock.now() + own.set;
		account.knows(service.addTask('own', { jobSeconds: 60 }), { model: MODEL, sentAt }, sentAt);
		await clock.pass(MINUTE);
		own.set = 0;
		account.answered(clock.now(), clock.now(), clock.now() - 500);
		service.faults.create.push(faults.overloaded);
		await clock.run(submit());
		const [first = 0, second = 0] = service.times('create');
		expect(second - first).toBeGreaterThanOrEqual(60_000);
	});

	test('is not confused by strangers where rows prove to carry request IDs, else unclear', async () => {
		for (const listsRequestIds of [true, false, 'other'] as const) {
			const { clock, service, attempt } = setup({ listsRequestIds });
			const submit = attempt();
			await clock.run(submit('own'));
			await clock.pass(5 * MINUTE);
			service.faults.create.push(faults.overloaded);
			const submitting = submit('a').catch((error: unknown) => error);
			await clock.pass(100);
			service.addTask('a', { jobSeconds: 60 });
			const result = await clock.run(submitting);
			if (listsRequestIds === true)
				expect(result).toMatchObject({ taskId: 'task-3', adopted: false });
			else expect(result).toMatchObject({ details: { possibleTaskIds: 'task-2' } });
		}
	});

	test('is told from a stranger’s although a task was adopted under another request ID', async () => {
		const { clock, service, store, attempt } = setup();
		await clock.run(attempt()('own'));
		// As the record of tasks gives it to a lost call: its row has the ID of the call that made it.
		store['0:b:0'] = {
			state: 'submitted',
			taskId: service.addTask('b', { jobSeconds: 60 }),
			submittedAt: clock.now(),
			requestId: 'of the lost call',
			adopted: true,
			proven: true,
		};
		await clock.pass(5 * MINUTE);
		service.faults.create.push(faults.overloaded);
		const submitting = attempt()('a');
		await clock.pass(100);
		service.addTask('a', { jobSeconds: 60 });
		await expect(clock.run(submitting)).resolves.toMatchObject({ taskId: 'task-4' });
	});

	test('is unclear where only a task that was adopted by its time has the ID of its row', async () => {
		const { clock, service, attempt } = setup({ listsRequestIds: 'other' });
		service.faults.create.push(faults.resetAfterwards);
		await clock.run(attempt({}, true, EXCLUSIVE)('a'));
		// The next try takes what it knows from the ledger.
		service.faults.create.push(faults.overloadedAfterwards);
		const error = await clock.run(failureOf(attempt()('b')));
		expect(error.details.possibleTaskIds).toBe('task-2');
		expect(service.count('create')).toBe(2);
	});

	test.each([1, 2])(
		'is unclear where some rows carry the request ID and the one of task-%d does not',
		async (odd) => {
			const { clock, service, attempt } = setup({
				listsRequestIds: (number) => (number === odd || number === 3 ? 'other' : true),
			});
			const submit = attempt();
			await clock.run(Promise.all(['own', 'own too'].map(submit)));
			service.faults.create.push(faults.overloadedAfterwards);
			const error = await clock.run(failureOf(submit('a')));
			expect(error.details.possibleTaskIds).toBe('task-3');
			expect(service.count('create')).toBe(3);
		},
	);

	test('is unclear while no task of our own has proved anything', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.overloaded);
		const submitting = failureOf(attempt()('a'));
		await clock.pass(100);
		service.addTask('a', { jobSeconds: 60 });
		const error = await clock.run(submitting);
		expect(error.details.possibleTaskIds).toBe('task-1');
		expect(service.count('create')).toBe(1);
	});

	test.each([1, 20])(
		'%d times while nothing is created ends well for five items',
		async (times) => {
			const { clock, service, attempt } = setup();
			service.faults.create.push(...Array<Fault>(times).fill(faults.overloaded));
			const submit = attempt();
			const jobs = await clock.run(Promise.all(['a', 'b', 'c', 'd', 'e'].map(submit)));
			expect(new Set(jobs.map(({ taskId }) => taskId)).size).toBe(5);
			expect(service.tasks()).toHaveLength(5);
			expect(service.count('create')).toBe(5 + times);
		},
	);

	test.each([100, 2_000])('is probed one at a time, not by every item (%d ms)', async (latency) => {
		const { clock, service, attempt } = setup({ latency: () => latency });
		service.faults.create.push(...Array<Fault>(30).fill(faults.overloaded));
		const submit = attempt({ deadline: clock.now() + 2 * MINUTE });
		const names = Array.from({ length: 20 }, (_, index) => `item ${index}`);
		await clock.run(Promise.all(names.map(async (name) => await failureOf(submit(name)))));
		// Those that were sent before the first answer came could not know.
		const probes = service.times('create').filter((at) => at > START + 2 * latency);
		// Growing pauses from 1 s to 30 s leave time for so many in two minutes.
		expect(probes.length).toBeLessThanOrEqual(9);
		const gaps = probes.slice(1).map((at, index) => at - (probes[index] ?? 0));
		expect(Math.min(...gaps)).toBeGreaterThan(2 * latency);
	});

	test('to the end is told as what it is', async () => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(...Array<Fault>(999).fill(faults.overloaded));
		const error = await clock.run(failureOf(attempt({ deadline: clock.now() + 60 * MINUTE })('a')));
		expect(error.message).toMatch(
			/^DashScope was overloaded for 60 minutes, \d+ attempts .*; the task list shows that none was created$/,
		);
		expect(error.details).toMatchObject({ code: 'ModelServingError', httpStatus: 503 });
		expect(store['0:a:0']).toBeUndefined();
		await expect(clock.run(attempt()('a'))).rejects.toThrow();
	});

	test('often, and then unclear, is told without what was shown to be absent', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(...Array<Fault>(4).fill(faults.overloaded), faults.resetAfterwards);
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.message).toMatch(/^Outcome unknown: no usable response to the wan2/);
		expect(error.details.possibleTaskIds).toBe('task-1');
	});

	test('is unclear where two tasks carry its request ID', async () => {
		const { clock, service, store, attempt } = setup();
		const submit = attempt();
		await clock.run(submit('own'));
		store['0:a:0'] = { state: 'sent', since: clock.now(), until: clock.now(), requestId: 'r-a' };
		service.addTask('a', { jobSeconds: 60 });
		service.addTask('a', { jobSeconds: 60 });
		const error = await clock.run(failureOf(submit('a')));
		expect(error.details.possibleTaskIds).toBe('task-3, task-2');
		expect(service.count('create')).toBe(1);
	});

	test('is taken up if the list shows its task while the next submission waits for its turn', async () => {
		const { clock, service, store, attempt } = setup({
			listLagOf: (number) => (number === 2 ? 6_000 : 0),
		});
		const submit = attempt();
		await clock.run(submit('own'));
		const busy = { ...faults.overloaded, retryAfter: '20' };
		service.faults.create.push(faults.overloadedAfterwards, undefined, busy);
		const job = submit('a');
		await clock.pass(1_500);
		const others = [submit('later')];
		await clock.pass(1_000);
		others.push(submit('busy'));
		await expect(clock.run(job)).resolves.toMatchObject({ taskId: 'task-2', proven: true });
		await clock.run(Promise.all(others));
		expect(service.tasksOf('a')).toHaveLength(1);
		expect(new Ledger(store, 0).abandoned('0:a:0')).toEqual([]);
	});

	test('and asks for an hour’s pause keeps others waiting for a minute at most', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push({ ...faults.overloaded, retryAfter: '3600' });
		const submit = attempt({ deadline: clock.now() + 20 * MINUTE });
		const first = submit('a');
		await clock.pass(1_000);
		await clock.run(submit('b'));
		expect(clock.now() - START).toBeLessThanOrEqual(63_000);
		await clock.run(first);
	});

	test('is looked for again at the next try, and sent again', async () => {
		const { clock, service, store, attempt } = setup();
		store['0:a:0'] = {
			state: 'sent',
			since: clock.now(),
			until: clock.now() + 100,
			requestId: 'x',
		};
		await clock.pass(10 * MINUTE);
		await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ taskId: 'task-1' });
		expect(service.count('list')).toBe(2);
	});
});

describe('a task that another application created meanwhile', () => {
	const THEIR_KEY = 'key-2';
	const listsKeyIds: ServiceOptions['listsKeyIds'] = ({ keyId }) => keyId;

	/** Our tasks have been listed, a submission got no response, and a task fits that is not ours. */
	async function afterTasks(
		ours: string[],
		options: ServiceOptions = {},
		{ account = new Account(new Journal(0), 'ours', 'dashscope'), key = THEIR_KEY } = {},
	) {
		const all = setup({ listsKeyIds, ...options });
		const { clock, service, attempt } = all;
		await clock.run(Promise.all(ours.map(attempt({}, true, { account }))));
		await clock.pass(10 * MINUTE);
		service.addTask('a', { jobSeconds: 60 }, MODEL, key);
		service.faults.create.push(faults.reset);
		return { ...all, account };
	}

	test('with a key of its own is not in the way once two of ours have shown the ID of our key', async () => {
		const { clock, service, attempt, account } = await afterTasks(['b', 'c']);
		const job = await clock.run(attempt({}, true, { account })('a'));
		expect(job).toMatchObject({ taskId: 'task-4', adopted: false });
		expect(service.count('create')).toBe(4);
	});

	test.each<[string, string[], ServiceOptions, { account?: Account; key?: string }]>([
		['with our key', ['b', 'c'], {}, { key: OUR_KEY }],
		['while only one of ours has been listed', ['b'], {}, {}],
		['where lists name no keys', ['b', 'c'], { listsKeyIds: () => undefined }, {}],
		['where each row names another', ['b', 'c'], { listsKeyIds: ({ number }) => `${number}` }, {}],
		[
			'behind a gateway',
			['b', 'c'],
			{},
			{ account: new Account(new Journal(0), 'gateway', 'gateway') },
		],
	])('may be ours: %s', async (_what, ours, options, theirs) => {
		const { clock, attempt, account } = await afterTasks(ours, options, theirs);
		const error = await clock.run(failureOf(attempt({}, true, { account })('a')));
		expect(error.details.possibleTaskIds).toBe(`task-${ours.length + 1}`);
	});

	test('may be ours after the user has chosen another key', async () => {
		const { clock, service, attempt, account } = await afterTasks(['b', 'c'], {}, { key: OUR_KEY });
		await clock.run(failureOf(attempt({}, true, { account })('a')));
		const next = {
			account: new Account(new Journal(clock.now()), 'new', 'dashscope'),
			keyId: 'key-3',
		};
		const submit = attempt({}, true, next);
		await clock.run(Promise.all(['d', 'e'].map(submit)));
		const error = await clock.run(failureOf(submit('a')));
		expect(error.details.possibleTaskIds).toBe('task-3');
		expect(service.tasksOf('a')).toHaveLength(1);
	});

	test('may be ours if the user has changed the key since the node began', async () => {
		const { clock, service, attempt, account } = await afterTasks(['b', 'c'], {}, { key: OUR_KEY });
		service.faults.create[0] = faults.resetAfterwards;
		const submit = attempt({}, true, { account, keyNow: () => THEIR_KEY });
		const error = await clock.run(failureOf(submit('a')));
		expect(error.details.possibleTaskIds).toContain('task-4');
		expect(service.count('create')).toBe(3);
	});

	test('may be ours where only tasks that the execution submitted with another key have been listed', async () => {
		const { clock, service, attempt } = setup({ listsKeyIds });
		await clock.run(Promise.all(['b', 'c'].map(attempt())));
		const account = new Account(new Journal(clock.now()), 'new', 'dashscope');
		service.faults.create.push(faults.resetAfterwards);
		const retry = attempt({}, true, { account, keyId: 'key-3' });
		const error = await clock.run(failureOf(retry('a')));
		expect(error.details.possibleTaskIds).toContain('task-3');
		expect(service.tasksOf('a')).toHaveLength(1);
	});
});

describe('an answer that names a task which was submitted before', () => {
	const stale: Fault = {
		status: 200,
		body: { request_id: 'r-1', output: { task_id: 'task-1', task_status: 'PENDING' } },
	};

	test.each([true, false])('is not believed, whether its task was made: %p', async (done) => {
		const { clock, service, attempt } = setup();
		const submit = attempt({}, true, EXCLUSIVE);
		await clock.run(submit('a'));
		service.faults.create.push({ ...stale, done });
		await expect(clock.run(submit('b'))).resolves.toMatchObject({
			taskId: 'task-2',
			adopted: done,
		});
		expect(service.tasksOf('b')).toHaveLength(1);
	});
});

describe('a request ID that a gateway uses for several calls', () => {
	/** Two executions of one process; the error of the second one's submission has the request ID of the first one's. */
	async function misled(settings: Partial<SubmitSettings> = {}) {
		const { clock, service, attempt } = setup();
		const other = { executionId: 'other', lineage: 'other' };
		const theirs = new Submitter(
			service.ports(undefined, true, () => 0.5, other),
			new Ledger({}, 0),
			{ deadline: Infinity, lostSubmission: 'lookUp' },
		);
		const call = async () => await Promise.resolve(callOf('theirs'));
		await clock.run(theirs.submit('k', MODEL, call));
		const body = { code: 'InternalError', message: 'x', request_id: 'r-1' };
		service.faults.create.push({ status: 503, body });
		const ours = attempt(settings, true, { executionId: 'own', lineage: 'own' });
		return { clock, service, ours };
	}

	test('makes no execution take the task of another', async () => {
		const { clock, service, ours } = await misled();
		const error = await clock.run(failureOf(ours('a')));
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(error.details.possibleTaskIds).toBeUndefined();
		expect(service.count('create')).toBe(2);
		expect(clock.now() - START).toBeGreaterThan(MINUTE);
	});

	test('nor later, when the submission has been made again', async () => {
		const { clock, service, ours } = await misled({ lostSubmission: 'resubmit' });
		service.faults.create.push(faults.overloaded);
		await expect(clock.run(ours('a'))).resolves.toMatchObject({ taskId: 'task-2' });
		expect(service.tasks()).toHaveLength(2);
	});
});

describe('a second task of one request', () => {
	test.each([15_000, 45_000])(
		'that turns up %d ms late is cancelled while it waits',
		async (late) => {
			const { clock, service, attempt, store } = setup({
				slots: 1,
				listLagOf: (number) => (number === 2 ? late : 0),
			});
			service.plans = [{ jobSeconds: 600 }];
			const submit = attempt();
			await clock.run(submit('first'));
			service.faults.create.push(faults.overloadedAfterwards);
			const job = submit('a');
			await clock.pass(3_000);
			await clock.run(Promise.all([job, submit('later')]));
			const ledger = new Ledger(store, 0);
			const lost = ledger.abandoned('0:a:0');
			expect(lost).toHaveLength(1);
			const submitter = new Submitter(service.ports(), ledger, {
				deadline: Infinity,
				lostSubmission: 'lookUp',
			});
			const found = await clock.run(submitter.lost.duplicates(MODEL, lost));
			expect(found).toEqual([{ taskId: 'task-2', cancelled: true, certain: true }]);
			// The next try of the node has to tell it, too: n8n shows nothing of the one before.
			const again = new Submitter(service.ports(), new Ledger(store, 0), {
				deadline: Infinity,
				lostSubmission: 'lookUp',
			});
			expect(await clock.run(again.lost.duplicates(MODEL, lost))).toEqual(found);
			expect(service.count('cancel')).toBe(1);
			expect(
				service
					.tasksOf('a')
					.map(({ status }) => status)
					.sort(),
			).toEqual(['CANCELED', 'PENDING']);
		},
	);
});

describe('a clock that is set back while a submission is under way', () => {
	test.each([true, false])(
		'does not hide its task (the service tells the time: %s)',
		async (tellsTime) => {
			const { clock, service, account, own, now, submit } = setupClock({ tellsTime });
			if (tellsTime) account.answered(now(), now(), clock.now());
			service.faults.create.push({ ...faults.resetAfterwards, delayMs: 2_000 });
			const submitting = failureOf(submit());
			await clock.pass(1_000);
			own.set = -5 * MINUTE;
			const error = await clock.run(submitting);
			expect(error.details.possibleTaskIds).toBe('task-1');
			expect(service.count('create')).toBe(1);
		},
	);
});

describe('where the user chose to submit again', () => {
	const lostSubmission = 'resubmit';

	test('a submission without a response is still looked for first', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		const job = await clock.run(attempt({ lostSubmission }, true, EXCLUSIVE)('a'));
		expect(job).toMatchObject({ taskId: 'task-1', adopted: true });
		expect(service.count('create')).toBe(1);
	});

	test('it is submitted again although a task may be it', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		const job = await clock.run(attempt({ lostSubmission })('a'));
		expect(job).toMatchObject({ taskId: 'task-2', adopted: false });
		expect(service.count('create')).toBe(2);
	});

	test.each<[string, number, Fault]>([
		['until the timeout', 20_000, faults.overloaded],
		['while the service is overloaded', 20 * MINUTE, faults.overloaded],
		['in vain', 20 * MINUTE, faults.unauthorised],
		['while the service is busy', 20 * MINUTE, faults.throttled('3600')],
	])('%s: the error does not say that nothing was created', async (_what, timeoutMs, fault) => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards, ...Array<Fault>(99).fill(fault));
		const deadline = clock.now() + timeoutMs;
		const error = await clock.run(failureOf(attempt({ lostSubmission, deadline })('a')));
		expect(service.tasks()).toHaveLength(1);
		expect(`${error.message} ${error.hint}`).not.toMatch(/none was created|[Nn]othing/);
		expect(error.hint).toContain('may be billed');
	});

	test('at most twice, and the error says how many tasks may be billed', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(...Array<Fault>(9).fill(faults.resetAfterwards));
		const error = await clock.run(failureOf(attempt({ lostSubmission })('a')));
		expect(service.count('create')).toBe(3);
		expect(error.message).toMatch(/^Outcome unknown: no usable response to 3 .* submissions/);
		expect(error.hint).toContain('Up to 3 tasks may have been created and may be billed');
		expect(error.hint).toContain('run the workflow again with this item only');
		expect(error.hint).not.toContain("choose 'Submit Again'");
		for (const id of ['task-1', 'task-2', 'task-3']) {
			expect(error.details.possibleTaskIds).toContain(id);
		}
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
		expect(store['0:a:0']).toMatchObject({ state: 'sent', since: START, model: MODEL });
		expect(store['0:a:0']).not.toHaveProperty('until', expect.anything());
	});

	test('does not end a call that goes on: a retry does not take it for done', async () => {
		const { clock, stop, service, store, attempt } = setup({ latency: () => 5_000 });
		// It reaches the service late.
		service.faults.create.push({ lateMs: 90_000 });
		clock.at(clock.now() + 1_000, () => stop.press());
		await expect(clock.run(attempt()('a'))).rejects.toThrow();
		await clock.pass(70_000);
		const retried = new Submitter(service.ports(), new Ledger(store, 0), {
			deadline: clock.now() + 30 * MINUTE,
			lostSubmission: 'lookUp',
		});
		const body = async () => await Promise.resolve(callOf('a'));
		const error = await clock.run(failureOf(retried.submit('0:a:0', MODEL, body)));
		expect(error.details.possibleTaskIds).toBe('task-1');
		expect(service.count('create')).toBe(1);
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

describe('a retry in an execution of its own', () => {
	const copy = (store: LedgerStore) => JSON.parse(JSON.stringify(store)) as LedgerStore;
	const denied: Fault = { status: 403, body: { code: 'AccessDenied', message: 'No' } };
	/** What "Retry execution" does: the same ledger, another execution. */
	const retrying = (
		{ clock, service }: Pick<ReturnType<typeof setup>, 'clock' | 'service'>,
		store: LedgerStore,
		viewer: Viewer,
	) => {
		const ports = service.ports(undefined, true, () => 0.5, viewer);
		const submitter = new Submitter(ports, new Ledger(copy(store), 0), {
			deadline: clock.now() + 30 * MINUTE,
			lostSubmission: 'lookUp',
		});
		const body = async () => await Promise.resolve(callOf('a'));
		return clock.run(submitter.submit('0:a:0', MODEL, body));
	};

	test('is no rival of the try whose loss it goes on with', async () => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		await clock.run(failureOf(attempt({}, true, { executionId: 'first' })('a')));
		await clock.pass(5 * MINUTE);
		await expect(
			retrying({ clock, service }, store, { executionId: 'second', exclusive: true }),
		).resolves.toMatchObject({ taskId: 'task-1', adopted: true });
		expect(service.count('create')).toBe(1);
	});

	test('but the same request of another execution is one', async () => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(faults.resetAfterwards);
		await clock.run(failureOf(attempt({}, true, { executionId: 'first' })('a')));
		const other = setup({});
		Object.assign(other.store, copy(store));
		const entry = other.store['0:a:0'];
		if (entry?.state === 'sent') other.store['0:a:0'] = { ...entry, id: 'another call' };
		await clock.pass(5 * MINUTE);
		const error = await failureOf(
			retrying({ clock, service }, other.store, { executionId: 'second', exclusive: true }),
		);
		expect(error.details.possibleTaskIds).toBe('task-1');
	});

	test('has the task that its request ID names, although another retry has it as well', async () => {
		const { clock, service, store, attempt } = setup();
		service.faults.create.push(faults.overloadedAfterwards);
		service.faults.list.push(...Array<Fault>(3).fill(denied));
		await clock.run(failureOf(attempt({}, true, { executionId: 'first' })('a')));
		for (const executionId of ['second', 'third']) {
			await clock.pass(5 * MINUTE);
			await expect(retrying({ clock, service }, store, { executionId })).resolves.toMatchObject({
				taskId: 'task-1',
			});
		}
		expect(service.count('create')).toBe(1);
	});
});

describe('what others do', () => {
	test('submissions of another model that get no answer hold nothing up', async () => {
		const { clock, service } = setup();
		const journal = new Journal(0);
		const of = (executionId: string) =>
			new Submitter(
				service.ports(undefined, true, () => 0.5, { account: new Account(journal), executionId }),
				new Ledger({}, 0),
				{ deadline: clock.now() + 60 * MINUTE, lostSubmission: 'lookUp' },
			);
		const hole: Fault = { socket: 'ETIMEDOUT', delayMs: 120_000 };
		service.break('create', 'hole', hole, 99);
		service.break('create', 'a', faults.overloaded, 1);
		const body = (prompt: string, model = MODEL) => {
			const { body: call } = callOf(prompt);
			return async () => await Promise.resolve({ body: { ...call, model } });
		};
		const other = of('other');
		const model = 'wan2.7-i2v';
		for (let index = 0; index < 20; index++) {
			clock.at(clock.now() + index * 20_000, () => {
				other.submit(`${index}`, model, body('hole', model)).catch(() => undefined);
			});
		}
		await clock.pass(1_500);
		const begun = clock.now();
		await expect(clock.run(of('own').submit('a', MODEL, body('a')))).resolves.toMatchObject({
			taskId: expect.any(String),
		});
		expect(clock.now() - begun).toBeLessThan(80_000);
	});

	test.each([100, 1_000, 2_000])(
		'items that were refused together do not come back together (%d ms one way)',
		async (ms) => {
			const { clock, service, attempt } = setup({ latency: () => ms });
			service.faults.create.push(...Array<Fault>(40).fill(faults.overloaded));
			const submit = attempt();
			const jobs = Array.from({ length: 40 }, async (_, index) => await submit(`item ${index}`));
			await clock.run(Promise.all(jobs));
			expect(service.tasks()).toHaveLength(40);
			expect(mostPerSecond(service.times('create'))).toBeLessThanOrEqual(6);
		},
	);

	test('many that look for their tasks share lists, and leave turns to the queries', async () => {
		const { clock, service, attempt } = setup();
		service.faults.create.push(...Array<Fault>(200).fill(faults.unavailable));
		const submit = attempt();
		const jobs = Array.from({ length: 200 }, async (_, index) => await submit(`item ${index}`));
		let longest = 0;
		let over = false;
		const asking = async () => {
			while (!over) {
				const since = clock.now();
				await service.account.requests.pass(service.ports());
				longest = Math.max(longest, clock.now() - since);
				await clock.wait(2_000);
			}
		};
		const done = Promise.allSettled(jobs).then(() => (over = true));
		await clock.run(Promise.all([done, asking()]));
		expect(longest).toBeLessThan(5_000);
	});
});

describe('tasks that cost nothing', () => {
	test.each(['FAILED', 'CANCELED'] as const)(
		'one that %s where a lost submission may have made it is no reason to give up',
		async (status) => {
			const { clock, service, attempt } = setup();
			service.plans = [
				status === 'FAILED'
					? { jobSeconds: 5, code: 'DataInspectionFailed' }
					: { jobSeconds: 5, cancelled: true },
			];
			service.faults.create.push(faults.resetAfterwards);
			await expect(clock.run(attempt()('a'))).resolves.toMatchObject({ taskId: 'task-2' });
			expect(clock.now() - START).toBeGreaterThan(MINUTE);
		},
	);
});

describe('a host that never answers', () => {
	test('is given up after some minutes, not after the whole timeout', async () => {
		const { clock, service, attempt } = setup();
		const hole: Fault = { socket: 'ETIMEDOUT', delayMs: 120_000 };
		service.faults.create.push(...Array<Fault>(99).fill(hole));
		service.faults.list.push(...Array<Fault>(999).fill({ socket: 'ETIMEDOUT', delayMs: 30_000 }));
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.message).toMatch(/^Outcome unknown/);
		expect(clock.now() - START).toBeLessThan(12 * MINUTE);
		expect(service.count('create')).toBe(1);
	});

	test('or says the same nonsense each time, is told in its own words', async () => {
		const { clock, service, attempt } = setup();
		const body = { code: 'InvalidParameter', message: 'Model not exist.', request_id: 'r' };
		service.faults.create.push(...Array<Fault>(99).fill({ status: 200, body }));
		const error = await clock.run(failureOf(attempt()('a')));
		expect(error.message).toContain('Model not exist.');
		expect(service.count('create')).toBeLessThan(10);
		expect(clock.now() - START).toBeLessThan(10 * MINUTE);
	});
});

describe('a task list that another execution reads', () => {
	test.each(['its turn', 'its answer'])('is waited for until Stop only: %s', async (what) => {
		const { clock, stop, service } = setup();
		const { account } = service;
		if (what === 'its turn') account.requests.throttled(clock.now(), clock.now(), 5_000);
		const read = async () => {
			await clock.wait(60_000);
			return [];
		};
		const ask = async (sleep: (ms: number) => Promise<void>) =>
			await account.lists.glance({ now: clock.now, sleep, random: () => 0.5 }, MODEL, 0, read);
		const other = ask(clock.wait.bind(clock));
		await clock.pass(100);
		const own = ask(stop.sleep);
		clock.at(clock.now() + 1_500, stop.press.bind(stop));
		await expect(clock.run(own)).rejects.toThrow(StoppedError);
		expect(clock.now() - START).toBe(1_600);
		await expect(clock.run(other)).resolves.toMatchObject({ rows: [] });
	});
});
