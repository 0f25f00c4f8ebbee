/**
 * Waking a suspended execution as soon as its tasks have ended. The process that put its loop to sleep goes on asking
 * for them, and calls the loop's own resume URL. Nothing depends on it: a call that is lost, early or forged leads to
 * a look at most, and without one the loop looks when its sleep ends.
 */
import { sleep } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	IWebhookDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { dashScopeClient } from '../../dashscope/client';
import { untilEnded } from '../../tasks/sleeping';
import type { AwaitedTask } from '../../tasks/taskLists';
import { n8nPorts } from '../bindPorts';

/** Not the empty path of n8n's Wait node: a call that is meant for another node of the execution wakes nothing here. */
const PATH = 'wan-video-edit-tasks-ended';

/** For the node's description. n8n registers it nowhere; it serves the resume URL of an execution that waits. */
export const wakeUpWebhooks: IWebhookDescription[] = [
	{
		name: 'default',
		httpMethod: 'POST',
		responseMode: 'onReceived',
		path: PATH,
		isFullPath: true,
		restartWebhook: true,
	},
];

/** A call of the resume URL. Ends the sleep of a loop's check; what was sent with it is not looked at. */
export async function wakeUp(this: IWebhookFunctions): Promise<IWebhookResponseData> {
	const isCheck = this.getNodeParameter('checkSuspended', false) === true;
	// The edit that waits for the loop would hand these items on as its result.
	return await Promise.resolve(isCheck ? { workflowData: [[{ json: { waiting: true } }]] } : {});
}

/** Between two calls of a loop that is not yet asleep. */
const CALL_AGAIN_MS = 10_000;

/**
 * How long before the sleep ends by itself the calls stop: n8n reads an execution some milliseconds before it claims
 * it, and must not do so while the other wake-up is being dealt with.
 */
const QUIET_MS = 10_000;

const CALL_TIMEOUT_MS = 10_000;

/** The newest watch of each execution. */
const watches = new Map<string, symbol>();

interface Sleep {
	/** All that the loop waits for. */
	tasks: AwaitedTask[];
	/** When it ends by itself. Epoch milliseconds. */
	until: number;
}

/** Ends the sleep of the loop that is about to begin, once all its tasks have ended. Never throws. */
export function wakeWhenEnded(functions: IExecuteFunctions, pause: Sleep): void {
	const id = functions.getExecutionId();
	const watch = Symbol(id);
	watches.set(id, watch);
	const isNewest = () => watches.get(id) === watch;
	void watchTasks(functions, pause, isNewest)
		// Whatever goes wrong, the sleep ends by itself.
		.catch(() => undefined)
		.finally(() => {
			if (isNewest()) watches.delete(id);
		});
}

async function watchTasks(
	functions: IExecuteFunctions,
	{ tasks, until }: Sleep,
	isNewest: () => boolean,
): Promise<void> {
	const resumeUrl: unknown = functions.getWorkflowDataProxy(0).$execution.resumeUrl;
	const url = new URL(String(resumeUrl));
	url.pathname = `${url.pathname}/${PATH}`;
	const ports = n8nPorts(functions, await dashScopeClient(functions));
	const goesOn = () => isNewest() && Date.now() < until - QUIET_MS;
	if (!(await untilEnded(tasks, ports, goesOn))) return;
	while (goesOn() && !(await call(functions, url.href))) await sleep(CALL_AGAIN_MS);
}

/** @returns whether the loop was woken; it may not be asleep yet, or the URL may be out of reach from here */
async function call(functions: IExecuteFunctions, url: string): Promise<boolean> {
	try {
		// The URL carries a token: it is logged nowhere, and goes to no other host.
		await functions.helpers.httpRequest({
			method: 'POST',
			url,
			timeout: CALL_TIMEOUT_MS,
			disableFollowRedirect: true,
		});
		return true;
	} catch {
		return false;
	}
}
