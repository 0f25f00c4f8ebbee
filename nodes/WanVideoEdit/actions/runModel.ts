/** What every operation that has a model make a video does with an item: reads it, checks it, and runs it. */
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { dashScopeClient } from '../../shared/dashscope/client';
import { isPrivateService } from '../../shared/dashscope/hosts';
import { InputError } from '../../shared/inputError';
import { OpenVideos } from '../../shared/media/openVideos';
import type { Piece } from '../../shared/media/pieces';
import type { ClipPlace } from '../../shared/n8n/clips';
import type { ItemOutput } from '../../shared/n8n/handOn';
import { openMemory, recipeOf } from '../../shared/n8n/nodeMemory';
import { noteItem } from '../../shared/n8n/noteItem';
import { runItems } from '../../shared/n8n/runItems';
import type { ReadyItem } from '../../shared/n8n/runItems';
import { isTool } from '../../shared/n8n/tool';
import { runTasks } from '../../shared/tasks/run';
import { SPLIT, readLongVideo } from '../fields/longVideo';
import { readSettings } from '../fields/options';
import { collectionParameter, textOption, textParameter } from '../fields/read';
import { readDownload, readOutput } from '../fields/result';
import { readValues } from '../fields/settings';
import type { Setting } from '../fields/settings';
import { readHold } from '../fields/waiting';
import { billingAt } from '../models';
import { missingImage } from '../models/namedImages';
import type { ModelRequest, ModelSpec, RequestMedia, Values } from '../models/spec';
import { taskOf } from '../models/taskOf';
import { validateRequest } from '../models/validate';
import { partsOf } from './longVideo';
import { spendingOf } from './spending';

/** An operation that has a model make a video. */
export interface ModelOperation {
	/** The model that an item asks for, and its ID. */
	modelOf(functions: IExecuteFunctions, item: number, baseUrl: string): [ModelSpec, id: string];
	/** The files of an item. */
	readMedia(functions: IExecuteFunctions, item: number): Promise<RequestMedia[]>;
	settings: readonly Setting[];
	/** Whether the user chooses what becomes of a video that is too long. */
	longVideo?: boolean;
	/** Values that do not come from the settings. */
	moreValues?(functions: IExecuteFunctions, item: number): Values;
}

/** The execute of every operation that has a model make a video. */
export async function runModel(
	functions: IExecuteFunctions,
	operation: ModelOperation,
): Promise<INodeExecutionData[]> {
	if (functions.getInputData().length === 0) return [];
	await openMemory(functions);
	const client = await dashScopeClient(functions);
	const { baseUrl } = client;
	const { holdMs, hint } = await readHold(functions);
	const billing = billingAt(baseUrl);
	const spending = spendingOf(functions, billing, baseUrl);
	const settings = { ...readSettings(functions), holdMs };
	const videos = new OpenVideos();
	try {
		return await runItems(functions, {
			client,
			billing,
			settings,
			hint,
			readItem: async (item) => {
				const way = operation.longVideo ? readLongVideo(functions, item) : undefined;
				const download = readDownload(functions, item);
				// An agent gets links to the pieces: as a tool the node returns no files.
				if (way === 'split') checkSplit(settings.submitOnly, download || isTool(functions));
				const [spec, asked] = await readRequest(functions, operation, item, baseUrl);
				const note = (text: string) => noteItem(functions, item, text);
				const missing = missingImage(spec, asked);
				if (missing !== undefined) note(missing);
				const inputs = validateRequest(spec, asked, !isPrivateService(baseUrl));
				const parts = await partsOf(spec, asked, inputs, way, { videos, note });
				const output = outputOf(functions, item, asked);
				const recipe = recipeOf(functions, item);
				const ready: ReadyItem[] = [];
				for (const { request: one, media, piece } of parts) {
					const request = spec.fit?.(one, media) ?? one;
					await spending.add(item, spec, request, media, output.prices);
					const part = piece && `${piece.from}-${piece.to}`;
					ready.push({
						request: { item, part, recipe, download, ...taskOf(spec, request, media) },
						output: piece === undefined ? output : { ...output, clip: clipOf(piece, asked) },
					});
				}
				return ready;
			},
			approve: spending.check,
			run: runTasks,
		});
	} finally {
		await videos.close();
	}
}

/** @throws InputError for settings with which there would be nothing to join */
function checkSplit(submitOnly: boolean, download: boolean): void {
	if (!submitOnly && download) return;
	throw new InputError(
		submitOnly
			? `'${SPLIT}' has to wait for the videos, but 'Wait for Completion' is set to "Don't Wait"`
			: `'${SPLIT}' joins the videos, but 'Download Result' is off`,
		submitOnly
			? "Choose another way to wait, or split the video with 'Video: Split' and edit its pieces as items."
			: "Turn 'Download Result' on, or choose something else in 'When the Video Is Too Long'.",
	);
}

/** @throws InputError naming field, value and limit */
async function readRequest(
	functions: IExecuteFunctions,
	operation: ModelOperation,
	item: number,
	baseUrl: string,
): Promise<[ModelSpec, ModelRequest]> {
	const options = collectionParameter(functions, 'options', item);
	const [spec, model] = operation.modelOf(functions, item, baseUrl);
	const request: ModelRequest = {
		model,
		prompt: textParameter(functions, 'prompt', item),
		negativePrompt: textOption(options, 'negativePrompt'),
		media: await operation.readMedia(functions, item),
		values: {
			...readValues(functions, item, operation.settings),
			...operation.moreValues?.(functions, item),
		},
	};
	return [spec, request];
}

/** @throws InputError for what is not a number, and for a size below the limit */
function outputOf(
	functions: IExecuteFunctions,
	item: number,
	{ model, media: [first] }: ModelRequest,
): ItemOutput {
	const fileName = first?.source.from === 'binary' ? first.source.file.fileName : undefined;
	return { item, model, fileName, ...readOutput(functions, item) };
}

/** A piece's place in the joined video, which gets the sound of the input where the user wants that kept. */
function clipOf(piece: Piece, { media, values }: ModelRequest): ClipPlace {
	const source = media.find(({ place }) => place === 'video')?.source;
	const file = source?.from === 'binary' ? source.file : undefined;
	return { ...piece, sound: values.audio_setting === 'origin' ? file?.storedAs : undefined };
}
