// What a worker's log tells: which executions it has run, and for how long each held one of its places.
import type { LogLine } from '../../host/program';

const STARTED = /Worker started execution (\d+) \(job (\d+)\)/;
const FINISHED = /Worker finished execution (\d+) \(job (\d+)\)/;

/** When a worker began with an execution, if it had it. */
export function workerOf(executionId: string, lines: LogLine[]): number | undefined {
	return lines.find(({ text }) => STARTED.exec(text)?.[1] === executionId)?.at;
}

/**
 * For how long each job held a place of the worker, in seconds, by job. An execution that is suspended and woken
 * is a job each time.
 */
export function busySeconds(lines: LogLine[]): Map<string, number> {
	const begun = new Map<string, number>();
	const busy = new Map<string, number>();
	for (const { at, text } of lines) {
		const start = STARTED.exec(text)?.[2];
		const end = FINISHED.exec(text)?.[2];
		if (start !== undefined) begun.set(start, at);
		if (end !== undefined) busy.set(end, (at - (begun.get(end) ?? at)) / 1000);
	}
	return busy;
}
