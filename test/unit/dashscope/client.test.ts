import type { IHttpRequestOptions } from 'n8n-workflow';
import { dashScopeRequest } from '../../../nodes/shared/dashscope/client';
import type { DashScopeClient, DashScopeFunctions } from '../../../nodes/shared/dashscope/client';
import { createTask, getTask } from '../../../nodes/shared/dashscope/tasks';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

interface Context {
	getExecutionCancelSignal?(): AbortSignal | undefined;
}

/** A service whose answer never comes to its end, as n8n's HTTP client sees it: only a signal ends the call. */
function dripping(stop?: AbortController) {
	const calls: Array<AbortSignal | undefined> = [];
	async function send(this: Context, _credential: string, _options: IHttpRequestOptions) {
		const signal = this.getExecutionCancelSignal?.();
		calls.push(signal);
		return await new Promise((_, reject) => {
			const end = () => reject(Object.assign(new Error('canceled'), { code: 'ERR_CANCELED' }));
			if (signal?.aborted === true) end();
			signal?.addEventListener('abort', end);
		});
	}
	const functions = {
		...(stop === undefined ? {} : { getExecutionCancelSignal: () => stop.signal }),
		helpers: { httpRequestWithAuthentication: send },
	};
	const client: DashScopeClient = {
		functions: functions as unknown as DashScopeFunctions,
		baseUrl: 'https://dashscope.example',
		apiKey: 'sk-of-the-test',
		exclusive: false,
	};
	return { client, calls };
}

/** Lets time pass until a call has failed. @returns how it failed, and after how many seconds */
async function failed(work: Promise<unknown>): Promise<{ error: unknown; seconds: number }> {
	const began = Date.now();
	const settled: { error?: unknown; at?: number } = {};
	const watched = work.catch((error: unknown) => {
		Object.assign(settled, { error, at: Date.now() });
	});
	await jest.advanceTimersByTimeAsync(3_600_000);
	expect(settled.at).toBeDefined();
	await watched;
	return { error: settled.error, seconds: ((settled.at ?? 0) - began) / 1_000 };
}

const inTime = { kind: 'lost', message: 'dashscope.example did not answer in time' };

describe('an answer that drips for ever', () => {
	test.each([
		['an action', new AbortController()],
		['a trigger, which has no signal', undefined],
	])('ends a query of %s as a timeout, and the call with it', async (_name, stop) => {
		const { client, calls } = dripping(stop);
		const { error, seconds } = await failed(getTask(client, 'task-1'));
		expect(error).toMatchObject(inTime);
		expect(seconds).toBe(60);
		expect(calls[0]?.aborted).toBe(true);
	});

	test('ends a submission later, and one with images inside according to their size', async () => {
		const { client } = dripping();
		const small = await failed(createTask(client, { body: { input: { prompt: 'p' } } }));
		expect(small.error).toMatchObject(inTime);
		expect(Math.round(small.seconds)).toBe(150);
		const image = `data:image/png;base64,${'A'.repeat(20 * 1024 * 1024)}`;
		const body = { input: { media: [{ type: 'image', url: image }] } };
		const large = await failed(createTask(client, { body }));
		expect(large.error).toMatchObject(inTime);
		// Whoever waits for other submissions does so for ten minutes.
		expect(large.seconds).toBeGreaterThan(450);
		expect(large.seconds).toBeLessThan(600);
	});

	test('is ended by Stop at once, and not as a timeout', async () => {
		const stop = new AbortController();
		const { client } = dripping(stop);
		setTimeout(() => stop.abort(), 5_000);
		const { error, seconds } = await failed(getTask(client, 'task-1'));
		expect(error).toMatchObject({ kind: 'lost', code: 'ERR_CANCELED' });
		expect(seconds).toBe(5);
	});

	test('is not even sent after Stop', async () => {
		const { client } = dripping(new AbortController());
		const { functions } = client;
		if ('getExecutionCancelSignal' in functions) {
			functions.getExecutionCancelSignal = () => AbortSignal.abort();
		}
		const { error, seconds } = await failed(getTask(client, 'task-1'));
		expect(error).toMatchObject({ code: 'ERR_CANCELED' });
		expect(seconds).toBe(0);
	});
});

test('a call that ends leaves no timer and no listener behind', async () => {
	const stop = new AbortController();
	const removed = jest.spyOn(stop.signal, 'removeEventListener');
	const { client } = dripping(stop);
	client.functions.helpers.httpRequestWithAuthentication = async () =>
		await Promise.resolve({ statusCode: 200, headers: {}, body: { request_id: 'r' } });
	await dashScopeRequest(client, { method: 'GET', path: '/tasks/' });
	expect(jest.getTimerCount()).toBe(0);
	expect(removed).toHaveBeenCalledTimes(1);
});
