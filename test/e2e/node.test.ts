// The packed node in a real n8n, used through the API that the editor uses.
import { outputOf, type Execution } from '../../host/client';
import {
	credentialData,
	manualTrigger,
	node,
	nodeType,
	readFile,
	setStage,
	wanVideoEdit,
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

async function execute(
	nodes: Parameters<typeof workflow>[1],
	lines: string[][],
): Promise<Execution> {
	const name = expect.getState().currentTestName ?? 'test';
	const id = await stage.n8n.addWorkflow(workflow(name.slice(0, 120), nodes, lines));
	return await stage.n8n.waitFor(await stage.n8n.run(id));
}

test('n8n loads the node under its published type', async () => {
	// Asked for by that type, n8n answers with the name that the package itself gives the node.
	const descriptions = await stage.n8n.rest<Array<{ name: string; displayName: string }>>(
		'POST',
		'/node-types',
		{ nodeInfos: [{ name: nodeType, version: 1 }] },
	);
	expect(descriptions).toMatchObject([{ name: 'wanVideoEdit', displayName: 'Wan Video Edit' }]);
});

describe('the credential test', () => {
	const testCredential = async (data: Record<string, string>) => {
		const credential = { name: 'To be tested', type: 'dashScopeApi', data };
		const id = await stage.n8n.addCredential(credential);
		return await stage.n8n.rest<{ status: string; message: string }>('POST', '/credentials/test', {
			credentials: { id, ...credential },
		});
	};

	test('accepts the right key', async () => {
		expect(await testCredential(credentialData(stage.sandbox))).toMatchObject({ status: 'OK' });
	});

	test('says of a wrong key that it may belong to another region, and which host was asked', async () => {
		const result = await testCredential({ ...credentialData(stage.sandbox), apiKey: 'sk-wrong' });
		expect(result.status).toBe('Error');
		expect(result.message).toMatch(/region/i);
		expect(result.message).toContain(`127.0.0.1:${stage.sandbox.port}`);
	});
});

test('Reference Edit sends binary images in the order of the list', async () => {
	const { sandbox, provide, credential, n8n } = stage;
	const before = sandbox.tasks().length;
	const [first, second] = sandbox.samples.images;
	const images = ['first', 'second'].map((field) => ({ source: 'binary', field }));
	const execution = await execute(
		[
			manualTrigger(),
			readFile('Video', await provide(sandbox.samples.video.path)),
			readFile('First', await provide(first?.path ?? ''), 'first'),
			readFile('Second', await provide(second?.path ?? ''), 'second'),
			node('Merge', 'n8n-nodes-base.merge', 3.2, {
				mode: 'combine',
				combineBy: 'combineByPosition',
				numberInputs: 3,
				options: {},
			}),
			wanVideoEdit('Edit', credential, {
				resource: 'video',
				operation: 'referenceEdit',
				videoSource: 'binary',
				videoField: 'data',
				prompt: 'Put Image 1 on the balloon and Image 2 beside it',
				imageSource: 'list',
				images: { image: images },
				resolution: '720P',
				waiting: 'auto',
				download: true,
				outputField: 'data',
				options: {},
			}),
		],
		[
			['Start', 'Video', 'Merge', 'Edit'],
			['Start', 'First', 'Merge:1'],
			['Start', 'Second', 'Merge:2'],
		],
	);
	expect(execution.data.resultData.error?.message).toBeUndefined();
	expect(execution.status).toBe('success');
	const [item, ...others] = outputOf(execution, 'Edit');
	expect(others).toEqual([]);
	expect(item?.json).toMatchObject({ status: 'SUCCEEDED', finished: true, succeeded: true });
	expect(item?.binary?.data).toMatchObject({
		mimeType: 'video/mp4',
		fileName: `${String(item?.json.taskId)}.mp4`,
	});
	const file = await n8n.binary(item?.binary?.data?.id ?? '');
	expect(file.subarray(4, 8).toString()).toBe('ftyp');
	expect(sandbox.tasks()).toHaveLength(before + 1);
});

test('a task submitted without waiting is read by Get Status', async () => {
	const { sandbox, credential } = stage;
	const execution = await execute(
		[
			manualTrigger(),
			wanVideoEdit('Submit', credential, {
				resource: 'video',
				operation: 'instructionEdit',
				videoSource: 'url',
				videoUrl: sandbox.samples.video.url,
				prompt: 'Make it grey',
				resolution: '720P',
				waiting: 'none',
				options: {},
			}),
			node('Pause', 'n8n-nodes-base.wait', 1.1, { amount: 3, unit: 'seconds' }),
			wanVideoEdit('Status', credential, {
				resource: 'task',
				operation: 'getStatus',
				taskId: '={{ $json.taskId }}',
				options: {},
			}),
		],
		[['Start', 'Submit', 'Pause', 'Status']],
	);
	expect(execution.data.resultData.error?.message).toBeUndefined();
	const [submitted] = outputOf(execution, 'Submit');
	const [status] = outputOf(execution, 'Status');
	expect(submitted?.json.taskId).toEqual(expect.stringMatching(/.+/));
	expect(status?.json).toMatchObject({
		taskId: submitted?.json.taskId,
		status: 'SUCCEEDED',
		finished: true,
		succeeded: true,
	});
});
