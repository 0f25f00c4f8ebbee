// A real n8n with the packed node in it, started for a demo or a test and stopped with it.
import { randomBytes } from 'node:crypto';
import { cp, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { N8nClient, type Connection, type Credential, type Workflow } from './client';
import { installCommunityPackage } from './community';
import { n8nEnvironment } from './environment';
import { ensureHost, type Host } from './install';
import { freePort } from './ports';
import { Program } from './program';
import type { Owner } from './rest';
import { removeFolder, stopLater, temporaryFolder } from './stopping';

/** What an n8n has made of its user folder when it was new: the installed package, the database's tables, the owner. */
export interface Snapshot {
	folder: string;
	owner: Owner;
}

export interface StartOptions {
	/** Default: a new temporary folder, removed when n8n is stopped. */
	userFolder?: string;
	tarball: string;
	/** Of an n8n with the same tarball: saves a third of the start of a new one. */
	snapshot?: Snapshot;
	credentials?: Credential[];
	workflows?: Workflow[];
	env?: Record<string, string>;
	port?: number;
	/** The folder that workflows may read and write files in. Default: "files" in the user folder. */
	files?: string;
	/** Default: a new account with a random password. */
	owner?: Owner;
	/** Default: the pinned n8n. */
	host?: Host;
}

/** An n8n process of this host: its start script with the settings that all have in common. */
export function n8nProgram(
	host: Host,
	name: string,
	command: string[],
	ready: string,
	env: NodeJS.ProcessEnv,
): Program {
	return new Program({
		name,
		command: host.node,
		args: ['--require', join(__dirname, 'lifeline.cjs'), host.n8n, ...command],
		cwd: env.N8N_USER_FOLDER ?? host.dir,
		env: { ...env, WAN_HOST_PARENT: String(process.pid) },
		ready,
	});
}

/** Made by `startN8n`. */
class N8n extends N8nClient {
	private readonly forget = stopLater(async () => await this.stop());

	constructor(
		connection: Connection,
		readonly userFolder: string,
		private readonly ownFolder: boolean,
		private readonly program: Program,
	) {
		super(connection);
	}

	/** Starts its process, and logs in. */
	async launch(): Promise<void> {
		await this.program.launch();
		await this.logIn();
	}

	get pid(): number {
		return this.program.pid;
	}

	log(): string {
		return this.program
			.log()
			.map(({ text }) => text)
			.join('\n');
	}

	/** Copies what others can begin with. n8n stands still meanwhile: its database is a file that it writes. */
	async snapshot(): Promise<Snapshot> {
		const folder = await temporaryFolder('snapshot');
		// n8n would take it for the trace of a crash.
		const isWanted = (file: string) => basename(file) !== 'crash.journal';
		process.kill(this.pid, 'SIGSTOP');
		try {
			await cp(join(this.userFolder, '.n8n'), folder, { recursive: true, filter: isWanted });
		} finally {
			process.kill(this.pid, 'SIGCONT');
		}
		return { folder, owner: this.owner };
	}

	/** Ends n8n and waits until it is gone. SIGKILL takes its task runner with it. */
	async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
		await this.program.kill(signal);
	}

	/** Starts it again on the same data and port; ends it first if it still runs. */
	async restart(): Promise<void> {
		await this.program.end();
		await this.launch();
	}

	async stop(): Promise<void> {
		this.forget();
		if (this.ownFolder) {
			// Nothing is worth saving in a folder that goes too.
			await this.kill('SIGKILL');
			removeFolder(this.userFolder);
		} else {
			await this.program.end();
		}
	}
}

/** Starts an n8n with the packed node, credentials and workflows in it, and waits until it answers. */
export async function startN8n(options: StartOptions): Promise<N8n> {
	const host = options.host ?? (await ensureHost());
	const userFolder = options.userFolder ?? (await temporaryFolder('n8n'));
	const files = options.files ?? join(userFolder, 'files');
	await mkdir(files, { recursive: true });
	if (options.snapshot === undefined) {
		await installCommunityPackage(host, userFolder, options.tarball);
	} else {
		await cp(options.snapshot.folder, join(userFolder, '.n8n'), { recursive: true });
	}
	const port = options.port ?? (await freePort());
	const brokerPort = await freePort();
	const env = n8nEnvironment(host, { userFolder, port, brokerPort, files }, options.env);
	const owner = options.owner ??
		options.snapshot?.owner ?? {
			email: 'owner@example.com',
			password: `Aa1${randomBytes(9).toString('base64url')}`,
		};
	const n8n = new N8n(
		{ url: `http://127.0.0.1:${port}`, owner, files, hostDir: host.dir },
		userFolder,
		options.userFolder === undefined,
		// Only then do webhooks and the REST API answer; the health check does so earlier.
		n8nProgram(host, 'n8n', ['start'], 'Editor is now accessible via', env),
	);
	try {
		await n8n.launch();
		for (const credential of options.credentials ?? []) await n8n.addCredential(credential);
		for (const workflow of options.workflows ?? []) await n8n.addWorkflow(workflow);
		return n8n;
	} catch (error) {
		await n8n.stop();
		throw error;
	}
}

export type { N8n };
