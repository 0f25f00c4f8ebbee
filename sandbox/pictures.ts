// Drawn pictures as PAM files, which ffmpeg reads: no fonts, no image library, nothing committed.

// Bound once: see scene.ts.
const { floor, max, min, round } = Math;

export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/** `paint` is asked for the colour at the centre of each pixel. */
export function pam(width: number, height: number, paint: (x: number, y: number) => Rgba): Buffer {
	const head = `P7\nWIDTH ${width}\nHEIGHT ${height}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n`;
	const pixels = Buffer.alloc(width * height * 4);
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			const [red, green, blue, alpha] = paint(x + 0.5, y + 0.5);
			const at = (y * width + x) * 4;
			pixels[at] = clampByte(red);
			pixels[at + 1] = clampByte(green);
			pixels[at + 2] = clampByte(blue);
			pixels[at + 3] = clampByte(alpha);
		}
	}
	return Buffer.concat([Buffer.from(head, 'latin1'), pixels]);
}

const clampByte = (value: number) => max(0, min(255, round(value)));

export const clamp = (value: number) => max(0, min(1, value));

export function mix(a: Rgba, b: Rgba, share: number): Rgba {
	const at = (index: 0 | 1 | 2 | 3) => a[index] + (b[index] - a[index]) * clamp(share);
	return [at(0), at(1), at(2), at(3)];
}

/** `top` over `bottom`, covering `share` of the pixel: soft edges. */
export function over(bottom: Rgba, top: Rgba, share: number): Rgba {
	const alpha = (top[3] / 255) * clamp(share);
	const under = bottom[3] / 255;
	const sum = alpha + under * (1 - alpha);
	if (sum === 0) return [0, 0, 0, 0];
	const at = (index: 0 | 1 | 2) => (top[index] * alpha + bottom[index] * under * (1 - alpha)) / sum;
	return [at(0), at(1), at(2), sum * 255];
}

// "AI生成", the mark that the service puts on the picture, sixteen dots high.
const MARK = [
	'.....##......######...........#.................#.#.....',
	'.....##........##........#....#.................#..#....',
	'....#..#.......##........#....#.................#.......',
	'....#..#.......##........#....#...........############..',
	'...##..##......##.......#############.....#.....#.......',
	'...#....#......##.......#.....#...........#.....#...#...',
	'...#....#......##......#......#...........#.....#...#...',
	'..##....##.....##......#......#...........#####.#...#...',
	'..#......#.....##.....#.......#...........#...#.#..#....',
	'..########.....##........###########......#...#..#.#....',
	'.##......##....##.............#...........#...#..##.....',
	'.#........#....##.............#...........#...#..#......',
	'.#........#....##.............#..........#..##..#.#..#..',
	'##........##...##.............#..........#.....#...#.#..',
	'##........##.######....##############...#.....#.....##..',
	'........................................................',
];

const MARK_WIDTH = 56;
const MARK_MARGIN = 5;

export function watermark(): Buffer {
	const white: Rgba = [255, 255, 255, 235];
	const shade: Rgba = [0, 0, 0, 110];
	return pam(MARK_WIDTH + 2 * MARK_MARGIN, MARK.length + 2 * MARK_MARGIN, (x, y) => {
		const row = MARK[floor(y) - MARK_MARGIN];
		return row?.[floor(x) - MARK_MARGIN] === '#' ? white : shade;
	});
}
