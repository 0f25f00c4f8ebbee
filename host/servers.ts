// PostgreSQL and Redis for n8n's queue mode: given ones, or own ones from the installed Debian packages.
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './ports';
import { run, start } from './processes';
import { removeFolder, stopLater, temporaryFolder } from './stopping';

export interface QueueServers {
	/** n8n's settings for main process and workers. */
	env: Record<string, string>;
	stop(): Promise<void>;
}

const debianFolder = '/usr/lib/postgresql';
const prefixes = ['DB_POSTGRESDB_', 'QUEUE_BULL_REDIS_'];

const missingServers =
	'queue mode is not tested here: it needs PostgreSQL and Redis. Install the packages postgresql and redis-server, ' +
	'or give running servers in DB_POSTGRESDB_HOST, QUEUE_BULL_REDIS_HOST and the settings that belong to them.';

function given(): Record<string, string> {
	const entries = Object.entries(process.env).filter(([name]) =>
		prefixes.some((prefix) => name.startsWith(prefix)),
	);
	return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}

function onPath(command: string): string | undefined {
	const folders = (process.env.PATH ?? '').split(delimiter);
	return folders.map((folder) => join(folder, command)).find((file) => existsSync(file));
}

/** The folder of PostgreSQL's programs; Debian keeps them off the path, one folder per version. */
function postgresFolder(): string | undefined {
	const versions = existsSync(debianFolder) ? readdirSync(debianFolder) : [];
	const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
	const folders = newestFirst.map((version) => join(debianFolder, version, 'bin'));
	const initdb = onPath('initdb');
	if (initdb !== undefined) folders.unshift(join(initdb, '..'));
	return folders.find((folder) => existsSync(join(folder, 'initdb')));
}

function available() {
	const env = given();
	const postgres = env.DB_POSTGRESDB_HOST === undefined ? postgresFolder() : undefined;
	const redis = env.QUEUE_BULL_REDIS_HOST === undefined ? onPath('redis-server') : undefined;
	const missing =
		(env.DB_POSTGRESDB_HOST === undefined && postgres === undefined) ||
		(env.QUEUE_BULL_REDIS_HOST === undefined && redis === undefined);
	return { env, postgres, redis, missing };
}

/** Why queue mode cannot be tested here; undefined where it can. */
export function whyNoQueue(): string | undefined {
	return available().missing ? missingServers : undefined;
}

/** Starts what n8n's queue mode needs and what is not given. */
export async function startQueueServers(): Promise<QueueServers> {
	const { env, postgres, redis, missing } = available();
	if (missing) throw new Error(missingServers);
	const stops: Array<() => Promise<void>> = [];
	const stop = async () => {
		for (const each of stops.splice(0)) await each();
	};
	try {
		if (postgres !== undefined) {
			const server = await startPostgres(postgres);
			stops.push(server.stop);
			Object.assign(env, server.env);
		}
		if (redis !== undefined) {
			const server = await startRedis(redis);
			stops.push(server.stop);
			Object.assign(env, server.env);
		}
	} catch (error) {
		await stop();
		throw error;
	}
	return {
		env: {
			...env,
			DB_TYPE: 'postgresdb',
			EXECUTIONS_MODE: 'queue',
			QUEUE_BULL_PREFIX: `wan${randomBytes(4).toString('hex')}`,
			// A file on the disk of one worker is out of reach for the others.
			N8N_DEFAULT_BINARY_DATA_MODE: 'database',
		},
		stop,
	};
}

/** Where their PostgreSQL is, in one line. */
export function databaseUrl({ env }: QueueServers): string {
	const part = (name: string) => encodeURIComponent(env[`DB_POSTGRESDB_${name}`] ?? '');
	const login = `${part('USER')}:${part('PASSWORD')}`;
	const port = env.DB_POSTGRESDB_PORT ?? '5432';
	return `postgres://${login}@${env.DB_POSTGRESDB_HOST}:${port}/${part('DATABASE')}`;
}

interface Account {
	uid: number;
	gid: number;
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package has made. */
function postgresAccount(): Account | undefined {
	if (process.getuid?.() !== 0) return undefined;
	const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
	return { uid: id('-u'), gid: id('-g') };
}

async function startPostgres(folder: string): Promise<QueueServers> {
	const account = postgresAccount();
	const data = await temporaryFolder('postgres');
	if (account !== undefined) await chown(data, account.uid, account.gid);
	const port = await freePort();
	const options = { cwd: data, ...account };
	const initdb = ['-D', data, '-U', 'n8n', '--auth=trust', '--encoding=UTF8', '--no-sync'];
	await run(join(folder, 'initdb'), initdb, options);
	const settings = [
		`port=${port}`,
		'listen_addresses=127.0.0.1',
		'unix_socket_directories=',
		// What is lost in a power failure is a test's.
		'fsync=off',
	];
	const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
	const stop = await startServer(join(folder, 'postgres'), args, port, options);
	return {
		env: {
			DB_POSTGRESDB_HOST: '127.0.0.1',
			DB_POSTGRESDB_PORT: String(port),
			DB_POSTGRESDB_USER: 'n8n',
			DB_POSTGRESDB_PASSWORD: 'n8n',
			DB_POSTGRESDB_DATABASE: 'postgres',
		},
		stop,
	};
}

async function startRedis(command: string): Promise<QueueServers> {
	const data = await temporaryFolder('redis');
	const port = await freePort();
	const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', data];
	const stop = await startServer(command, args, port, { cwd: data });
	return {
		env: { QUEUE_BULL_REDIS_HOST: '127.0.0.1', QUEUE_BULL_REDIS_PORT: String(port) },
		stop,
	};
}

/** Starts a server in its data folder, and waits until it takes connections. */
async function startServer(
	command: string,
	args: string[],
	port: number,
	options: { cwd: string } & Partial<Account>,
): Promise<() => Promise<void>> {
	// Should this process be killed, the kernel ends the server.
	const leash = onPath('setpriv');
	const child =
		leash === undefined
			? start(command, args, options)
			: start(leash, ['--pdeathsig', 'KILL', command, ...args], options);
	let output = '';
	const take = (text: string) => (output += text);
	child.stdout?.setEncoding('utf8').on('data', take);
	child.stderr?.setEncoding('utf8').on('data', take);
	const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
	const stop = async () => {
		forget();
		// To PostgreSQL: end at once; Redis has nothing to save.
		child.kill('SIGQUIT');
		const late = sleep(5_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
		await Promise.race([gone, late]);
		removeFolder(options.cwd);
	};
	const forget = stopLater(stop);
	for (let tries = 0; !(await accepts(port)); tries++) {
		if (child.exitCode !== null || tries > 150) {
			await stop();
			throw new Error(`${command} does not answer:\n${output.slice(-4000)}`);
		}
		await sleep(200);
	}
	return stop;
}

async function accepts(port: number): Promise<boolean> {
	return await new Promise((resolve) => {
		const socket = connect(port, '127.0.0.1', () => {
			socket.destroy();
			resolve(true);
		});
		socket.once('error', () => resolve(false));
	});
}
