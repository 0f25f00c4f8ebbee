// npm run bench: the measurements side by side.
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { ensureHost } from '../host/install';
import { packPackage } from '../host/pack';
import { step } from '../host/progress';
import { stopAll } from '../host/stopping';
import { accountLines, measureAccount, type AccountMeasurement } from './account';
import { boundsOf, loadBoundsOf, type Bound } from './bounds';
import { LOADS, loadName, measureLoads, type LoadFailure, type LoadMeasurement } from './load';
import { measureMemory, nameOf, type Case, type Failure, type Measurement } from './memory';
import { measureSuspend, suspendedLines, type SuspendMeasurement } from './suspend';
import { boundsTable, loadTable, memoryTable } from './table';

const help = `npm run bench [-- options]

Runs the packed node in a real n8n against the sandbox and measures how much n8n's
resident memory grows while it moves videos of several sizes, and, with a heap full of
live objects, how long its event loop stands still. About twenty minutes.

  --json               the last line of stdout is a JSON object
  --only <text>        only cases whose name has the text, such as "download 200" or "heap";
                       "suspend" measures the suspended wait instead, seven minutes,
                       "account" many executions of one account, twelve minutes
  --repetitions <n>    executions of each case, default 3
  --no-build           measure what the last build made
  --help               this text`;

const CASES: Case[] = [
	...[10, 50, 100].map((megabytes) => ({ direction: 'upload' as const, megabytes, items: 1 })),
	{ direction: 'upload' as const, megabytes: 50, items: 10 },
	...[10, 50, 100, 200].map((megabytes) => ({
		direction: 'download' as const,
		megabytes,
		items: 1,
	})),
	{ direction: 'download' as const, megabytes: 50, items: 10 },
].map((one) => ({ mode: 'filesystem' as const, ...one }));

/** n8n itself holds the whole file in these modes, so they show what is added to that. */
const OTHER_MODES: Case[] = (['database', 'default'] as const).flatMap((mode) =>
	(['upload', 'download'] as const).map((direction) => ({
		direction,
		mode,
		megabytes: 100,
		items: 1,
	})),
);

/** What is measured only when it is asked for: it takes long. */
const SUSPEND = 'suspend';
const SUSPENDED_TASKS = 16;
const ACCOUNT = 'account';

interface Result {
	ok: boolean;
	machine: { processors: number; gigabytes: number; node: string; platform: string };
	memory: Measurement[];
	load: LoadMeasurement[];
	failures: Array<Failure | LoadFailure>;
	bounds: Bound[];
	suspended?: SuspendMeasurement;
	account?: AccountMeasurement[];
}

async function bench(only: string, repetitions: number, build: boolean): Promise<Result> {
	await ensureHost();
	const tarball = await step('Packing the node', async () => await packPackage({ build }));
	const cases = [...CASES, ...OTHER_MODES].filter((one) => nameOf(one).includes(only));
	const loads = LOADS.filter((one) => loadName(one).includes(only));
	const { measurements: memory, ...files } = await measureMemory(cases, { repetitions, tarball });
	const { measurements: load, ...more } = await measureLoads(loads, { repetitions, tarball });
	const failures = [...files.failures, ...more.failures];
	const bounds = [...boundsOf(memory), ...loadBoundsOf(load)];
	const suspended = only === SUSPEND ? await measureSuspend(SUSPENDED_TASKS, tarball) : undefined;
	const account = only === ACCOUNT ? await measureAccount(tarball) : undefined;
	const tables = [memoryTable(memory), loadTable(load), boundsTable(bounds)];
	if (suspended !== undefined) tables.unshift(suspendedLines(suspended));
	if (account !== undefined) tables.unshift(accountLines(account));
	process.stderr.write(`\n${tables.join('\n\n')}\n`);
	return {
		ok: failures.length === 0 && bounds.every(({ ok }) => ok),
		machine: {
			processors: cpus().length,
			gigabytes: Math.round(totalmem() / 1024 ** 3),
			node: process.version,
			platform: process.platform,
		},
		memory,
		load,
		failures,
		bounds,
		suspended,
		account,
	};
}

function readArguments() {
	try {
		return parseArgs({
			options: {
				json: { type: 'boolean' },
				only: { type: 'string', default: '' },
				repetitions: { type: 'string', default: '3' },
				'no-build': { type: 'boolean' },
				help: { type: 'boolean', short: 'h' },
			},
		}).values;
	} catch (error) {
		console.error(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
		process.exit(2);
	}
}

async function main(): Promise<void> {
	const values = readArguments();
	if (values.help) {
		console.log(help);
		return;
	}
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
		process.once(signal, () => void stopAll().finally(() => process.exit(1)));
	}
	let line: string;
	let code = 0;
	try {
		const repetitions = Math.max(1, Number(values.repetitions) || 1);
		const result = await bench(values.only, repetitions, values['no-build'] !== true);
		line = JSON.stringify(result);
		if (!result.ok) code = 1;
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		process.stderr.write(`The bench failed: ${message}\n`);
		line = JSON.stringify({ ok: false, error: message });
		code = 1;
	}
	await stopAll();
	// The process ends only after the line is out, also when stdout is a pipe.
	if (values.json) await new Promise((done) => process.stdout.write(`${line}\n`, done));
	process.exit(code);
}

void main();
