import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Sandbox } from '../../sandbox';

// A plain client, so that the tests see what goes over the wire.

export const MODEL = 'wan2.7-videoedit';
export const CREATE_PATH = '/api/v1/services/aigc/video-generation/video-synthesis';
export const IMAGE2VIDEO_PATH = '/api/v1/services/aigc/image2video/video-synthesis';

export type Json = Record<string, unknown>;

export interface Reply {
	status: number;
	headers: Headers;
	json: Json;
	text: string;
}

export async function send(url: string, init: RequestInit = {}): Promise<Reply> {
	const response = await fetch(url, init);
	const text = await response.text();
	let json: Json = {};
	try {
		json = JSON.parse(text) as Json;
	} catch {
		// XML or nothing.
	}
	return { status: response.status, headers: response.headers, json, text };
}

export const bearer = (sandbox: Sandbox) => ({ authorization: `Bearer ${sandbox.apiKey}` });

export interface Edit {
	prompt?: unknown;
	media?: unknown;
	input?: Json;
	parameters?: Json;
	model?: unknown;
	headers?: Record<string, string>;
}

export function editBody(sandbox: Sandbox, edit: Edit = {}): Json {
	const { prompt = 'make it black and white', parameters = { resolution: '720P' } } = edit;
	const media = edit.media ?? [{ type: 'video', url: sandbox.samples.video.url }];
	return {
		model: edit.model ?? MODEL,
		input: { prompt, media, ...edit.input },
		parameters,
	};
}

export async function create(sandbox: Sandbox, edit: Edit = {}, body?: string): Promise<Reply> {
	return await send(`${sandbox.url}${CREATE_PATH}`, {
		method: 'POST',
		headers: {
			...bearer(sandbox),
			'content-type': 'application/json',
			'x-dashscope-async': 'enable',
			...edit.headers,
		},
		body: body ?? JSON.stringify(editBody(sandbox, edit)),
	});
}

export const outputOf = (reply: Reply) => reply.json.output as Json;

export async function createId(sandbox: Sandbox, edit: Edit = {}): Promise<string> {
	const reply = await create(sandbox, edit);
	if (reply.status !== 200) throw new Error(`create: ${reply.status} ${reply.text}`);
	return outputOf(reply).task_id as string;
}

export async function query(sandbox: Sandbox, id: string): Promise<Reply> {
	return await send(`${sandbox.url}/api/v1/tasks/${id}`, { headers: bearer(sandbox) });
}

export async function list(sandbox: Sandbox, search = '', slash = ''): Promise<Reply> {
	return await send(`${sandbox.url}/api/v1/tasks${slash}${search}`, { headers: bearer(sandbox) });
}

export async function cancel(sandbox: Sandbox, id: string): Promise<Reply> {
	const url = `${sandbox.url}/api/v1/tasks/${id}/cancel`;
	return await send(url, { method: 'POST', headers: bearer(sandbox) });
}

/** A create call of any model. */
export async function submit(sandbox: Sandbox, body: Json, path = CREATE_PATH): Promise<Reply> {
	return await send(sandbox.url + path, {
		method: 'POST',
		headers: { ...bearer(sandbox), ...RESOLVE, 'x-dashscope-async': 'enable' },
		body: JSON.stringify(body),
	});
}

/** What a task of any model comes to. */
export async function answered(sandbox: Sandbox, body: Json, path?: string): Promise<Json> {
	const reply = await submit(sandbox, body, path);
	if (reply.status !== 200) throw new Error(`create: ${reply.status} ${reply.text}`);
	return await finished(sandbox, String(outputOf(reply).task_id));
}

/** Polls, gently, until the task has ended. */
export async function finished(sandbox: Sandbox, id: string): Promise<Json> {
	// Bounded, so that a task that hangs fails its test instead of keeping the runner alive.
	for (let i = 0; i < 2_000; i++) {
		const reply = await query(sandbox, id);
		if (!['PENDING', 'RUNNING'].includes(String(outputOf(reply).task_status))) return reply.json;
		await sleep(70);
	}
	throw new Error(`task ${id} does not end`);
}

export async function edited(sandbox: Sandbox, edit: Edit = {}): Promise<Json> {
	return await finished(sandbox, await createId(sandbox, edit));
}

export async function policy(sandbox: Sandbox, model = MODEL): Promise<Json> {
	const url = `${sandbox.url}/api/v1/uploads?action=getPolicy&model=${model}`;
	const reply = await send(url, { headers: bearer(sandbox) });
	if (reply.status !== 200) throw new Error(`getPolicy: ${reply.status} ${reply.text}`);
	return reply.json.data as Json;
}

/** The form fields in the SDK's order, without the file. */
export function formFields(data: Json, fileName: string): Array<[string, string]> {
	return [
		['OSSAccessKeyId', String(data.oss_access_key_id)],
		['Signature', String(data.signature)],
		['policy', String(data.policy)],
		['key', `${String(data.upload_dir)}/${fileName}`],
		['x-oss-object-acl', String(data.x_oss_object_acl)],
		['x-oss-forbid-overwrite', String(data.x_oss_forbid_overwrite)],
		['success_action_status', '200'],
	];
}

export async function postForm(
	host: string,
	fields: Array<[string, string]>,
	file: Buffer | undefined,
	fileName = 'file.bin',
	headers: Record<string, string> = {},
): Promise<Reply> {
	const form = new FormData();
	for (const [name, value] of fields) form.append(name, value);
	if (file !== undefined) form.append('file', new Blob([new Uint8Array(file)]), fileName);
	return await send(host, { method: 'POST', body: form, headers });
}

/** Uploads and gives the oss:// URL. */
export async function upload(
	sandbox: Sandbox,
	file: Buffer,
	fileName: string,
	model = MODEL,
): Promise<string> {
	const data = await policy(sandbox, model);
	const reply = await postForm(
		String(data.upload_host),
		formFields(data, fileName),
		file,
		fileName,
	);
	if (reply.status !== 200) throw new Error(`upload: ${reply.status} ${reply.text}`);
	return `oss://${String(data.upload_dir)}/${fileName}`;
}

export const RESOLVE = { 'x-dashscope-ossresourceresolve': 'enable' };

export interface Received {
	status?: number;
	contentLength?: number;
	bytes: number;
	error?: string;
}

/** What comes over the wire before a connection breaks, which fetch does not tell. */
export async function receive(url: string, headers: Record<string, string>): Promise<Received> {
	return await new Promise((resolve) => {
		const received: Received = { bytes: 0 };
		const request = httpRequest(url, { headers, agent: false }, (response) => {
			received.status = response.statusCode;
			received.contentLength = Number(response.headers['content-length']);
			response.on('data', (chunk: Buffer) => (received.bytes += chunk.length));
			response.on('end', () => resolve(received));
			response.on('error', (error: NodeJS.ErrnoException) =>
				resolve({ ...received, error: error.code ?? error.message }),
			);
		});
		request.on('error', (error: NodeJS.ErrnoException) =>
			resolve({ ...received, error: error.code ?? error.message }),
		);
		request.end();
	});
}
