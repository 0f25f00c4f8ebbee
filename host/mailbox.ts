// A mail server on loopback that keeps what it gets and shows it on a web page (MailDev). It sends nothing on.
import { join } from 'node:path';
import { freePort } from './ports';
import { Program } from './program';
import { removeFolder, stopLater, temporaryFolder } from './stopping';

export interface Mail {
	id: string;
	subject: string;
	to: Array<{ address: string }>;
	text?: string;
	html?: string;
}

export interface Mailbox {
	/** Of its web page. */
	url: string;
	/** The data of n8n's SMTP credential. */
	credential: Record<string, string | number | boolean>;
	/** Oldest first. */
	mails(): Promise<Mail[]>;
	stop(): Promise<void>;
}

const maildev = join(__dirname, '..', 'node_modules', 'maildev', 'dist', 'bin', 'maildev.js');
const host = '127.0.0.1';

export async function startMailbox(): Promise<Mailbox> {
	const [smtp, web] = [await freePort(), await freePort()];
	const folder = await temporaryFolder('mailbox');
	const program = new Program({
		name: 'The mail server',
		command: process.execPath,
		args: [
			...['--require', join(__dirname, 'lifeline.cjs'), maildev],
			...['--ip', host, '--smtp', String(smtp)],
			...['--web-ip', host, '--web', String(web)],
			...['--mail-directory', folder],
		],
		cwd: folder,
		env: { ...process.env, WAN_HOST_PARENT: String(process.pid) },
		ready: 'Web Interface',
	});
	const stop = async () => {
		forget();
		await program.end();
		removeFolder(folder);
	};
	const forget = stopLater(stop);
	await program.launch();
	const url = `http://${host}:${web}`;
	return {
		url,
		credential: { host, port: smtp, secure: false, disableStartTls: true, user: '', password: '' },
		mails: async () => {
			const response = await fetch(`${url}/api/email`);
			if (!response.ok) throw new Error(`The mail server answered ${response.status}`);
			return (await response.json()) as Mail[];
		},
		stop,
	};
}
