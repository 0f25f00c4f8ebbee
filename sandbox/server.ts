import { randomUUID } from 'node:crypto';

import multipart from '@fastify/multipart';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

import { controlRoutes } from './control';
import { ApiError, messageOf, StorageError, storageErrorXml, TOO_MANY, WRONG_KEY } from './errors';
import { faultHooks } from './faultInjection';
import { loggableBody, loggableHeaders, type LoggedRequest, type Route } from './log';
import { sendFile } from './files';
import { receiveUpload } from './form';
import { BAD_FORMAT, INSPECTION, NO_ACCESS, ossKey, UNABLE, type MediaItem } from './media';
import { catalogue, findModel, modelOf, parseBody, readRequest } from './models';
import { SERVICES, type Service } from './models/model';
import { assertSigned, RESULT_PREFIX, resultPath, signedUrl } from './results';
import type { State } from './sandbox';
import { isTerminal, type Task } from './tasks';
import { DAY, naiveTime, parseCompactTime } from './times';

// The HTTP contract of DashScope's native API and of the object storage beside it.

declare module 'fastify' {
	interface FastifyContextConfig {
		/** The name under which faults and the log know a route. */
		sandboxRoute?: Route;
	}
	interface FastifyRequest {
		entry?: LoggedRequest;
	}
}

/** Room for four images of 20 MB as base64; the service's own limit is not documented. */
const BODY_LIMIT = 112 * 1024 * 1024;

export async function buildServer(state: State): Promise<FastifyInstance> {
	const app = fastify({
		bodyLimit: BODY_LIMIT,
		forceCloseConnections: true,
		exposeHeadRoutes: false,
		genReqId: () => randomUUID(),
		routerOptions: { maxParamLength: 500 },
	});
	await app.register(multipart, { limits: { fileSize: Infinity, fields: 50, parts: 60 } });
	// Bodies are parsed by the routes, so that a wrong one meets the checks in the service's order.
	app.removeContentTypeParser(['application/json', 'text/plain']);
	app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

	app.addHook('onRequest', async (request) => logRequest(state, request));
	app.addHook('onSend', async (request, reply) => {
		if (request.entry !== undefined) request.entry.status = reply.statusCode;
	});
	// After the hook above: a dropped answer has no status.
	faultHooks(app, state);

	app.setErrorHandler((error, request, reply) => {
		sendError(error, request, reply);
	});
	app.setNotFoundHandler((request, reply) => {
		const message = `Not Found: ${request.method} ${pathOf(request)}`;
		sendError(new ApiError(404, 'NotFound', message), request, reply);
	});

	apiRoutes(app, state);
	storageRoutes(app, state);
	controlRoutes(app, state);
	return app;
}

const pathOf = (request: FastifyRequest) => request.url.split('?', 1)[0] ?? '';

function queryOf(request: FastifyRequest): Record<string, string> {
	const text = request.url.slice(pathOf(request).length + 1);
	return Object.fromEntries(new URLSearchParams(text));
}

function logRequest(state: State, request: FastifyRequest): void {
	const route = request.routeOptions.config.sandboxRoute;
	if (route === undefined) return;
	const entry: LoggedRequest = {
		at: state.settings.now(),
		route,
		method: request.method,
		path: pathOf(request),
		query: queryOf(request),
		headers: loggableHeaders(request.headers),
	};
	const { authorization } = request.headers;
	if (authorization !== undefined) {
		entry.authorized = authorization === `Bearer ${state.settings.apiKey}`;
	}
	request.entry = entry;
	state.log.add(entry);
}

function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
	if (error instanceof StorageError) {
		void reply
			.code(error.status)
			.header('x-oss-request-id', request.id)
			.type('application/xml')
			.send(
				request.method === 'HEAD' ? '' : storageErrorXml(error.code, error.message, request.id),
			);
		return;
	}
	let answer: ApiError;
	if (error instanceof ApiError) answer = error;
	else if ((error as { code?: unknown }).code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
		answer = new ApiError(400, 'BadRequest.TooLarge', 'Payload Too Large');
	} else answer = new ApiError(500, 'InternalError', messageOf(error));
	const { status, code, message } = answer;
	void reply.code(status).send({ code, message, request_id: request.id });
}

function assertKey(state: State, request: FastifyRequest): void {
	const { authorization = '' } = request.headers;
	if (authorization === '') throw new ApiError(401, 'InvalidApiKey', 'No API-key provided.');
	if (authorization !== `Bearer ${state.settings.apiKey}`) {
		throw new ApiError(401, ...WRONG_KEY);
	}
}

function assertRate(state: State, kind: string, perSecond = state.settings.queriesPerSecond): void {
	if (!state.admit(kind, perSecond)) throw new ApiError(429, ...TOO_MANY);
}

const enabled = (header: string | string[] | undefined) => header === 'enable';

function apiRoutes(app: FastifyInstance, state: State): void {
	for (const service of SERVICES) {
		const path = `/api/v1/services/aigc/${service}/video-synthesis`;
		app.post(path, { config: { sandboxRoute: 'create' } }, (request) =>
			createTask(state, request, service),
		);
		app.get(path, () => {
			throw new ApiError(400, 'InvalidParameter', "Request method 'GET' is not supported.");
		});
	}
	// Any other service path: what the service says about a model that a path does not serve.
	app.post('/api/v1/services/*', (request) => {
		assertKey(state, request);
		throw new ApiError(400, 'InvalidParameter', 'url error, check url!');
	});

	// The official SDKs leave the slash out, the documentation has it.
	for (const path of ['/api/v1/tasks', '/api/v1/tasks/']) {
		app.get(path, { config: { sandboxRoute: 'list' } }, (request) => listTasks(state, request));
	}
	app.get<{ Params: { id: string } }>(
		'/api/v1/tasks/:id',
		{ config: { sandboxRoute: 'query' } },
		(request) => {
			assertKey(state, request);
			assertRate(state, 'query');
			return { request_id: request.id, ...taskAnswer(state, request.params.id) };
		},
	);
	app.post<{ Params: { id: string } }>(
		'/api/v1/tasks/:id/cancel',
		{ config: { sandboxRoute: 'cancel' } },
		(request) => {
			assertKey(state, request);
			assertRate(state, 'cancel');
			if (!state.tasks.cancel(request.params.id)) {
				throw new ApiError(
					400,
					'UnsupportedOperation',
					'Failed to cancel the task, please confirm if the task is in PENDING status.',
				);
			}
			return { request_id: request.id };
		},
	);
	app.get('/api/v1/uploads', { config: { sandboxRoute: 'policy' } }, (request) => {
		assertKey(state, request);
		const { action, model } = queryOf(request);
		if (action !== 'getPolicy') {
			throw new ApiError(400, 'InvalidParameter', 'Required parameter "action" must be getPolicy.');
		}
		if (!model) throw new ApiError(400, 'InvalidParameter', 'Required parameter "model" missing.');
		const { policySeconds } = state.settings;
		const megabytes = findModel(model)?.uploadMegabytes ?? 100;
		const data = state.uploads.policy({
			model,
			host: state.url,
			seconds: policySeconds,
			maxBytes: state.settings.maxUploadBytes ?? megabytes * 1024 * 1024,
		});
		return { request_id: request.id, data };
	});
	app.get('/api/v1/models', (request) => {
		assertKey(state, request);
		const query = queryOf(request);
		const pageNo = pageNumber(query, 'page_no', 1);
		const pageSize = pageNumber(query, 'page_size', 20);
		const all = catalogue(state.settings.region);
		const models = all.slice((pageNo - 1) * pageSize, pageNo * pageSize);
		const output = { total: all.length, page_no: pageNo, page_size: pageSize, models };
		return { request_id: request.id, success: true, output };
	});
}

/** oss:// URLs can be judged at once: they lead to our own storage. */
function checkUploads(state: State, model: string, media: MediaItem[], resolve: boolean): void {
	const refuse = (message: string) => new ApiError(400, INSPECTION, message);
	for (const { url } of media) {
		const key = ossKey(url);
		if (key === undefined) continue;
		// The code and the text that the error page gives for a forgotten resolve header.
		if (!resolve) throw refuse(BAD_FORMAT);
		const upload = state.uploads.find(key);
		if (upload === undefined) throw refuse(UNABLE);
		if (upload.model !== model) throw refuse(NO_ACCESS);
	}
}

function createTask(state: State, request: FastifyRequest, service: Service) {
	if (request.entry !== undefined) request.entry.body = loggableBody(request.body);
	assertKey(state, request);
	if (!enabled(request.headers['x-dashscope-async'])) {
		throw new ApiError(403, 'AccessDenied', 'current user api does not support synchronous calls.');
	}
	const body = parseBody(typeof request.body === 'string' ? request.body : '');
	const named = modelOf(body, service, state.settings.region);
	const { submitsPerSecond = named.model.submitsPerSecond } = state.settings;
	assertRate(state, `create ${named.id}`, submitsPerSecond);
	const edit = readRequest(body, named);
	const resolve = enabled(request.headers['x-dashscope-ossresourceresolve']);
	checkUploads(state, edit.model, edit.media, resolve);

	const outcome = state.outcomes.take(({ promptIncludes = '' }) =>
		edit.prompt.includes(promptIncludes),
	);
	const task = state.tasks.create({
		id: randomUUID(),
		requestId: request.id,
		model: edit.model,
		prompt: edit.prompt,
		body,
		jobSeconds: outcome?.jobSeconds ?? state.settings.jobSeconds,
	});
	state.worker.begin(task.id, edit, state.settings.resultBytes, outcome);
	return { request_id: request.id, output: { task_id: task.id, task_status: task.status } };
}

/** Output and usage as the query gives them; a task nobody knows is an answer, not an error. */
function taskAnswer(state: State, id: string): Record<string, unknown> {
	const task = state.tasks.get(id);
	if (task === undefined || task.status === 'UNKNOWN') {
		return { output: { task_id: id, task_status: 'UNKNOWN' } };
	}
	const output: Record<string, unknown> = {
		task_id: id,
		task_status: task.status,
		submit_time: naiveTime(task.submittedAt),
	};
	if (task.scheduledAt !== undefined) output.scheduled_time = naiveTime(task.scheduledAt);
	if (task.endedAt !== undefined) output.end_time = naiveTime(task.endedAt);
	const { work } = task;
	if (task.status === 'FAILED' && work?.status === 'FAILED') {
		output.code = work.code;
		output.message = work.message;
	}
	if (task.status !== 'SUCCEEDED' || work?.status !== 'SUCCEEDED') return { output };
	const endedAt = task.endedAt ?? task.submittedAt;
	const url = signedUrl(state.signer, state.url, resultPath(id, endedAt), endedAt + DAY);
	const found = findModel(task.model)?.resultAt;
	const result = found === undefined ? { video_url: url } : { results: { video_url: url } };
	Object.assign(output, work.result.output, result);
	return { output, usage: work.result.usage };
}

function listTasks(state: State, request: FastifyRequest) {
	assertKey(state, request);
	assertRate(state, 'list');
	const query = queryOf(request);
	const pageNo = pageNumber(query, 'page_no', 1);
	const pageSize = pageNumber(query, 'page_size', 10);
	const { from, to } = listSpan(query, state.settings.now());
	const { region = 'cn-beijing' } = state.settings;
	const elsewhere = query.region !== undefined && query.region !== region;
	const otherKey = query.api_key_id !== undefined && query.api_key_id !== ACCOUNT.api_key_id;
	const found = state.tasks.list({
		id: query.task_id,
		model: query.model_name,
		status: query.status,
		from,
		to,
	});
	const tasks = elsewhere || otherKey ? [] : found;
	return {
		request_id: request.id,
		total: tasks.length,
		total_page: Math.ceil(tasks.length / pageSize),
		page_no: pageNo,
		page_size: pageSize,
		data: tasks
			.slice((pageNo - 1) * pageSize, pageNo * pageSize)
			.map((task) => listed(task, region)),
	};
}

const ACCOUNT = {
	api_key_id: '100001',
	caller_uid: '1000000000000001',
	caller_parent_id: '1000000000000001',
};

function listed(task: Task, region: string) {
	const service = findModel(task.model)?.service ?? SERVICES[0];
	return {
		task_id: task.id,
		status: task.status,
		model_name: task.model,
		region,
		request_id: task.requestId,
		...ACCOUNT,
		user_api_unique_key: `apikey:v1:aigc:${service}:video-synthesis:${task.model}`,
		gmt_create: task.submittedAt,
		start_time: task.scheduledAt,
		end_time: isTerminal(task.status) ? task.endedAt : undefined,
	};
}

const MAX_PAGE_SIZE = 100;

function pageNumber(query: Record<string, string>, name: string, normal: number): number {
	const text = query[name];
	if (text === undefined || text === '') return normal;
	const value = Number(text);
	if (!Number.isInteger(value) || value < 1 || (name === 'page_size' && value > MAX_PAGE_SIZE)) {
		throw new ApiError(400, 'InvalidParameter', `${name} is invalid: ${text}`);
	}
	return value;
}

/** The last 24 hours, or the span asked for, which may be no longer than that. */
function listSpan(query: Record<string, string>, now: number): { from: number; to: number } {
	const time = (name: string) => {
		const text = query[name];
		if (text === undefined || text === '') return undefined;
		const at = parseCompactTime(text);
		if (at === undefined) {
			throw new ApiError(400, 'InvalidParameter', `${name} must be YYYYMMDDhhmmss, got ${text}`);
		}
		return at;
	};
	const start = time('start_time');
	const end = time('end_time');
	const from = start ?? (end ?? now) - DAY;
	// The times of the query have seconds only: the whole last second belongs to the span.
	const to = end === undefined ? from + DAY : end + 999;
	if (from > to || to - from > DAY + 999) {
		throw new ApiError(
			400,
			'InvalidParameter',
			'start_time must be before end_time, and the span at most 24 hours.',
		);
	}
	return { from, to };
}

function storageRoutes(app: FastifyInstance, state: State): void {
	app.post('/', { config: { sandboxRoute: 'upload' } }, (request, reply) =>
		receiveUpload(state.uploads, request, reply),
	);
	const sendResult = (request: FastifyRequest, reply: FastifyReply) => {
		const path = pathOf(request);
		assertSigned(state.signer, {
			path,
			query: queryOf(request),
			authorization: request.headers.authorization !== undefined,
			method: request.method,
			now: state.settings.now(),
		});
		const id = path.slice(path.lastIndexOf('/') + 1).replace(/\.mp4$/, '');
		const task = state.tasks.all().find((known) => known.id === id);
		const work = task?.work;
		if (work?.status !== 'SUCCEEDED' || work.result.path === undefined) {
			throw new StorageError(404, 'NoSuchKey', 'The specified key does not exist.');
		}
		const { path: file, fileBytes = 0, bytes = fileBytes } = work.result;
		sendFile(request, reply, { file, fileBytes, bytes, type: 'video/mp4' });
		return reply;
	};
	app.route({
		method: ['GET', 'HEAD'],
		url: `${RESULT_PREFIX}*`,
		config: { sandboxRoute: 'result' },
		handler: sendResult,
	});
}
