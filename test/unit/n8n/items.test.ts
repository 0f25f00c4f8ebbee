import type { Task } from '../../../nodes/shared/dashscope/types';
import { listedItem, taskContent } from '../../../nodes/shared/n8n/items';
import { forModel } from '../../../nodes/shared/n8n/tool';

const task: Task = { taskId: 'task-1', status: 'SUCCEEDED', raw: {} };

describe('an item', () => {
	test('says null of a time that is none', () => {
		const options = { simplify: true, field: 'data' };
		const { json } = taskContent({ ...task, submittedAt: 9e15, finishedAt: NaN }, options);
		expect(json).toMatchObject({ submittedAt: null, finishedAt: null });
		const row = listedItem(0, { taskId: 'task-1', status: 'SUCCEEDED', createdAt: -9e15 });
		expect(row.json.createdAt).toBeNull();
	});
});

describe('a model is told', () => {
	test.each([
		['the piece of a video that was split', { piece: 1, pieces: 3, from: 0, to: 9.5 }],
		['what was joined', { videos: 3, notes: ['The sound was left out.'] }],
	])('%s', (_, json) => {
		expect(forModel([{ json }])).toMatchObject([{ json }]);
	});
});
