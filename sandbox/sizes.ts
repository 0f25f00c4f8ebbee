export const RATIOS = ['16:9', '9:16', '1:1', '4:3', '3:4'] as const;
export const RESOLUTIONS = ['720P', '1080P'] as const;

export type Ratio = (typeof RATIOS)[number];
export type Resolution = (typeof RESOLUTIONS)[number];

export interface Size {
	width: number;
	height: number;
}

/** The table of wan2.7's API reference: pixels by resolution and ratio. */
export const SIZES: Record<Resolution, Record<Ratio, readonly [number, number]>> = {
	'720P': {
		'16:9': [1280, 720],
		'9:16': [720, 1280],
		'1:1': [960, 960],
		'4:3': [1104, 832],
		'3:4': [832, 1104],
	},
	'1080P': {
		'16:9': [1920, 1080],
		'9:16': [1080, 1920],
		'1:1': [1440, 1440],
		'4:3': [1648, 1248],
		'3:4': [1248, 1648],
	},
};

const AREAS: Record<Resolution | '480P', number> = {
	'480P': 832 * 480,
	'720P': 1280 * 720,
	'1080P': 1920 * 1080,
};

export const even = (length: number) => Math.max(2, Math.round(length / 2) * 2);

/** The nearest even size of a shape with the pixel area of the tier. */
export function sizeOfShape(resolution: Resolution | '480P', aspect: number): Size {
	const width = Math.sqrt(AREAS[resolution] * aspect);
	return { width: even(width), height: even(width / aspect) };
}

/** Without a ratio the service follows the input video "approximately". */
export function outputSize(resolution: Resolution, ratio: Ratio | undefined, source: Size): Size {
	if (ratio === undefined) return sizeOfShape(resolution, source.width / source.height);
	const [width, height] = SIZES[resolution][ratio];
	return { width, height };
}

/** The `SR` of usage. */
export const tierNumber = (resolution: Resolution | '480P') => Number.parseInt(resolution, 10);
