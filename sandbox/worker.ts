import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { messageOf, TaskFailure } from './errors';
import type { TaskOutcome } from './faults';
import { resolveMedia, type Media, type MediaSources } from './media';
import type { TaskRequest } from './models/model';
import { Renderer } from './render';
import { paddedSize } from './results';
import type { TaskStore, Work } from './tasks';

/** Where a task's work is done: media fetched and judged, the result rendered. */
export class Worker {
	/** What was found out about the media of each task, by task id. */
	readonly media = new Map<string, Media[]>();
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
	begin(id: string, request: TaskRequest, resultBytes: number, outcome?: TaskOutcome): void {
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
		request: TaskRequest,
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
		const resolved: Media[] = [];
		this.media.set(id, resolved);
		for (const item of request.media) resolved.push(await resolveMedia(item, sources, signal));
		const { render, usage, output } = await request.plan(resolved);
		const path = await this.renderer.render(render, signal);
		const fileBytes = (await stat(path)).size;
		const bytes = paddedSize(fileBytes, resultBytes);
		return { status: 'SUCCEEDED', result: { usage, output, path, fileBytes, bytes } };
	}
}
