import { at, named, until, PROMPT_OF_ITEM } from './bench';
import type { Bench, RunOptions } from './bench';
import type { EngineRun } from './engine';

// Three edits side by side, and ways to make one of them go wrong.

export const THREE = named('black and white', 'blur it', 'pixelate it');
export const FIELDS = { prompt: PROMPT_OF_ITEM };
export const FROM_START = "={{ $('Start').item.json.name }}";

export type Meddle = (bench: Bench) => void;

/** Runs the items, and does something about their tasks as soon as all exist, before any has ended. */
export async function runMeddled(
	bench: Bench,
	settings: RunOptions['settings'],
	meddle: Meddle,
	items = THREE,
	options = {},
): Promise<EngineRun> {
	bench.sandbox.configure({ jobSeconds: 1 });
	const { done } = bench.start(items, { ...FIELDS, options }, { settings, lookUp: FROM_START });
	await until(() => bench.taskIds().length === items.length);
	meddle(bench);
	return await done;
}

/** So many downloads of the video of the task that was created as number `index` are refused for good. */
export function breakDownload(index: number, times = 1): Meddle {
	return ({ sandbox, taskIds }) =>
		sandbox.fault({ route: 'result', pathIncludes: at(taskIds(), index), times, status: 404 });
}

/** So many questions for a task are refused; the node believes a refusal when it is repeated. */
export function breakQuery(index: number, times = 3): Meddle {
	return ({ sandbox, taskIds }) =>
		sandbox.fault({ route: 'query', pathIncludes: at(taskIds(), index), times, status: 403 });
}

/** All items are delivered, each with the video of its own task. */
export function expectDelivered({ items, error, lookedUp }: EngineRun, wanted = THREE): void {
	expect(error).toBeUndefined();
	expect(items.map(({ json }) => json.prompt)).toEqual(wanted.map(({ json }) => json.prompt));
	expect(items.every(({ json }) => json.succeeded)).toBe(true);
	const ids = items.map(({ json }) => String(json.taskId));
	expect(new Set(ids).size).toBe(wanted.length);
	expect(items.map(({ binary }) => binary?.data?.fileName)).toEqual(ids.map((id) => `${id}.mp4`));
	expect(lookedUp.items).toEqual(wanted.map(({ json }) => json.name));
}
