import { awaitTasks } from '../../../nodes/shared/tasks/awaitTasks';
import { StoppedError } from '../../../nodes/shared/tasks/errors';
import { MODEL } from '../requests';
import { StopButton, VirtualClock } from '../virtualClock';
import { VirtualService } from '../virtualService';

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
