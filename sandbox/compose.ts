import type { Media, ImageMedia, VideoMedia } from './media';
import { effectFor } from './promptEffects';
import { OUTPUT_FPS, type RenderInput, type RenderPlan } from './render';
import { even, type Size } from './sizes';

/** ffmpeg takes no endless decimals. */
const number = (value: number) => String(Number(value.toFixed(3)));

/** A box within the picture; shares of its width and height. */
export interface Box {
	x: number;
	y: number;
	width: number;
	height: number;
}

/**
 * Puts a result together: an ffmpeg filter graph whose pictures all have the result's size and frame
 * rate. Methods take and give the labels of streams; a label can be used once, as in ffmpeg.
 */
export class Composition {
	private readonly inputs: RenderInput[] = [];
	private readonly chains: string[] = [];
	private labels = 0;

	constructor(readonly size: Size) {}

	/** Some streams through filters. */
	chain(from: string[], filters: string): string {
		return this.linked(from, filters, 1)[0];
	}

	/** One stream as two. */
	twice(from: string): [string, string] {
		const [first, second = ''] = this.linked([from], 'split', 2);
		return [first, second];
	}

	/** Scaled and cropped to the whole picture. */
	fitted(from: string, box: Size = this.size, more = ''): string {
		const { width, height } = box;
		return this.chain(
			[from],
			`setpts=PTS-STARTPTS,scale=${width}:${height}:force_original_aspect_ratio=increase,` +
				`crop=${width}:${height},setsar=1,${more}fps=${OUTPUT_FPS},format=yuv420p`,
		);
	}

	/** A video or, for as long as is asked, a still picture. */
	picture(media: VideoMedia | ImageMedia, seconds: number, box?: Size): string {
		const from = this.fitted(`${this.input(media)}:v`, box);
		if (media.kind === 'image') return this.frozen(from, 'first', 0, seconds);
		return this.chain([from], `trim=end=${number(seconds)},setpts=PTS-STARTPTS`);
	}

	/** A video that starts again when it is over. */
	looped(media: VideoMedia): string {
		return `${this.input(media, ['-stream_loop', '-1'])}:v`;
	}

	/** A moving picture out of nothing. */
	invented(seconds: number): string {
		const source = `mandelbrot=s=320x180:r=${OUTPUT_FPS}:end_scale=0.02:end_pts=300`;
		const options = ['-f', 'lavfi', '-t', number(seconds)];
		return this.fitted(`${this.add({ path: source, sha256: source, options })}:v`);
	}

	/** Changed as the prompt wants it. */
	changed(from: string, prompt: string): string {
		const { filter } = effectFor(prompt, this.size);
		return this.chain([from], `${filter},fps=${OUTPUT_FPS},format=yuv420p`);
	}

	/** Thumbnails along the upper edge, in the order of the prompt's numbering. */
	thumbnails(from: string, media: Array<VideoMedia | ImageMedia>): string {
		const { width, height } = this.size;
		const box = even(Math.min(width / 6.2, height / 4.5));
		const margin = even(box / 8);
		const border = even(box / 40);
		return media.reduce((below, file, index) => {
			const thumbnail = this.chain(
				[`${this.input(file)}:v`],
				`scale=${box}:${box}:force_original_aspect_ratio=decrease,` +
					`pad=iw+${2 * border}:ih+${2 * border}:${border}:${border}:white,setsar=1`,
			);
			const x = margin + index * (box + 2 * border + margin);
			return this.chain([below, thumbnail], `overlay=${x}:${margin}`);
		}, from);
	}

	/** A picture within the picture, as large as fits into the box; `sway` moves it, in pixels. */
	placed(from: string, image: ImageMedia, box: Box, sway = 0): string {
		const width = even(box.width * this.size.width);
		const height = even(box.height * this.size.height);
		const shown = this.chain(
			[`${this.input(image)}:v`],
			`scale=${width}:${height}:force_original_aspect_ratio=decrease,setsar=1`,
		);
		const middle = (share: number, side: 'W' | 'H') => `${side}*${number(share)}`;
		const x = `${middle(box.x + box.width / 2, 'W')}-w/2+${number(sway)}*sin(t*2)`;
		const y = `${middle(box.y + box.height / 2, 'H')}-h/2+${number(sway / 3)}*sin(t*5)`;
		return this.chain([from, shown], `overlay=x='${x}':y='${y}'`);
	}

	/** A video within a larger picture, which goes on around it, blurred and changed as the prompt says. */
	framed(video: VideoMedia, seconds: number, inner: Box, prompt: string): string {
		const { width, height } = this.size;
		const box = { width: even(inner.width * width), height: even(inner.height * height) };
		const [around, within] = this.twice(this.picture(video, seconds, box));
		const wide = this.chain([around], `scale=${width}:${height},boxblur=24:2`);
		const place = `${even(inner.x * width)}:${even(inner.y * height)}`;
		return this.chain([this.changed(wide, prompt), within], `overlay=${place}`);
	}

	/** Pictures side by side, swaying. */
	scattered(from: string, images: ImageMedia[]): string {
		const width = 1 / images.length;
		return images.reduce((below, image, index) => {
			const box = { x: index * width, y: 0.2, width, height: 0.6 };
			return this.placed(below, image, box, this.size.width / 24);
		}, from);
	}

	/** `changed` where the mask is white, `kept` where it is black. */
	masked(kept: string, changed: string, mask: string): string {
		// In RGB, so that the mask counts for the colours as it does for the light.
		const planes = [kept, changed, mask].map((label) => this.chain([label], 'format=gbrp'));
		return this.chain(planes, 'maskedmerge,format=yuv420p');
	}

	/** The first or the last frame of a stream, for a while. */
	frozen(from: string, end: 'first' | 'last', streamSeconds: number, seconds: number): string {
		const last = `trim=start=${number(Math.max(0, streamSeconds - 0.3))},reverse,`;
		return this.chain(
			[from],
			`${end === 'last' ? last : ''}trim=end_frame=1,setpts=PTS-STARTPTS,` +
				`tpad=stop_mode=clone:stop_duration=${number(seconds)},trim=end=${number(seconds)},fps=${OUTPUT_FPS}`,
		);
	}

	/** The camera moves in, or out, to reach the whole picture at the end. */
	zoomed(from: string, direction: 'in' | 'out', seconds: number): string {
		const { width, height } = this.size;
		const centre = "x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2'";
		const frame = direction === 'in' ? 'on' : `max(0,${Math.round(seconds * OUTPUT_FPS)}-on)`;
		return this.chain(
			[from],
			`zoompan=z='1+0.15*${frame}/${OUTPUT_FPS}':d=1:${centre}:s=${width}x${height}:fps=${OUTPUT_FPS},setsar=1,format=yuv420p,trim=end=${number(seconds)},setpts=PTS-STARTPTS`,
		);
	}

	/** Fades over to another picture at the end. */
	leadingTo(from: string, to: string, seconds: number): string {
		const fade = Math.min(1, seconds / 2);
		const start = number(Math.max(0, seconds - fade - 0.1));
		const shown = this.chain([to], `format=yuva420p,fade=in:st=${start}:d=${number(fade)}:alpha=1`);
		return this.chain([from, shown], 'overlay,format=yuv420p');
	}

	/** One after another. */
	joined(parts: string[]): string {
		return parts.length === 1
			? (parts[0] ?? '')
			: this.chain(parts, `concat=n=${parts.length}:v=1:a=0`);
	}

	/** Both at once, half and half, for as long as the first one lasts. */
	mixed(first: string, second: string): string {
		return this.chain([first, second], 'blend=all_mode=average:shortest=1,format=yuv420p');
	}

	/** The sound of a file, silent once it is over. */
	sound(media: Media, filters = ''): string {
		return this.chain([`${this.input(media)}:a:0`], `${filters}apad`);
	}

	/** Sound out of nothing. */
	inventedSound(): string {
		const source = "aevalsrc='0.15*sin(2*PI*t*(220+20*sin(t)))':s=44100";
		return `${this.add({ path: source, sha256: source, options: ['-f', 'lavfi'] })}:a`;
	}

	plan(video: string, seconds: number, more: { sound?: string; watermark: boolean }): RenderPlan {
		const { size, inputs, chains } = this;
		return { size, inputs, chains, video, seconds, ...more };
	}

	private input(media: Media, options: string[] = []): number {
		return this.add({ path: media.path, sha256: media.sha256, options });
	}

	private add(input: RenderInput): number {
		return this.inputs.push(input) - 1;
	}

	private linked(from: string[], filters: string, count: number): [string, ...string[]] {
		const to = Array.from({ length: count }, () => `s${(this.labels += 1)}`);
		const label = (name: string) => `[${name}]`;
		this.chains.push(`${from.map(label).join('')}${filters}${to.map(label).join('')}`);
		const [first = '', ...others] = to;
		return [first, ...others];
	}
}

/** What the service does with the sound that it is to decide on: here the old one with a clear echo. */
export const NEW_SOUND = 'aecho=0.8:0.8:90|180:0.5|0.3,';
