// The billing rules that n8n itself has a part in: its retries, and Stop.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { outputOf } from '../../host/client';
import {
	executionsOf,
	manualTrigger,
	node,
	sendVideo,
	setStage,
	until,
	wanVideoEdit,
	webhook,
	workflow,
	type Stage,
} from './support';

let stage: Stage;

beforeAll(async () => {
	stage = await setStage();
});

afterAll(async () => {
	await stage?.stop();
});

beforeEach(async () => {
	await stage.sandbox.reset();
	stage.sandbox.configure({ jobSeconds: 1, slots: 5 });
});

/** Three items, each with a prompt of its own, edited by a node with the given settings. */
async function threeEdits(settings: Record<string, unknown> = {}): Promise<string> {
	const { sandbox, credential, n8n } = stage;
	const items = node('Three Items', 'n8n-nodes-base.code', 2, {
		jsCode:
			"return ['grey', 'blur', 'pixel'].map((prompt) => ({ json: { prompt }, pairedItem: 0 }));",
	});
	const edit = wanVideoEdit('Edit', credential, {
		resource: 'video',
		operation: 'instructionEdit',
		videoSource: 'url',
		videoUrl: sandbox.samples.video.url,
		prompt: '={{ $json.prompt }}',
		resolution: '720P',
		waiting: 'active',
		options: { pollInterval: 1 },
	});
	const name = expect.getState().currentTestName ?? 'test';
	return await n8n.addWorkflow(
		workflow(
			name.slice(0, 120),
			[manualTrigger(), items, { ...edit, ...settings }],
			[['Start', 'Three Items', 'Edit']],
		),
	);
}

test('Retry On Fail after one of three items failed picks the tasks up: three in total', async () => {
	const { n8n, sandbox } = stage;
	sandbox.fault({ route: 'result', status: 403 });
	const id = await threeEdits({ retryOnFail: true, maxTries: 3, waitBetweenTries: 100 });
	const execution = await n8n.waitFor(await n8n.run(id));

	expect(execution.data.resultData.error?.message).toBeUndefined();
	expect(execution.status).toBe('success');
	expect(outputOf(execution, 'Edit').map(({ json }) => json.succeeded)).toEqual([true, true, true]);
	expect(sandbox.requests('create')).toHaveLength(3);
	// The first try did fail: its three downloads, one of them refused, and three more.
	expect(sandbox.requests('result')).toHaveLength(6);
});

test('"Retry execution" after a failed run delivers finished tasks without a new submission', async () => {
	const { n8n, sandbox } = stage;
	sandbox.fault({ route: 'result', status: 403 });
	const failed = await n8n.waitFor(await n8n.run(await threeEdits()));
	expect(failed.status).toBe('error');
	expect(sandbox.requests('create')).toHaveLength(3);

	await n8n.retryExecution(failed.id);
	const executions = await executionsOf(n8n, failed.workflowId);
	const retry = executions.find(({ id }) => id !== failed.id);
	const execution = await n8n.waitFor(retry?.id ?? '');
	expect(execution.status).toBe('success');
	expect(outputOf(execution, 'Edit').map(({ json }) => json.succeeded)).toEqual([true, true, true]);
	expect(sandbox.requests('create')).toHaveLength(3);
});

test('so it does for a file that a webhook received, which n8n renames when the execution ends', async () => {
	const { n8n, sandbox } = stage;
	sandbox.fault({ route: 'result', status: 403 });
	const path = randomUUID();
	const edit = wanVideoEdit('Edit', stage.credential, {
		videoSource: 'binary',
		videoField: 'video',
		prompt: 'grey',
		waiting: 'active',
		options: { pollInterval: 1 },
	});
	const flow = workflow('received', [webhook(path), edit], [['Hook', 'Edit']]);
	const workflowId = await n8n.addWorkflow(flow);
	await n8n.publish(workflowId);
	await sendVideo(n8n, path, sandbox.samples.video.path);
	const execution = async (index: number) =>
		await until(`execution ${index}`, async () => (await executionsOf(n8n, workflowId))[index]?.id);
	const failed = await n8n.waitFor(await execution(0));
	expect(failed.status).toBe('error');

	await n8n.retryExecution(failed.id);
	const retry = await n8n.waitFor(await execution(1));
	expect(outputOf(retry, 'Edit').map(({ json }) => json.succeeded)).toEqual([true]);
	expect(sandbox.requests('create')).toHaveLength(1);
	expect(sandbox.requests('upload')).toHaveLength(1);
});

test('Stop ends the wait, cancels what waits and leaves what runs', async () => {
	const { n8n, sandbox } = stage;
	sandbox.configure({ jobSeconds: 60, slots: 1 });
	const executionId = await n8n.run(await threeEdits());
	const statuses = () => sandbox.tasks().map(({ status }) => status);
	// Every task was asked for: the node waits.
	await until(
		'three queries',
		async () => await Promise.resolve(sandbox.requests('query').length >= 3 || undefined),
	);
	expect(statuses()).toEqual(['RUNNING', 'PENDING', 'PENDING']);

	const stopped = Date.now();
	await n8n.stopExecution(executionId);
	const { status, stoppedAt } = await n8n.waitFor(executionId);
	expect(status).toBe('canceled');
	await until(
		'the cancellations',
		async () => await Promise.resolve(!statuses().includes('PENDING') || undefined),
	);
	expect(statuses()).toEqual(['RUNNING', 'CANCELED', 'CANCELED']);
	// Without Stop it would wait for a minute. That it takes less than a second is tested on a virtual clock.
	expect(Date.now() - stopped).toBeLessThan(10_000);

	// It asked every second. What was on its way when it was stopped may still arrive.
	await sleep(3_000);
	const stop = Date.parse(stoppedAt ?? '');
	const later = sandbox.requests('query').filter(({ at }) => at > stop + 1_000);
	expect(later).toEqual([]);
});

test('two executions with equal prompts get their own videos although one submission is lost', async () => {
	const { n8n, sandbox } = stage;
	const edit = wanVideoEdit('Edit', stage.credential, {
		videoSource: 'url',
		videoUrl: sandbox.samples.video.url,
		prompt: 'the fixed prompt of a form',
		waiting: 'active',
		options: { pollInterval: 1 },
	});
	const id = await n8n.addWorkflow(
		workflow('two visitors', [manualTrigger(), edit], [['Start', 'Edit']]),
	);
	// Nothing is created by the first submission; the second follows while the first is looked for.
	sandbox.fault({ route: 'create', drop: 'before' });
	const first = await n8n.run(id);
	await until('the lost submission', async () =>
		sandbox.requests('create').length === 1 ? true : undefined,
	);
	const second = await n8n.run(id);
	const [own] = outputOf(await n8n.waitFor(second), 'Edit');
	const lost = await n8n.waitFor(first, { timeoutMs: 120_000 });

	const [own2] = outputOf(lost, 'Edit');
	expect(sandbox.tasks()).toHaveLength(2);
	expect(own?.json.taskId).toBe(sandbox.tasks()[0]?.id);
	expect(own2?.json.taskId).toBe(sandbox.tasks()[1]?.id);
});
