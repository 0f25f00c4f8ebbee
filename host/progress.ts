// Everything a person reads while waiting goes to stderr: stdout belongs to the command's result.

const started = Date.now();

export function say(text: string): void {
	const seconds = ((Date.now() - started) / 1000).toFixed(0).padStart(4);
	process.stderr.write(`${seconds} s  ${text}\n`);
}

/** Announces a step, and says every 15 seconds that it is still running. */
export async function step<T>(text: string, work: () => Promise<T>): Promise<T> {
	say(`${text} …`);
	const begin = Date.now();
	const elapsed = () => `${Math.round((Date.now() - begin) / 1000)} s`;
	const reminder = setInterval(() => say(`  still at it after ${elapsed()}`), 15_000);
	try {
		return await work();
	} finally {
		clearInterval(reminder);
	}
}
