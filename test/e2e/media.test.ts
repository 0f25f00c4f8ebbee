// Large media in a real n8n: its binary store, and transfers that break off or are stopped.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomFillSync } from 'node:crypto';
import { readdir, readFile as readContent, readlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { INode, INodeParameters } from 'n8n-workflow';
import { largeVideo, MEGABYTE } from '../../bench/largeVideo';
import { outputOf, type Execution } from '../../host/client';
import type { N8n } from '../../host/n8n';
import { startSandbox, type Fault } from '../../sandbox';
import {
	credentialData,
	manualTrigger,
	node,
	startOwnN8n,
	readFile,
	wanVideoEdit,
	workflow,
	type Sandbox,
} from './support';

const CREDENTIAL = 'Sandbox';

// An n8n of its own: nobody else's files in its store.
let n8n: N8n;
let sandbox: Sandbox;
let small: string;

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 0.5 });
	const credential = { name: CREDENTIAL, type: 'dashScopeApi', data: credentialData(sandbox) };
	n8n = await startOwnN8n({ credentials: [credential] });
	small = await largeVideo(sandbox.samples.video, n8n.files, 3 * MEGABYTE);
	// The first edit loads code and opens connections.
	await execute(editOf({ ...FROM_FILE, ...WAIT }), small);
});

afterAll(async () => {
	await n8n?.stop();
	await sandbox?.stop();
});

beforeEach(async () => {
	await sandbox.reset();
	sandbox.configure({ slots: 5, resultBytes: 0, policySeconds: 300 });
});

const FROM_FILE = { videoSource: 'binary', videoField: 'data' };
const WAIT = { waiting: 'auto', download: true, outputField: 'data' };
const SUBMIT = { waiting: 'none' };

const editOf = (parameters: INodeParameters, more: Partial<INode> = {}): INode => ({
	...wanVideoEdit('Edit', CREDENTIAL, {
		resource: 'video',
		operation: 'instructionEdit',
		prompt: 'Make it grey',
		resolution: '720P',
		options: { pollInterval: 1 },
		...parameters,
	}),
	...more,
});

const byUrl = () => ({ videoSource: 'url', videoUrl: sandbox.samples.video.url });

let count = 0;

/** Start, Read (when there is a file), nodes between, and the edit. */
async function add(edit: INode, file?: string, between: INode[] = []): Promise<string> {
	const read = file === undefined ? [] : [readFile('Read', file)];
	const nodes = [manualTrigger(), ...read, ...between, edit];
	return await n8n.addWorkflow(
		workflow(`media ${++count}`, nodes, [nodes.map(({ name }) => name)]),
	);
}

async function execute(...parts: Parameters<typeof add>): Promise<Execution> {
	return await n8n.waitFor(await n8n.run(await add(...parts)));
}

function messageOf({ data }: Execution): string {
	const { error } = data.resultData;
	return [error?.message, error && 'description' in error ? error.description : ''].join(' ');
}

const calls = () => ({
	policies: sandbox.requests('policy').length,
	uploads: sandbox.requests('upload').length,
	creates: sandbox.requests('create').length,
});

/** Lets uploads go to another host than the sandbox. */
function answerPolicy(host: string): void {
	const data = {
		upload_host: host,
		upload_dir: 'a/b',
		policy: 'p',
		signature: 's',
		oss_access_key_id: 'k',
	};
	sandbox.fault({ route: 'policy', status: 200, body: { data }, times: 3 });
}

/** Every file of n8n's binary store, by its path in it. */
async function storedFiles(): Promise<string[]> {
	const folder = join(dirname(n8n.files), '.n8n', 'storage');
	const entries = await readdir(folder, { recursive: true, withFileTypes: true });
	return entries
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name))
		.filter((path) => path.includes('binary_data'));
}

/** Files of the store that n8n holds open; undefined where the system does not tell. */
async function openFiles(): Promise<string[] | undefined> {
	const folder = `/proc/${n8n.pid}/fd`;
	const names = await readdir(folder).catch(() => undefined);
	const targets = names?.map(async (name) => await readlink(join(folder, name)).catch(() => ''));
	return targets && (await Promise.all(targets)).filter((path) => path.includes('binary_data'));
}

async function eventually(what: () => boolean | Promise<boolean>, ms: number): Promise<void> {
	const start = Date.now();
	while (!(await what())) {
		if (Date.now() - start > ms) throw new Error(`Not within ${ms} ms: ${what.toString()}`);
		await sleep(20);
	}
}

// How little memory they take is measured by "npm run bench".
describe('large files', () => {
	test('are uploaded whole, with their length known beforehand', async () => {
		// Rendering it would only take time.
		sandbox.configure({ slots: 0 });
		const bytes = 100 * MEGABYTE;
		const file = await largeVideo(sandbox.samples.video, n8n.files, bytes);
		const execution = await execute(editOf({ ...FROM_FILE, ...SUBMIT }), file);
		expect(messageOf(execution).trim()).toBe('');
		expect(execution.status).toBe('success');
		const [upload, ...others] = sandbox.requests('upload');
		expect(others).toEqual([]);
		expect(Number(upload?.headers['content-length'])).toBeGreaterThan(bytes);
		expect(upload?.headers).not.toHaveProperty('transfer-encoding');
		expect(upload?.body).toContainEqual(expect.objectContaining({ name: 'file', bytes }));
	});

	test('arrive as they are at a host that takes them slowly', async () => {
		const size = 12 * MEGABYTE;
		const file = await largeVideo(sandbox.samples.video, join(n8n.files, 'random'), size);
		const content = await readContent(file);
		// What players skip, so that no two parts of the file are alike.
		randomFillSync(content, sandbox.samples.video.bytes + 8);
		await writeFile(file, content);
		let arrived = Buffer.alloc(0);
		const host = createServer((request, response) => {
			const take = async () => {
				const chunks: Buffer[] = [];
				for await (const chunk of request) {
					chunks.push(chunk as Buffer);
					await sleep(5);
				}
				arrived = Buffer.concat(chunks);
			};
			void take().finally(() => response.end());
		});
		await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
		answerPolicy(`http://127.0.0.1:${(host.address() as AddressInfo).port}`);
		await execute(editOf({ ...FROM_FILE, ...SUBMIT }), file);
		host.close();
		expect(arrived.length).toBeGreaterThan(size);
		expect(arrived.includes(content)).toBe(true);
	});

	test('are downloaded whole', async () => {
		const bytes = 200 * MEGABYTE;
		sandbox.configure({ resultBytes: bytes });
		const execution = await execute(editOf({ ...byUrl(), ...WAIT }));
		expect(messageOf(execution).trim()).toBe('');
		expect(execution.status).toBe('success');
		const [item] = outputOf(execution, 'Edit');
		expect(item?.binary?.data).toMatchObject({ bytes, mimeType: 'video/mp4' });
	});
});

describe('one file', () => {
	test('on many items is uploaded once', async () => {
		const copies = node('Copies', 'n8n-nodes-base.code', 2, {
			jsCode:
				'return Array.from({ length: 5 }, () => ({ json: {}, binary: $input.first().binary, pairedItem: 0 }));',
		});
		const execution = await execute(editOf({ ...FROM_FILE, ...SUBMIT }), small, [copies]);
		expect(messageOf(execution).trim()).toBe('');
		expect(outputOf(execution, 'Edit')).toHaveLength(5);
		expect(calls()).toEqual({ policies: 1, uploads: 1, creates: 5 });
	});

	test('is not uploaded again when the node is tried again, nor by "Retry execution"', async () => {
		sandbox.fault({ route: 'create', status: 400, times: 2 });
		const tries = { retryOnFail: true, maxTries: 2, waitBetweenTries: 100 };
		const failed = await execute(editOf({ ...FROM_FILE, ...SUBMIT }, tries), small);
		expect(failed.status).toBe('error');
		expect(calls()).toEqual({ policies: 1, uploads: 1, creates: 2 });

		await n8n.retryExecution(failed.id);
		await eventually(() => sandbox.tasks().length > 0, 20_000);
		expect(calls()).toEqual({ policies: 1, uploads: 1, creates: 3 });
	});
});

describe('a broken upload', () => {
	const EXPIRED =
		'<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>';
	const EXISTS = '<Error><Code>FileAlreadyExists</Code><Message>Already exists.</Message></Error>';
	const faults: Array<[name: string, fault: Omit<Fault, 'route'>]> = [
		['permission expired', { status: 403, body: EXPIRED }],
		['storage down', { status: 503 }],
		['overwrite refused', { status: 409, body: EXISTS }],
		['reset half way', { resetAfter: 1.5 * MEGABYTE }],
	];

	test.each(faults)('(%s) is repeated with a fresh permission and key', async (_, fault) => {
		sandbox.fault({ route: 'upload', ...fault, times: 2 });
		const execution = await execute(editOf({ ...FROM_FILE, ...SUBMIT }), small);
		expect(messageOf(execution).trim()).toBe('');
		expect(calls()).toEqual({ policies: 3, uploads: 3, creates: 1 });
		expect(sandbox.tasks()).toHaveLength(1);
		expect((await openFiles()) ?? []).toEqual([]);
	});

	test('fails after three tries with an error that says so, and nothing is submitted', async () => {
		sandbox.fault({ route: 'upload', status: 403, body: EXPIRED, times: 3 });
		const execution = await execute(editOf({ ...FROM_FILE, ...SUBMIT }), small);
		expect(execution.status).toBe('error');
		expect(messageOf(execution)).toMatch(/The upload failed 3 times: .*Policy expired/);
		expect(messageOf(execution)).toMatch(/use a URL/);
		expect(calls()).toEqual({ policies: 3, uploads: 3, creates: 0 });
	});
});

describe('Stop', () => {
	const stops: Array<() => Promise<void>> = [];

	afterEach(async () => {
		await Promise.all(stops.splice(0).map(async (stopOne) => await stopOne()));
	});

	/** A host that is slow on purpose, and knows when the other side has gone. */
	async function slowHost(answer: (response: ServerResponse) => void) {
		const seen = { bytes: 0, open: 0, slow: true };
		const server = createServer((request, response) => {
			seen.open++;
			request.socket.once('close', () => seen.open--);
			// So little is read that the upload fills all buffers and waits.
			request.on('data', (chunk: Buffer) => {
				seen.bytes += chunk.length;
				if (seen.slow) request.pause();
			});
			// A socket that nobody reads does not notice its end.
			const looking = setInterval(() => seen.slow || request.resume(), 10);
			request.socket.once('close', () => clearInterval(looking));
			answer(response);
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const { port } = server.address() as AddressInfo;
		stops.push(async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		});
		return { seen, url: `http://127.0.0.1:${port}` };
	}

	/** Without the stop, neither side would ever end the transfer. */
	const PATIENCE_MS = 15_000;

	/** Stops it: the connection is closed and n8n says that it has ended. */
	async function stop(executionId: string, seen: { open: number; slow: boolean }): Promise<void> {
		await n8n.stopExecution(executionId);
		seen.slow = false;
		await eventually(() => seen.open === 0, PATIENCE_MS);
		await eventually(
			async () => (await n8n.execution(executionId)).status === 'canceled',
			PATIENCE_MS,
		);
		// What a transfer that went on would leave behind.
		await sleep(500);
	}

	test('ends an upload at once and gives the file back', async () => {
		const host = await slowHost(() => undefined);
		answerPolicy(host.url);
		const file = await largeVideo(sandbox.samples.video, n8n.files, 60 * MEGABYTE);
		const id = await n8n.run(await add(editOf({ ...FROM_FILE, ...SUBMIT }), file));
		await eventually(() => host.seen.bytes > 0, 30_000);
		const before = await storedFiles();

		await stop(id, host.seen);
		expect(await storedFiles()).toEqual(before);
		expect((await openFiles()) ?? []).toEqual([]);
		expect(calls()).toEqual({ policies: 1, uploads: 0, creates: 0 });
		expect(host.seen.bytes).toBeLessThan(60 * MEGABYTE);
	});

	test('ends a download at once and leaves nothing of it in the store', async () => {
		const host = await slowHost((response) => {
			response.writeHead(200, { 'content-length': 500 * MEGABYTE });
			const timer = setInterval(() => response.write(Buffer.alloc(MEGABYTE)), 50);
			response.once('close', () => clearInterval(timer));
		});
		const headers = { location: `${host.url}/result.mp4` };
		sandbox.fault({ route: 'result', status: 302, headers, times: 3 });
		const before = await storedFiles();
		const id = await n8n.run(await add(editOf({ ...byUrl(), ...WAIT })));
		await eventually(() => host.seen.open > 0, 30_000);
		// It is being written just now.
		await eventually(async () => (await storedFiles()).length === before.length + 1, 30_000);

		await stop(id, host.seen);
		expect(await storedFiles()).toEqual(before);
		expect((await openFiles()) ?? []).toEqual([]);
		expect(sandbox.requests('result')).toHaveLength(1);
	});
});
