// Resident memory of a process and of its children, seen from outside while something happens.
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { MEGABYTE } from './largeVideo';

export interface Sample {
	/** Epoch milliseconds. */
	at: number;
	/** Bytes of the process itself. */
	own: number;
	/** Bytes of all its descendants together. */
	children: number;
}

interface Row {
	pid: number;
	parent: number;
	bytes: number;
}

const PAUSE_MS = 50;

const linux = process.platform === 'linux';

function rowOf(pid: number, status: string): Row {
	const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
	return { pid, parent: field('PPid'), bytes: (field('VmRSS') || 0) * 1024 };
}

/** Linux: read directly, so that looking costs next to nothing. Elsewhere: ps. */
async function rows(): Promise<Row[]> {
	if (!linux) {
		const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,ppid=,rss=']);
		return stdout
			.trim()
			.split('\n')
			.map((line) => {
				const [pid = 0, parent = 0, kilobytes = 0] = line.trim().split(/\s+/).map(Number);
				return { pid, parent, bytes: kilobytes * 1024 };
			});
	}
	const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
	const found = await Promise.all(
		pids.map(async (pid) => {
			// A process may end while it is looked at.
			const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined);
			return status === undefined ? [] : [rowOf(Number(pid), status)];
		}),
	);
	return found.flat();
}

async function sampleMemory(pid: number): Promise<Sample> {
	const at = Date.now();
	const all = await rows();
	const family = new Set([pid]);
	for (let before = 0; before < family.size; ) {
		before = family.size;
		for (const row of all) if (family.has(row.parent)) family.add(row.pid);
	}
	const bytes = (wanted: (row: Row) => boolean) =>
		all.filter(wanted).reduce((sum, row) => sum + row.bytes, 0);
	return {
		at,
		own: bytes((row) => row.pid === pid),
		children: bytes((row) => row.pid !== pid && family.has(row.pid)),
	};
}

/** Clock ticks per second in /proc; the same on every Linux that n8n runs on. */
const TICKS = 100;

/** Processor time that a process has used so far, in seconds; NaN where it cannot be read. */
export async function processorSeconds(pid: number): Promise<number> {
	if (!linux) return NaN;
	const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
	// The name before it may have spaces; user and system time are the 14th and 15th field.
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Takes samples for as long as the work lasts, one at once before it and one after it. */
export async function whileSampling(pid: number, work: () => Promise<void>): Promise<Sample[]> {
	const samples = [await sampleMemory(pid)];
	let running = true;
	const sampling = (async () => {
		while (running) {
			await sleep(PAUSE_MS);
			samples.push(await sampleMemory(pid));
		}
	})();
	try {
		await work();
	} finally {
		running = false;
		await sampling;
	}
	return samples;
}

export const tenths = (value: number) => Math.round(value * 10) / 10;
/** Megabytes, with one decimal. */
export const rounded = (bytes: number) => tenths(bytes / MEGABYTE);

export interface Span {
	/** Epoch milliseconds, both. */
	from: number;
	until: number;
}

const ALWAYS: Span = { from: 0, until: Infinity };

/** Megabytes from the last sample before the span to the highest one in it. */
export function rise(
	samples: Sample[],
	part: 'own' | 'children',
	{ from, until } = ALWAYS,
): number {
	const before = samples.filter(({ at }) => at <= from).at(-1) ?? samples[0];
	const after = samples.filter(({ at }) => at >= from && at <= until);
	const base = before?.[part] ?? 0;
	return rounded(Math.max(base, ...after.map((sample) => sample[part])) - base);
}
