import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import manifest from '../../package.json';

// What the documents name exists: files, headings, commands, tests; and what they show as JSON is JSON.

const ROOT = join(__dirname, '..', '..');

const pages = ['.', 'docs', 'examples', '.github']
	.filter((folder) => existsSync(join(ROOT, folder)))
	.flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => join(folder, name)))
	.filter((path) => path.endsWith('.md'))
	.map((path): [string, string] => [path, readFileSync(join(ROOT, path), 'utf8')]);

/** A page without its code, in which brackets are no links. */
const proseOf = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');

/** The anchors that GitHub gives to headings: of equal ones, the second ends in -1. */
function anchorsOf(text: string): string[] {
	const seen = new Map<string, number>();
	const headings = text.replace(/^```[\s\S]*?^```$/gm, '').match(/^#{1,6} .+$/gm) ?? [];
	return headings.map((heading) => {
		const anchor = heading
			.replace(/^#+ /, '')
			.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
			.trim()
			.toLowerCase()
			.replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
			.replaceAll(' ', '-');
		const count = seen.get(anchor) ?? 0;
		seen.set(anchor, count + 1);
		return count === 0 ? anchor : `${anchor}-${count}`;
	});
}

test('the pages that a newcomer looks for are here', () => {
	expect(pages.map(([path]) => path)).toEqual(
		expect.arrayContaining([
			'README.md',
			'CHANGELOG.md',
			'CONTRIBUTING.md',
			'SECURITY.md',
			'docs/architecture.md',
			'docs/compatibility.md',
			'docs/releasing.md',
			'docs/waiting.md',
		]),
	);
});

describe.each(pages)('%s', (path, text) => {
	const targets = [
		...[...proseOf(text).matchAll(/\[[^\]]*\]\(([^)\s]+)(?: "[^"]*")?\)/g)].map(
			(match) => match[1],
		),
		...[...text.matchAll(/<(?:img|source|a)\s[^>]*?(?:src|srcset|href)="([^"]+)"/g)].map(
			(match) => match[1],
		),
	].flatMap((target) => target ?? []);
	const relative = targets.filter((target) => !/^[a-z]+:/i.test(target));

	test('links to files and headings that exist', () => {
		const broken = relative.filter((target) => {
			const [file = '', anchor] = target.split('#');
			const found = file === '' ? path : normalize(join(dirname(path), decodeURIComponent(file)));
			if (found.startsWith('..') || !existsSync(join(ROOT, found))) return true;
			if (anchor === undefined || !found.endsWith('.md')) return false;
			return !anchorsOf(readFileSync(join(ROOT, found), 'utf8')).includes(
				decodeURIComponent(anchor),
			);
		});

		expect(broken).toEqual([]);
	});

	test('links elsewhere by https only', () => {
		const absolute = targets.filter((target) => /^[a-z]+:/i.test(target));

		expect(absolute.filter((target) => !/^(https|mailto):/.test(target))).toEqual([]);
	});

	test('names commands that exist', () => {
		const scripts = [...text.matchAll(/\bnpm run (?:--silent )?([a-z][\w:-]*)/g)].map(
			(match) => match[1],
		);
		const unknown = scripts.filter(
			(script) => !Object.keys(manifest.scripts).includes(script ?? ''),
		);

		expect(unknown).toEqual([]);
	});

	test('shows JSON that parses', () => {
		const wrong = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)].filter(([, json = '']) => {
			try {
				JSON.parse(json);
				return false;
			} catch {
				return true;
			}
		});

		expect(wrong.map(([block]) => block)).toEqual([]);
	});

	test('names files of this repository that exist', () => {
		const named = [
			...text.matchAll(
				/`((?:nodes|credentials|sandbox|host|test|tools|docs|\.github)\/[\w./-]+)`/g,
			),
		]
			.flatMap((match) => match[1] ?? [])
			.filter((file) => /\.\w+$/.test(file));

		expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
	});
});

test('SECURITY.md names tests that exist, and one for each claim', () => {
	const [, text = ''] = pages.find(([path]) => path === 'SECURITY.md') ?? [];
	const rows = text.split('\n').filter((line) => /^\| (?!---|What holds)/.test(line));
	const named = [...text.matchAll(/\]\((test\/[^)]+)\): \*([^*]+)\*/g)];

	expect(rows.length).toBeGreaterThan(12);
	expect(rows.filter((row) => !/\]\(test\/[^)]+\.test\.ts\)/.test(row))).toEqual([]);
	expect(named.length).toBeGreaterThan(12);
	const missing = named.filter(
		([, file = '', name = '']) => !readFileSync(join(ROOT, file), 'utf8').includes(name),
	);
	expect(missing.map(([whole]) => whole)).toEqual([]);
});

test('docs/compatibility.md names the versions that are tested', () => {
	const [, text = ''] = pages.find(([path]) => path === 'docs/compatibility.md') ?? [];
	for (const folder of ['host', 'host/oldest']) {
		const { dependencies } = JSON.parse(
			readFileSync(join(ROOT, folder, 'package.json'), 'utf8'),
		) as { dependencies: { n8n: string } };
		expect(text).toContain(`| ${dependencies.n8n}`);
	}
});

test('the changelog keeps to its format', () => {
	const [, text = ''] = pages.find(([path]) => path === 'CHANGELOG.md') ?? [];
	const versions = text.match(/^## .+$/gm) ?? [];
	const kinds = text.match(/^### .+$/gm) ?? [];

	expect(versions[0]).toBe('## [Unreleased]');
	for (const heading of versions.slice(1)) {
		expect(heading).toMatch(/^## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/);
	}
	for (const kind of kinds) {
		expect(kind).toMatch(/^### (Added|Changed|Deprecated|Removed|Fixed|Security)$/);
	}
});
