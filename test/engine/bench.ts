import { readFile } from 'node:fs/promises';
import type {
	IBinaryData,
	ICredentialDataDecryptedObject,
	IDataObject,
	INodeExecutionData,
	INodeParameters,
} from 'n8n-workflow';
import { startSandbox } from '../../sandbox';
import type { LoggedRequest, Sandbox, SandboxOptions, SandboxTask } from '../../sandbox';
import { removeUserFolder, startNode, storeBinary, useBinaryMode } from './engine';
import type { BinaryMode, EngineOptions, EngineRun, Started } from './engine';

/** What the tests of the node share: a sandbox for each file, and runs of the node against it. */

export type RunOptions = Partial<EngineOptions>;

export interface Bench {
	readonly sandbox: Sandbox;
	/** The sandbox's key and address. */
	credential(): ICredentialDataDecryptedObject;
	/**
	 * Starts the node over items of its own (or so many empty ones). Without other parameters: Instruction Edit of
	 * a video by URL, asking every second, and holding the execution, however slow the machine is.
	 */
	start(
		items: INodeExecutionData[] | number,
		parameters?: INodeParameters,
		options?: RunOptions,
	): Started;
	run(
		items: INodeExecutionData[] | number,
		parameters?: INodeParameters,
		options?: RunOptions,
	): Promise<EngineRun>;
	/** A sample or bytes, as a file of an item. */
	file(
		content: { path: string; fileName: string; mimeType: string } | Buffer,
		fileName?: string,
		mimeType?: string,
	): Promise<IBinaryData>;
	/** Bodies of the create calls, oldest first. */
	bodies(): unknown[];
	/** The media of the only create call. */
	media(): Array<{ type: string; url: string }>;
	taskIds(): string[];
}

/** Seconds that a task of these tests runs: done at the first or second question. */
export const QUICK = 0.4;

export function useBench(options: SandboxOptions = {}, mode: BinaryMode = 'filesystem'): Bench {
	let sandbox: Sandbox;
	beforeAll(async () => {
		await useBinaryMode(mode);
		sandbox = await startSandbox({ jobSeconds: QUICK, ...options });
	});
	beforeEach(async () => {
		await sandbox.reset();
		sandbox.configure({ jobSeconds: QUICK, slots: 5, resultBytes: 0, ...options });
	});
	afterAll(async () => {
		await sandbox.stop();
		await removeUserFolder();
	});

	/** The key must not show up anywhere: not in items, errors or saved data, and in no log of any level. */
	const expectNoKey =
		({ credential }: RunOptions) =>
		(result: EngineRun): EngineRun => {
			const key = String(credential?.apiKey ?? sandbox.apiKey);
			if (key.trim() !== '') expect(result.text).not.toContain(key);
			expect(result.text).not.toContain('Bearer');
			return result;
		};

	const bench: Bench = {
		get sandbox() {
			return sandbox;
		},
		credential: () => ({ apiKey: sandbox.apiKey, region: 'custom', baseUrl: sandbox.url }),
		start: (items, parameters = {}, runOptions = {}) => {
			const { options: more, ...fields } = parameters;
			const started = startNode(
				typeof items === 'number' ? Array.from({ length: items }, () => ({ json: {} })) : items,
				{
					...editOf(sandbox, parameters),
					...fields,
					options: { pollInterval: 1, ...(more as INodeParameters) },
				},
				{ credential: bench.credential(), ...runOptions },
			);
			return { ...started, done: started.done.then(expectNoKey(runOptions)) };
		},
		run: async (...args) => await bench.start(...args).done,
		file: async (content, fileName, mimeType) =>
			Buffer.isBuffer(content)
				? await storeBinary(content, fileName ?? 'file', mimeType ?? 'application/octet-stream')
				: await storeBinary(
						await readFile(content.path),
						fileName ?? content.fileName,
						mimeType ?? content.mimeType,
					),
		bodies: () => sandbox.requests('create').map(({ body }) => body),
		media: () => mediaOf(only(sandbox.requests('create'))),
		taskIds: () => sandbox.tasks().map(({ id }) => id),
	};
	return bench;
}

/** What an edit needs at least; Get Status needs none of it. */
function editOf(sandbox: Sandbox, { resource }: INodeParameters): INodeParameters {
	if (resource === 'task' || resource === 'file') return {};
	return {
		videoSource: 'url',
		videoUrl: sandbox.samples.video.url,
		prompt: 'black and white',
		waiting: 'active',
	};
}

/** Somebody else with the same account submits the same or another edit. */
export async function submitElsewhere(
	{ url, apiKey, samples }: Sandbox,
	prompt: string,
): Promise<string> {
	const answer = await fetch(`${url}/api/v1/services/aigc/video-generation/video-synthesis`, {
		method: 'POST',
		headers: { authorization: `Bearer ${apiKey}`, 'x-dashscope-async': 'enable' },
		body: JSON.stringify({
			model: 'wan2.7-videoedit',
			input: { prompt, media: [{ type: 'video', url: samples.video.url }] },
		}),
	});
	const { output } = (await answer.json()) as { output: { task_id: string } };
	return output.task_id;
}

/** The media of a create call. */
export function mediaOf({ body }: LoggedRequest): Array<{ type: string; url: string }> {
	const { input } = body as { input: { media: Array<{ type: string; url: string }> } };
	return input.media;
}

/** The one element that there must be. */
export function only<T>(list: readonly T[] | undefined): T {
	expect(list).toHaveLength(1);
	return at(list, 0);
}

export function at<T>(list: readonly T[] | undefined, index: number): T {
	const element = list?.[index];
	if (element === undefined) throw new Error(`There is no element ${index}`);
	return element;
}

/** Items with a name and a prompt each, for `prompt: '={{ $json.prompt }}'`. */
export function named(...prompts: string[]): INodeExecutionData[] {
	return prompts.map((prompt, index) => ({ json: { name: `item ${index}`, prompt } }));
}

/** A model that is chosen by its ID. */
export const modelId = (value: string) => ({ __rl: true, mode: 'id', value });

export const PROMPT_OF_ITEM = '={{ $json.prompt }}';

/** `details` of an error item. */
export function detailsOf({ json }: INodeExecutionData): IDataObject {
	expect(json.details).toEqual(expect.any(Object));
	return json.details as IDataObject;
}

/** The most calls that any second saw. */
export function busiestSecond(requests: readonly LoggedRequest[]): number {
	const times = requests.map((request) => request.at).sort((a, b) => a - b);
	return Math.max(
		0,
		...times.map((from) => times.filter((time) => time >= from && time < from + 1000).length),
	);
}

/** How many tasks were created for each prompt. */
export function tasksByPrompt(tasks: readonly SandboxTask[]): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const { prompt } of tasks) counts[prompt] = (counts[prompt] ?? 0) + 1;
	return counts;
}

/** Retry On Fail as the tests switch it on, without n8n's pause between the tries. */
export const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

export const SIGNED_QUERY = /\?Expires=\d+&OSSAccessKeyId=[^&]+&Signature=[^&]+$/;

/** Waits for something to become true. */
export async function until(condition: () => boolean, seconds = 120): Promise<void> {
	const deadline = Date.now() + seconds * 1_000;
	while (!condition()) {
		if (Date.now() > deadline) throw new Error(`Not so after ${seconds} s: ${condition}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}
