import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

// npm run lint:scanner, on the built package and on folders that break n8n's rules.

const ROOT = join(__dirname, '..', '..');

function scan(...args: string[]): { status: number | null; output: string } {
	// In a process of its own, which does not know of Jest: eslint-plugin-n8n-nodes-base judges by other rules in tests.
	const env = { ...process.env };
	delete env.NODE_ENV;
	const { status, stdout, stderr } = spawnSync(
		process.execPath,
		[join(ROOT, 'tools', 'scan.mjs'), ...args],
		{ cwd: ROOT, encoding: 'utf8', env },
	);
	return { status, output: `${stdout}${stderr}` };
}

test('n8n’s scanner finds nothing in the sources and in the tarball', () => {
	const { status, output } = scan();

	expect(output).toMatch(/The scanner finds nothing\n$/);
	expect(status).toBe(0);
	const counts = [...output.matchAll(/^(sources|tarball), the (\S+ plugins): (\d+) files$/gm)];
	expect(counts.map(([, kind, plugins]) => `${kind} ${plugins}`)).toEqual([
		'sources scanner’s plugins',
		'sources newest plugins',
		'tarball scanner’s plugins',
		'tarball newest plugins',
	]);
	for (const [, , , files] of counts) expect(Number(files)).toBeGreaterThan(20);
});

describe('what breaks the rules is found by both pairs of plugins', () => {
	const manifest = {
		name: 'n8n-nodes-broken',
		version: '1.0.0',
		overrides: { axios: '1.0.0' },
		dependencies: { axios: '1.0.0' },
	};
	const code = `/* eslint-disable */
export const wait = () => setTimeout(() => console.log(process.env.HOME), 1_000);
`;
	const node = `${code}
export class Broken implements INodeType {
	description: INodeTypeDescription = {
		properties: [
			{ displayName: 'Loud', name: 'loud', type: 'boolean', default: false, description: 'Be loud' },
		],
	};
}
`;

	const cases: Array<[string, string, Record<string, string>, string[]]> = [
		[
			'sources with the rules disabled inline',
			'sources',
			{ 'package.json': JSON.stringify(manifest), 'nodes/Broken/Broken.node.ts': node },
			[
				'no-restricted-globals',
				'no-console',
				'no-overrides-field',
				'no-runtime-dependencies',
				'n8n-nodes-base/node-param-description-boolean-without-whether',
			],
		],
		[
			'a tarball whose build has put in what no source holds',
			'tarball',
			{ 'package.json': JSON.stringify(manifest), 'dist/nodes/helper.js': code },
			['no-restricted-globals', 'no-console', 'no-overrides-field', 'no-runtime-dependencies'],
		],
	];

	test.each(cases)('%s', (_name, kind, files, rules) => {
		const folder = mkdtempSync(join(tmpdir(), 'wan-video-edit-scanned-'));
		try {
			for (const [path, text] of Object.entries(files)) {
				mkdirSync(dirname(join(folder, path)), { recursive: true });
				writeFileSync(join(folder, path), text);
			}
			const { status, output } = scan('--folder', folder, '--as', kind);

			expect(status).toBe(1);
			const [pinned = '', newest = ''] = output.split('the scanner’s plugins: ');
			for (const rule of rules) {
				expect(pinned).toContain(rule);
				expect(newest).toContain(rule);
			}
		} finally {
			rmSync(folder, { recursive: true, force: true });
		}
	});
});
