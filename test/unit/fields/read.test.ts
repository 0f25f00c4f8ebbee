import type { INodeProperties } from 'n8n-workflow';
import { InputError } from '../../../nodes/shared/inputError';
import { choice, nearestNumber, numberWithin } from '../../../nodes/WanVideoEdit/fields/read';
import { RATIOS } from '../../../nodes/WanVideoEdit/models/limits';

describe('choices', () => {
	test.each([...RATIOS])('ratio %s is one', (ratio) => {
		expect(choice('Aspect Ratio', ratio, RATIOS)).toBe(ratio);
	});

	test.each(['16:10', '', ' 16:9', '16：9'])('%j is none, and the choices are told', (value) => {
		const refused = () => choice('Aspect Ratio', value, RATIOS);
		const message = `'Aspect Ratio' is "${value}", which is not one of its options`;
		expect(refused).toThrow(new InputError(message, `Choose one of these: ${RATIOS.join(', ')}.`));
	});
});

describe('a number with limits', () => {
	const timeout: INodeProperties = {
		displayName: 'Timeout (Minutes)',
		name: 'timeout',
		type: 'number',
		typeOptions: { minValue: 0.5, maxValue: 90 },
		default: 60,
	};
	const size: INodeProperties = { ...timeout, displayName: 'Size', typeOptions: { minValue: 1 } };

	test.each([
		[{}, 60],
		[{ timeout: '' }, 60],
		[{ timeout: 0.5 }, 0.5],
		[{ timeout: ' 90 ' }, 90],
	])('%j is read as %d', (options, value) => {
		expect(numberWithin(options, timeout)).toBe(value);
		expect(nearestNumber(options, timeout)).toBe(value);
	});

	test.each([
		[timeout, -5, 0.5],
		[timeout, 1e9, 90],
		[size, 0, 1],
		[size, 1e9, 1e9],
	])('%# counts as the nearest', (property, given, value) => {
		expect(nearestNumber({ timeout: given }, property)).toBe(value);
	});

	test.each<[INodeProperties, number | string, string]>([
		[timeout, 0.49, "'Timeout' is 0.49 minutes; the limit is 0.5 to 90"],
		[timeout, 90.1, "'Timeout' is 90.1 minutes; the limit is 0.5 to 90"],
		[timeout, 'long', `'Timeout' is "long", which is not a number`],
		[size, 0, "'Size' is 0; the limit is 1 or more"],
	])('%# is refused', (property, value, message) => {
		expect(() => numberWithin({ timeout: value }, property)).toThrow(message);
	});
});
