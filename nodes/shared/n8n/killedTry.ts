/**
 * Did n8n end in the middle of an execution that is now retried? Its memory is lost then, because n8n saves it when a node ends: what
 * the node submitted can be seen in the task list only. Pure; as n8n 2.41.1 saves executions.
 */
import type { IRunExecutionData, ITaskData } from 'n8n-workflow';

/** The output that n8n makes up for a node of which only the event log tells that it finished. */
const RECOVERED = 'isArtificialRecoveredEventItem';

/**
 * Which runs of a node may have begun in a try that n8n did not survive: `all` of them where the retry starts from the
 * beginning, or only the `next`, where it starts at this node.
 * @param saved the execution as it was saved last, which is before this node began
 * @param fresh the node has no memory: it never began, or n8n ended before it did
 * @param processSince when this process began. Epoch milliseconds
 * @returns undefined where none has
 */
export function runsBeforeKill(
	{ resultData: { runData } }: IRunExecutionData,
	node: string,
	fresh: boolean,
	processSince: number,
): 'all' | 'next' | undefined {
	const entries = Object.values(runData).flat();
	const saved = entries.filter((entry) => entry.data !== undefined && !isRecovered(entry));
	// n8n takes the entry of a failed node away when it retries, but not its place.
	const begun = fresh && Object.hasOwn(runData, node);
	if (saved.length === 0) {
		// Without its event log n8n does not know how far it came.
		return begun || !entries.some(isRecovered) ? 'all' : undefined;
	}
	const startsHere = saved.every(({ startTime }) => startTime < processSince);
	return begun || startsHere ? 'next' : undefined;
}

function isRecovered({ data }: ITaskData): boolean {
	return data?.main?.[0]?.[0]?.json[RECOVERED] === true;
}
