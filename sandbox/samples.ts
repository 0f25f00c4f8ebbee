import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { cacheDir, Gate, runFfmpeg } from './programs';
import { probeImage, probeVideo } from './probe';
import { balloon, hills, sky, STILLS } from './scene';

// Sample media, made at first use and kept in a cache folder under the hash of their recipe.

export interface Sample {
	path: string;
	fileName: string;
	mimeType: string;
	bytes: number;
	width: number;
	height: number;
	/** Of videos. */
	seconds?: number;
	hasAudio?: boolean;
}

export interface Samples {
	/** Three seconds, 640x360, 25 fps, with sound. */
	video: Sample;
	portraitVideo: Sample;
	silentVideo: Sample;
	/** QuickTime instead of MP4. */
	movVideo: Sample;
	/** Six seconds: long enough for `duration` to cut. */
	longVideo: Sample;
	/** JPEG, PNG, WEBP, BMP. */
	images: Sample[];
	/** What the service refuses, each for one reason. */
	bad: {
		/** One second. */
		shortVideo: Sample;
		/** Twelve seconds. */
		tooLongVideo: Sample;
		/** 200x200. */
		smallVideo: Sample;
		/** PNG with an alpha channel. */
		alphaImage: Sample;
		/** 200x200. */
		smallImage: Sample;
	};
}

const FPS = 25;

interface Clip {
	width: number;
	height: number;
	seconds: number;
	sound: boolean;
}

const CLIPS: Record<string, Clip> = {
	'balloon.mp4': { width: 640, height: 360, seconds: 3, sound: true },
	'balloon-portrait.mp4': { width: 360, height: 640, seconds: 3, sound: true },
	'balloon-silent.mp4': { width: 640, height: 360, seconds: 3, sound: false },
	'balloon.mov': { width: 640, height: 360, seconds: 3, sound: true },
	'balloon-long.mp4': { width: 640, height: 360, seconds: 6, sound: true },
	'too-short.mp4': { width: 640, height: 360, seconds: 1, sound: false },
	'too-long.mp4': { width: 320, height: 240, seconds: 12, sound: false },
	'too-small.mp4': { width: 200, height: 200, seconds: 3, sound: false },
};

/** Four notes, again and again, each fading. */
const note = 'if(lt(mod(t,1),.25),0,if(lt(mod(t,1),.5),4,if(lt(mod(t,1),.75),7,12)))';
const tone = `0.35*sin(2*PI*t*261.63*pow(2,(${note})/12))*exp(-5*mod(t,.25))`;

/** `layers`: sky, far hills, near hills, balloon. */
function clipArgs(layers: string[], { width, height, seconds, sound }: Clip): string[] {
	const args = layers.flatMap((layer) => ['-framerate', String(FPS), '-loop', '1', '-i', layer]);
	if (sound) args.push('-f', 'lavfi', '-i', `aevalsrc=exprs='${tone}|${tone}':s=44100`);
	const size = Math.min(width, height);
	args.push(
		'-filter_complex',
		[
			`[0][1]overlay=x='-mod(t*${width / 16},${width})':y=0[a]`,
			`[a][3]overlay=x='${width * 0.08}+t*${width / 10}':y='${height * 0.14}+${size / 18}*sin(t*2.2)'[b]`,
			`[b][2]overlay=x='-mod(t*${width / 5},${width})':y=0,format=yuv420p[v]`,
		].join(';'),
	);
	args.push('-map', '[v]');
	if (sound) args.push('-map', '4:a', '-c:a', 'aac', '-b:a', '96k');
	args.push('-t', String(seconds), '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '21');
	args.push('-map_metadata', '-1', '-fflags', '+bitexact', '-movflags', '+faststart');
	return args;
}

/** The pictures of a scene, drawn once for all clips of a size: sky, hills, hills, balloon. */
async function drawLayers(dir: string, { width, height }: Clip): Promise<string[]> {
	const pictures = [
		sky(width, height),
		hills(width, height, false),
		hills(width, height, true),
		balloon(Math.round(Math.min(width, height) / 6) * 2),
	];
	const layers: string[] = [];
	for (const [index, picture] of pictures.entries()) {
		const path = join(dir, `${width}x${height}.layer${index}.pam`);
		await writeFile(path, picture);
		layers.push(path);
	}
	return layers;
}

async function makeClips(dir: string, gate: Gate): Promise<void> {
	const scenes = new Map<string, Promise<string[]>>();
	const clips = Object.entries(CLIPS).map(async ([name, clip]) => {
		const size = `${clip.width}x${clip.height}`;
		const scene = scenes.get(size) ?? drawLayers(dir, clip);
		scenes.set(size, scene);
		const layers = await scene;
		await gate.run(async () => await runFfmpeg([...clipArgs(layers, clip), join(dir, name)]));
	});
	await Promise.all(clips);
	await Promise.all([...scenes.values()].map(async (scene) => await removeAll(await scene)));
}

const removeAll = async (paths: string[]) =>
	await Promise.all(paths.map(async (path) => await rm(path)));

const STILL_FILES: Array<{ name: string; still: keyof typeof STILLS; size: number; alpha?: true }> =
	[
		{ name: 'scarf.jpg', still: 'scarf', size: 512 },
		{ name: 'star.png', still: 'star', size: 512 },
		{ name: 'umbrella.webp', still: 'umbrella', size: 512 },
		{ name: 'leaf.jpg', still: 'leaf', size: 640 },
		{ name: 'star.bmp', still: 'star', size: 256 },
		{ name: 'alpha.png', still: 'leaf', size: 320, alpha: true },
		{ name: 'small.png', still: 'star', size: 200 },
	];

async function makeStills(dir: string): Promise<void> {
	for (const { name, still, size, alpha } of STILL_FILES) {
		const drawn = join(dir, `${name}.pam`);
		await writeFile(drawn, STILLS[still](size));
		const format = name.endsWith('.png') ? ['-pix_fmt', alpha ? 'rgba' : 'rgb24'] : [];
		if (name.endsWith('.bmp')) format.push('-pix_fmt', 'bgr24');
		const quality = name.endsWith('.jpg') ? ['-q:v', '3', '-pix_fmt', 'yuvj420p'] : [];
		await runFfmpeg(['-i', drawn, ...format, ...quality, '-frames:v', '1', join(dir, name)]);
		await rm(drawn);
	}
}

/** Whatever changes the files must change this. */
async function recipe(): Promise<string> {
	const hash = createHash('sha256').update(JSON.stringify([CLIPS, STILL_FILES]));
	const example = clipArgs(['0', '1', '2', '3'], {
		width: 64,
		height: 36,
		seconds: 1,
		sound: true,
	});
	hash.update(JSON.stringify(example));
	hash
		.update(sky(64, 36))
		.update(hills(64, 36, true))
		.update(hills(64, 36, false));
	hash.update(balloon(32));
	for (const still of Object.values(STILLS)) hash.update(still(48));
	return hash.digest('hex').slice(0, 16);
}

const MIME: Record<string, string> = {
	mp4: 'video/mp4',
	mov: 'video/quicktime',
	jpg: 'image/jpeg',
	png: 'image/png',
	webp: 'image/webp',
	bmp: 'image/bmp',
};

async function describe(dir: string, fileName: string): Promise<Sample> {
	const path = join(dir, fileName);
	const mimeType = MIME[fileName.slice(fileName.lastIndexOf('.') + 1)] ?? '';
	const { bytes, width, height, ...more } = mimeType.startsWith('video/')
		? await probeVideo(path)
		: await probeImage(path);
	const video = 'seconds' in more ? { seconds: more.seconds, hasAudio: more.hasAudio } : {};
	return { path, fileName, mimeType, bytes, width, height, ...video };
}

const NAMES = [...Object.keys(CLIPS), ...STILL_FILES.map(({ name }) => name)];

async function make(dir: string): Promise<void> {
	const partial = `${dir}.${randomUUID()}`;
	await mkdir(partial, { recursive: true });
	try {
		const gate = new Gate(2);
		await Promise.all([makeClips(partial, gate), gate.run(async () => await makeStills(partial))]);
		const samples = [];
		for (const name of NAMES) samples.push(await describe(partial, name));
		// Their paths are those of the partial folder, and replaced when the index is read.
		const index = samples.map((sample) => ({ ...sample, path: '' }));
		await writeFile(join(partial, 'index.json'), JSON.stringify(index));
		// Another process may have made the same folder in the meantime: either one will do.
		await rename(partial, dir).catch(async (error: unknown) => {
			await stat(join(dir, 'index.json')).catch(() => {
				throw error;
			});
		});
	} finally {
		await rm(partial, { recursive: true, force: true });
	}
}

async function readIndex(dir: string): Promise<Sample[] | undefined> {
	const text = await readFile(join(dir, 'index.json'), 'utf8').catch(() => undefined);
	if (text === undefined) return undefined;
	const samples = (JSON.parse(text) as Sample[]).map((sample) => ({
		...sample,
		path: join(dir, sample.fileName),
	}));
	// Temporary folders are sometimes swept file by file.
	for (const { path, bytes } of samples) {
		const size = (await stat(path).catch(() => undefined))?.size;
		if (size !== bytes) return undefined;
	}
	return samples;
}

let made: Promise<Samples> | undefined;

/** Makes the samples, or finds those made before. */
export async function createSamples(): Promise<Samples> {
	made ??= load();
	try {
		return await made;
	} catch (error) {
		made = undefined;
		throw error;
	}
}

async function load(): Promise<Samples> {
	const dir = join(cacheDir('samples'), await recipe());
	let files = await readIndex(dir);
	if (files === undefined) {
		await rm(dir, { recursive: true, force: true });
		await make(dir);
		files = await readIndex(dir);
	}
	const named = (name: string): Sample => {
		const sample = files?.find(({ fileName }) => fileName === name);
		if (sample === undefined) throw new Error(`the sample ${name} could not be made`);
		return sample;
	};
	return {
		video: named('balloon.mp4'),
		portraitVideo: named('balloon-portrait.mp4'),
		silentVideo: named('balloon-silent.mp4'),
		movVideo: named('balloon.mov'),
		longVideo: named('balloon-long.mp4'),
		images: ['scarf.jpg', 'star.png', 'umbrella.webp', 'leaf.jpg', 'star.bmp'].map(named),
		bad: {
			shortVideo: named('too-short.mp4'),
			tooLongVideo: named('too-long.mp4'),
			smallVideo: named('too-small.mp4'),
			alphaImage: named('alpha.png'),
			smallImage: named('small.png'),
		},
	};
}
