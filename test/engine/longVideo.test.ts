import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type {
	IBinaryData,
	IBinaryKeyData,
	INodeExecutionData,
	INodeParameters,
} from 'n8n-workflow';
import { ffmpegPath, ffprobePath, runFfmpeg } from '../../sandbox/programs';
import { RETRY, at, detailsOf, modelId, only, useBench } from './bench';
import { readBinary, retryData, useBinaryMode } from './engine';

// Videos that are longer than the model takes, with real files: kept active here, suspended in
// test/unit/n8n/longVideo.test.ts and test/e2e/longVideo.test.ts.

const run = promisify(execFile);
const bench = useBench();

let folder = '';
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'long-'));
});
afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

/** A clip with a tone, a key frame every second. */
async function clip(seconds: number, gop = 24): Promise<Buffer> {
	const path = join(folder, `${seconds}-${gop}.mp4`);
	await runFfmpeg([
		...['-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=24:duration=${seconds}`],
		...['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=44100:duration=${seconds}`],
		...[
			'-c:v',
			'libx264',
			'-preset',
			'ultrafast',
			'-bf',
			'2',
			'-pix_fmt',
			'yuv420p',
			'-c:a',
			'aac',
		],
		...['-x264-params', `keyint=${gop}:min-keyint=${gop}:scenecut=0`, '-y', path],
	]);
	return await readFile(path);
}

const clips = new Map<string, Promise<Buffer>>();

async function item(seconds: number, gop?: number): Promise<INodeExecutionData> {
	const name = `${seconds} ${gop}`;
	const content = clips.get(name) ?? clip(seconds, gop);
	clips.set(name, content);
	return { json: {}, binary: { data: await bench.file(await content, 'ride.mp4', 'video/mp4') } };
}

const BINARY = { videoSource: 'binary', videoField: 'data' };
const SPLIT = { ...BINARY, longVideo: 'split' };

interface Probe {
	format: { duration: string };
	streams: Array<{ codec_type: string; width: number; duration: string }>;
}

async function probe(binary: IBinaryData | undefined): Promise<Probe & { warnings: string }> {
	if (binary === undefined) throw new Error('There is no video');
	const path = join(folder, 'result.mp4');
	await writeFile(path, await readBinary(binary));
	const args = ['-v', 'error', '-show_format', '-show_streams', '-of', 'json', path];
	const facts = JSON.parse((await run(ffprobePath(), args)).stdout) as Probe;
	const decode = ['-nostdin', '-v', 'warning', '-i', path, '-map', '0', '-f', 'null', '-'];
	return { ...facts, warnings: (await run(ffmpegPath(), decode)).stderr };
}

const seedsSent = () =>
	bench.bodies().map((body) => (body as { parameters: { seed?: number } }).parameters.seed);

const piecesOf = ({ json }: INodeExecutionData) =>
	json.pieces as Array<{
		piece: number;
		from: number;
		to: number;
		taskId: string;
		videoUrl: string;
	}>;

describe('by default', () => {
	test('too long a video fails, and the message names the way out', async () => {
		const { error } = await bench.run([await item(10.1)], BINARY);
		expect(error?.description).toContain(
			"Cut the video to 10 seconds or less, or set 'When the Video Is Too Long' to 'Split, Edit and Join'.",
		);
		expect(bench.bodies()).toEqual([]);
	});

	test('an operation without the field does not name it', async () => {
		const { error } = await bench.run([await item(10.1)], { ...BINARY, operation: 'continue' });
		expect(error?.description).toContain('Cut the video to 10 seconds or less.');
	});
});

describe('Use the Beginning', () => {
	test.each([
		[10.1, 'wan2.7-videoedit', 10],
		[30, 'wan2.7-videoedit', 10],
		[30, 'wan3.0-video', 15],
		[3, 'wan2.7-videoedit', 3],
	])('%d seconds for %s: %d', async (seconds, model, used) => {
		const { items, error } = await bench.run([await item(seconds)], {
			...BINARY,
			longVideo: 'beginning',
			model: modelId(model),
		});
		expect(error).toBeUndefined();
		expect(only(items).json.usage).toMatchObject({ inputSeconds: used });
		expect(Number((await probe(only(items).binary?.data)).format.duration)).toBeCloseTo(used, 1);
		expect(bench.bodies()).toHaveLength(1);
	});
});

describe('Split, Edit and Join', () => {
	test.each([
		[9.9, 1],
		[10.1, 2],
		[30, 3],
	])('%d seconds: %d tasks, one item', async (seconds, count) => {
		const { items, error, hints } = await bench.run([await item(seconds)], SPLIT);

		expect(error).toBeUndefined();
		const { json, binary, pairedItem } = only(items);
		expect(bench.bodies()).toHaveLength(count);
		expect(pairedItem).toEqual({ item: 0 });
		expect(Object.keys(binary ?? {})).toEqual(['data']);
		const { format, streams, warnings } = await probe(binary?.data);
		expect(Math.abs(Number(format.duration) - seconds)).toBeLessThanOrEqual(1 / 24 + 0.02);
		expect(streams.map(({ codec_type }) => codec_type)).toEqual(['video', 'audio']);
		expect(warnings).toBe('');
		expect(hints.join()).not.toContain('joined');
		if (count === 1) return;

		expect(json).toMatchObject({
			taskId: null,
			taskIds: expect.arrayContaining(bench.taskIds()),
			joined: true,
			succeeded: true,
			prompt: 'black and white',
			videoUrl: null,
			fileName: 'ride.mp4',
		});
		const pieces = piecesOf(only(items));
		expect(pieces.map(({ piece }) => piece)).toEqual(pieces.map((_, index) => index + 1));
		expect(pieces.map(({ from }) => from).slice(1)).toEqual(
			pieces.map(({ to }) => to).slice(0, -1),
		);
		expect(at(pieces, count - 1).to).toBeCloseTo(seconds, 1);
		const usage = json.usage as { billedSeconds: number; estimatedCost: { amount: number } };
		expect(usage.billedSeconds).toBeCloseTo(2 * seconds, 0);
		expect(usage.estimatedCost.amount).toBeCloseTo(usage.billedSeconds * 0.1, 3);
		expect(hints.join()).toContain(`${count} tasks`);
	});

	test('all pieces get one seed, which another run of the same file gets again', async () => {
		const input = await item(30);
		await bench.run([input], SPLIT);
		await bench.run([input], SPLIT);
		const seeds = new Set(seedsSent());
		expect(seedsSent()).toHaveLength(6);
		expect(seeds.size).toBe(1);
		expect([...seeds][0]).toEqual(expect.any(Number));

		await bench.run([input], { ...SPLIT, options: { seed: 7 } });
		expect(seedsSent().slice(6)).toEqual([7, 7, 7]);
	});

	test('reference images are uploaded once', async () => {
		const image = await bench.file(at(bench.sandbox.samples.images, 0));
		const { binary } = await item(30);
		const { error } = await bench.run([{ json: {}, binary: { ...binary, image } }], {
			...SPLIT,
			operation: 'referenceEdit',
			images: { image: [{ source: 'binary', field: 'image' }] },
		});
		expect(error).toBeUndefined();
		expect(bench.sandbox.requests('upload')).toHaveLength(4);
	});

	test('Keep Original: the sound of the file itself, whole', async () => {
		const input = await item(30);
		const { items } = await bench.run([input], { ...SPLIT, options: { audioSetting: 'origin' } });
		const packets = async (binary: IBinaryData | undefined) => {
			const path = join(folder, 'sound.mp4');
			await writeFile(path, await readBinary(binary ?? { data: '', mimeType: '' }));
			const args = ['-v', 'error', '-i', path, '-map', '0:a', '-c', 'copy', '-f', 'md5', '-'];
			return (await run(ffmpegPath(), args)).stdout;
		};
		expect(await packets(only(items).binary?.data)).toBe(await packets(input.binary?.data));
	});

	test('several items beside each other', async () => {
		const input = [await item(10.1), await item(3), await item(30)];
		const { items, error } = await bench.run(input, SPLIT);
		expect(error).toBeUndefined();
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual(
			[0, 1, 2].map((one) => ({ item: one })),
		);
		const lengths = await Promise.all([0, 2].map((index) => piecesOf(at(items, index)).length));
		expect(lengths).toEqual([2, 3]);
		expect(bench.bodies()).toHaveLength(6);
	});

	test.each([
		['a URL', { videoSource: 'url' }, /does not work with a URL/],
		["Don't Wait", { waiting: 'none' }, /has to wait for the videos/],
		['no download', { download: false }, /'Download Result' is off/],
		['a duration', { options: { duration: 5 } }, /'Duration' is 5, but/],
	])('refuses %s before anything is sent', async (_name, fields: INodeParameters, message) => {
		const { error } = await bench.run([await item(10.1)], { ...SPLIT, ...fields });
		expect(error?.message).toMatch(message);
		expect(bench.sandbox.log.filter(({ route }) => route !== 'sample')).toEqual([]);
	});

	test('names key frames that are too far apart, with field and item', async () => {
		const { error } = await bench.run([await item(30, 24 * 12)], SPLIT);
		expect(error?.message).toMatch(
			/^'Input Binary Field' \(ride\.mp4\): The video can only be cut at key frames, and has none between 0 and 12 seconds.*\[item 0\]$/,
		);
		expect(bench.bodies()).toEqual([]);
	});

	test('the spending limit holds for all pieces together', async () => {
		const input = [await item(30)];
		const limited = async (spendingLimit: number) =>
			await bench.run(input, { ...SPLIT, options: { spendingLimit } });
		expect((await limited(5.9)).error?.message).toMatch(/would cost about 6\.00 USD/);
		expect(bench.bodies()).toEqual([]);
		expect((await limited(6.1)).error).toBeUndefined();
	});

	test('an estimate counts the pieces', async () => {
		const estimate = async (fields: INodeParameters) =>
			only((await bench.run([await item(30)], { operation: 'estimateCost', ...fields })).items)
				.json;
		expect(await estimate(SPLIT)).toMatchObject({ pieces: 3, billedSeconds: 60, videoSeconds: 30 });
		expect(await estimate({ ...BINARY, longVideo: 'beginning' })).toMatchObject({
			pieces: 1,
			billedSeconds: 20,
		});
		// A limit that the video as a whole would break, and its beginning does not.
		const wan3 = { model: modelId('wan3.0-video'), options: { duration: 10 } };
		expect(await estimate({ ...BINARY, ...wan3, longVideo: 'beginning' })).toMatchObject({
			billedSeconds: 25,
		});
	});
});

describe('one of three pieces fails three times', () => {
	// The second task, then those that take its place: a rule counts what the ones before it let through.
	const FAILURES = [1, 2, 2];
	const fail = (skip: number) =>
		bench.sandbox.outcome({ skip, status: 'FAILED', code: 'InternalError.Algo', message: 'No.' });

	test('it alone is submitted again, the error names its place, the others are in details', async () => {
		for (const skip of FAILURES) fail(skip);
		const { errors } = await bench.run(
			[await item(30)],
			{ ...SPLIT, options: { resubmitFailed: 2 } },
			{ settings: { onError: 'continueErrorOutput' } },
		);
		const { json } = only(errors);
		expect(String(json.error)).toMatch(
			/^Piece \d of 3 \(\d+\.0 to \d+\.0 s\): Task .* failed: No\. .*\[item 0\]$/,
		);
		const details = detailsOf(only(errors));
		const finished = details.finishedPieces as Array<{ taskId: string; videoUrl: string }>;
		const good = bench.sandbox.tasks().filter(({ status }) => status === 'SUCCEEDED');
		expect(finished.map(({ taskId }) => taskId).sort()).toEqual(good.map(({ id }) => id).sort());
		expect(finished.every(({ videoUrl }) => videoUrl.startsWith('http'))).toBe(true);
		expect(details.hint).toContain('submits only what failed');
	});

	test('Retry On Fail, then a retry of the execution: three are paid', async () => {
		for (const skip of FAILURES) fail(skip);
		const first = await bench.run([await item(30)], SPLIT, { settings: { ...RETRY, maxTries: 2 } });
		expect(first.error?.message).toMatch(/^Piece /);
		// With Retry On Fail, too: the first of its two tries fails.
		const second = await bench.run([], SPLIT, { from: retryData(first) });
		expect(second.error).toBeUndefined();
		expect(only(second.items).json.joined).toBe(true);
		expect(
			bench.sandbox
				.tasks()
				.map(({ status }) => status)
				.sort(),
		).toEqual([...['FAILED', 'FAILED', 'FAILED'], ...['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']]);
	});
});

describe('in n8n’s memory mode', () => {
	beforeAll(async () => await useBinaryMode('default'));
	afterAll(async () => await useBinaryMode('filesystem'));

	test.each([{}, { audioSetting: 'origin' }])('split, edited and joined: %j', async (options) => {
		const { items, error } = await bench.run([await item(10.1)], { ...SPLIT, options });
		expect(error).toBeUndefined();
		const { format, warnings } = await probe(only(items).binary?.data);
		expect(Number(format.duration)).toBeCloseTo(10.1, 1);
		expect(warnings).toBe('');
	});
});

describe('Video: Split and Join', () => {
	const LOCAL = { settings: { credentials: undefined } };

	test('split into items, joined again, without a credential', async () => {
		const input = await item(30);
		const { items, error } = await bench.run([input], { operation: 'split' }, LOCAL);
		expect(error).toBeUndefined();
		expect(items.map(({ json, pairedItem }) => [json, pairedItem])).toEqual(
			[1, 2, 3].map((piece) => [
				{ piece, pieces: 3, from: (piece - 1) * 10, to: piece * 10 },
				{ item: 0 },
			]),
		);
		expect(items.map(({ binary }) => binary?.data?.fileName)).toEqual(
			[1, 2, 3].map((piece) => `ride-${piece}.mp4`),
		);

		const joined = await bench.run(items, { operation: 'join' }, LOCAL);
		expect(joined.error).toBeUndefined();
		expect(only(joined.items).pairedItem).toEqual([0, 1, 2].map((one) => ({ item: one })));
		const { format, warnings } = await probe(only(joined.items).binary?.data);
		expect(Number(format.duration)).toBeCloseTo(30, 1);
		expect(warnings).toBe('');
		expect(bench.sandbox.log).toEqual([]);
	});

	test('split a file with a long name: those of the pieces fit into a database', async () => {
		const data = await bench.file(bench.sandbox.samples.video, `${'🎬'.repeat(251)}.mp4`);
		const { items } = await bench.run([{ json: {}, binary: { data } }], { operation: 'split' });
		const name = only(items).binary?.data?.fileName ?? '';
		expect(name).toMatch(/^🎬{240}-1\.mp4$/u);
		expect([...name].length).toBeLessThanOrEqual(255);
	});

	test('sound from another field', async () => {
		const first = await item(3);
		const original = (await item(9.9)).binary?.data;
		if (original === undefined) throw new Error('No file');
		const { items } = await bench.run(
			[{ ...first, binary: { ...first.binary, original } }, await item(3)],
			{ operation: 'join', sound: 'field', soundField: 'original' },
			LOCAL,
		);
		const audio = (await probe(only(items).binary?.data)).streams.at(-1);
		expect(Number(audio?.duration)).toBeCloseTo(9.9, 1);
	});

	test.each([
		['is no video', 'picture', /^'Sound Binary Field' .star.png. holds a PNG picture \[item 0\]$/],
		['is a damaged video', 'beginning', /^'Sound Binary Field': The file .*\[item 0\]$/],
	])('a sound that %s names its field', async (_, what, message) => {
		const { binary } = await item(3);
		const { images, video } = bench.sandbox.samples;
		const original =
			what === 'picture'
				? await bench.file(at(images, 1))
				: await bench.file((await readFile(video.path)).subarray(0, 100), 'cut.mp4', 'video/mp4');
		const { error } = await bench.run(
			[await item(3), { json: {}, binary: { ...binary, original } }].reverse(),
			{ operation: 'join', sound: 'field', soundField: 'original' },
			LOCAL,
		);
		expect(error?.message).toMatch(message);
	});

	test('what cannot be joined names field and item', async () => {
		const { error } = await bench.run(
			[
				await item(3),
				{ json: {}, binary: { data: await bench.file(bench.sandbox.samples.video) } },
			],
			{ operation: 'join' },
			LOCAL,
		);
		expect(error?.message).toMatch(
			/^'Input Binary Field': The video of item 1 cannot be joined to the first one: its size .*\[item 1\]$/,
		);
	});

	test.each([
		['an image', 'split', /holds a PNG picture/],
		['an image', 'join', /^'Input Binary Field' .star.png. holds a PNG picture \[item 0\]$/],
		['nothing', 'split', /names the binary field "data", which the item does not have/],
		['nothing', 'join', /names the binary field "data", which the item does not have/],
	])('%s: %s says so', async (what, operation, message) => {
		const image = await bench.file(at(bench.sandbox.samples.images, 1));
		const binary: IBinaryKeyData = what === 'nothing' ? {} : { data: image };
		const { error } = await bench.run([{ json: {}, binary }], { operation }, LOCAL);
		expect(error?.message).toMatch(message);
	});
});
