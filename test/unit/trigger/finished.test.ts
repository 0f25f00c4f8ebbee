import {
	dueTasks,
	finished,
	latest,
	readState,
	settled,
	windowOf,
} from '../../../nodes/WanVideoEditTrigger/finished';
import type { Reading, TriggerState } from '../../../nodes/WanVideoEditTrigger/finished';
import type { ListedTask } from '../../../nodes/shared/dashscope/types';
import saved from './state-1.json';

const NOW = Date.parse('2026-11-02T09:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const source = { credential: 'c1' };
const all = () => true;

/** A row of the list. @param created and ended in minutes after NOW */
const row = (
	taskId: string,
	status: ListedTask['status'],
	created: number,
	ended?: number,
): ListedTask => ({
	taskId,
	status,
	model: 'wan2.7-videoedit',
	createdAt: NOW + created * MINUTE,
	finishedAt: ended === undefined ? undefined : NOW + ended * MINUTE,
});

/** One poll. @param at in minutes after NOW */
function poll(
	state: TriggerState | undefined,
	at: number,
	rows: ListedTask[],
	{ wanted = all, ...more }: Partial<Reading> & { wanted?: (task: ListedTask) => boolean } = {},
): TriggerState {
	const moment = NOW + at * MINUTE;
	const window = windowOf(state, more.source ?? source, moment);
	return finished(state, { source, window, at: moment, exact: true, rows, ...more }, wanted);
}

const dueOf = (state: TriggerState) => dueTasks(state).map(({ taskId }) => taskId);
const ids = (state: TriggerState) => Object.keys(state.seen);

describe('the activation', () => {
	test('lets out what has ended before, and keeps what is still open', () => {
		const first = poll(undefined, 0, [
			row('old', 'SUCCEEDED', -300, -290),
			row('open', 'RUNNING', -20),
		]);
		expect(dueOf(first)).toEqual([]);
		expect(first.from).toBe(NOW - 20 * MINUTE);

		const second = poll(first, 1, [row('open', 'SUCCEEDED', -20, 0.5)]);
		expect(dueOf(second)).toEqual(['open']);
	});

	test('lets out a task whose end before it shows only later', () => {
		const first = poll(undefined, 0, [row('late', 'RUNNING', -5)]);
		expect(dueOf(poll(first, 1, [row('late', 'SUCCEEDED', -5, -0.5)]))).toEqual([]);
	});

	test('where the list says no times, goes by what it shows', () => {
		const first = poll(undefined, 0, [row('old', 'SUCCEEDED', -300), row('open', 'RUNNING', -20)]);
		const second = poll(first, 1, [row('old', 'SUCCEEDED', -300), row('open', 'FAILED', -20)]);
		expect(dueOf(second)).toEqual(['open']);
	});

	test('with an unknown clock, goes by what the list shows, however wrong this clock is', () => {
		const rows = [row('old', 'SUCCEEDED', -30, -20), row('open', 'RUNNING', -20)];
		const ahead = poll(undefined, 300, rows, { exact: false });
		expect(dueOf(ahead)).toEqual([]);
		const second = poll(ahead, 301, [row('open', 'SUCCEEDED', -20, 1)], { exact: false });
		expect(dueOf(second)).toEqual(['open']);
	});
});

describe('what is an end', () => {
	test.each(['PENDING', 'RUNNING', 'SUSPENDED', 'UNKNOWN'] as const)('not %s', (status) => {
		const first = poll(undefined, 0, []);
		const second = poll(first, 1, [row('a', status, 0.5)]);
		expect(dueOf(second)).toEqual([]);
		expect(dueOf(poll(second, 60, [row('a', 'SUCCEEDED', 0.5, 59)]))).toEqual(['a']);
	});

	test.each(['SUCCEEDED', 'FAILED', 'CANCELED'] as const)('%s', (status) => {
		expect(dueOf(poll(poll(undefined, 0, []), 1, [row('a', status, 0.5, 0.9)]))).toEqual(['a']);
	});
});

describe('the window', () => {
	test('is a few minutes when nothing is open, and reaches back to the oldest open task', () => {
		const idle = poll(poll(undefined, 0, []), 600, []);
		const { from, to } = windowOf(idle, source, NOW + 601 * MINUTE);
		expect(to - from).toBeLessThan(10 * MINUTE);

		const open = poll(idle, 601, [row('a', 'PENDING', 600)]);
		const later = poll(open, 1_000, [row('a', 'RUNNING', 600), row('b', 'RUNNING', 999)]);
		expect(windowOf(later, source, NOW + 1_001 * MINUTE).from).toBe(NOW + 600 * MINUTE);
	});

	test('never spans more than a day, whatever is still open and however old the state is', () => {
		const open = poll(undefined, 0, [row('a', 'RUNNING', -10)]);
		for (const hours of [1, 23, 24, 1_000]) {
			const { from, to } = windowOf(open, source, NOW + hours * HOUR);
			expect(to - from).toBeLessThanOrEqual(24 * HOUR);
			expect(from).toBeLessThan(to);
		}
	});

	test('is one even after the clock was set back', () => {
		const { from, to } = windowOf(poll(undefined, 0, []), source, NOW - 5 * HOUR);
		expect(to - from).toBeGreaterThan(MINUTE);
	});

	test('rows from before it are none of ours, even if the service lists them', () => {
		const later = poll(poll(undefined, 0, []), 60, []);
		expect(dueOf(poll(later, 61, [row('a', 'SUCCEEDED', 10, 60.5)]))).toEqual([]);
	});
});

describe('what is remembered', () => {
	test('keeps no more ended tasks than the list may show again', () => {
		let state = poll(undefined, 0, []);
		for (let minute = 1; minute < 600; minute++) {
			const rows = [0, 1, 2, 3, 4].map((ago) =>
				row(`task-${minute - ago}`, 'SUCCEEDED', minute - ago - 0.5, minute - ago - 0.1),
			);
			state = poll(state, minute, rows);
			state = settled(state, dueOf(state), []);
		}
		expect(ids(state).length).toBeLessThan(10);
		expect(JSON.stringify(state).length).toBeLessThan(1_000);
	});

	test('goes on after a pause of almost a day with what finished meanwhile', () => {
		const active = poll(undefined, 0, [row('a', 'RUNNING', -1), row('b', 'RUNNING', -1)]);
		const again = poll(active, 23 * 60, [
			row('c', 'FAILED', 500, 510),
			row('b', 'SUCCEEDED', -1, 700),
			row('a', 'SUCCEEDED', -1, 5),
		]);
		expect(dueOf(again)).toEqual(['a', 'c', 'b']);
	});

	test('a task that the filters do not let through is dealt with, too', () => {
		const failedOnly = ({ status }: ListedTask) => status === 'FAILED';
		const rows = [row('a', 'SUCCEEDED', 0.5, 0.9)];
		const first = poll(poll(undefined, 0, []), 1, rows, { wanted: failedOnly });
		expect(dueOf(first)).toEqual([]);
		// The user changes the filter.
		expect(dueOf(poll(first, 2, rows))).toEqual([]);
	});

	test('another model or credential begins where the last poll ended, and repeats nothing', () => {
		const rows = [
			row('seen', 'SUCCEEDED', -30, 0.9),
			row('before', 'SUCCEEDED', -40, -2),
			row('open', 'RUNNING', -50),
		];
		const first = poll(poll(undefined, 0, [row('seen', 'RUNNING', -30)]), 1, [
			row('seen', 'SUCCEEDED', -30, 0.9),
		]);
		const changed = poll(settled(first, ['seen'], []), 2, rows, {
			source: { credential: 'c1', model: 'wan2.7-videoedit' },
		});
		expect(dueOf(changed)).toEqual([]);
		expect(changed.from).toBe(NOW - 50 * MINUTE);
	});

	test('a task that could not be fetched stays due, behind those that were not tried yet', () => {
		const first = poll(poll(undefined, 0, []), 2, [
			row('a', 'SUCCEEDED', 0.1, 0.2),
			row('b', 'SUCCEEDED', 0.1, 0.3),
			row('c', 'SUCCEEDED', 0.1, 0.4),
		]);
		const next = settled(first, ['b'], ['a']);
		expect(dueOf(next)).toEqual(['c', 'a']);
		// Also when the list does not show it any more.
		expect(dueOf(poll(next, 60, []))).toEqual(['c', 'a']);
	});
});

describe('a state that was saved', () => {
	test('by this or an earlier version is understood', () => {
		expect(readState(saved)).toEqual(saved);
	});

	test.each([
		['none', undefined],
		['of a newer version', { ...saved, version: 2 }],
		['without its times', { ...saved, since: undefined }],
		['with times that are none', { ...saved, from: '2026-11-02' }],
		['with a damaged list', { ...saved, seen: { a: null } }],
		['with a damaged task', { ...saved, due: { a: { status: 'SUCCEEDED' } } }],
		['text', 'state'],
	])('%s: starts anew', (_, value) => {
		expect(readState(value)).toBeUndefined();
	});
});

describe('the latest', () => {
	test('is the one that ended last', () => {
		const rows = [
			row('new', 'RUNNING', 5),
			row('quick', 'SUCCEEDED', 3, 4),
			row('slow', 'SUCCEEDED', 1, 6),
			row('failed', 'FAILED', 4, 7),
		];
		expect(latest(rows, ({ status }) => status === 'SUCCEEDED')?.taskId).toBe('slow');
		expect(latest([row('new', 'RUNNING', 5)], all)).toBeUndefined();
	});
});
