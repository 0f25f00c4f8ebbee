import { ApiError, BAD_BODY } from '../errors';
import type { Region } from '../options';
import { animateMix } from './animateMix';
import { Fields, invalid, isObject } from './fields';
import { happyHorse } from './happyHorse';
import { imageToVideo } from './imageToVideo';
import type { Model, Service, TaskRequest } from './model';
import { vace } from './vace';
import { videoEdit } from './videoEdit';
import { wan3 } from './wan3';

const MODELS: readonly Model[] = [videoEdit, wan3, happyHorse, imageToVideo, vace, animateMix];

const SNAPSHOT = /-\d{4}-\d\d-\d\d$/;

/** Without a region, the IDs of all regions are known. */
export function findModel(id: string, region?: Region): Model | undefined {
	return MODELS.find(({ ids, snapshots }) => {
		const at = new Map(Object.entries(ids)).get(snapshots ? id.replace(SNAPSHOT, '') : id);
		return at !== undefined && (at === 'everywhere' || (region ?? at) === at);
	});
}

export function parseBody(text: string): Record<string, unknown> {
	let body: unknown;
	try {
		body = JSON.parse(text);
	} catch {
		throw new ApiError(400, ...BAD_BODY);
	}
	if (!isObject(body)) throw new ApiError(400, ...BAD_BODY);
	return body;
}

/** The model that a body names, if the path and the region serve it. */
export function modelOf(
	{ model }: Record<string, unknown>,
	service: Service,
	region?: Region,
): { id: string; model: Model } {
	if (typeof model !== 'string' || model === '') {
		throw new ApiError(400, 'BadRequest.EmptyModel', 'Required parameter "model" missing.');
	}
	const found = findModel(model, region);
	if (found === undefined) throw invalid('Model not exist.');
	if (found.service !== service) throw invalid('url error, please check url!');
	return { id: model, model: found };
}

export interface CreateRequest extends TaskRequest {
	model: string;
}

export function readRequest(
	{ input, parameters = {} }: Record<string, unknown>,
	{ id, model }: { id: string; model: Model },
): CreateRequest {
	if (!isObject(input)) {
		throw new ApiError(400, 'BadRequest.EmptyInput', 'Required input parameter missing.');
	}
	if (!isObject(parameters)) throw invalid('parameters must be an object');
	const given = new Fields('parameters', parameters);
	const request = model.read(new Fields('input', input), given);
	given.refuseOthers(id);
	return { ...request, model: id };
}

/** Models of the real catalogue that the sandbox does not serve: a picker has to leave them out. */
const OTHERS = ['qwen3-max', 'qwen-image-max', 'wan2.7-t2v', 'wan2.7-r2v', 'wan2.2-animate-move'];

/** Entries of the native model list. */
export function catalogue(region?: Region) {
	const served = MODELS.flatMap(({ ids }) => Object.keys(ids)).filter(
		(id) => findModel(id, region) !== undefined,
	);
	return [...served, ...OTHERS].map((model) => ({
		model,
		name: model.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
		inference_metadata: {
			request_modality: served.includes(model) ? ['Text', 'Image', 'Video'] : ['Text'],
			response_modality: [model.startsWith('qwen') ? 'Text' : 'Video'],
		},
	}));
}
