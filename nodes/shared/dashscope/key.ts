/** The API key as it is sent: what was copied along with it, such as a line break or the word "Bearer", is no part of it. */
export function keyOf(text: string): string {
	return text.trim().replace(/^Bearer\s+/i, '');
}

/** A text without what looks like an API key, whosever it is. */
export function withoutForeignKeys(text: string): string {
	return text.replace(/\b(sk)-[\w-]{16,}/gi, '$1-…');
}
