const PATTERN = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?)$/;

/** DashScope's task times carry no zone; they are UTC+8 in Beijing and Singapore alike. */
const OFFSET_MS = 8 * 3_600_000;

/**
 * Epoch milliseconds of a DashScope time such as "2026-11-02 17:16:30.123" (UTC+8).
 * @returns undefined when the text is missing or not of that form
 */
export function parseDashScopeTime(text: string | undefined): number | undefined {
	const [, date, clock] = PATTERN.exec(text ?? '') ?? [];
	const time = Date.parse(`${date}T${clock}+08:00`);
	return Number.isNaN(time) ? undefined : time;
}

/** `YYYYMMDDhhmmss` in UTC+8, the form of the task list's `start_time` and `end_time`. */
export function formatListTime(epochMs: number): string {
	return new Date(epochMs + OFFSET_MS).toISOString().replace(/[-:T]/g, '').slice(0, 14);
}
