import { askStatus } from '../../../nodes/shared/tasks/ask';
import { StoppedError } from '../../../nodes/shared/tasks/errors';
import { StopButton, VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';

function setup() {
	const clock = new VirtualClock();
	const stop = new StopButton(clock);
	const service = new VirtualService(clock);
	const taskId = service.addTask('p', { jobSeconds: 60 });
	const ask = async (id = taskId) => await clock.run(askStatus(service.ports(stop), id));
	return { clock, stop, service, taskId, ask };
}

test('the state of a task takes one question', async () => {
	const { service, taskId, ask } = setup();
	await expect(ask()).resolves.toMatchObject({ taskId, status: 'RUNNING' });
	expect(service.count('query')).toBe(1);
});

test('a task that is not known is an answer', async () => {
	const { ask } = setup();
	await expect(ask('nobody')).resolves.toMatchObject({ status: 'UNKNOWN' });
});

test('a stumbling service is asked again, with pauses', async () => {
	const { service, ask } = setup();
	service.faults.query.push(
		faults.unavailable,
		faults.reset,
		faults.halfJson,
		faults.throttled('30'),
	);
	await expect(ask()).resolves.toMatchObject({ status: 'RUNNING' });
	const times = service.times('query');
	expect(times).toHaveLength(5);
	expect((times[4] ?? 0) - (times[3] ?? 0)).toBeGreaterThanOrEqual(30_000);
});

test('five failures in a row are the answer', async () => {
	const { service, ask } = setup();
	service.faults.query.push(...Array<typeof faults.unavailable>(9).fill(faults.unavailable));
	await expect(ask()).rejects.toMatchObject({ kind: 'server', httpStatus: 503 });
	expect(service.count('query')).toBe(5);
});

test('a definite no is the answer at once', async () => {
	const { service, ask } = setup();
	service.faults.query.push(faults.unauthorised);
	await expect(ask()).rejects.toMatchObject({ code: 'InvalidApiKey' });
	expect(service.count('query')).toBe(1);
});

test('Stop ends the pause between two questions', async () => {
	const { clock, stop, service, ask } = setup();
	service.faults.query.push(faults.throttled('60'));
	clock.at(clock.now() + 2_000, () => stop.press());
	const before = clock.now();
	await expect(ask()).rejects.toThrow(StoppedError);
	expect(clock.now() - before).toBe(2_000);
});

test('a service that asks for ten minutes is not waited for', async () => {
	const { clock, service, ask } = setup();
	service.faults.query.push(faults.throttled('600'));
	const before = clock.now();
	await expect(ask()).rejects.toMatchObject({ kind: 'throttled' });
	expect(clock.now() - before).toBeLessThan(1_000);
});
