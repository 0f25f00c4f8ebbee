import { sleep } from 'n8n-workflow';
import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import { cancelSignalOf, dashScopeClient } from '../dashscope/client';
import type { DashScopeClient, DashScopeFunctions } from '../dashscope/client';
import { DashScopeError } from '../dashscope/errors';
import { openResult } from '../dashscope/results';
import type { OpenResult } from '../dashscope/results';
import { getTask, listTasks } from '../dashscope/tasks';
import { uploadFile } from '../dashscope/uploads';
import { HEAD_BYTES, messageIn } from '../media/formats';
import { MEGABYTE } from '../media/limits';
import { StoppedError } from '../tasks/errors';
import type { Clock, LookPorts, TaskPorts } from '../tasks/ports';
import { accountOf } from './accounts';
import { AfterStop } from './afterStop';
import { originOf, taskRecord } from './taskRecord';

/** The client whose answers tell the account about the host and its clock. */
export function telling(client: DashScopeClient): DashScopeClient {
	const onCall = () => {
		// Looked up for each call: an account that is in use is kept.
		const account = accountOf(client);
		const sentAt = Date.now();
		return (time?: number) => account.answered(sentAt, Date.now(), time);
	};
	return { ...client, onCall };
}

/**
 * Binds the engine to n8n: its clock, its HTTP client with the credential, its binary store.
 * @param maxResultBytes of a video that is downloaded; absent where none is
 */
export function n8nPorts(
	functions: IExecuteFunctions,
	client: DashScopeClient,
	maxResultBytes = 0,
): TaskPorts<IBinaryData> {
	const told = telling(client);
	const afterStop = new AfterStop(functions, accountOf(client), told);
	return {
		...lookPorts(functions, client, maxResultBytes, cancelSignalOf(functions)),
		exclusive: client.exclusive,
		keyIsSame: async () => {
			const current = await dashScopeClient(functions).catch(() => undefined);
			return current?.apiKey === client.apiKey && current.baseUrl === client.baseUrl;
		},
		// Two nodes may ask for the same: what one has lost is not the other's.
		executionId: `${functions.getExecutionId() ?? ''} ${functions.getNode().id}`,
		lineage: `${functions.getWorkflow().id ?? ''} ${functions.getNode().id} ${originOf(functions) ?? functions.getExecutionContext()?.establishedAt ?? ''}`,
		record: taskRecord(functions),
		createTask: async (call) => await afterStop.createTask(call),
		cancelTask: async (taskId) => await afterStop.cancelTask(taskId),
		upload: async (model, source) => await uploadFile(told, model, source),
	};
}

/** The part of it that looks at tasks and fetches their videos. @param signal ends it */
export function lookPorts(
	functions: DashScopeFunctions,
	client: DashScopeClient,
	maxResultBytes: number,
	signal: AbortSignal | undefined,
): LookPorts<IBinaryData> {
	const stopped = () => signal?.aborted ?? false;
	const account = accountOf(client);
	const told = telling(client);
	const clock: Clock = {
		now: () => Date.now(),
		random: () => Math.random(),
		sleep: async (ms) =>
			await sleep(ms, signal).catch((error: unknown) => {
				throw stopped() ? new StoppedError() : error;
			}),
	};
	return {
		...clock,
		account,
		stopped,
		getTask: async (taskId) => await getTask(told, taskId),
		listTasks: async (query) =>
			await listTasks(told, query, async () => await account.requests.pass(clock)),
		download: async (taskId, videoUrl) =>
			await download(
				functions,
				await openResult(functions, videoUrl, client.baseUrl, signal),
				taskId,
				maxResultBytes,
			),
		log: (message) => functions.logger.info(message),
	};
}

async function download(
	functions: DashScopeFunctions,
	result: OpenResult,
	taskId: string,
	maxBytes: number,
): Promise<IBinaryData> {
	const { stream, size } = result;
	try {
		if (size !== undefined) refuseLarger(size, maxBytes);
		let received = 0;
		let head: Uint8Array = new Uint8Array();
		const counted = stream.map((chunk: Uint8Array) => {
			result.moved(chunk.byteLength);
			received += chunk.byteLength;
			refuseLarger(received, maxBytes);
			if (head.length < HEAD_BYTES) {
				head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)]);
				if (head.length === HEAD_BYTES) refuseMessage(head);
			}
			return chunk;
		});
		const binary = await functions.helpers.prepareBinaryData(counted, `${taskId}.mp4`, 'video/mp4');
		if (size !== undefined && received !== size) {
			throw new DashScopeError(`Only ${received} of ${size} bytes arrived`, { kind: 'lost' });
		}
		if (head.length < HEAD_BYTES) refuseMessage(head);
		return binary;
	} catch (error) {
		throw result.reason(error);
	} finally {
		result.close();
	}
}

/** @throws DashScopeError for what a proxy or a store says in place of the file; it may give it the next time */
function refuseMessage(head: Uint8Array): void {
	const message = messageIn(head);
	if (message === undefined) return;
	throw new DashScopeError(`its host answered with ${message}`, { kind: 'garbled' });
}

function refuseLarger(bytes: number, maxBytes: number): void {
	if (bytes <= maxBytes) return;
	throw new DashScopeError(
		`The result is larger than ${Math.round(maxBytes / MEGABYTE)} MB, the set maximum`,
		{ kind: 'rejected', hint: "Raise the option 'Maximum Result Size', or use the link." },
	);
}
