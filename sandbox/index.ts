import type { AddressInfo } from 'node:net';

import type { Fault, TaskOutcome } from './faults';
import type { LoggedRequest, Route } from './log';
import type { SandboxOptions } from './options';
import { trimRenderCache } from './render';
import { State, type SampleFiles, type SandboxTask } from './sandbox';
import { buildServer } from './server';

export type { Fault, TaskOutcome } from './faults';
export type { LoggedRequest, Route, UploadPart } from './log';
export type { SandboxOptions } from './options';
export type { SampleFile, SampleFiles, SandboxTask } from './sandbox';
export type { TaskStatus } from './tasks';

export interface Sandbox {
	/** Base URL without /api/v1. */
	url: string;
	apiKey: string;
	port: number;
	/** Live, oldest first. */
	log: LoggedRequest[];
	requests(route: Route): LoggedRequest[];
	/** Every task created, oldest first. */
	tasks(): SandboxTask[];
	fault(fault: Fault): void;
	outcome(outcome: TaskOutcome): void;
	/** Changes options at run time; `jobSeconds` and `resultBytes` count for tasks created later. */
	configure(options: Partial<SandboxOptions>): void;
	/** Clears log, faults, outcomes, tasks, uploads and counters; options stay. */
	reset(): Promise<void>;
	samples: SampleFiles;
	/** ffmpeg runs so far; renders from the cache do not count. */
	readonly ffmpegRuns: number;
	stop(): Promise<void>;
}

/** Starts a DashScope on loopback. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
	const state = await State.create(options);
	await trimRenderCache();
	const app = await buildServer(state);
	try {
		await app.listen({ host: '127.0.0.1', port: state.settings.port });
	} catch (error) {
		await state.close();
		throw error;
	}
	const { port } = app.server.address() as AddressInfo;
	state.url = `http://127.0.0.1:${port}`;
	let stopped: Promise<void> | undefined;
	const stop = async () => {
		await Promise.all([app.close(), state.close()]);
	};
	return {
		url: state.url,
		port,
		get apiKey() {
			return state.settings.apiKey;
		},
		log: state.log.entries,
		requests: (route) => state.log.of(route),
		tasks: () => state.allTasks(),
		fault: (fault) => state.fault(fault),
		outcome: (outcome) => state.outcome(outcome),
		configure: (changes) => state.configure(changes),
		reset: async () => await state.reset(),
		samples: state.sampleFiles(),
		get ffmpegRuns() {
			return state.worker.ffmpegRuns;
		},
		stop: async () => await (stopped ??= stop()),
	};
}
