import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { messageOf, TaskFailure } from './errors';
import type { TaskOutcome } from './faults';
import { resolveMedia, type ImageMedia, type MediaSources, type VideoMedia } from './media';
import { planFor, Renderer } from './render';
import { paddedSize } from './results';
import { tierNumber } from './sizes';
import type { TaskStore, Usage, Work } from './tasks';
import type { EditRequest } from './validate';

/** Where a task's work is done: media fetched and judged, the result rendered. */
export class Workshop {
	/** What was found out about the media of each task, by task id. */
	readonly media = new Map<string, Array<VideoMedia | ImageMedia>>();
	private readonly renderer: Renderer;
	private readonly mediaDir: string;
	private stopping = new AbortController();
	private readonly open = new Set<Promise<void>>();

	constructor(
		dir: string,
		private readonly store: TaskStore,
		private readonly findUpload: MediaSources['findUpload'],
	) {
		this.renderer = new Renderer(join(dir, 'results'));
		this.mediaDir = join(dir, 'media');
	}

	get ffmpegRuns(): number {
		return this.renderer.runs;
	}

	/** Begins the work of a task and tells the store what it came to. */
	begin(id: string, request: EditRequest, resultBytes: number, outcome?: TaskOutcome): void {
		const { signal } = this.stopping;
		const work = this.work(id, request, resultBytes, outcome, signal)
			.catch((error: unknown): Work => {
				if (error instanceof TaskFailure) {
					return { status: 'FAILED', code: error.code, message: error.message };
				}
				return { status: 'FAILED', code: 'InternalError.Algo', message: messageOf(error) };
			})
			.then((result) => {
				if (!signal.aborted) this.store.settle(id, result);
			});
		this.open.add(work);
		void work.finally(() => this.open.delete(work));
	}

	/** Ends all work at once; ffmpeg processes are killed. */
	async stop(): Promise<void> {
		const ending = [...this.open];
		this.stopping.abort();
		// At once, so that work which begins while the old ends is not taken down with it.
		this.stopping = new AbortController();
		this.media.clear();
		this.renderer.forget();
		await Promise.all(ending);
	}

	private async work(
		id: string,
		request: EditRequest,
		resultBytes: number,
		outcome: TaskOutcome | undefined,
		signal: AbortSignal,
	): Promise<Work> {
		if (outcome?.status === 'FAILED') {
			return {
				status: 'FAILED',
				code: outcome.code ?? 'InternalError.Algo',
				message: outcome.message ?? 'An internal error has occured during algorithm execution.',
			};
		}
		if (outcome?.status !== undefined) return { status: outcome.status };

		const sources = { dir: this.mediaDir, findUpload: this.findUpload };
		const resolved: Array<VideoMedia | ImageMedia> = [];
		this.media.set(id, resolved);
		for (const item of request.media) resolved.push(await resolveMedia(item, sources, signal));
		const source = resolved.find((item): item is VideoMedia => item.type === 'video');
		if (source === undefined) throw new Error('a request without a video was let in');
		const images = resolved.filter((item): item is ImageMedia => item.type === 'reference_image');
		const plan = planFor(request, source, images);
		const path = await this.renderer.render(plan, signal);
		const fileBytes = (await stat(path)).size;
		return {
			status: 'SUCCEEDED',
			result: {
				usage: usageOf(request, source.probe.seconds, plan.seconds),
				path,
				fileBytes,
				bytes: paddedSize(fileBytes, resultBytes),
			},
		};
	}
}

const cents = (value: number) => Math.round(value * 100) / 100;

/** Whether a cut clip is billed whole or only in part is not documented: here whole. */
function usageOf(request: EditRequest, input: number, output: number): Usage {
	return {
		duration: cents(cents(input) + cents(output)),
		input_video_duration: cents(input),
		output_video_duration: cents(output),
		video_count: 1,
		SR: tierNumber(request.resolution),
	};
}
