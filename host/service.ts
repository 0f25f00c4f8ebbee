// What the demo's edit runs on: the real DashScope if there is a key for it, else the sandbox.
import { startSandbox } from '../sandbox';
import { createSamples, samplesOf } from '../sandbox/samples';
import { say } from './progress';
import { stopLater } from './stopping';

export interface Service {
	name: string;
	/** The data of the node's credential. */
	credential: Record<string, string>;
	/** A video to edit. */
	sample: string;
	/** Pictures to edit it with. */
	pictures: string[];
	/** How many tasks the service was asked to make, if it can tell. */
	submissions?: () => number;
	timeoutMs: number;
}

const jobSeconds = 8;
const regions = ['cn-beijing', 'ap-southeast-1'] as const;

/** One of each format that most people have. */
const picturesOf = ({ images }: { images: Array<{ path: string }> }) =>
	images.slice(0, 3).map(({ path }) => path);

/** The sandbox, whatever the environment says. */
export async function startSandboxService(): Promise<Service> {
	const running = await startSandbox({ jobSeconds });
	stopLater(async () => await running.stop());
	say(`DashScope sandbox at ${running.url}`);
	return {
		name: 'the DashScope sandbox on this computer',
		credential: {
			apiKey: running.apiKey,
			region: 'custom',
			workspaceId: '',
			baseUrl: running.url,
		},
		sample: running.samples.video.path,
		pictures: picturesOf(running.samples),
		submissions: () => running.tasks().length,
		timeoutMs: 180_000,
	};
}

async function dashScope(apiKey: string): Promise<Service> {
	const region = process.env.DASHSCOPE_REGION || regions[0];
	if (!regions.some((known) => known === region)) {
		throw new Error(`DASHSCOPE_REGION is "${region}", but must be one of ${regions.join(', ')}`);
	}
	say(`DASHSCOPE_API_KEY is set: one edit on the real service (${region}), which bills it`);
	const samples = samplesOf(await createSamples());
	return {
		name: 'Alibaba Cloud DashScope',
		credential: { apiKey, region, workspaceId: '', baseUrl: '' },
		sample: samples.video.path,
		pictures: picturesOf(samples),
		timeoutMs: 30 * 60_000,
	};
}

export async function startService(): Promise<Service> {
	const apiKey = process.env.DASHSCOPE_API_KEY;
	if (apiKey) return await dashScope(apiKey);
	say('No DASHSCOPE_API_KEY is set, so the sandbox takes the place of the real service');
	return await startSandboxService();
}
