/**
 * Did n8n end in the middle of an execution that is now retried, or was it stopped? Its memory is lost then, because
 * n8n saves it when a node ends: what the node submitted can be seen in the task list only. Pure; as n8n 2.41.1 saves
 * executions.
 */
import type { IRunExecutionData, ITaskData } from 'n8n-workflow';

/** The output that n8n makes up for a node of which only the event log tells that it finished. */
const RECOVERED = 'isArtificialRecoveredEventItem';

/**
 * Which runs of a node may have begun in a try that n8n did not survive: `all` of them where the retry starts from the
 * beginning, or only those from the `next` on, where it starts at this node.
 * @param saved the execution as it was saved last, which is before this node began
 * @param processSince when this process began. Epoch milliseconds
 * @returns undefined where none has
 */
export function runsBeforeKill(
	{ resultData: { runData }, executionData }: IRunExecutionData,
	node: string,
	processSince: number,
): 'all' | 'next' | undefined {
	const entries = Object.values(runData).flat();
	const recovered = entries.some(isRecovered);
	const saved = entries
		.filter((entry) => entry.data !== undefined && !isRecovered(entry))
		.sort((a, b) => a.startTime - b.startTime);
	// A node that began has a memory when it ends. n8n takes the entry of a failed one away, but not its place.
	const fresh = executionData?.contextData[`node:${node}`]?.wanVideoEdit === undefined;
	const begun = fresh && Object.hasOwn(runData, node);
	// Without its event log n8n does not know how far it came.
	if (saved.length === 0 || recovered) return begun || !recovered ? 'all' : undefined;

	// Where progress is saved, so is what this retry has run again before this node; it counts from 0.
	const again = saved.slice(1).some(({ executionIndex }) => executionIndex === 0);
	const here = again && (saved.at(-1)?.startTime ?? 0) >= processSince;
	const [top] = executionData?.nodeExecutionStack ?? [];
	return begun || (top?.node.name === node && !here) ? 'next' : undefined;
}

function isRecovered({ data }: ITaskData): boolean {
	return data?.main?.[0]?.[0]?.json?.[RECOVERED] === true;
}
