import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { joinClips } from '../../../nodes/shared/media/mp4/join';
import { runFfmpeg } from '../../../sandbox/programs';
import { bytesOf, piecesOf, sourceOf } from '../media/mp4/files';
import { faults } from '../virtualService';
import { SuspendedRun } from './loopEngine';
import type { Options } from './loopEngine';

/** A video that is edited in pieces, kept active and suspended: one task per piece, one item, one video. */

let folder = '';
let video: Buffer;
let small: Buffer;
let whole: Buffer;
let results: Buffer[];

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'long-video-'));
	const made = async (size: string, seconds: number) => {
		const path = join(folder, `${size}-${seconds}.mp4`);
		await runFfmpeg([
			...['-f', 'lavfi', '-i', `testsrc=size=${size}:rate=10:duration=${seconds}`],
			...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-pix_fmt', 'yuv420p', path],
		]);
		return await readFile(path);
	};
	video = await made('320x240', 30);
	small = await made('240x320', 10);
	const { files, cuts } = await piecesOf(sourceOf(video));
	results = files;
	whole = await bytesOf((await joinClips(files.map(sourceOf), { cuts })).file);
});

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

const ERROR = 'InternalError.Algo';

/** Tasks get the pieces in order; those that take the place of the second one get the second. */
const resultOf = (taskId: string) => {
	const number = Number(taskId.slice(5));
	return results[number > 3 ? 1 : number - 1] ?? small;
};

const made = (waiting: string, options: Options = {}) =>
	new SuspendedRun({
		files: { video, resultOf },
		plans: [{ jobSeconds: 30 }],
		...options,
		parameters: {
			videoSource: 'binary',
			videoField: 'data',
			longVideo: 'split',
			waiting,
			...options.parameters,
		},
	});

test('an item whose pieces are under way has not failed because another one did', async () => {
	const run = made('suspend', { prompts: ['one', 'two'] });
	run.service.faults.create.push(undefined, undefined, undefined, faults.unauthorised);
	const { error } = await run.run();
	expect(error?.message).toMatch(/^Piece \d of 3 .*\[item 1\]$/);
	expect(error?.description).toMatch(/Item 0: task task-\d was submitted/);
});

describe.each(['active', 'suspend'])('%s', (waiting) => {
	test('three tasks, one item with the joined video', async () => {
		const run = made(waiting);
		const { items, error } = await run.run();

		expect(error).toBeUndefined();
		expect(run.loop !== undefined).toBe(waiting === 'suspend');
		expect(items).toHaveLength(1);
		const { json, binary, pairedItem } = items[0] ?? { json: {} };
		expect(pairedItem).toEqual({ item: 0 });
		expect(json).toMatchObject({
			taskId: null,
			taskIds: ['task-1', 'task-2', 'task-3'],
			joined: true,
			prompt: 'wish',
			usage: { billedSeconds: 30 },
			pieces: [
				{ piece: 1, from: 0, to: 10, taskId: 'task-1' },
				{ piece: 2, from: 10, to: 20, taskId: 'task-2' },
				{ piece: 3, from: 20, to: 30, taskId: 'task-3' },
			],
		});
		expect(Object.keys(binary ?? {})).toEqual(['data']);
		expect(run.fileAt(binary?.data?.id ?? '').equals(whole)).toBe(true);
		expect(run.service.tasks()).toHaveLength(3);
	});

	test('several items: each its own', async () => {
		const run = made(waiting, { prompts: ['one', 'two'], slots: 2 });
		const { items } = await run.run();
		expect(items.map(({ json }) => [json.prompt, (json.taskIds as string[]).length])).toEqual([
			['one', 3],
			['two', 3],
		]);
		expect(run.service.tasks()).toHaveLength(6);
	});

	test('one piece fails three times: the error names its place, the others are in details', async () => {
		const bad = { jobSeconds: 30, code: ERROR };
		const good = { jobSeconds: 30 };
		const run = made(waiting, {
			plans: [good, bad, good, bad, bad],
			options: { resubmitFailed: 2 },
			settings: { onError: 'continueErrorOutput' },
		});
		const { items } = await run.run();

		expect(items).toHaveLength(1);
		const { error, details } = items[0]?.json ?? {};
		expect(error).toMatch(/^Piece 2 of 3 \(10\.0 to 20\.0 s\): Task task-5 failed: .* \[item 0\]$/);
		expect(details).toMatchObject({
			taskId: 'task-5',
			code: ERROR,
			piece: 2,
			pieces: 3,
			from: 10,
			to: 20,
			finishedPieces: [
				{ piece: 1, taskId: 'task-1', videoUrl: expect.stringContaining('task-1.mp4') },
				{ piece: 3, taskId: 'task-3', videoUrlExpiresAt: expect.stringMatching(/Z$/) },
			],
		});
		expect(run.service.tasks().map(({ status }) => status)).toEqual([
			...['SUCCEEDED', 'FAILED', 'SUCCEEDED', 'FAILED', 'FAILED'],
		]);
	});

	test('Retry On Fail submits only the piece that failed', async () => {
		const good = { jobSeconds: 30 };
		const run = made(waiting, {
			plans: [good, { jobSeconds: 30, code: 'InvalidParameter' }, good, good],
			settings: { retryOnFail: true, maxTries: 2, onError: 'continueErrorOutput' },
		});
		const { items } = await run.clock.run(waiting === 'active' ? run.retried() : run.play());
		expect(items[0]?.json.error).toBeUndefined();
		expect(items[0]?.json.taskIds).toEqual(['task-1', 'task-4', 'task-3']);
		expect(run.service.tasks()).toHaveLength(4);
	});

	test('results that do not fit together are handed on as they are, with a hint', async () => {
		const run = made(waiting, {
			files: { video, resultOf: (taskId) => (taskId === 'task-2' ? small : resultOf(taskId)) },
		});
		const { items } = await run.run();
		const { json, binary } = items[0] ?? { json: {} };
		expect(json).toMatchObject({
			joined: false,
			notes: [expect.stringContaining('could not be joined')],
			taskIds: ['task-1', 'task-2', 'task-3'],
		});
		expect(Object.keys(binary ?? {})).toEqual(['data', 'data_2', 'data_3']);
		const files = Object.values(binary ?? {}).map(({ id }) => run.fileAt(id ?? ''));
		// Compared by Node.js: Jest goes through buffers byte by byte.
		expect(isDeepStrictEqual(files, [results[0], small, results[2]])).toBe(true);
		const hints = [...run.hints, ...(run.loop?.hints ?? [])].join('\n');
		expect(hints).toMatch(/could not be joined.*Piece 2 .* its size is 240 × 320/);
	});
});

test('no file is open while the tasks are waited for', async () => {
	const run = made('active', { prompts: ['one', 'two', 'three', 'four', 'five', 'six'] });
	const open: number[] = [];
	run.clock.at(run.clock.now() + 25_000, () => {
		expect(run.service.tasks()).toHaveLength(18);
		open.push(run.streams.length, run.streams.filter(({ destroyed }) => !destroyed).length);
	});
	await run.run();
	expect(open).toEqual([expect.any(Number), 0]);
	expect(open[0]).toBeGreaterThan(18);
});

test('some pieces finish before the execution is suspended', async () => {
	const run = made('auto', { plans: [{ jobSeconds: 20 }, { jobSeconds: 300 }] });
	const { items, error } = await run.run();
	expect(error).toBeUndefined();
	expect(run.loop).toBeDefined();
	expect(items[0]?.json).toMatchObject({ joined: true, taskIds: ['task-1', 'task-2', 'task-3'] });
	expect(run.fileAt(items[0]?.binary?.data?.id ?? '').equals(whole)).toBe(true);
});

test('an item that was refused is no piece of another', async () => {
	const run = made('suspend', {
		prompts: ['one', ''],
		settings: { onError: 'continueErrorOutput' },
	});
	const { items } = await run.run();
	expect(run.loop).toBeDefined();
	const [, refused] = items;
	expect(refused?.json.error).toBe("'Prompt' is empty [item 1]");
	expect(Object.keys(refused?.json.details ?? {})).toEqual(['hint']);
});

test('Stop of a suspended one cancels the pieces that wait', async () => {
	const run = made('suspend', { slots: 1, plans: [{ jobSeconds: 300 }] });
	await run.clock.run(run.start());
	run.stopped.add('1');
	await run.clock.run(run.wait());
	expect(run.service.tasks().map(({ status }) => status)).toEqual([
		...['RUNNING', 'CANCELED', 'CANCELED'],
	]);
});

test('killed during a look, the item names all its tasks', async () => {
	const run = made('suspend', { plans: [{ jobSeconds: 300 }] });
	await run.clock.run(run.start());
	// What n8n takes for the end of the loop then.
	const [item, ...others] = run.loop?.output ?? [];
	expect(others).toEqual([]);
	expect(item?.json.error).toMatch(/^Piece 1 of 3 .* Waiting for task task-1 was interrupted/);
	expect(JSON.stringify(item?.json.details)).toMatch(/task-2.*task-3/);
});
