import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether there is a process with this ID, whoever it belongs to. */
export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}

async function isHeld(file: string): Promise<boolean> {
	try {
		const pid = Number(await readFile(file, 'utf8'));
		if (pid > 0) return isAlive(pid);
		// Between creating the file and writing the number into it.
		return Date.now() - (await stat(file)).mtimeMs < 10_000;
	} catch {
		return false;
	}
}

/**
 * Lets one process at a time do the work. The lock only saves double work: what it guards must stay
 * right if two processes, both taking over a dead one's lock, do it at the same time.
 */
export async function withLock<T>(
	file: string,
	waiting: () => void,
	work: () => Promise<T>,
): Promise<T> {
	await mkdir(dirname(file), { recursive: true });
	for (let tries = 0; ; tries++) {
		try {
			await writeFile(file, String(process.pid), { flag: 'wx' });
			break;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
		}
		if (!(await isHeld(file))) await rm(file, { force: true });
		else {
			if (tries === 0) waiting();
			await sleep(1000);
		}
	}
	try {
		return await work();
	} finally {
		await rm(file, { force: true });
	}
}
