// npm run demo: a real video is edited in a real n8n, from nothing but a clone.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { probeVideo } from '../sandbox/probe';
import { outputOf, type Execution } from './client';
import { addExamples, type DemoExamples } from './demo-examples';
import { demoCredential, demoWorkflow, editNode, type DemoFiles } from './demo-workflow';
import { ensureHost } from './install';
import { startN8n, type N8n } from './n8n';
import { packPackage, root } from './pack';
import { say, step } from './progress';
import { startService, type Service } from './service';
import { stopAll } from './stopping';

const help = `npm run demo [-- --once]

Edits one sample video with the Wan Video Edit node in a real n8n, shows where the
editor is, and keeps running until Ctrl-C. The first run installs n8n (about 4
minutes, 3 GB, in the user's cache folder); later ones start in seconds. The n8n is
a new one each time: what you change in its editor is gone when the demo ends.

  --once    stop everything after the edit; the last line is a JSON object
  --help    this text

Environment:
  DASHSCOPE_API_KEY   use the real service, which bills the edit, not the sandbox
  DASHSCOPE_REGION    cn-beijing (default) or ap-southeast-1
  XDG_CACHE_HOME      where n8n is installed, default ~/.cache`;

interface Result {
	ok: true;
	n8n: string;
	execution: string;
	taskId: string;
	submissions: number;
	video: {
		path: string;
		bytes: number;
		codec: string;
		width: number;
		height: number;
		fps: number;
		seconds: number;
	};
}

async function prepareFiles({ sample, pictures }: Service): Promise<DemoFiles> {
	const folder = join(root, '.demo');
	await mkdir(folder, { recursive: true });
	// n8n compares resolved paths with the folder that it may use.
	const files = await realpath(folder);
	const input = join(files, 'sample.mp4');
	const output = join(files, 'edited.mp4');
	await rm(output, { force: true });
	await copyFile(sample, input);
	for (const picture of pictures) await copyFile(picture, join(files, basename(picture)));
	return { input, output };
}

function taskIds(execution: Execution): string[] {
	const ids = outputOf(execution, editNode).map(({ json }) => json.taskId);
	return [...new Set(ids.filter((id) => typeof id === 'string'))];
}

function whyFailed(execution: Execution): string {
	const { error, lastNodeExecuted } = execution.data.resultData;
	const description = error && 'description' in error ? error.description : undefined;
	return [
		`The execution ended with "${execution.status}" at "${lastNodeExecuted ?? '?'}"`,
		error?.message,
		description,
	]
		.filter(Boolean)
		.join(': ');
}

interface Demo {
	result: Result;
	n8n: N8n;
	workflowUrl: string;
	sample: string;
	examples: DemoExamples;
	/** Whether the forms' edits cost money, too. */
	billed: boolean;
}

async function demo(): Promise<Demo> {
	await ensureHost();
	const service = await step('Starting the service', startService);
	const tarball = await step('Building and packing the node', packPackage);
	const files = await prepareFiles(service);
	const n8n = await step('Starting n8n with the packed node', () =>
		startN8n({
			tarball,
			files: dirname(files.input),
			credentials: [demoCredential(service.credential)],
		}),
	);
	say(`n8n ${n8n.version} at ${n8n.url}`);
	const examples = await step('Importing the examples', () => addExamples(n8n));
	const workflowId = await n8n.addWorkflow(demoWorkflow(files, service.name));
	const execution = await step('Editing the sample video', async () =>
		n8n.waitFor(await n8n.run(workflowId), { timeoutMs: service.timeoutMs }),
	);
	if (execution.status !== 'success') throw new Error(whyFailed(execution));
	const ids = taskIds(execution);
	const submissions = service.submissions?.() ?? ids.length;
	const [taskId] = ids;
	if (!taskId) throw new Error('The node handed on no task ID');
	if (submissions !== 1) throw new Error(`${submissions} tasks were made for one edit`);
	if (!existsSync(files.output)) throw new Error(`The execution wrote no ${files.output}`);
	const { bytes, codec, width, height, fps, seconds } = await probeVideo(files.output);
	return {
		n8n,
		workflowUrl: n8n.workflowUrl(workflowId),
		sample: files.input,
		examples,
		billed: service.submissions === undefined,
		result: {
			ok: true,
			n8n: n8n.version,
			execution: execution.status,
			taskId,
			submissions,
			video: { path: files.output, bytes, codec, width, height, fps, seconds },
		},
	};
}

async function finish(code: number, line?: string): Promise<never> {
	await stopAll();
	// The process ends only after the line is out, also when stdout is a pipe.
	if (line !== undefined) await new Promise((done) => process.stdout.write(`${line}\n`, done));
	process.exit(code);
}

function readArguments() {
	try {
		return parseArgs({
			options: { once: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
		});
	} catch (error) {
		console.error(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
		process.exit(2);
	}
}

async function main(): Promise<void> {
	const { values } = readArguments();
	if (values.help) {
		console.log(help);
		return;
	}
	const failureLine = (error: string) =>
		values.once ? JSON.stringify({ ok: false, error }) : undefined;

	let ending = false;
	const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
	for (const [signal, code] of Object.entries(signals)) {
		process.on(signal, () => {
			if (ending) return;
			ending = true;
			say('Stopping …');
			void finish(code, failureLine(`Ended by ${signal}`));
		});
	}

	try {
		const { result, n8n, workflowUrl, sample, examples, billed } = await demo();
		if (values.once) {
			ending = true;
			say('Done; stopping everything');
			await finish(0, JSON.stringify(result));
		}
		const { video } = result;
		console.log(`
The edit is done (task ${result.taskId}).
  Before   ${sample}
  After    ${video.path}
           ${video.codec}, ${video.width}x${video.height}, ${video.fps} fps, ${video.seconds} s

Try it yourself, with the files in ${dirname(sample)}${billed ? ' (each edit is billed)' : ''}:
  Form     ${examples.form}
           a video, images and an instruction; the result goes to the storage, its link to the mailbox
  Styles   ${examples.styles}
           six edits of one video on one page
  Mailbox  ${examples.mailbox}
  Storage  ${examples.storage}

See how they work in n8n ${result.n8n}:
  Editor   ${workflowUrl}
  E-mail   ${n8n.owner.email}
  Password ${n8n.owner.password}

Ctrl-C stops everything.`);
	} catch (error) {
		// What fails while everything is being stopped fails because of that.
		if (ending) return;
		ending = true;
		const message = error instanceof Error ? error.message : String(error);
		if (!values.once) say(`The demo failed: ${message}`);
		await finish(1, failureLine(message));
	}
}

void main();
