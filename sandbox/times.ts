// DashScope writes naked times in UTC+8, in Beijing and in Singapore alike.
const OFFSET = 8 * 3_600_000;

export const DAY = 24 * 3_600_000;

/** 'YYYY-MM-DD HH:mm:ss.SSS', as in submit_time, scheduled_time and end_time. */
export function naiveTime(at: number): string {
	return new Date(at + OFFSET).toISOString().replace('T', ' ').slice(0, 23);
}

/** 'YYYYMMDD' of the same clock, used in object paths. */
export function naiveDay(at: number): string {
	return naiveTime(at).slice(0, 10).replaceAll('-', '');
}

/** The list's 'YYYYMMDDhhmmss' to epoch milliseconds; undefined when it is not such a time. */
export function parseCompactTime(text: string): number | undefined {
	const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
	if (parts === null) return undefined;
	const [, year, month, day, hour, minute, second] = parts;
	const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
	return Number.isNaN(at) ? undefined : at - OFFSET;
}
