import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { startSandbox, type Sandbox, type UploadPart } from '../../sandbox';
import { MODEL, type Json } from './client';

// The calls of the official Python SDK for VideoSynthesis.call(…) with two local files, byte by byte
// as recorded on the wire (version 1.26.2): header names, part order, a file part without a
// Content-Type, extra input fields, `/tasks` without a slash.

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 0.2 });
});
afterAll(async () => await sandbox.stop());

const AGENT = 'dashscope/1.26.2; python/3.11.2; platform/Linux-x86_64; processor/';

/** One request on a connection of its own. */
async function raw(
	head: string[],
	body = Buffer.alloc(0),
): Promise<{ status: number; body: string }> {
	const lines = [...head, `Host: 127.0.0.1:${sandbox.port}`, 'Connection: close', '', ''];
	return await new Promise((resolve, reject) => {
		const chunks: Buffer[] = [];
		const socket = connect(sandbox.port, '127.0.0.1', () => {
			socket.write(lines.join('\r\n'));
			socket.write(body);
		});
		socket.on('data', (chunk) => chunks.push(chunk));
		socket.on('error', reject);
		socket.on('end', () => {
			const answer = Buffer.concat(chunks).toString();
			const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
			resolve({ status, body: answer.slice(answer.indexOf('\r\n\r\n') + 4) });
		});
	});
}

const apiHeaders = () => [
	`User-Agent: ${AGENT}`,
	'Accept-Encoding: gzip, deflate',
	'Accept: application/json; charset=utf-8',
	`Authorization: Bearer ${sandbox.apiKey}`,
];

async function getPolicy(model = MODEL): Promise<Json> {
	const head = `GET /api/v1/uploads?action=getPolicy&model=${model} HTTP/1.1`;
	const reply = await raw([head, ...apiHeaders()]);
	expect(reply.status).toBe(200);
	return (JSON.parse(reply.body) as { data: Json }).data;
}

async function uploadLikeSdk(data: Json, fileName: string, mime: string, content: Buffer) {
	const boundary = '9c9f3d4bd1b14c7bb8a9b2b9a1d0f7c1';
	const key = `${String(data.upload_dir)}/${fileName}`;
	const fields: Array<[string, unknown]> = [
		['OSSAccessKeyId', data.oss_access_key_id],
		['Signature', data.signature],
		['policy', data.policy],
		['key', key],
		['x-oss-object-acl', data.x_oss_object_acl],
		['x-oss-forbid-overwrite', data.x_oss_forbid_overwrite],
		['success_action_status', '200'],
		['x-oss-content-type', mime],
	];
	const parts = fields.map(
		([name, value]) =>
			`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${String(value)}\r\n`,
	);
	const file = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${fileName}"\r\n\r\n`;
	const body = Buffer.concat([
		Buffer.from(parts.join('') + file),
		content,
		Buffer.from(`\r\n--${boundary}--\r\n`),
	]);
	const reply = await raw(
		[
			'POST / HTTP/1.1',
			`User-Agent: ${AGENT}`,
			'Accept-Encoding: gzip, deflate',
			'Accept: application/json',
			'Date: Mon, 02 Nov 2026 09:16:30 GMT',
			`Content-Length: ${body.length}`,
			`Content-Type: multipart/form-data; boundary=${boundary}`,
		],
		body,
	);
	// The SDK takes nothing but 200 for a success.
	expect(reply).toEqual({ status: 200, body: '' });
	return `oss://${key}`;
}

async function createLikeSdk(body: Json, task = 'video-generation') {
	const text = Buffer.from(JSON.stringify(body));
	return await raw(
		[
			`POST /api/v1/services/aigc/${task}/video-synthesis HTTP/1.1`,
			...apiHeaders(),
			'X-DashScope-Async: enable',
			'X-DashScope-WorkSpace: ws-1',
			'X-DashScope-OssResourceResolve: enable',
			'Content-Type: application/json; charset=utf-8',
			`Content-Length: ${text.length}`,
		],
		text,
	);
}

/** The output of a task that succeeds. */
async function endLikeSdk(id: string): Promise<Json> {
	for (let i = 0; i < 1_500; i++) {
		const reply = await raw([`GET /api/v1/tasks/${id} HTTP/1.1`, ...apiHeaders()]);
		const answer = (JSON.parse(reply.body) as { output: Json }).output;
		expect(['PENDING', 'RUNNING', 'SUCCEEDED']).toContain(answer.task_status);
		if (answer.task_status === 'SUCCEEDED') return answer;
		await sleep(100);
	}
	throw new Error(`task ${id} does not end`);
}

it('works like the service for the SDK', async () => {
	const { video, images } = sandbox.samples;
	const image = images[1];
	if (image === undefined) throw new Error('no image');
	// Both policies first, in parallel, as its threads do.
	const [forVideo, forImage] = await Promise.all([getPolicy(), getPolicy()]);
	const [videoUrl, imageUrl] = await Promise.all([
		uploadLikeSdk(forVideo, 'my ride.mp4', 'video/mp4', await readFile(video.path)),
		uploadLikeSdk(forImage, 'coat.png', 'image/png', await readFile(image.path)),
	]);
	const names = (sandbox.requests('upload')[0]?.body as UploadPart[]).map(({ name }) => name);
	expect(names.at(-2)).toBe('x-oss-content-type');
	expect(names.at(-1)).toBe('file');

	const body = {
		model: MODEL,
		parameters: { resolution: '720P' },
		input: {
			prompt: 'Turn it into 8-bit',
			extend_prompt: true,
			function: 'video-synthesis',
			media: [
				{ type: 'video', url: videoUrl },
				{ type: 'reference_image', url: imageUrl },
			],
		},
	};
	const created = await createLikeSdk(body);
	expect(created.status).toBe(200);
	const { task_id: id } = (JSON.parse(created.body) as { output: { task_id: string } }).output;
	expect(sandbox.requests('create')[0]?.body).toEqual(body);

	await endLikeSdk(id);
	const listed = await raw(['GET /api/v1/tasks?page_no=1&page_size=10 HTTP/1.1', ...apiHeaders()]);
	expect(JSON.parse(listed.body)).toMatchObject({ total: 1, data: [{ task_id: id }] });
	const cancelled = await raw([
		`POST /api/v1/tasks/${id}/cancel HTTP/1.1`,
		...apiHeaders(),
		'Content-Length: 0',
	]);
	expect(cancelled.status).toBe(400);
	expect(JSON.parse(cancelled.body)).toMatchObject({ code: 'UnsupportedOperation' });
});

// The SDK (1.26.2) passes `media` through, and all that it has no argument for, as the fields of vace
// and animate, by extra_input; it always adds extend_prompt, function and, if there is none, a null
// prompt.
it.each([
	[
		'VideoSynthesis.call(model="wan2.7-i2v", media=[first_clip, last_frame], duration=5)',
		'video-generation',
		'wan2.7-i2v',
		(clip: string, image: string) => ({
			parameters: { duration: 5, resolution: '720P' },
			input: {
				prompt: 'it flies on',
				extend_prompt: true,
				function: 'video-synthesis',
				media: [
					{ type: 'first_clip', url: clip },
					{ type: 'last_frame', url: image },
				],
			},
		}),
	],
	[
		'VideoSynthesis.call(model="wanx2.1-vace-plus", extra_input={function, video_url, …})',
		'video-generation',
		'wanx2.1-vace-plus',
		(clip: string, image: string) => ({
			parameters: { mask_type: 'fixed', size: '1280*720' },
			input: {
				prompt: 'at night',
				extend_prompt: true,
				function: 'video_edit',
				video_url: clip,
				mask_image_url: sandbox.samples.maskImage.url,
				ref_images_url: [image],
			},
		}),
	],
	[
		'VideoSynthesis.call(model="wan2.1-vace-plus", first_frame_url=…, extra_input={function})',
		'video-generation',
		'wan2.1-vace-plus',
		(_clip: string, image: string) => ({
			parameters: {},
			input: {
				prompt: 'at night',
				extend_prompt: true,
				function: 'video_extension',
				first_frame_url: image,
			},
		}),
	],
	[
		'VideoSynthesis.call(model="wan2.2-animate-mix", task="image2video", extra_input={…})',
		'image2video',
		'wan2.2-animate-mix',
		(clip: string, image: string) => ({
			parameters: { mode: 'wan-std' },
			input: {
				prompt: null,
				extend_prompt: true,
				function: 'video-synthesis',
				image_url: image,
				video_url: clip,
			},
		}),
	],
])('serves %s', async (_call, task, model, body) => {
	const { video, images } = sandbox.samples;
	const [, star] = images;
	if (star === undefined) throw new Error('no image');
	const uploaded = async (fileName: string, mime: string, path: string) =>
		await uploadLikeSdk(await getPolicy(model), fileName, mime, await readFile(path));
	const clip = await uploaded('my ride.mp4', 'video/mp4', video.path);
	const image = await uploaded('star.png', 'image/png', star.path);
	const created = await createLikeSdk({ model, ...body(clip, image) }, task);
	expect(JSON.parse(created.body)).toMatchObject({ output: { task_status: 'PENDING' } });
	const { output } = JSON.parse(created.body) as { output: { task_id: string } };
	const answer = (await endLikeSdk(output.task_id)) as { video_url?: string; results?: Json };
	const url = answer.video_url ?? answer.results?.video_url;
	expect((await fetch(String(url))).status).toBe(200);
});
