import type { IExecuteFunctions } from 'n8n-workflow';
import { n8nPorts } from '../../../nodes/shared/n8n/bindPorts';
import { Ledger } from '../../../nodes/shared/tasks/ledger';
import { Submitter } from '../../../nodes/shared/tasks/submit';
import { clientOf } from '../http';
import { MODEL } from '../requests';
import { VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';

/** What a node of the execution calls itself. */
function nameOf(node: string): string {
	const functions = {
		getExecutionId: () => '7',
		getNode: () => ({ id: node }),
		getWorkflow: () => ({ id: 'w1' }),
		getExecutionContext: () => undefined,
		getWorkflowDataProxy: () => ({}),
		getExecutionCancelSignal: () => undefined,
	};
	const client = clientOf(async () => await Promise.reject(new Error('Nothing is sent')));
	return n8nPorts(functions as unknown as IExecuteFunctions, client, 0).executionId;
}

test('a node does not take what another of the same execution has lost, though it asks for the same', async () => {
	const clock = new VirtualClock();
	const service = new VirtualService(clock, { listLagOf: (task) => (task === 2 ? 20_000 : 0) });
	const submit = async (node: string) => {
		const viewer = { exclusive: true, executionId: nameOf(node) };
		const ports = service.ports(undefined, true, () => 0.5, viewer);
		const deadline = clock.now() + 3_600_000;
		const submitter = new Submitter(ports, new Ledger({}, 0), {
			deadline,
			lostSubmission: 'lookUp',
		});
		const body = { model: MODEL, input: { prompt: 'a' }, parameters: {} };
		const call = async () => await Promise.resolve({ body });
		return await clock.run(submitter.submit('k', MODEL, call));
	};
	service.faults.create.push(faults.resetAfterwards, faults.resetAfterwards);
	service.faults.list.push(...[1, 2, 3].map(() => ({ status: 404, body: '' })));
	await expect(submit('one')).rejects.toThrow('Outcome unknown');
	await expect(submit('other')).rejects.toMatchObject({
		details: { possibleTaskIds: expect.stringMatching(/task-1.*task-2|task-2.*task-1/) },
	});
});
