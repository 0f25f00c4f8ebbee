import { randomUUID } from 'crypto';
import type { CreateCall, Task } from '../dashscope/types';
import type { UploadFile } from '../dashscope/uploads';
import { messageOf } from '../thrown';
import { cancelWaiting, nameBilled, nameLost } from './cancel';
import { deliver, endedBadly } from './deliver';
import type { Duplicate } from './duplicates';
import { StoppedError } from './errors';
import { keysOf } from './identity';
import type { ItemStore, KeyedItem } from './identity';
import type { Ledger, Unseen } from './ledger';
import type { LostSubmissionRule } from './lostSubmissions';
import { failureOf, withDuplicates } from './outcome';
import type { OpenTask, Outcome, TaskRef } from './outcome';
import type { TaskPorts } from './ports';
import { recall, recordTask } from './record';
import { makesWay } from './resubmit';
import { Semaphore } from './semaphore';
import { Submitter } from './submit';
import { Uploads } from './uploads';
import type { UploadStore } from './uploads';
import { Watch } from './watch';

/** An item, or one of its parts, whose values and files have been checked. */
export interface TaskRequest {
	/** Index of the input item. */
	item: number;
	/** Names one of several requests of the item; absent where it has only this one. */
	part?: string;
	/** Hash of the input item and the node's settings, before their expressions were evaluated. */
	recipe: string;
	/** Two requests have the same one when they ask for the same work on the same files. */
	fingerprint: string;
	/** ID of the model. */
	model: string;
	prompt?: string;
	/** Whether its video is fetched. */
	download: boolean;
	/**
	 * Makes the create call, and uploads what it needs.
	 * @param upload brings a file to the service; returns its `oss://` URL
	 * @param inlineBytes of small images that may travel in the body itself
	 */
	call(upload: (file: UploadFile) => Promise<string>, inlineBytes: number): Promise<CreateCall>;
}

/**
 * Images in the bodies of all requests of a run together: they are made before their turn comes, and stay in memory until
 * then. Bytes.
 */
const INLINE_BYTES = 20 * 1024 * 1024;

/** How a run of the node goes about its tasks; the same for all of its items. */
export interface RunSettings {
	/** Hand back the task IDs instead of waiting for the videos. */
	submitOnly: boolean;
	pollIntervalMs: number;
	timeoutMs: number;
	/** How often a task that failed with a code asking for a new task is submitted anew. */
	resubmitFailed: number;
	lostSubmission: LostSubmissionRule;
	/** Uploads, and downloads, at the same time. */
	transfers: number;
	/** How long tasks are watched before they are handed back unfinished; absent: to their end. */
	holdMs?: number;
	/** Runs of the node that Retry On Fail still allows after one that was handed back unfinished. */
	retries: number;
}

/** What this execution remembers from one try of the node to the next. */
export interface Memory {
	ledger: Ledger;
	uploads: UploadStore;
	/** Which request of the ledger each item stands for. */
	items: ItemStore;
	/** When a try of this run that left no memory may have submitted. */
	unseen?: Unseen;
	/** Of a retry: when the execution began. Epoch milliseconds. */
	retriedSince?: number;
}

/**
 * Edits all items of a run together: submitted at the account's pace, watched on one clock, delivered as they end.
 * A failure of one item never touches the others.
 * @returns one outcome per item, in order
 * @throws StoppedError after Stop; tasks that were still waiting have been cancelled then
 */
export async function runTasks<Video>(
	edits: TaskRequest[],
	ports: TaskPorts<Video>,
	memory: Memory,
	settings: RunSettings,
): Promise<Array<Outcome<Video>>> {
	const run = new TaskRun(ports, memory, settings, edits.length);
	const keyed = keysOf(edits, memory.ledger, memory.items);
	const { ledger, unseen } = memory;
	for (const { key, model } of keyed) {
		if (unseen === undefined || ledger.knows(key)) continue;
		const { since, until } = unseen;
		ledger.sending(key, { since, until, id: randomUUID(), model, unseen: true });
	}
	const outcomes = await Promise.all(
		// What the task was asked for at an earlier try is not known any more.
		keyed.map(async (edit) => {
			return await run.edit({ ...edit, prompt: edit.changed ? undefined : edit.prompt });
		}),
	);
	if (ports.stopped()) {
		const ended = outcomes.map((outcome) => ('task' in outcome ? outcome.task : undefined));
		nameBilled(ports, ended);
		nameLost(ports, memory.ledger);
		await cancelWaiting(ports, run.taskIds());
		throw new StoppedError();
	}
	return outcomes;
}

class TaskRun<Video> {
	private readonly submitter: Submitter;
	private readonly watch: Watch;
	private readonly uploads: Uploads;
	private readonly downloads: Semaphore;
	private readonly ledger: Ledger;
	private readonly inlineBytes: number;
	/** Submitted and not known to have ended, by key. */
	private readonly jobs = new Map<string, TaskRef>();
	private readonly calls = new Map<string, CreateCall>();
	/** How often a request was submitted anew in place of a task that failed in this try, by key. */
	private readonly resubmits = new Map<string, number>();
	/** For second tasks, by key, with the submissions that each is about. */
	private readonly searches = new Map<string, { about: string; search: Promise<Duplicate[]> }>();

	constructor(
		private readonly ports: TaskPorts<Video>,
		private readonly memory: Memory,
		private readonly settings: RunSettings,
		requests: number,
	) {
		this.inlineBytes = INLINE_BYTES / requests;
		this.ledger = memory.ledger;
		this.uploads = new Uploads(ports, memory.uploads, settings.transfers);
		this.downloads = new Semaphore(settings.transfers);
		this.submitter = new Submitter(ports, memory.ledger, {
			deadline: ports.now() + settings.timeoutMs,
			lostSubmission: settings.lostSubmission,
			final: settings.submitOnly || settings.holdMs !== undefined,
		});
		this.watch = new Watch(ports, {
			intervalMs: settings.pollIntervalMs,
			handBackAt: settings.holdMs === undefined ? undefined : ports.now() + settings.holdMs,
		});
	}

	taskIds(): string[] {
		return [...this.jobs.values()].map(({ taskId }) => taskId);
	}

	async edit(edit: KeyedItem<TaskRequest>): Promise<Outcome<Video>> {
		const { key } = edit;
		const outcome = await this.editOnce(edit);
		const lost = this.ledger.abandoned(key);
		if (lost.length === 0 || outcome.state === 'open') return outcome;
		const duplicates = await this.duplicatesOf(edit);
		// It was given up, but its own task has turned up.
		const late = this.ledger.find(key);
		if (
			outcome.state === 'failed' &&
			late?.state === 'submitted' &&
			late.taskId !== outcome.job?.taskId
		) {
			return await this.edit(edit);
		}
		if (outcome.state !== 'submitted') return withDuplicates(outcome, duplicates);
		return duplicates.length === 0 ? outcome : { ...outcome, duplicates };
	}

	/** Second tasks of an item. The search goes on beside the wait, so that one that still waits can be cancelled. */
	private async duplicatesOf({ key, model }: KeyedItem<TaskRequest>): Promise<Duplicate[]> {
		const lost = this.ledger.abandoned(key);
		const begun = this.searches.get(key);
		const about = lost.map(({ id, since }) => id ?? since).join();
		if (begun?.about === about) {
			const found = await begun.search;
			// The list could not be read then: a last look.
			if (found.every(({ taskId }) => taskId !== undefined)) return found;
		}
		const search = this.submitter.lost.duplicates(model, lost, key).catch((error: unknown) => {
			// The task itself is not touched by it.
			this.ports.log(`Second tasks of an item could not be looked for: ${messageOf(error)}`);
			return [{ cancelled: false, certain: false }];
		});
		this.searches.set(key, { about, search });
		return await search;
	}

	private async editOnce(edit: KeyedItem<TaskRequest>): Promise<Outcome<Video>> {
		const { key } = edit;
		let job: TaskRef | undefined;
		let task: Task | undefined;
		try {
			for (;;) {
				job = await this.submit(edit);
				this.jobs.set(key, job);
				if (this.settings.submitOnly) return { state: 'submitted', job };
				const waitsToTheEnd = this.settings.holdMs === undefined;
				if (waitsToTheEnd && this.ledger.abandoned(key).length > 0) void this.duplicatesOf(edit);

				const since = this.ports.now();
				const resubmits = this.resubmits.get(key) ?? 0;
				const left = this.settings.resubmitFailed - resubmits;
				task = await this.watchJob(job, edit.model, since + this.settings.timeoutMs);
				if (task === undefined) return await this.handBack(edit, job, since, left);
				this.jobs.delete(key);
				if (task.status === 'SUCCEEDED') return await this.deliver(edit, job, task);

				const { submittedAt, known } = job;
				const again = makesWay({ task, submittedAt, earlier: known, left }, this.ports.now());
				if (task.status !== 'UNKNOWN' || again) this.ledger.ended(key);
				if (!again) return { state: 'failed', error: failureOf(endedBadly(task)), job, task };
				if (!job.known) this.resubmits.set(key, resubmits + 1);
			}
		} catch (error) {
			return { state: 'failed', error: failureOf(error, job), job, task };
		}
	}

	private async submit(edit: KeyedItem<TaskRequest>): Promise<TaskRef> {
		const { key, model } = edit;
		await recall(edit, this.ports, this.memory);
		const job = await this.submitter.submit(key, model, async () => {
			const call = await this.callOf(edit, this.keepsCalls() ? 0 : this.inlineBytes);
			if (this.keepsCalls()) this.calls.set(key, call);
			return call;
		});
		if (!job.known) recordTask(this.ports, edit, job.taskId, this.ledger);
		return job;
	}

	private async callOf(edit: TaskRequest, inlineBytes: number): Promise<CreateCall> {
		return await edit.call(async (file) => await this.uploads.url(edit.model, file), inlineBytes);
	}

	/** Whether a task may have to be submitted anew later. A body that is kept is kept small. */
	private keepsCalls(): boolean {
		const { holdMs, resubmitFailed, retries } = this.settings;
		return holdMs !== undefined && resubmitFailed + retries > 0;
	}

	private async watchJob(job: TaskRef, model: string, deadline: number): Promise<Task | undefined> {
		// One that an earlier try submitted is looked at once: it may have ended, or make way for a new one.
		if (this.settings.holdMs === 0 && !job.known) return undefined;
		const { taskId, submittedAt } = job;
		const known = job.known || job.adopted;
		return await this.watch.finish({ taskId, model, submittedAt, known, own: true, deadline });
	}

	private async handBack(
		edit: KeyedItem<TaskRequest>,
		job: TaskRef,
		since: number,
		left: number,
	): Promise<OpenTask> {
		const { key, model, prompt, download } = edit;
		const { timeoutMs } = this.settings;
		const call = await this.callFor(edit, job);
		const again = call === undefined ? undefined : { ...call, times: left };
		const lost = this.ledger.abandoned(key);
		const open = { job, model, prompt, download, since, timeoutMs, again };
		return { state: 'open', ...open, ...(lost.length === 0 ? {} : { lost }) };
	}

	/** The call of a task that may have to be submitted anew; that of an earlier try's task is made once more. */
	private async callFor(
		edit: KeyedItem<TaskRequest>,
		job: TaskRef,
	): Promise<CreateCall | undefined> {
		const call = this.calls.get(edit.key);
		if (call !== undefined || !(job.known || this.keepsCalls())) return call;
		try {
			return await this.callOf(edit, 0);
		} catch (error) {
			// The task goes on all the same.
			this.ports.log(`Task ${job.taskId} cannot be resubmitted if it fails: ${messageOf(error)}`);
			return undefined;
		}
	}

	private async deliver(edit: TaskRequest, job: TaskRef, task: Task): Promise<Outcome<Video>> {
		return await deliver(this.ports, this.downloads, edit, job, task);
	}
}
