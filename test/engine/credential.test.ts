import { DashScopeApi } from '../../credentials/DashScopeApi.credentials';
import { testCredential } from './engine';
import { only, useBench } from './bench';
import { OtherHost, closedPort } from './otherHost';

const bench = useBench();

const host = () => new URL(bench.sandbox.url).host;

describe('the key', () => {
	test('travels as a Bearer token', async () => {
		await bench.run(1, { waiting: 'none' });

		const { headers, authorized } = only(bench.sandbox.requests('create'));
		expect(headers.authorization).toBe('Bearer ***');
		expect(authorized).toBe(true);
	});

	test('is sent as it is, whatever is in it', async () => {
		const apiKey = 'sk-{{ 1 + 1 }}-$1';
		const before = bench.sandbox.apiKey;
		bench.sandbox.configure({ apiKey });
		const { error } = await bench.run(1, { waiting: 'none' });
		const tested = await testCredential(bench.credential());
		bench.sandbox.configure({ apiKey: before });

		expect(error).toBeUndefined();
		expect(tested.status).toBe('OK');
	});

	test.each([
		['spaces and a line break', (key: string) => `  ${key}\n`],
		['the word before it', (key: string) => `Bearer ${key}`],
	])('may be pasted with %s', async (_what, pasted) => {
		const apiKey = pasted(bench.sandbox.apiKey);
		const tested = await testCredential({ ...bench.credential(), apiKey });
		expect(tested.status).toBe('OK');
		const sent = await new DashScopeApi().authenticate({ apiKey }, { url: bench.sandbox.url });
		expect(sent.headers).toEqual({ Authorization: `Bearer ${bench.sandbox.apiKey}` });
	});

	test('that is only spaces is called empty, and sent nowhere', async () => {
		const { status, message } = await testCredential({ ...bench.credential(), apiKey: '  ' });
		expect({ status, sent: bench.sandbox.log }).toEqual({ status: 'Error', sent: [] });
		expect(message).toMatch(/key is empty/);
	});

	test('is entered in a password field', () => {
		const field = new DashScopeApi().properties.find(({ name }) => name === 'apiKey');

		expect(field).toMatchObject({ typeOptions: { password: true }, required: true, default: '' });
	});
});

describe('the test button', () => {
	test('asks for the task list and says which host accepts the key', async () => {
		const result = await testCredential(bench.credential());

		expect(result).toEqual({
			status: 'OK',
			message: `Connection successful: ${host()} accepts the key`,
		});
		const { path, query, method, authorized } = only(bench.sandbox.log);
		expect({ path, query, method, authorized }).toEqual({
			path: '/api/v1/tasks/',
			query: { page_no: '1', page_size: '1' },
			method: 'GET',
			authorized: true,
		});
	});

	test('takes the base URL in the SDKs’ spelling, too', async () => {
		const { url } = bench.sandbox;
		const spellings = [`${url}/`, `${url}/api/v1`, `${url}/api/v1/`, ` ${url} `];
		const results = await Promise.all(
			spellings.map(async (baseUrl) => await testCredential({ ...bench.credential(), baseUrl })),
		);

		expect(results.map(({ status }) => status)).toEqual(spellings.map(() => 'OK'));
	});

	test('of a wrong key: wrong or of another region, and which host was asked', async () => {
		const { status, message } = await testCredential({
			...bench.credential(),
			apiKey: 'sk-wrong-0000',
		});

		expect(status).toBe('Error');
		expect(message).toContain('Invalid API-key provided.');
		expect(message).toContain(`The request went to ${host()}.`);
		expect(message).toMatch(/may be wrong, or it belongs to another region:/);
		expect(message).not.toContain('sk-wrong-0000');
	});

	test('of a host that cannot be reached', async () => {
		const baseUrl = await closedPort();
		const { status, message } = await testCredential({ ...bench.credential(), baseUrl });

		expect(status).toBe('Error');
		expect(message).toContain(`${new URL(baseUrl).host} could not be reached`);
		expect(message).toMatch(/region or base URL/);
	});

	test.each([
		[
			'plain http',
			'http://dashscope.example.com',
			/must use https.*http:\/\/dashscope\.example\.com/,
		],
		[
			'plain http in a private network',
			'http://192.168.1.20:8080',
			/must use https.*192\.168\.1\.20/,
		],
		[
			'plain http to a name that only begins like this machine',
			'http://localhost.example.com',
			/must use https/,
		],
		['another scheme', 'ftp://dashscope.example.com', /is not a web address/],
		['no address', 'dashscope', /"dashscope" is not a web address/],
		['nothing', '', /is not a web address/],
		['a key in the address', 'https://user:sk-secret@example.com', /password/],
		['a query', 'https://example.com/?a=b', /query/],
	])('refuses a base URL with %s, and sends nothing', async (_what, baseUrl, says) => {
		const { status, message } = await testCredential({ ...bench.credential(), baseUrl });

		expect(status).toBe('Error');
		expect(message).toMatch(says);
		expect(message).not.toContain('sk-secret');
	});

	test('of a workspace ID that is none', async () => {
		const { status, message } = await testCredential({
			apiKey: 'sk-1',
			region: 'cn-beijing',
			workspaceId: 'evil.example.com/',
		});

		expect(status).toBe('Error');
		expect(message).toMatch(/workspace ID "evil\.example\.com\/"/);
	});

	test('of something that is not DashScope', async () => {
		const other = new OtherHost('<html>Welcome</html>');
		const baseUrl = await other.start();
		const { status, message } = await testCredential({ ...bench.credential(), baseUrl });
		await other.stop();

		expect(status).toBe('Error');
		expect(message).toMatch(/not JSON/);
		expect(message).toContain(new URL(baseUrl).host);
	});

	test('of an address below which there is no DashScope: the base URL, not a model', async () => {
		const baseUrl = `${bench.sandbox.url}/elsewhere`;
		const { status, message } = await testCredential({ ...bench.credential(), baseUrl });

		expect(status).toBe('Error');
		expect(message).toMatch(/Not Found.*\. Check the base URL/);
		expect(message).not.toMatch(/model/);
	});

	test('of a service that fails or throttles', async () => {
		bench.sandbox.fault({ route: 'list', status: 503 });
		const failed = await testCredential(bench.credential());
		bench.sandbox.fault({ route: 'list', status: 429 });
		const throttled = await testCredential(bench.credential());

		expect(failed).toMatchObject({ status: 'Error' });
		expect(failed.message).toMatch(/Model is unavailable/);
		expect(throttled).toMatchObject({ status: 'Error' });
		expect(throttled.message).toMatch(/rate limit/);
	});

	test('does not follow a redirect with the key', async () => {
		const other = new OtherHost('{"data":[]}');
		const location = `${await other.start()}/api/v1/tasks/`;
		bench.sandbox.fault({ route: 'list', status: 302, headers: { location } });
		const { status, message } = await testCredential(bench.credential());
		await other.stop();

		expect(status).toBe('Error');
		expect(message).toMatch(/redirects elsewhere; the API key is not sent on/);
		expect(other.seen).toEqual([]);
	});
});
