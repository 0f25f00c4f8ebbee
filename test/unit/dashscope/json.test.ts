import {
	isRecord,
	numberAt,
	parseRecord,
	recordAt,
	textAt,
} from '../../../nodes/shared/dashscope/json';

describe('reading fields of an answer', () => {
	test.each([
		[{}, true],
		[{ a: 1 }, true],
		[[], false],
		[null, false],
		['{}', false],
		[undefined, false],
		[7, false],
	])('%j is a JSON object: %s', (value, expected) => {
		expect(isRecord(value)).toBe(expected);
	});

	test('a text is only a non-empty string', () => {
		const record = { text: 'a', empty: '', number: 1, nothing: null, object: {} };
		expect(textAt(record, 'text')).toBe('a');
		for (const key of ['empty', 'number', 'nothing', 'object', 'absent']) {
			expect(textAt(record, key)).toBeUndefined();
		}
	});

	test.each([
		[5, 5],
		[0, 0],
		[5.25, 5.25],
		['5', 5],
		['5.0', 5],
		[' 7 ', 7],
		['', undefined],
		['  ', undefined],
		['five', undefined],
		[NaN, undefined],
		[Infinity, undefined],
		['Infinity', undefined],
		[null, undefined],
		[true, undefined],
		[{}, undefined],
		[undefined, undefined],
	])('the number in %j is %j', (value, expected) => {
		expect(numberAt({ value }, 'value')).toBe(expected);
	});

	test('an object that is missing or something else is read as empty', () => {
		expect(recordAt({ output: { a: 1 } }, 'output')).toEqual({ a: 1 });
		for (const output of [undefined, null, 'text', [1], 3]) {
			expect(recordAt({ output }, 'output')).toEqual({});
		}
	});
});

describe('reading a body', () => {
	test('takes an object as it is and parses a text', () => {
		const body = { a: 1 };
		expect(parseRecord(body)).toBe(body);
		expect(parseRecord('{"a":1}')).toEqual(body);
	});

	test.each(['{"a":', '<html>', '', '[1]', '"text"', 'null', '7', undefined, null, 7, [1]])(
		'%j is no JSON object',
		(body) => {
			expect(parseRecord(body)).toBeUndefined();
		},
	);
});
