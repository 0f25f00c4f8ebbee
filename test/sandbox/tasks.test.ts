import fc from 'fast-check';

import { TaskStore, type Task } from '../../sandbox/tasks';

function setUp(slots = 5) {
	const clock = { now: 1_000_000 };
	const store = new TaskStore(() => clock.now, slots);
	let count = 0;
	const add = (more: Partial<Task> = {}) =>
		store.create({
			id: `task-${++count}`,
			requestId: `request-${count}`,
			model: 'm',
			prompt: '',
			body: {},
			jobSeconds: 10,
			work: { status: 'SUCCEEDED', result: { usage } },
			...more,
		}).id;
	const status = (id: string) => store.get(id)?.status;
	return { clock, store, add, status };
}

const usage = {
	duration: 6,
	input_video_duration: 3,
	output_video_duration: 3,
	video_count: 1,
	SR: 720,
};

const HOUR = 3_600_000;

describe('the task store on a virtual clock', () => {
	it('answers a submission with PENDING, runs and ends', () => {
		const { clock, store, add, status } = setUp();
		const created = store.create({
			id: 'a',
			requestId: 'r',
			model: 'm',
			prompt: '',
			body: {},
			jobSeconds: 10,
		});
		expect(created.status).toBe('PENDING');
		const id = add();
		expect(status(id)).toBe('RUNNING');
		clock.now += 9_999;
		expect(status(id)).toBe('RUNNING');
		clock.now += 1;
		expect(store.get(id)).toMatchObject({
			status: 'SUCCEEDED',
			submittedAt: 1_000_000,
			scheduledAt: 1_000_000,
			endedAt: 1_010_000,
		});
	});

	it('does not end before its work is done', () => {
		const { clock, store, add, status } = setUp();
		const id = add({ work: undefined });
		clock.now += 60_000;
		expect(status(id)).toBe('RUNNING');
		store.settle(id, { status: 'FAILED', code: 'InternalError', message: 'x' });
		expect(store.get(id)).toMatchObject({ status: 'FAILED', endedAt: clock.now });
	});

	it('runs 20 tasks on 5 slots in four rounds, seen at the end only', () => {
		const { clock, store, add } = setUp();
		const ids = Array.from({ length: 20 }, () => add());
		clock.now += HOUR;
		const rounds = ids.map((id) => ((store.get(id)?.scheduledAt ?? 0) - 1_000_000) / 10_000);
		expect(rounds).toEqual(ids.map((_, index) => Math.floor(index / 5)));
		expect(store.all().every(({ status }) => status === 'SUCCEEDED')).toBe(true);
	});

	it('cancels only what waits', () => {
		const { clock, store, add, status } = setUp(1);
		const [running, waiting, next] = [add(), add(), add()];
		expect(store.cancel(running)).toBe(false);
		expect(store.cancel(waiting)).toBe(true);
		expect(store.cancel(waiting)).toBe(false);
		expect(store.cancel('nobody')).toBe(false);
		expect(status(waiting)).toBe('CANCELED');
		clock.now += 10_000;
		expect(status(next)).toBe('RUNNING');
		expect(store.get(next)?.scheduledAt).toBe(1_010_000);
		clock.now += 10_000;
		expect(store.cancel(next)).toBe(false);
	});

	it('holds everything back with no slots and lets it go at once with some', () => {
		const { clock, store, add, status } = setUp(0);
		const id = add();
		clock.now += HOUR;
		expect(status(id)).toBe('PENDING');
		store.setSlots(1);
		expect(store.get(id)).toMatchObject({ status: 'RUNNING', scheduledAt: clock.now });
	});

	it('counts the slots of each model on their own', () => {
		const clock = { now: 0 };
		const store = new TaskStore(
			() => clock.now,
			(model) => (model === 'vace' ? 2 : 1),
		);
		const add = (id: string, model: string) =>
			store.create({ id, requestId: '', model, prompt: '', body: {}, jobSeconds: 10 });
		for (const id of ['v1', 'v2', 'v3']) add(id, 'vace');
		for (const id of ['a1', 'a2']) add(id, 'animate');
		const running = () =>
			store
				.all()
				.filter(({ status }) => status === 'RUNNING')
				.map(({ id }) => id);
		expect(running()).toEqual(['v1', 'v2', 'a1']);
		store.settle('a1', { status: 'SUCCEEDED', result: { usage } });
		clock.now += 10_000;
		expect(running()).toEqual(['v1', 'v2', 'a2']);
		store.setSlots(3);
		expect(running()).toEqual(['v1', 'v2', 'v3', 'a2']);
	});

	it('forgets tasks after 24 hours, for queries and lists alike', () => {
		const { clock, store, add } = setUp();
		const id = add();
		clock.now += 24 * HOUR;
		expect(store.get(id)?.status).toBe('SUCCEEDED');
		clock.now += 1;
		expect(store.get(id)).toBeUndefined();
		expect(store.list()).toEqual([]);
		expect(store.all()).toHaveLength(1);
	});

	it('keeps its rules whatever happens in whatever order', () => {
		const step = fc.oneof(
			fc.record({ kind: fc.constant('create' as const), seconds: fc.integer({ min: 0, max: 30 }) }),
			fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
			fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat() }),
			fc.record({ kind: fc.constant('settle' as const), pick: fc.nat() }),
			fc.record({ kind: fc.constant('look' as const) }),
		);
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 4 }),
				fc.array(step, { maxLength: 60 }),
				(slots, steps) => {
					const { clock, store, add } = setUp(slots);
					const ids: string[] = [];
					for (const action of steps) {
						const picked =
							'pick' in action ? ids[action.pick % Math.max(1, ids.length)] : undefined;
						if (action.kind === 'create') {
							ids.push(add({ jobSeconds: action.seconds, work: undefined }));
						} else if (action.kind === 'wait') clock.now += action.ms;
						else if (action.kind === 'look') store.all();
						else if (picked !== undefined && action.kind === 'cancel') {
							const before = store.get(picked)?.status;
							expect(store.cancel(picked)).toBe(before === 'PENDING');
						} else if (picked !== undefined) {
							store.settle(picked, { status: 'SUCCEEDED', result: { usage } });
						}
					}
					for (const id of ids) store.settle(id, { status: 'SUCCEEDED', result: { usage } });
					clock.now += HOUR;
					for (const id of ids) store.settle(id, { status: 'SUCCEEDED', result: { usage } });
					clock.now += HOUR;
					const tasks = store.all();
					expect(tasks.every(({ endedAt }) => endedAt !== undefined)).toBe(true);
					const ran = tasks.filter(({ scheduledAt }) => scheduledAt !== undefined);
					for (const task of ran) {
						const [start, end] = [task.scheduledAt ?? 0, task.endedAt ?? 0];
						expect(end - start).toBeGreaterThanOrEqual(task.jobSeconds * 1000);
						expect(start).toBeGreaterThanOrEqual(task.submittedAt);
						// Never more at once than there are slots.
						const together = ran.filter(
							(other) => (other.scheduledAt ?? 0) <= start && (other.endedAt ?? 0) > start,
						);
						expect(together.length).toBeLessThanOrEqual(slots);
					}
					// First come, first served.
					const starts = ran.map(({ scheduledAt }) => scheduledAt ?? 0);
					expect(starts).toEqual([...starts].sort((a, b) => a - b));
				},
			),
			{ numRuns: 300 },
		);
	});
});
