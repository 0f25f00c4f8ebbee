import type { Fault } from '../../sandbox';
import { RETRY, at, detailsOf, only, until, useBench } from './bench';
import { FIELDS, FROM_START, THREE, expectDelivered } from './three';

// The answer to a submission does not come, or cannot be read: was a task created, and which?

const bench = useBench();

const CONTINUE = { settings: { onError: 'continueErrorOutput' as const } };

const created = () => bench.sandbox.requests('create').length;

const lose = (fault: Omit<Fault, 'route'>) => bench.sandbox.fault({ route: 'create', ...fault });

/** Somebody else with the same account submits the same or another edit. */
async function submitElsewhere(prompt: string): Promise<string> {
	const { url, apiKey, samples } = bench.sandbox;
	const answer = await fetch(`${url}/api/v1/services/aigc/video-generation/video-synthesis`, {
		method: 'POST',
		headers: { authorization: `Bearer ${apiKey}`, 'x-dashscope-async': 'enable' },
		body: JSON.stringify({
			model: 'wan2.7-videoedit',
			input: { prompt, media: [{ type: 'video', url: samples.video.url }] },
		}),
	});
	const { output } = (await answer.json()) as { output: { task_id: string } };
	return output.task_id;
}

describe('a task that was created all the same is found in the task list and adopted', () => {
	test.each<[what: string, fault: Omit<Fault, 'route'>]>([
		['connection dropped', { drop: 'after' }],
		['HTTP 500', { status: 500, afterWork: true }],
		['HTTP 502 with a page', { status: 502, afterWork: true, body: '<html>Bad Gateway</html>' }],
		['HTTP 504', { status: 504, afterWork: true, body: '' }],
		['cut off half way', { truncate: 30 }],
		['no JSON', { status: 200, afterWork: true, body: 'OK' }],
		['JSON without a task', { status: 200, afterWork: true, body: '{"request_id":"r"}' }],
		['too late', { delayMs: 4_000 }],
	])('%s', async (_what, fault) => {
		lose(fault);
		const { items, error } = await bench.run(1, { download: false }, { requestTimeout: 1_500 });

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
		const result = await bench.run(THREE, FIELDS, { lookUp: FROM_START });

		expectDelivered(result);
		expect(created()).toBe(3);
		expect(bench.taskIds()).toHaveLength(3);
	});

	test('also without waiting for the result', async () => {
		lose({ drop: 'after' });
		const { items } = await bench.run(1, { completion: 'submit' });

		expect(only(items).json).toMatchObject({ taskId: only(bench.taskIds()), status: 'PENDING' });
		expect(created()).toBe(1);
	});

	test('although the list cannot be read at first', async () => {
		lose({ drop: 'after' });
		bench.sandbox.fault({ route: 'list', status: 500 });
		const { items } = await bench.run(1, { download: false });

		expect(only(items).json.taskId).toBe(only(bench.taskIds()));
		expect(created()).toBe(1);
	});

	test('although other tasks of this account are older', async () => {
		await submitElsewhere('an older one');
		await new Promise((resolve) => setTimeout(resolve, 2_100));
		lose({ drop: 'after' });
		const { items } = await bench.run(1, { download: false });

		expect(only(items).json.taskId).toBe(bench.taskIds()[1]);
		expect(bench.taskIds()).toHaveLength(2);
	});

	test('and by the option to submit again it is not submitted again', async () => {
		lose({ drop: 'after' });
		const { items } = await bench.run(1, {
			download: false,
			options: { lostSubmission: 'resubmit' },
		});

		expect(only(items).json.taskId).toBe(only(bench.taskIds()));
		expect(created()).toBe(1);
	});

	test('and is remembered: a retry of the node fetches it', async () => {
		lose({ drop: 'after' });
		bench.sandbox.fault({ route: 'result', status: 404 });
		const { items, error } = await bench.run(1, {}, { settings: RETRY });

		expect(error).toBeUndefined();
		expect(only(items).json.taskId).toBe(only(bench.taskIds()));
		expect(created()).toBe(1);
	});
});

describe('outcome unknown', () => {
	test('no task is to be seen: fails with the time window and what to do; at a retry, too', async () => {
		const before = Date.now();
		lose({ drop: 'before' });
		const { errors } = await bench.run(
			1,
			{},
			{ settings: { ...RETRY, maxTries: 2, onError: 'continueErrorOutput' } },
		);
		const after = Date.now();

		// Two tries of the node, one submission.
		expect(created()).toBe(1);
		expect(bench.taskIds()).toEqual([]);
		const { json } = only(errors);
		expect(json.error).toMatch(/^Outcome unknown: the answer to a submission of wan2\.7-videoedit/);
		const details = detailsOf(only(errors));
		const from = Date.parse(String(details.submittedFrom));
		const to = Date.parse(String(details.submittedTo));
		expect(from).toBeGreaterThanOrEqual(before);
		expect(to).toBeGreaterThanOrEqual(from);
		expect(to).toBeLessThanOrEqual(after);
		expect(json.error).toContain(String(details.submittedFrom));
		expect(json.error).toContain(String(details.submittedTo));
		expect(details.hint).toMatch(/may have been created and may be billed/);
		expect(details.hint).toMatch(/'Submit Again' in the option 'If a Submission Gets No Answer'/);
	}, 60_000);

	test('two tasks could be it: both are named, none is taken', async () => {
		lose({ drop: 'after' });
		const { done } = bench.start(1, {}, CONTINUE);
		await until(() => bench.taskIds().length === 1);
		await submitElsewhere('black and white');
		const { errors } = await done;

		expect(created()).toBe(2);
		const [own, other] = bench.taskIds();
		const { possibleTaskIds, hint } = detailsOf(only(errors));
		expect(String(possibleTaskIds).split(', ').sort()).toEqual([own, other].sort());
		expect(hint).toContain(own);
		expect(hint).toContain(other);
	});

	test('two answers are lost: neither item takes the other’s task', async () => {
		lose({ drop: 'after', times: 2 });
		const { items, errors, lookedUp } = await bench.run(THREE, FIELDS, {
			...CONTINUE,
			lookUp: FROM_START,
		});

		expect(bench.taskIds()).toHaveLength(3);
		expect(created()).toBe(3);
		// Items may be delivered, if they are the right ones; those in doubt fail.
		for (const { json } of items) {
			const task = bench.sandbox.tasks().find(({ id }) => id === json.taskId);
			expect(task?.prompt).toBe(json.prompt);
		}
		expect(items.map(({ json }) => json.prompt)).toContain('pixelate it');
		for (const { json } of errors) expect(json.error).toMatch(/^Outcome unknown/);
		expect([...lookedUp.items, ...lookedUp.errors].sort()).toEqual(['item 0', 'item 1', 'item 2']);
	});

	test('the only task found is somebody else’s: it is not handed on', async () => {
		lose({ drop: 'before' });
		const { done } = bench.start(1, {}, CONTINUE);
		await until(() => created() === 1);
		const theirs = await submitElsewhere('somebody else’s film, black and white');
		const { items, errors } = await done;

		expect(items).toEqual([]);
		expect(only(errors).json.error).toMatch(/^Outcome unknown/);
		expect(only(errors).json.error).toContain(theirs);
		expect(only(errors)).not.toHaveProperty('binary');
		expect(created()).toBe(2);
	});
});

describe('by the option to submit again', () => {
	test('a submission that left no trace is sent again, once', async () => {
		lose({ drop: 'before' });
		const { items, error } = await bench.run(1, {
			download: false,
			options: { lostSubmission: 'resubmit' },
		});

		expect(error).toBeUndefined();
		expect(only(items).json.taskId).toBe(only(bench.taskIds()));
		expect(created()).toBe(2);
	}, 60_000);
});
