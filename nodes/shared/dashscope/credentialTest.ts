/** The test button of the credential. */
import type {
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	INodeCredentialTestResult,
} from 'n8n-workflow';
import { messageOf } from '../thrown';
import { connectionError, httpAnswerOf, readAnswer } from './answer';
import { httpOptions } from './client';
import { DashScopeError } from './errors';
import { baseUrlOf, credentialIn } from './hosts';

/**
 * Tests the credential with a look at the task list: same host, same kind of route as the node's own calls,
 * and it costs nothing. A function rather than n8n's declarative test, because the message of a refused key must
 * name the host that was asked.
 */
export async function testDashScope(
	this: ICredentialTestFunctions,
	credential: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	try {
		const known = credentialIn(credential.data);
		const { apiKey } = known;
		const baseUrl = baseUrlOf(known);
		if (apiKey === '')
			throw new Error(
				'The API key is empty. Paste it from the API Key page of the Model Studio console.',
			);
		await askTaskList(this, baseUrl, apiKey);
		return {
			status: 'OK',
			message: `Connection successful: ${new URL(baseUrl).host} accepts the key`,
		};
	} catch (error) {
		const sentences = [messageOf(error), ...adviceOf(error)];
		return { status: 'Error', message: sentences.map(ended).join(' ') };
	}
}

/** No model was asked for, so what is not found is the task list. */
function adviceOf(error: unknown): string[] {
	if (!(error instanceof DashScopeError)) return [];
	if (error.httpStatus === 404) return ['Check the base URL: it leads to something else'];
	return error.hint === undefined ? [] : [error.hint];
}

const ended = (sentence: string) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);

async function askTaskList(
	functions: ICredentialTestFunctions,
	baseUrl: string,
	apiKey: string,
): Promise<void> {
	const { url, method, headers, qs, timeout } = httpOptions(baseUrl, {
		method: 'GET',
		path: '/tasks/',
		query: { page_no: 1, page_size: 1 },
		timeoutMs: 20_000,
	});
	const { host } = new URL(baseUrl);
	// The only HTTP helper that n8n gives to a credential test.
	const answer: unknown = await functions.helpers
		.request({
			uri: url,
			method,
			headers: { ...headers, Authorization: `Bearer ${apiKey}` },
			qs,
			timeout,
			followRedirect: false,
			simple: false,
			resolveWithFullResponse: true,
		})
		.catch((error: unknown) => {
			throw connectionError(error, host);
		});
	readAnswer(httpAnswerOf(answer), { host, apiKey }, Date.now());
}
