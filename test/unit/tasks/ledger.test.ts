import { Ledger } from '../../../nodes/shared/tasks/ledger';
import type { LedgerStore, SentEntry } from '../../../nodes/shared/tasks/ledger';

/** What n8n hands to the next try: the same, after a way through JSON. */
const saved = (store: LedgerStore) => JSON.parse(JSON.stringify(store)) as LedgerStore;

test('keys tell apart runs, requests and equal items', () => {
	const first = new Ledger({}, 0);
	const keys = [
		first.key('a', 0),
		first.key('a', 1),
		first.key('b', 0),
		new Ledger({}, 1).key('a', 0),
		new Ledger({}, 10).key('a', 0),
		new Ledger({}, 1).key('a', 10),
	];
	expect(new Set(keys).size).toBe(keys.length);
	expect(new Ledger({}, 0).key('a', 0)).toBe(first.key('a', 0));
});

test('a submission is known from the moment it is sent, also to the next try', () => {
	const store: LedgerStore = {};
	const ledger = new Ledger(store, 0);
	const key = ledger.key('a', 0);
	expect(ledger.find(key)).toBeUndefined();
	ledger.sending(key, { since: 1_000, model: 'm' });
	expect(new Ledger(saved(store), 0).find(key)).toEqual({
		state: 'sent',
		since: 1_000,
		model: 'm',
	});
	ledger.submitted(key, { taskId: 'task-1', submittedAt: 2_000 });
	expect(new Ledger(saved(store), 0).find(key)).toEqual({
		state: 'submitted',
		taskId: 'task-1',
		submittedAt: 2_000,
	});
});

test('a lost answer keeps the window in which the task may have been created', () => {
	const ledger = new Ledger({}, 0);
	ledger.sending('k', { since: 1_000, model: 'm' });
	ledger.lost('k', { until: 5_000 });
	expect(ledger.find('k')).toEqual({ state: 'sent', since: 1_000, model: 'm', until: 5_000 });
});

test('a loss of something that was never sent, or has its answer, changes nothing', () => {
	const ledger = new Ledger({}, 0);
	ledger.lost('k', { until: 5_000 });
	expect(ledger.find('k')).toBeUndefined();
	ledger.submitted('k', { taskId: 'task-1', submittedAt: 1_000 });
	ledger.lost('k', { until: 5_000 });
	expect(ledger.find('k')).toMatchObject({ state: 'submitted', taskId: 'task-1' });
});

test('an adopted task is marked, so that its prompt can be compared later', () => {
	const store: LedgerStore = {};
	new Ledger(store, 0).submitted('k', { taskId: 'task-1', submittedAt: 1_000, adopted: true });
	expect(new Ledger(saved(store), 0).find('k')).toMatchObject({ adopted: true });
});

test('what is forgotten can be submitted anew', () => {
	const ledger = new Ledger({}, 0);
	ledger.submitted('k', { taskId: 'task-1', submittedAt: 1_000 });
	ledger.forget('k');
	expect(ledger.find('k')).toBeUndefined();
});

test('tasks of all runs and requests are claimed', () => {
	const store: LedgerStore = {};
	new Ledger(store, 0).submitted('k', { taskId: 'task-1', submittedAt: 1_000 });
	const other = new Ledger(store, 1);
	other.sending('l', { since: 1_000, model: 'm' });
	expect(other.claims('task-1')).toBe(true);
	expect(other.claims('task-2')).toBe(false);
});

test('a task that ended badly makes way for a new one and stays claimed', () => {
	const store: LedgerStore = {};
	const ledger = new Ledger(store, 0);
	const key = ledger.key('a', 0);
	for (const taskId of ['task-1', 'task-2']) {
		ledger.submitted(key, { taskId, submittedAt: 1_000 });
		ledger.ended(key);
	}
	expect(ledger.find(key)).toBeUndefined();
	const next = new Ledger(saved(store), 1);
	expect([next.claims('task-1'), next.claims('task-2')]).toEqual([true, true]);
	expect(next.unanswered()).toEqual([]);
});

test('others without an answer are known by their windows, also those that were given up', () => {
	const store: LedgerStore = {};
	const ledger = new Ledger(store, 0);
	ledger.sending('mine', { since: 1_000, model: 'm' });
	ledger.sending('open', { since: 2_000, model: 'm' });
	ledger.sending('lost', { since: 3_000, model: 'm' });
	ledger.lost('lost', { until: 4_000 });
	ledger.sending('abandoned', { since: 5_000, model: 'm' });
	ledger.lost('abandoned', { until: 6_000 });
	ledger.abandon('abandoned', false);
	ledger.submitted('answered', { taskId: 'task-1', submittedAt: 7_000 });
	expect(ledger.find('abandoned')).toBeUndefined();
	const next = new Ledger(saved(store), 1);
	expect(next.unanswered()).toEqual([
		{ key: 'mine', entry: { state: 'sent', model: 'm', since: 1_000 } },
		{ key: 'open', entry: { state: 'sent', model: 'm', since: 2_000 } },
		{ key: 'lost', entry: { state: 'sent', model: 'm', since: 3_000, until: 4_000 } },
		{
			key: 'abandoned',
			entry: { state: 'sent', model: 'm', since: 5_000, until: 6_000, absent: false },
		},
	]);
	expect(next.abandoned('abandoned')).toEqual([
		{ state: 'sent', model: 'm', since: 5_000, until: 6_000, absent: false },
	]);
	expect(next.abandoned('lost')).toEqual([]);
});

test('a second task of a request is claimed, and does not stand for it', () => {
	const store: LedgerStore = {};
	const ledger = new Ledger(store, 0);
	const second = { taskId: 'task-2', submittedAt: 1_000, requestId: 'r-2', cancelled: true };
	ledger.submitted('k', { taskId: 'task-1', submittedAt: 500, requestId: 'r-1' });
	ledger.duplicate(second);
	expect(ledger.claims('task-2')).toBe(true);
	const next = new Ledger(saved(store), 0);
	const lost = ['r-1', 'r-2', undefined].map((requestId): SentEntry => {
		return { state: 'sent', since: 0, requestId };
	});
	expect(next.secondTasks(lost)).toEqual([{ state: 'submitted', ...second }]);
	expect(next.secondTasks(lost.slice(0, 1))).toEqual([]);
});

test('what is given up or has ended, but was never there, leaves nothing behind', () => {
	const store: LedgerStore = {};
	const ledger = new Ledger(store, 0);
	ledger.abandon('k', true);
	ledger.ended('k');
	expect(store).toEqual({});
});
