import type { IExecuteFunctions } from 'n8n-workflow';
import { AfterStop } from '../../../nodes/shared/n8n/afterStop';
import { Account } from '../../../nodes/shared/tasks/account';
import { Journal } from '../../../nodes/shared/tasks/journal';
import { mostPerSecond } from '../rates';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** The account's limit, by the documentation of the task API. */
const CANCELS_PER_SECOND = 20;

/** A service that cancels no more than that, after a stop. */
function stopped(others = 0) {
	const taken: number[] = [];
	const asked: number[] = [];
	const cancel = async () => {
		await new Promise((resolve) => setTimeout(resolve, 100));
		const now = Date.now();
		asked.push(now);
		const full = taken.filter((at) => at > now - 1_000).length >= CANCELS_PER_SECOND - others;
		if (full) {
			const body = { code: 'Throttling.RateQuota', message: 'Too many', request_id: 'r' };
			return { statusCode: 429, headers: {}, body };
		}
		taken.push(now);
		return { statusCode: 200, headers: {}, body: { request_id: 'r' } };
	};
	const functions = {
		getExecutionCancelSignal: () => AbortSignal.abort(),
		logger: { info: () => undefined },
		helpers: { httpRequestWithAuthentication: cancel },
	} as unknown as IExecuteFunctions;
	const account = new Account(new Journal(0));
	const client = {
		functions,
		baseUrl: 'https://x.example',
		apiKey: 'sk-12345678',
		exclusive: false,
	};
	return { taken, asked, afterStop: new AfterStop(functions, account, client) };
}

test.each([
	['alone', 0],
	['beside others who cancel as well', 10],
])(
	'three hundred tasks that wait are all canceled, at the account’s pace: %s',
	async (_name, others) => {
		const { taken, asked, afterStop } = stopped(others);
		const ids = Array.from({ length: 300 }, (_, index) => `task-${index}`);
		const all = Promise.allSettled(ids.map(async (id) => await afterStop.cancelTask(id)));
		await jest.advanceTimersByTimeAsync(180_000);
		await all;
		expect(taken).toHaveLength(300);
		expect(mostPerSecond(asked)).toBeLessThanOrEqual(CANCELS_PER_SECOND);
	},
);
