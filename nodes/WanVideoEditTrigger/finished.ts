/**
 * Which tasks have finished since the last poll. Pure: from what was remembered and what the task list shows follows
 * what is due and what to remember next. All times are epoch milliseconds on DashScope's clock.
 */
import { isRecord } from '../shared/dashscope/json';
import { TASK_KEPT_MS, hasEnded } from '../shared/dashscope/types';
import type { ListedTask, TaskStatus } from '../shared/dashscope/types';

/** A task and its end show in the list up to a minute late. */
const LIST_LAG_MS = 65_000;

/** How much of the past is listed at least: more than the lag, for next to nothing. */
const OVERLAP_MS = 5 * 60_000;

/** The answer's `Date` has whole seconds, and was on its way. */
const CLOCK_TOLERANCE_MS = 5_000;

/** The shape of {@link TriggerState}; to be raised when older code could misread it. */
export const STATE_VERSION = 1;

/** What is polled. When it changes, what is remembered says nothing about the tasks of the new source. */
export interface Source {
	/** n8n's ID of the credential. */
	credential: string;
	/** The only model that is listed; undefined for all. */
	model?: string;
}

/** A task that has finished and is still to be emitted. */
export interface DueTask {
	status: TaskStatus;
	model?: string;
	createdAt?: number;
	finishedAt?: number;
	/** How many polls have tried to fetch it. */
	tries: number;
}

/**
 * What is kept from poll to poll, as plain JSON. n8n keeps it over restarts, updates and deactivation. It may be old:
 * n8n saves it when the trigger is activated and when a poll emits something, and that is enough.
 */
export interface TriggerState extends Source {
	version: typeof STATE_VERSION;
	/** The activation: tasks that ended before are none of this trigger's. 0 where the clock was not known then. */
	since: number;
	/** Tasks created before have ended and been dealt with, or are forgotten. Never goes back. */
	from: number;
	/** When the list was last read. */
	listedAt: number;
	/** The ended tasks that the list may show again, each with the later one of its times. */
	seen: Record<string, number>;
	due: Record<string, DueTask>;
}

/** The time in which tasks were created that a list is asked for. Epoch milliseconds. */
export interface Window {
	from: number;
	to: number;
}

/** A task list as it was read. */
export interface Reading {
	source: Source;
	window: Window;
	/** When the read began. */
	at: number;
	/** Whether that is DashScope's clock, not just this computer's. */
	exact: boolean;
	rows: ListedTask[];
}

/** What to list: everything that may have ended since the last poll, or a whole day at the beginning. */
export function windowOf(state: TriggerState | undefined, source: Source, now: number): Window {
	const to = now + LIST_LAG_MS;
	const from = continues(state, source) ? state.from : 0;
	// The clock may have been set back.
	return { from: Math.max(Math.min(from, to - OVERLAP_MS), to - TASK_KEPT_MS), to };
}

/**
 * What to remember after the list was read; `due` holds what is to be emitted.
 * @param state what was remembered, undefined at the activation
 * @param wanted whether the filters let a task through; one that they keep out counts as dealt with
 */
export function finished(
	state: TriggerState | undefined,
	{ source, window, at, exact, rows }: Reading,
	wanted: (task: ListedTask) => boolean,
): TriggerState {
	const kept = continues(state, source) ? state : undefined;
	const since = kept?.since ?? beginning(state, at, exact);
	const seen = new Map(Object.entries(state?.seen ?? {}));
	const due = { ...state?.due };
	const listedFrom = Math.max(window.from, kept?.from ?? 0);

	let oldestOpen = Infinity;
	for (const row of rows) {
		const { taskId, status, model, createdAt, finishedAt } = row;
		// A service may list more than it is asked for.
		if (createdAt !== undefined && createdAt < listedFrom) continue;
		if (!hasEnded(status)) {
			oldestOpen = Math.min(oldestOpen, createdAt ?? listedFrom);
			continue;
		}
		if (seen.has(taskId)) continue;
		seen.set(taskId, Math.max(createdAt ?? at, finishedAt ?? at));
		const before = finishedAt === undefined ? kept === undefined : finishedAt < since;
		// What the first look shows as ended had ended before the activation.
		if (state !== undefined && !before && wanted(row))
			due[taskId] = { status, model, createdAt, finishedAt, tries: 0 };
	}

	const shown = exact ? Math.min(at, window.to) - OVERLAP_MS : listedFrom;
	const from = Math.max(listedFrom, Math.min(oldestOpen, shown));
	return {
		...source,
		version: STATE_VERSION,
		since,
		from,
		listedAt: at,
		seen: Object.fromEntries([...seen].filter(([, time]) => time >= from)),
		due,
	};
}

/** From when on ended tasks are those of a source that is polled for the first time. */
function beginning(state: TriggerState | undefined, at: number, exact: boolean): number {
	// The trigger was active before, with other settings.
	if (state !== undefined) return state.listedAt - LIST_LAG_MS;
	return exact ? at - CLOCK_TOLERANCE_MS : 0;
}

/** The tasks that are due: those that could not be fetched before come last, so that they hold up no others. */
export function dueTasks({ due }: TriggerState): Array<DueTask & { taskId: string }> {
	return Object.entries(due)
		.map(([taskId, task]) => ({ taskId, ...task }))
		.sort((a, b) => a.tries - b.tries || (a.finishedAt ?? 0) - (b.finishedAt ?? 0));
}

/** What to remember once tasks were emitted, and others could not be fetched. */
export function settled(state: TriggerState, emitted: string[], failed: string[]): TriggerState {
	const due = Object.entries(state.due).flatMap(([taskId, task]) => {
		if (emitted.includes(taskId)) return [];
		return [[taskId, { ...task, tries: task.tries + (failed.includes(taskId) ? 1 : 0) }] as const];
	});
	return { ...state, due: Object.fromEntries(due) };
}

/** The finished task that ended last. */
export function latest(
	rows: ListedTask[],
	wanted: (task: ListedTask) => boolean,
): ListedTask | undefined {
	const time = ({ finishedAt, createdAt = 0 }: ListedTask) => finishedAt ?? createdAt;
	return rows
		.filter((row) => hasEnded(row.status) && wanted(row))
		.reduce<
			ListedTask | undefined
		>((last, row) => (last !== undefined && time(last) >= time(row) ? last : row), undefined);
}

function continues(state: TriggerState | undefined, source: Source): state is TriggerState {
	return state?.credential === source.credential && state.model === source.model;
}

/** The remembered state, if this version of the package understands it; otherwise the trigger starts anew. */
export function readState(value: unknown): TriggerState | undefined {
	return isState(value) ? value : undefined;
}

function isState(value: unknown): value is TriggerState {
	return (
		isRecord(value) &&
		value.version === STATE_VERSION &&
		typeof value.credential === 'string' &&
		(value.model === undefined || typeof value.model === 'string') &&
		[value.since, value.from, value.listedAt].every(Number.isFinite) &&
		isRecord(value.seen) &&
		Object.values(value.seen).every(Number.isFinite) &&
		isRecord(value.due) &&
		Object.values(value.due).every(isDueTask)
	);
}

function isDueTask(value: unknown): boolean {
	return isRecord(value) && typeof value.status === 'string' && Number.isFinite(value.tries);
}
