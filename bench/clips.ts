// What it costs n8n to cut a long video into pieces and to join them again: no task, no request.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ffmpegPath } from '../sandbox/programs';
import { number, range, target, type Figure } from './figure';
import { Laboratory, PAUSE_MS } from './laboratory';
import { MEGABYTE } from './largeVideo';
import { makeProbe } from './probe';
import { rise, tenths } from './resident';
import { progress, type Run } from './run';
import { spreadOf } from './statistics';
import { clipWorkflow, type ClipStep } from './workflows';

const REPETITIONS = 5;

const SECONDS = 600;
/** Encoded once, then strung together: ten minutes of encoding would measure nothing more. */
const PART_SECONDS = 20;
const BITS_PER_SECOND = 5_400_000;

const GROWTH_LIMIT = 100;
const PROCESSOR_LIMIT = 15;

const STEPS: Array<{ name: string; steps: ClipStep[] }> = [
	{ name: "n8n's own reading", steps: [] },
	{ name: 'and Split', steps: ['split'] },
	{ name: 'and Split, and Join', steps: ['split', 'join'] },
];

/** Ten minutes of 720p with sound, about 400 MB. */
async function longClip(folder: string): Promise<string> {
	const run = async (...options: string[]) =>
		await promisify(execFile)(ffmpegPath(), ['-v', 'error', '-y', ...options]);
	const [part, clip] = [join(folder, 'part.mp4'), join(folder, 'clip.mp4')];
	const video = `testsrc2=size=1280x720:rate=30:duration=${PART_SECONDS},noise=alls=30:allf=t`;
	const sound = `sine=frequency=440:duration=${PART_SECONDS}`;
	const rate = String(BITS_PER_SECOND);
	await run(
		...['-f', 'lavfi', '-i', video, '-f', 'lavfi', '-i', sound, '-pix_fmt', 'yuv420p'],
		...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60', '-b:v', rate, '-maxrate', rate],
		...['-bufsize', rate, '-c:a', 'aac', '-shortest', part],
	);
	const more = String(SECONDS / PART_SECONDS - 1);
	await run('-stream_loop', more, '-i', part, '-c', 'copy', '-t', String(SECONDS), clip);
	return clip;
}

interface Taken {
	name: string;
	/** Milliseconds of processor time for each megabyte of the clip. */
	processor: number[];
	growth: number[];
	stall: number[];
}

export async function measureClips({ tarball }: Run): Promise<Figure> {
	const { env, ask: probe } = await makeProbe();
	const folder = await mkdtemp(join(tmpdir(), 'wan-bench-'));
	const laboratory = await Laboratory.open('filesystem', tarball, env);
	const tell = progress('clips', STEPS.length * REPETITIONS);
	const taken = STEPS.map(({ name }): Taken => ({ name, processor: [], growth: [], stall: [] }));
	let megabytes = NaN;
	try {
		const clip = await longClip(folder);
		megabytes = (await stat(clip)).size / MEGABYTE;
		const inside = await laboratory.takeIn(clip);
		await laboratory.refresh();
		// The first execution of each compiles what it needs.
		for (const { steps } of STEPS) await laboratory.run([clipWorkflow(inside, steps)]);
		for (let count = 0; count < REPETITIONS; count++) {
			for (const [index, { name, steps }] of STEPS.entries()) {
				await sleep(PAUSE_MS);
				await probe('/reset');
				const { samples, processorSeconds } = await laboratory.run([clipWorkflow(inside, steps)]);
				const { stall } = await probe('/');
				const one = taken[index];
				one?.processor.push(tenths((1000 * processorSeconds) / megabytes));
				one?.growth.push(rise(samples, 'own'));
				one?.stall.push(tenths(stall));
				tell(`${name}: ${one?.processor.at(-1)} ms/MB, ${one?.growth.at(-1)} MB`);
			}
		}
	} finally {
		await laboratory.close();
		await rm(folder, { recursive: true, force: true });
	}
	return clipsFigure(taken, megabytes);
}

/** The figure of what was taken, n8n's own reading first. */
function clipsFigure(taken: Taken[], megabytes: number): Figure {
	const [reading] = taken;
	const whole = taken.at(-1);
	const processor = (one: Taken | undefined) => spreadOf(one?.processor ?? []).median;
	const own = (one: Taken | undefined) => tenths(processor(one) - processor(reading));
	return {
		title: 'Split and Join, ten minutes of 720p',
		columns: ['CPU ms/MB', 'without the reading', 'Growth MB', 'Stall ms'],
		rows: taken.map((one) => ({
			label: one.name,
			cells: [range(one.processor), number(own(one), 1), range(one.growth), range(one.stall)],
		})),
		notes: [
			`A file of ${megabytes.toFixed(0)} MB in n8n's folder, 60 pieces. Median / highest of ${REPETITIONS} runs, in turns, in one process. Nothing is sent to DashScope.`,
		],
		targets: [
			target('Split and Join, processor time, median', PROCESSOR_LIMIT, own(whole), 'ms/MB'),
			target(
				'Read, Split and Join, growth, highest',
				GROWTH_LIMIT,
				spreadOf(whole?.growth ?? []).most,
				'MB',
			),
		],
		raw: taken,
	};
}
