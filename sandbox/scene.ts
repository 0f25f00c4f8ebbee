import { clamp, mix, over, pam, type Rgba } from './pictures';

// What the sample media show: an evening landscape with a balloon, and a few things to take as
// reference images. Drawn here, so that no binary files and no fonts are needed.

// Bound once: where globals are looked up in a sandboxed context, as in tests, that lookup per pixel
// would take longer than the drawing.
const { PI, SQRT2, abs, asin, atan2, cos, exp, floor, hypot, max, min, round, sin, sqrt } = Math;

const rgb = (hex: number): Rgba => [(hex >> 16) & 255, (hex >> 8) & 255, hex & 255, 255];

/** Share of a pixel that lies inside a shape, from the signed distance to its edge. */
const inside = (distance: number) => clamp(0.5 - distance);

export function sky(width: number, height: number): Buffer {
	const sunX = width * 0.68;
	const sunY = height * 0.52;
	const radius = min(width, height) * 0.12;
	const stops = [rgb(0x2b2d6e), rgb(0x8a4f9e), rgb(0xf2856d), rgb(0xffd27a)] as const;
	return pam(width, height, (x, y) => {
		const place = clamp(y / (height * 0.8)) * 3;
		const base =
			place < 1
				? mix(stops[0], stops[1], place)
				: place < 2
					? mix(stops[1], stops[2], place - 1)
					: mix(stops[2], stops[3], place - 2);
		const distance = hypot(x - sunX, y - sunY);
		const glow = exp(-max(0, distance - radius) / (radius * 1.4)) * 0.55;
		return over(mix(base, rgb(0xfff2c4), glow), rgb(0xfff6d8), inside(distance - radius));
	});
}

/** Twice as wide as the picture and repeating, so that it can scroll without a seam. */
export function hills(width: number, height: number, near: boolean): Buffer {
	const base = height * (near ? 0.82 : 0.68);
	const swing = height * (near ? 0.07 : 0.09);
	const colour = near ? rgb(0x1d4a46) : rgb(0x5a3f78);
	const foot = near ? rgb(0x0e2a2b) : rgb(0x7a4f80);
	return pam(width * 2, height, (x, y) => {
		const turn = (x / width) * 2 * PI;
		const top =
			base - swing * sin(turn * (near ? 2 : 1) + 1) - swing * 0.4 * sin(turn * (near ? 5 : 3));
		const share = inside(top - y);
		if (share === 0) return [0, 0, 0, 0];
		const body = mix(colour, foot, (y - top) / (height - top));
		return [body[0], body[1], body[2], share * 255];
	});
}

export function balloon(size: number): Buffer {
	const height = round((size * 1.4) / 2) * 2;
	const centre = size / 2;
	const radius = size * 0.46;
	return pam(size, height, (x, y) => {
		const dx = (x - centre) / radius;
		const dy = (y - radius - 2) / (radius * (y > radius + 2 ? 1.25 : 1));
		const hull = inside((hypot(dx, dy) - 1) * radius);
		// Meridians get narrower towards the edge, as on a ball.
		const meridian = asin(max(-1, min(1, dx / sqrt(max(0.05, 1 - dy * dy)))));
		const stripe = floor((meridian / PI + 0.5) * 6) % 2 === 0;
		const colour = mix(stripe ? rgb(0xe0413c) : rgb(0xfff1d6), rgb(0x40101c), clamp(dx * 0.45));
		const basket = inside(max(abs(x - centre) - size * 0.11, abs(y - height * 0.92) - size * 0.08));
		const rope = inside(
			max(abs(abs(x - centre) - size * 0.1) - 1, abs(y - height * 0.82) - size * 0.08),
		);
		const hung = over([0, 0, 0, 0], rgb(0x4a3020), max(basket, rope));
		return over(hung, colour, hull);
	});
}

/** Pictures without alpha: every pixel is covered. */
export type Still = (size: number) => Buffer;

const star: Still = (size) =>
	pam(size, size, (x, y) => {
		const [dx, dy] = [x - size / 2, y - size / 2];
		const angle = ((atan2(dx, -dy) / (2 * PI)) * 5 + 5) % 1;
		const edge = size * (0.17 + 0.25 * abs(angle - 0.5) * 2);
		const ground = mix(rgb(0x0b6e75), rgb(0x063b4c), hypot(dx, dy) / size);
		return over(ground, rgb(0xffd447), inside(hypot(dx, dy) - edge));
	});

const scarf: Still = (size) =>
	pam(size, size, (x, y) => {
		const cell = size / 8;
		const [column, row] = [floor(x / cell), floor(y / cell)];
		const weave = ((x + y) / 6) % 2 < 1 ? 0.12 : 0;
		const colour =
			column % 2 === row % 2 ? rgb(0xc22f3e) : column % 2 === 0 ? rgb(0x7d1a2c) : rgb(0xf3e3d0);
		return mix(colour, rgb(0x2a0a12), weave);
	});

const umbrella: Still = (size) =>
	pam(size, size, (x, y) => {
		const [dx, dy] = [x - size / 2, y - size * 0.55];
		const ground = mix(rgb(0xdfeaf2), rgb(0xa9c3d6), y / size);
		const stick = inside(max(abs(dx) - size * 0.015, abs(y - size * 0.7) - size * 0.18));
		const scallop = size * 0.04 * abs(sin((dx / size) * 5 * PI + PI / 2));
		const dome = inside(max(hypot(dx, dy) - size * 0.38, dy + scallop));
		const panel = floor((dx / size + 0.5) * 5) % 2 === 0 ? rgb(0xffb81c) : rgb(0xff8f1c);
		return over(over(ground, rgb(0x3b2c25), stick), panel, dome);
	});

const leaf: Still = (size) =>
	pam(size, size, (x, y) => {
		const [u, v] = [(x - y) / SQRT2, (x + y) / SQRT2 - size * 0.707];
		const half = size * 0.2 * cos(clamp(abs(v) / (size * 0.42)) * (PI / 2));
		const vein = abs(u) < 2 || abs(((abs(u) * 1.2 + v + size) % (size / 10)) - 4) < 1;
		const body = mix(rgb(0x2f8f3a), rgb(0x9ccf4a), clamp(0.5 + u / (size * 0.4)));
		const ground = mix(rgb(0xf7f2e4), rgb(0xe9dcc0), y / size);
		const green = vein ? mix(body, rgb(0xe7f3c0), 0.6) : body;
		return over(ground, green, half > 0 ? inside(abs(u) - half) : 0);
	});

export const STILLS = { star, scarf, umbrella, leaf };
