import { readFile } from 'node:fs/promises';

import { startSandbox, type Sandbox, type UploadPart } from '../../sandbox';
import {
	bearer,
	create,
	edited,
	formFields,
	MODEL,
	policy,
	postForm,
	RESOLVE,
	send,
	upload,
	type Json,
} from './client';

const HOUR = 3_600_000;

let sandbox: Sandbox;
let video: Buffer;
let ahead = 0;

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 0, now: () => Date.now() + ahead });
	video = await readFile(sandbox.samples.video.path);
});
beforeEach(async () => {
	await sandbox.reset();
	ahead = 0;
	sandbox.configure({ maxUploadBytes: 100 * 1024 * 1024, submitsPerSecond: 1000 });
});
afterAll(async () => await sandbox.stop());

type Fields = Array<[string, string]>;

const changed = (fields: Fields, name: string, value: string): Fields =>
	fields.map(([known, old]) => [known, known === name ? value : old]);
const without = (fields: Fields, name: string): Fields =>
	fields.filter(([known]) => known !== name);
const errorCode = (text: string) => /<Code>(.*)<\/Code>/.exec(text)?.[1];
const errorMessage = (text: string) => /<Message>(.*)<\/Message>/.exec(text)?.[1];

describe('getPolicy', () => {
	it('answers as documented', async () => {
		const data = await policy(sandbox);
		expect(data).toEqual({
			policy: expect.stringMatching(/^[\w+/=]+$/) as string,
			signature: expect.stringMatching(/^[\w+/=]{28}$/) as string,
			upload_dir: expect.stringMatching(/^dashscope-instant\/[\w/-]+$/) as string,
			upload_host: sandbox.url,
			expire_in_seconds: 300,
			max_file_size_mb: 100,
			capacity_limit_mb: 999999999,
			oss_access_key_id: expect.stringMatching(/^LTAI/) as string,
			x_oss_object_acl: 'private',
			x_oss_forbid_overwrite: 'true',
		});
		expect((await policy(sandbox)).upload_dir).not.toBe(data.upload_dir);
	});

	it.each(['?action=getPolicy', `?model=${MODEL}`, `?action=list&model=${MODEL}`])(
		'refuses %s',
		async (search) => {
			const reply = await send(`${sandbox.url}/api/v1/uploads${search}`, {
				headers: bearer(sandbox),
			});
			expect(reply.status).toBe(400);
			expect(reply.json.code).toBe('InvalidParameter');
		},
	);
});

describe('upload', () => {
	const post = async (
		change: (fields: Fields) => Fields = (fields) => fields,
		headers: Record<string, string> = {},
	) => {
		const data = await policy(sandbox);
		const fields = change(formFields(data, 'a.mp4'));
		return await postForm(String(data.upload_host), fields, video, 'a.mp4', headers);
	};

	it('is answered with an empty 200', async () => {
		const reply = await post();
		expect([reply.status, reply.text]).toEqual([200, '']);
	});

	it('is answered with 204 unless 200 is asked for', async () => {
		expect((await post((fields) => without(fields, 'success_action_status'))).status).toBe(204);
	});

	it('is logged part by part', async () => {
		await post();
		const [entry] = sandbox.requests('upload');
		const parts = entry?.body as UploadPart[];
		expect(parts.map(({ name }) => name)).toEqual([
			'OSSAccessKeyId',
			'Signature',
			'policy',
			'key',
			'x-oss-object-acl',
			'x-oss-forbid-overwrite',
			'success_action_status',
			'file',
		]);
		expect(parts.at(-1)).toEqual({
			name: 'file',
			filename: 'a.mp4',
			bytes: video.length,
			contentType: 'application/octet-stream',
		});
		expect(entry?.headers).not.toHaveProperty('authorization');
		expect(entry).not.toHaveProperty('authorized');
	});

	it.each<[string, (fields: Fields) => Fields, number, string]>([
		['no key', (fields) => without(fields, 'key'), 400, 'InvalidArgument'],
		['no policy', (fields) => without(fields, 'policy'), 403, 'AccessDenied'],
		['no signature', (fields) => without(fields, 'Signature'), 403, 'AccessDenied'],
		[
			'another access key',
			(fields) => changed(fields, 'OSSAccessKeyId', 'LTAIx'),
			403,
			'InvalidAccessKeyId',
		],
		[
			'a wrong signature',
			(fields) => changed(fields, 'Signature', 'AAAA'),
			403,
			'SignatureDoesNotMatch',
		],
		[
			'a changed policy',
			(fields) => changed(fields, 'policy', Buffer.from('{}').toString('base64')),
			403,
			'SignatureDoesNotMatch',
		],
		[
			'a key elsewhere',
			(fields) => changed(fields, 'key', 'dashscope-instant/a.mp4'),
			403,
			'AccessDenied',
		],
	])('is refused with %s', async (_name, change, status, code) => {
		const reply = await post(change);
		expect(reply.status).toBe(status);
		expect(errorCode(reply.text)).toBe(code);
		expect(reply.headers.get('content-type')).toContain('application/xml');
	});

	it('is refused with an Authorization header', async () => {
		const reply = await post(undefined, bearer(sandbox));
		expect(reply.status).toBe(400);
		expect(errorCode(reply.text)).toBe('InvalidArgument');
		expect(sandbox.requests('upload')[0]?.headers.authorization).toBe('Bearer ***');
	});

	it('is refused once the policy has expired', async () => {
		const data = await policy(sandbox);
		ahead = 301_000;
		const reply = await postForm(sandbox.url, formFields(data, 'a.mp4'), video);
		expect(reply.status).toBe(403);
		expect(errorMessage(reply.text)).toBe('Invalid according to Policy: Policy expired.');
	});

	it('does not overwrite', async () => {
		const data = await policy(sandbox);
		const fields = formFields(data, 'a.mp4');
		expect((await postForm(sandbox.url, fields, video)).status).toBe(200);
		const again = await postForm(sandbox.url, fields, video);
		expect(again.status).toBe(409);
		expect(errorCode(again.text)).toBe('FileAlreadyExists');
		const allowed = changed(fields, 'x-oss-forbid-overwrite', 'false');
		expect((await postForm(sandbox.url, allowed, video)).status).toBe(200);
	});

	it('is refused when it is too large, after all of it was read', async () => {
		sandbox.configure({ maxUploadBytes: 1024 * 1024 });
		const data = await policy(sandbox);
		expect(data.max_file_size_mb).toBe(1);
		const large = Buffer.alloc(5 * 1024 * 1024);
		const fields = formFields(data, 'a.mp4');
		const reply = await postForm(sandbox.url, fields, large);
		expect(reply.status).toBe(400);
		expect(errorCode(reply.text)).toBe('EntityTooLarge');
		expect((await postForm(sandbox.url, fields, video)).status).toBe(200);
	});

	it('must have the file, as its last part', async () => {
		const data = await policy(sandbox);
		const fields = formFields(data, 'a.mp4');
		const none = await postForm(sandbox.url, fields, undefined);
		expect([none.status, errorCode(none.text)]).toEqual([400, 'InvalidArgument']);

		const form = new FormData();
		for (const [name, value] of fields.slice(0, -1)) form.append(name, value);
		form.append('file', new Blob([new Uint8Array(video)]), 'a.mp4');
		form.append('success_action_status', '200');
		const early = await send(sandbox.url, { method: 'POST', body: form });
		expect([early.status, errorCode(early.text)]).toEqual([400, 'InvalidArgument']);
		expect(errorMessage(early.text)).toContain('last part');

		const first = new FormData();
		first.append('file', new Blob([new Uint8Array(video)]), 'a.mp4');
		for (const [name, value] of fields) first.append(name, value);
		expect((await send(sandbox.url, { method: 'POST', body: first })).status).toBe(400);
		// Nothing was kept of any of them.
		expect((await postForm(sandbox.url, fields, video)).status).toBe(200);
	});

	it('must be a form', async () => {
		const reply = await send(sandbox.url, { method: 'POST', body: 'x' });
		expect([reply.status, errorCode(reply.text)]).toEqual([412, 'PreconditionFailed']);
		const broken = await send(sandbox.url, {
			method: 'POST',
			headers: { 'content-type': 'multipart/form-data; boundary=x' },
			body: '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
		});
		expect([broken.status, errorCode(broken.text)]).toEqual([400, 'MalformedPOSTRequest']);
	});
});

describe('oss:// in a task', () => {
	const media = (url: string) => [{ type: 'video', url }];
	const parameters = { resolution: '720P', duration: 2 };

	it('is edited', async () => {
		const url = await upload(sandbox, video, 'a.mp4');
		const answer = await edited(sandbox, { media: media(url), headers: RESOLVE, parameters });
		expect((answer.output as Json).task_status).toBe('SUCCEEDED');
		const [task] = sandbox.tasks();
		expect(task?.media[0]).toMatchObject({
			type: 'video',
			url,
			bytes: video.length,
			probe: { codec: 'h264', width: 640, height: 360, fps: 25, seconds: 3, hasAudio: true },
		});
	});

	it('may have any characters in its key, as the SDKs send them', async () => {
		const url = await upload(sandbox, video, 'my 视频 1.mp4');
		expect(url).toMatch(/my 视频 1\.mp4$/);
		const answer = await edited(sandbox, { media: media(url), headers: RESOLVE, parameters });
		expect((answer.output as Json).task_status).toBe('SUCCEEDED');
	});

	it('feeds several tasks', async () => {
		const url = await upload(sandbox, video, 'a.mp4');
		for (let i = 0; i < 2; i++) {
			expect((await create(sandbox, { media: media(url), headers: RESOLVE })).status).toBe(200);
		}
	});

	const refusal = async (url: string, headers: Record<string, string>) => {
		const reply = await create(sandbox, { media: media(url), headers });
		expect(reply.status).toBe(400);
		expect(reply.json.code).toBe('InvalidParameter.DataInspection');
		expect(sandbox.tasks()).toEqual([]);
		return String(reply.json.message);
	};

	it('is refused without the resolve header', async () => {
		const url = await upload(sandbox, video, 'a.mp4');
		expect(await refusal(url, {})).toMatch(/^The media format is not supported or incorrect/);
	});

	it('is refused when it was uploaded for another model', async () => {
		const url = await upload(sandbox, video, 'a.mp4', 'happyhorse-1.0-video-edit');
		expect(await refusal(url, RESOLVE)).toMatch(/^Don't have authorization/);
	});

	it('is refused when nobody uploaded it, and after 48 hours', async () => {
		const unable = /^Unable to download the media resource/;
		expect(await refusal('oss://dashscope-instant/x/a.mp4', RESOLVE)).toMatch(unable);
		const url = await upload(sandbox, video, 'a.mp4');
		ahead = 48 * HOUR + 1000;
		expect(await refusal(url, RESOLVE)).toMatch(unable);
	});

	it('must have the extension of its content', async () => {
		for (const name of ['a', 'a.png', 'a.bin']) {
			const url = await upload(sandbox, video, name);
			const answer = await edited(sandbox, { media: media(url), headers: RESOLVE });
			expect(answer.output).toMatchObject({
				task_status: 'FAILED',
				code: 'InvalidParameter.DataInspection',
			});
		}
	});
});
