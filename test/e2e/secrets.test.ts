// Where the API key is not, in a real n8n: its database with all that is saved of executions, its files and its log.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { N8n } from '../../host/n8n';
import { startSandbox } from '../../sandbox';
import { credentialData, startOwnN8n, type Sandbox } from './support';
import { addFlow, after, edit, loopsOf, seenAt, startFlow, untilSuspended } from './suspended';

const KEY = 'sk-Marked7f3a9c1e5b';
const credential = 'Marked';

let sandbox: Sandbox;
let n8n: N8n;

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 6, apiKey: KEY });
	n8n = await startOwnN8n({
		credentials: [{ name: credential, type: 'dashScopeApi', data: credentialData(sandbox) }],
		env: { N8N_LOG_LEVEL: 'debug' },
	});
});

afterAll(async () => {
	await n8n?.stop();
	await sandbox?.stop();
});

/** The files of n8n that contain a text. */
async function filesWith(text: string): Promise<string[]> {
	const entries = await readdir(n8n.userFolder, { recursive: true, withFileTypes: true });
	const paths = entries
		.filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
		.map(({ parentPath, name }) => join(parentPath, name));
	const found: string[] = [];
	for (const path of paths) if ((await readFile(path)).includes(text)) found.push(path);
	return found;
}

test('a suspended edit and failures that repeat the key leave it in no file and no log', async () => {
	const flow = await addFlow(
		n8n,
		'Marked',
		[edit('Edit', sandbox, credential), after()],
		[['Items', 'Edit', 'After']],
	);
	const suspended = await startFlow(n8n, flow, ['marked prompt']);
	await untilSuspended(n8n, suspended);
	expect(await filesWith(KEY)).toEqual([]);
	const finished = await n8n.waitFor(suspended);
	expect(await seenAt(n8n, finished, 'After')).toHaveLength(1);
	expect(await loopsOf(n8n, flow)).toHaveLength(1);

	const echo = `Invalid token ${KEY}`;
	const body = { code: 'InvalidApiKey', message: echo, request_id: KEY };
	sandbox.fault({ route: 'create', status: 401, body });
	const refused = await n8n.waitFor(await startFlow(n8n, flow, ['marked refusal']));
	expect(refused.status).toBe('error');
	sandbox.outcome({ status: 'FAILED', code: KEY, message: echo });
	const failed = await n8n.waitFor(await startFlow(n8n, flow, ['marked failure']));
	expect(failed.status).toBe('error');

	const saved = JSON.stringify([finished, refused, failed]);
	expect(saved).toContain('Invalid token');
	expect(saved).not.toContain(KEY);
	// What is saved can be read: only the credential is encrypted.
	expect((await filesWith('marked failure')).length).toBeGreaterThan(0);
	expect(await filesWith(KEY)).toEqual([]);
	expect(n8n.log()).toContain('Edit');
	expect(n8n.log()).not.toContain(KEY);
});
