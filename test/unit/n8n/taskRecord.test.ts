import type { ICheckProcessedOptions, IExecuteFunctions } from 'n8n-workflow';
import { taskRecord } from '../../../nodes/shared/n8n/taskRecord';
import { ProcessedData } from '../../processedData';

const TOKEN = 'c1f5a9';
const URL_OF = (token: string) => `http://127.0.0.1:5678/webhook-waiting/7?signature=${token}`;

const PLACE = { workflow: { id: 'w1', active: true } };

function functionsOf(data: ProcessedData, resumeUrl: string | undefined): IExecuteFunctions {
	return {
		helpers: {
			checkProcessedAndRecord: async (
				items: string[],
				scope: 'node',
				options: ICheckProcessedOptions,
			) => await data.checkProcessedAndRecord(items, scope, PLACE, options),
			removeProcessed: async (items: string[], scope: 'node') =>
				await data.removeProcessed(items, scope, PLACE),
		},
		logger: { info: () => undefined },
		getWorkflowDataProxy: () => ({ $execution: { resumeUrl } }),
	} as unknown as IExecuteFunctions;
}

const recordFor = (data: ProcessedData, resumeUrl = URL_OF(TOKEN)) =>
	taskRecord(functionsOf(data, resumeUrl));

const answer = async (data: ProcessedData, facts: string[], resumeUrl?: string) =>
	[...((await recordFor(data, resumeUrl)?.which(facts)) ?? [])].map(([fact, recorded]) =>
		recorded === 'yes' ? fact : `${fact}?`,
	);

test('tells a retry what its execution has recorded, and no other execution', async () => {
	const data = new ProcessedData();
	await recordFor(data)?.add(['a', 'b']);
	// A retry has another number, but the token of the execution that it repeats.
	const retry = URL_OF(TOKEN).replace('/7', '/8');
	expect(await answer(data, ['b', 'c', 'a'], retry)).toEqual(['b', 'a']);
	expect(await answer(data, ['a', 'b'], URL_OF('e0d7b2'))).toEqual([]);
});

test('leaves nothing behind when it is asked', async () => {
	const data = new ProcessedData();
	await recordFor(data)?.add(['a']);
	const before = [...data.entries(PLACE)];
	for (let times = 0; times < 3; times++) {
		expect(await answer(data, ['a', 'b'])).toEqual(['a']);
		expect(data.entries(PLACE)).toEqual(before);
	}
});

test('is unsure, and never says yes, about what it was asked when n8n was killed', async () => {
	const data = new ProcessedData();
	await recordFor(data)?.add(['a']);
	data.broken = ['remove'];
	await expect(answer(data, ['a', 'b'])).rejects.toThrow();
	data.broken = [];
	expect(await answer(data, ['a', 'b', 'c'])).toEqual(['a?', 'b?']);
	// What is submitted afterwards is known.
	await recordFor(data)?.add(['c']);
	expect(await answer(data, ['c'])).toEqual(['c']);
});

test('never says yes to two who ask for the same at once in two processes', async () => {
	const data = new ProcessedData();
	const asked = Array.from({ length: 5 }, async () => {
		let apart: typeof taskRecord | undefined;
		jest.isolateModules(() => {
			({ taskRecord: apart } = jest.requireActual<{ taskRecord: typeof taskRecord }>(
				'../../../nodes/shared/n8n/taskRecord',
			));
		});
		const record = apart?.(functionsOf(data, URL_OF(TOKEN)));
		return [...((await record?.which(['a', 'b'])) ?? [['none', 'yes']])];
	});
	const answers = (await Promise.all(asked)).flat();
	expect(answers.filter(([, recorded]) => recorded === 'yes')).toEqual([]);
	expect(await answer(data, ['a', 'b'])).toEqual([]);
});

test('loses nothing of what is added at once in one process', async () => {
	const data = new ProcessedData();
	const facts = Array.from({ length: 20 }, (_, index) => `fact ${index}`);
	await Promise.all(facts.map(async (fact) => await recordFor(data)?.add([fact])));
	expect(await answer(data, facts)).toEqual(facts);
});

test('keeps the newest 500 tasks of a node', async () => {
	const data = new ProcessedData();
	for (let task = 0; task < 510; task++) {
		await recordFor(data)?.add([1, 2].map((fact) => `fact ${fact} of ${task}`));
	}
	expect(data.entries(PLACE)).toHaveLength(1_000);
	expect(await answer(data, ['fact 1 of 9', 'fact 1 of 10', 'fact 2 of 509'])).toEqual([
		'fact 1 of 10',
		'fact 2 of 509',
	]);
});

test('stores neither facts nor the token', async () => {
	const data = new ProcessedData();
	await recordFor(data)?.add(['a fact']);
	expect(data.entries(PLACE).join()).toMatch(/^[\w-]{43}$/);
});

test('fails no submission, but lets nothing be submitted where it cannot be read', async () => {
	const data = new ProcessedData();
	data.broken = ['check'];
	await expect(recordFor(data)?.add(['a'])).resolves.toBeUndefined();
	await expect(answer(data, ['a'])).rejects.toThrow('The database is locked');
});

test.each([undefined, '', 'http://127.0.0.1:5678/webhook-waiting/7'])(
	'is none where n8n has no token for an execution: %p',
	(resumeUrl) => {
		expect(taskRecord(functionsOf(new ProcessedData(), resumeUrl))).toBeUndefined();
	},
);

test('is none where n8n keeps no processed items', () => {
	const functions = { ...functionsOf(new ProcessedData(), URL_OF(TOKEN)), helpers: {} };
	expect(taskRecord(functions as unknown as IExecuteFunctions)).toBeUndefined();
});
