export const RATIOS = ['16:9', '9:16', '1:1', '4:3', '3:4'] as const;
export const RESOLUTIONS = ['720P', '1080P'] as const;

export type Ratio = (typeof RATIOS)[number];
export type Resolution = (typeof RESOLUTIONS)[number];

export interface Size {
	width: number;
	height: number;
}

/** The table of the API reference: pixels by resolution and ratio. */
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

const even = (length: number) => Math.max(2, Math.round(length / 2) * 2);

/**
 * Without a ratio the service follows the input video "approximately": here the nearest even size
 * with the pixel area of the tier.
 */
export function outputSize(resolution: Resolution, ratio: Ratio | undefined, source: Size): Size {
	if (ratio !== undefined) {
		const [width, height] = SIZES[resolution][ratio];
		return { width, height };
	}
	const [tierWidth, tierHeight] = SIZES[resolution]['16:9'];
	const aspect = source.width / source.height;
	const width = Math.sqrt(tierWidth * tierHeight * aspect);
	return { width: even(width), height: even(width / aspect) };
}

/** The `SR` of usage. */
export const tierNumber = (resolution: Resolution) => (resolution === '720P' ? 720 : 1080);
