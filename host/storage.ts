// An S3-compatible storage on loopback (s3rver), its files in a temporary folder.
import S3rver from '@20minutes/s3rver';
import { removeFolder, stopLater, temporaryFolder } from './stopping';

export interface Storage {
	url: string;
	/** The data of n8n's S3 credential. */
	credential: Record<string, string | boolean>;
	/** The keys of a bucket's files, in order. */
	list(bucket: string): Promise<string[]>;
	get(bucket: string, key: string): Promise<Buffer>;
	put(bucket: string, key: string, body: Buffer): Promise<void>;
	stop(): Promise<void>;
}

/** The only account of the server. */
const account = 'S3RVER';

export async function startStorage(buckets: string[]): Promise<Storage> {
	const directory = await temporaryFolder('storage');
	const server = new S3rver({
		address: '127.0.0.1',
		port: 0,
		directory,
		silent: true,
		configureBuckets: buckets.map((name) => ({ name, configs: [] })),
	});
	const { port } = await server.run();
	const url = `http://127.0.0.1:${port}`;
	const stop = async () => {
		forget();
		await server.close();
		removeFolder(directory);
	};
	const forget = stopLater(stop);
	const ask = async (path: string, init?: RequestInit) => {
		const response = await fetch(`${url}/${path}`, init);
		if (!response.ok) throw new Error(`${path}: the storage answered ${response.status}`);
		return response;
	};
	return {
		url,
		credential: {
			endpoint: url,
			region: 'us-east-1',
			accessKeyId: account,
			secretAccessKey: account,
			forcePathStyle: true,
			ignoreSSLIssues: false,
		},
		list: async (bucket) => {
			const xml = await (await ask(`${bucket}?list-type=2`)).text();
			return [...xml.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key = '']) => key);
		},
		get: async (bucket, key) =>
			Buffer.from(await (await ask(`${bucket}/${encodeURI(key)}`)).arrayBuffer()),
		put: async (bucket, key, body) => {
			await ask(`${bucket}/${encodeURI(key)}`, { method: 'PUT', body: new Uint8Array(body) });
		},
		stop,
	};
}
