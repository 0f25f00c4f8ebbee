import type { IExecuteFunctions } from 'n8n-workflow';
import { readTaskId } from '../../../nodes/WanVideoEdit/fields/taskId';

const read = (value: string) =>
	readTaskId({ getNodeParameter: () => value } as unknown as IExecuteFunctions, 0);

test.each(['0385dc79-5ff8-4d82-bcb6-7b0f1f2ab3cd', '...', '.a', 'v1.2:a_b'])(
	'%s may be a task ID',
	(value) => {
		expect(read(value)).toBe(value);
	},
);

test.each(['.', '..', ' .. ', '../uploads', 'a b'])('%j is none', (value) => {
	expect(() => read(value)).toThrow('which is not a task ID');
});
