// What is used of @20minutes/s3rver, which brings no types.
declare module '@20minutes/s3rver' {
	import type { AddressInfo } from 'node:net';

	export default class S3rver {
		constructor(options: {
			address: string;
			port: number;
			directory: string;
			silent: boolean;
			configureBuckets: Array<{ name: string; configs: string[] }>;
		});
		run(): Promise<AddressInfo>;
		close(): Promise<void>;
	}
}
