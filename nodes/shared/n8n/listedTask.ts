import type { DashScopeClient } from '../dashscope/client';
import { getListedTask } from '../dashscope/tasks';
import type { ListedTask } from '../dashscope/types';
import type { TaskPorts } from '../tasks/ports';
import { telling } from './bindPorts';

/**
 * The task's row in the task list. It tells the model, on which the right prices depend, but nothing else does: where it
 * cannot be read there is no estimate of the cost. Never throws.
 */
export async function rowOf(
	ports: TaskPorts<unknown>,
	client: DashScopeClient,
	taskId: string,
): Promise<ListedTask | undefined> {
	const read = async () => await getListedTask(telling(client), taskId);
	return await ports.account.requests.ask(ports, read).catch(() => undefined);
}
