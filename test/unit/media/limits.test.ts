import { InputError } from '../../../nodes/shared/inputError';
import { checkFacts, describeLimits, validateFile } from '../../../nodes/shared/media/limits';
import { animateMix } from '../../../nodes/WanVideoEdit/models/animateMix';
import { happyHorse } from '../../../nodes/WanVideoEdit/models/happyHorse';
import { WAN_IMAGE, WAN_VIDEO } from '../../../nodes/WanVideoEdit/models/limits';
import type { ModelSpec } from '../../../nodes/WanVideoEdit/models/spec';
import {
	vaceEdit,
	vaceExtend,
	vaceReference,
	vaceRepaint,
} from '../../../nodes/WanVideoEdit/models/vacePlus';
import { wan27I2v } from '../../../nodes/WanVideoEdit/models/wan27I2v';
import { wan27VideoEdit } from '../../../nodes/WanVideoEdit/models/wan27VideoEdit';
import { wan3Video } from '../../../nodes/WanVideoEdit/models/wan3Video';
import type { MediaFacts } from '../../../nodes/shared/media/headers';
import type { MediaFormat } from '../../../nodes/shared/media/types';

const MP4: MediaFormat = { kind: 'video', extension: 'mp4', mimeType: 'video/mp4' };
const JPEG: MediaFormat = { kind: 'image', extension: 'jpg', mimeType: 'image/jpeg' };
const PNG: MediaFormat = { kind: 'image', extension: 'png', mimeType: 'image/png' };
const WEBP: MediaFormat = { kind: 'image', extension: 'webp', mimeType: 'image/webp' };

/** The refusal in words, or undefined where the file passes. */
function refusal(format: MediaFormat, facts: MediaFacts, fileName?: string): string | undefined {
	try {
		checkFacts(
			format.kind === 'video' ? WAN_VIDEO : WAN_IMAGE,
			format,
			'Video Field',
			fileName,
			facts,
		);
		return undefined;
	} catch (error) {
		if (!(error instanceof InputError)) throw error;
		expect(error.hint).toMatch(/^[A-Z].+\.$/);
		return `${error.message}. ${error.hint}`;
	}
}

describe('seconds', () => {
	it.each([2, 1.95, 1.9499, 5, 9.999, 10, 10.01, 10.03, 10.04, 10.05, 10.0504])(
		'%d passes',
		(seconds) => {
			expect(refusal(MP4, { seconds })).toBeUndefined();
		},
	);

	it.each([0.04, 1, 1.94, 1.949, 10.051, 10.06, 10.5, 60, 1e12])('%d is refused', (seconds) => {
		expect(refusal(MP4, { seconds })).toContain(`is ${seconds} seconds long; the limit is 2 to 10`);
	});

	it('says what to do', () => {
		expect(refusal(MP4, { seconds: 12.34 }, 'clip.mp4')).toBe(
			"'Video Field' (clip.mp4) is 12.34 seconds long; the limit is 2 to 10 seconds. Cut the video to 10 seconds or less.",
		);
		expect(refusal(MP4, { seconds: 1 / 3 })).toBe(
			"'Video Field' is 0.333 seconds long; the limit is 2 to 10 seconds. Use a video of at least 2 seconds.",
		);
	});
});

describe.each([
	['video', MP4, WAN_VIDEO.maxSide],
	['image', JPEG, WAN_IMAGE.maxSide],
])('pixels of a %s', (noun, format, most) => {
	it.each([
		[240, 240],
		[240, 1920],
		[1920, 240],
		[most, most],
		[most, most / 8],
		[most / 8, most],
	])('%d × %d passes', (width, height) => {
		expect(refusal(format, { width, height })).toBeUndefined();
	});

	it.each([
		[239, 240],
		[240, 239],
		[most + 1, most],
		[most, most + 1],
		[1, 1],
	])('%d × %d is refused', (width, height) => {
		expect(refusal(format, { width, height })).toContain(
			`is ${width} × ${height} pixels; the limit is 240 to ${most} pixels for both width and height`,
		);
	});

	it('says what to do', () => {
		expect(refusal(format, { width: 200, height: 100 }, 'a.bin')).toBe(
			`'Video Field' (a.bin) is 200 × 100 pixels; the limit is 240 to ${most} pixels for both width and height. Use a larger ${noun}, or scale it up until its short side has at least 240 pixels.`,
		);
		expect(refusal(format, { width: 9000, height: 9000 })).toContain(
			`Scale the ${noun} down until its long side has at most ${most} pixels.`,
		);
	});

	it.each([
		[1921, 240, '8.1:1'],
		[240, 1921, '1:8.1'],
		[4000, 250, '16:1'],
		[1, 2 ** 32 - 1, '1:4294967295'],
	])('%d × %d is refused by its ratio', (width, height, ratio) => {
		expect(refusal(format, { width, height })).toBe(
			`'Video Field' is ${width} × ${height} pixels, an aspect ratio of ${ratio}; the limit is 1:8 to 8:1. Crop the ${noun} or add borders, so that the long side is at most 8 times the short one.`,
		);
	});
});

it('refuses a PNG with transparency, and no other image', () => {
	expect(refusal(PNG, { transparent: true }, 'logo.png')).toBe(
		"'Video Field' (logo.png) is a PNG with transparency (an alpha channel), which the model does not take. Save it without transparency, on a background color for instance, or convert it to JPEG.",
	);
	expect(refusal(PNG, { transparent: false })).toBeUndefined();
	expect(refusal(WEBP, { transparent: true })).toBeUndefined();
});

it('takes a PNG with transparency for models whose pages do not forbid it', () => {
	const takes = ({ slots }: ModelSpec) =>
		slots
			.filter(({ limits }) => limits.kind === 'image')
			.map(({ place, limits }) => {
				const check = () => {
					const facts = { width: 1280, height: 720, transparent: true };
					checkFacts(limits, PNG, 'Image', undefined, facts);
				};
				const hint = /PNG\b(?! without transparency)/.test(describeLimits(limits));
				if (hint) expect(check).not.toThrow();
				else expect(check).toThrow(/PNG with transparency/);
				return `${place} ${hint ? 'any' : 'opaque'}`;
			});
	expect([wan27VideoEdit, wan27I2v].flatMap(takes)).toEqual(['image opaque', 'lastFrame opaque']);
	expect([vaceEdit, vaceReference, vaceRepaint, vaceExtend, animateMix].flatMap(takes)).toEqual([
		...['maskImage any', 'image any', 'image any', 'image any'],
		...['firstFrame any', 'lastFrame any', 'person any'],
	]);
});

describe('frames per second', () => {
	// Of the guides and API references; what is a little below is left to the service.
	it.each([
		[wan3Video, 15, 16],
		[vaceRepaint, 14.99, 16],
		[happyHorse, 7.5, 8],
	])('of model %#: too few and enough', ({ slots }, few, enough) => {
		const limits = slots[0]?.limits ?? WAN_VIDEO;
		const check = (fps?: number) => () => {
			checkFacts(limits, MP4, 'Video Field', 'a.mp4', { fps });
		};
		expect(check(few)).toThrow(
			new InputError(
				`'Video Field' (a.mp4) has ${Math.round(few * 100) / 100} frames per second; the limit is ${enough} or more`,
				`Export the video with at least ${enough} frames per second.`,
			),
		);
		for (const fps of [enough, enough * 0.98, 120, undefined]) expect(check(fps)).not.toThrow();
		expect(describeLimits(limits)).toContain(`, at least ${enough} fps, `);
	});

	it('are no matter where the model has no limit', () => {
		expect(refusal(MP4, { fps: 1 })).toBeUndefined();
		expect(describeLimits(WAN_VIDEO)).not.toContain('fps');
	});
});

it('refuses a video that is none, and one that was cut off', () => {
	expect(refusal(MP4, { flaw: 'noVideo' }, 'song.mp4')).toBe(
		"'Video Field' (song.mp4) holds no video. Use another file: all that this one has is sound or text.",
	);
	expect(refusal(MP4, { flaw: 'cutOff', seconds: 5 })).toBe(
		"'Video Field' is incomplete: the file ends before its content does. The recording or a download was cut off: download or export the video again.",
	);
});

describe('size in bytes', () => {
	const sizeRefusal = (size: number) => {
		try {
			validateFile(WAN_VIDEO, 'Video Field', { size }, MP4);
			return undefined;
		} catch (error) {
			return error instanceof InputError ? error.message : undefined;
		}
	};

	// 100 MB, as the API reference has it.
	it.each([
		[104_857_600, undefined],
		[104_857_601, "'Video Field' is 100.000001 MB; the limit is 100.0 MB"],
		[104_900_000, "'Video Field' is 100.04 MB; the limit is 100.0 MB"],
		[110_000_000, "'Video Field' is 104.9 MB; the limit is 100.0 MB"],
	])('%d', (size, message) => {
		expect(sizeRefusal(size)).toBe(message);
	});
});

it('leaves what is unknown to the service', () => {
	for (const format of [MP4, JPEG, PNG, WEBP]) {
		expect(refusal(format, {})).toBeUndefined();
		expect(refusal(format, { width: 1 })).toBeUndefined();
		expect(refusal(format, { height: 100_000 })).toBeUndefined();
	}
	expect(refusal(JPEG, { seconds: 100 })).toBeUndefined();
});
