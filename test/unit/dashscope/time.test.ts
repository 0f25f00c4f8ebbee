import { formatListTime, parseDashScopeTime } from '../../../nodes/shared/dashscope/time';

const utc = (text: string) => Date.parse(text);

describe('times in task answers', () => {
	test.each([
		['2026-11-02 17:16:30.123', '2026-11-02T09:16:30.123Z'],
		['2026-11-02 17:16:30', '2026-11-02T09:16:30.000Z'],
		['2026-11-02T17:16:30.5', '2026-11-02T09:16:30.500Z'],
		['2026-11-02 17:16:30.05', '2026-11-02T09:16:30.050Z'],
		['2026-01-01 07:59:59.999', '2025-12-31T23:59:59.999Z'],
		['2028-02-29 00:00:00.000', '2028-02-28T16:00:00.000Z'],
	])('%s is read as UTC+8: %s', (text, expected) => {
		expect(parseDashScopeTime(text)).toBe(utc(expected));
	});

	test.each([
		undefined,
		'',
		'2026-11-02',
		'17:16:30',
		'2026-11-02 17:16',
		'2026-11-02 17:16:30.1234',
		'2026-11-02 17:16:30Z',
		' 2026-11-02 17:16:30',
		'1790000000000',
	])('%j is not a time of that form', (text) => {
		expect(parseDashScopeTime(text)).toBeUndefined();
	});
});

describe('times in task list queries', () => {
	test.each([
		['2026-11-02T09:16:30.999Z', '20261102171630'],
		['2025-12-31T16:00:00.000Z', '20260101000000'],
		['2026-03-04T05:06:07.000Z', '20260304130607'],
	])('%s is written as %s', (time, expected) => {
		expect(formatListTime(utc(time))).toBe(expected);
	});

	test('what is written is read back to the second', () => {
		const at = utc('2026-11-02T09:16:30.000Z');
		const text = formatListTime(at);
		const naked = text.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3 $4:$5:$6');
		expect(parseDashScopeTime(naked)).toBe(at);
	});
});
