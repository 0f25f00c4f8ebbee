// What a person sees in n8n's editor.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoCredential, demoWorkflow, editNode } from '../../host/demo-workflow';
import { findChromium, openBrowser, type Browser } from './chromium';
import { credentialData, setStage, type Stage } from './support';

const fields = [
	'Resource',
	'Operation',
	'Video Source',
	'Video Binary Field',
	'Prompt',
	'Resolution',
	'Completion',
	'Download Result',
	'Output Binary Field',
	'Options',
];

const executable = findChromium();
if (!executable) {
	process.stderr.write(
		'No Chromium (CHROMIUM_PATH, /usr/bin/chromium): the editor is not tested\n',
	);
}

(executable ? describe : describe.skip)('the editor', () => {
	let stage: Stage;
	let browser: Browser;
	let workflowId: string;

	beforeAll(async () => {
		stage = await setStage();
		const { n8n, sandbox, provide } = stage;
		await n8n.addCredential(demoCredential(credentialData(sandbox)));
		const input = await provide(sandbox.samples.video.path);
		workflowId = await n8n.addWorkflow(
			demoWorkflow({ input, output: `${input}.edited.mp4` }, 'the sandbox'),
		);
		browser = await openBrowser(executable ?? '');
	});

	afterAll(async () => {
		await browser?.close();
		await stage?.stop();
	});

	test('a person who logs in finds the node with its fields and its credential', async () => {
		const { n8n } = stage;
		const page = await browser.context.newPage();
		const strangers: string[] = [];
		page.on('request', (request) => {
			const url = new URL(request.url());
			if (url.protocol.startsWith('http') && url.origin !== n8n.url) strangers.push(url.href);
		});
		await page.goto(`${n8n.url}/signin`);
		await page.locator('input[name="emailOrLdapLoginId"]').fill(n8n.owner.email);
		await page.locator('input[name="password"]').fill(n8n.owner.password);
		await page.getByTestId('form-submit-button').click();
		await page.waitForURL((url) => !url.pathname.startsWith('/signin'));

		await page.goto(n8n.workflowUrl(workflowId));
		await page.locator(`[data-test-id="canvas-node"][data-node-name="${editNode}"]`).dblclick();
		const panel = page.getByTestId('node-parameters');
		await panel.waitFor();
		// Each of these throws when the text is not seen in time.
		for (const label of fields) await panel.getByText(label, { exact: true }).first().waitFor();
		const screenshot = join(await mkdtemp(join(tmpdir(), 'editor-screenshot-')), 'node.png');
		await page.screenshot({ path: screenshot });
		process.stderr.write(`Screenshot of the node: ${screenshot}\n`);

		const values = await panel
			.locator('input')
			.evaluateAll((inputs) => inputs.map((input) => (input as { value?: string }).value));
		expect(values).toEqual(
			expect.arrayContaining(['DashScope (Demo)', 'Video', 'Instruction Edit', 'Binary Field']),
		);
		const prompt = panel.locator('textarea').first();
		expect(await prompt.inputValue()).toBe('Turn this video into 8-bit pixel art');
		expect(strangers).toEqual([]);
	});
});
