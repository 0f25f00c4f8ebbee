import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface ReleaseCheck {
	problemsOf(root: string, options?: { tag?: string; runsIn?: string }): string[];
	writeLinks(root: string): string[];
}

const ROOT = join(__dirname, '..', '..');
const { problemsOf, writeLinks } = jest.requireActual<ReleaseCheck>(
	join(ROOT, 'tools', 'release-check.js'),
);

interface Manifest {
	version: string;
	homepage: string;
	repository: { type: string; url: string };
	bugs: { url: string };
	author: { name: string; email: string };
}

let root: string;

/** Writes a file of the copy anew. */
function change(path: string, edit: (text: string) => string): void {
	writeFileSync(join(root, path), edit(readFileSync(join(root, path), 'utf8')));
}

function changeManifest(edit: (manifest: Manifest) => void): void {
	change('package.json', (text) => {
		const manifest = JSON.parse(text) as Manifest;
		edit(manifest);
		return JSON.stringify(manifest);
	});
}

/** What docs/releasing.md tells the owner to set. */
function setOwner(): void {
	changeManifest((manifest) => {
		manifest.repository.url = 'git+https://github.com/acme-film/n8n-wan.git';
		manifest.homepage = 'https://github.com/acme-film/n8n-wan#readme';
		manifest.bugs.url = 'https://github.com/acme-film/n8n-wan/issues';
		manifest.author = { name: 'Acme Film', email: 'n8n@acme-film.io' };
	});
}

const setDate = () =>
	change('CHANGELOG.md', (text) =>
		text.replace('## [Unreleased]', '## [Unreleased]\n\n## [0.1.0] - 2026-12-01'),
	);

beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), 'wan-video-edit-release-'));
	for (const path of [
		'package.json',
		'package-lock.json',
		'CHANGELOG.md',
		'credentials',
		'nodes/WanVideoEdit/WanVideoEdit.node.json',
	]) {
		mkdirSync(dirname(join(root, path)), { recursive: true });
		cpSync(join(ROOT, path), join(root, path), { recursive: true });
	}
	// The copy is of the state before the first release, whatever the clone has become.
	changeManifest((manifest) => {
		manifest.version = '0.1.0';
		manifest.repository.url =
			'git+https://github.com/n8n-nodes-wan-video-edit/n8n-nodes-wan-video-edit.git';
		manifest.author = {
			name: 'n8n-nodes-wan-video-edit contributors',
			email: 'n8n-nodes-wan-video-edit@users.noreply.github.com',
		};
	});
	change('package-lock.json', (text) => text.replace(/"version": "[^"]+"/, '"version": "0.1.0"'));
	writeFileSync(join(root, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test('names every placeholder and the missing date, and nothing else', () => {
	expect(problemsOf(root, { tag: 'v0.1.0' })).toEqual([
		'package.json: "repository" is a placeholder',
		'package.json: "author.name" is a placeholder',
		'package.json: "author.email" is a placeholder',
		'CHANGELOG.md: there is no heading "## [0.1.0] - YYYY-MM-DD"',
	]);
});

test('asks for the links to follow, lets them, and is content then', () => {
	setOwner();
	setDate();
	const linking = [
		'nodes/WanVideoEdit/WanVideoEdit.node.json',
		'credentials/DashScopeApi.credentials.ts',
	];

	expect(problemsOf(root)).toEqual(
		linking.map((path) => `${path}: links to another repository; run "npm run release:links"`),
	);
	expect(writeLinks(root)).toEqual(linking);
	expect(problemsOf(root, { tag: 'v0.1.0', runsIn: 'acme-film/n8n-wan' })).toEqual([]);
	expect(readFileSync(join(root, linking[1] ?? ''), 'utf8')).toContain(
		"'https://github.com/acme-film/n8n-wan#credential'",
	);
	expect(writeLinks(root)).toEqual([]);
});

describe('of a clone that is ready otherwise, finds', () => {
	beforeEach(() => {
		setOwner();
		setDate();
		writeLinks(root);
	});

	test.each<[string, () => void, { tag?: string; runsIn?: string }, RegExp]>([
		[
			'another tag',
			() => undefined,
			{ tag: 'v0.2.0' },
			/^The tag is v0\.2\.0, .* expected v0\.1\.0$/,
		],
		['a tag without v', () => undefined, { tag: '0.1.0' }, /^The tag is 0\.1\.0/],
		[
			'a version that the changelog lacks',
			() => {
				changeManifest((manifest) => (manifest.version = '0.2.0'));
				change('package-lock.json', (text) =>
					text.replace('"version": "0.1.0"', '"version": "0.2.0"'),
				);
			},
			{ tag: 'v0.2.0' },
			/^CHANGELOG\.md: there is no heading "## \[0\.2\.0\]/,
		],
		[
			'a version without a date',
			() => change('CHANGELOG.md', (text) => text.replace(' - 2026-12-01', ' - unreleased')),
			{},
			/^CHANGELOG\.md/,
		],
		[
			'a lock of another version',
			() =>
				change('package-lock.json', (text) =>
					text.replace('"version": "0.1.0"', '"version": "0.0.9"'),
				),
			{},
			/^package-lock\.json/,
		],
		[
			'a fork',
			() => undefined,
			{ runsIn: 'somebody/n8n-wan' },
			/acme-film\/n8n-wan, but this is somebody/,
		],
		[
			'a repository that is not on GitHub',
			() => changeManifest(({ repository }) => (repository.url = 'https://gitlab.com/a/b.git')),
			{},
			/"repository\.url" must read/,
		],
		[
			'a homepage elsewhere',
			() => changeManifest((manifest) => (manifest.homepage = 'https://acme-film.io')),
			{},
			/"homepage" must read https:\/\/github\.com\/acme-film\/n8n-wan#readme/,
		],
		[
			'no address to write to',
			() => changeManifest(({ author }) => (author.email = '')),
			{},
			/"author\.email"/,
		],
	])('%s', (_name, damage, options, problem) => {
		damage();

		expect(problemsOf(root, options)).toEqual([expect.stringMatching(problem)]);
	});
});

test('the clone itself is ready but for what docs/releasing.md lists', () => {
	const guide = readFileSync(join(ROOT, 'docs', 'releasing.md'), 'utf8');
	for (const field of ['repository.url', 'homepage', 'bugs.url', 'author.name', 'author.email']) {
		expect(guide).toContain(`\`${field}\``);
	}
	const known =
		/"(repository|author\.name|author\.email)" is a placeholder$|^CHANGELOG\.md: there is no heading/;
	expect(problemsOf(ROOT).filter((problem) => !known.test(problem))).toEqual([]);
});
