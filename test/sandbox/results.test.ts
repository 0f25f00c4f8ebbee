import { readFile } from 'node:fs/promises';

import { startSandbox, type Sandbox } from '../../sandbox';
import { bearer, edited, type Json } from './client';

const HOUR = 3_600_000;
const parameters = { resolution: '720P', duration: 2 };

let sandbox: Sandbox;
let url: string;
let file: Buffer;
let ahead = 0;

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 0, now: () => Date.now() + ahead });
	const answer = await edited(sandbox, { parameters });
	url = String((answer.output as Json).video_url);
	const [task] = sandbox.tasks();
	if (task?.work?.status !== 'SUCCEEDED') throw new Error('the task did not succeed');
	file = await readFile(task.work.result.path ?? '');
});
beforeEach(() => {
	ahead = 0;
});
afterAll(async () => await sandbox.stop());

const errorOf = async (response: Response) => {
	const text = await response.text();
	expect(response.headers.get('content-type')).toContain('application/xml');
	return [response.status, /<Code>(.*)<\/Code>/.exec(text)?.[1]];
};

describe('a result URL', () => {
	it('gives the MP4 with type and length', async () => {
		const response = await fetch(url);
		expect(response.status).toBe(200);
		expect(response.headers.get('content-type')).toBe('video/mp4');
		expect(response.headers.get('content-length')).toBe(String(file.length));
		expect(Buffer.from(await response.arrayBuffer()).equals(file)).toBe(true);
		expect(sandbox.requests('result').at(-1)?.headers).not.toHaveProperty('authorization');
	});

	it('looks signed and lives for 24 hours', () => {
		const { searchParams } = new URL(url);
		expect([...searchParams.keys()]).toEqual(['Expires', 'OSSAccessKeyId', 'Signature']);
		const left = Number(searchParams.get('Expires')) * 1000 - Date.now();
		expect(left / HOUR).toBeGreaterThan(23.9);
		expect(left / HOUR).toBeLessThanOrEqual(24);
	});

	it('refuses a second credential', async () => {
		const response = await fetch(url, { headers: bearer(sandbox) });
		expect(await errorOf(response)).toEqual([400, 'InvalidArgument']);
		expect(sandbox.requests('result').at(-1)).toMatchObject({ status: 400, authorized: true });
	});

	it('refuses HEAD, which the signature does not cover', async () => {
		expect((await fetch(url, { method: 'HEAD' })).status).toBe(403);
	});

	it('refuses a wrong or missing signature and another path', async () => {
		const wrong = new URL(url);
		wrong.searchParams.set('Signature', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=');
		expect(await errorOf(await fetch(wrong))).toEqual([403, 'SignatureDoesNotMatch']);
		const later = new URL(url);
		later.searchParams.set('Expires', String(Number(later.searchParams.get('Expires')) + 60));
		expect(await errorOf(await fetch(later))).toEqual([403, 'SignatureDoesNotMatch']);
		const elsewhere = new URL(url);
		elsewhere.pathname = elsewhere.pathname.replace('.mp4', '.mov');
		expect(await errorOf(await fetch(elsewhere))).toEqual([403, 'SignatureDoesNotMatch']);
		const key = new URL(url);
		key.searchParams.set('OSSAccessKeyId', 'LTAIx');
		expect(await errorOf(await fetch(key))).toEqual([403, 'InvalidAccessKeyId']);
		const bare = new URL(url);
		bare.search = '';
		expect(await errorOf(await fetch(bare))).toEqual([403, 'AccessDenied']);
	});

	it('expires', async () => {
		ahead = 24 * HOUR - 60_000;
		const alive = await fetch(url);
		expect(alive.status).toBe(200);
		await alive.arrayBuffer();
		ahead = 24 * HOUR + 1000;
		expect(await errorOf(await fetch(url))).toEqual([403, 'AccessDenied']);
	});

	it.each([
		['bytes=0-0', 0, 1],
		['bytes=100-199', 100, 200],
		['bytes=100-', 100, undefined],
		['bytes=-7', -7, undefined],
	])('gives %s', async (range, start, end) => {
		const response = await fetch(url, { headers: { range } });
		const expected = file.subarray(start, end);
		expect(response.status).toBe(206);
		expect(response.headers.get('content-length')).toBe(String(expected.length));
		const first = start < 0 ? file.length + start : start;
		expect(response.headers.get('content-range')).toBe(
			`bytes ${first}-${first + expected.length - 1}/${file.length}`,
		);
		expect(Buffer.from(await response.arrayBuffer()).equals(expected)).toBe(true);
	});
});

describe('a padded result', () => {
	it('has the size that was asked for and plays all the same', async () => {
		const size = file.length + 300_000;
		sandbox.configure({ resultBytes: size });
		const answer = await edited(sandbox, { parameters });
		sandbox.configure({ resultBytes: 0 });
		const link = String((answer.output as Json).video_url);
		const response = await fetch(link);
		expect(response.headers.get('content-length')).toBe(String(size));
		const whole = Buffer.from(await response.arrayBuffer());
		expect(whole.length).toBe(size);
		expect(whole.subarray(0, file.length).equals(file)).toBe(true);
		expect(whole.readUInt32BE(file.length)).toBe(300_000);
		expect(whole.toString('latin1', file.length + 4, file.length + 8)).toBe('free');
		expect(boxes(whole)).toEqual([...boxes(file), 'free']);

		for (const [start, end] of [
			[file.length - 3, file.length + 20],
			[file.length + 2, file.length + 5],
			[file.length + 8, file.length + 100_000],
			[10, size - 1],
		] as const) {
			const part = await fetch(link, { headers: { range: `bytes=${start}-${end}` } });
			const bytes = Buffer.from(await part.arrayBuffer());
			expect(bytes.equals(whole.subarray(start, end + 1))).toBe(true);
		}
	});

	it('may be 200 MB without being held in memory', async () => {
		sandbox.configure({ resultBytes: 200 * 1024 * 1024 });
		const answer = await edited(sandbox, { parameters });
		sandbox.configure({ resultBytes: 0 });
		const response = await fetch(String((answer.output as Json).video_url));
		const before = process.memoryUsage().rss;
		let [bytes, peak] = [0, 0];
		for await (const chunk of response.body ?? []) {
			bytes += (chunk as Uint8Array).length;
			peak = Math.max(peak, process.memoryUsage().rss - before);
		}
		expect(bytes).toBe(200 * 1024 * 1024);
		// Client and server share this process; the whole result would be 200 MB on top.
		expect(peak).toBeLessThan(120 * 1024 * 1024);
	});
});

/** Types of the boxes at top level. */
function boxes(mp4: Buffer): string[] {
	const types: string[] = [];
	for (let at = 0; at + 8 <= mp4.length; at += mp4.readUInt32BE(at)) {
		types.push(mp4.toString('latin1', at + 4, at + 8));
	}
	return types;
}
