// A second person in n8n, who may use a credential of the owner.
import { join } from 'node:path';
import { N8nClient } from '../../host/client';
import { ensureHost } from '../../host/install';
import type { N8n } from '../../host/n8n';
import { run } from '../../host/processes';

interface Invited {
	user: { inviteAcceptUrl: string };
}

interface Named {
	id: string;
	name: string;
}

/** Invites a member, accepts in the member's place, and logs in. */
export async function addMember(n8n: N8n): Promise<N8nClient> {
	const email = 'member@example.com';
	const password = n8n.owner.password;
	const [invited] = await n8n.rest<Invited[]>('POST', '/invitations', [
		{ email, role: 'global:member' },
	]);
	const token = new URL(invited?.user.inviteAcceptUrl ?? '').searchParams.get('token');
	const member = new N8nClient({ ...n8n.connection, owner: { email, password } });
	await member.rest('POST', '/invitations/accept', {
		token,
		firstName: 'Second',
		lastName: 'Person',
		password,
	});
	await member.logIn();
	return member;
}

async function find(n8n: N8nClient, name: string): Promise<Named> {
	const all = await n8n.rest<Named[]>('GET', '/credentials');
	const found = all.find((each) => each.name === name);
	if (found === undefined) throw new Error(`There is no credential "${name}"`);
	return found;
}

/** A node's reference to a credential that was not made with the same client. */
export async function credentialOf(n8n: N8nClient, name: string) {
	const { id } = await find(n8n, name);
	return { dashScopeApi: { id, name } };
}

/**
 * Shares a credential with a person. n8n's API does so with a paid licence only, so this writes the row that it
 * would write.
 */
export async function shareCredential(n8n: N8n, name: string, person: N8nClient): Promise<void> {
	const { id } = await find(n8n, name);
	const project = await person.rest<Named>('GET', '/projects/personal');
	const script = `
		const { Database } = require('sqlite3');
		const database = new Database(process.argv[1]);
		database.configure('busyTimeout', 20000);
		database.run(
			"INSERT INTO shared_credentials (credentialsId, projectId, role) VALUES (?, ?, 'credential:user')",
			[process.argv[2], process.argv[3]],
			(error) => { if (error) { console.error(error); process.exit(1); } },
		);`;
	const host = await ensureHost();
	const file = join(n8n.userFolder, '.n8n', 'database.sqlite');
	await run(host.node, ['-e', script, file, id, project.id], { cwd: host.dir });
}
