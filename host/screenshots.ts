// npm run screenshots: pictures of the examples on n8n's canvas, of the node's panel and of the forms, light and dark;
// and of the panel of each operation as it is when somebody has just added it.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { INode } from 'n8n-workflow';
import type { Page } from 'playwright-core';
import { findChromium, openBrowser } from './chromium';
import { credentialTypes, exampleNames, formPath, loadExample, withCredentials } from './examples';
import { startN8n, type N8n } from './n8n';
import { packPackage, root } from './pack';
import { say, step } from './progress';
import { properties } from '../nodes/WanVideoEdit/actions/router';
import { stopAll } from './stopping';

const folder = join(root, '.screenshots');
const schemes = ['light', 'dark'] as const;
const editType = 'n8n-nodes-wan-video-edit.wanVideoEdit';

async function logIn(page: Page, n8n: N8n): Promise<void> {
	await page.goto(`${n8n.url}/signin`);
	await page.locator('input[name="emailOrLdapLoginId"]').fill(n8n.owner.email);
	await page.locator('input[name="password"]').fill(n8n.owner.password);
	await page.getByTestId('form-submit-button').click();
	await page.waitForURL((url) => !url.pathname.startsWith('/signin'));
}

async function openCanvas(page: Page, n8n: N8n, id: string): Promise<void> {
	await page.goto(n8n.workflowUrl(id));
	await page.getByTestId('canvas-node').first().waitFor();
	await page.keyboard.press('1');
	// The zoom is animated.
	await page.waitForTimeout(1_500);
}

/** Without them n8n would mark the nodes as incomplete, and publish no form. */
const types = [...new Set(Object.values(credentialTypes))];
const credentials = Object.fromEntries(types.map((type) => [type, `Example ${type}`]));

async function takeAll(page: Page, n8n: N8n, names: string[]): Promise<void> {
	for (const name of names) {
		const workflow = withCredentials(loadExample(name), credentials);
		const id = await n8n.addWorkflow(workflow);
		const path = formPath(workflow);
		const edit = workflow.nodes.find(({ type }) => type === editType);
		const file = (what: string, scheme: string) => ({
			path: join(folder, `${name}-${what}-${scheme}.png`),
		});
		for (const scheme of schemes) {
			await page.emulateMedia({ colorScheme: scheme });
			await openCanvas(page, n8n, id);
			await page.screenshot(file('canvas', scheme));
			if (edit !== undefined) {
				await page.getByTestId('canvas-node').filter({ hasText: edit.name }).first().dblclick();
				await page.getByTestId('node-parameters').waitFor();
				await page.waitForTimeout(1_000);
				await page.screenshot(file('panel', scheme));
			}
		}
		if (path !== undefined) {
			// Last, as n8n shows a check-list over the canvas of a published workflow.
			await n8n.publish(id);
			for (const scheme of schemes) {
				await page.emulateMedia({ colorScheme: scheme });
				await page.goto(`${n8n.url}/form/${path}`);
				await page.locator('form').waitFor();
				await page.screenshot({ ...file('form', scheme), fullPage: true });
			}
		}
		say(`  ${name}`);
	}
}

/** Every operation, with the resource that it is of. */
const operations = properties
	.filter(({ name }) => name === 'operation')
	.flatMap(({ displayOptions, options = [] }) =>
		options.flatMap((option) =>
			'value' in option
				? [{ resource: displayOptions?.show?.resource?.[0], operation: option.value }]
				: [],
		),
	);

/** On a small screen, and to its end. */
async function takeOperations(page: Page, n8n: N8n): Promise<void> {
	await page.emulateMedia({ colorScheme: 'light' });
	for (const parameters of operations) {
		const name = `${String(parameters.resource)}-${String(parameters.operation)}`;
		const node = { id: '1', name, type: editType, typeVersion: 1, parameters };
		const id = await n8n.addWorkflow({
			name,
			nodes: [{ ...node, position: [0, 0] } as INode],
			connections: {},
			settings: {},
		});
		await page.setViewportSize({ width: 1280, height: 720 });
		await openCanvas(page, n8n, id);
		await page.getByTestId('canvas-node').first().dblclick();
		await page.getByTestId('node-parameters').waitFor();
		for (const [size, height] of [
			['small', 720],
			['whole', 1700],
		] as const) {
			await page.setViewportSize({ width: 1280, height });
			await page.waitForTimeout(1_000);
			await page.screenshot({ path: join(folder, `operation-${name}-${size}.png`) });
		}
		say(`  ${name}`);
	}
}

async function main(): Promise<void> {
	const executable = findChromium();
	if (executable === undefined) {
		throw new Error('Screenshots need Chromium: install it, or give its path in CHROMIUM_PATH.');
	}
	const wanted = process.argv.slice(2);
	const names = exampleNames.filter(
		(name) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
	);
	const withOperations = wanted.length === 0 || wanted.includes('operations');
	if (names.length === 0 && !withOperations) {
		throw new Error(`No example is called ${wanted.join(', ')}.`);
	}
	const tarball = await step('Building and packing the node', packPackage);
	const n8n = await step('Starting n8n', () => startN8n({ tarball }));
	const browser = await openBrowser(executable);
	try {
		await rm(folder, { recursive: true, force: true });
		await mkdir(folder, { recursive: true });
		for (const [type, name] of Object.entries(credentials)) {
			await n8n.addCredential({ name, type, data: {} });
		}
		const page = await browser.context.newPage();
		page.setDefaultTimeout(60_000);
		await page.setViewportSize({ width: 1920, height: 1080 });
		await logIn(page, n8n);
		say('Taking screenshots of');
		await takeAll(page, n8n, names);
		if (withOperations) await takeOperations(page, n8n);
	} finally {
		await browser.close();
	}
	console.log(`The screenshots are in ${folder}`);
}

main()
	.catch((error: unknown) => {
		console.error(error instanceof Error ? error.message : String(error));
		process.exitCode = 1;
	})
	.finally(() => void stopAll().then(() => process.exit()));
