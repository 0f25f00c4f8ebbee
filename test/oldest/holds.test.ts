// The oldest n8n 2.x, which cannot suspend: the node keeps the execution running, says so, and delivers.
import { join } from 'node:path';
import { ensureHost } from '../../host/install';
import { startN8n, type N8n } from '../../host/n8n';
import { packPackage, root } from '../../host/pack';
import { startSandbox } from '../../sandbox';
import { credentialData, executionsOf, type Sandbox } from '../e2e/support';
import { addFlow, after, edit, seenAt, startFlow, tasksOf } from '../e2e/suspended';

const credential = 'Sandbox';

let sandbox: Sandbox;
let n8n: N8n;

// The first run installs this n8n, too.
jest.setTimeout(25 * 60_000);

beforeAll(async () => {
	const host = await ensureHost(join(root, 'host', 'oldest'));
	sandbox = await startSandbox({ jobSeconds: 3 });
	n8n = await startN8n({
		host,
		tarball: await packPackage({ build: false }),
		credentials: [{ name: credential, type: 'dashScopeApi', data: credentialData(sandbox) }],
		// It ends where it is told to leave out a module that it does not have.
		env: { N8N_DISABLED_MODULES: '' },
	});
});

afterAll(async () => {
	await n8n?.stop();
	await sandbox?.stop();
});

test('is the version that the manifest names', () => {
	expect(n8n.version).toBe('2.0.0');
});

test.each(['suspend', 'auto'])('"%s" holds, says why, and hands the videos on', async (way) => {
	const flow = await addFlow(
		n8n,
		way,
		[edit('Edit', sandbox, credential, { waiting: way }), after()],
		[['Items', 'Edit', 'After']],
	);
	const prompts = [`${way} one`, `${way} two`];
	const execution = await n8n.waitFor(await startFlow(n8n, flow, prompts));

	expect(execution.data.resultData.error).toBeUndefined();
	expect(await seenAt(n8n, execution, 'After')).toEqual(
		prompts.map((prompt) => ({ from: prompt, prompt, video: true })),
	);
	expect(execution.data.resultData.runData.Edit?.[0]?.hints).toContainEqual(
		expect.objectContaining({
			message: expect.stringMatching(/stayed active while waiting: this version of n8n cannot/),
		}),
	);
	expect(tasksOf(sandbox, way)).toHaveLength(2);
	// No sub-execution was started.
	expect(await executionsOf(n8n, flow.id)).toHaveLength(1);
});
