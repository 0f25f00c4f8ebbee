import { createHash } from 'node:crypto';
import { readFile, readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { Container } from '@n8n/di';
import { BinaryDataService } from 'n8n-core';
import type { IBinaryData, IHttpRequestOptions, INodeExecutionData } from 'n8n-workflow';
import { Transfer } from '../../nodes/shared/dashscope/transfer';
import type { Fault, LoggedRequest, UploadPart } from '../../sandbox';
import { at, only, RETRY, until, useBench } from './bench';
import { serve, startRelay } from './relay';
import type { TestServer } from './relay';
import { userFolder } from './userFolder';

// Files on their way: how many at once, how often, under which names, and to whom.

const bench = useBench();

const MB = 1024 * 1024;
const SUBMIT = { waiting: 'none' };
const BINARY = { videoSource: 'binary' };

const servers: TestServer[] = [];
const track = <T extends TestServer>(server: T): T => {
	servers.push(server);
	return server;
};

afterEach(async () => {
	jest.restoreAllMocks();
	await Promise.all(servers.splice(0).map(async (server) => await server.stop()));
});

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

const sampleVideo = async () => await readFile(bench.sandbox.samples.video.path);

/** The sample with a box at its end that players skip. */
async function videoOf(bytes: number): Promise<Buffer> {
	const sample = await sampleVideo();
	const padding = Buffer.alloc(bytes - sample.length);
	padding.writeUInt32BE(padding.length, 0);
	padding.write('free', 4, 'latin1');
	return Buffer.concat([sample, padding]);
}

const itemOf = (data: IBinaryData): INodeExecutionData => ({ json: {}, binary: { data } });

const calls = () => ({
	policies: bench.sandbox.requests('policy').length,
	uploads: bench.sandbox.requests('upload').length,
	creates: bench.sandbox.requests('create').length,
});

function keyOf({ body }: LoggedRequest): string {
	return (body as UploadPart[]).find(({ name }) => name === 'key')?.value ?? '';
}

/** Everything in n8n's binary store, with what is still being written. */
async function storedFiles(): Promise<string[]> {
	const storage = join(userFolder, 'storage');
	const entries = await readdir(storage, { recursive: true, withFileTypes: true }).catch(() => []);
	return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe('ten items with files of their own', () => {
	const run = async (options: Record<string, number>) => {
		// Submissions are 0.2 s apart, so results are, too: each must take longer than four of those.
		const relay = track(await startRelay(bench.sandbox.url, { uploads: 60, downloads: 1000 }));
		const content = await sampleVideo();
		const files = await Promise.all(
			Array.from({ length: 10 }, async (_, index) => await bench.file(content, `${index}.mp4`)),
		);
		// The service's own limits are not the point here.
		bench.sandbox.configure({ slots: 10, submitsPerSecond: 100, queriesPerSecond: 100 });
		const { items, error } = await bench.run(
			files.map(itemOf),
			{ ...BINARY, options },
			{ credential: { ...bench.credential(), baseUrl: relay.url } },
		);
		expect(error).toBeUndefined();
		expect(items).toHaveLength(10);
		for (const { binary } of items) expect(binary?.data?.mimeType).toBe('video/mp4');
		expect(calls()).toEqual({ policies: 10, uploads: 10, creates: 10 });
		return relay.most;
	};

	test('move two at once each way', async () => {
		expect(await run({})).toEqual({ uploads: 2, downloads: 2 });
	});

	test('or as many as the option says', async () => {
		expect(await run({ transfers: 4 })).toEqual({ uploads: 4, downloads: 4 });
	});
});

describe('the same file', () => {
	test('is uploaded once for ten items', async () => {
		const data = await bench.file(bench.sandbox.samples.video);
		const { items } = await bench.run(
			Array.from({ length: 10 }, () => itemOf(data)),
			{ ...BINARY, ...SUBMIT },
		);
		expect(items).toHaveLength(10);
		expect(calls()).toEqual({ policies: 1, uploads: 1, creates: 10 });
	});

	test('is not uploaded again by a retry', async () => {
		bench.sandbox.fault({ route: 'create', status: 400, times: 2 });
		const data = await bench.file(bench.sandbox.samples.video);
		const { items } = await bench.run(
			[itemOf(data)],
			{ ...BINARY, ...SUBMIT },
			{ settings: RETRY },
		);
		expect(items).toHaveLength(1);
		expect(calls()).toEqual({ policies: 1, uploads: 1, creates: 3 });
	});
});

describe('an upload that fails', () => {
	const EXPIRED =
		'<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>';
	const EXISTS =
		'<Error><Code>FileAlreadyExists</Code><Message>The object you specified already exists and can not be overwritten.</Message></Error>';
	const faults: Array<[name: string, fault: Omit<Fault, 'route'>]> = [
		['because the permission expired', { status: 403, body: EXPIRED }],
		['because the storage is down', { status: 503 }],
		['because the object exists already', { status: 409, body: EXISTS }],
		['half way', { resetAfter: 2 * MB }],
		['without an answer, although the file arrived', { drop: 'after' }],
	];

	test.each(faults)('%s is repeated whole, with a new permission and key', async (_, fault) => {
		bench.sandbox.fault({ route: 'upload', ...fault });
		const content = await videoOf(5 * MB);
		const data = await bench.file(content, 'large.mp4');
		const { items, error } = await bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });

		expect(error).toBeUndefined();
		expect(items).toHaveLength(1);
		expect(calls()).toEqual({ policies: 2, uploads: 2, creates: 1 });
		const used = only(bench.media()).url;
		expect(used).toBe(`oss://${keyOf(at(bench.sandbox.requests('upload'), 1))}`);
		while (only(bench.sandbox.tasks()).media.length === 0) await sleep(20);
		expect(at(only(bench.sandbox.tasks()).media, 0).sha256).toBe(sha256(content));
	});

	test('with a permission that is over by the time the file comes', async () => {
		bench.sandbox.configure({ policySeconds: -1 });
		const data = await bench.file(bench.sandbox.samples.video);
		const running = bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });
		while (bench.sandbox.requests('upload')[0]?.status === undefined) await sleep(10);
		expect(at(bench.sandbox.requests('upload'), 0).status).toBe(403);
		bench.sandbox.configure({ policySeconds: 300 });
		expect((await running).items).toHaveLength(1);
		expect(calls()).toEqual({ policies: 2, uploads: 2, creates: 1 });
		const [first, second] = bench.sandbox.requests('upload').map(keyOf);
		expect(first).not.toBe(second);
	});

	test('three times fails the item, says so, and nothing is submitted', async () => {
		bench.sandbox.fault({ route: 'upload', status: 403, body: EXPIRED, times: 3 });
		const data = await bench.file(bench.sandbox.samples.video);
		const { error } = await bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });

		expect(error?.message).toMatch(/The upload failed 3 times: .*Policy expired/);
		expect(error?.description).toMatch(/use a URL/);
		expect(calls()).toEqual({ policies: 3, uploads: 3, creates: 0 });
	});

	/** Has n8n's storage break off a file after so many bytes when it is opened for an upload, so many times. */
	function breakReading(content: Buffer, bytes: number, times: number): void {
		const service = Container.get(BinaryDataService);
		const real = service.getAsStream.bind(service);
		let left = times;
		jest.spyOn(service, 'getAsStream').mockImplementation(async (id, chunkSize) => {
			if (calls().policies === 0 || left-- <= 0) return await real(id, chunkSize);
			async function* broken() {
				yield await Promise.resolve(content.subarray(0, bytes));
				throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
			}
			return Readable.from(broken());
		});
	}

	test('because n8n cannot read the file to its end is repeated from its beginning', async () => {
		const content = await sampleVideo();
		const data = await bench.file(content, 'ride.mp4');
		breakReading(content, 1000, 2);
		const { error } = await bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });

		expect(error).toBeUndefined();
		expect(calls()).toMatchObject({ policies: 3, creates: 1 });
		while (only(bench.sandbox.tasks()).media.length === 0) await sleep(20);
		expect(at(only(bench.sandbox.tasks()).media, 0).sha256).toBe(sha256(content));
	});

	test('because n8n can never read the file to its end does not blame the host', async () => {
		const content = await sampleVideo();
		const data = await bench.file(content, 'ride.mp4');
		breakReading(content, 1000, 3);
		const { error } = await bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });

		expect(error?.message).toContain(
			`The upload failed 3 times: After 1000 of ${content.length} bytes, 'Input Binary Field' (ride.mp4) could not be read from the storage of n8n`,
		);
		expect(error?.description).toContain('n8n says: "read ECONNRESET".');
		expect(calls()).toMatchObject({ policies: 3, creates: 0 });
	});

	test.each([
		['shorter', -5, (size: number) => `only ${size - 5} of the ${size} bytes`],
		['longer', 5, (size: number) => `more than the ${size} bytes`],
	])('because the file is %s than n8n says ends at once', async (_what, more, says) => {
		const content = await videoOf(MB);
		const data = await bench.file(content, 'ride.mp4');
		await truncate(Container.get(BinaryDataService).getPath(data.id ?? ''), content.length + more);
		const { error } = await bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });

		expect(error?.message).toContain(`The file has ${says(content.length)} that n8n tells of it`);
		expect(calls()).toMatchObject({ policies: 1, creates: 0 });
	});

	test('without any permission is not repeated when the key is refused', async () => {
		bench.sandbox.fault({ route: 'policy', status: 401, times: 3 });
		const data = await bench.file(bench.sandbox.samples.video);
		const { error } = await bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });
		expect(error?.message).toMatch(/Invalid API-key/);
		expect(calls()).toEqual({ policies: 1, uploads: 0, creates: 0 });
	});
});

describe('file names', () => {
	const names: Array<[name: string, given: string | undefined]> = [
		['with spaces', 'my holiday video (1).mp4'],
		['Chinese', '我的视频.mp4'],
		['with emoji', '🎈 party 🎉.mp4'],
		['without an extension', 'clip'],
		['with a wrong extension', 'clip.txt'],
		['with a path and quotes', '../a "b"\r\nc/..\\d.mp4'],
		['absent', undefined],
	];

	test('never reach the store: its keys are ASCII with the extension of the content', async () => {
		const content = await sampleVideo();
		const items = await Promise.all(
			names.map(async ([, fileName]) => itemOf({ ...(await bench.file(content, 'x')), fileName })),
		);
		const run = await bench.run(items, BINARY);

		expect(run.error).toBeUndefined();
		const uploads = bench.sandbox.requests('upload');
		expect(uploads).toHaveLength(names.length);
		for (const upload of uploads) {
			expect(keyOf(upload)).toMatch(/^[\w/-]+\/[\w-]{36}\.mp4$/);
			const file = (upload.body as UploadPart[]).find(({ name }) => name === 'file');
			expect(file).toMatchObject({ filename: expect.stringMatching(/^[\w-]{36}\.mp4$/) });
			expect(file?.contentType).toBe('video/mp4');
		}
		expect(run.items.map(({ json }) => json.fileName)).toEqual(names.map(([, given]) => given));
		for (const { json, binary } of run.items) {
			expect(binary?.data?.fileName).toBe(`${String(json.taskId)}.mp4`);
		}
	});

	test('a MOV that is called MP4 is uploaded as MOV', async () => {
		const data = await bench.file(bench.sandbox.samples.movVideo, '电影.mp4', 'video/mp4');
		await bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });
		expect(keyOf(only(bench.sandbox.requests('upload')))).toMatch(/\.mov$/);
	});
});

describe('a file that DashScope would refuse', () => {
	/** Far less than any file that is worth refusing. */
	const MOST_READ = 64 * 1024;

	/** Counts what is read from n8n's store. */
	function countReads(): () => number {
		const service = Container.get(BinaryDataService);
		const real = service.getAsStream.bind(service);
		const streams: Readable[] = [];
		jest.spyOn(service, 'getAsStream').mockImplementation(async (...args) => {
			const stream = await real(...args);
			streams.push(stream);
			return stream;
		});
		const whole = jest.spyOn(service, 'getAsBuffer');
		return () => {
			expect(whole).not.toHaveBeenCalled();
			return streams.reduce((sum, stream) => sum + (stream as ReadStream).bytesRead, 0);
		};
	}

	test('for its size: known without reading it', async () => {
		const data = await bench.file(await videoOf(101 * MB), 'huge.mp4');
		const bytesRead = countReads();
		const { error } = await bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });

		expect(error?.message).toMatch(/huge\.mp4.* is 101\.0 MB; the limit is 100\.0 MB/);
		expect(bytesRead()).toBeLessThanOrEqual(MOST_READ);
		expect(calls()).toEqual({ policies: 0, uploads: 0, creates: 0 });
	});

	test('for its content: known from the first bytes', async () => {
		const content = Buffer.alloc(20 * MB, 'no video');
		const data = await bench.file(content, 'clip.mp4', 'video/mp4');
		const bytesRead = countReads();
		const { error } = await bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });

		expect(error?.message).toMatch(/\(clip\.mp4\) holds a file of an unknown kind/);
		expect(bytesRead()).toBeLessThanOrEqual(MOST_READ);
		expect(calls()).toEqual({ policies: 0, uploads: 0, creates: 0 });
	});

	test('takes the other items with it before anything of them is sent', async () => {
		const good = await bench.file(bench.sandbox.samples.video);
		const bad = await bench.file(Buffer.from('%PDF-1.7 …'), 'paper.pdf');
		const { error } = await bench.run([itemOf(good), itemOf(bad)], { ...BINARY, ...SUBMIT });

		expect(error?.message).toMatch(/holds a PDF document/);
		expect(calls()).toEqual({ policies: 0, uploads: 0, creates: 0 });
	});
});

describe('the API key', () => {
	test('goes to DashScope only, not to the hosts of uploads and results', async () => {
		const elsewhere = track(
			await serve((_, response) => response.end(Buffer.alloc(1000)), '127.0.0.1'),
		);
		const location = `${elsewhere.url}/moved.mp4?signature=1`;
		bench.sandbox.fault({ route: 'result', status: 302, headers: { location } });
		const data = await bench.file(bench.sandbox.samples.video);
		const { items, error } = await bench.run([itemOf(data)], BINARY);

		expect(error).toBeUndefined();
		expect(items[0]?.binary?.data?.bytes).toBe(1000);
		const strangers = [
			...bench.sandbox.requests('upload').map(({ headers }) => headers),
			...bench.sandbox.requests('result').map(({ headers }) => headers),
			...elsewhere.requests.map(({ headers }) => headers),
		];
		expect(strangers).toHaveLength(3);
		for (const headers of strangers) {
			expect(headers).not.toHaveProperty('authorization');
			expect(JSON.stringify(headers)).not.toContain(bench.sandbox.apiKey);
		}
	});
});

describe('plain http', () => {
	test('is not used for an upload', async () => {
		const stored = { upload_host: 'http://storage.example.com', upload_dir: 'a', policy: 'p' };
		bench.sandbox.fault({ route: 'policy', status: 200, body: { data: stored }, times: 3 });
		const data = await bench.file(bench.sandbox.samples.video);
		const { error } = await bench.run([itemOf(data)], { ...BINARY, ...SUBMIT });

		expect(error?.message).toMatch(/upload host without https: storage\.example\.com/);
		expect(calls()).toEqual({ policies: 1, uploads: 0, creates: 0 });
	});

	test.each([
		['a result link', 'http://results.example.com/a.mp4?Signature=x'],
		['a redirect', 'https://redirects.example.com/a.mp4'],
	])('becomes https for %s', async (_, video_url) => {
		const asked: IHttpRequestOptions[] = [];
		const network = (request: IHttpRequestOptions) => {
			asked.push(request);
			if (request.url.includes('/api/v1/')) {
				const output = { task_id: 't1', task_status: 'SUCCEEDED', video_url };
				return { statusCode: 200, body: { request_id: 'r1', output } };
			}
			const { host } = new URL(request.url);
			const body = { pipe: () => undefined, destroy: () => undefined };
			return host === 'redirects.example.com'
				? { statusCode: 302, headers: { location: 'http://results.example.com/a.mp4' }, body }
				: { statusCode: 403, body };
		};
		await bench.run(
			1,
			{ resource: 'task', operation: 'getStatus', taskId: 't1', download: true },
			{ network },
		);

		const results = asked.filter(({ url }) => !url.includes('/api/v1/'));
		expect(results.length).toBeGreaterThan(0);
		for (const { url, headers } of results) {
			expect(url).toMatch(/^https:/);
			expect(JSON.stringify(headers)).not.toMatch(/authorization/i);
		}
		expect(results.at(-1)?.url).toMatch(/^https:\/\/results\.example\.com\/a\.mp4/);
	});
});

describe('a host that only n8n can reach', () => {
	const PUBLIC = 'https://gateway.example.com';

	/** Asks for a task at a public base URL, and gives what it was asked besides, and the error. */
	async function ask(video_url: string) {
		const asked: string[] = [];
		const network = ({ url }: IHttpRequestOptions) => {
			if (url.startsWith(PUBLIC)) {
				const output = { task_id: 't1', task_status: 'SUCCEEDED', video_url };
				return { statusCode: 200, body: { request_id: 'r1', output } };
			}
			asked.push(new URL(url).host);
			const body = { pipe: () => undefined, destroy: () => undefined };
			return { statusCode: 302, headers: { location: 'http://127.0.0.1:5678/rest/login' }, body };
		};
		const { error } = await bench.run(
			1,
			{ resource: 'task', operation: 'getStatus', taskId: 't1', download: true },
			{ network, credential: { ...bench.credential(), baseUrl: PUBLIC } },
		);
		return { asked, error };
	}

	test.each([
		['this machine', 'http://localhost:5678/a.mp4'],
		['a private address', 'https://10.0.0.1/a.mp4'],
		["a cloud's metadata", 'http://169.254.169.254/latest'],
	])('is not asked for a result: %s', async (_, url) => {
		const { asked, error } = await ask(url);
		expect(error?.message).toMatch(/a host inside a private network/);
		expect(asked).toEqual([]);
	});

	test('is not asked after a redirect either', async () => {
		const { asked, error } = await ask('https://results.example.com/a.mp4');
		expect(error?.message).toMatch(/a host inside a private network .*127\.0\.0\.1:5678/);
		expect(asked).toEqual(['results.example.com']);
	});

	test('gets no upload', async () => {
		const asked: string[] = [];
		const network = ({ url }: IHttpRequestOptions) => {
			asked.push(new URL(url).host);
			const data = { upload_host: 'https://192.168.1.1', upload_dir: 'a', policy: 'p' };
			return { statusCode: 200, body: { data } };
		};
		const data = await bench.file(bench.sandbox.samples.video);
		const { error } = await bench.run(
			[itemOf(data)],
			{ ...BINARY, ...SUBMIT },
			{ network, credential: { ...bench.credential(), baseUrl: PUBLIC } },
		);
		expect(error?.message).toMatch(/a host inside a private network .*192\.168\.1\.1/);
		expect(new Set(asked)).toEqual(new Set(['gateway.example.com']));
	});
});

describe('a result', () => {
	/** A result host that counts what it sends and knows whether the other side has gone. */
	async function host(head: Record<string, string | number>, bytes: number) {
		const seen = { sent: 0, closed: false };
		const server = track(
			await serve((_, response) => {
				response.once('close', () => (seen.closed = true));
				response.writeHead(200, head);
				const chunk = Buffer.alloc(64 * 1024);
				const send = () => {
					while (seen.sent < bytes) {
						seen.sent += chunk.length;
						if (!response.write(chunk)) return void response.once('drain', send);
					}
					if (bytes !== Infinity) response.end();
				};
				send();
			}),
		);
		bench.sandbox.fault({
			route: 'result',
			status: 302,
			headers: { location: `${server.url}/a.mp4` },
			times: 10,
		});
		return { server, seen };
	}

	test('that says it is larger than the maximum is refused at once', async () => {
		const { server, seen } = await host({ 'content-length': 900 * MB }, 900 * MB);
		const before = await storedFiles();
		const { error } = await bench.run(1, { options: { maxResultSize: 2 } });

		expect(error?.message).toMatch(/larger than 2 MB, the set maximum/);
		expect(error?.description).toMatch(/Maximum Result Size/);
		expect(server.requests).toHaveLength(1);
		expect(await storedFiles()).toEqual(before);
		await until(() => seen.closed);
		// What lay in the buffers of both ends.
		expect(seen.sent).toBeLessThan(16 * MB);
	});

	test('that says nothing of its size is cut off at the maximum', async () => {
		const { server, seen } = await host({}, Infinity);
		const before = await storedFiles();
		const { error } = await bench.run(1, { options: { maxResultSize: 2 } });

		expect(error?.message).toMatch(/larger than 2 MB, the set maximum/);
		expect(server.requests).toHaveLength(1);
		expect(await storedFiles()).toEqual(before);
		await until(() => seen.closed);
		expect(seen.sent).toBeLessThan(16 * MB);
	});

	test('of 20 MB is stored whole', async () => {
		bench.sandbox.configure({ resultBytes: 20 * MB });
		const { items } = await bench.run(1);
		expect(items[0]?.binary?.data?.bytes).toBe(20 * MB);
		expect((await storedFiles()).filter((name) => name.includes('.tmp.'))).toEqual([]);
	});

	test('that breaks off is fetched again, and the broken part is not kept', async () => {
		bench.sandbox.configure({ resultBytes: 5 * MB });
		bench.sandbox.fault({ route: 'result', truncate: 2 * MB });
		const before = await storedFiles();
		const { items } = await bench.run(1);

		expect(items[0]?.binary?.data?.bytes).toBe(5 * MB);
		expect(bench.sandbox.requests('result')).toHaveLength(2);
		// The file and its metadata.
		expect(await storedFiles()).toHaveLength(before.length + 2);
	});

	test.each([
		['a login page', 200, '<!DOCTYPE html><title>Sign in</title>', 'a web page or XML text'],
		['an error of the store', 200, '<?xml version="1.0"?><Error/>', 'a web page or XML text'],
		['a JSON text', 200, '{"error":"no"}', 'a JSON text'],
		['nothing', 200, '', 'an empty file'],
		['a status without content', 204, '', 'HTTP 204'],
		['a part that nobody asked for', 206, 'abc', 'HTTP 206'],
	])('is a video, not %s', async (_what, status, body, said) => {
		const server = track(
			await serve((_, response) => {
				response.writeHead(status, { 'content-type': 'video/mp4' });
				response.end(body);
			}),
		);
		bench.sandbox.fault({
			route: 'result',
			status: 302,
			headers: { location: `${server.url}/a.mp4` },
			times: 10,
		});
		const { items, error } = await bench.run(1);
		expect(error?.message).toMatch(/is ready but could not be downloaded: /);
		expect(error?.message).toContain(said);
		expect(error?.description).toMatch(/It is paid for and stays available/);
		expect(items).toEqual([]);
		// It may be a video the next time.
		expect(server.requests).toHaveLength(3);
	});

	test('that redirects in circles is given up', async () => {
		const turning = track(
			await serve((_, response) => response.writeHead(302, { location: '/again' }).end()),
		);
		const headers = { location: `${turning.url}/a.mp4` };
		bench.sandbox.fault({ route: 'result', status: 302, headers, times: 10 });
		const { error } = await bench.run(1);
		expect(error?.message).toMatch(/redirects in a loop/);
		expect(turning.requests).toHaveLength(15);
	});
});

describe('a transfer at a standstill', () => {
	const STALL = 120_000;

	beforeEach(() => jest.useFakeTimers());
	afterEach(() => jest.useRealTimers());

	test('is ended, and says so', async () => {
		const transfer = new Transfer('storage.example.com', STALL, undefined);
		await jest.advanceTimersByTimeAsync(STALL - 1);
		expect(transfer.signal.aborted).toBe(false);
		await jest.advanceTimersByTimeAsync(1);
		expect(transfer.signal.aborted).toBe(true);
		expect(transfer.reason(new Error('cancelled'))).toMatchObject({
			kind: 'lost',
			message: expect.stringMatching(/storage\.example\.com stood still/),
		});
	});

	test('goes on as long as bytes move', async () => {
		const transfer = new Transfer('storage.example.com', STALL, undefined);
		for (let count = 0; count < 10; count++) {
			await jest.advanceTimersByTimeAsync(STALL - 1);
			transfer.moved(1);
		}
		expect(transfer.signal.aborted).toBe(false);
		transfer.end();
		const error = new Error('of another kind');
		expect(transfer.reason(error)).toBe(error);
	});

	test('is one, too, where no more than a byte comes now and then for half an hour', async () => {
		const transfer = new Transfer('storage.example.com', STALL, undefined);
		for (let minutes = 1; minutes < 30; minutes++) {
			await jest.advanceTimersByTimeAsync(60_000);
			transfer.moved(100);
		}
		expect(transfer.signal.aborted).toBe(false);
		await jest.advanceTimersByTimeAsync(60_000);
		expect(transfer.signal.aborted).toBe(true);
		expect(transfer.reason(new Error('cancelled'))).toMatchObject({
			kind: 'lost',
			message: expect.stringMatching(/storage\.example\.com moved only 3 kB in 30 minutes/),
		});
	});

	test.each([
		['is one for an upload of which next to nothing is taken', 1024, true],
		['is none for an upload on a slow line', 256 * 1024, false],
	])('%s', async (_, bytes, aborted) => {
		async function* chunks() {
			for (let minutes = 0; minutes < 40; minutes++) {
				await jest.advanceTimersByTimeAsync(60_000);
				yield Buffer.alloc(bytes);
			}
		}
		const transfer = new Transfer('storage.example.com', STALL, undefined);
		for await (const chunk of transfer.watched(chunks())) expect(chunk).toHaveLength(bytes);
		expect(transfer.signal.aborted).toBe(aborted);
		// The answer may take its time.
		await jest.advanceTimersByTimeAsync(STALL - 1);
		expect(transfer.signal.aborted).toBe(aborted);
		transfer.end();
	});

	test('ends with the execution', () => {
		const stop = new AbortController();
		const transfer = new Transfer('storage.example.com', STALL, stop.signal);
		stop.abort();
		expect(transfer.signal.aborted).toBe(true);
	});
});

describe('the memory of chunks that have passed', () => {
	/** The most that lies outside of the heap while 400 MB of chunks are made and let go. */
	function peak(moved: (bytes: number) => void): number {
		const CHUNK = 64 * 1024;
		const before = process.memoryUsage().arrayBuffers;
		let most = 0;
		for (let left = 400 * MB; left > 0; left -= CHUNK) {
			moved(Buffer.allocUnsafeSlow(CHUNK).length);
			most = Math.max(most, process.memoryUsage().arrayBuffers - before);
		}
		return most;
	}

	test('is given back while more of them pass', () => {
		const transfer = new Transfer('storage.example.com', 60_000, undefined);
		const left = peak(() => undefined);
		const passed = peak((bytes) => transfer.moved(bytes));
		transfer.end();
		expect(passed).toBeLessThan(left / 2);
	});
});

describe('sources by URL', () => {
	test('go to DashScope as they are; n8n fetches not one byte', async () => {
		const content = await sampleVideo();
		const source = track(
			await serve((_, response) => {
				response.writeHead(200, { 'content-type': 'video/mp4' }).end(content);
			}),
		);
		const urls = [
			`${source.url}/clip.mp4?Expires=1&Signature=a%2Fb%3D`,
			'https://media.example.com/clip.mp4?token=x&y=%20',
			'oss://dashscope-instant/a/b/c.mp4',
		];
		const items = urls.map((url) => ({ json: { url } }));
		await bench.run(
			items,
			{ ...SUBMIT, videoUrl: '={{ $json.url }}' },
			{ settings: { onError: 'continueRegularOutput' } },
		);

		const sent = bench.sandbox
			.requests('create')
			.map(
				({ body }) => (body as { input: { media: Array<{ url: string }> } }).input.media[0]?.url,
			);
		expect(sent.sort()).toEqual([...urls].sort());
		expect(calls()).toMatchObject({ policies: 0, uploads: 0 });
		await sleep(200);
		// The sandbox fetches them with Node's own fetch; n8n says that it is n8n.
		for (const { headers } of source.requests) expect(headers['user-agent']).toBe('node');
		expect(source.requests.length).toBeLessThanOrEqual(1);
	});
});
