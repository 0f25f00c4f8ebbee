// Whatever the host starts is stopped again: by its owner, or here when the process itself ends.
import { rmSync } from 'node:fs';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Stop = () => Promise<unknown>;

const stops = new Set<Stop>();
const groups = new Set<number>();
const folders = new Set<string>();

/** Registers something to stop; call the result once it has stopped by itself. */
export function stopLater(stop: Stop): () => void {
	stops.add(stop);
	return () => stops.delete(stop);
}

/** Stops in reverse order, so that nothing loses what it stands on. */
export async function stopAll(): Promise<void> {
	for (const stop of [...stops].reverse()) {
		stops.delete(stop);
		await stop().catch(() => undefined);
	}
}

/** Process groups that must not outlive this process. */
export function trackGroup(pid: number): void {
	groups.add(pid);
}

export function untrackGroup(pid: number): void {
	groups.delete(pid);
}

/** Sends a signal to a process and to all in its group; none if they are gone. */
export function killGroup(pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(-pid, signal);
	} catch {
		// The group is gone already.
	}
}

/** A new folder under the system's temporary one, removed when this process ends. */
export async function temporaryFolder(name: string): Promise<string> {
	// n8n compares resolved paths, and on macOS the temporary folder is a link.
	const folder = await realpath(await mkdtemp(join(tmpdir(), `wan-video-edit-${name}-`)));
	folders.add(folder);
	return folder;
}

export function removeFolder(folder: string): void {
	folders.delete(folder);
	rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

process.on('exit', () => {
	for (const pid of groups) killGroup(pid, 'SIGKILL');
	for (const folder of [...folders]) removeFolder(folder);
});
