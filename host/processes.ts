import { spawn, type ChildProcess } from 'node:child_process';
import { killGroup, stopLater, trackGroup, untrackGroup } from './stopping';

export interface RunOptions {
	cwd: string;
	env?: NodeJS.ProcessEnv;
	/** The account it runs under; default: this process's. */
	uid?: number;
	gid?: number;
}

/** Starts a program as the leader of its own process group, so that it can be ended with its children. */
export function start(
	command: string,
	args: string[],
	options: RunOptions & { lifeline?: boolean },
): ChildProcess {
	const child = spawn(command, args, {
		cwd: options.cwd,
		env: options.env ?? process.env,
		uid: options.uid,
		gid: options.gid,
		detached: true,
		stdio: ['ignore', 'pipe', 'pipe', ...(options.lifeline ? (['pipe'] as const) : [])],
	});
	const { pid } = child;
	if (pid !== undefined) {
		trackGroup(pid);
		child.once('exit', () => {
			// What the leader left behind goes too.
			killGroup(pid, 'SIGKILL');
			untrackGroup(pid);
		});
	}
	return child;
}

/** Runs a program to its end and returns what it printed on stdout; its output is in the error if it fails. */
export async function run(command: string, args: string[], options: RunOptions): Promise<string> {
	const child = start(command, args, options);
	const stopped = stopLater(async () => {
		if (child.pid !== undefined) killGroup(child.pid, 'SIGKILL');
	});
	let stdout = '';
	let output = '';
	child.stdout?.setEncoding('utf8').on('data', (text: string) => {
		stdout += text;
		output += text;
	});
	child.stderr?.setEncoding('utf8').on('data', (text: string) => {
		output += text;
	});
	try {
		const ended = await new Promise<string | number | null>((resolve, reject) => {
			child.once('error', reject);
			child.once('close', (code, signal) => resolve(signal ?? code));
		});
		if (ended !== 0) {
			const tail = output.trimEnd().split('\n').slice(-40).join('\n');
			throw new Error(`"${[command, ...args].join(' ')}" ended with ${ended}:\n${tail}`);
		}
		return stdout;
	} finally {
		stopped();
	}
}

/** Runs npm: the one that runs this script, or else the one on the path. */
export async function npm(args: string[], options: RunOptions): Promise<string> {
	const cli = process.env.npm_execpath;
	const env: NodeJS.ProcessEnv = {};
	for (const [name, value] of Object.entries(options.env ?? process.env)) {
		// What "npm run" says about this package must not reach an npm that works on another one.
		if (
			!/^(npm_(package|lifecycle)_|npm_config_(local_prefix|ignore_scripts)$|INIT_CWD$)/.test(name)
		)
			env[name] = value;
	}
	const own: [string, string[]] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []];
	const [command, first] = args[0] === 'ci' && (await isOld(own)) ? newer : own;
	return await run(command, [...first, ...args], { ...options, env });
}

const newer: [string, string[]] = ['npx', ['--yes', 'npm@11']];

/** npm 10, which comes with Node.js 20 and 22, misses optional packages in the locks and refuses them. */
async function isOld([command, first]: [string, string[]]): Promise<boolean> {
	const version = await run(command, [...first, '--version'], { cwd: process.cwd() });
	return Number.parseInt(version, 10) < 11;
}
