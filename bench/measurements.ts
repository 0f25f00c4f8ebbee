// All measurements by name.
import { measureClips } from './clips';
import { measureDelay } from './delay';
import { measureExecutions } from './executions';
import type { Figure } from './figure';
import { measureFiles } from './files';
import { measureLoad } from './load';
import { measureMemory } from './memory';
import { measureProcessor } from './processor';
import { measureQueue } from './queue';
import { measureRetries } from './retries';
import type { Run } from './run';
import { measureSimulation } from './simulation';
import { measureStopping } from './stopping';
import { measureSurvival } from './survival';
import { measureWallTime } from './wallTime';
import { measureWorker } from './worker';

export interface Measurement {
	about: string;
	minutes: number;
	/**
	 * When it runs without `--only`: in a lane beside the other lanes, for it does little but wait; after them, for it
	 * needs the machine for itself; or not at all.
	 */
	when: 1 | 2 | 3 | 'alone' | 'asked';
	/** Where its figure goes with --docs. */
	page: 'benchmark.md' | 'scale.md';
	measure: (run: Run) => Promise<Figure>;
}

const page = 'benchmark.md';

export const MEASUREMENTS: Record<string, Measurement> = {
	wallTime: {
		about: 'items in one execution, ratio to the ideal',
		minutes: 14,
		when: 1,
		page,
		measure: measureWallTime,
	},
	delay: {
		about: 'from the end of a task to the next node, requests',
		minutes: 4,
		when: 2,
		page,
		measure: measureDelay,
	},
	executions: {
		about: 'many executions at once, ratio to the ideal, refusals',
		minutes: 4,
		when: 2,
		page,
		measure: measureExecutions,
	},
	worker: {
		about: 'queue mode: worker-seconds held by an edit',
		minutes: 4,
		when: 2,
		page,
		measure: measureWorker,
	},
	stop: {
		about: 'from Stop to the end, and what goes on after it',
		minutes: 2,
		when: 3,
		page,
		measure: measureStopping,
	},
	retries: {
		about: 'tasks created and billed with Retry On Fail',
		minutes: 5,
		when: 3,
		page,
		measure: measureRetries,
	},
	survival: {
		about: 'faults while polling and on create, kill and restart',
		minutes: 5,
		when: 3,
		page,
		measure: measureSurvival,
	},
	processor: {
		about: 'CPU seconds for 100 items',
		minutes: 6,
		when: 'alone',
		page,
		measure: measureProcessor,
	},
	memory: {
		about: 'growth of memory and stalls by the size of a file',
		minutes: 14,
		when: 'alone',
		page,
		measure: measureMemory,
	},
	files: {
		about: 'this node alone: every size and binary mode',
		minutes: 12,
		when: 'asked',
		page,
		measure: measureFiles,
	},
	load: {
		about: 'this node alone: several files at once, full heap',
		minutes: 12,
		when: 'asked',
		page,
		measure: measureLoad,
	},
	clips: {
		about: 'this node alone: Split and Join of ten minutes',
		minutes: 5,
		when: 'asked',
		page,
		measure: measureClips,
	},
	queue: {
		about: 'queue mode: 100 executions, one and three workers',
		minutes: 25,
		when: 'asked',
		page: 'scale.md',
		measure: measureQueue,
	},
	simulation: {
		about: '10,000 executions an hour on a virtual clock',
		minutes: 12,
		when: 'asked',
		page: 'scale.md',
		measure: measureSimulation,
	},
};
