import { awaitTasks } from '../../../nodes/shared/tasks/awaitTasks';
import type { TaskToAwait } from '../../../nodes/shared/tasks/awaitTasks';
import { StoppedError } from '../../../nodes/shared/tasks/errors';
import { MODEL } from '../requests';
import { StopButton, VirtualClock } from '../virtualClock';
import { VirtualService } from '../virtualService';
import type { Fault } from '../virtualService';

const SETTINGS = { pollIntervalMs: 2_000, timeoutMs: 600_000, transfers: 2, holdMs: undefined };

/** Waits for tasks that somebody else has submitted, which run for so long. */
function waiting(...jobSeconds: number[]) {
	const clock = new VirtualClock();
	const service = new VirtualService(clock, { latency: () => 50 });
	const stop = new StopButton(clock);
	const tasks = jobSeconds.map((seconds, item) => {
		const taskId = service.addTask(`item ${item}`, { jobSeconds: seconds });
		return { taskId, model: MODEL, download: true };
	});
	const wait = async () => await clock.run(awaitTasks(tasks, service.ports(stop), SETTINGS));
	return { clock, service, stop, wait };
}

test('each is brought with its own video', async () => {
	const { service, wait } = waiting(90, 30);
	expect(await wait()).toMatchObject([
		{ state: 'finished', video: 'video of task-1' },
		{ state: 'finished', video: 'video of task-2' },
	]);
	expect(service.count('create')).toBe(0);
});

test('Stop cancels none; the log tells which has ended and which goes on', async () => {
	const { clock, service, stop, wait } = waiting(30, 300);
	// The video of the first is on its way by then.
	service.faults.download.push({ delayMs: 20_000 });
	clock.at(clock.now() + 40_000, () => stop.press());
	await expect(wait()).rejects.toThrow(StoppedError);
	const log = service.log.join('\n');
	expect(log).toContain('Task task-1 was SUCCEEDED before the execution was stopped');
	expect(log).toContain('Task task-2 keeps running after Stop');
	expect(log).not.toContain('task-1 keeps running');
	expect(service.count('cancel')).toBe(0);
});

test.each([undefined, 0])(
	'one that was submitted just now is waited for although it is not known yet, held for %p ms',
	async (holdMs) => {
		const clock = new VirtualClock();
		const service = new VirtualService(clock, { latency: () => 50 });
		const taskId = service.addTask('a', { jobSeconds: 30 });
		const submittedAt = clock.now() - 2_000;
		const task = { taskId, model: MODEL, submittedAt, download: true };
		const wait = async (tasks: TaskToAwait[]) =>
			await clock.run(awaitTasks(tasks, service.ports(), { ...SETTINGS, holdMs }));
		const unknown = Array<Fault>(5).fill({ taskStatus: 'UNKNOWN' });
		service.faults.query.push(...unknown);
		const state = holdMs === undefined ? 'finished' : 'open';
		expect(await wait([task])).toMatchObject([{ state }]);
		// Of one that is not listed it is not known when it was submitted.
		service.faults.query = [...unknown];
		const [outcome] = await wait([{ ...task, submittedAt: undefined }]);
		expect(outcome).toMatchObject({ state: 'failed', task: { status: 'UNKNOWN' } });
	},
);
