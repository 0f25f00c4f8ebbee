// A program that runs beside us, with its log and its end.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import { start } from './processes';
import { killGroup } from './stopping';

export interface ProgramOptions {
	/** For messages. */
	name: string;
	command: string;
	args: string[];
	cwd: string;
	env: NodeJS.ProcessEnv;
	/** What it prints once it can be used. */
	ready: string;
}

export interface LogLine {
	/** When it was printed, in epoch milliseconds. */
	at: number;
	text: string;
}

const startTimeout = 180_000;
const keptLines = 20_000;

export class Program {
	private child?: ChildProcess;
	private lines: LogLine[] = [];
	private rest = '';

	constructor(private readonly options: ProgramOptions) {}

	/** Starts it, and waits until it can be used. */
	async launch(): Promise<void> {
		const { name, command, args, cwd, env } = this.options;
		const child = start(command, args, { cwd, env, lifeline: true });
		this.child = child;
		const from = Date.now();
		const failure = (reason: string) => {
			const tail = this.log(from)
				.slice(-40)
				.map(({ text }) => text);
			return new Error(`${name} ${reason}. Its last lines:\n${tail.join('\n')}`);
		};
		const ready = new Promise<void>((resolve, reject) => {
			const take = (text: string) => this.take(text, resolve);
			child.stdout?.setEncoding('utf8').on('data', take);
			child.stderr?.setEncoding('utf8').on('data', take);
			child.once('error', (error) => reject(failure(`could not be started: ${error.message}`)));
			child.once('exit', (code, signal) =>
				reject(failure(`ended with ${signal ?? code} while starting`)),
			);
		});
		const patience = new AbortController();
		const late = sleep(startTimeout, undefined, { signal: patience.signal }).then(() => {
			throw failure(`was not ready after ${startTimeout / 1000} s`);
		});
		late.catch(() => undefined);
		await Promise.race([ready, late]).finally(() => patience.abort());
	}

	private take(text: string, ready: () => void): void {
		const parts = (this.rest + text).split('\n');
		this.rest = parts.pop() ?? '';
		const at = Date.now();
		for (const part of parts) {
			this.lines.push({ at, text: part });
			if (part.includes(this.options.ready)) ready();
		}
		if (this.lines.length > 2 * keptLines) this.lines = this.lines.slice(-keptLines);
	}

	/** What it has printed, over all its starts. */
	log(from = 0): LogLine[] {
		return this.lines.filter(({ at }) => at >= from);
	}

	get pid(): number {
		const pid = this.child?.pid;
		if (pid === undefined) throw new Error(`${this.options.name} is not running`);
		return pid;
	}

	/** Ends it and waits until it is gone. SIGKILL takes what it has started with it. */
	async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
		const { child } = this;
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
		if (signal === 'SIGKILL') killGroup(this.pid, signal);
		else child.kill(signal);
		await gone;
	}

	/** Asks it to end, and makes it end when it does not. */
	async end(): Promise<void> {
		const patience = new AbortController();
		const force = sleep(10_000, undefined, { signal: patience.signal })
			.then(async () => await this.kill('SIGKILL'))
			.catch(() => undefined);
		await this.kill('SIGTERM');
		patience.abort();
		await force;
	}
}
