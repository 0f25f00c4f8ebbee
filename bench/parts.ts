// Parts of a page that are written anew by each measurement, between two marks.

const begin = (name: string) => `<!-- measured: ${name} -->`;
const end = (name: string) => `<!-- end: ${name} -->`;

/** The page with the text between the marks of a name; at its end if there are none yet. */
export function withPart(page: string, name: string, text: string): string {
	const part = `${begin(name)}\n\n${text}\n\n${end(name)}`;
	const from = page.indexOf(begin(name));
	const to = page.indexOf(end(name));
	if (from < 0 || to < from) return `${page.trimEnd()}\n\n${part}\n`;
	return `${page.slice(0, from)}${part}${page.slice(to + end(name).length)}`;
}
