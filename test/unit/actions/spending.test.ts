import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IExecuteFunctions } from 'n8n-workflow';
import { videoSecondsOf } from '../../../nodes/WanVideoEdit/actions/spending';
import { wan27VideoEdit } from '../../../nodes/WanVideoEdit/models/wan27VideoEdit';
import { runFfmpeg } from '../../../sandbox/programs';
import { binary, fileOf, mediaOf } from '../requests';

let fragments: Buffer;

beforeAll(async () => {
	const folder = await mkdtemp(join(tmpdir(), 'spending-'));
	const path = join(folder, 'fragments.mp4');
	await runFfmpeg([
		...['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=10:duration=4'],
		...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10'],
		...['-movflags', 'frag_keyframe+empty_moov', path],
	]);
	fragments = await readFile(path);
	await rm(folder, { recursive: true });
});

const secondsOf = async (content: Buffer) => {
	const media = await mediaOf({ video: binary(fileOf(content), 'Clip') });
	expect(media[0]?.facts.seconds).toBeUndefined();
	const functions = {} as unknown as IExecuteFunctions;
	return await videoSecondsOf(functions, wan27VideoEdit, media, 'https://dashscope.example');
};

test('a video in fragments is as long as they are, whose header does not say it', async () => {
	expect(await secondsOf(fragments)).toBeCloseTo(4, 1);
});

test('fragments that are damaged do not say it either', async () => {
	const damaged = Buffer.from(fragments);
	damaged.write('tfxx', damaged.indexOf('tfhd'), 'latin1');
	await expect(secondsOf(damaged)).resolves.toBeUndefined();
});
