import type { FastifyInstance, FastifyRequest } from 'fastify';

import { ApiError, messageOf } from './errors';
import { faultOf, outcomeOf, type Rules } from './faults';
import { sendFile } from './files';
import { ROUTES } from './log';
import { readOptions } from './options';
import { SAMPLE_PREFIX, type State } from './sandbox';

// What steers a sandbox that runs as a process of its own. No key is needed: it listens on loopback.

const BASE = '/_sandbox';

function json(request: FastifyRequest): unknown {
	const text = typeof request.body === 'string' ? request.body : '';
	try {
		return JSON.parse(text === '' ? '{}' : text);
	} catch (error) {
		throw new ApiError(400, 'InvalidParameter', messageOf(error));
	}
}

/** Refusals of the modules behind become a 400 with their reason. */
function accept<T>(work: () => T): T {
	try {
		return work();
	} catch (error) {
		throw new ApiError(400, 'InvalidParameter', messageOf(error));
	}
}

function ruleRoutes<T extends object>(
	app: FastifyInstance,
	path: string,
	rules: Rules<T>,
	ruleOf: (value: unknown) => T,
): void {
	app.post(path, (request) => {
		// One rule or a list of them, of which all have to be right.
		const given = accept(() => [json(request)].flat().map((value) => ruleOf(value)));
		for (const rule of given) rules.add(rule);
		return { added: given.length };
	});
	app.delete(path, () => {
		rules.clear();
		return { cleared: true };
	});
}

export function controlRoutes(app: FastifyInstance, state: State): void {
	ruleRoutes(app, `${BASE}/faults`, state.faults, faultOf);
	ruleRoutes(app, `${BASE}/outcomes`, state.outcomes, outcomeOf);
	app.get<{ Querystring: { route?: string } }>(`${BASE}/log`, (request) => {
		const { route } = request.query;
		if (route === undefined) return state.log.entries;
		const known = ROUTES.find((name) => name === route);
		if (known === undefined) throw new ApiError(400, 'InvalidParameter', `no route "${route}"`);
		return state.log.of(known);
	});
	app.delete(`${BASE}/log`, () => {
		state.log.clear();
		return { cleared: true };
	});
	app.get(`${BASE}/tasks`, () => state.allTasks());
	app.get(`${BASE}/options`, () => currentOptions(state));
	app.patch(`${BASE}/options`, (request) => {
		state.configure(accept(() => readOptions(json(request))));
		return currentOptions(state);
	});
	app.post(`${BASE}/reset`, async () => {
		await state.reset();
		return { reset: true };
	});
	app.get(`${BASE}/samples`, () => state.sampleFiles());

	app.route<{ Params: { name: string } }>({
		method: ['GET', 'HEAD'],
		url: `${SAMPLE_PREFIX}:name`,
		config: { sandboxRoute: 'sample' },
		handler: (request, reply) => {
			const sample = state.samples.find(({ fileName }) => fileName === request.params.name);
			if (sample === undefined) throw new ApiError(404, 'NotFound', 'no such sample');
			const { path, bytes, mimeType } = sample;
			sendFile(request, reply, { file: path, fileBytes: bytes, bytes, type: mimeType });
			return reply;
		},
	});
}

/** Without the key. */
function currentOptions({ settings }: State): Record<string, unknown> {
	const hidden = ['apiKey', 'now'];
	return Object.fromEntries(Object.entries(settings).filter(([name]) => !hidden.includes(name)));
}
