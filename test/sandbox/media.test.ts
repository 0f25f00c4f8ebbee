import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { startSandbox, type Sandbox } from '../../sandbox';
import { edited, type Json } from './client';
import { produce } from './pictures';

// Media are fetched and opened; what is wrong with them shows as a FAILED task in HTTP 200.

let sandbox: Sandbox;
let files: Server;
let filesUrl: string;
const content = new Map<string, Buffer>();

beforeAll(async () => {
	sandbox = await startSandbox({ jobSeconds: 0, submitsPerSecond: 1000, queriesPerSecond: 1000 });
	files = createServer((request, response) => {
		const path = request.url ?? '';
		const body = content.get(path);
		if (path.startsWith('/status/')) response.writeHead(Number(path.slice(8))).end();
		else if (path === '/moved') response.writeHead(302, { location: '/good.mp4' }).end();
		else if (path === '/cut') {
			response.writeHead(200, { 'content-length': '1000' });
			response.write('half', () => response.destroy());
		} else if (path === '/endless') {
			response.writeHead(200);
			const more = () => {
				while (!response.destroyed && response.write(Buffer.alloc(1024 * 1024)));
				response.once('drain', more);
			};
			more();
		} else if (body === undefined) response.writeHead(404).end();
		else response.end(body);
	});
	await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
	filesUrl = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
	content.set('/good.mp4', await readFile(sandbox.samples.video.path));
});
afterAll(async () => {
	files.closeAllConnections();
	await new Promise((resolve) => files.close(resolve));
	await sandbox.stop();
});

const parameters = { resolution: '720P', duration: 2 };

const withVideo = async (url: string) =>
	(await edited(sandbox, { media: [{ type: 'video', url }], parameters })).output as Json;

const withImage = async (url: string) => {
	const media = [
		{ type: 'video', url: sandbox.samples.video.url },
		{ type: 'reference_image', url },
	];
	return (await edited(sandbox, { media, parameters })).output as Json;
};

const served = (name: string, body: Buffer) => {
	content.set(`/${name}`, body);
	return `${filesUrl}/${name}`;
};

const dataUri = (mime: string, body: Buffer) => `data:${mime};base64,${body.toString('base64')}`;

describe('videos', () => {
	it('are taken as MP4 and MOV, whatever the URL looks like, also behind a redirect', async () => {
		const { movVideo } = sandbox.samples;
		const urls = [movVideo.url, `${filesUrl}/moved`];
		urls.push(served('watch?v=1', await readFile(movVideo.path)));
		for (const url of urls) {
			expect(await withVideo(url)).toMatchObject({ task_status: 'SUCCEEDED' });
		}
	});

	it.each([
		['shortVideo', 'InvalidFile.Duration', '2s and 10s, got 1s'],
		['tooLongVideo', 'InvalidFile.Duration', '2s and 10s, got 12s'],
		['smallVideo', 'InvalidFile.Resolution', '240 ~ 4096, got 200x200'],
	] as const)('are refused: %s', async (name, code, message) => {
		const output = await withVideo(sandbox.samples.bad[name].url);
		expect(output).toMatchObject({ task_status: 'FAILED', code });
		expect(output.message).toContain(message);
	});

	it('are refused when they are wider than 8:1', async () => {
		const args = ['-f', 'lavfi', '-i', 'testsrc2=s=2400x240:r=10:d=2', '-c:v', 'libx264'];
		const url = served('wide.mp4', await produce([...args, '-preset', 'ultrafast'], 'mp4'));
		expect(await withVideo(url)).toMatchObject({ code: 'InvalidFile.AspectRatio' });
	});

	it('are refused in other containers, and when they are none', async () => {
		const { video, images } = sandbox.samples;
		const mkv = await produce(['-i', video.path, '-c', 'copy'], 'mkv');
		expect(await withVideo(served('a.mp4', mkv))).toMatchObject({ code: 'InvalidFile.Format' });
		const picture = images[0]?.url ?? '';
		expect(await withVideo(picture)).toMatchObject({ code: 'InvalidFile.Format' });
		const half = (await readFile(video.path)).subarray(0, 40);
		expect(await withVideo(served('half.mp4', half))).toMatchObject({
			code: 'InvalidFile.Openerror',
		});
	});

	it('are refused above 100 MB, without reading on', async () => {
		const output = await withVideo(`${filesUrl}/endless`);
		expect(output).toMatchObject({ code: 'InvalidFile.Size' });
		expect(output.message).toContain('less than 100MB');
	});

	it.each([
		['/status/403', 'InvalidParameter.DataInspection', /^Don't have authorization/],
		['/status/404', 'InvalidParameter.DataInspection', /^Unable to download/],
		['/status/500', 'InvalidParameter.DataInspection', /^Unable to download/],
		['/cut', 'InvalidParameter.DataInspection', /^Unable to download/],
	])('are refused when the server answers %s', async (path, code, message) => {
		const output = await withVideo(filesUrl + path);
		expect(output).toMatchObject({ task_status: 'FAILED', code });
		expect(output.message).toMatch(message);
	});

	it('are refused when nobody listens', async () => {
		// The discard port of loopback; nothing serves it.
		const output = await withVideo('http://127.0.0.1:9/a.mp4');
		expect(output.code).toMatch(/^InvalidURL\.ConnectionRefused$|^InvalidParameter/);
	});
});

describe('images', () => {
	it('are taken as JPEG, PNG, WEBP and BMP, by URL and as data', async () => {
		const { images } = sandbox.samples;
		expect(images.map(({ mimeType }) => mimeType).sort()).toEqual([
			'image/bmp',
			'image/jpeg',
			'image/jpeg',
			'image/png',
			'image/webp',
		]);
		for (const { url, path, mimeType } of images) {
			expect(await withImage(url)).toMatchObject({ task_status: 'SUCCEEDED' });
			const data = dataUri(mimeType, await readFile(path));
			expect(await withImage(data)).toMatchObject({ task_status: 'SUCCEEDED' });
		}
		const shown = sandbox.tasks().at(-1)?.media[1]?.url;
		expect(shown).toMatch(/^data:image\/\w+;base64,…$/);
	});

	it.each([
		['alphaImage', 'InvalidFile.Format', 'alpha'],
		['smallImage', 'InvalidFile.Resolution', '240 ~ 8000, got 200x200'],
	] as const)('are refused: %s', async (name, code, message) => {
		const output = await withImage(sandbox.samples.bad[name].url);
		expect(output).toMatchObject({ task_status: 'FAILED', code });
		expect(output.message).toContain(message);
	});

	it('are refused when they are something else', async () => {
		const { video, images } = sandbox.samples;
		expect(await withImage(video.url)).toMatchObject({ code: 'InvalidFile.Format' });
		const gif = await produce(['-i', images[0]?.path ?? ''], 'gif');
		expect(await withImage(served('a.png', gif))).toMatchObject({ code: 'InvalidFile.Format' });
	});

	it('are refused when the data URI lies about the type', async () => {
		const jpeg = await readFile(sandbox.samples.images[0]?.path ?? '');
		expect(await withImage(dataUri('image/png', jpeg))).toMatchObject({
			code: 'InvalidParameter.DataInspection',
			message: 'The media format is not supported or incorrect for the data inspection.',
		});
	});

	it('are refused above 20 MB', async () => {
		const jpeg = await readFile(sandbox.samples.images[0]?.path ?? '');
		const large = Buffer.concat([jpeg, Buffer.alloc(20 * 1024 * 1024)]);
		const output = await withImage(dataUri('image/jpeg', large));
		expect(output).toMatchObject({ code: 'InvalidFile.Size' });
		expect(output.message).toContain('less than 20MB');
	});
});
