// The suspended wait in one process (SQLite). Every row takes minutes, so all of them run side by side.
import { existsSync } from 'node:fs';
import { copyFile, readFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startSandbox } from '../../sandbox';
import { outputOf } from '../../host/client';
import type { N8n } from '../../host/n8n';
import { addMember, credentialOf, shareCredential } from './suspend-member';
import {
	call,
	credentialData,
	executionsOf,
	manualTrigger,
	node,
	startOwnN8n,
	readFile as readNode,
	until,
	wanVideoEdit,
	workflow,
	type Sandbox,
} from './support';
import {
	addCalled,
	addFlow,
	addedDelay,
	after,
	callResume,
	callWorkflow,
	edit,
	errorOf,
	loopsOf,
	seenAt,
	startFlow,
	tasksOf,
	untilSuspended,
	type Flow,
} from './suspended';

const credential = 'Sandbox';
const MINUTES = 60_000;

let sandbox: Sandbox;
let n8n: N8n;

/** What goes on at the same time; each test looks at its own. */
const started = new Map<string, Promise<unknown>>();
const scenarios: Array<{ name: string; play: () => Promise<unknown> }> = [];

function row<Facts>(name: string, play: () => Promise<Facts>, check: (facts: Facts) => void): void {
	scenarios.push({ name, play });
	test(name, async () => check((await started.get(name)) as Facts));
}

const ended = async (id: string) =>
	await n8n.waitFor(id, { timeoutMs: 6 * MINUTES, everyMs: 2_000 });
const ok = (prompt: string) => ({ from: prompt, prompt, video: true });

jest.setTimeout(8 * MINUTES);

beforeAll(async () => {
	sandbox = await startSandbox({
		jobSeconds: 20,
		slots: 100,
		submitsPerSecond: 100,
		queriesPerSecond: 200,
	});
	const type = 'dashScopeApi';
	n8n = await startOwnN8n({
		credentials: [{ name: credential, type, data: credentialData(sandbox) }],
	});
	for (const { name, play } of scenarios) {
		const scenario = play();
		scenario.catch(() => undefined);
		started.set(name, scenario);
	}
});

afterAll(async () => {
	await n8n?.stop();
	await sandbox?.stop();
});

row(
	'kill -9 and restart: finishes by itself; killed during a look, it hands on what became of the task; active, its retry brings the video',
	async () => {
		// One of its own: the others go on meanwhile.
		const killed = await startOwnN8n({
			credentials: [{ name: credential, type: 'dashScopeApi', data: credentialData(sandbox) }],
		});
		try {
			const looked = await addFlow(
				killed,
				'look',
				[
					edit('Edit', sandbox, credential, {}, { onError: 'continueErrorOutput' }),
					after(),
					after('Failed'),
				],
				[['Items', 'Edit']],
				{ outputs: { Edit: ['After', 'Failed'] } },
			);
			const flow = await addFlow(
				killed,
				'kill',
				// What is shown while it waits must not look like a failure to n8n.
				[edit('Edit', sandbox, credential, {}, { retryOnFail: true, maxTries: 3 }), after()],
				[['Items', 'Edit', 'After']],
			);
			const active = await addFlow(
				killed,
				'active',
				[edit('Edit', sandbox, credential, { waiting: 'active' }), after()],
				[['Items', 'Edit', 'After']],
			);
			const activeId = await startFlow(killed, active, ['active']);
			const lookedId = await startFlow(killed, looked, ['look']);
			const id = await startFlow(killed, flow, ['kill one', 'kill two']);
			await untilSuspended(killed, lookedId);
			await untilSuspended(killed, id);
			await killed.kill('SIGKILL');
			const lookedAt = tasksOf(sandbox, 'look')[0]?.id ?? '';
			// Longer than the node waits for an answer: a look at this task takes a minute and a half.
			sandbox.fault({ route: 'query', pathIncludes: lookedAt, delayMs: 60_000, times: 999 });
			await killed.restart();
			const kept = await killed.waitFor(activeId);
			const retrying = killed.retryExecution(activeId);

			const execution = await killed.waitFor(id, { timeoutMs: 6 * MINUTES, everyMs: 2_000 });
			await until(
				'a look',
				async () => (await loopsOf(killed, looked)).find(({ status }) => status === 'running'),
				150_000,
			);
			const retried = await retrying;
			await killed.kill('SIGKILL');
			await killed.restart();
			const crashed = await killed.waitFor(lookedId, { timeoutMs: 6 * MINUTES, everyMs: 2_000 });
			return {
				status: execution.status,
				seen: await seenAt(killed, execution, 'After'),
				tasks: tasksOf(sandbox, 'kill').length,
				active: {
					statuses: [kept.status, retried.status],
					seen: await seenAt(killed, retried, 'After'),
					tasks: tasksOf(sandbox, 'active').length,
				},
				crashed: {
					after: await seenAt(killed, crashed, 'After'),
					failed: await seenAt(killed, crashed, 'Failed'),
					tasks: tasksOf(sandbox, 'look').length,
				},
			};
		} finally {
			await killed.stop();
		}
	},
	({ crashed, active, ...facts }) => {
		expect(active).toEqual({
			statuses: ['crashed', 'success'],
			seen: [ok('active')],
			tasks: 1,
		});
		expect(facts).toEqual({
			status: 'success',
			seen: [ok('kill one'), ok('kill two')],
			tasks: 2,
		});
		expect(crashed).toMatchObject({
			after: [],
			failed: [{ from: 'look', details: { taskId: '<task>' }, video: false }],
			tasks: 1,
		});
	},
);

row(
	'n8n saves the progress of executions and is killed during a look: it hands on what became of the task',
	async () => {
		const saving = await startOwnN8n({
			credentials: [{ name: credential, type: 'dashScopeApi', data: credentialData(sandbox) }],
			env: { EXECUTIONS_DATA_SAVE_ON_PROGRESS: 'true' },
		});
		try {
			const flow = await addFlow(
				saving,
				'progress',
				[edit('Edit', sandbox, credential), after()],
				[['Items', 'Edit', 'After']],
			);
			const id = await startFlow(saving, flow, ['progress']);
			await untilSuspended(saving, id);
			const loop = await until('the loop', async () => (await loopsOf(saving, flow))[0]);
			const asleep = await untilSuspended(saving, loop.id);
			const task = tasksOf(sandbox, 'progress')[0]?.id ?? '';
			sandbox.fault({ route: 'query', pathIncludes: task, delayMs: 60_000, times: 999 });
			// Forged, so that the look begins now.
			await callResume(saving, asleep, 'wan-video-edit-tasks-ended');
			await until('a look', async () =>
				sandbox.requests('query').find(({ path }) => path.includes(task)),
			);
			await saving.kill('SIGKILL');
			await saving.restart();
			const execution = await saving.waitFor(id, { timeoutMs: 3 * MINUTES, everyMs: 2_000 });
			return await seenAt(saving, execution, 'After');
		} finally {
			await saving.stop();
		}
	},
	(facts) =>
		expect(facts).toMatchObject([
			{ from: 'progress', details: { taskId: '<task>' }, video: false },
		]),
);

row(
	'active and stopped: its retry brings the video of the task that could not be canceled',
	async () => {
		const name = 'halted';
		const flow = await addFlow(
			n8n,
			name,
			[edit('Edit', sandbox, credential, { waiting: 'active' }), after()],
			[['Items', 'Edit', 'After']],
		);
		const id = await startFlow(n8n, flow, [name]);
		await until('a running task', async () =>
			tasksOf(sandbox, name).find(({ status }) => status === 'RUNNING'),
		);
		await n8n.stopExecution(id);
		await ended(id);
		// n8n 2.41.1 leaves the error of the stop in it, and so shows the retry as failed.
		const retried = await n8n.retryExecution(id);
		return {
			seen: await seenAt(n8n, retried, 'After'),
			tasks: tasksOf(sandbox, name).length,
		};
	},
	(facts) => {
		expect(facts).toEqual({ seen: [ok('halted')], tasks: 1 });
	},
);

row(
	'retried twice: the second retry takes what the first has submitted',
	async () => {
		const name = 'retried twice';
		sandbox.outcome({ promptIncludes: name, times: 1, status: 'FAILED', code: 'InternalError' });
		const flow = await addFlow(
			n8n,
			name,
			[
				edit('Edit', sandbox, credential, { waiting: 'active' }),
				after(),
				node('Later', 'n8n-nodes-base.stopAndError', 1, { errorMessage: 'Not yet' }),
			],
			[['Items', 'Edit', 'After', 'Later']],
		);
		const id = await startFlow(n8n, flow, [name]);
		const first = await ended(id);
		const retries = [await n8n.retryExecution(id), await n8n.retryExecution(id)];
		return {
			error: errorOf(first)?.message,
			seen: await Promise.all(retries.map(async (one) => await seenAt(n8n, one, 'After'))),
			tasks: tasksOf(sandbox, name).length,
		};
	},
	({ error, ...facts }) => {
		expect(error).toMatch(/failed/);
		expect(facts).toEqual({ seen: [[ok('retried twice')], [ok('retried twice')]], tasks: 2 });
	},
);

row(
	'woken as soon as the task has ended, and not by calls for others',
	async () => {
		sandbox.outcome({ promptIncludes: 'awake', jobSeconds: 75 });
		const flow = await addFlow(
			n8n,
			'awake',
			[edit('Edit', sandbox, credential), after()],
			[['Items', 'Edit', 'After']],
		);
		const id = await startFlow(n8n, flow, ['awake']);
		const parent = await untilSuspended(n8n, id);
		const loop = await until('the loop', async () => (await loopsOf(n8n, flow))[0]);
		const suspended = await untilSuspended(n8n, loop.id);
		const path = 'wan-video-edit-tasks-ended';
		const calls = [
			// Of the execution that waits for the loop, which would hand on what the call brings.
			...(await callResume(n8n, parent, path)),
			...(await callResume(n8n, suspended, '')),
			...(await callResume(n8n, suspended, path, 'wrong')),
			// Forged, and many at once: they lead to one look.
			...(await callResume(n8n, suspended, path, undefined, 5)),
		];
		const stillWaiting = (await n8n.execution(id)).status;
		const execution = await ended(id);
		const runs = execution.data.resultData.runData.After?.length;
		return {
			calls,
			stillWaiting,
			runs,
			delay: addedDelay(sandbox, execution, 'awake'),
			seen: await seenAt(n8n, execution, 'After'),
			tasks: tasksOf(sandbox, 'awake').length,
		};
	},
	({ calls, delay, ...facts }) => {
		const [toParent, elsewhere, wrongToken, ...forged] = calls;
		expect([toParent, elsewhere, wrongToken]).toEqual([200, 404, 401]);
		expect(forged.filter((status) => status === 200)).toHaveLength(1);
		expect(facts).toEqual({
			stillWaiting: 'waiting',
			runs: 1,
			seen: [ok('awake')],
			tasks: 1,
		});
		process.stdout.write(`Added delay: ${delay.toFixed(1)} s\n`);
		expect(delay).toBeGreaterThan(0);
		expect(delay).toBeLessThanOrEqual(30);
	},
);

row(
	'Submit, then Wait for Completion: the second node suspends, and brings the video of each item',
	async () => {
		const wait = wanVideoEdit('Wait', credential, {
			resource: 'task',
			operation: 'wait',
			taskId: '={{ $json.taskId }}',
			waiting: 'suspend',
			download: true,
			outputField: 'data',
			options: {},
		});
		const flow = await addFlow(
			n8n,
			'two steps',
			[edit('Submit', sandbox, credential, { waiting: 'none' }), wait, after()],
			[['Items', 'Submit', 'Wait', 'After']],
		);
		const id = await startFlow(n8n, flow, ['two steps 1', 'two steps 2']);
		await untilSuspended(n8n, id);
		const execution = await ended(id);
		return {
			status: execution.status,
			seen: await seenAt(n8n, execution, 'After'),
			tasks: tasksOf(sandbox, 'two steps').length,
		};
	},
	(facts) =>
		expect(facts).toEqual({
			status: 'success',
			seen: [ok('two steps 1'), ok('two steps 2')],
			tasks: 2,
		}),
);

row(
	'several items, one failed, with an error output',
	async () => {
		const flow = await addFlow(
			n8n,
			'forking',
			[
				edit('Edit', sandbox, credential, {}, { onError: 'continueErrorOutput' }),
				after(),
				after('Failed'),
			],
			[['Items', 'Edit']],
			{ outputs: { Edit: ['After', 'Failed'] } },
		);
		sandbox.outcome({
			promptIncludes: 'forking bad',
			status: 'FAILED',
			code: 'DataInspectionFailed',
			message: 'Refused',
		});
		const id = await startFlow(n8n, flow, ['forking 1', 'forking bad', 'forking 3']);
		const execution = await ended(id);
		return {
			status: execution.status,
			after: await seenAt(n8n, execution, 'After'),
			failed: await seenAt(n8n, execution, 'Failed'),
			tasks: tasksOf(sandbox, 'forking').length,
		};
	},
	({ failed, ...facts }) => {
		expect(facts).toEqual({
			status: 'success',
			after: [ok('forking 1'), ok('forking 3')],
			tasks: 3,
		});
		expect(failed).toMatchObject([
			{ from: 'forking bad', details: { taskId: '<task>' }, video: false },
		]);
	},
);

row(
	'Retry On Fail, which n8n does not do for a node that failed while suspended',
	async () => {
		const promptIncludes = 'retry bad';
		sandbox.outcome({ promptIncludes, status: 'FAILED', code: 'InvalidParameter', times: 2 });
		const flow = await addFlow(
			n8n,
			'retry',
			[edit('Edit', sandbox, credential, {}, { retryOnFail: true, maxTries: 2 }), after()],
			[['Items', 'Edit', 'After']],
		);
		const execution = await ended(await startFlow(n8n, flow, ['retry good', 'retry bad']));
		return {
			status: execution.status,
			node: errorOf(execution)?.node,
			tasks: tasksOf(sandbox, 'retry').map(({ status }) => status),
		};
	},
	(facts) =>
		expect(facts).toEqual({
			status: 'error',
			node: 'Edit',
			tasks: ['SUCCEEDED', 'FAILED', 'FAILED'],
		}),
);

describe('retry of the execution', () => {
	const retried = async (id: string, flow: Flow) => {
		await n8n.retryExecution(id);
		const second = await until('the retry', async () =>
			(await executionsOf(n8n, flow.id)).find(({ mode }) => mode === 'retry'),
		);
		const execution = await ended(second.id);
		return { execution, seen: await seenAt(n8n, execution, 'After') };
	};
	const states = (prompt: string) =>
		tasksOf(sandbox, prompt).map((task) => `${task.prompt}: ${task.status}`);

	row(
		'after a later node failed: goes on from there, and submits nothing',
		async () => {
			const flow = await addFlow(
				n8n,
				'fragile',
				[
					edit('Edit', sandbox, credential),
					node('Fragile', 'n8n-nodes-base.stopAndError', 1, { errorMessage: 'Broken' }),
					after(),
				],
				[['Items', 'Edit', 'Fragile', 'After']],
			);
			const id = await startFlow(n8n, flow, ['fragile']);
			const first = await ended(id);
			const { execution } = await retried(id, flow);
			return [first.status, execution.status, errorOf(execution)?.node, ...states('fragile')];
		},
		(facts) => expect(facts).toEqual(['error', 'error', 'Fragile', 'fragile: SUCCEEDED']),
	);

	row(
		'after a task failed: n8n repeats the error without running the node, and nothing is submitted',
		async () => {
			const flow = await addFlow(
				n8n,
				'again',
				[edit('Edit', sandbox, credential), after()],
				[['Items', 'Edit', 'After']],
			);
			sandbox.outcome({ promptIncludes: 'again bad', status: 'FAILED', code: 'InternalError' });
			const first = await ended(await startFlow(n8n, flow, ['again good', 'again bad']));
			const { execution } = await retried(first.id, flow);
			return {
				same: errorOf(execution)?.message === errorOf(first)?.message,
				status: execution.status,
				description: errorOf(execution)?.description,
				tasks: states('again'),
			};
		},
		({ same, status, description, tasks }) => {
			expect({ same, status }).toEqual({ same: true, status: 'error' });
			// What was paid for can be fetched by its ID.
			expect(description).toContain('Item 0: task <task> SUCCEEDED');
			expect(tasks).toEqual(['again good: SUCCEEDED', 'again bad: FAILED']);
		},
	);
});

/** An edit, a pause in which n8n puts the execution to sleep, and the video as a file: Edit → Pause → Write. */
const writing = (file: string) => [
	edit('Edit', sandbox, credential),
	node('Pause', 'n8n-nodes-base.wait', 1.1, { amount: 66, unit: 'seconds' }),
	node('Write', 'n8n-nodes-base.readWriteFile', 1.1, {
		operation: 'write',
		fileName: file,
		dataPropertyName: 'data',
		options: {},
	}),
];

const kindOf = async (file: string) => (await readFile(file)).subarray(4, 8).toString();

row(
	'successful executions not saved: the video outlives the wait, and a Wait node after it',
	async () => {
		await mkdir(n8n.files, { recursive: true });
		const file = join(n8n.files, 'unsaved.mp4');
		const flow = await addFlow(
			n8n,
			'unsaved',
			writing(file),
			[['Items', 'Edit', 'Pause', 'Write']],
			{ settings: { saveDataSuccessExecution: 'none', saveManualExecutions: false } },
		);
		const id = await startFlow(n8n, flow, ['unsaved']);
		// n8n lists those that run and the others by two queries: one that wakes in between is in neither.
		let missing = 0;
		await until(
			'the end of the execution',
			async () => {
				const listed = (await executionsOf(n8n, flow.id)).some((one) => one.id === id);
				missing = listed ? 0 : missing + 1;
				return missing >= 3 ? true : undefined;
			},
			5 * MINUTES,
		);
		return existsSync(file) ? await kindOf(file) : 'no file';
	},
	(kind) => expect(kind).toBe('ftyp'),
);

row(
	'files in the json of items ("Execution Logic v2"): a video from there, and the result there',
	async () => {
		await mkdir(n8n.files, { recursive: true });
		const file = join(n8n.files, 'in json.mp4');
		await copyFile(sandbox.samples.video.path, file);
		const flow = await addFlow(
			n8n,
			'in json',
			[
				readNode('Read', file),
				edit('Edit', sandbox, credential, {
					videoSource: 'binary',
					videoField: 'data',
					prompt: '={{ $("Items").item.prompt }}',
				}),
				node('After', 'n8n-nodes-base.noOp', 1),
			],
			[['Items', 'Read', 'Edit', 'After']],
			{ settings: { binaryMode: 'combined' } },
		);
		const id = await startFlow(n8n, flow, ['in json']);
		const loops = await until('The wait', async () => (await loopsOf(n8n, flow))[0], 2 * MINUTES);
		const [item] = outputOf(await ended(id), 'After');
		return { waited: loops.mode, json: item?.json };
	},
	({ waited, json }) => {
		expect(waited).toBe('integrated');
		expect(json).toMatchObject({
			succeeded: true,
			prompt: 'in json',
			_files: { data: { mimeType: 'video/mp4' } },
		});
	},
);

row(
	'webhooks out of reach, executions pruned at once: it wakes by itself, and a later node reads the video',
	async () => {
		const pruning = await startOwnN8n({
			credentials: [{ name: credential, type: 'dashScopeApi', data: credentialData(sandbox) }],
			env: {
				N8N_WEBHOOK_URL: 'http://127.0.0.1:9/',
				EXECUTIONS_DATA_PRUNE_MAX_COUNT: '1',
				// Minutes. How long n8n keeps the files of what it has pruned is left as it is: an hour.
				EXECUTIONS_DATA_PRUNE_SOFT_DELETE_INTERVAL: '0.1',
				EXECUTIONS_DATA_PRUNE_HARD_DELETE_INTERVAL: '0.1',
			},
		});
		try {
			const file = join(pruning.files, 'pruned.mp4');
			const flow = await addFlow(pruning, 'pruned', writing(file), [
				['Items', 'Edit', 'Pause', 'Write'],
			]);
			const id = await startFlow(pruning, flow, ['pruned']);
			const loop = await until('the loop', async () => (await loopsOf(pruning, flow))[0], MINUTES);
			await pruning.waitFor(loop.id, { timeoutMs: 5 * MINUTES, everyMs: 1_000 });
			// The newest execution is kept: this one.
			await pruning.run(await pruning.addWorkflow(workflow('newer', [manualTrigger()], [])));
			await until(
				'the pruning of the loop',
				async () => ((await loopsOf(pruning, flow)).length === 0 ? true : undefined),
				MINUTES,
			);
			const { status } = await pruning.execution(id);
			const kind = await until(
				'the file',
				async () => (existsSync(file) ? await kindOf(file) : undefined),
				3 * MINUTES,
			);
			return { status, kind };
		} finally {
			await pruning.stop();
		}
	},
	(facts) => expect(facts).toEqual({ status: 'waiting', kind: 'ftyp' }),
);

row(
	'Stop of the suspended execution: its loop ends at the next check and cancels what waits in the queue',
	async () => {
		const queue = await startSandbox({ slots: 0 });
		try {
			const name = 'Full Queue';
			await n8n.addCredential({ name, type: 'dashScopeApi', data: credentialData(queue) });
			const flow = await addFlow(n8n, 'stop', [edit('Edit', queue, name)], [['Items', 'Edit']]);
			const id = await startFlow(n8n, flow, ['stop me']);
			await untilSuspended(n8n, id);
			await n8n.stopExecution(id);
			const loop = await until('the loop', async () => (await loopsOf(n8n, flow))[0]);
			const { status } = await ended(loop.id);
			return {
				parent: (await n8n.execution(id)).status,
				loop: status,
				tasks: queue.tasks().map((task) => task.status),
			};
		} finally {
			await queue.stop();
		}
	},
	(facts) => expect(facts).toEqual({ parent: 'canceled', loop: 'success', tasks: ['CANCELED'] }),
);

row(
	'Stop, then retry: n8n takes the node for finished and hands its input on, which the guide warns of',
	async () => {
		sandbox.outcome({ promptIncludes: 'stopped early', jobSeconds: 300 });
		const flow = await addFlow(
			n8n,
			'stopped early',
			[edit('Edit', sandbox, credential), after()],
			[['Items', 'Edit', 'After']],
		);
		const id = await startFlow(n8n, flow, ['stopped early']);
		await untilSuspended(n8n, id);
		await n8n.stopExecution(id);
		await n8n.retryExecution(id);
		const retry = await until('the retry', async () =>
			(await executionsOf(n8n, flow.id)).find(({ mode }) => mode === 'retry'),
		);
		const execution = await ended(retry.id);
		return {
			seen: await seenAt(n8n, execution, 'After'),
			tasks: tasksOf(sandbox, 'stopped early').length,
		};
	},
	(facts) =>
		expect(facts).toEqual({
			seen: [{ from: 'stopped early', prompt: 'stopped early', video: false }],
			tasks: 1,
		}),
);

row(
	'Stop of the loop: the execution fails and hangs no longer than a minute',
	async () => {
		sandbox.outcome({ promptIncludes: 'loop stopped', jobSeconds: 300 });
		const flow = await addFlow(
			n8n,
			'loop stopped',
			[edit('Edit', sandbox, credential)],
			[['Items', 'Edit']],
		);
		const id = await startFlow(n8n, flow, ['loop stopped']);
		await untilSuspended(n8n, id);
		const loop = await until('the loop', async () => (await loopsOf(n8n, flow))[0]);
		const left = await seenAt(n8n, await untilSuspended(n8n, loop.id), 'Edit');
		await n8n.stopExecution(loop.id);
		const { status } = await n8n.waitFor(id, { timeoutMs: 90_000 });
		return { status, left };
	},
	({ status, left }) => {
		expect(status).toBe('error');
		// What n8n hands on when it is killed during a look: no half-finished item, but what became of the task.
		expect(left).toMatchObject([{ error: expect.stringContaining('<task>'), video: false }]);
	},
);

row(
	'in a loop over items: each turn has its own video',
	async () => {
		const flow = await addFlow(
			n8n,
			'turns',
			[
				node('Loop', 'n8n-nodes-base.splitInBatches', 3, { batchSize: 1, options: {} }),
				edit('Edit', sandbox, credential),
				after(),
			],
			[
				['Items', 'Loop'],
				['Edit', 'Loop'],
			],
			{ outputs: { Loop: ['After', 'Edit'] } },
		);
		const execution = await ended(await startFlow(n8n, flow, ['turn 1', 'turn 2']));
		return {
			error: errorOf(execution),
			seen: await seenAt(n8n, execution, 'After'),
			tasks: tasksOf(sandbox, 'turn ').length,
		};
	},
	(facts) =>
		expect(facts).toEqual({
			error: undefined,
			seen: [ok('turn 1'), ok('turn 2')],
			tasks: 2,
		}),
);

row(
	'twice in one workflow, both branches waiting: no result is lost',
	async () => {
		const flow = await addFlow(
			n8n,
			'branches',
			[
				edit('Left', sandbox, credential, { prompt: '={{ $json.prompt }} left' }),
				edit('Right', sandbox, credential, { prompt: '={{ $json.prompt }} right' }),
				node('Both', 'n8n-nodes-base.merge', 3.2, { mode: 'append', numberInputs: 2 }),
				after(),
			],
			[
				['Items', 'Left', 'Both', 'After'],
				['Items', 'Right', 'Both:1'],
			],
		);
		const execution = await ended(await startFlow(n8n, flow, ['branch-wise']));
		return {
			error: errorOf(execution),
			seen: await seenAt(n8n, execution, 'After'),
			tasks: tasksOf(sandbox, 'branch-wise').length,
		};
	},
	(facts) =>
		expect(facts).toEqual({
			error: undefined,
			seen: ['left', 'right'].map((side) => ({
				...ok('branch-wise'),
				prompt: `branch-wise ${side}`,
			})),
			tasks: 2,
		}),
);

row(
	'Stop of an execution that called the one that waits: the loop ends too',
	async () => {
		sandbox.outcome({ promptIncludes: 'outer', jobSeconds: 300, times: 2 });
		const inner = await addCalled(n8n, 'inner', edit('Edit', sandbox, credential));
		const flow = await addFlow(
			n8n,
			'outer',
			[callWorkflow('Call', inner, 'once')],
			[['Items', 'Call']],
		);
		const id = await startFlow(n8n, flow, ['outer 1', 'outer 2']);
		await untilSuspended(n8n, id);
		await n8n.stopExecution(id);
		return await until(
			'the end of what was called',
			async () => {
				const statuses = (await executionsOf(n8n, inner)).map(({ status }) => status);
				const over = statuses.every((status) => !['new', 'running', 'waiting'].includes(status));
				return statuses.length === 2 && over ? statuses : undefined;
			},
			2 * MINUTES,
		);
	},
	(statuses) => expect(statuses).toEqual(['success', 'success']),
);

for (const [mode, prompts] of [
	['once', ['sub once 1', 'sub once 2']],
	['each', ['sub each 1', 'sub each 2']],
] as const) {
	row(
		`in a sub-workflow that is called ${mode === 'once' ? 'once for all items' : 'for each item'}`,
		async () => {
			const inner = await addCalled(n8n, `sub ${mode}`, edit('Edit', sandbox, credential));
			const flow = await addFlow(
				n8n,
				`calls ${mode}`,
				[callWorkflow('Call', inner, mode), after()],
				[['Items', 'Call', 'After']],
			);
			const id = await startFlow(n8n, flow, [...prompts]);
			const execution = await ended(id);
			const inside = (await executionsOf(n8n, inner)).length;
			return {
				error: errorOf(execution),
				seen: await seenAt(n8n, execution, 'After'),
				tasks: tasksOf(sandbox, `sub ${mode}`).length,
				inside,
			};
		},
		(facts) =>
			expect(facts).toEqual({
				error: undefined,
				seen: prompts.map(ok),
				tasks: 2,
				// Once: the called execution and the loop it waits for. Each: two that were kept running.
				inside: 2,
			}),
	);
}

describe('Automatic', () => {
	const auto = { waiting: 'auto' };

	row(
		'suspends a production run after about 45 s',
		async () => {
			sandbox.outcome({ promptIncludes: 'auto long', jobSeconds: 70 });
			const flow = await addFlow(
				n8n,
				'auto long',
				[edit('Edit', sandbox, credential, auto), after()],
				[['Items', 'Edit', 'After']],
			);
			const id = await startFlow(n8n, flow, ['auto long']);
			const from = Date.now();
			await untilSuspended(n8n, id);
			const held = (Date.now() - from) / 1000;
			const execution = await ended(id);
			return { held, seen: await seenAt(n8n, execution, 'After') };
		},
		({ held, seen }) => {
			expect(seen).toEqual([ok('auto long')]);
			expect(held).toBeGreaterThan(40);
			expect(held).toBeLessThan(65);
		},
	);

	row(
		'keeps a webhook run going whose caller waits for the result',
		async () => {
			sandbox.outcome({ promptIncludes: 'auto answer', jobSeconds: 60 });
			const flow = await addFlow(
				n8n,
				'auto answer',
				[edit('Edit', sandbox, credential, auto), after()],
				[['Items', 'Edit', 'After']],
				{ hook: { responseMode: 'lastNode' } },
			);
			const response = await call(n8n, flow.path, { prompts: [{ prompt: 'auto answer' }] });
			const answer = (await response.json()) as { status?: string };
			return { answer: answer.status, loops: (await loopsOf(n8n, flow)).length };
		},
		(facts) => expect(facts).toEqual({ answer: 'SUCCEEDED', loops: 0 }),
	);
});

row(
	'a member, with a credential that the owner shares: finishes as for the owner',
	async () => {
		const member = await addMember(n8n);
		await shareCredential(n8n, credential, member);
		const flow = await addFlow(
			member,
			'member',
			[
				edit('Edit', sandbox, credential, {}, { credentials: await credentialOf(n8n, credential) }),
				after(),
			],
			[['Items', 'Edit', 'After']],
		);
		const execution = await member.waitFor(await startFlow(member, flow, ['member']), {
			timeoutMs: 6 * MINUTES,
			everyMs: 2_000,
		});
		return { error: errorOf(execution), seen: await seenAt(member, execution, 'After') };
	},
	(facts) => expect(facts).toEqual({ error: undefined, seen: [ok('member')] }),
);
