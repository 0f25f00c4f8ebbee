/** Whatever was thrown, as an Error; an Error stays what it is. n8n's rules let a catch block throw that on, but not what it caught. */
export function toError(thrown: unknown): Error {
	return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** What it says. */
export function messageOf(thrown: unknown): string {
	return toError(thrown).message;
}
