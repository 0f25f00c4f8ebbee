import { cancelOrExplain } from '../../../nodes/shared/tasks/cancel';
import { VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';
import type { Fault } from '../virtualService';

/** A task that waits, and the operation that cancels it. */
function setup() {
	const clock = new VirtualClock();
	const service = new VirtualService(clock, { slots: 1 });
	service.addTask('first', { jobSeconds: 600 });
	const taskId = service.addTask('p', { jobSeconds: 60 });
	const cancel = async () => await clock.run(cancelOrExplain(service.ports(), taskId));
	return { service, cancel };
}

test('a task is canceled although the service stumbles', async () => {
	const { service, cancel } = setup();
	service.faults.cancel.push(faults.unavailable, faults.reset, faults.halfJson);
	await cancel();
	expect(service.count('cancel')).toBe(4);
	expect(service.tasks()[1]?.status).toBe('CANCELED');
});

test('what is one too many is left to the port, which repeats it, and slows down no queries', async () => {
	const { service, cancel } = setup();
	const rate = service.account.requests.rateAt(0);
	service.faults.cancel.push(...Array<Fault>(9).fill(faults.throttled()));
	await expect(cancel()).rejects.toMatchObject({ kind: 'throttled' });
	expect(service.count('cancel')).toBe(1);
	expect(service.account.requests.rateAt(service.clock.now())).toBe(rate);
});
