import {
	baseUrlOf,
	credentialIn,
	hostWithRegion,
	isDashScopeHost,
	isLoopbackHost,
	isPrivateHost,
} from '../../../nodes/shared/dashscope/hosts';
import type { DashScopeCredential } from '../../../nodes/shared/dashscope/hosts';

const base = (credential: Partial<DashScopeCredential>) =>
	baseUrlOf({ apiKey: 'sk-1', region: 'cn-beijing', ...credential });

const custom = (baseUrl: string) => base({ region: 'custom', baseUrl });

describe('the credential in what n8n gives', () => {
	test('fields that are empty or of another kind are absent; the key is as it is sent', () => {
		const data = { apiKey: ' Bearer sk-1\n', region: 'custom', workspaceId: '', baseUrl: 7 };
		expect(credentialIn({ ...data, exclusive: 'true' })).toEqual({
			apiKey: 'sk-1',
			region: 'custom',
			workspaceId: undefined,
			baseUrl: undefined,
			exclusive: false,
		});
	});

	test.each([
		[{ region: 'eu-central-1' }, 'The credential has an unknown region, "eu-central-1"'],
		[{ region: '' }, 'The credential has no region'],
		[{}, 'The credential has no region'],
		[undefined, 'The credential has no region'],
	])('%j has no region that there is', (data, message) => {
		expect(() => credentialIn(data)).toThrow(`${message}: open it and choose one.`);
	});
});

describe('base URL of a region', () => {
	test.each([
		['cn-beijing', undefined, 'https://dashscope.aliyuncs.com'],
		['ap-southeast-1', undefined, 'https://dashscope-intl.aliyuncs.com'],
		['cn-beijing', '   ', 'https://dashscope.aliyuncs.com'],
		['cn-beijing', 'ws-1a2b', 'https://ws-1a2b.cn-beijing.maas.aliyuncs.com'],
		['ap-southeast-1', ' llm-9 ', 'https://llm-9.ap-southeast-1.maas.aliyuncs.com'],
	] as const)('region %s with workspace %j is asked at %s', (region, workspaceId, expected) => {
		expect(base({ region, workspaceId })).toBe(expected);
	});

	test.each(['ws_1', 'ws-1.evil.example', '-ws', 'ws/1', 'ws 1', 'w'.repeat(64)])(
		'the workspace ID %j is refused by name, because it would become part of a host',
		(workspaceId) => {
			expect(() => base({ workspaceId })).toThrow(`"${workspaceId}"`);
		},
	);

	test.each([
		['Workspace ID', { workspaceId: ' sk-0123456789abcdef ' }],
		['Base URL', { region: 'custom', baseUrl: 'sk-0123456789abcdef' }],
	] as const)('a key that was pasted as %s is refused, and not repeated', (field, credential) => {
		expect(() => base(credential)).toThrow(`'${field}' holds what looks like an API key`);
		expect(() => base(credential)).not.toThrow(/0123/);
	});

	test('a base URL left over from another choice of region is not used', () => {
		expect(base({ baseUrl: 'https://left.example' })).toBe('https://dashscope.aliyuncs.com');
	});
});

test.each([
	['dashscope-intl.aliyuncs.com', 'International (Singapore)'],
	['ws-1.ap-southeast-1.maas.aliyuncs.com', 'International (Singapore)'],
	['dashscope.aliyuncs.com', 'China (Beijing)'],
	['llm-9.cn-beijing.maas.aliyuncs.com', 'China (Beijing)'],
])('a message says that %s is the host of %s', (host, region) => {
	expect(hostWithRegion(host)).toBe(`${host}, the host of ${region}`);
});

test.each(['127.0.0.1:8080', 'dashscope-us.aliyuncs.com', 'dashscope.aliyuncs.com.example'])(
	'a message knows no region of %s',
	(host) => {
		expect(hostWithRegion(host)).toBe(host);
	},
);

test.each([
	['dashscope.aliyuncs.com', true],
	['dashscope-intl.aliyuncs.com', true],
	['vpc-cn-beijing.dashscope.aliyuncs.com', true],
	['ws-1.ap-southeast-1.maas.aliyuncs.com', true],
	['gateway.example', false],
	['dashscope.aliyuncs.com.example', false],
	['function-1.cn-beijing.fc.aliyuncs.com', false],
	['127.0.0.1', false],
])('%s is a host of DashScope itself: %s', (host, direct) => {
	expect(isDashScopeHost(host)).toBe(direct);
});

describe('custom base URL', () => {
	test.each([
		['https://dashscope-us.aliyuncs.com', 'https://dashscope-us.aliyuncs.com'],
		['  https://gateway.example/  ', 'https://gateway.example'],
		['https://gateway.example:8443/ali//', 'https://gateway.example:8443/ali'],
		['https://gateway.example/api/v1', 'https://gateway.example'],
		['https://gateway.example/ali/api/v1/', 'https://gateway.example/ali'],
		['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
		['http://localhost:8080/', 'http://localhost:8080'],
		['http://[::1]:8080', 'http://[::1]:8080'],
		['HTTPS://Gateway.Example', 'https://gateway.example'],
	])('%j becomes %s', (text, expected) => {
		expect(custom(text)).toBe(expected);
	});

	test.each([
		'',
		'dashscope.aliyuncs.com',
		'ftp://files.example',
		'javascript:alert(1)',
		'https://',
	])('%j is refused as no web address', (text) => {
		expect(() => custom(text)).toThrow(`"${text}" is not a web address`);
	});

	test('a missing base URL is refused', () => {
		expect(() => base({ region: 'custom', baseUrl: undefined })).toThrow('not a web address');
	});

	test.each([
		'http://gateway.example',
		'http://10.0.0.5:8080',
		'http://[::ffff:127.0.0.1]',
		'http://127.0.0.1.example',
	])('plain http to %s is refused, because the key would travel in the open', (text) => {
		expect(() => custom(text)).toThrow('must use https');
	});

	test.each([
		'https://user@gateway.example',
		'https://user:pass@gateway.example',
		'https://gateway.example/?a=1',
		'https://gateway.example/#top',
	])('%s is refused for what it carries besides an address', (text) => {
		expect(() => custom(text)).toThrow('only scheme, host and an optional path');
	});

	test('the refusal of plain http does not repeat what may be secret in the path', () => {
		expect(() => custom('http://gateway.example/token-1')).not.toThrow('token-1');
	});
});

describe('loopback hosts', () => {
	test.each(['localhost', 'LOCALHOST', 'app.localhost', 'localhost.', '127.0.0.1', '127.255.1.9'])(
		'%s is this machine',
		(host) => {
			expect(isLoopbackHost(host)).toBe(true);
		},
	);

	test.each(['::1', '[::1]'])('the IPv6 address %s is this machine', (host) => {
		expect(isLoopbackHost(host)).toBe(true);
	});

	test.each([
		'localhost.example',
		'notlocalhost',
		'128.0.0.1',
		'127.0.0.1.example',
		'::2',
		'10.0.0.1',
	])('%s is not this machine', (host) => {
		expect(isLoopbackHost(host)).toBe(false);
	});
});

describe('hosts that only the own network can reach', () => {
	/** What a host becomes when it stands in a URL, which is how the node gets to see it. */
	const hostname = (host: string) => new URL(`http://${host}/x`).hostname;

	test.each([
		'localhost',
		'127.0.0.1',
		'127.1',
		'2130706433',
		'0x7f.1',
		'0.0.0.0',
		'10.0.0.1',
		'10.255.255.255',
		'172.16.0.1',
		'172.31.255.255',
		'192.168.0.1',
		'169.254.169.254',
		'100.64.0.1',
		'100.127.255.255',
		'[::1]',
		'[::]',
		'[fc00::1]',
		'[fd12:3456::1]',
		'[fe80::1]',
		'[febf::1]',
		'[::ffff:10.0.0.1]',
		'[::ffff:7f00:1]',
		'[::ffff:192.168.1.1]',
		'nas',
		'nas.local',
		'NAS.LAN',
		'minio.internal',
		'files.home',
		'files.corp',
		'files.intranet',
		'app.test',
		'nas.local.',
		'nas.',
	])('%s is private', (host) => {
		expect(isPrivateHost(hostname(host))).toBe(true);
	});

	test.each([
		'example.com',
		'example.com.',
		'files.example.cn',
		'1.1.1.1',
		'9.255.255.255',
		'11.0.0.1',
		'100.63.255.255',
		'100.128.0.1',
		'169.253.0.1',
		'172.15.255.255',
		'172.32.0.1',
		'192.167.1.1',
		'[2001:db8::1]',
		'[2606:4700::1111]',
		'localhost.example.com',
		'internal.example.com',
		'fd-mirror.example',
	])('%s is public', (host) => {
		expect(isPrivateHost(hostname(host))).toBe(false);
	});

	test('a mapped address in dotted form is judged by the address within', () => {
		expect(isPrivateHost('::ffff:192.168.0.7')).toBe(true);
		expect(isPrivateHost('::ffff:8.8.8.8')).toBe(false);
	});
});
