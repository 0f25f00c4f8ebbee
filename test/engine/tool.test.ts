import type { INodeExecutionData, INodeParameters } from 'n8n-workflow';
import { RETRY, only, useBench } from './bench';
import type { RunOptions } from './bench';

// The node as the tool of an agent: called by the agent itself, and run by the engine for it.

const bench = useBench();

const TOOL: RunOptions = { type: 'wanVideoEditTool' };
const BY_AGENT: RunOptions = { ...TOOL, byAgent: true };

const PROMPT_FROM_AI = "={{ $fromAI('prompt', 'What to change', 'string') }}";
const ID_FROM_AI = "={{ $fromAI('taskId', 'ID of the task', 'string') }}";

/** What an agent that calls the tool with these arguments is told. */
async function ask(
	args: Array<Record<string, string | number>>,
	fields: INodeParameters,
	options: RunOptions = {},
) {
	const items = args.map((json): INodeExecutionData => ({ json }));
	return await bench.run(items, fields, { ...BY_AGENT, ...options });
}

const told = (said: unknown) => JSON.parse(String(said)) as Array<Record<string, unknown>>;

test('an edit tells the link, its price and how long it lasts; it downloads nothing', async () => {
	const { answers, error } = await ask([{ prompt: 'snow' }], { prompt: PROMPT_FROM_AI });

	expect(error).toBeUndefined();
	const { said, description } = only(answers);
	expect(description).toBe('Edit a video by instruction in Wan Video Edit');
	expect(told(said)).toEqual([
		{
			taskId: only(bench.taskIds()),
			status: 'SUCCEEDED',
			videoUrl: expect.stringMatching(/^http/),
			videoUrlExpiresAt: expect.any(String),
			billedSeconds: 6,
			resolution: '720P',
			estimatedCost: '0.6 USD',
		},
	]);
	expect(bench.sandbox.requests('result')).toEqual([]);
	expect(bench.sandbox.tasks()[0]?.prompt).toBe('snow');
});

test('submit and status are two tools', async () => {
	bench.sandbox.configure({ jobSeconds: 3 });
	const submitted = await ask([{ prompt: 'snow' }], { prompt: PROMPT_FROM_AI, waiting: 'none' });
	const taskId = only(bench.taskIds());
	expect(told(only(submitted.answers).said)).toEqual([
		{ taskId, status: 'PENDING', message: expect.stringMatching(/get its status again/) },
	]);

	const STATUS = { resource: 'task', operation: 'getStatus', taskId: ID_FROM_AI };
	const early = await ask([{ taskId }], STATUS);
	expect(told(only(early.answers).said)).toEqual([
		{ taskId, status: 'RUNNING', message: expect.stringMatching(/^Not finished yet/) },
	]);
	await new Promise((resolve) => setTimeout(resolve, 3_000));
	const { answers } = await ask([{ taskId }], STATUS);
	expect(told(only(answers).said)).toEqual([
		expect.objectContaining({ taskId, status: 'SUCCEEDED', videoUrl: expect.any(String) }),
	]);
	expect(bench.sandbox.requests('result')).toEqual([]);
});

test('what went wrong comes with what to do about it', async () => {
	const { answers } = await ask([{ taskId: 'no such task!' }], {
		resource: 'task',
		operation: 'getStatus',
		taskId: ID_FROM_AI,
	});
	expect(only(answers).said).toBe(
		`Error: 'Task ID' is "no such task!", which is not a task ID [item 0]\nEnter the ID alone, without quotes or other text. It looks like 0385dc79-5ff8-4d82-bcb6-7b0f1f2ab3cd.`,
	);
});

test('two calls are two edits', async () => {
	await ask([{ prompt: 'snow' }, { prompt: 'snow' }], { prompt: PROMPT_FROM_AI });
	expect(bench.taskIds()).toHaveLength(2);
});

describe('a call that failed and is repeated goes on with its task', () => {
	const SLOW = { prompt: PROMPT_FROM_AI, options: { timeout: 0.05 } };

	test('by Retry On Fail, for which n8n counts another run', async () => {
		bench.sandbox.configure({ jobSeconds: 5 });
		const { answers } = await ask([{ prompt: 'snow' }], SLOW, { settings: RETRY });

		expect(told(only(answers).said)).toEqual([expect.objectContaining({ status: 'SUCCEEDED' })]);
		expect(bench.taskIds()).toHaveLength(1);
	});

	test('by the agent; another request is another edit, and so is one after a success', async () => {
		bench.sandbox.configure({ jobSeconds: 4 });
		const { answers } = await ask(
			[{ prompt: 'snow' }, { prompt: 'snow' }, { prompt: 'rain' }],
			SLOW,
		);

		const [first, second] = answers.map(({ said }) => String(said));
		expect(first).toMatch(/^Error: Task .* was still RUNNING/);
		expect(first).toMatch(/will be billed if it succeeds/);
		expect(told(second)).toEqual([expect.objectContaining({ status: 'SUCCEEDED' })]);
		expect(bench.sandbox.tasks().map(({ prompt }) => prompt)).toEqual(['snow', 'rain']);
	});
});

describe('equal calls that fail at once', () => {
	test.each([
		['at once', [1, 1]],
		['one after the other', [1, 2]],
	])('and are repeated %s go on with a task each', async (_, waves) => {
		bench.sandbox.configure({ jobSeconds: 6 });
		const { answers } = await ask(
			[0, 0, ...waves].map((wave) => ({ prompt: 'snow', wave })),
			{ prompt: PROMPT_FROM_AI, options: { timeout: 0.05 } },
		);

		const [first, second, ...repeats] = answers.map(({ said }) => String(said));
		for (const said of [first, second]) expect(said).toMatch(/^Error: Task .* was still /);
		const done = repeats.flatMap(told).map(({ taskId }) => taskId);
		expect(done.sort()).toEqual(bench.taskIds().sort());
		expect(done).toHaveLength(2);
	});
});

describe('run by the engine for an agent, as any other node', () => {
	test('it is short, downloads nothing, and stays active: nobody could take the items later', async () => {
		const { items, error, hints } = await bench.run(1, { waiting: 'suspend' }, TOOL);

		expect(error).toBeUndefined();
		expect(Object.keys(only(items).json)).toEqual([
			'taskId',
			'status',
			'videoUrl',
			'videoUrlExpiresAt',
			'billedSeconds',
			'resolution',
			'estimatedCost',
		]);
		expect(only(items).binary).toBeUndefined();
		expect(hints.join()).toMatch(/stayed active while waiting: the node was called as a tool/);
		expect(bench.sandbox.requests('result')).toEqual([]);
	});

	test('the message alone says what to do', async () => {
		const { error } = await bench.run(
			[{ json: {} }],
			{ resource: 'task', operation: 'getStatus', taskId: "={{ '' }}" },
			TOOL,
		);
		expect(error?.message).toMatch(/^'Task ID' is empty \[item 0\]\nEnter the ID/);
	});
});

test('a list says little of each task', async () => {
	await bench.run(2, { waiting: 'none' });
	const { answers } = await ask([{}], { resource: 'task', operation: 'getMany', limit: 5 });

	const rows = told(only(answers).said);
	expect(rows).toHaveLength(2);
	for (const row of rows)
		expect(Object.keys(row)).toEqual(['taskId', 'status', 'model', 'createdAt']);
});
