/** URLs of media on their way to DashScope. Pure. */
import { isPrivateHost, tryParseUrl } from '../dashscope/hosts';
import { InputError } from '../inputError';
import type { MediaSource } from './types';

/** Of a web address: what stands before the host, and a host with letters other than ASCII. */
const OTHER_HOST = /^(https?:\/\/(?:[^/?#]*@)?)([^/?#:]*\P{ASCII}[^/?#:]*)/iu;

/**
 * Percent-encodes what may not stand in a URL and leaves all else, signatures included, untouched; but `oss:` becomes
 * lower case, by which uploads are recognized, and a host with other letters becomes its name in ASCII (Punycode).
 */
export function encodeUrl(url: string): string {
	return url
		.replace(/^oss:/i, 'oss:')
		.replace(OTHER_HOST, (found, before: string) => {
			const hostname = tryParseUrl(found)?.hostname;
			return hostname === undefined ? found : `${before}${hostname}`;
		})
		.replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
}

/**
 * Checks the form of a URL source.
 * @param publicService whether the base URL is a public host, which cannot fetch from a private one
 * @throws InputError naming field and value
 */
export function validateUrl(source: MediaSource, publicService: boolean): void {
	if (source.from !== 'url') return;
	const { field, url } = source;
	if (url === '') {
		throw new InputError(
			`'${field}' is empty`,
			'Enter a web address (https://…) or choose a binary field as the source.',
		);
	}
	// Half of a character, as a text that was cut has it at its end, cannot be percent-encoded.
	const parsed = /\p{Surrogate}/u.test(url) ? undefined : tryParseUrl(url);
	if (parsed === undefined || !['http:', 'https:', 'oss:'].includes(parsed.protocol)) {
		throw new InputError(
			`'${field}' is not a web address: "${shorten(url)}"`,
			'It must start with https://, http:// or oss://. To send a file, choose a binary field as the source.',
		);
	}
	if (parsed.protocol !== 'oss:' && publicService && isPrivateHost(parsed.hostname)) {
		throw new InputError(
			`'${field}' points to ${parsed.hostname}, which only this network can reach: "${shorten(url)}"`,
			'DashScope downloads the file itself and needs a public address. Or use a binary file, which is uploaded.',
		);
	}
}

/**
 * Enough of a value to recognize it: URLs can be very long, and secret at the end (signed) or before the host
 * (password).
 */
function shorten(text: string): string {
	const bare = (text.split('?')[0] ?? text).replace(/\/\/[^/]*@/, '//');
	return bare.length > 80 ? `${bare.slice(0, 80)}…` : bare;
}
