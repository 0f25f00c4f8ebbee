import type { IExecuteFunctions } from 'n8n-workflow';
import { n8nPorts } from '../../../nodes/shared/n8n/bindPorts';
import { rowOf } from '../../../nodes/shared/n8n/listedTask';
import { Ledger } from '../../../nodes/shared/tasks/ledger';
import { Submitter } from '../../../nodes/shared/tasks/submit';
import { answering, clientOf } from '../http';
import { MODEL } from '../requests';
import { VirtualClock } from '../virtualClock';
import { VirtualService, faults } from '../virtualService';

function functionsOf(node: string): IExecuteFunctions {
	const functions = {
		getExecutionId: () => '7',
		getNode: () => ({ id: node }),
		getWorkflow: () => ({ id: 'w1' }),
		getExecutionContext: () => undefined,
		getWorkflowDataProxy: () => ({}),
		getExecutionCancelSignal: () => undefined,
	};
	return functions as unknown as IExecuteFunctions;
}

/** What a node of the execution calls itself. */
function nameOf(node: string): string {
	const client = clientOf(async () => await Promise.reject(new Error('Nothing is sent')));
	return n8nPorts(functionsOf(node), client, 0).executionId;
}

test("a task's row tells how far the service's clock is ahead", async () => {
	const date = new Date(Date.now() + 3_600_000).toUTCString();
	const body = { request_id: 'r', data: [{ task_id: 't', model_name: MODEL, status: 'RUNNING' }] };
	const answer = { statusCode: 200, headers: { date }, body };
	const client = { ...answering(answer).client, apiKey: 'sk-of-the-row' };
	const ports = n8nPorts(functionsOf('one'), client, 0);
	expect(await rowOf(ports, client, 't')).toMatchObject({ model: MODEL });
	expect(ports.account.offset).toBeGreaterThan(3_590_000);
});

test('each page of a list tells it by the time that the page itself took', async () => {
	jest.useFakeTimers({ now: Date.parse('2026-11-02T09:00:00.000Z') });
	try {
		const row = (id: number) => ({ task_id: `t-${id}`, model_name: MODEL, status: 'RUNNING' });
		// Each takes 0.8 s, and the service reads its clock in the middle.
		const client = clientOf(async ({ options }) => {
			await new Promise((resolve) => setTimeout(resolve, 400));
			const headers = { date: new Date().toUTCString() };
			await new Promise((resolve) => setTimeout(resolve, 400));
			const page = options.qs?.page_no === 2 ? 2 : 1;
			const body = { request_id: 'r', total: 2, total_page: 2, data: [row(page)] };
			return { statusCode: 200, headers, body };
		});
		const ports = n8nPorts(functionsOf('one'), { ...client, apiKey: 'sk-of-the-pages' }, 0);
		const work = ports.listTasks({ from: Date.now() - 60_000, to: Date.now() });
		await jest.advanceTimersByTimeAsync(10_000);
		expect(await work).toHaveLength(2);
		// The service tells whole seconds.
		expect(Math.abs(ports.account.offset ?? Infinity)).toBeLessThanOrEqual(500);
	} finally {
		jest.useRealTimers();
	}
});

test('an answer about an upload shows that the host is reached', async () => {
	const answer = { statusCode: 500, headers: {}, body: '' };
	const client = { ...answering(answer).client, apiKey: 'sk-of-the-upload' };
	const ports = n8nPorts(functionsOf('one'), client, 0);
	const source = {
		size: 1,
		mimeType: 'video/mp4',
		extension: 'mp4',
		ownChunks: false,
		open: async () => await Promise.reject(new Error('Nothing is uploaded')),
	};
	await expect(ports.upload(MODEL, source)).rejects.toThrow('HTTP 500');
	expect(ports.account.reached).toBe(true);
});

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
