// The trigger in an n8n of its own, which is killed and restarted while tasks finish.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { outputOf } from '../../host/client';
import type { N8n } from '../../host/n8n';
import { startSandbox } from '../../sandbox';
import { create } from '../sandbox/client';
import { findChromium, openBrowser, type Browser } from '../../host/chromium';
import {
	available,
	credentialData,
	executionsOf,
	manualTrigger,
	node,
	startOwnN8n,
	until,
	wanVideoEdit,
	workflow,
	type Sandbox,
} from './support';

const CREDENTIAL = 'Sandbox';
const TRIGGER = 'When Finished';

let n8n: N8n;
let sandbox: Sandbox;

beforeAll(async () => {
	[n8n, sandbox] = await Promise.all([startOwnN8n(), startSandbox({ jobSeconds: 1 })]);
	await n8n.addCredential({
		name: CREDENTIAL,
		type: 'dashScopeApi',
		data: credentialData(sandbox),
	});
});

afterAll(async () => {
	await n8n?.stop();
	await sandbox?.stop();
});

const trigger = () =>
	node(
		TRIGGER,
		'n8n-nodes-wan-video-edit.wanVideoEditTrigger',
		1,
		{ pollTimes: { item: [{ mode: 'everyMinute' }] } },
		{ credentials: { dashScopeApi: { id: null, name: CREDENTIAL } } },
	);

/** A task of another application, which has ended. */
async function taskOfAnother(prompt: string): Promise<string> {
	const { json } = await create(sandbox, { prompt });
	const { task_id: id } = (json as { output: { task_id: string } }).output;
	await until(`The end of ${prompt}`, async () => {
		await Promise.resolve();
		return sandbox.tasks().find((task) => task.id === id && task.endedAt !== undefined);
	});
	return id;
}

describe('a workflow with the trigger', () => {
	let listening: string;

	/** What the executions of the workflow began with, oldest first. */
	async function emitted(): Promise<unknown[]> {
		const ids: unknown[] = [];
		for (const { id } of await executionsOf(n8n, listening)) {
			const execution = await n8n.waitFor(id);
			expect(execution.status).toBe('success');
			ids.push(...outputOf(execution, 'Then').map(({ json }) => json.taskId));
		}
		return ids;
	}

	const emittedAll = async (wanted: string[]) =>
		await until(
			`${wanted.length} emitted tasks`,
			async () => ((await emitted()).length >= wanted.length ? true : undefined),
			150_000,
		);

	const wanted: string[] = [];

	beforeAll(async () => {
		await taskOfAnother('before the activation');
		listening = await n8n.addWorkflow(
			workflow(
				'When a video is ready',
				[trigger(), node('Then', 'n8n-nodes-base.noOp', 1)],
				[[TRIGGER, 'Then']],
			),
		);
		await n8n.publish(listening);
	});

	test('starts for an edit that another workflow has submitted, with its video', async () => {
		const edit = wanVideoEdit('Edit', CREDENTIAL, {
			resource: 'video',
			operation: 'instructionEdit',
			videoSource: 'url',
			videoUrl: sandbox.samples.video.url,
			prompt: 'submitted elsewhere',
			waiting: 'none',
		});
		const submitting = await n8n.addWorkflow(
			workflow('Submit', [manualTrigger(), edit], [['Start', 'Edit']]),
		);
		const submitted = await n8n.waitFor(await n8n.run(submitting));
		wanted.push(String(outputOf(submitted, 'Edit')[0]?.json.taskId));
		await emittedAll(wanted);

		const [started] = await executionsOf(n8n, listening);
		const execution = await n8n.execution(started?.id ?? '');
		expect(execution.mode).toBe('trigger');
		const [item] = outputOf(execution, 'Then');
		expect(item?.json).toMatchObject({ succeeded: true, prompt: 'submitted elsewhere' });
		const video = await n8n.binary(item?.binary?.data?.id ?? '');
		expect(video.subarray(4, 8).toString()).toBe('ftyp');
	});

	test('n8n killed: what finished meanwhile comes after the restart, nothing comes twice', async () => {
		await n8n.kill();
		wanted.push(await taskOfAnother('while n8n was down'));
		await n8n.restart();
		await emittedAll(wanted);
	});

	test('switched off: what finished meanwhile comes when it is switched on again', async () => {
		await n8n.rest('POST', `/workflows/${listening}/deactivate`);
		wanted.push(await taskOfAnother('while it was off'));
		await n8n.publish(listening);
		await emittedAll(wanted);
	});

	test('and each came once', async () => {
		const polls = sandbox.requests('list').length;
		await until(
			'another poll',
			async () => (sandbox.requests('list').length > polls ? true : undefined),
			90_000,
		);
		await sleep(2_000);
		expect(await emitted()).toEqual(wanted);
	});

	test('n8n ended and started once more: still once', async () => {
		await n8n.restart();
		await sleep(2_000);
		expect(await emitted()).toEqual(wanted);
	});
});

const executable = findChromium();
const missing =
	executable === undefined ? 'No Chromium: the search for the trigger is not tested.' : undefined;

(available(missing) ? describe : describe.skip)('a person in the editor', () => {
	let browser: Browser;
	let page: Page;
	let folder: string;

	beforeAll(async () => {
		browser = await openBrowser(executable ?? '');
		folder = await mkdtemp(join(tmpdir(), 'trigger-screenshots-'));
		page = await browser.context.newPage();
		page.setDefaultTimeout(90_000);
		await page.goto(`${n8n.url}/signin`);
		await page.locator('input[name="emailOrLdapLoginId"]').fill(n8n.owner.email);
		await page.locator('input[name="password"]').fill(n8n.owner.password);
		await page.getByTestId('form-submit-button').click();
		await page.waitForURL((url) => !url.pathname.startsWith('/signin'));
	});

	afterAll(async () => {
		process.stderr.write(`Screenshots of the trigger: ${folder}\n`);
		await page?.screenshot({ path: join(folder, 'last.png') });
		await browser?.close();
	});

	const search = () => page.getByTestId('node-creator-search-bar');
	const results = () => page.getByTestId('node-creator-item-name');

	test('finds the trigger in an empty workflow', async () => {
		await page.goto(`${n8n.url}/workflow/new`);
		await page.getByTestId('canvas-add-button').click();
		await search().waitFor();
		for (const word of ['wan', 'video edit', 'dashscope', '万相']) {
			await search().fill('nothing is called so');
			await results().first().waitFor({ state: 'detached' });
			await search().fill(word);
			await results().first().waitFor();
			const [first = ''] = await results().allInnerTexts();
			expect({ word, first: first.trim() }).toEqual({
				word,
				first: expect.stringMatching(/^Wan Video Edit/),
			});
		}
		await page.screenshot({ path: join(folder, 'search.png') });
	});

	test('adds it, fetches a test event, and sees the finished task', async () => {
		await results().first().click();
		await page.screenshot({ path: join(folder, 'actions.png') });
		await results().getByText('On Wan task finished').click();
		const panel = page.getByTestId('node-parameters');
		await panel.waitFor();
		await page.screenshot({ path: join(folder, 'panel.png') });
		const labels = await panel.locator('label').allInnerTexts();
		expect(labels.map((label) => label.trim().split('\n')[0])).toEqual(
			expect.arrayContaining(['Poll Times', 'Status', 'Model', 'Download Result', 'Options']),
		);
		await page.getByTestId('node-execute-button').click();
		const output = page.getByTestId('output-panel');
		await output.getByText('1 item', { exact: true }).waitFor();
		await output.getByText('video/mp4').waitFor();
		await page.screenshot({ path: join(folder, 'output.png') });
	});
});
