/**
 * Whatever was thrown, as an Error; an Error stays what it is. n8n's lint rules let a catch block throw that, but not
 * the value that it caught.
 */
export function toError(thrown: unknown): Error {
	return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
	return toError(thrown).message;
}
