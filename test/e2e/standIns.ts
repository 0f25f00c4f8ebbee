// Small stand-ins, on loopback, of the calls that n8n's Telegram and OpenAI nodes make.
import fastifyMultipart from '@fastify/multipart';
import Fastify, { type FastifyInstance } from 'fastify';
import { readFile, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';

async function listen(app: FastifyInstance): Promise<string> {
	await app.listen({ host: '127.0.0.1', port: 0 });
	return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

export interface Sent {
	method: string;
	chat: string;
	/** A message's text, or a video's caption. */
	text: string;
	video?: Buffer;
}

export interface Telegram {
	/** The Base URL of n8n's credential. */
	url: string;
	/** What the bot has sent, oldest first. */
	sent: Sent[];
	/** Has Telegram tell n8n of a message, as soon as n8n has asked for it. @returns false while it has not */
	tell(message: Record<string, unknown>): Promise<boolean>;
	stop(): Promise<void>;
}

/** https://core.telegram.org/bots/api, as far as the example goes. @param files what each file ID stands for */
export async function startTelegram(files: Record<string, string>): Promise<Telegram> {
	const app = Fastify({ bodyLimit: 64 * 1024 * 1024 });
	await app.register(fastifyMultipart, { attachFieldsToBody: true });
	const sent: Sent[] = [];
	let hook: { url: string; secret_token?: string } | undefined;
	let updates = 0;
	const ok = (result: unknown) => ({ ok: true, result });
	const refusal = (description: string) => ({
		ok: false,
		error_code: 400,
		description: `Bad Request: ${description}`,
	});
	/** What Telegram calls the files. */
	const kept = Object.entries(files).map(([id, path], index) => ({
		id,
		path,
		name: `videos/file_${index + 1}.mp4`,
	}));

	app.get<{ Params: { '*': string } }>('/file/:bot/*', async ({ params }, reply) => {
		const file = kept.find(({ name }) => name === params['*']);
		return file === undefined ? await reply.code(404).send() : await readFile(file.path);
	});
	app.all<{ Params: { bot: string; method: string } }>('/:bot/:method', async (request, reply) => {
		const body = { ...(request.query as object), ...(request.body as object) } as Record<
			string,
			{ value: string; toBuffer(): Promise<Buffer> } & string
		>;
		const field = (name: string) => String(body[name]?.value ?? body[name] ?? '');
		const { method } = request.params;
		if (method === 'setWebhook') hook = { url: field('url'), secret_token: field('secret_token') };
		if (method === 'deleteWebhook') hook = undefined;
		if (method === 'getWebhookInfo') return ok({ url: hook?.url ?? '' });
		if (method === 'getFile') {
			const file = kept.find(({ id }) => id === field('file_id'));
			if (file === undefined) {
				reply.code(400);
				return refusal('wrong file_id or the file is temporarily unavailable');
			}
			const { size } = await stat(file.path);
			return ok({ file_id: file.id, file_size: size, file_path: file.name });
		}
		const text = field(method === 'sendVideo' ? 'caption' : 'text');
		const unparsed = unparsable(text, field('parse_mode'));
		if (unparsed !== undefined) {
			reply.code(400);
			return refusal(`can't parse entities: ${unparsed}`);
		}
		if (method === 'sendMessage') sent.push({ method, chat: field('chat_id'), text });
		if (method === 'sendVideo') {
			const file = body.video;
			sent.push({
				method,
				chat: field('chat_id'),
				text,
				video: await file?.toBuffer(),
			});
		}
		return ok(true);
	});
	return {
		url: await listen(app),
		sent,
		tell: async (message) => {
			if (hook === undefined) return false;
			const response = await fetch(hook.url, {
				method: 'POST',
				headers: {
					'content-type': 'application/json',
					'x-telegram-bot-api-secret-token': hook.secret_token ?? '',
				},
				body: JSON.stringify({ update_id: ++updates, message }),
			});
			return response.ok;
		},
		stop: async () => await app.close(),
	};
}

/** Why Telegram would refuse a text in a parse mode: https://core.telegram.org/bots/api#formatting-options */
function unparsable(text: string, mode: string): string | undefined {
	const lone = ['_', '*', '`'].find((mark) => text.split(mark).length % 2 === 0);
	if (mode === 'Markdown' && lone !== undefined) return "Can't find end of the entity";
	const strange = /<(?!\/?(?:b|i|u|s|a|code|pre)\b)/.test(text);
	if (mode === 'HTML' && strange) return 'Unsupported start tag';
	return undefined;
}

interface ChatMessage {
	role: string;
	content?: unknown;
	tool_call_id?: string;
}

interface ChatRequest {
	messages: ChatMessage[];
	tools?: Array<{ function: { name: string; parameters?: { properties?: object } } }>;
}

/** What the model says: a text, or the call of a tool whose name contains a word. */
export type Said = string | { tool: string; arguments: Record<string, string> };
export type Script = (messages: ChatMessage[]) => Said;

export interface ChatModel {
	/** The Base URL of n8n's credential. */
	url: string;
	stop(): Promise<void>;
}

/** A chat model that follows a script. */
export async function startChatModel(script: Script): Promise<ChatModel> {
	const app = Fastify();
	let calls = 0;
	app.get('/v1/models', () => ({ data: [{ id: 'gpt-4.1-mini' }] }));
	app.post<{ Body: ChatRequest }>('/v1/chat/completions', ({ body }) => {
		const said = script(body.messages);

		const message =
			typeof said === 'string'
				? { role: 'assistant', content: said }
				: { role: 'assistant', content: null, tool_calls: [callOf(said, body, ++calls)] };
		return {
			id: 'chatcmpl-1',
			object: 'chat.completion',
			created: 0,
			model: 'gpt-4.1-mini',
			choices: [
				{ index: 0, message, finish_reason: typeof said === 'string' ? 'stop' : 'tool_calls' },
			],
			usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
		};
	});
	return { url: `${await listen(app)}/v1`, stop: async () => await app.close() };
}

function callOf(
	{ tool, arguments: given }: Exclude<Said, string>,
	{ tools = [] }: ChatRequest,
	number: number,
) {
	const found = tools.map((one) => one.function).find(({ name }) => name.includes(tool));
	if (found === undefined) throw new Error(`The model was given no tool "${tool}"`);
	// n8n asks for both where a person must approve the call.
	const gated = 'toolParameters' in (found.parameters?.properties ?? {});
	const input = gated ? { toolParameters: given, hitlParameters: {} } : given;
	return {
		id: `call_${number}`,
		type: 'function',
		function: { name: found.name, arguments: JSON.stringify(input) },
	};
}
