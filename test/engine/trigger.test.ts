import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NodeHelpers } from 'n8n-workflow';
import type { IBinaryData, ILoadOptionsFunctions, INodeExecutionData } from 'n8n-workflow';
import codex from '../../nodes/WanVideoEditTrigger/WanVideoEditTrigger.node.json';
import { WanVideoEditTrigger } from '../../nodes/WanVideoEditTrigger/WanVideoEditTrigger.node';
import { modelId, named, only, until, useBench } from './bench';
import { readBinary } from './engine';
import { activeTrigger } from './polls';

// The trigger in n8n's engine, against the sandbox.

const bench = useBench();

const MODEL = 'wan2.7-videoedit';

/** Submits tasks and waits until they have ended. */
async function edit(...prompts: string[]): Promise<string[]> {
	const before = bench.taskIds().length;
	const { items } = await bench.run(named(...prompts), {
		prompt: '={{ $json.prompt }}',
		waiting: 'none',
	});
	await ended();
	expect(items).toHaveLength(prompts.length);
	return bench.taskIds().slice(before);
}

async function ended(): Promise<void> {
	await until(() =>
		bench.sandbox.tasks().every(({ status }) => !['PENDING', 'RUNNING'].includes(status)),
	);
}

const idsOf = (items: INodeExecutionData[] | null) => items?.map(({ json }) => json.taskId);

function videoOf({ binary }: INodeExecutionData): IBinaryData {
	if (binary?.data === undefined) throw new Error('The item has no video');
	return binary.data;
}

async function active(parameters = {}) {
	const trigger = activeTrigger(bench.credential(), parameters);
	expect(await trigger.poll()).toBeNull();
	return trigger;
}

test('emits what Get Status returns, with the video, once for each task', async () => {
	await edit('before the activation');
	const trigger = await active();
	const [taskId] = await edit('black and white');

	const item = only((await trigger.poll()) ?? []);
	const status = await bench.run([{ json: { taskId } }], {
		resource: 'task',
		operation: 'getStatus',
		taskId,
	});
	const { requestId: _, ...json } = item.json;
	expect(only(status.items).json).toMatchObject(json);
	expect(json).toMatchObject({ taskId, succeeded: true, prompt: 'black and white' });
	expect(json).toHaveProperty('usage.estimatedCost.amount');
	expect(item.binary?.data).toMatchObject({ fileName: `${taskId}.mp4`, mimeType: 'video/mp4' });
	expect(await readBinary(videoOf(item))).toEqual(await readBinary(videoOf(only(status.items))));

	expect(await trigger.poll()).toBeNull();
});

test('goes on after a restart where it was', async () => {
	const trigger = await active();
	const ids = await edit('a', 'b');
	expect(idsOf(await trigger.poll())?.sort()).toEqual([...ids].sort());
	trigger.restart();
	const [later] = await edit('c');
	expect(idsOf(await trigger.poll())).toEqual([later]);
	trigger.restart();
	expect(await trigger.poll()).toBeNull();
});

test('n8n that does not keep what the poll at the activation leaves loses nothing', async () => {
	const trigger = await active();
	const [taskId] = await edit('right after the activation');
	trigger.forget();
	expect(idsOf(await trigger.poll())).toEqual([taskId]);
	trigger.restart();
	expect(await trigger.poll()).toBeNull();
});

test('two polls at a time emit a task once', async () => {
	const trigger = await active();
	const [taskId] = await edit('a');
	const [first, second] = await Promise.all([trigger.poll(), trigger.poll()]);
	expect([first, second].map(idsOf)).toEqual([[taskId], undefined]);
});

test('a poll that hangs is given up, and keeps out none that follows', async () => {
	const hung: ServerResponse[] = [];
	let hangs = false;
	const server = createServer((_request, response) => {
		if (hangs) return void hung.push(response.writeHead(200));
		response.setHeader('content-type', 'application/json');
		response.end(JSON.stringify({ request_id: 'r', total: 0, total_page: 1, data: [] }));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	const credential = { ...bench.credential(), baseUrl: `http://127.0.0.1:${port}` };
	const trigger = activeTrigger(credential, {}, 1_000);
	expect(await trigger.poll()).toBeNull();
	hangs = true;
	await expect(trigger.poll()).rejects.toMatchObject({
		message: 'DashScope did not answer in the time that n8n gives a poll',
	});
	hangs = false;
	expect(await trigger.poll()).toBeNull();
	expect(hung).toHaveLength(1);
	server.closeAllConnections();
	server.close();
});

test('a poll that fails names the reason and loses nothing', async () => {
	const trigger = await active();
	const [taskId] = await edit('a');
	bench.sandbox.configure({ apiKey: 'sk-changed' });
	await expect(trigger.poll()).rejects.toMatchObject({
		message: expect.stringContaining('API'),
		description: expect.stringContaining('The request went to'),
	});
	bench.sandbox.configure({ apiKey: 'sk-sandbox' });
	expect(idsOf(await trigger.poll())).toEqual([taskId]);
});

describe('the first poll after a restart of n8n', () => {
	const refused = () => bench.sandbox.configure({ apiKey: 'sk-changed' });
	afterEach(() => bench.sandbox.configure({ apiKey: 'sk-sandbox' }));

	test.each(['init', 'leadershipChange'] as const)(
		'(%s) does not fail, for n8n would give the trigger up; the next one does',
		async (activation) => {
			const trigger = await active();
			const [taskId] = await edit('a');
			refused();
			trigger.restart(activation);
			const before = trigger.memory();
			expect(await trigger.poll()).toBeNull();
			expect(trigger.memory()).toEqual(before);
			await expect(trigger.poll()).rejects.toThrow('API');
			bench.sandbox.configure({ apiKey: 'sk-sandbox' });
			expect(idsOf(await trigger.poll())).toEqual([taskId]);
		},
	);

	test.each(['activate', 'update'] as const)(
		'fails where a user activates the trigger (%s)',
		async (activation) => {
			const trigger = await active();
			refused();
			trigger.restart(activation);
			await expect(trigger.poll()).rejects.toThrow('API');
		},
	);
});

describe('filters', () => {
	test('let only chosen ends through', async () => {
		const trigger = await active({ status: ['FAILED'] });
		bench.sandbox.outcome({ promptIncludes: 'bad', status: 'FAILED', code: 'X', message: 'no' });
		const [, bad] = await edit('good', 'bad');
		const item = only((await trigger.poll()) ?? []);
		expect(item.json).toMatchObject({ taskId: bad, status: 'FAILED', code: 'X', message: 'no' });
		expect(item.binary).toBeUndefined();
	});

	test('let the ends through that an expression gives as text', async () => {
		const trigger = await active({ status: "={{ 'FAILED' }}" });
		bench.sandbox.outcome({ promptIncludes: 'bad', status: 'FAILED', code: 'X', message: 'no' });
		const [, bad] = await edit('good', 'bad');
		expect(idsOf(await trigger.poll())).toEqual([bad]);
	});

	test.each([
		['the models of the action', { __rl: true, mode: 'list', value: 'wanVideoEdit' }, true],
		['all models', { __rl: true, mode: 'list', value: 'all' }, true],
		['the model', modelId(MODEL), true],
		['another model', modelId('wan3.0-video'), false],
	])('%s', async (_, model, found) => {
		const trigger = await active({ model, download: false });
		const [taskId] = await edit('a');
		expect(idsOf(await trigger.poll())).toEqual(found ? [taskId] : undefined);
	});

	test('the list of models begins with those that stand for several', async () => {
		const { searchModels } = new WanVideoEditTrigger().methods.listSearch;
		const list = async (filter?: string) =>
			(await searchModels.call({} as ILoadOptionsFunctions, filter)).results.map(
				({ value }) => value,
			);
		expect((await list()).slice(0, 3)).toEqual(['wanVideoEdit', 'all', MODEL]);
		expect(await list('account')).toEqual(['all']);
		expect(await list('2.7 video')).toEqual([MODEL]);
		const every = await list();
		expect(every).toEqual(expect.arrayContaining(['wan2.2-animate-mix', 'wan2.7-i2v']));
		expect(new Set(every).size).toBe(every.length);
	});

	test('that cannot be used are refused', async () => {
		const trigger = activeTrigger(bench.credential(), { model: modelId('') });
		await expect(trigger.poll()).rejects.toMatchObject({ message: "'Model' is empty" });
		const other = activeTrigger(bench.credential(), { status: ['DONE'] });
		const message = '\'Status\' has "DONE", which is not one of its options';
		await expect(other.poll()).rejects.toMatchObject({ message });
	});
});

describe('Fetch Test Event', () => {
	test('gives the latest finished task and changes nothing', async () => {
		await edit('first');
		const trigger = activeTrigger(bench.credential());
		const [latest] = await edit('second');
		const before = trigger.memory();
		expect(idsOf(await trigger.poll('manual'))).toEqual([latest]);
		expect(idsOf(await trigger.poll('manual'))).toEqual([latest]);
		expect(trigger.memory()).toEqual(before);
	});

	test('says what to do when there is none', async () => {
		const trigger = activeTrigger(bench.credential());
		await expect(trigger.poll('manual')).rejects.toMatchObject({
			message: 'No finished task matches the filters',
			description: expect.stringContaining('24 hours'),
		});
	});
});

describe('the description', () => {
	const { description, methods } = new WanVideoEditTrigger();

	test('is that of a polling trigger', () => {
		expect(description).toMatchObject({ polling: true, group: ['trigger'], inputs: [] });
		expect(description).not.toHaveProperty('usableAsTool');
		for (const { testedBy } of description.credentials ?? []) {
			expect(methods.credentialTest).toHaveProperty(String(testedBy));
		}
	});

	test('is found by n8n’s search', () => {
		expect(codex.node).toBe(`n8n-nodes-wan-video-edit.${description.name}`);
		expect(codex.categories).toEqual(['Marketing & Content']);
		expect(codex.alias).toEqual(expect.arrayContaining(['DashScope', '万相', '百炼', 'Wan']));
	});

	test('has fields whose defaults can be run', () => {
		const issues = NodeHelpers.getNodeParametersIssues(
			description.properties,
			{
				id: '1',
				name: 'T',
				type: 't',
				typeVersion: 1,
				position: [0, 0],
				parameters:
					NodeHelpers.getNodeParameters(
						description.properties,
						{},
						true,
						false,
						null,
						description,
					) ?? {},
			},
			description,
		);
		expect(issues).toBeNull();
	});
});
