import fc from 'fast-check';
import { planCuts } from '../../../../nodes/shared/media/mp4/plan';
import { ClipError } from '../../../../nodes/shared/media/mp4/source';

const LIMITS = { min: 2, max: 10 };
const every = (step: number, end: number) => [
	...Array.from({ length: Math.ceil(end / step - 1e-9) }, (_, index) => index * step),
	end,
];
const lengthsOf = (cuts: number[]) => cuts.slice(1).map((cut, index) => cut - (cuts[index] ?? 0));

test('a clip within the limits is one piece', () => {
	expect(planCuts(every(1, 10), LIMITS)).toEqual([0, 10]);
});

test.each([
	[10.1, 2],
	[31, 4],
	[61, 7],
	[600, 60],
])('%s seconds with a key frame every half second are %s equal pieces', (end, count) => {
	const lengths = lengthsOf(planCuts(every(0.5, end), LIMITS));
	expect(lengths).toHaveLength(count);
	expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1.01);
});

// A file may claim any timescale: its length is then a millionth of a piece, or nothing at all.
test.each([
	['a hundred-millionth of a second', [0, 1e-8], { min: 0, max: 10 }],
	['a minute, in pieces of a year', [0, 30, 60], { min: 0, max: 3e7 }],
])('%s is one piece', (_what, times, limits) => {
	expect(planCuts(times, limits)).toEqual([0, times.at(-1)]);
});

test.each([[[0, 0]], [[5, 5, 5]], [[1, NaN]]])('no length is refused: %s', (times) => {
	expect(() => planCuts(times, { min: 0, max: 10 })).toThrow(/damaged: its pictures last no time/);
});

test('a beginning other than 0 is kept', () => {
	expect(planCuts([3, 8, 13.5, 15], LIMITS)).toEqual([3, 8, 15]);
});

test('key frames that are too far apart are named', () => {
	const plan = () => planCuts([0, 4, 8, 20.5, 24], LIMITS);
	expect(plan).toThrow(ClipError);
	expect(plan).toThrow(
		/none between 8 and 20.5 seconds: a piece would be 12.5 seconds long; the limit is 10$/,
	);
	const short = () => planCuts([0, 1, 2], { min: 0, max: 0.5 });
	expect(short).toThrow(/none between 0 and 1 seconds: a piece would be 1 second long; /);
});

test('pieces are as little longer than the limit as a whole clip may be, where key frames leave no choice', () => {
	const long = 300 / (30_000 / 1001);
	expect(planCuts([0, long, 2 * long, 25], LIMITS)).toEqual([0, long, 2 * long, 25]);
	expect(planCuts([0, 10.05], LIMITS)).toEqual([0, 10.05]);
	// With a choice the limit is kept, even by more pieces.
	expect(planCuts([0, 5, 10.01, 20.01], LIMITS)).toEqual([0, 5, 10.01, 20.01]);
	expect(() => planCuts([0, 10.01, 20.07, 30], LIMITS)).toThrow(/between 10.01 and 20.07 seconds/);
});

test('a rest that would be too short is named', () => {
	expect(() => planCuts([0, 9, 10.1], LIMITS)).toThrow(
		/\(at 9 of 10.1 seconds\).*of 2 to 10 seconds/,
	);
});

test('a clip that is too short is named', () => {
	expect(() => planCuts([0, 0.5, 1.5], LIMITS)).toThrow(/is 1.5 seconds long; .* at least 2/);
});

test('a length never reads like the limit that it breaks', () => {
	expect(() => planCuts([0, 1.997], LIMITS)).toThrow(
		/is 1.997 seconds long; .* at least 2 seconds/,
	);
	expect(() => planCuts([0, 1.9999], LIMITS)).toThrow(/is 1.9999 seconds long/);
});

test('a plan keeps the limits and is found wherever there is one', () => {
	const gaps = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 14 });
	fc.assert(
		fc.property(gaps, (steps) => {
			const times = [0];
			for (const step of steps) times.push((times.at(-1) ?? 0) + step);
			// By trying everything.
			const fewest = (at: number): number =>
				at === times.length - 1
					? 0
					: Math.min(
							...times.map((time, index) => {
								const length = time - (times[at] ?? 0);
								return length >= 2 && length <= 10 ? 1 + fewest(index) : Infinity;
							}),
						);
			const expected = fewest(0);
			if (expected === Infinity) {
				expect(() => planCuts(times, LIMITS)).toThrow(ClipError);
				return;
			}
			const cuts = planCuts(times, LIMITS);
			expect(lengthsOf(cuts)).toHaveLength(expected);
			for (const length of lengthsOf(cuts)) {
				expect(length).toBeGreaterThanOrEqual(2);
				expect(length).toBeLessThanOrEqual(10);
			}
			expect([cuts[0], cuts.at(-1)]).toEqual([0, times.at(-1)]);
		}),
		{ numRuns: 100 },
	);
});

test('twenty minutes of nothing but key frames are planned soon, and in equal pieces', () => {
	const { user: before } = process.cpuUsage();
	const cuts = planCuts(every(1 / 60, 1200), LIMITS);
	expect((process.cpuUsage().user - before) / 1000).toBeLessThan(1000);
	const lengths = lengthsOf(cuts);
	expect(lengths).toHaveLength(120);
	expect(Math.min(...lengths)).toBeGreaterThan(9.8);
});

test('where key frames lie close together and then far apart, each of them counts', () => {
	expect(planCuts([0, 0.95, 1, 5, 9.98, 10.03, 20.02], { min: 2, max: 10 })).toEqual([
		0, 5, 10.03, 20.02,
	]);
	expect(planCuts([0, 2, 9.95, 10, 20], LIMITS)).toEqual([0, 10, 20]);
});
