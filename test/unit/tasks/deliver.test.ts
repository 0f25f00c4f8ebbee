import { DashScopeError } from '../../../nodes/shared/dashscope/errors';
import type { Task, TaskStatus } from '../../../nodes/shared/dashscope/types';
import { taskContent } from '../../../nodes/shared/n8n/items';
import {
	endedBadly,
	expiryOf,
	explain,
	fetchVideo,
	reasonOf,
} from '../../../nodes/shared/tasks/deliver';
import { TaskError, StoppedError } from '../../../nodes/shared/tasks/errors';
import type { TaskPorts } from '../../../nodes/shared/tasks/ports';
import { StopButton, VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';

const ENDED = Date.parse('2026-11-02T09:24:59.789Z');

const taskOf = (more: Partial<Task> = {}): Task => ({
	taskId: 'task-1',
	status: 'SUCCEEDED',
	requestId: 'r-1',
	finishedAt: ENDED,
	videoUrl: 'https://result.example/task-1.mp4?Expires=1793697899&Signature=s',
	raw: {},
	...more,
});

describe('when a result expires', () => {
	test.each([
		['https://r.example/x.mp4?Expires=1793697899&Signature=s', 1_793_697_899_000],
		['https://r.example/x.mp4?OSSAccessKeyId=L&Expires=1793697899', 1_793_697_899_000],
		['https://r.example/x.mp4', ENDED + 86_400_000],
		['https://r.example/x.mp4?Expires=soon', ENDED + 86_400_000],
		['https://r.example/x.mp4?NotExpires=17', ENDED + 86_400_000],
		['https://r.example/x.mp4?Expires=99999999999999', ENDED + 86_400_000],
	])('%s', (videoUrl, expected) => {
		expect(expiryOf(taskOf({ videoUrl }))).toBe(expected);
	});

	test('is unknown without a result, or with neither signature nor end', () => {
		expect(expiryOf(taskOf({ videoUrl: undefined }))).toBeUndefined();
		const bare = { videoUrl: 'https://r.example/x.mp4', finishedAt: undefined };
		expect(expiryOf(taskOf(bare))).toBeUndefined();
	});
});

describe('why there is no video', () => {
	test.each(['PENDING', 'RUNNING', 'SUSPENDED', 'SUCCEEDED'] as TaskStatus[])(
		'%s needs no explanation',
		(status) => {
			expect(explain(taskOf({ status }))).toBeUndefined();
			expect(endedBadly(taskOf({ status }))).toBeUndefined();
		},
	);

	test('a failed task says what the service said, and what to do', () => {
		const task = taskOf({
			status: 'FAILED',
			code: 'InternalError.Algo',
			message: 'inference failed',
		});
		const reason = explain(task);
		expect(reason?.message).toBe('Task task-1 failed: inference failed (InternalError.Algo)');
		expect(reason?.hint).toContain('not billed');
	});

	test('a key in the words of the service is cut out', () => {
		const key = `sk-${'0123456789abcdef'.repeat(2)}`;
		const task = taskOf({
			status: 'FAILED',
			code: 'InvalidApiKey',
			message: `No such key: ${key}.`,
		});
		expect(explain(task)?.message).toBe('Task task-1 failed: No such key: sk-…. (InvalidApiKey)');
		expect(endedBadly(task)?.message).not.toContain(key);
		const { json } = taskContent(task, { simplify: true, field: 'data' });
		expect(json.message).toBe('No such key: sk-….');
		for (const message of ['task-0123456789abcdef0 is old', 'the sk-prefix is missing']) {
			expect(reasonOf(taskOf({ message }))).toBe(message);
		}
	});

	test('a failed task without code and message still makes a sentence', () => {
		const reason = explain(taskOf({ status: 'FAILED' }));
		expect(reason?.message).toBe('Task task-1 failed: no reason given (unknown code)');
	});

	test('a cancelled task is not billed', () => {
		expect(explain(taskOf({ status: 'CANCELED' }))?.hint).toContain('not billed');
	});

	test('an unknown task may be too old, of another region or of another account', () => {
		const reason = explain(taskOf({ status: 'UNKNOWN' }));
		expect(reason?.message).toContain('task-1');
		expect(reason?.hint).toMatch(/24 hours.*region.*account/);
	});

	test('the error keeps task, status, code and request ID', () => {
		const error = endedBadly(taskOf({ status: 'FAILED', code: 'InvalidURL', message: 'no' }));
		expect(error).toBeInstanceOf(TaskError);
		expect(error?.details).toEqual({
			taskId: 'task-1',
			status: 'FAILED',
			code: 'InvalidURL',
			requestId: 'r-1',
		});
	});
});

describe('fetching the video', () => {
	function setup() {
		const clock = new VirtualClock();
		const service = new VirtualService(clock);
		const stop = new StopButton(clock);
		const fetch = async (task = taskOf()) => await clock.run(fetchVideo(service.ports(stop), task));
		return { clock, service, stop, fetch };
	}

	/** The error that fetching ends with. */
	async function failure(fetching: Promise<unknown>): Promise<TaskError> {
		const thrown: unknown = await fetching.then(
			() => undefined,
			(error: unknown) => error,
		);
		if (thrown instanceof TaskError) return thrown;
		throw new Error(`Not an TaskError: ${String(thrown)}`);
	}

	test('takes one call when all goes well', async () => {
		const { service, fetch } = setup();
		await expect(fetch()).resolves.toBe('video of task-1');
		expect(service.count('download')).toBe(1);
	});

	test('is repeated whole after a broken transfer and a stumbling store', async () => {
		const { service, fetch } = setup();
		service.faults.download.push(faults.reset, faults.unavailable);
		await expect(fetch()).resolves.toBe('video of task-1');
		expect(service.count('download')).toBe(3);
		const [first, second, third] = service.times('download');
		expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(750);
		expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(1_500);
	});

	test('is given up after three tries; task, URL and expiry are kept', async () => {
		const { service, fetch } = setup();
		service.faults.download.push(faults.reset, faults.reset, faults.unavailable, faults.reset);
		const error = await failure(fetch());
		expect(service.count('download')).toBe(3);
		expect(error.message).toContain('task-1');
		expect(error.message).toContain('HTTP 503');
		expect(error.hint).toMatch(/paid for.*2026-11-03T.*Get Status.*billed again/s);
		expect(error.details).toEqual({
			taskId: 'task-1',
			status: 'SUCCEEDED',
			requestId: 'r-1',
			httpStatus: 503,
			videoUrl: taskOf().videoUrl,
			videoUrlExpiresAt: new Date(1_793_697_899_000).toISOString(),
		});
	});

	test('is not repeated after a definite no, such as an expired link', async () => {
		const { service, fetch } = setup();
		service.faults.download.push({ status: 403 });
		const error = await failure(fetch());
		expect(service.count('download')).toBe(1);
		expect(error.details).toMatchObject({ taskId: 'task-1', httpStatus: 403 });
	});

	test('is repeated after an error of the own storage, and keeps the task', async () => {
		const { clock, service } = setup();
		let calls = 0;
		const ports: TaskPorts<string> = {
			...service.ports(),
			download: async () => {
				calls++;
				return await Promise.reject<string>(new Error('disk full'));
			},
		};
		const error = await failure(clock.run(fetchVideo(ports, taskOf())));
		expect(calls).toBe(3);
		expect(error.message).toContain('disk full');
		expect(error.details.taskId).toBe('task-1');
	});

	test('waits as long as the store asks', async () => {
		const { clock, service } = setup();
		const answers: Array<string | DashScopeError> = [
			new DashScopeError('slow down', { kind: 'throttled', retryAfterMs: 20_000 }),
			'video',
		];
		const ports: TaskPorts<string> = {
			...service.ports(),
			download: async () => {
				const answer = answers.shift();
				if (answer instanceof Error) throw answer;
				return await Promise.resolve(answer ?? '');
			},
		};
		const before = clock.now();
		await expect(clock.run(fetchVideo(ports, taskOf()))).resolves.toBe('video');
		expect(clock.now() - before).toBeGreaterThanOrEqual(20_000);
	});

	test('of a task whose answer holds no link fails without a call, and keeps the task', async () => {
		const { service, fetch } = setup();
		const error = await failure(fetch(taskOf({ videoUrl: undefined })));
		expect(service.count('download')).toBe(0);
		expect(error.details).toMatchObject({ taskId: 'task-1', status: 'SUCCEEDED' });
		expect(error.hint).toContain('24 hours');
	});

	test('ends at once on Stop, also between two tries', async () => {
		const { clock, service, stop } = setup();
		service.faults.download.push(faults.reset);
		const fetching = fetchVideo(service.ports(stop), taskOf());
		clock.at(clock.now() + 100, () => stop.press());
		const before = clock.now();
		await expect(clock.run(fetching)).rejects.toThrow(StoppedError);
		expect(clock.now() - before).toBe(100);
		expect(service.count('download')).toBe(1);
	});
});
