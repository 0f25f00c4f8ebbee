// npm run lint:scanner: what n8n's scanner of community packages (@n8n/scan-community-package 0.32.0) refuses or warns of,
// in the sources and in the packed tarball, with inline disables off. Twice: with the versions of the two plugins that
// the scanner pins, and with the newer ones of package.json. What the scanner asks for beside it, npm provenance and a
// source on GitHub, only a published package has.
//
//   node tools/scan.mjs                          the built package: its sources, and what npm packs of it
//   node tools/scan.mjs --folder F --as sources  another folder, as sources or as a tarball (for the tests)
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { n8nCommunityNodesPlugin as newestCommunity } from '@n8n/eslint-plugin-community-nodes';
import { ESLint } from 'eslint';
import newestBase from 'eslint-plugin-n8n-nodes-base';
import { n8nCommunityNodesPlugin as pinnedCommunity } from 'scanner-community-nodes';
import pinnedBase from 'scanner-nodes-base';
import tseslint from 'typescript-eslint';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const plugins = {
	'the scanner’s plugins': { community: pinnedCommunity, base: pinnedBase },
	'the newest plugins': { community: newestCommunity, base: newestBase },
};

/** What the scanner lints: declarations and the repository's own tools are no part of it. */
const patterns = {
	sources: ['package.json', '{nodes,credentials}/**/*.{js,ts,json}'],
	tarball: ['package.json', '**/*.js'],
};

/** n8n's rules for the three kinds of files. It switches those off that do not fit community nodes. */
function configOf({ community, base }) {
	const off = (...names) =>
		Object.fromEntries(names.map((name) => [`n8n-nodes-base/${name}`, 'off']));
	return [
		community.configs.recommended,
		{ rules: { 'no-console': 'error' }, plugins: { 'n8n-nodes-base': base } },
		{ files: ['package.json'], rules: base.configs.community.rules },
		{
			files: ['**/credentials/**/*.ts'],
			rules: {
				...base.configs.credentials.rules,
				...off(
					'cred-class-field-documentation-url-miscased',
					'cred-class-field-type-options-password-missing',
				),
			},
		},
		{
			files: ['**/nodes/**/*.ts'],
			rules: {
				...base.configs.nodes.rules,
				...off(
					'node-class-description-inputs-wrong-regular-node',
					'node-class-description-outputs-wrong',
					'node-param-type-options-max-value-present',
				),
			},
		},
		{ files: ['**/*.{json,ts}'], languageOptions: { parser: tseslint.parser } },
	];
}

/** Lints a folder with both pairs of plugins. A warning counts as an error does. @returns the number of findings */
async function scan(cwd, kind) {
	let findings = 0;
	for (const [name, pair] of Object.entries(plugins)) {
		const eslint = new ESLint({
			cwd,
			allowInlineConfig: false,
			overrideConfigFile: true,
			overrideConfig: configOf(pair),
		});
		const results = await eslint.lintFiles(patterns[kind]);
		for (const { filePath, messages } of results) {
			for (const { line, column, ruleId, message } of messages) {
				findings++;
				console.log(`${relative(cwd, filePath)}:${line}:${column}  ${message}  ${ruleId}`);
			}
		}
		console.log(`${kind}, ${name}: ${results.length} files`);
	}
	return findings;
}

/** What would be published, unpacked. The package has to be built. */
function unpackTarball(folder) {
	const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
	const packed = execFileSync(
		npm,
		['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder],
		{ cwd: root, encoding: 'utf8', shell: process.platform === 'win32' },
	);
	const [{ filename, files }] = JSON.parse(packed);
	if (!files.some(({ path }) => path.startsWith('dist/nodes/'))) {
		throw new Error('The tarball holds no node: run "npm run build" first');
	}
	execFileSync('tar', ['-xzf', filename], { cwd: folder });
	return join(folder, 'package');
}

async function main() {
	const { values } = parseArgs({ options: { folder: { type: 'string' }, as: { type: 'string' } } });
	if (values.folder !== undefined) return await scan(values.folder, values.as ?? 'sources');
	const folder = mkdtempSync(join(tmpdir(), 'wan-video-edit-scan-'));
	try {
		return (await scan(root, 'sources')) + (await scan(unpackTarball(folder), 'tarball'));
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

const findings = await main();
console.log(findings === 0 ? 'The scanner finds nothing' : `The scanner finds ${findings}`);
process.exitCode = findings === 0 ? 0 : 1;
