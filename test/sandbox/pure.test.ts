import { effectFor } from '../../sandbox/promptEffects';
import { faultOf, outcomeOf, Rules } from '../../sandbox/faults';
import { RateLimit } from '../../sandbox/rateLimit';
import { loggableHeaders } from '../../sandbox/log';
import { readOptions } from '../../sandbox/options';
import { audioFormat, imageFormat, videoFormat } from '../../sandbox/probe';
import { paddedSize, parseRange } from '../../sandbox/results';
import { outputSize, RATIOS, RESOLUTIONS } from '../../sandbox/sizes';
import { naiveTime, parseCompactTime } from '../../sandbox/times';

describe('output size', () => {
	const source = { width: 640, height: 360 };

	it.each([
		['720P', '16:9', 1280, 720],
		['720P', '9:16', 720, 1280],
		['720P', '1:1', 960, 960],
		['720P', '4:3', 1104, 832],
		['720P', '3:4', 832, 1104],
		['1080P', '16:9', 1920, 1080],
		['1080P', '9:16', 1080, 1920],
		['1080P', '1:1', 1440, 1440],
		['1080P', '4:3', 1648, 1248],
		['1080P', '3:4', 1248, 1648],
	] as const)('%s %s is %i x %i', (resolution, ratio, width, height) => {
		expect(outputSize(resolution, ratio, source)).toEqual({ width, height });
	});

	it('covers every pair', () => {
		for (const resolution of RESOLUTIONS) {
			for (const ratio of RATIOS) {
				const { width, height } = outputSize(resolution, ratio, source);
				const [across, up] = ratio.split(':').map(Number);
				expect(width / height).toBeCloseTo((across ?? 0) / (up ?? 1), 1);
			}
		}
	});

	it.each([
		[640, 360, 1280, 720],
		[360, 640, 720, 1280],
		[500, 500, 960, 960],
		[1000, 400, 1518, 608],
		[2400, 300, 2716, 340],
	])('without a ratio %i x %i becomes %i x %i', (width, height, outWidth, outHeight) => {
		expect(outputSize('720P', undefined, { width, height })).toEqual({
			width: outWidth,
			height: outHeight,
		});
	});
});

describe('effects', () => {
	const size = { width: 1280, height: 720 };

	it.each([
		['Turn it into an 8bit game', 'pixelate'],
		['8-bit please', 'pixelate'],
		['pixel art', 'pixelate'],
		['变成像素风格', 'pixelate'],
		['Make it black and white', 'grey'],
		['黑白电影', 'grey'],
		['film noir', 'grey'],
		['Turn the scene into claymation', 'clay'],
		['黏土动画', 'clay'],
		['a cartoon', 'cartoon'],
		['at night', 'night'],
		['make it snow', 'snow'],
		['autumn leaves', 'autumn'],
		['blur the background', 'blur'],
		['a red coat', 'hue'],
		['', 'hue'],
	])('%s → %s', (prompt, name) => {
		expect(effectFor(prompt, size).name).toBe(name);
	});

	it('gives equal prompts the same and different prompts another hue', () => {
		expect(effectFor('a red coat', size)).toEqual(effectFor('a red coat', size));
		expect(effectFor('a red coat', size)).not.toEqual(effectFor('a blue coat', size));
	});
});

describe('times', () => {
	it('are UTC+8 without a zone', () => {
		expect(naiveTime(Date.UTC(2026, 10, 2, 17, 16, 30, 123))).toBe('2026-11-03 01:16:30.123');
	});

	it('of list filters are read the same way', () => {
		expect(parseCompactTime('20261103011630')).toBe(Date.UTC(2026, 10, 2, 17, 16, 30));
		expect(parseCompactTime('2026-11-03')).toBeUndefined();
		expect(parseCompactTime('20261303011630')).toBeUndefined();
	});
});

describe('ranges', () => {
	it.each([
		['bytes=0-0', 0, 0],
		['bytes=10-19', 10, 19],
		['bytes=90-', 90, 99],
		['bytes=90-500', 90, 99],
		['bytes=-5', 95, 99],
		['bytes=-500', 0, 99],
	])('%s', (header, start, end) => {
		expect(parseRange(header, 100)).toEqual({ start, end });
	});

	it.each(['bytes=100-', 'bytes=5-2', 'bytes=-', 'bytes=0-1,3-4', 'lines=1-2', undefined])(
		'%s means the whole',
		(header) => {
			expect(parseRange(header, 100)).toBeUndefined();
		},
	);

	it('padding needs room for a box', () => {
		expect(paddedSize(100, 0)).toBe(100);
		expect(paddedSize(100, 107)).toBe(100);
		expect(paddedSize(100, 108)).toBe(108);
	});
});

describe('rules', () => {
	interface Rule {
		name: string;
		times?: number;
		skip?: number;
	}
	const taken = (rules: Rules<Rule>, calls: number) =>
		Array.from({ length: calls }, () => rules.take(() => true)?.name ?? '-').join('');

	it('apply once by default', () => {
		const rules = new Rules<Rule>();
		rules.add({ name: 'a' });
		expect(taken(rules, 3)).toBe('a--');
	});

	it('skip, repeat and follow one another', () => {
		const rules = new Rules<Rule>();
		rules.add({ name: 'a', skip: 1, times: 2 });
		rules.add({ name: 'b', skip: 1 });
		expect(taken(rules, 6)).toBe('-aab--');
	});

	it('leave what does not match', () => {
		const rules = new Rules<Rule>();
		rules.add({ name: 'a' });
		expect(rules.take(() => false)).toBeUndefined();
		expect(taken(rules, 2)).toBe('a-');
	});

	it('are refused when they are misspelt or idle', () => {
		expect(() => faultOf({ route: 'create', satus: 500 })).toThrow('no field "satus"');
		expect(() => faultOf({ route: 'creat', status: 500 })).toThrow('route');
		expect(() => faultOf({ route: 'create' })).toThrow('does nothing');
		expect(() => faultOf({ status: 500 })).toThrow('needs a route');
		expect(() => faultOf({ route: 'create', status: 99 })).toThrow('status');
		expect(() => faultOf({ route: 'create', drop: 'maybe' })).toThrow('drop');
		expect(() => outcomeOf({ code: 'X' })).toThrow('does nothing');
		expect(() => outcomeOf({ status: 'DONE' })).toThrow('status');
		expect(() => outcomeOf({ jobSeconds: 3 })).not.toThrow();
	});
});

describe('rate limit', () => {
	it('admits so many a second, however they are spread', () => {
		const clock = { now: 0 };
		const limit = new RateLimit(() => clock.now);
		const burst = () => Array.from({ length: 7 }, () => limit.admit(5)).filter(Boolean).length;
		expect(burst()).toBe(5);
		clock.now = 900;
		expect(burst()).toBe(0);
		clock.now = 1000;
		expect(burst()).toBe(5);
	});
});

describe('log', () => {
	it('never holds a key but shows that there was one', () => {
		expect(loggableHeaders({ authorization: 'Bearer sk-secret', a: ['1', '2'] })).toEqual({
			authorization: 'Bearer ***',
			a: '1, 2',
		});
		expect(loggableHeaders({ authorization: 'sk-secret' }).authorization).toBe('***');
		expect(loggableHeaders({ host: 'x' })).toEqual({ host: 'x' });
	});
});

describe('options over the control route', () => {
	it('are checked', () => {
		expect(readOptions({ jobSeconds: 3, slots: 0 })).toEqual({ jobSeconds: 3, slots: 0 });
		expect(readOptions({ region: 'ap-southeast-1' })).toEqual({ region: 'ap-southeast-1' });
		expect(() => readOptions({ region: 'mars' })).toThrow('region must be one of cn-beijing');
		expect(() => readOptions({ jobSecond: 3 })).toThrow('jobSecond');
		expect(() => readOptions({ slots: '5' })).toThrow('slots');
		expect(() => readOptions({ port: 80 })).toThrow('port');
		expect(() => readOptions([])).toThrow('object');
	});
});

describe('file types', () => {
	it('are told by content', () => {
		expect(imageFormat(Buffer.from([0xff, 0xd8, 0xff, 0xe0]))).toBe('jpeg');
		expect(imageFormat(Buffer.from('RIFF....WEBPVP8 '))).toBe('webp');
		expect(imageFormat(Buffer.from('BM'))).toBe('bmp');
		expect(imageFormat(Buffer.from('GIF89a'))).toBeUndefined();
		expect(videoFormat(Buffer.from('....ftypisom'))).toBe('mp4');
		expect(videoFormat(Buffer.from('....ftypqt  '))).toBe('mov');
		expect(videoFormat(Buffer.from('RIFF....AVI '))).toBe('avi');
		expect(audioFormat(Buffer.from('RIFF....WAVE'))).toBe('wav');
		expect(audioFormat(Buffer.from('ID3'))).toBe('mp3');
		expect(audioFormat(Buffer.from([0xff, 0xfb, 0x90]))).toBe('mp3');
		// AAC begins much like MP3.
		expect(audioFormat(Buffer.from([0xff, 0xf1, 0x50]))).toBeUndefined();
		expect(videoFormat(Buffer.from('\x1aE\xdf\xa3webm....'))).toBeUndefined();
	});
});
