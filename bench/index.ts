// npm run bench: what a user would otherwise pick, measured side by side.
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureHost } from '../host/install';
import { packPackage } from '../host/pack';
import { say, step } from '../host/progress';
import { stopAll } from '../host/stopping';
import type { Figure } from './figure';
import { MEASUREMENTS, type Measurement } from './measurements';
import { writePage } from './page';
import { Run } from './run';
import { terminalText } from './table';

type Named = [name: string, measurement: Measurement];

const ALL: Named[] = Object.entries(MEASUREMENTS);

const help = `npm run bench [-- options]

Runs this node, n8n's own Qwen Cloud node and a drawn loop of HTTP Request, Wait and If
side by side in a real n8n against the sandbox. Up to forty minutes.

  --only <name>   one of the measurements below, or several with commas between them
  --json          the last line of stdout is a JSON object
  --docs          put figures and charts into docs/
  --no-build      measure what the last build made
  --help          this text

${ALL.map(describe).join('\n')}`;

function describe([name, { about, minutes, when }]: Named): string {
	return `  ${name.padEnd(12)} ${about}, ${minutes} min${when === 'asked' ? '; only if asked for' : ''}`;
}

interface Result {
	ok: boolean;
	machine: Machine;
	figures: Record<string, Figure>;
	failures: Record<string, string>;
}

interface Machine {
	processors: number;
	model: string;
	gigabytes: number;
	platform: string;
	/** Of the bench itself, and of n8n. */
	node: string;
	n8n: string;
	package: string;
	date: string;
	/** Of the machine over a minute, before and after: how much else it had to do. */
	load: { before: number; after: number };
	minutes: number;
}

async function versionIn(folder: string): Promise<string> {
	const text = await readFile(join(folder, 'package.json'), 'utf8');
	return (JSON.parse(text) as { version: string }).version;
}

async function bench(only: Named[], build: boolean): Promise<Result> {
	const host = await ensureHost();
	const began = Date.now();
	const before = loadavg()[0] ?? NaN;
	const tarball = await step('Packing the node', async () => await packPackage({ build }));
	const run = new Run(tarball);
	const figures: Record<string, Figure> = {};
	const failures: Record<string, string> = {};
	const measure = async ([name, measurement]: Named) => {
		try {
			say(`${name}: begins`);
			const figure = await measurement.measure(run);
			figures[name] = figure;
			process.stderr.write(`\n${terminalText(figure)}\n\n`);
		} catch (error) {
			failures[name] = error instanceof Error ? (error.stack ?? error.message) : String(error);
			say(`${name} failed: ${failures[name]}`);
		}
	};
	const inOrder = async (some: Named[]) => {
		for (const one of some) await measure(one);
	};
	if (only.length > 0) {
		await inOrder(only);
	} else {
		const of = (when: Measurement['when']) => ALL.filter(([, one]) => one.when === when);
		await Promise.all(([1, 2, 3] as const).map(async (lane) => await inOrder(of(lane))));
		await run.stop();
		await inOrder(of('alone'));
	}
	await run.stop();
	const targets = Object.values(figures).flatMap((figure) => figure.targets ?? []);
	return {
		ok: Object.keys(failures).length === 0 && targets.every(({ met }) => met),
		machine: {
			processors: cpus().length,
			model: cpus()[0]?.model ?? 'unknown',
			gigabytes: Math.round(totalmem() / 1024 ** 3),
			platform: process.platform,
			node: process.version,
			n8n: await versionIn(join(host.dir, 'node_modules', 'n8n')),
			package: await versionIn(join(__dirname, '..')),
			date: new Date().toISOString().slice(0, 10),
			load: { before, after: loadavg()[0] ?? NaN },
			minutes: Math.round((Date.now() - began) / 6_000) / 10,
		},
		figures,
		failures,
	};
}

function machineText({ processors, gigabytes, n8n, date, load, ...rest }: Machine): string {
	const busy = `load ${load.before.toFixed(1)} before and ${load.after.toFixed(1)} after`;
	return `${date}: ${processors} processors (${rest.model}), ${gigabytes} GB, ${rest.platform}, n8n ${n8n}, package ${rest.package}; ${busy}`;
}

async function writeDocs({ figures, machine }: Result): Promise<void> {
	for (const file of ['benchmark.md', 'scale.md'] as const) {
		const own = Object.entries(figures).filter(([name]) => MEASUREMENTS[name]?.page === file);
		if (own.length > 0) await writePage(file, Object.fromEntries(own), machineText(machine));
	}
}

function readArguments() {
	try {
		const { values } = parseArgs({
			options: {
				json: { type: 'boolean' },
				docs: { type: 'boolean' },
				only: { type: 'string' },
				'no-build': { type: 'boolean' },
				help: { type: 'boolean', short: 'h' },
			},
		});
		const only = (values.only?.split(',') ?? []).map((name) => {
			const one = ALL.find(([known]) => known === name);
			if (one !== undefined) return one;
			const names = ALL.map(([known]) => known).join(', ');
			throw new Error(`There is no measurement "${name}". There are: ${names}`);
		});
		return { ...values, only };
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
		const result = await bench(values.only, values['no-build'] !== true);
		if (values.docs) await writeDocs(result);
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
