import { parseArgs } from 'node:util';

import { startSandbox, type SandboxOptions } from './index';
import { catalogue, findModel } from './models';
import { REGIONS } from './options';

const HELP = `A DashScope on loopback: the same HTTP contract, real MP4 results, faults on demand.

Usage: npm run sandbox -- [options]

  --port N               port to listen on, always on 127.0.0.1 (default: a free one)
  --api-key K            key that clients must send (default: sk-sandbox)
  --region R             act as cn-beijing or ap-southeast-1: wanx2.1-vace-plus or wan2.1-vace-plus
                         (default: both are known)
  --job-seconds N        how long a task runs (default: 20)
  --slots N              tasks of a model running at once (default: as the service, 5, 2 or 1)
  --submits-per-second N create calls of a model per second (default: as the service, 10, 5 or 2)
  --queries-per-second N query, list and cancel calls per second, each (default: 20)
  --policy-seconds N     how long an upload policy lives (default: 300)
  --result-bytes N       pad results up to this size
  --max-upload-bytes N   largest upload (default: 104857600, 209715200 for wan2.2-animate-mix)
  --help                 this text
`;

function numberOf(name: string, text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const value = Number(text);
	if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
		throw new Error(`--${name} must be a number of 0 or more, got "${text}"`);
	}
	return value;
}

function readArguments(args: string[]): SandboxOptions | undefined {
	const text = { type: 'string' } as const;
	const { values } = parseArgs({
		args,
		options: {
			port: text,
			'api-key': text,
			region: text,
			'job-seconds': text,
			slots: text,
			'submits-per-second': text,
			'queries-per-second': text,
			'policy-seconds': text,
			'result-bytes': text,
			'max-upload-bytes': text,
			help: { type: 'boolean', short: 'h' },
		},
	});
	if (values.help) return undefined;
	const region = REGIONS.find((known) => known === values.region);
	if (values.region !== region) {
		throw new Error(`--region must be one of ${REGIONS.join(', ')}, got "${values.region}"`);
	}
	return {
		region,
		apiKey: values['api-key'],
		port: numberOf('port', values.port),
		jobSeconds: numberOf('job-seconds', values['job-seconds']) ?? 20,
		slots: numberOf('slots', values.slots),
		submitsPerSecond: numberOf('submits-per-second', values['submits-per-second']),
		queriesPerSecond: numberOf('queries-per-second', values['queries-per-second']),
		policySeconds: numberOf('policy-seconds', values['policy-seconds']),
		resultBytes: numberOf('result-bytes', values['result-bytes']),
		maxUploadBytes: numberOf('max-upload-bytes', values['max-upload-bytes']),
	};
}

async function main(): Promise<void> {
	const options = readArguments(process.argv.slice(2));
	if (options === undefined) {
		process.stdout.write(HELP);
		return;
	}
	const sandbox = await startSandbox(options);
	const { video, portraitVideo, silentVideo, movVideo, images, maskImage, maskVideo, audio } =
		sandbox.samples;
	const samples = [video, portraitVideo, silentVideo, movVideo, ...images];
	const lines = [
		'DashScope sandbox is running.',
		'',
		`  Base URL      ${sandbox.url}   (SDKs: DASHSCOPE_HTTP_BASE_URL=${sandbox.url}/api/v1)`,
		`  API key       ${sandbox.apiKey}`,
		`  Job time      ${options.jobSeconds} s`,
		'',
		'Models',
		...catalogue(options.region)
			.filter(({ model }) => findModel(model) !== undefined)
			.map(({ model }) => `  ${model}`),
		'',
		'Sample media',
		...[...samples, maskImage, maskVideo, audio].map(({ url }) => `  ${url}`),
		'',
		'Control',
		`  POST DELETE   ${sandbox.url}/_sandbox/faults`,
		`  POST DELETE   ${sandbox.url}/_sandbox/outcomes`,
		`  GET  DELETE   ${sandbox.url}/_sandbox/log`,
		`  GET           ${sandbox.url}/_sandbox/tasks`,
		`  GET  PATCH    ${sandbox.url}/_sandbox/options`,
		`  POST          ${sandbox.url}/_sandbox/reset`,
		`  GET           ${sandbox.url}/_sandbox/samples`,
		'',
		'Stop with Ctrl+C.',
	];
	process.stdout.write(`${lines.join('\n')}\n`);
	const stop = () => {
		void sandbox.stop().then(() => process.exit(0));
	};
	process.once('SIGINT', stop);
	process.once('SIGTERM', stop);
}

main().catch((error: unknown) => {
	process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
	process.exitCode = 1;
});
