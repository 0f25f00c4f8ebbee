import type { JsonRecord } from './types';

/** Whether `value` is a JSON object (not null, not an array). */
export function isRecord(value: unknown): value is JsonRecord {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The non-empty string at `key`, else undefined. */
export function textAt(record: JsonRecord, key: string): string | undefined {
	const value = record[key];
	return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The finite number at `key`; numbers written as text count, because DashScope's pages and answers differ. */
export function numberAt(record: JsonRecord, key: string): number | undefined {
	const value = record[key];
	const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
	return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** The object at `key`, or an empty one. */
export function recordAt(record: JsonRecord, key: string): JsonRecord {
	const value = record[key];
	return isRecord(value) ? value : {};
}

/** A JSON object from an HTTP body that may be parsed already, text, or neither. */
export function parseRecord(body: unknown): JsonRecord | undefined {
	if (isRecord(body)) return body;
	if (typeof body !== 'string') return undefined;
	try {
		const parsed: unknown = JSON.parse(body);
		return isRecord(parsed) ? parsed : undefined;
	} catch {
		return undefined;
	}
}
