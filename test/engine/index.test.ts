import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');

interface PackageFile {
	main: string;
	n8n: { nodes: string[]; credentials: string[] };
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as PackageFile;

/** What a file of the built package exports. */
function exportsOf(path: string): Record<string, unknown> {
	return jest.requireActual<Record<string, unknown>>(join(ROOT, path));
}

test('the entry exports every node and credential that the package announces, and nothing else', () => {
	const announced = [...manifest.n8n.nodes, ...manifest.n8n.credentials].flatMap((path) =>
		Object.entries(exportsOf(path)),
	);
	const entry = Object.entries(exportsOf(manifest.main));
	expect(entry).toEqual(announced);
});

test.each([...manifest.n8n.nodes, ...manifest.n8n.credentials])(
	'%s exports a class of the name of its file, as n8n expects',
	(path) => {
		const name = /([^/]+)\.(?:node|credentials)\.js$/.exec(path)?.[1] ?? '';
		expect(exportsOf(path)[name]).toEqual(expect.any(Function));
	},
);
