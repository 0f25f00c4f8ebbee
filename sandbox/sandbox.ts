import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { faultOf, outcomeOf, Rules, type Fault, type TaskOutcome } from './faults';
import { RequestLog } from './log';
import type { Media } from './media';
import { findModel } from './models';
import { withDefaults, type SandboxOptions, type Settings } from './options';
import { RateLimit } from './rateLimit';
import { createSamples, samplesOf, type Sample, type Samples } from './samples';
import { TaskStore, type Task } from './tasks';
import { Signer, Uploads } from './uploads';
import { Worker } from './worker';

export interface SandboxTask extends Task {
	/** The media with what ffprobe says of them, as far as they could be opened. */
	media: Media[];
}

export interface SampleFile extends Sample {
	url: string;
}

export type SampleFiles = Samples<SampleFile>;

export const SAMPLE_PREFIX = '/_sandbox/samples/';

/** All that a sandbox knows and keeps, apart from the HTTP server in front of it. */
export class State {
	readonly log = new RequestLog();
	readonly faults = new Rules<Fault>();
	readonly outcomes = new Rules<TaskOutcome>();
	readonly signer = new Signer();
	readonly tasks: TaskStore;
	readonly uploads: Uploads;
	readonly worker: Worker;
	private readonly limits = new Map<string, RateLimit>();
	/** The base URL, known once the server listens. */
	url = '';
	/** Ends waits of slow answers. */
	readonly stopping = new AbortController();

	private constructor(
		readonly settings: Settings,
		private readonly dir: string,
		readonly samples: Sample[],
	) {
		const now = () => settings.now();
		this.tasks = new TaskStore(now, this.slots());
		this.uploads = new Uploads(join(dir, 'uploads'), this.signer, now);
		this.worker = new Worker(dir, this.tasks, (key) => this.uploads.find(key));
	}

	private slots() {
		const { slots } = this.settings;
		return slots ?? ((model: string) => findModel(model)?.running ?? 1);
	}

	/** Counts a call of a kind, unless there were too many within the second. */
	admit(kind: string, perSecond: number): boolean {
		const limit = this.limits.get(kind) ?? new RateLimit(() => this.settings.now());
		this.limits.set(kind, limit);
		return limit.admit(perSecond);
	}

	static async create(options: SandboxOptions): Promise<State> {
		const samples = await createSamples();
		const dir = await mkdtemp(join(tmpdir(), 'wan-video-edit-sandbox-'));
		return new State(withDefaults(options), dir, samples);
	}

	fault(fault: Fault): void {
		this.faults.add(faultOf(fault));
	}

	outcome(outcome: TaskOutcome): void {
		this.outcomes.add(outcomeOf(outcome));
	}

	configure(options: SandboxOptions): void {
		const given = Object.entries(options).filter(([, value]) => value !== undefined);
		Object.assign(this.settings, Object.fromEntries(given));
		this.tasks.setSlots(this.slots());
	}

	allTasks(): SandboxTask[] {
		return this.tasks
			.all()
			.map((task) => ({ ...task, media: [...(this.worker.media.get(task.id) ?? [])] }));
	}

	sampleFiles(): SampleFiles {
		const base = `${this.url}${SAMPLE_PREFIX}`;
		return samplesOf(this.samples.map((one) => ({ ...one, url: `${base}${one.fileName}` })));
	}

	/** Forgets everything but the settings. */
	async reset(): Promise<void> {
		this.log.clear();
		this.faults.clear();
		this.outcomes.clear();
		this.tasks.clear();
		this.limits.clear();
		await Promise.all([this.worker.stop(), this.uploads.clear()]);
	}

	async close(): Promise<void> {
		this.stopping.abort();
		await this.worker.stop();
		await rm(this.dir, { recursive: true, force: true });
	}
}
