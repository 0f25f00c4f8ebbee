import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { probeAudio, probeImage, probeVideo } from './probe';
import { cacheDir, Gate, runFfmpeg } from './programs';

// Sample media, made by ffmpeg at first use and kept in a cache folder under the hash of their recipe.

export interface Sample {
	path: string;
	fileName: string;
	mimeType: string;
	bytes: number;
	/** Of videos and images. */
	width: number;
	height: number;
	/** Of videos and sounds. */
	seconds?: number;
	hasAudio?: boolean;
}

/** The sample files by what they are for. */
export interface Samples<File> {
	/** Three seconds, 640x360, 25 fps, with sound. */
	video: File;
	portraitVideo: File;
	silentVideo: File;
	/** QuickTime instead of MP4. */
	movVideo: File;
	/** Six seconds: long enough for `duration` to cut. */
	longVideo: File;
	/** JPEG, PNG, WEBP, BMP. */
	images: File[];
	/** Of the size of `video`: white where the balloon flies, black elsewhere. */
	maskImage: File;
	/** The same, following the balloon. */
	maskVideo: File;
	/** MP3, three seconds. */
	audio: File;
	/** What the service refuses, each for one reason. */
	bad: {
		/** One second. */
		shortVideo: File;
		/** Twelve seconds. */
		tooLongVideo: File;
		/** 200x200. */
		smallVideo: File;
		/** PNG with an alpha channel. */
		alphaImage: File;
		/** 200x200. */
		smallImage: File;
	};
}

const FPS = 25;

/** One picture, painted by expressions of X, Y, W and H for red, green, blue and, perhaps, alpha. */
function painted(width: number, height: number, [r, g, b, a]: string[]): string[] {
	const opaque = a === undefined ? '' : `:a='${a}'`;
	const format = a === undefined ? 'gbrp' : 'rgba';
	const source = `color=black:s=${width}x${height}:r=1:d=1,format=${format},geq=r='${r}':g='${g}':b='${b}'${opaque}`;
	return ['-f', 'lavfi', '-i', source];
}

const glow = '150*exp(-3*max(0,hypot(X-0.68*W,Y-0.52*H)/(0.12*H)-1))';
const SKY = [
	`min(255,50+230*Y/H+${glow})`,
	`min(255,40+190*pow(Y/H,2)+${glow})`,
	`min(255,110+30*sin(PI*Y/H)+${glow})`,
];

/** Twice as wide as the picture and repeating, so that it can scroll without a seam. */
const hills = (colour: string[], base: number, waves: number) => [
	...colour,
	`255*gt(Y,H*(${base}-0.08*sin(2*PI*${waves}*X/W+1)-0.03*sin(2*PI*${3 * waves}*X/W)))`,
];
const FAR_HILLS = hills(['90', '63', '120'], 0.68, 2);
const NEAR_HILLS = hills(['29', '74', '70'], 0.82, 4);

/** A striped ball above a basket. */
const stripe = 'mod(floor(6*X/W),2)';
const ball = 'lt(hypot((X-W/2)/(0.48*W),(Y-0.36*H)/(0.36*H)),1)';
const basket = 'gt(Y,0.84*H)*lt(abs(X-W/2),0.14*W)+gt(Y,0.6*H)*lt(abs(abs(X-W/2)-0.12*W),1.5)';
const BALLOON = [
	`if(${ball},if(${stripe},255,224),74)`,
	`if(${ball},if(${stripe},241,65),48)`,
	`if(${ball},if(${stripe},214,60),32)`,
	`255*min(1,${ball}+${basket})`,
];

/** Four notes, again and again, each fading. */
const note = 'if(lt(mod(t,1),.25),0,if(lt(mod(t,1),.5),4,if(lt(mod(t,1),.75),7,12)))';
const tone = `0.35*sin(2*PI*t*261.63*pow(2,(${note})/12))*exp(-5*mod(t,.25))`;
const melody = ['-f', 'lavfi', '-i', `aevalsrc=exprs='${tone}|${tone}':s=44100`];

/** Where the balloon flies. */
const flight = (width: number, height: number) => ({
	size: Math.round(Math.min(width, height) / 6) * 2,
	x: `${width * 0.08}+t*${width / 10}`,
	y: `${height * 0.14}+${Math.min(width, height) / 18}*sin(t*2.2)`,
});

const plainFile = ['-map_metadata', '-1', '-fflags', '+bitexact'];
const h264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '21', '-movflags', '+faststart'];

/** An evening landscape with a balloon. */
function clip(width: number, height: number, seconds: number, sound: boolean): string[] {
	const { size, x, y } = flight(width, height);
	const args = [
		...['-f', 'lavfi', '-i', `color=black:s=${width}x${height}:r=${FPS}`],
		...painted(width, height, SKY),
		...painted(width * 2, height, FAR_HILLS),
		...painted(size, Math.round(size * 0.7) * 2, BALLOON),
		...painted(width * 2, height, NEAR_HILLS),
		...(sound ? melody : []),
	];
	const layers = [
		'[0][1]overlay[a]',
		`[a][2]overlay=x='-mod(t*${width / 16},${width})'[b]`,
		`[b][3]overlay=x='${x}':y='${y}'[c]`,
		`[c][4]overlay=x='-mod(t*${width / 5},${width})',format=yuv420p[v]`,
	];
	args.push('-filter_complex', layers.join(';'), '-map', '[v]');
	if (sound) args.push('-map', '5:a', '-c:a', 'aac', '-b:a', '96k');
	return [...args, '-t', String(seconds), ...h264, ...plainFile];
}

/** White on black, around the balloon of a clip. */
function maskClip(width: number, height: number, seconds: number): string[] {
	const { size, x, y } = flight(width, height);
	const black = `color=black:s=${width}x${height}:r=${FPS}`;
	const white = `color=white:s=${size}x${Math.round(size * 1.4)}:r=${FPS}`;
	const args = ['-f', 'lavfi', '-i', black, '-f', 'lavfi', '-i', white];
	args.push('-filter_complex', `[0][1]overlay=x='${x}':y='${y}',format=yuv420p`);
	return [...args, '-t', String(seconds), ...h264, ...plainFile];
}

/** Red and white squares; a star; a parasol; a leaf. */
const SCARF = [
	'if(mod(floor(8*X/W)+floor(8*Y/H),2),194,243)',
	'if(mod(floor(8*X/W)+floor(8*Y/H),2),47,227)',
	'if(mod(floor(8*X/W)+floor(8*Y/H),2),62,208)',
];
const point = 'abs(mod(atan2(X-W/2,H/2-Y)/(2*PI)*5+5,1)-0.5)';
const star = `lt(hypot(X-W/2,Y-H/2),W*(0.17+0.5*${point}))`;
const STAR = [`if(${star},255,8)`, `if(${star},212,95)`, `if(${star},71,105)`];
const dome = 'lt(hypot(X-W/2,Y-0.55*H),0.4*W)*lt(Y,0.55*H)';
const stick = 'lt(abs(X-W/2),0.015*W)*gt(Y,0.5*H)*lt(Y,0.9*H)';
const panel = 'mod(floor(5*X/W),2)';
const UMBRELLA = [
	`if(${dome},255,if(${stick},59,200))`,
	`if(${dome},if(${panel},143,184),if(${stick},43,220))`,
	`if(${dome},28,if(${stick},37,235))`,
];
const blade = 'lt(hypot(X-0.8*W,Y-0.2*H),0.7*W)*lt(hypot(X-0.2*W,Y-0.8*H),0.7*W)';
const vein = 'lt(abs(X-Y),0.012*W)';
const LEAF = [
	`if(${blade},if(${vein},220,60),245)`,
	`if(${blade},if(${vein},240,160),240)`,
	`if(${blade},if(${vein},180,70),225)`,
];
const area = '255*gt(X,0.06*W)*lt(X,0.45*W)*gt(Y,0.06*H)*lt(Y,0.7*H)';
const MASK = [area, area, area];

const still = (width: number, paint: string[], format: string, height = width) => [
	...painted(width, height, paint),
	...['-frames:v', '1', '-pix_fmt', format],
];

const FILES: Record<string, string[]> = {
	'balloon.mp4': clip(640, 360, 3, true),
	'balloon-portrait.mp4': clip(360, 640, 3, true),
	'balloon-silent.mp4': clip(640, 360, 3, false),
	'balloon.mov': clip(640, 360, 3, true),
	'balloon-long.mp4': clip(640, 360, 6, true),
	'too-short.mp4': clip(640, 360, 1, false),
	'too-long.mp4': clip(320, 240, 12, false),
	'too-small.mp4': clip(200, 200, 3, false),
	'mask.mp4': maskClip(640, 360, 3),
	'scarf.jpg': [...still(512, SCARF, 'yuvj420p'), '-q:v', '3'],
	'star.png': still(512, STAR, 'rgb24'),
	'umbrella.webp': still(512, UMBRELLA, 'yuv420p'),
	'leaf.jpg': [...still(640, LEAF, 'yuvj420p'), '-q:v', '3'],
	'star.bmp': still(256, STAR, 'bgr24'),
	'alpha.png': still(320, [...LEAF, '255*mod(floor(X/40),2)'], 'rgba'),
	'small.png': still(200, STAR, 'rgb24'),
	'mask.png': still(640, MASK, 'rgb24', 360),
	'melody.mp3': [...melody, '-t', '3', '-c:a', 'libmp3lame', ...plainFile],
};

/** Whatever changes the files changes this. */
const recipe = () => createHash('sha256').update(JSON.stringify(FILES)).digest('hex').slice(0, 16);

const MIME: Record<string, string> = {
	mp4: 'video/mp4',
	mov: 'video/quicktime',
	jpg: 'image/jpeg',
	png: 'image/png',
	webp: 'image/webp',
	bmp: 'image/bmp',
	mp3: 'audio/mpeg',
};

async function describe(dir: string, fileName: string): Promise<Sample> {
	const path = join(dir, fileName);
	const mimeType = MIME[fileName.slice(fileName.lastIndexOf('.') + 1)] ?? '';
	const common = { path, fileName, mimeType };
	if (mimeType.startsWith('audio/')) {
		const { bytes, seconds } = await probeAudio(path);
		return { ...common, bytes, width: 0, height: 0, seconds, hasAudio: true };
	}
	if (mimeType.startsWith('image/')) {
		const { bytes, width, height } = await probeImage(path);
		return { ...common, bytes, width, height };
	}
	const { bytes, width, height, seconds, hasAudio } = await probeVideo(path);
	return { ...common, bytes, width, height, seconds, hasAudio };
}

async function make(dir: string): Promise<void> {
	const partial = `${dir}.${randomUUID()}`;
	await mkdir(partial, { recursive: true });
	try {
		const gate = new Gate(2);
		const samples = await Promise.all(
			Object.entries(FILES).map(
				async ([name, args]) =>
					await gate.run(async () => {
						await runFfmpeg([...args, join(partial, name)]);
						return await describe(partial, name);
					}),
			),
		);
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

let made: Promise<Sample[]> | undefined;

/** Makes the samples, or finds those made before. */
export async function createSamples(): Promise<Sample[]> {
	made ??= load();
	try {
		return await made;
	} catch (error) {
		made = undefined;
		throw error;
	}
}

async function load(): Promise<Sample[]> {
	const dir = join(cacheDir('samples'), recipe());
	let files = await readIndex(dir);
	if (files === undefined) {
		await rm(dir, { recursive: true, force: true });
		await make(dir);
		files = await readIndex(dir);
	}
	if (files === undefined) throw new Error('the samples could not be made');
	return files;
}

/** @param files all that `createSamples` has made */
export function samplesOf<File extends Sample>(files: File[]): Samples<File> {
	const named = (name: string): File => {
		const sample = files.find(({ fileName }) => fileName === name);
		if (sample === undefined) throw new Error(`there is no sample ${name}`);
		return sample;
	};
	return {
		video: named('balloon.mp4'),
		portraitVideo: named('balloon-portrait.mp4'),
		silentVideo: named('balloon-silent.mp4'),
		movVideo: named('balloon.mov'),
		longVideo: named('balloon-long.mp4'),
		images: ['scarf.jpg', 'star.png', 'umbrella.webp', 'leaf.jpg', 'star.bmp'].map(named),
		maskImage: named('mask.png'),
		maskVideo: named('mask.mp4'),
		audio: named('melody.mp3'),
		bad: {
			shortVideo: named('too-short.mp4'),
			tooLongVideo: named('too-long.mp4'),
			smallVideo: named('too-small.mp4'),
			alphaImage: named('alpha.png'),
			smallImage: named('small.png'),
		},
	};
}
