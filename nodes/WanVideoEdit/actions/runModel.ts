import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { dashScopeClient } from '../../shared/dashscope/client';
import { isPrivateHost } from '../../shared/dashscope/hosts';
import { checkMedia } from '../../shared/media/sources';
import type { CheckedMedia } from '../../shared/media/sources';
import type { MediaSource } from '../../shared/media/types';
import { recipeOf } from '../../shared/n8n/nodeMemory';
import { runItems } from '../../shared/n8n/runItems';
import type { ReadyItem } from '../../shared/n8n/runItems';
import { currencyOf } from '../../shared/tasks/price';
import type { Billing, EstimatedCost } from '../../shared/tasks/price';
import { runTasks } from '../../shared/tasks/run';
import { checkSpending } from '../../shared/tasks/spending';
import { readSettings } from '../fields/options';
import { readPrices } from '../fields/price';
import { booleanOption, collectionParameter, textOption, textParameter } from '../fields/read';
import { readMaxResultBytes } from '../fields/result';
import { readValues } from '../fields/settings';
import type { Setting } from '../fields/settings';
import { readHold } from '../fields/waiting';
import { priceListOf } from '../models';
import type { ModelRequest, ModelSpec, RequestMedia, Values } from '../models/spec';
import { taskOf } from '../models/taskOf';
import { validateRequest } from '../models/validate';
import { costOf, readSpendingLimit } from './spending';

/** An operation that has a model make a video. */
export interface ModelOperation {
	/** The model that an item asks for, and its ID. */
	modelOf(functions: IExecuteFunctions, item: number, baseUrl: string): [ModelSpec, id: string];
	/** The files of an item. */
	readMedia(functions: IExecuteFunctions, item: number): Promise<RequestMedia[]>;
	settings: readonly Setting[];
	/** Values that come from elsewhere. */
	moreValues?(functions: IExecuteFunctions, item: number): Values;
}

/** The execute of every operation that has a model make a video. */
export async function runModel(
	functions: IExecuteFunctions,
	operation: ModelOperation,
): Promise<INodeExecutionData[]> {
	if (functions.getInputData().length === 0) return [];
	const client = await dashScopeClient(functions);
	const { baseUrl } = client;
	const { holdMs, hint } = await readHold(functions);
	const billing: Billing = { currency: currencyOf(baseUrl), priceListOf };
	const limit = readSpendingLimit(functions, billing);
	const costs = new Map<number, EstimatedCost>();
	return await runItems(functions, {
		client,
		billing,
		settings: { ...readSettings(functions), holdMs },
		hint,
		readItem: async (item) => {
			const { ready, spec, request, media } = await readItem(functions, operation, item, baseUrl);
			if (limit !== undefined) {
				const price = { baseUrl, billing, own: ready.output.prices };
				costs.set(item, await costOf(functions, spec, request, media, price));
			}
			return ready;
		},
		approve: () => {
			if (limit === undefined) return;
			const planned = [...costs].map(([item, cost]) => ({ item, cost }));
			checkSpending(limit, planned);
		},
		run: runTasks,
	});
}

/** @throws InputError naming field, value and limit */
async function readItem(
	functions: IExecuteFunctions,
	operation: ModelOperation,
	item: number,
	baseUrl: string,
): Promise<{ ready: ReadyItem; spec: ModelSpec; request: ModelRequest; media: CheckedMedia[] }> {
	const options = collectionParameter(functions, 'options', item);
	const [spec, model] = operation.modelOf(functions, item, baseUrl);
	const asked: ModelRequest = {
		model,
		prompt: textParameter(functions, 'prompt', item),
		negativePrompt: textOption(options, 'negativePrompt'),
		media: await operation.readMedia(functions, item),
		values: {
			...readValues(functions, item, operation.settings),
			...operation.moreValues?.(functions, item),
		},
	};
	const publicService = !isPrivateHost(new URL(baseUrl).hostname);
	const media = await checkMedia(validateRequest(spec, asked, publicService));
	const request = spec.fit?.(asked, media) ?? asked;
	const ready: ReadyItem = {
		request: { item, recipe: recipeOf(functions, item), ...taskOf(spec, request, media) },
		output: {
			item,
			model,
			fileName: fileNameOf(asked.media[0]?.source),
			field: textParameter(functions, 'outputField', item) || 'data',
			simplify: booleanOption(options, 'simplify') ?? true,
			prices: readPrices(options),
			maxResultBytes: readMaxResultBytes(options),
		},
	};
	return { ready, spec, request, media };
}

function fileNameOf(source: MediaSource | undefined): string | undefined {
	return source?.from === 'binary' ? source.file.fileName : undefined;
}
