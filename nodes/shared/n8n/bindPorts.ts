import { sleep } from 'n8n-workflow';
import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import type { DashScopeClient } from '../dashscope/client';
import { DashScopeError } from '../dashscope/errors';
import { openResult } from '../dashscope/results';
import { getTask, listTasks } from '../dashscope/tasks';
import { cancelSignalOf, uploadFile } from '../dashscope/uploads';
import { StoppedError } from '../tasks/errors';
import type { TaskPorts } from '../tasks/ports';
import { accountOf } from './accounts';
import { AfterStop } from './afterStop';

const MEGABYTE = 1024 * 1024;

/** Binds the edit rooms to n8n: its clock, its HTTP client with the credential, its binary store. */
export function n8nPorts(
	functions: IExecuteFunctions,
	client: DashScopeClient,
	maxResultBytes: number,
): TaskPorts<IBinaryData> {
	const signal = cancelSignalOf(functions);
	const stopped = () => signal?.aborted ?? false;
	const account = accountOf(client);
	/** The client for one call, whose answer tells the account about the host and its clock. */
	const telling = (): DashScopeClient => {
		const sentAt = Date.now();
		return { ...client, onAnswer: (time) => account.answered(sentAt, Date.now(), time) };
	};
	const afterStop = new AfterStop(functions, telling);
	return {
		account,
		exclusive: client.exclusive,
		executionId: functions.getExecutionId() ?? '',
		now: () => Date.now(),
		random: () => Math.random(),
		stopped,
		sleep: async (ms) =>
			await sleep(ms, signal).catch(
				async (error: unknown) => await Promise.reject(stopped() ? new StoppedError() : error),
			),
		createTask: async (call) => await afterStop.createTask(call),
		getTask: async (taskId) => await getTask(telling(), taskId),
		listTasks: async (query) => await listTasks(telling(), query),
		cancelTask: async (taskId) => await afterStop.cancelTask(taskId),
		upload: async (model, source) => await uploadFile(client, model, source),
		download: async (taskId, videoUrl) =>
			await download(functions, client.baseUrl, taskId, videoUrl, maxResultBytes),
		log: (message) => functions.logger.info(message),
	};
}

async function download(
	functions: IExecuteFunctions,
	baseUrl: string,
	taskId: string,
	videoUrl: string,
	maxBytes: number,
): Promise<IBinaryData> {
	const result = await openResult(functions, videoUrl, baseUrl);
	const { stream, size } = result;
	try {
		if (size !== undefined) refuseLarger(size, maxBytes);
		let received = 0;
		const counted = stream.map((chunk: Uint8Array) => {
			result.moved(chunk.byteLength);
			received += chunk.byteLength;
			refuseLarger(received, maxBytes);
			return chunk;
		});
		const binary = await functions.helpers.prepareBinaryData(counted, `${taskId}.mp4`, 'video/mp4');
		if (size !== undefined && received !== size) {
			throw new DashScopeError(`Only ${received} of ${size} bytes arrived`, { kind: 'lost' });
		}
		return binary;
	} catch (error) {
		throw result.reason(error);
	} finally {
		result.close();
	}
}

function refuseLarger(bytes: number, maxBytes: number): void {
	if (bytes <= maxBytes) return;
	throw new DashScopeError(
		`The result is larger than ${Math.round(maxBytes / MEGABYTE)} MB, the set maximum`,
		{ kind: 'rejected', hint: "Raise the option 'Maximum Result Size', or use the link." },
	);
}
