// What a person does in n8n's editor who has just installed the package: nothing here is imported.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import type { N8n } from '../../host/n8n';
import { properties } from '../../nodes/WanVideoEdit/actions/router';
import { startSandbox } from '../../sandbox';
import { findChromium, openBrowser, type Browser } from '../../host/chromium';
import { available, startOwnN8n, until, type Sandbox } from './support';

const nodeName = 'Wan Video Edit';
const prompt = 'Make it black and white';

/** What the node asks for, in this order. */
const fields = [
	'Resource',
	'Operation',
	'Video Source',
	'Input Binary Field',
	'Prompt',
	'Model',
	'Resolution',
	'Wait for Completion',
	'Download Result',
	'Put Output File in Field',
	'Options',
];

const actions = properties
	.filter(({ name }) => name === 'operation')
	.flatMap(({ options = [] }) => options)
	.flatMap((option) => ('action' in option ? [option.action] : []));

const executable = findChromium();
const missing =
	executable === undefined
		? 'No Chromium (CHROMIUM_PATH, /usr/bin/chromium): the editor is not tested.'
		: undefined;

(available(missing) ? describe : describe.skip)('a person with a new n8n', () => {
	// A new n8n of its own, which holds no credential yet.
	let n8n: N8n;
	let sandbox: Sandbox;
	let browser: Browser;
	let page: Page;
	const strangers: string[] = [];

	beforeAll(async () => {
		[n8n, sandbox, browser] = await Promise.all([
			startOwnN8n(),
			startSandbox({ jobSeconds: 1 }),
			openBrowser(executable ?? ''),
		]);
		page = await browser.context.newPage();
		page.setDefaultTimeout(90_000);
		page.on('request', (request) => {
			const url = new URL(request.url());
			if (!url.protocol.startsWith('http') || url.origin === n8n.url) return;
			// n8n looks every community package up in npm's registry when its actions are shown.
			if (url.pathname === '/n8n-nodes-wan-video-edit') return;
			strangers.push(url.href);
		});
	});

	afterAll(async () => {
		if (page !== undefined) {
			const screenshot = join(await mkdtemp(join(tmpdir(), 'editor-screenshot-')), 'editor.png');
			await page.screenshot({ path: screenshot });
			process.stderr.write(`Screenshot of the editor: ${screenshot}\n`);
		}
		await browser?.close();
		await n8n?.stop();
		await sandbox?.stop();
	});

	const panel = () => page.getByTestId('node-parameters');
	const dialog = () => page.getByTestId('editCredential-modal');
	const field = (parent: Locator, name: string) => parent.getByTestId(`parameter-input-${name}`);
	const search = () => page.getByTestId('node-creator-search-bar');
	const results = () => page.getByTestId('node-creator-item-name');

	async function choose(parent: Locator, name: string, option: RegExp): Promise<void> {
		await field(parent, name).click();
		await page.getByRole('option', { name: option }).click();
	}

	/** The nodes that the search lists, in its order. */
	async function searchFor(text: string): Promise<string[]> {
		// From an empty list, so that nothing of the search before is taken for an answer.
		await search().fill('nothing is called so');
		await results().first().waitFor({ state: 'detached' });
		await search().fill(text);
		await results().first().waitFor();
		return await results().allInnerTexts();
	}

	test('logs in and begins a workflow', async () => {
		await page.goto(`${n8n.url}/signin`);
		await page.locator('input[name="emailOrLdapLoginId"]').fill(n8n.owner.email);
		await page.locator('input[name="password"]').fill(n8n.owner.password);
		await page.getByTestId('form-submit-button').click();
		await page.waitForURL((url) => !url.pathname.startsWith('/signin'));

		await page.goto(`${n8n.url}/workflow/new`);
		await page.getByTestId('canvas-add-button').click();
		await results().getByText('Trigger manually', { exact: true }).click();
		await page.getByTestId('canvas-node').waitFor();
		await search().waitFor({ state: 'detached' });
	});

	test('finds the node by its name, its model and its service', async () => {
		await page.keyboard.press('n');
		await search().waitFor();

		for (const word of ['video edit', '万相', '百炼']) {
			expect({ word, found: await searchFor(word) }).toEqual({ word, found: [nodeName] });
		}
		// Others have it in their names or words as well: n8n's own Qwen Cloud, Wekan …
		for (const word of ['wan', 'wanx', 'dashscope', 'outpaint', 'extend video', '视频编辑']) {
			expect({ word, first: (await searchFor(word))[0] }).toEqual({ word, first: nodeName });
		}
	});

	test('adds it by a click on what it is to do, and sees its fields', async () => {
		await results().first().click();
		await until('all that the node can do, and nothing else', async () => {
			const shown = await results().allInnerTexts();
			return shown.sort().join() === [...actions].sort().join() ? shown : undefined;
		});
		await results().getByText('Edit a video by instruction', { exact: true }).click();

		await panel().waitFor();
		const labels = await panel().locator('label').allInnerTexts();
		// Below the name of a field is what to do with it.
		const names = labels.map((label) => label.trim().split('\n')[0] ?? '');
		expect(names.filter((name) => fields.includes(name))).toEqual(fields);
		const values = await panel()
			.locator('input')
			.evaluateAll((inputs) => inputs.map((input) => (input as { value?: string }).value));
		expect(values).toEqual(expect.arrayContaining(['Video', 'Instruction Edit', 'Binary Field']));
	});

	test('makes the credential: a wrong key is refused with the reason, the right one is taken', async () => {
		await panel().getByText('Connect to DashScope').click();
		await field(dialog(), 'apiKey').locator('input').fill('sk-wrong');
		await choose(dialog(), 'region', /^Custom/);
		await field(dialog(), 'baseUrl').locator('input').fill(sandbox.url);
		await dialog().getByTestId('credential-save-button').click();
		await dialog().getByText('More details').click();
		await dialog()
			.getByText(`The request went to 127.0.0.1:${sandbox.port}. The API key may be wrong`)
			.waitFor();

		await field(dialog(), 'apiKey').locator('input').fill(sandbox.apiKey);
		await dialog().getByTestId('credential-save-button').click();
		await dialog().waitFor({ state: 'detached' });
		const chosen = panel().getByTestId('node-credentials-select').locator('input');
		expect(await chosen.inputValue()).toBe('DashScope account');
	});

	test('chooses another model: its limit is below the prompt, which stays', async () => {
		const words = field(panel(), 'prompt').locator('textarea');
		const model = async (name: string) => {
			await page.getByTestId('rlc-input').click();
			await page.getByTestId('rlc-item').getByText(name, { exact: true }).click();
		};
		await words.fill('Make it');
		await model('Wan 3.0 Video');
		await panel().getByText('up to 20000 characters').waitFor();
		expect(await words.inputValue()).toBe('Make it');
		await model('Wan 2.7 Video Edit (recommended)');
		await panel().getByText('up to 5000 characters').waitFor();
		await words.fill('');
	});

	test('types video and prompt, runs the node, and sees the finished video', async () => {
		await choose(panel(), 'videoSource', /^URL/);
		await field(panel(), 'videoUrl').locator('input').pressSequentially(sandbox.samples.video.url);
		// n8n takes over what is typed, and saves it, after a short pause.
		const saved = page.waitForRequest(
			(request) =>
				/\/rest\/workflows/.test(request.url()) && request.postData()?.includes(prompt) === true,
		);
		await field(panel(), 'prompt').locator('textarea').pressSequentially(prompt);
		await saved;
		await page.getByTestId('node-execute-button').click();

		const output = page.getByTestId('output-panel');
		await output.getByTestId('node-run-status-success').waitFor();
		const [task, ...others] = sandbox.tasks();
		expect(others).toEqual([]);
		expect(task).toMatchObject({ prompt, status: 'SUCCEEDED' });
		// Each of these throws when the text is not seen in time.
		await output.getByText('1 item', { exact: true }).waitFor();
		await output.getByText(/^1 task, 6 billed seconds, about/).waitFor();
		await output.getByText(`${task?.id}.mp4`).waitFor();
		await output.getByText('video/mp4').waitFor();

		await output.getByTestId('radio-button-table').click();
		await output.getByText(String(task?.id), { exact: true }).first().waitFor();
		await output.getByText('SUCCEEDED', { exact: true }).first().waitFor();
	});

	test('and n8n’s editor asked nobody else', () => {
		expect(strangers).toEqual([]);
	});
});
