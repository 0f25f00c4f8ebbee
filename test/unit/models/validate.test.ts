import { InputError } from '../../../nodes/shared/inputError';
import { detectFormat } from '../../../nodes/shared/media/formats';
import { validateFile } from '../../../nodes/shared/media/limits';
import type { MediaFormat } from '../../../nodes/shared/media/types';
import { WAN_IMAGE, WAN_VIDEO } from '../../../nodes/WanVideoEdit/models/limits';
import { validateRequest } from '../../../nodes/WanVideoEdit/models/validate';
import { wan27VideoEdit } from '../../../nodes/WanVideoEdit/models/wan27VideoEdit';
import { HEADS, binary, fileOf, requestOf, url } from '../requests';
import type { Asked } from '../requests';

const MEGABYTE = 1024 * 1024;

/** The refusal of what `check` does. */
function refusalOf(check: () => unknown): InputError {
	try {
		check();
	} catch (error) {
		if (error instanceof InputError) return error;
		throw error;
	}
	throw new Error('It was accepted');
}

const accept = (more: Asked, publicService = true) => {
	expect(() => validateRequest(wan27VideoEdit, requestOf(more), publicService)).not.toThrow();
};

const refuse = (more: Asked, publicService = true) =>
	refusalOf(() => validateRequest(wan27VideoEdit, requestOf(more), publicService));

describe('texts', () => {
	test.each([
		['prompt', 'Prompt', 5_000],
		['negativePrompt', 'Negative Prompt', 500],
	] as const)('%s is accepted at its limit and refused one beyond', (name, field, limit) => {
		accept({ [name]: 'x'.repeat(limit) });
		const { message, hint } = refuse({ [name]: 'x'.repeat(limit + 1) });
		expect(message).toContain(`'${field}'`);
		expect(message).toContain(`${limit + 1} characters`);
		expect(message).toContain(`limit is ${limit}`);
		expect(hint).toContain('Shorten');
	});

	test('a Chinese character counts one, an emoji too', () => {
		accept({ prompt: '视'.repeat(5_000) });
		accept({ prompt: '🎬'.repeat(5_000) });
		expect(refuse({ prompt: '🎬'.repeat(5_001) }).message).toContain('5001 characters');
	});

	test('missing texts are fine', () => {
		accept({ prompt: undefined, negativePrompt: undefined });
		accept({ prompt: '', negativePrompt: '' });
	});

	test.each(['', '  '])('an empty model (%j) is refused', (model) => {
		const { message, hint } = refuse({ model });
		expect(message).toContain("'Model'");
		expect(hint).toContain('wan2.7-videoedit');
	});

	test('any model ID is accepted', () => accept({ model: 'happyhorse-1.0-video-edit' }));
});

describe('numbers', () => {
	test.each([undefined, 0, 2, 3, 9, 10])('duration %j is accepted', (duration) => {
		accept({ values: { duration } });
	});

	test.each([-1, 1, 1.999, 2.5, 10.5, 11, NaN, Infinity])('duration %j is refused', (duration) => {
		const { message, hint } = refuse({ values: { duration } });
		expect(message).toBe(
			duration === 2.5
				? "'Duration' is 2.5, which is not a whole number"
				: `'Duration' is ${duration}; the limit is 2 to 10`,
		);
		expect(hint).toMatch(/\b0\b.*\b2\b.*\b10\b/);
	});

	test.each([undefined, 0, 1, 2_147_483_647])('seed %j is accepted', (seed) =>
		accept({ values: { seed } }),
	);

	test.each([-1, 2_147_483_648, 1.5, NaN])('seed %j is refused', (seed) => {
		const { message, hint } = refuse({ values: { seed } });
		expect(message).toBe(
			seed === 1.5
				? "'Seed' is 1.5, which is not a whole number"
				: `'Seed' is ${seed}; the limit is 0 to 2147483647`,
		);
		expect(hint).toContain('0 to 2147483647');
	});
});

describe('URLs', () => {
	const video = (address: string) => ({ video: url(address, 'Video URL') });

	test.each([
		'https://files.example/ride.mp4',
		'http://files.example/ride.mp4',
		'oss://dashscope-instant/a/ride.mp4',
		'HTTPS://FILES.EXAMPLE/A',
		'https://files.example/视频.mp4?token=a%2Bb',
	])('%s is accepted', (address) => accept(video(address)));

	test.each([
		'files.example/ride.mp4',
		'ftp://files.example/a.mp4',
		'file:///home/a.mp4',
		'data:video/mp4;base64,AAAA',
		'javascript:alert(1)',
		'https://',
		'C:\\videos\\a.mp4',
		'binary',
	])('%s is refused as no web address, naming the field', (address) => {
		const { message, hint } = refuse(video(address));
		expect(message).toContain("'Video URL' is not a web address");
		expect(message).toContain(address);
		expect(hint).toMatch(/https:\/\/.*http:\/\/.*oss:\/\//);
	});

	test('an empty URL is refused', () => {
		expect(refuse(video('')).message).toBe("'Video URL' is empty");
	});

	test.each([
		'http://localhost:9000/a.mp4',
		'http://127.0.0.1/a.mp4',
		'https://10.1.2.3/a.mp4',
		'https://192.168.0.9/a.mp4',
		'http://[fd00::1]/a.mp4',
		'http://[::ffff:192.168.0.9]/a.mp4',
		'http://nas/a.mp4',
		'https://minio.internal/a.mp4',
	])('%s is refused where DashScope is public, and accepted where it is not', (address) => {
		const { message, hint } = refuse(video(address), true);
		expect(message).toContain("'Video URL'");
		expect(message).toContain(new URL(address).hostname);
		expect(hint).toContain('public');
		accept(video(address), false);
	});

	test('an oss:// URL has no host that could be private', () => {
		accept(video('oss://bucket/key.mp4'));
	});

	test('images are checked as well, each by its own field', () => {
		const images = [
			url('https://files.example/a.png', 'Image 1'),
			url('http://nas/b.png', 'Image 2'),
		];
		expect(refuse({ images }).message).toContain("'Image 2'");
	});

	test('binary sources have no URL to check', () => {
		accept({ video: binary(fileOf(HEADS.mp4)) });
	});

	test('a long value is shortened, and what may be a signature left out', () => {
		const { message } = refuse(video(`http://nas/${'a'.repeat(500)}?Signature=secret`));
		expect(message.length).toBeLessThan(250);
		expect(message).not.toContain('secret');
	});
});

describe('files', () => {
	const mp4 = detectFormat(HEADS.mp4);
	const png = detectFormat(HEADS.png);
	const file = (size: number, fileName?: string) => ({ size, fileName });
	const limitsOf = (kind: MediaFormat['kind']) => (kind === 'video' ? WAN_VIDEO : WAN_IMAGE);

	test.each([
		['video', mp4, 100, 'Compress or shorten'],
		['image', png, 20, 'smaller'],
	] as const)(
		'a %s is accepted at its limit and refused a byte beyond',
		(kind, format, megabytes, advice) => {
			const limit = megabytes * MEGABYTE;
			expect(validateFile(limitsOf(kind), 'data', file(limit), format)).toBe(format);
			const { message, hint } = refusalOf(() =>
				validateFile(limitsOf(kind), 'data', file(limit + 1), format),
			);
			expect(message).toContain("'data'");
			expect(message).toContain(`limit is ${megabytes}.0 MB`);
			expect(hint).toContain(advice);
		},
	);

	test('the message names the size and the file', () => {
		const { message } = refusalOf(() =>
			validateFile(WAN_IMAGE, 'photo', file(25.5 * MEGABYTE, 'me.png'), png),
		);
		expect(message).toBe("'photo' (me.png) is 25.5 MB; the limit is 20.0 MB");
	});

	test.each([
		['video', png, 'a PNG picture', 'MP4 or MOV'],
		['video', detectFormat(HEADS.jpg), 'a JPG picture', 'MP4 or MOV'],
		['video', 'a WebM or MKV video', 'a WebM or MKV video', 'MP4 or MOV'],
		['video', 'an empty file', 'an empty file', 'MP4 or MOV'],
		['image', mp4, 'an MP4 video', 'JPEG, PNG, BMP or WEBP'],
		['image', detectFormat(HEADS.mov), 'a MOV video', 'JPEG, PNG, BMP or WEBP'],
		['image', 'an HEIC picture', 'an HEIC picture', 'JPEG, PNG, BMP or WEBP'],
	] as const)(
		'a %s that is something else is refused by its content',
		(kind, found, what, advice) => {
			const { message, hint } = refusalOf(() =>
				validateFile(limitsOf(kind), 'data', file(9, 'a.mp4'), found),
			);
			expect(message).toMatch(
				new RegExp(`^'data' \\(a\\.mp4\\) holds ${what.replace(/^an? /, 'an? ')}$`),
			);
			expect(hint).toContain(advice);
		},
	);
});

describe('number of reference images', () => {
	const images = (count: number) =>
		Array.from({ length: count }, (_, index) => url(`https://i.example/${index}.png`));

	test.each([0, 1, 2, 3, 4])('%d is accepted', (count) => accept({ images: images(count) }));

	test('5 are refused', () => {
		const { message, hint } = refuse({ images: images(5) });
		expect(message).toBe('There are 5 reference images; the limit is 4');
		expect(hint).toContain('up to 4 reference images');
	});
});
