import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json';

// What is published.

const ROOT = join(__dirname, '..', '..');

interface Packed {
	files: Array<{ path: string; size: number }>;
}

const [packed] = JSON.parse(
	execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
		cwd: ROOT,
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'ignore'],
	}),
) as Packed[];
const paths = packed?.files.map(({ path }) => path) ?? [];

test('holds dist, README, LICENSE and package.json, and nothing else', () => {
	const others = paths.filter((path) => !path.startsWith('dist/'));

	expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json']);
	expect(paths.filter((path) => path.startsWith('dist/')).length).toBeGreaterThan(20);
	const strange = paths.filter((path) => /test|sandbox|bench|host\/|\.env|node_modules/.test(path));
	expect(strange).toEqual([]);
});

test('holds every file that it declares', () => {
	const { n8n, main } = manifest;
	for (const path of [main, ...n8n.nodes, ...n8n.credentials]) expect(paths).toContain(path);
	expect(paths).toContain('dist/nodes/WanVideoEdit/WanVideoEdit.node.json');
	expect(paths).toContain('dist/nodes/WanVideoEditTrigger/WanVideoEditTrigger.node.json');
	expect(paths).toContain('dist/icons/wanVideoEdit.svg');
	expect(paths).toContain('dist/icons/wanVideoEdit.dark.svg');
});

test('is small', () => {
	const bytes = packed?.files.reduce((sum, { size }) => sum + size, 0) ?? 0;

	expect(bytes).toBeGreaterThan(10_000);
	expect(bytes).toBeLessThan(2_000_000);
});

test('needs nothing at run time but n8n', () => {
	expect(manifest).not.toHaveProperty('dependencies');
	expect(manifest).not.toHaveProperty('optionalDependencies');
	expect(manifest).not.toHaveProperty('bundledDependencies');
	expect(manifest).not.toHaveProperty('overrides');
	expect(manifest.peerDependencies).toEqual({ 'n8n-workflow': '*' });

	const foreign = paths
		.filter((path) => path.endsWith('.js'))
		.flatMap((path) => {
			const source = readFileSync(join(ROOT, path), 'utf8');
			const modules = [...source.matchAll(/\brequire\(["']([^"']+)["']\)/g)].map(
				(match) => match[1],
			);
			return modules.filter((name) => !/^(\.{1,2}\/|n8n-workflow$|crypto$)/.test(name ?? ''));
		});
	expect(foreign).toEqual([]);
});

test('runs no script when it is installed', () => {
	const lifecycle = /^(pre|post)?(install|prepare|pack|publish|prepublishOnly)$/;

	expect(Object.keys(manifest.scripts).filter((name) => lifecycle.test(name))).toEqual([]);
});

test('can be found as a community node', () => {
	expect(manifest.name).toMatch(/^n8n-nodes-/);
	expect(manifest.keywords).toContain('n8n-community-node-package');
	expect(manifest.license).toBe('MIT');
	expect(manifest.n8n.n8nNodesApiVersion).toBe(1);
});

test('what it loads is what n8n expects', () => {
	const loaded = jest.requireActual<Record<string, new () => object>>(join(ROOT, manifest.main));

	expect(Object.keys(loaded).sort()).toEqual([
		'DashScopeApi',
		'WanVideoEdit',
		'WanVideoEditTrigger',
	]);
});
