// The suspended wait in queue mode: PostgreSQL, Redis, a main process and workers.
import { startQueueServers, whyNoQueue, type QueueServers } from '../../host/servers';
import { outputOf } from '../../host/client';
import type { N8n } from '../../host/n8n';
import type { Program } from '../../host/program';
import { startWorker } from '../../host/worker';
import { startSandbox } from '../../sandbox';
import { busySeconds, workerOf } from './queue-log';
import { available, credentialData, startOwnN8n, until, type Sandbox } from './support';
import {
	addFlow,
	addedDelay,
	after,
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
const ok = (prompt: string) => ({ from: prompt, prompt, video: true });

const missing = whyNoQueue();
const queued = available(missing) ? test : test.skip;

let servers: QueueServers;
let sandbox: Sandbox;
let n8n: N8n;
let first: Program;
let second: Program;
let flow: Flow;

jest.setTimeout(480_000);

beforeAll(async () => {
	if (missing !== undefined) return;
	servers = await startQueueServers();
	sandbox = await startSandbox({
		jobSeconds: 40,
		slots: 100,
		submitsPerSecond: 100,
		queriesPerSecond: 200,
	});
	n8n = await startOwnN8n({
		env: servers.env,
		credentials: [{ name: credential, type: 'dashScopeApi', data: credentialData(sandbox) }],
	});
	first = await startWorker(n8n, { concurrency: 2, env: servers.env });
	flow = await addFlow(
		n8n,
		'queue',
		[edit('Edit', sandbox, credential), after()],
		[['Items', 'Edit', 'After']],
	);
});

afterAll(async () => {
	await second?.kill();
	await first?.kill();
	await n8n?.stop();
	await servers?.stop();
	await sandbox?.stop();
});

const ended = async (id: string) => await n8n.waitFor(id, { timeoutMs: 400_000, everyMs: 2_000 });

queued('20 suspended executions on one worker with concurrency 2 finish on time', async () => {
	const jobSeconds = 60;
	const looks = 2;
	sandbox.outcome({ promptIncludes: 'crowd', jobSeconds, times: 20 });
	const ids: Array<{ id: string; prompt: string }> = [];
	for (let number = 1; number <= 20; number++) {
		const prompt = `crowd ${number}.`;
		ids.push({ prompt, id: await startFlow(n8n, flow, [prompt]) });
	}
	const results = await Promise.all(
		ids.map(async ({ id, prompt }) => {
			const execution = await ended(id);
			return {
				id,
				error: errorOf(execution),
				video: (await seenAt(n8n, execution, 'After'))[0]?.video,
				delay: addedDelay(sandbox, execution, prompt),
			};
		}),
	);
	expect(results.filter(({ video }) => video)).toHaveLength(20);
	expect(results.filter(({ error }) => error)).toEqual([]);
	expect(tasksOf(sandbox, 'crowd')).toHaveLength(20);

	const busy = busySeconds(first.log());
	const total = [...busy.values()].reduce((sum, seconds) => sum + seconds, 0);
	const perExecution = total / ids.length;
	const delays = results.map(({ delay }) => delay);
	process.stdout.write(
		`Worker time: ${total.toFixed(1)} s for 20 executions of ${jobSeconds} s with ${looks} looks each, ` +
			`${perExecution.toFixed(2)} s each; added delay up to ${Math.max(...delays).toFixed(1)} s\n`,
	);
	// Held, they would take the whole job time on the worker, and the last ones would wait for nine others before them.
	expect(perExecution).toBeLessThanOrEqual(jobSeconds / 4);
	expect(Math.max(...delays)).toBeLessThanOrEqual(2 * jobSeconds);
	// Held, they would need ten times the job time.
	expect(busy.size).toBeGreaterThanOrEqual(40);
});

queued('kill -9 of the worker that submitted: the other one finishes', async () => {
	second = await startWorker(n8n, { concurrency: 2, env: servers.env });
	const queue = await startSandbox({ slots: 0 });
	const name = 'Full Queue';
	await n8n.addCredential({ name, type: 'dashScopeApi', data: credentialData(queue) });
	const stopped = await addFlow(n8n, 'stop', [edit('Edit', queue, name)], [['Items', 'Edit']]);
	const stoppedId = await startFlow(n8n, stopped, ['stop me']);

	const id = await startFlow(n8n, flow, ['worker one', 'worker two']);
	await untilSuspended(n8n, id);
	await untilSuspended(n8n, stoppedId);
	const [killed, other] =
		workerOf(id, first.log()) !== undefined ? [first, second] : [second, first];
	await killed.kill('SIGKILL');
	await n8n.stopExecution(stoppedId);

	const execution = await ended(id);
	expect(errorOf(execution)).toBeUndefined();
	expect(await seenAt(n8n, execution, 'After')).toEqual([ok('worker one'), ok('worker two')]);
	expect(tasksOf(sandbox, 'worker')).toHaveLength(2);
	expect(workerOf(id, other.log())).toBeDefined();

	// The execution that was stopped beside it: its loop has ended, and its task did not get its turn.
	const loop = await until('the loop', async () => (await loopsOf(n8n, stopped))[0]);
	expect((await ended(loop.id)).status).toBe('success');
	expect((await n8n.execution(stoppedId)).status).toBe('canceled');
	expect(queue.tasks().map(({ status }) => status)).toEqual(['CANCELED']);
	await queue.stop();
	await killed.launch();
});

queued(
	'equal prompts on two workers, one submission lost: nobody gets the video of another',
	async () => {
		const { video, portraitVideo } = sandbox.samples;
		const prompt = 'the fixed prompt of two visitors';
		const flows = await Promise.all(
			[video, portraitVideo].map(
				async ({ url }, index) =>
					await addFlow(
						n8n,
						`visitor ${index}`,
						[edit('Edit', sandbox, credential, { videoUrl: url, waiting: 'active' })],
						[['Items', 'Edit']],
					),
			),
		);
		// The first submission creates nothing; the second follows from the other process while it is looked for.
		sandbox.fault({ route: 'create', drop: 'before' });
		const before = sandbox.requests('create').length;
		const ids: string[] = [];
		for (const visitor of flows) {
			ids.push(await startFlow(n8n, visitor, [prompt]));
			await until('its submission', async () =>
				sandbox.requests('create').length >= before + ids.length ? true : undefined,
			);
		}
		const workers = ids.map((id) => workerOf(id, first.log()) ?? workerOf(id, second.log()));
		expect(workers.every((worker) => worker !== undefined)).toBe(true);

		const inputs = new Map(
			(await Promise.all(ids.map(ended))).map((execution, index): [string, unknown] => {
				const [own] = outputOf(execution, 'Edit');
				if (own === undefined) {
					expect(errorOf(execution)?.message).toMatch(/^Outcome unknown/);
					return [`error ${index}`, index];
				}
				return [String(own.json.taskId), index];
			}),
		);
		for (const task of tasksOf(sandbox, prompt)) {
			const [input] = task.media;
			const owner = inputs.get(task.id);
			// A task that nobody took is named in an error; one that was taken is its own.
			if (owner === undefined) continue;
			if (input?.kind !== 'video') throw new Error('Its input was not read');
			const landscape = input.probe.width > input.probe.height;
			expect(owner).toBe(landscape ? 0 : 1);
		}
		expect(inputs.size).toBe(2);
		expect([...inputs.keys()].filter((key) => !key.startsWith('error')).length).toBeGreaterThan(0);
	},
);

queued('kill -9 of the main process: finishes after its restart', async () => {
	const id = await startFlow(n8n, flow, ['main one', 'main two']);
	await untilSuspended(n8n, id);
	await n8n.kill('SIGKILL');
	await n8n.restart();
	const execution = await ended(id);
	expect(errorOf(execution)).toBeUndefined();
	expect(await seenAt(n8n, execution, 'After')).toEqual([ok('main one'), ok('main two')]);
	expect(tasksOf(sandbox, 'main')).toHaveLength(2);
});
