import type { Media, MediaItem } from '../media';
import type { Region } from '../options';
import type { RenderPlan } from '../render';
import type { Usage } from '../tasks';
import type { Fields } from './fields';

// What a model is to the sandbox. Each file beside this one is a model family, written from
// DashScope's documentation: what its create call may hold, and a result whose change can be seen.

export interface Model {
	/** The IDs by which it is called, and the region that knows each. */
	ids: Record<string, Region | 'everywhere'>;
	/** Also called by ID and date, such as wan2.7-i2v-2026-04-25. */
	snapshots?: boolean;
	/** The path …/aigc/{service}/video-synthesis that serves it. */
	service: Service;
	/** Create calls a second, and tasks running at once, for the whole account (rate-limit page). */
	submitsPerSecond: number;
	running: number;
	/** Where the output of a task names the result; `video_url` unless said otherwise. */
	resultAt?: 'results.video_url';
	/** Largest file that its media may be, if that is more than the usual 100 MB. */
	uploadMegabytes?: number;
	/** Reads and checks a create call; throws what the service would refuse it with. */
	read(input: Fields, parameters: Fields): TaskRequest;
}

export const SERVICES = ['video-generation', 'image2video'] as const;

export type Service = (typeof SERVICES)[number];

/** A create call that was let in. */
export interface TaskRequest {
	/** Empty where the model knows no prompt. */
	prompt: string;
	media: MediaItem[];
	/** What to make of the media, once they are fetched; throws TaskFailure if they do not go together. */
	plan(media: Media[]): Plan | Promise<Plan>;
}

export interface Plan {
	render: RenderPlan;
	usage: Usage;
	/** Further fields of the output. */
	output?: Record<string, unknown>;
}

/** What each of the models accepts as `seed`. */
export const SEED = [0, 2_147_483_647] as const;

/** Lengths are told and billed with two decimals. */
export const cents = (value: number) => Math.round(value * 100) / 100;

/** Usage of the models that bill input and output seconds alike, or the output alone. */
export function secondsUsage(input: number, output: number, SR: number): Usage {
	return {
		duration: cents(cents(input) + cents(output)),
		input_video_duration: cents(input),
		output_video_duration: cents(output),
		video_count: 1,
		SR,
	};
}
