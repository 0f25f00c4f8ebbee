/**
 * The API key as it is sent: what was copied along with it, such as a line break or the word "Bearer", is no part of
 * it.
 */
export function keyOf(text: string): string {
	return text.trim().replace(/^Bearer\s+/i, '');
}

/**
 * A text without what looks like an API key or a token, whosever it is, such as one that a gateway uses itself.
 * @param least characters of a key after its prefix: more where the text may be a user's own words
 */
export function withoutKeys(text: string, least = 6): string {
	const key = new RegExp(`\\b(sk|st)-[\\w-]{${least},}`, 'gi');
	const token = new RegExp(`\\b(Bearer)\\s+\\S{${least},}`, 'gi');
	return text.replace(key, '$1-…').replace(token, '$1 …');
}
