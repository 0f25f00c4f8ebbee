// The examples that the demo opens with, and what they send their results to.
import { credentialName } from './demo-workflow';
import { formPath, loadExample, withCredentials, withSettings } from './examples';
import { startMailbox } from './mailbox';
import type { N8nClient, Workflow } from './client';
import { startStorage } from './storage';

export interface DemoExamples {
	/** Of the form with a video, pictures and a text. */
	form: string;
	/** Of the form that makes six videos of one. */
	styles: string;
	mailbox: string;
	storage: string;
}

const bucket = 'my-videos';

/** Imports and publishes examples 1 and 8, with a mail server and a storage on this computer. */
export async function addExamples(n8n: N8nClient): Promise<DemoExamples> {
	const [mailbox, storage] = [await startMailbox(), await startStorage([bucket])];
	const names = { dashScopeApi: credentialName, smtp: 'Mailbox (Demo)', s3: 'Storage (Demo)' };
	await n8n.addCredential({ name: names.smtp, type: 'smtp', data: mailbox.credential });
	await n8n.addCredential({ name: names.s3, type: 's3', data: storage.credential });

	const add = async (example: Workflow) => {
		await n8n.publish(await n8n.addWorkflow(withCredentials(example, names)));
		return `${n8n.url}/form/${formPath(example) ?? ''}`;
	};
	const first = loadExample('01-form-to-storage-and-mail');
	const form = await add(withSettings(first, 'Your Settings', { bucket }));
	const styles = await add(loadExample('08-one-video-six-styles'));
	return { form, styles, mailbox: mailbox.url, storage: `${storage.url}/${bucket}` };
}
