import { pollSuspended, lastDeadline, tasksUnderWay } from '../../../nodes/shared/tasks/suspended';
import type { PollSettings, LoopMemory } from '../../../nodes/shared/tasks/suspended';
import { StoppedError } from '../../../nodes/shared/tasks/errors';
import { Ledger } from '../../../nodes/shared/tasks/ledger';
import type { LedgerStore } from '../../../nodes/shared/tasks/ledger';
import type { OpenTask, Settled } from '../../../nodes/shared/tasks/outcome';
import { MODEL, VIDEO_URL } from '../requests';
import { START, StopButton, VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';
import type { Fault, Plan, ServiceOptions } from '../virtualService';

const MINUTE = 60_000;

/** As a retry of the wait takes them up. */
function forbidResubmission(edits: OpenTask[]): void {
	for (const edit of edits) edit.again = undefined;
}

/** A suspended execution whose tasks are submitted, with the memory that its looks share. */
function suspended(
	plans: Plan[],
	{
		times = 0,
		retries = 0,
		lostSubmission = 'lookUp',
		failsTry = (failed) => failed.includes(true),
		exclusive = false,
		...options
	}: ServiceOptions & Partial<PollSettings> & { times?: number; exclusive?: boolean } = {},
) {
	const clock = new VirtualClock();
	const stop = new StopButton(clock);
	const service = new VirtualService(clock, { latency: () => 50, ...options });
	const edits = plans.map((plan, index): OpenTask => {
		const prompt = `prompt ${index}`;
		const taskId = service.addTask(prompt, plan);
		const media = [{ type: 'video' as const, url: VIDEO_URL }];
		const body = {
			model: MODEL,
			input: { prompt, media },
			parameters: { resolution: '720P' as const },
		};
		return {
			state: 'open',
			job: { taskId, submittedAt: START, known: false, adopted: false },
			model: MODEL,
			prompt,
			download: true,
			since: START,
			timeoutMs: 60 * MINUTE,
			again: times + retries === 0 ? undefined : { body, times },
		};
	});
	service.plans = [{ jobSeconds: 30 }];
	let saved: { store: LedgerStore; tries: number[] } = { store: {}, tries: [] };
	const remembered = (): LoopMemory => {
		saved = JSON.parse(JSON.stringify(saved)) as typeof saved;
		return { ledger: new Ledger(saved.store, 0), uploads: {}, tries: saved.tries };
	};
	const settings = { transfers: 2, retries, lostSubmission, failsTry };
	const lookOnce = async (aborts = true) =>
		await clock.run(
			pollSuspended(
				edits,
				service.ports(stop, aborts, () => 0.5, { exclusive }),
				remembered(),
				settings,
			),
		);
	const look = async (aborts = true): Promise<Array<Settled<string>> | undefined> => {
		const settled = await lookOnce(aborts);
		return settled === 'later' ? undefined : settled;
	};
	/** So many looks, a minute apart, none of which brings anything. */
	const goesOnFor = async (looks: number) => {
		for (let count = 0; count < looks; count++) {
			await clock.pass(MINUTE);
			await expect(look()).resolves.toBeUndefined();
		}
	};
	const underWay = () => tasksUnderWay(edits, remembered()).map(({ taskId }) => taskId);
	const minutesLeft = () => (lastDeadline(edits, remembered()) - clock.now()) / MINUTE;
	return { clock, stop, service, edits, lookOnce, look, goesOnFor, underWay, minutesLeft };
}

const videos = (outcomes: Array<Settled<string>> | undefined) =>
	outcomes?.map((outcome) =>
		outcome.state === 'finished' ? outcome.video : outcome.error.message,
	);

const algo: Plan = { jobSeconds: 30, code: 'InternalError.Algo' };

describe('a look at the tasks of a suspended execution', () => {
	test('takes one query each and brings nothing while one is under way', async () => {
		const { clock, service, look } = suspended([{ jobSeconds: 30 }, { jobSeconds: 300 }]);
		await clock.pass(MINUTE);
		const started = clock.now();
		await expect(look()).resolves.toBeUndefined();
		expect(service.count('query')).toBe(2);
		expect(service.count('download')).toBe(0);
		expect(clock.now() - started).toBeLessThan(1_000);
	});

	test('brings everything when all have ended', async () => {
		const { clock, look } = suspended([
			{ jobSeconds: 30 },
			{ jobSeconds: 20, code: 'DataInspectionFailed' },
			{ jobSeconds: 50 },
		]);
		await clock.pass(MINUTE);
		const outcomes = await look();
		expect(videos(outcomes)).toEqual([
			'video of task-1',
			expect.stringContaining('Task task-2 failed'),
			'video of task-3',
		]);
	});

	test('does not fetch the file where only the link is wanted', async () => {
		const { clock, service, edits, look } = suspended([{ jobSeconds: 30 }]);
		for (const edit of edits) edit.download = false;
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([undefined]);
		expect(service.count('download')).toBe(0);
	});

	test.each<[string, Fault]>([
		['HTTP 503', faults.unavailable],
		['half an answer', faults.halfJson],
		['a task that nobody knows', { taskStatus: 'UNKNOWN' }],
		['a refusal', faults.unauthorised],
	])('asks again within the look after %s', async (_name, fault) => {
		const { clock, service, look } = suspended([{ jobSeconds: 30 }]);
		service.faults.query.push(fault);
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual(['video of task-1']);
		expect(service.count('query')).toBe(2);
	});

	test('leaves a service that does not answer to the next look', async () => {
		const { clock, service, look } = suspended([{ jobSeconds: 30 }]);
		service.faults.query.push(...Array<Fault>(3).fill(faults.unavailable));
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		expect(videos(await look())).toEqual(['video of task-1']);
	});

	test('does not sit out a long pause that the service asks for', async () => {
		const { clock, service, look } = suspended([{ jobSeconds: 30 }]);
		service.faults.query.push(faults.throttled('60'));
		await clock.pass(MINUTE);
		const started = clock.now();
		await expect(look()).resolves.toBeUndefined();
		expect(clock.now() - started).toBeLessThan(1_000);
		expect(videos(await look())).toEqual(['video of task-1']);
	});

	test('ends a task that has gone beyond its timeout, as when held', async () => {
		const { clock, edits, look } = suspended([{ jobSeconds: 30 }, { jobSeconds: 9_000 }]);
		for (const edit of edits) edit.timeoutMs = 5 * MINUTE;
		await clock.pass(4 * MINUTE);
		await expect(look()).resolves.toBeUndefined();
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([
			'video of task-1',
			expect.stringMatching(/^Task task-2 was still RUNNING after 30[01] seconds/),
		]);
	});

	test('keeps a task whose video cannot be fetched', async () => {
		const { clock, service, look } = suspended([{ jobSeconds: 30 }]);
		service.faults.download.push(...Array<Fault>(3).fill(faults.reset));
		await clock.pass(MINUTE);
		const [outcome] = (await look()) ?? [];
		if (outcome?.state !== 'failed') throw new Error('It did not fail');
		expect(outcome.error.details).toMatchObject({
			taskId: 'task-1',
			videoUrl: expect.stringContaining('task-1'),
		});
	});
});

describe('a task that failed while suspended', () => {
	test('is submitted anew as often as the user chose, and not more', async () => {
		const { clock, service, look, goesOnFor } = suspended([algo], { times: 2 });
		service.plans = [algo];
		await goesOnFor(2);
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([expect.stringContaining('Task task-3 failed')]);
		expect(service.tasks()).toHaveLength(3);
	});

	test('is not submitted anew while the others are waited for', async () => {
		const { clock, service, look, goesOnFor } = suspended([algo, { jobSeconds: 250 }], {
			times: 1,
		});
		await goesOnFor(4);
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual(['video of task-3', 'video of task-2']);
		expect(service.tasks()).toHaveLength(3);
	});

	test('is not asked for any more once another took its place', async () => {
		const { clock, service, look, underWay } = suspended([algo], { times: 1 });
		expect(underWay()).toEqual(['task-1']);
		await clock.pass(MINUTE);
		await look();
		expect(underWay()).toEqual(['task-2']);
		await clock.pass(MINUTE);
		service.break('query', 'task-1', { taskStatus: 'UNKNOWN' }, 9);
		expect(videos(await look())).toEqual(['video of task-2']);
	});

	test('for another reason is not submitted anew', async () => {
		const plan = { jobSeconds: 30, code: 'DataInspectionFailed' };
		const { clock, service, look } = suspended([plan], { times: 3 });
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([expect.stringContaining('DataInspectionFailed')]);
		expect(service.tasks()).toHaveLength(1);
	});

	test('whose new submission gets no answer is not submitted blindly', async () => {
		const { clock, service, goesOnFor, look } = suspended([algo], { times: 2 });
		service.faults.create.push(faults.reset);
		await goesOnFor(1);
		expect(service.count('create')).toBe(1);
		// A minute later the list has shown none.
		await goesOnFor(1);
		expect(service.count('create')).toBe(2);
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual(['video of task-2']);
	});

	test('whose new submission meets an overloaded service is not repeated before its task would be listed', async () => {
		const { clock, service, look } = suspended([algo], {
			times: 1,
			// The list is fresh, but for this one.
			listLagOf: (number) => (number === 2 ? 45_000 : 0),
		});
		service.plans = [algo, { jobSeconds: 5 }];
		service.faults.create.push(faults.overloadedAfterwards);
		await clock.pass(MINUTE);
		clock.at(clock.now() + 500, () => {
			const other = service.addTask('of another execution', { jobSeconds: 60 });
			service.account.knows(other, { model: MODEL, sentAt: clock.now() }, clock.now());
		});
		await expect(look()).resolves.toBeUndefined();
		// It may be woken at any time.
		await clock.pass(10_000);
		await expect(look()).resolves.toBeUndefined();
		expect(service.count('create')).toBe(1);
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		expect(videos(await look())).toEqual(['video of task-2']);
		expect(service.count('create')).toBe(1);
	});

	test('whose new submission gets no answer fails where that stays unclear', async () => {
		const { clock, service, goesOnFor, look } = suspended([algo], { times: 2 });
		service.faults.create.push(faults.resetAfterwards);
		await goesOnFor(1);
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([expect.stringMatching(/^Outcome unknown/)]);
		expect(service.count('create')).toBe(1);
	});

	test('whose new submission got no answer is not called unpaid where nothing may be submitted any more', async () => {
		const { clock, service, edits, look, goesOnFor } = suspended([algo], { times: 1 });
		service.faults.create.push(faults.resetAfterwards);
		await goesOnFor(1);
		forbidResubmission(edits);
		await clock.pass(MINUTE);
		const [outcome] = (await look()) ?? [];
		expect(outcome).toMatchObject({
			state: 'failed',
			error: { details: { possibleTaskIds: 'task-2' } },
		});
		expect(service.count('create')).toBe(1);
	});

	test('whose new submission made nothing is named where nothing may be submitted any more', async () => {
		const { clock, service, edits, look, goesOnFor } = suspended([algo], { times: 1 });
		service.faults.create.push(faults.reset);
		await goesOnFor(1);
		forbidResubmission(edits);
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([expect.stringContaining('Task task-1 failed')]);
		expect(service.count('create')).toBe(1);
	});

	test('whose new submission gets no answer is submitted again where the user chose so', async () => {
		const { clock, service, look } = suspended([algo], {
			times: 1,
			lostSubmission: 'resubmit' as const,
		});
		service.faults.create.push(faults.resetAfterwards);
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual(['video of task-3']);
		expect(service.count('create')).toBe(2);
	});

	test('whose new submission gets no answer is found where nobody else submits tasks', async () => {
		const { clock, service, look } = suspended([algo], { times: 1, exclusive: true });
		service.faults.create.push(faults.resetAfterwards);
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual(['video of task-2']);
	});

	test.each<[string, Fault, unknown]>([
		['made nothing', faults.overloaded, ['video of task-2']],
		['made a task', faults.overloadedAfterwards, ['video of task-2']],
		['broke and made nothing', faults.reset, ['video of task-2']],
	])(
		'whose new submission %s is not given up because nobody could look for minutes',
		async (_name, fault, expected) => {
			const { clock, service, look } = suspended([algo], { times: 1 });
			service.plans = [algo, { jobSeconds: 5 }];
			service.faults.create.push(fault);
			// Nor at once; then n8n is down; and then the list cannot be read.
			service.faults.list.push(...Array<Fault>(4).fill(faults.unavailable));
			await clock.pass(MINUTE);
			await expect(look()).resolves.toBeUndefined();
			await clock.pass(3 * MINUTE);
			await expect(look()).resolves.toBeUndefined();
			for (let looks = 0; looks < 3; looks++) {
				await clock.pass(MINUTE);
				const settled = await look();
				if (settled !== undefined) return expect(videos(settled)).toEqual(expected);
			}
			throw new Error('It is not over');
		},
	);

	test('whose new submissions wait for an overloaded service says that nothing is under way', async () => {
		const { clock, service, lookOnce } = suspended([algo, { jobSeconds: 150 }], { times: 1 });
		service.faults.create.push(...Array<Fault>(99).fill(faults.overloaded));
		await clock.pass(MINUTE);
		await expect(lookOnce()).resolves.toBeUndefined();
		await clock.pass(2 * MINUTE);
		// The other one has ended.
		await expect(lookOnce()).resolves.toBe('later');
	});

	test('that was given up is waited for when its own task turns up', async () => {
		const { clock, service, look } = suspended([algo], {
			times: 1,
			listLagOf: (number) => (number === 2 ? 68_000 : 0),
		});
		service.plans = [algo, { jobSeconds: 200 }];
		service.faults.create.push(faults.overloadedAfterwards);
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		await clock.pass(62_500);
		// The list shows none by now, and the next submission is refused for good.
		service.faults.create.push({ ...faults.unauthorised, delayMs: 5_000 });
		let settled = await look();
		for (let looks = 0; looks < 6 && settled === undefined; looks++) {
			await clock.pass(MINUTE);
			settled = await look();
		}
		expect(videos(settled)).toEqual(['video of task-2']);
		expect(service.tasksOf('prompt 0').map(({ status }) => status)).toEqual([
			'FAILED',
			'SUCCEEDED',
		]);
	});

	test.each<[string, Fault]>([
		['is throttled', faults.throttled()],
		['does not reach the service', faults.refused],
	])('whose new submission %s is submitted at the next look', async (_name, fault) => {
		const { clock, service, look, underWay } = suspended([algo], { times: 1 });
		service.faults.create.push(fault);
		await clock.pass(MINUTE);
		const started = clock.now();
		await expect(look()).resolves.toBeUndefined();
		expect(clock.now() - started).toBeLessThan(1_000);
		expect(underWay()).toEqual(['task-1']);
		await expect(look()).resolves.toBeUndefined();
		expect(underWay()).toEqual(['task-2']);
		expect(service.tasks()).toHaveLength(2);
	});

	test('is submitted anew only until the end of its timeout', async () => {
		const { clock, service, edits, look } = suspended([algo], { times: 1 });
		for (const edit of edits) edit.timeoutMs = 5 * MINUTE;
		service.faults.create.push(...Array<Fault>(2).fill(faults.throttled()));
		await clock.pass(4 * MINUTE);
		await expect(look()).resolves.toBeUndefined();
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([expect.stringMatching(/rate limit/)]);
	});

	test('after its timeout is not submitted anew while the others are waited for', async () => {
		const late: Plan = { ...algo, jobSeconds: 100 };
		const { clock, service, edits, look, goesOnFor } = suspended([late, { jobSeconds: 290 }], {
			times: 3,
		});
		for (const [index, edit] of edits.entries()) edit.timeoutMs = index === 0 ? MINUTE : 9 * MINUTE;
		await goesOnFor(4);
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([
			expect.stringContaining('Task task-1 failed'),
			'video of task-2',
		]);
		expect(service.count('create')).toBe(0);
	});

	test('gives its successor the whole timeout', async () => {
		const { clock, look, minutesLeft } = suspended([algo], { times: 1 });
		expect(minutesLeft()).toBe(60);
		await clock.pass(30 * MINUTE);
		await look();
		expect(minutesLeft()).toBeCloseTo(60, 1);
	});
});

describe('a node with Retry On Fail', () => {
	const refused: Plan = { jobSeconds: 30, code: 'InvalidParameter' };
	const ok: Plan = { jobSeconds: 30 };

	test('submits what failed anew, and nothing else, as soon as all have ended', async () => {
		const { clock, service, look, underWay } = suspended([refused, ok, { jobSeconds: 100 }], {
			retries: 2,
		});
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		expect(service.count('create')).toBe(0);
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		expect(underWay()).toEqual(['task-4', 'task-2', 'task-3']);
		// What the next try fetches as well is not fetched by this one.
		expect(service.count('download')).toBe(0);
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual(['video of task-4', 'video of task-2', 'video of task-3']);
		expect(service.tasks()).toHaveLength(4);
	});

	test.each<[string, Plan]>([
		['failed', refused],
		['failed in a way that asks for a new task', algo],
		['was canceled', { jobSeconds: 30, cancelled: true }],
	])('submits a task that %s once in each try that is left', async (_name, plan) => {
		const { clock, service, look, goesOnFor } = suspended([plan, ok], { retries: 2 });
		service.plans = [plan];
		await goesOnFor(2);
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([
			expect.stringMatching(/^Task task-4 (failed|was canceled)/),
			'video of task-2',
		]);
		expect(service.tasks()).toHaveLength(4);
	});

	test('makes the resubmissions that the user allowed in each try', async () => {
		const { clock, service, look, goesOnFor } = suspended([algo], { retries: 1, times: 1 });
		service.plans = [algo];
		await goesOnFor(3);
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([expect.stringContaining('Task task-4 failed')]);
		expect(service.tasks()).toHaveLength(4);
	});

	test('waits once more for a task beyond its timeout, and submits nothing', async () => {
		const { clock, service, edits, look, minutesLeft } = suspended([{ jobSeconds: 500 }], {
			retries: 1,
		});
		for (const edit of edits) edit.timeoutMs = 5 * MINUTE;
		await clock.pass(5 * MINUTE);
		await expect(look()).resolves.toBeUndefined();
		expect(minutesLeft()).toBeCloseTo(5, 1);
		await clock.pass(5 * MINUTE);
		expect(videos(await look())).toEqual(['video of task-1']);
		expect(service.count('create')).toBe(0);
	});

	test('fetches a video again that could not be fetched', async () => {
		const { clock, service, look } = suspended([ok], { retries: 1 });
		service.faults.download.push(...Array<Fault>(3).fill(faults.reset));
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual(['video of task-1']);
		expect(service.count('create')).toBe(0);
	});

	test('does not submit blindly what may have been submitted', async () => {
		const { clock, service, look } = suspended([refused], { retries: 3 });
		service.faults.create.push(faults.resetAfterwards);
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([expect.stringMatching(/^Outcome unknown/)]);
		expect(service.count('create')).toBe(1);
	});

	test('asks its rule which failures start a try', async () => {
		const asked: boolean[][] = [];
		const failsTry = (failed: boolean[]) => {
			asked.push(failed);
			return failed[0] === true;
		};
		const { clock, service, look } = suspended([ok, refused], { retries: 2, failsTry });
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual([
			'video of task-1',
			expect.stringContaining('Task task-2 failed'),
		]);
		expect(asked).toContainEqual([false, true]);
		expect(service.count('create')).toBe(0);
	});

	test('submits a task of an earlier try anew that failed, as when held', async () => {
		const { clock, service, edits, look } = suspended([refused], { times: 1 });
		for (const edit of edits) edit.job.known = true;
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		await clock.pass(MINUTE);
		expect(videos(await look())).toEqual(['video of task-2']);
		expect(service.tasks()).toHaveLength(2);
	});

	test('does not start another try after Stop', async () => {
		const { clock, stop, service, look } = suspended([refused], { retries: 2 });
		service.faults.query.push({ delayMs: 10_000 });
		await clock.pass(MINUTE);
		clock.at(clock.now() + 5_000, () => stop.press());
		await expect(look(false)).rejects.toThrow(StoppedError);
		expect(service.count('create')).toBe(0);
	});
});

test('a task that was adopted under another request ID tells nothing about those of the account', async () => {
	const { service, edits, look } = suspended([{ jobSeconds: 300 }]);
	const { account, ...ports } = service.ports();
	account.own.listsRequestIds = true;
	const [edit] = edits;
	if (edit !== undefined) {
		edits[0] = { ...edit, job: { ...edit.job, requestId: 'of the lost call', adopted: true } };
	}
	await look();
	const query = { model: MODEL, from: START - MINUTE, to: START + MINUTE };
	const read = async () => await ports.listTasks(query);
	await service.clock.run(account.lists.list(ports, MODEL, START - MINUTE, read));
	expect(account.own.listsRequestIds).toBe(true);
});

describe('Stop during a look', () => {
	test('cancels what waits, also where the look was cut short', async () => {
		const plans = Array<Plan>(7).fill({ jobSeconds: 600 });
		const { clock, stop, service, look } = suspended(plans);
		service.faults.query.push(...Array<Fault>(7).fill({ delayMs: 20_000 }));
		await clock.pass(MINUTE);
		clock.at(clock.now() + 5_000, () => stop.press());
		await expect(look()).rejects.toThrow(StoppedError);
		expect(clock.now() - START).toBeLessThanOrEqual(MINUTE + 6_000);
		expect(service.tasks().map(({ status }) => status)).toEqual([
			...Array(5).fill('RUNNING'),
			...Array(2).fill('CANCELED'),
		]);
	});

	test('names tasks that have succeeded, although their videos are not handed on', async () => {
		const { clock, stop, service, look } = suspended([{ jobSeconds: 30 }, { jobSeconds: 30 }]);
		service.faults.download.push(undefined, { delayMs: 20_000 });
		await clock.pass(MINUTE);
		clock.at(clock.now() + 5_000, () => stop.press());
		await expect(look()).rejects.toThrow(StoppedError);
		const log = service.log.join('\n');
		expect(log).toContain('task-1 was SUCCEEDED');
		expect(log).toContain('task-2 was SUCCEEDED');
	});

	test('names a new submission whose answer was lost, and no task that has ended', async () => {
		const { clock, stop, service, look } = suspended([algo], { times: 1 });
		service.faults.create.push(faults.resetAfterwards);
		await clock.pass(MINUTE);
		clock.at(clock.now() + 600, () => stop.press());
		await expect(look()).rejects.toThrow(StoppedError);
		const log = service.log.join('\n');
		expect(log).toMatch(/submission sent at \S+ got no response before Stop/);
		expect(log).not.toContain('task-1 keeps running');
	});

	test('lets no submission follow', async () => {
		const { clock, stop, service, look } = suspended([algo], { times: 3 });
		service.faults.query.push({ delayMs: 10_000 });
		await clock.pass(MINUTE);
		clock.at(clock.now() + 5_000, () => stop.press());
		await expect(look(false)).rejects.toThrow(StoppedError);
		expect(service.count('create')).toBe(0);
	});
});

describe('a look at many tasks', () => {
	const MANY = 20;
	const plans = (jobSeconds: number) => Array.from({ length: MANY }, () => ({ jobSeconds }));

	/** What a list shows that knows of no end. */
	const standsStill = (): Fault => ({
		status: 200,
		body: {
			request_id: 'r-list',
			total: MANY,
			total_page: 1,
			data: Array.from({ length: MANY }, (_, index) => ({
				task_id: `task-${index + 1}`,
				status: 'RUNNING',
				model_name: MODEL,
				gmt_create: START,
			})),
		},
	});

	test('takes one list, and one query that shows whether lists lag', async () => {
		const { service, goesOnFor } = suspended(plans(1000), { slots: MANY });
		await goesOnFor(3);
		expect(service.count('list')).toBe(3);
		expect(service.count('query')).toBe(3);
	});

	test('queries what a list shows as ended, or does not show', async () => {
		const { clock, service, look } = suspended(plans(30), { slots: MANY, listLagMs: 10 * MINUTE });
		await clock.pass(MINUTE);
		expect(videos(await look())).toHaveLength(MANY);
		expect(service.count('query')).toBe(MANY);
	});

	test('does not believe lists that have once shown a task as running that had ended', async () => {
		const { clock, service, look } = suspended(plans(30), { slots: MANY });
		service.faults.list.push(...Array.from({ length: 9 }, standsStill));
		await clock.pass(MINUTE);
		await expect(look()).resolves.toBeUndefined();
		await clock.pass(MINUTE);
		expect(videos(await look())).toHaveLength(MANY);
		expect(service.count('list')).toBe(1);
	});

	test('queries all whose time is over', async () => {
		const { clock, service, look } = suspended(plans(10_000), { slots: MANY });
		await clock.pass(61 * MINUTE);
		const settled = await look();
		expect(settled?.map(({ state }) => state)).toEqual(plans(0).map(() => 'failed'));
		expect(service.count('query')).toBe(MANY);
	});
});
