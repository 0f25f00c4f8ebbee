import type { Fault } from '../../sandbox';
import { RETRY, at, only, submitElsewhere, useBench } from './bench';
import { FIELDS, FROM_START, THREE, expectDelivered } from './three';

// n8n has been running for an hour: what the process before it submitted is not mistaken for anything here.
jest.mock('../../nodes/shared/n8n/accounts', (): unknown => {
	const hourAgo = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
	const accounts: unknown = jest.requireActual('../../nodes/shared/n8n/accounts');
	hourAgo.mockRestore();
	return accounts;
});

// The answer to a submission does not come, or cannot be read: was a task created, and which?

const bench = useBench();

/** Where the user says that nobody else submits tasks. */
const exclusive = () => ({ credential: { ...bench.credential(), exclusive: true } });

const created = () => bench.sandbox.requests('create').length;

const lose = (fault: Omit<Fault, 'route'>) => bench.sandbox.fault({ route: 'create', ...fault });

describe('where nobody else submits tasks, one that was created all the same is adopted', () => {
	test.each<[what: string, fault: Omit<Fault, 'route'>]>([
		['connection dropped', { drop: 'after' }],
		['HTTP 502 with a page', { status: 502, afterWork: true, body: '<html>Bad Gateway</html>' }],
		['HTTP 504', { status: 504, afterWork: true, body: '' }],
		['cut off half way', { truncate: 30 }],
		['no JSON', { status: 200, afterWork: true, body: 'OK' }],
		['JSON without a task', { status: 200, afterWork: true, body: '{"request_id":"r"}' }],
		['too late', { delayMs: 4_000 }],
	])('%s', async (_what, fault) => {
		lose(fault);
		const options = { requestTimeout: 1_500, ...exclusive() };
		const { items, error } = await bench.run(1, { download: false }, options);

		expect(error).toBeUndefined();
		expect(only(items).json).toMatchObject({ succeeded: true, taskId: only(bench.taskIds()) });
		expect(created()).toBe(1);
		// It was looked for by model and time.
		const { query } = at(bench.sandbox.requests('list'), 0);
		expect(query).toMatchObject({
			model_name: 'wan2.7-videoedit',
			start_time: expect.stringMatching(/^\d{14}$/),
			end_time: expect.stringMatching(/^\d{14}$/),
		});
	});

	test('one of three: each item ends up with its own task', async () => {
		lose({ skip: 1, drop: 'after' });
		const result = await bench.run(THREE, FIELDS, { lookUp: FROM_START, ...exclusive() });

		expectDelivered(result);
		expect(created()).toBe(3);
		expect(bench.taskIds()).toHaveLength(3);
	});

	test('also without waiting for the result', async () => {
		lose({ drop: 'after' });
		const { items } = await bench.run(1, { waiting: 'none' }, exclusive());

		expect(only(items).json).toMatchObject({ taskId: only(bench.taskIds()), status: 'PENDING' });
		expect(created()).toBe(1);
	});

	test('although the list cannot be read at first', async () => {
		lose({ drop: 'after' });
		bench.sandbox.fault({ route: 'list', status: 500 });
		const { items } = await bench.run(1, { download: false }, exclusive());

		expect(only(items).json.taskId).toBe(only(bench.taskIds()));
		expect(created()).toBe(1);
	});

	test('and by the option to submit again it is not submitted again', async () => {
		lose({ drop: 'after' });
		const { items } = await bench.run(
			1,
			{
				download: false,
				options: { lostSubmission: 'resubmit' },
			},
			exclusive(),
		);

		expect(only(items).json.taskId).toBe(only(bench.taskIds()));
		expect(created()).toBe(1);
	});

	test('and is remembered: a retry of the node fetches it', async () => {
		lose({ drop: 'after' });
		bench.sandbox.fault({ route: 'result', status: 404 });
		const { items, error } = await bench.run(1, {}, { settings: RETRY, ...exclusive() });

		expect(error).toBeUndefined();
		expect(only(items).json.taskId).toBe(only(bench.taskIds()));
		expect(created()).toBe(1);
	});
});

describe('DashScope’s own error', () => {
	const overloaded = { status: 503 };

	test('with a task is told from others by the request ID', async () => {
		await submitElsewhere(bench.sandbox, 'black and white');
		lose({ ...overloaded, afterWork: true });
		const { items } = await bench.run(1, { download: false });

		expect(only(items).json.taskId).toBe(bench.taskIds()[1]);
		expect(created()).toBe(2);
	});
});
