import { collect, collectLatest } from '../../../nodes/WanVideoEditTrigger/collect';
import type { Settings } from '../../../nodes/WanVideoEditTrigger/collect';
import type { TriggerState } from '../../../nodes/WanVideoEditTrigger/finished';
import { StopButton, VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';
import type { ServiceOptions } from '../virtualService';

const MINUTE = 60_000;

const settings: Settings = {
	source: { credential: 'c1' },
	wanted: () => true,
	download: true,
	budgetMs: 5 * MINUTE,
};

/** A trigger that is active and polls every minute. */
async function active(options: ServiceOptions = {}, its: Partial<Settings> = {}) {
	const clock = new VirtualClock();
	const service = new VirtualService(clock, options);
	let state: TriggerState | undefined;
	const poll = async (more: Partial<Settings> = {}) => {
		await clock.pass(MINUTE);
		service.calls.length = 0;
		const found = await clock.run(
			collect(service.ports(), state, { ...settings, ...its, ...more }),
		);
		state = JSON.parse(JSON.stringify(found.state)) as TriggerState;
		return found.ended.map(({ task, video, error }) => ({
			id: task.taskId,
			status: task.status,
			video,
			error: error?.message,
		}));
	};
	expect(await poll()).toEqual([]);
	return { clock, service, poll, state: () => state };
}

const routes = ({ calls }: VirtualService) => calls.map(({ route }) => route);
const video = (id: string) => ({
	id,
	status: 'SUCCEEDED',
	video: `video of ${id}`,
	error: undefined,
});

test('asks once when nothing has finished, and once more for each task that has', async () => {
	const { service, poll } = await active();
	await poll();
	expect(routes(service)).toEqual(['list']);

	service.addTask('a', { jobSeconds: 30 });
	expect(await poll()).toEqual([video('task-1')]);
	expect(routes(service)).toEqual(['list', 'query', 'download']);

	service.addTask('b', { jobSeconds: 30, code: 'InternalError.Algo' });
	expect(await poll()).toMatchObject([{ id: 'task-2', status: 'FAILED', error: undefined }]);
	expect(routes(service)).toEqual(['list', 'query']);
});

test('asks the service for one model only if one is chosen', async () => {
	const { service, poll } = await active({}, { source: { credential: 'c1', model: 'm' } });
	await poll();
	expect(service.calls[0]?.request?.options.qs).toMatchObject({ model_name: 'm' });
});

test('a long list keeps to the limit of the account', async () => {
	const { service, poll } = await active({ pageSize: 2, slots: 100 });
	for (let task = 0; task < 40; task++) service.addTask(`${task}`, { jobSeconds: 3_600 });
	await poll();
	const times = service.times('list');
	expect(times).toHaveLength(20);
	expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(19 * 50);
});

test('a poll that cannot read the list fails, and the next one finds everything', async () => {
	const { service, poll } = await active();
	service.addTask('a', { jobSeconds: 30 });
	service.faults.list.push(faults.unauthorised);
	await expect(poll()).rejects.toThrow('Invalid API-key');
	expect(await poll()).toEqual([video('task-1')]);
});

test('a stumble of the list goes unnoticed', async () => {
	const { service, poll } = await active();
	service.addTask('a', { jobSeconds: 30 });
	service.faults.list.push(faults.unavailable, faults.reset);
	expect(await poll()).toEqual([video('task-1')]);
});

test('a video that cannot be had is tried again, then emitted without it; others do not wait', async () => {
	const { service, poll } = await active();
	service.addTask('a', { jobSeconds: 20 });
	service.addTask('b', { jobSeconds: 30 });
	service.break('download', 'task-1', { status: 404 }, 4);
	expect(await poll()).toEqual([video('task-2')]);
	for (let minute = 0; minute < 3; minute++) expect(await poll()).toEqual([]);
	expect(await poll()).toEqual([video('task-1')]);

	service.addTask('c', { jobSeconds: 20 });
	service.break('download', 'task-3', { status: 404 }, 100);
	for (let minute = 0; minute < 4; minute++) expect(await poll()).toEqual([]);
	expect(await poll()).toEqual([
		{
			id: 'task-3',
			status: 'SUCCEEDED',
			video: undefined,
			error: expect.stringContaining('could not be downloaded'),
		},
	]);
	expect(await poll()).toEqual([]);
});

test('a task whose query fails for good is emitted as the list shows it', async () => {
	const { service, poll, state } = await active();
	const id = service.addTask('a', { jobSeconds: 20 });
	service.break('query', id, { taskStatus: 'UNKNOWN' }, 100);
	for (let minute = 0; minute < 4; minute++) expect(await poll()).toEqual([]);
	expect(await poll()).toEqual([
		{ id, status: 'SUCCEEDED', error: expect.stringContaining('its query says UNKNOWN') },
	]);
	expect(state()?.due).toEqual({});
});

test('before DashScope forgets a task there is no waiting for a next poll', async () => {
	const { clock, service, poll } = await active();
	const id = service.addTask('a', { jobSeconds: 20 });
	await clock.pass(22.5 * 60 * MINUTE);
	service.break('download', id, { status: 404 }, 100);
	expect(await poll()).toMatchObject([{ id, status: 'SUCCEEDED' }]);
});

test('what does not fit into the time of a poll is left to the next', async () => {
	const { service, poll } = await active({ latency: () => 4_000, slots: 10 }, { download: false });
	for (let task = 0; task < 10; task++) service.addTask(`${task}`, { jobSeconds: 20 });
	const numbers = [];
	for (let minute = 0; minute < 4; minute++) {
		numbers.push((await poll({ budgetMs: 40_000 })).length);
	}
	expect(numbers[0]).toBeLessThan(10);
	expect(numbers.reduce((sum, number) => sum + number)).toBe(10);
});

test('a download that n8n gives no time for says so', async () => {
	const clock = new VirtualClock();
	const service = new VirtualService(clock);
	const id = service.addTask('a', { jobSeconds: 20 });
	await clock.pass(MINUTE);
	service.break('download', id, { delayMs: 10 * MINUTE });
	const stop = new StopButton(clock);
	clock.at(clock.now() + MINUTE, () => stop.press());
	const task = clock.run(collectLatest(service.ports(stop), settings));
	await expect(task).rejects.toThrow(`Task ${id} could not be fetched in the time`);
});

describe('the test event', () => {
	test('is the task that ended last', async () => {
		const clock = new VirtualClock();
		const service = new VirtualService(clock);
		service.addTask('slow', { jobSeconds: 50 });
		service.addTask('quick', { jobSeconds: 20 });
		await clock.pass(MINUTE);
		const latest = await clock.run(collectLatest(service.ports(), settings));
		expect(latest).toMatchObject({ task: { taskId: 'task-1' }, video: 'video of task-1' });
	});

	test('is none when nothing matches', async () => {
		const service = new VirtualService(new VirtualClock());
		const found = service.clock.run(collectLatest(service.ports(), settings));
		expect(await found).toBeUndefined();
	});
});
