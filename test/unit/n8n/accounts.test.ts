import { accountOf } from '../../../nodes/shared/n8n/accounts';
import { answering } from '../http';
import { VirtualClock } from '../virtualClock';

const { client } = answering();
const at = (baseUrl: string, apiKey = 'sk-1') => accountOf({ ...client, baseUrl, apiKey });

test('all executions with the same host and key share an account, which does not show the key', () => {
	const account = at('https://dashscope.aliyuncs.com');
	expect(at('https://dashscope.aliyuncs.com')).toBe(account);
	expect(at('https://dashscope.aliyuncs.com', 'sk-2')).not.toBe(account);
	expect(at('https://dashscope-intl.aliyuncs.com')).not.toBe(account);
	expect(account.id).not.toContain('sk-1');
});

test.each([
	['https://dashscope-intl.aliyuncs.com', 'key-1'],
	['https://ws-1.cn-beijing.maas.aliyuncs.com', 'key-1'],
	['https://gateway.example', undefined],
	['http://127.0.0.1:8080', undefined],
])('at %s the task list shows the ID of the key: %s', async (baseUrl, expected) => {
	const account = at(baseUrl, 'sk-3');
	const clock = new VirtualClock();
	const stop = { now: clock.now, sleep: clock.wait, random: () => 0.5, stopped: () => false };
	const tasks = ['task-1', 'task-2'];
	for (const taskId of tasks) account.knows(taskId, { model: 'm', sentAt: 1, requestId: 'r' }, 1);
	const rows = tasks.map((taskId) => ({ taskId, status: 'RUNNING' as const, apiKeyId: 'key-1' }));
	await clock.run(account.lists.list(stop, 'm', 0, async () => await Promise.resolve(rows)));
	expect(account.own.keyId).toBe(expected);
});

describe('an account that came out of use', () => {
	const DAY_MS = 24 * 3_600_000;
	const HOST = 'https://dashscope.aliyuncs.com';
	let now = Date.now();
	beforeEach(() => {
		jest.spyOn(Date, 'now').mockImplementation(() => now);
	});
	afterEach(() => {
		jest.restoreAllMocks();
	});
	/** Another key comes, as it does every hour where keys are made for an hour each. */
	const later = (ms: number, key: string) => {
		now += ms;
		at(HOST, key);
	};

	test('is dropped after a day, when another one is made', () => {
		const account = at(HOST, 'sk-hour-1');
		later(DAY_MS, 'sk-hour-2');
		expect(at(HOST, 'sk-hour-1')).toBe(account);
		later(DAY_MS, 'sk-hour-3');
		expect(at(HOST, 'sk-hour-1')).toBe(account);
		now += DAY_MS + 1;
		expect(at(HOST, 'sk-hour-1')).toBe(account);
		later(DAY_MS + 1, 'sk-hour-4');
		expect(at(HOST, 'sk-hour-1')).not.toBe(account);
	});

	test('is kept as long as the end of a task is waited for', () => {
		const account = at(HOST, 'sk-waits');
		const leave = account.lists.waitsFor({ taskId: 'task-1', model: 'm', submittedAt: now });
		later(3 * DAY_MS, 'sk-other-1');
		expect(at(HOST, 'sk-waits')).toBe(account);
		leave();
		later(3 * DAY_MS, 'sk-other-2');
		expect(at(HOST, 'sk-waits')).not.toBe(account);
	});
});
