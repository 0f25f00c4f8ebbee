const PATTERN = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?$/;

/** DashScope's task times carry no zone; they are UTC+8 in Beijing and Singapore alike. */
const OFFSET_MS = 8 * 3_600_000;

/**
 * Epoch milliseconds of a DashScope time such as "2026-11-02 17:16:30.123" (UTC+8).
 * @returns undefined when the text is missing or not of that form
 */
export function parseDashScopeTime(text: string | undefined): number | undefined {
	const match = PATTERN.exec(text ?? '');
	if (match === null) return undefined;
	const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
		number,
		number,
		number,
		number,
		number,
		number,
	];
	const millis = Number((match[7] ?? '0').padEnd(3, '0'));
	return Date.UTC(year, month - 1, day, hour, minute, second, millis) - OFFSET_MS;
}

/** `YYYYMMDDhhmmss` in UTC+8, the form of the task list's `start_time` and `end_time`. */
export function formatListTime(epochMs: number): string {
	return new Date(epochMs + OFFSET_MS).toISOString().replace(/[-:T]/g, '').slice(0, 14);
}
