// n8n's second engine, which a workflow chooses in its settings: nothing can be put to wait there.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outputOf } from '../../host/client';
import { freePort } from '../../host/ports';
import { databaseUrl, startQueueServers, whyNoQueue, type QueueServers } from '../../host/servers';
import type { N8n } from '../../host/n8n';
import { startSandbox } from '../../sandbox';
import {
	available,
	call,
	credentialData,
	executionsOf,
	node,
	startOwnN8n,
	until,
	type Sandbox,
} from './support';
import { addFlow, edit, tasksOf } from './suspended';

const credential = 'Sandbox';

const missing = whyNoQueue();
const withServers = available(missing) ? test : test.skip;

let servers: QueueServers;
let sandbox: Sandbox;
let n8n: N8n;

jest.setTimeout(240_000);

beforeAll(async () => {
	if (missing !== undefined) return;
	servers = await startQueueServers();
	sandbox = await startSandbox({ jobSeconds: 8 });
	n8n = await startOwnN8n({
		credentials: [{ name: credential, type: 'dashScopeApi', data: credentialData(sandbox) }],
		env: {
			N8N_ENABLED_MODULES: 'engine-v2',
			N8N_ENGINE_DATABASE_URL: databaseUrl(servers),
			N8N_ENGINE_AUTH_SECRET: randomBytes(32).toString('hex'),
			N8N_ENGINE_PORT: String(await freePort()),
			N8N_ENGINE_HOST: '127.0.0.1',
			N8N_ENGINE_CONTROL_PLANE_PORT: String(await freePort()),
		},
	});
});

afterAll(async () => {
	await n8n?.stop();
	await sandbox?.stop();
	await servers?.stop();
});

for (const waiting of ['suspend', 'auto']) {
	withServers(`${waiting}: holds, says so, and brings the video`, async () => {
		const prompt = `second engine, ${waiting}`;
		const file = join(n8n.files, `${waiting}.mp4`);
		const write = node('Write', 'n8n-nodes-base.readWriteFile', 1.1, {
			operation: 'write',
			fileName: file,
			dataPropertyName: 'data',
			options: {},
		});
		const flow = await addFlow(
			n8n,
			prompt,
			[edit('Edit', sandbox, credential, { waiting }), write],
			[['Items', 'Edit', 'Write']],
			{ settings: { engineType: 'v2' } },
		);
		await call(n8n, flow.path, { prompts: [{ prompt }] });
		const { id } = await until('the end', async () =>
			(await executionsOf(n8n, flow.id)).find(({ status }) => !['new', 'running'].includes(status)),
		);
		// The second engine gives its executions such IDs; others have numbers.
		expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
		const execution = await n8n.execution(id);
		expect(execution.status).toBe('success');
		expect(outputOf(execution, 'Edit')[0]?.json).toMatchObject({ status: 'SUCCEEDED', prompt });
		// n8n 2.41.1 hands out no files of such an execution, so a node of it writes the video.
		expect((await readFile(file)).subarray(4, 8).toString()).toBe('ftyp');
		expect(tasksOf(sandbox, prompt)).toHaveLength(1);
		// No loop was started.
		expect(await executionsOf(n8n, flow.id)).toHaveLength(1);
		expect(n8n.log()).toContain("n8n's second engine");
	});
}
