import type { IHttpRequestOptions } from 'n8n-workflow';
import type { HttpAnswer } from '../../nodes/shared/dashscope/answer';
import type { DashScopeClient, DashScopeFunctions } from '../../nodes/shared/dashscope/client';

/** One request as it left for n8n's HTTP client; the credential is absent where none may be sent. */
export interface SentRequest {
	credential?: string;
	options: IHttpRequestOptions;
}

/** A client of the real request function whose requests `handle` answers instead of a network. */
export function clientOf(handle: (request: SentRequest) => Promise<HttpAnswer>): DashScopeClient {
	const helpers = {
		httpRequest: async (options: IHttpRequestOptions) => await handle({ options }),
		httpRequestWithAuthentication: async (credential: string, options: IHttpRequestOptions) =>
			await handle({ credential, options }),
	};
	return {
		functions: { helpers } as unknown as DashScopeFunctions,
		baseUrl: 'https://dashscope.example',
		apiKey: 'sk-of-the-test',
		exclusive: false,
	};
}

/** A client that gets these answers, or errors, in this order. */
export function answering(...answers: Array<HttpAnswer | Error>): {
	client: DashScopeClient;
	requests: SentRequest[];
} {
	const requests: SentRequest[] = [];
	const client = clientOf(async (request) => {
		requests.push(request);
		const answer = answers[requests.length - 1] ?? new Error('No more answers');
		if (answer instanceof Error) throw answer;
		return await Promise.resolve(answer);
	});
	return { client, requests };
}
