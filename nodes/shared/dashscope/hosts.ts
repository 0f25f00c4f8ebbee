/** Where DashScope is asked: regions, workspace hosts and custom base URLs. Pure. */
import { isRecord, textAt } from './json';
import { keyOf } from './key';

/** Regions in which one host serves all workspaces. */
const REGIONS = ['cn-beijing', 'ap-southeast-1'] as const;

type Region = (typeof REGIONS)[number];

export interface DashScopeCredential {
	/** As it is sent. */
	apiKey: string;
	region: Region | 'custom';
	workspaceId?: string;
	baseUrl?: string;
	exclusive?: boolean;
}

/** The shared host of each region; it takes the key of any workspace of that region. */
const SHARED_HOST: Record<Region, string> = {
	'cn-beijing': 'https://dashscope.aliyuncs.com',
	'ap-southeast-1': 'https://dashscope-intl.aliyuncs.com',
};

/** Names of the regions in the credential. */
const REGION_NAMES: Record<Region, string> = {
	'cn-beijing': 'China (Beijing)',
	'ap-southeast-1': 'International (Singapore)',
};

/**
 * The credential in what n8n gives for it.
 * @throws Error with one sentence for the user when its region is none that there is, as an expression may make it
 */
export function credentialIn(data: unknown): DashScopeCredential {
	const fields = isRecord(data) ? data : {};
	const region = [...REGIONS, 'custom' as const].find((one) => one === fields.region);
	if (region === undefined) {
		const found = textAt(fields, 'region');
		const what = found === undefined ? 'has no region' : `has an unknown region, "${found}"`;
		throw new Error(`The credential ${what}: open it and choose one.`);
	}
	return {
		apiKey: keyOf(textAt(fields, 'apiKey') ?? ''),
		region,
		workspaceId: textAt(fields, 'workspaceId'),
		baseUrl: textAt(fields, 'baseUrl'),
		exclusive: fields.exclusive === true,
	};
}

/** A host for a message: with its region, where it is one that the credential offers. */
export function hostWithRegion(host: string): string {
	const region = REGIONS.find(
		(one) => SHARED_HOST[one] === `https://${host}` || host.endsWith(`.${one}.maas.aliyuncs.com`),
	);
	return region === undefined ? host : `${host}, the host of ${REGION_NAMES[region]}`;
}

/** Whether a host name is this machine: the only place where plain http is accepted. */
export function isLoopbackHost(hostname: string): boolean {
	const host = hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
	return (
		host === 'localhost' ||
		host.endsWith('.localhost') ||
		host === '::1' ||
		/^127(\.\d{1,3}){3}$/.test(host)
	);
}

/**
 * Whether a host can only be reached from inside a network: loopback, private, link-local or
 * unique-local addresses, and names without a public suffix. DashScope could never fetch from there.
 */
export function isPrivateHost(hostname: string): boolean {
	const host = hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
	if (isLoopbackHost(host)) return true;
	const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(host)?.[1] ?? host;
	const octets = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(mapped);
	if (octets !== null) {
		const [first, second] = [Number(octets[1]), Number(octets[2])];
		return (
			first === 0 ||
			first === 10 ||
			first === 127 ||
			(first === 100 && second >= 64 && second <= 127) ||
			(first === 169 && second === 254) ||
			(first === 172 && second >= 16 && second <= 31) ||
			(first === 192 && second === 168)
		);
	}
	if (host.includes(':')) return host === '::' || /^(f[cd]|fe[89ab]|::ffff:)/.test(host);
	return !host.includes('.') || /\.(local|internal|lan|home|corp|intranet|test)$/.test(host);
}

/** Whether DashScope is asked through a private host, such as that of a gateway or the sandbox. */
export function isPrivateService(baseUrl: string): boolean {
	return isPrivateHost(new URL(baseUrl).hostname);
}

/** Whether a base URL is of the region China (Beijing), which has its own prices and some model IDs of its own. */
export function isBeijing(baseUrl: string): boolean {
	const { hostname } = new URL(baseUrl);
	// vpc-cn-beijing.dashscope.aliyuncs.com is Beijing's host inside Alibaba's own network.
	return hostname === 'dashscope.aliyuncs.com' || /[.-]cn-beijing\./.test(hostname);
}

/**
 * Whether a host is DashScope itself: a shared host of some region, or a workspace's own. Others may be gateways, which
 * submit with keys of their own.
 */
export function isDashScopeHost(hostname: string): boolean {
	return /^(dashscope(-[a-z]+)?|[a-z0-9-]+\.dashscope|[a-z0-9-]+\.[a-z0-9-]+\.maas)\.aliyuncs\.com$/.test(
		hostname,
	);
}

/** What is behind a host: DashScope itself, the sandbox on this machine, or somebody's gateway to it. */
export type Service = 'dashscope' | 'sandbox' | 'gateway';

/** What a host name stands for. */
export function serviceAt(hostname: string): Service {
	if (isDashScopeHost(hostname)) return 'dashscope';
	return isLoopbackHost(hostname) ? 'sandbox' : 'gateway';
}

/** A URL, or undefined where `new URL` would throw. */
export function tryParseUrl(text: string, base?: URL): URL | undefined {
	try {
		return new URL(text, base);
	} catch {
		return undefined;
	}
}

/** A key that was pasted into another field: in the host's name it would go into the network, and into messages. */
const LIKE_A_KEY = /^sk-/i;
const KEY_IN_WRONG_FIELD = "holds what looks like an API key. Move it to the field 'API Key'.";

/**
 * The base URL (scheme, host, optional path prefix; no trailing slash, no `/api/v1`) of a credential.
 * @throws Error with one sentence for the user when a custom base URL or a workspace ID cannot be used
 */
export function baseUrlOf(credential: DashScopeCredential): string {
	if (credential.region === 'custom') return customBaseUrl(credential.baseUrl ?? '');

	const workspace = (credential.workspaceId ?? '').trim();
	if (workspace === '') return SHARED_HOST[credential.region];
	if (LIKE_A_KEY.test(workspace)) throw new Error(`'Workspace ID' ${KEY_IN_WRONG_FIELD}`);
	if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/.test(workspace)) {
		throw new Error(
			`The workspace ID "${workspace}" cannot be part of a host name. Copy it from Model Studio (it looks like "ws-…" or "llm-…"), or leave it empty.`,
		);
	}
	return `https://${workspace}.${credential.region}.maas.aliyuncs.com`;
}

function customBaseUrl(text: string): string {
	if (LIKE_A_KEY.test(text.trim())) throw new Error(`'Base URL' ${KEY_IN_WRONG_FIELD}`);
	const url = tryParseUrl(text.trim());
	if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
		throw new Error(
			`The base URL "${text}" is not a web address. Enter the whole address, such as https://dashscope-us.aliyuncs.com.`,
		);
	}
	if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
		throw new Error(
			'The base URL must not carry a user name, a password, a query or a fragment: only scheme, host and an optional path.',
		);
	}
	if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
		throw new Error(
			`The base URL must use https, because the API key travels with every request: "${url.protocol}//${url.host}" is plain http. Plain http is accepted only for this machine (localhost).`,
		);
	}
	// The SDKs' base URL ends in /api/v1; accept that spelling too.
	const path = url.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '');
	return `${url.protocol}//${url.host}${path}`;
}
