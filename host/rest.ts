// n8n's internal REST API, the one that its editor uses, with the owner logged in.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Owner {
	email: string;
	password: string;
}

/** n8n gives its own regular expressions 250 ms by the clock, which can pass on a busy machine before any node runs. */
export const RAN_OUT_OF_TIME = 'Regular expression execution timed out';

export class RestError extends Error {
	constructor(
		message: string,
		readonly status: number,
	) {
		super(message);
	}
}

/** A busy n8n lets a connection break off now and then; it answers again later. */
const TRIES = 3;
const PAUSE_MS = 1_000;

/** What may be done twice: a workflow more in the list runs nothing. */
const mayRepeat = (method: string, path: string) => method !== 'POST' || path === '/workflows';

export class RestClient {
	private cookie = '';

	constructor(private readonly url: string) {}

	/** @param path below /rest, unless another base is given */
	async fetch(method: string, path: string, body?: unknown, base = '/rest'): Promise<Response> {
		const response = await this.send(mayRepeat(method, path) ? TRIES : 1, `${base}${path}`, {
			method,
			headers: {
				// A kept connection may be closed by a busy n8n in the moment in which it is used again.
				connection: 'close',
				// The session is issued without a browser id, so n8n asks for none later.
				...(this.cookie && { cookie: this.cookie }),
				...(body !== undefined && { 'content-type': 'application/json' }),
			},
			...(body !== undefined && { body: JSON.stringify(body) }),
		});
		for (const line of response.headers.getSetCookie()) {
			const pair = line.split(';', 1)[0] ?? '';
			if (pair.startsWith('n8n-auth=')) this.cookie = pair;
		}
		if (!response.ok) {
			const text = await response.text();
			throw new RestError(
				`${method} ${base}${path} answered ${response.status}: ${text.slice(0, 2000)}`,
				response.status,
			);
		}
		return response;
	}

	private async send(tries: number, path: string, options: RequestInit): Promise<Response> {
		try {
			return await fetch(`${this.url}${path}`, options);
		} catch (error) {
			if (tries === 1) throw error;
			await sleep(PAUSE_MS);
			return await this.send(tries - 1, path, options);
		}
	}

	async call<T>(method: string, path: string, body?: unknown): Promise<T> {
		const response = await this.fetch(method, path, body);
		const answer = (await response.json()) as { data: T };
		return answer.data;
	}

	/** Sets the owner account up in a new n8n, logs in to a known one. */
	async logIn(owner: Owner): Promise<void> {
		const settings = await this.call<{ userManagement: { showSetupOnFirstLoad: boolean } }>(
			'GET',
			'/settings',
		);
		if (settings.userManagement.showSetupOnFirstLoad) {
			await this.call('POST', '/owner/setup', { ...owner, firstName: 'Demo', lastName: 'Owner' });
		} else {
			await this.call('POST', '/login', {
				emailOrLdapLoginId: owner.email,
				password: owner.password,
			});
		}
	}
}
