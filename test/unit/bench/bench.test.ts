import { idealSeconds } from '../../../bench/ideal';
import { withPart } from '../../../bench/parts';
import { numbersBetween } from '../../../bench/random';
import { quantile, spreadOf } from '../../../bench/statistics';

describe('the ideal', () => {
	test.each<[jobs: number[], slots: number, seconds: number]>([
		[[], 5, 0],
		[[30], 5, 30],
		[[10, 20, 30], 5, 30],
		// The fourth begins when the first ends, and the fifth when the fourth does.
		[[10, 20, 30, 5, 40], 3, 55],
		[[10, 10, 10, 10], 1, 40],
	])('of %p in %p slots takes %p s', (jobs, slots, seconds) => {
		expect(idealSeconds(jobs, slots)).toBe(seconds);
	});

	test('is never shorter than the work shared by all slots, nor than the longest task', () => {
		const jobs = [31, 17, 23, 5, 40, 12, 8];
		expect(idealSeconds(jobs, 3)).toBeGreaterThanOrEqual(136 / 3);
		expect(idealSeconds(jobs, 100)).toBe(40);
	});
});

describe('what is told of many values', () => {
	test('quantiles are values that were measured', () => {
		const values = [5, 1, 4, 2, 3];
		expect([0.5, 0.95, 1].map((part) => quantile(values, part))).toEqual([3, 5, 5]);
		expect(values).toEqual([5, 1, 4, 2, 3]);
	});

	test('the least, the most and the mean', () => {
		expect(spreadOf([4, 2, 9])).toMatchObject({ count: 3, least: 2, mean: 5, median: 4, most: 9 });
	});

	test('nothing measured is not a number', () => {
		expect(spreadOf([])).toMatchObject({ count: 0, least: NaN, median: NaN, most: NaN });
	});
});

test('random numbers are the same for the same seed, and between their bounds', () => {
	const numbers = numbersBetween({ least: 15, most: 25 }, 100, 40);
	expect(numbersBetween({ least: 15, most: 25 }, 100, 40)).toEqual(numbers);
	expect(numbersBetween({ least: 15, most: 25 }, 100, 41)).not.toEqual(numbers);
	const { least, most } = spreadOf(numbers);
	expect(least).toBeGreaterThanOrEqual(15);
	expect(most).toBeLessThan(25);
});

describe('a page', () => {
	const page = '# Title\n\nWords.\n';

	test('gets a new part at its end, and keeps its words', () => {
		const once = withPart(page, 'delay', 'first');
		expect(once.startsWith('# Title\n\nWords.\n')).toBe(true);
		expect(once).toContain('first');
	});

	test('has each part once, where it was', () => {
		const both = withPart(withPart(page, 'delay', 'first'), 'stop', 'other');
		const again = withPart(both, 'delay', 'second');
		expect(again).not.toContain('first');
		expect(again.indexOf('second')).toBeLessThan(again.indexOf('other'));
		expect(again.match(/measured: delay/g)).toHaveLength(1);
	});
});
