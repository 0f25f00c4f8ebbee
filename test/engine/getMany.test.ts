import type { IHttpRequestOptions, INodeParameters } from 'n8n-workflow';
import { PROMPT_OF_ITEM, at, named, only, until, useBench } from './bench';
import type { RunOptions } from './bench';

// Task: Get Many.

const bench = useBench();

const GET_MANY = { resource: 'task', operation: 'getMany' };
const HOUR = 3_600_000;

const list = async (fields: INodeParameters = {}, options: RunOptions = {}) =>
	await bench.run(1, { ...GET_MANY, ...fields }, options);

/** The query of the only list call. */
const query = () => only(bench.sandbox.requests('list')).query;

const iso = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString());

describe('what is listed', () => {
	test('the tasks of the last 24 hours, every key filled', async () => {
		bench.sandbox.outcome({ promptIncludes: 'fails', status: 'FAILED', code: 'InternalError' });
		await bench.run(named('fails', 'works'), {
			prompt: PROMPT_OF_ITEM,
			waiting: 'none',
		});
		await until(() => bench.sandbox.tasks().every(({ endedAt }) => endedAt !== undefined));

		const { items, error } = await list();

		expect(error).toBeUndefined();
		const expected = bench.sandbox.tasks().map((task) => ({
			taskId: task.id,
			status: task.status,
			model: 'wan2.7-videoedit',
			createdAt: iso(task.submittedAt),
			startedAt: iso(task.scheduledAt),
			finishedAt: iso(task.endedAt),
			requestId: task.requestId,
		}));
		expect(expected.map(({ status }) => status).sort()).toEqual(['FAILED', 'SUCCEEDED']);
		expect(items.map(({ json }) => json)).toEqual(expected.reverse());
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 0 }]);
		expect(items.map(({ binary }) => binary)).toEqual([undefined, undefined]);
	});

	test('times that have not come are null', async () => {
		bench.sandbox.configure({ slots: 0 });
		await bench.run(1, { waiting: 'none' });

		const { items } = await list();

		expect(only(items).json).toMatchObject({
			status: 'PENDING',
			startedAt: null,
			finishedAt: null,
		});
	});

	test('nothing is an answer, too', async () => {
		const { items, error } = await list();
		expect(error).toBeUndefined();
		expect(items).toEqual([]);
	});

	test('once for each item, paired with it', async () => {
		await bench.run(1, { waiting: 'none' });

		const { items } = await bench.run(
			[{ json: { model: 'wan2.7-videoedit' } }, { json: { model: 'another' } }, { json: {} }],
			{ ...GET_MANY, filters: { model: '={{ $json.model }}' } },
		);

		expect(items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 2 }]);
	});
});

describe('Limit and Return All', () => {
	test('a limit of two takes one page of two', async () => {
		await bench.run(3, { waiting: 'none' });

		const { items } = await list({ limit: 2 });

		expect(items).toHaveLength(2);
		expect(query()).toMatchObject({ page_no: '1', page_size: '2' });
	});

	/** A service with so many tasks; what `spoil` returns takes the place of a page. */
	function serviceOf(count: number, spoil: (page: number) => object | undefined = () => undefined) {
		const pages: IHttpRequestOptions[] = [];
		const network = (request: IHttpRequestOptions) => {
			pages.push(request);
			const { page_no, page_size } = request.qs as { page_no: number; page_size: number };
			const rows = Array.from({ length: count }, (_, index) => ({
				task_id: `t${index}`,
				status: 'SUCCEEDED',
			}));
			const body = {
				request_id: 'r',
				total: count,
				total_page: Math.ceil(count / page_size),
				data: rows.slice((page_no - 1) * page_size, page_no * page_size),
				...spoil(page_no),
			};
			return { statusCode: 200, body };
		};
		return { pages, network };
	}

	test('Return All brings more than a thousand', async () => {
		const { pages, network } = serviceOf(1_234);
		const { items, error } = await list({ returnAll: true }, { network });

		expect(error).toBeUndefined();
		expect(new Set(items.map(({ json }) => json.taskId)).size).toBe(1_234);
		expect(pages).toHaveLength(13);
	});

	test.each([{ returnAll: true }, { limit: 2_000 }])(
		'a model is told a hundred, and that there are more (%j)',
		async (fields) => {
			const asTool: RunOptions = { type: 'wanVideoEditTool' };
			const { pages, network } = serviceOf(1_234);
			const { items } = await list(fields, { ...asTool, network });
			expect(items).toHaveLength(101);
			expect(items.at(-1)?.json).toEqual({ message: expect.stringContaining('more tasks') });
			expect(pages).toHaveLength(2);

			const few = await list(fields, { ...asTool, network: serviceOf(100).network });
			expect(few.items.map(({ json }) => json.taskId)).not.toContain(undefined);
			expect(few.items).toHaveLength(100);
		},
	);

	test('a limit beyond one page stops in time', async () => {
		const { pages, network } = serviceOf(5_000);
		const { items } = await list({ limit: 250 }, { network });

		expect(items).toHaveLength(250);
		expect(pages).toHaveLength(3);
	});

	test('a list that does not come whole is an error, not a shorter list', async () => {
		const { network } = serviceOf(150, (page) => (page === 2 ? { data: [] } : undefined));
		const { items, error } = await list({ returnAll: true }, { network });

		expect(items).toEqual([]);
		expect(error?.message).toBe('The task list is incomplete [item 0]');
	});

	test('so is one that is too long', async () => {
		const { network } = serviceOf(10_001);
		const { error } = await list({ returnAll: true }, { network });

		expect(error?.message).toMatch(/more than 10000 tasks/);
		expect(error?.description).toMatch(/shorter time, one model or one status/);
	});

	test('tasks that end while their pages are read do not hide others', async () => {
		// Between two pages 50 of the first one end: rows 100 to 149 move up to the page that was read before.
		const statuses = Array.from({ length: 200 }, () => 'PENDING');
		const network = ({ qs }: IHttpRequestOptions) => {
			const { page_no, page_size, status } = qs as Record<string, number | string>;
			const rows = statuses
				.map((is, index) => ({ task_id: `t${index}`, status: is }))
				.filter((row) => status === undefined || row.status === status);
			const size = Number(page_size);
			const data = rows.slice((Number(page_no) - 1) * size, Number(page_no) * size);
			const body = {
				request_id: 'r',
				total: rows.length,
				total_page: Math.ceil(rows.length / size),
				data,
			};
			if (page_no === 1) statuses.fill('SUCCEEDED', 0, 50);
			return { statusCode: 200, body };
		};
		const { items } = await list({ returnAll: true, filters: { status: 'PENDING' } }, { network });

		const listed = new Set(items.map(({ json }) => json.taskId));
		const missing = Array.from({ length: 150 }, (_, index) => `t${index + 50}`).filter(
			(id) => !listed.has(id),
		);
		expect(missing).toEqual([]);
	});

	test.each([0, -1, 2.5, 'many'])('a limit of %p is refused', async (limit) => {
		const { error } = await list({ limit });
		expect(error?.message).toMatch(
			/^'Limit' is "?(0|-1|2\.5|many)"?, which is not a .*number.* \[item 0\]$/,
		);
		expect(bench.sandbox.requests('list')).toEqual([]);
	});
});

describe('filters', () => {
	test('status and model go to the service', async () => {
		await bench.run(1, { waiting: 'none' });
		await list({ filters: { status: 'RUNNING', model: ' wan2.7-videoedit ' } });

		expect(query()).toMatchObject({ status: 'RUNNING', model_name: 'wan2.7-videoedit' });
	});

	test('without filters all models and states are asked for', async () => {
		await list();
		expect(Object.keys(query()).sort()).toEqual(['end_time', 'page_no', 'page_size', 'start_time']);
	});

	/** From a compact time of the query, which is in UTC+8. */
	const timeOf = (text = '') =>
		Date.parse(text.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6+08:00'));

	test('times are those of the zone that is written, else of the workflow', async () => {
		const after = new Date(Date.now() - 5 * HOUR).toISOString();
		const before = new Date(Date.now() - 2 * HOUR).toISOString();
		await list({ filters: { createdAfter: after, createdBefore: before } });

		const { start_time, end_time } = query();
		expect(timeOf(start_time)).toBe(Math.floor(Date.parse(after) / 1000) * 1000);
		expect(timeOf(end_time)).toBe(Math.floor(Date.parse(before) / 1000) * 1000);
	});

	test('an expression may give a time of n8n', async () => {
		await list({ filters: { createdAfter: '={{ $now.minus({ hours: 3 }) }}' } });
		expect(Date.now() - timeOf(query().start_time)).toBeLessThan(3 * HOUR + 10_000);
	});

	test('the last 24 hours of a schedule are let through', async () => {
		const { error } = await list({
			filters: { createdAfter: '={{ $now.minus({ hours: 24 }) }}' },
		});
		expect(error).toBeUndefined();
		const { start_time, end_time } = query();
		expect(timeOf(end_time) - timeOf(start_time)).toBeLessThanOrEqual(24 * HOUR);
	});

	test.each([
		[
			{ createdAfter: '2026-11-01T00:00:00Z', createdBefore: '2026-11-03T12:00:00Z' },
			/60 hours apart; the limit is 24/,
		],
		[
			{ createdAfter: new Date(Date.now() - 30 * HOUR).toISOString() },
			/'Created After' .* is 30(\.1)? hours ago; the limit is 24/,
		],
		[
			{ createdAfter: '2026-11-03T00:00:00Z', createdBefore: '2026-11-02T00:00:00Z' },
			/is later than 'Created Before'/,
		],
		[{ createdAfter: new Date(Date.now() + HOUR).toISOString() }, /is later than now/],
		[{ createdBefore: 'yesterday' }, /'Created Before' is "yesterday"/],
		[{ status: 'DONE' }, /'Status' is "DONE"/],
	])('%j is refused, with what to do', async (filters, message) => {
		const { error } = await list({ filters });

		expect(error?.message).toMatch(message);
		expect(error?.description).toMatch(/choose|Choose/);
		expect(bench.sandbox.requests('list')).toEqual([]);
	});
});

test('a service that stumbles is asked again', async () => {
	await bench.run(1, { waiting: 'none' });
	bench.sandbox.fault({ route: 'list', status: 503, body: 'Service Unavailable' });

	const { items } = await list();

	expect(only(items).json.taskId).toBe(at(bench.taskIds(), 0));
});
