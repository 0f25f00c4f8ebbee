// The second of two lint runs. eslint.config.mjs is n8n's strict default, unchanged as strict mode demands, for
// what is published; this one adds eslint-plugin-n8n-nodes-base 2.x and general TypeScript rules, for all code.
import js from '@eslint/js';
import nodesBase from 'eslint-plugin-n8n-nodes-base';
import { globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const plugins = { 'n8n-nodes-base': nodesBase };

// The same exceptions that n8n's own strict configuration makes for these sets of rules.
const credentialExceptions = {
	'n8n-nodes-base/cred-class-field-documentation-url-miscased': 'off',
	'n8n-nodes-base/cred-class-field-type-options-password-missing': 'off',
};
const nodeExceptions = {
	'n8n-nodes-base/node-class-description-inputs-wrong-regular-node': 'off',
	'n8n-nodes-base/node-class-description-outputs-wrong': 'off',
	'n8n-nodes-base/node-param-type-options-max-value-present': 'off',
};

/** Folders that none of shared/ below n8n/ knows. */
const ABOVE = ['**/WanVideoEdit*/**', '**/n8n/**'];

/** A folder of nodes/ from which these may not be imported. */
function onlyKnows(folder, group) {
	return {
		files: [`nodes/${folder}/**/*.ts`],
		rules: { 'no-restricted-imports': ['error', { patterns: [{ group }] }] },
	};
}

export default tseslint.config(
	globalIgnores(['**/dist', '**/node_modules', 'coverage', '.demo']),
	{
		files: ['**/*.ts'],
		extends: [js.configs.recommended, tseslint.configs.recommended],
		rules: {
			'@typescript-eslint/consistent-type-imports': 'error',
			'@typescript-eslint/no-explicit-any': 'error',
			'@typescript-eslint/no-unused-vars': [
				'error',
				{ argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
			],
			eqeqeq: 'error',
		},
	},
	{
		files: ['nodes/**/*.ts', 'credentials/**/*.ts'],
		languageOptions: { parserOptions: { projectService: true } },
		rules: {
			'@typescript-eslint/no-floating-promises': 'error',
			'@typescript-eslint/return-await': ['error', 'always'],
			'@typescript-eslint/switch-exhaustiveness-check': [
				'error',
				{ considerDefaultExhaustiveForUnions: true },
			],
			'no-console': 'error',
		},
	},
	// Imports lead one way: actions, fields and models → shared/n8n → shared/tasks, media and billing → shared/dashscope.
	onlyKnows('WanVideoEdit', ['**/WanVideoEditTrigger/**']),
	onlyKnows('shared', ['**/WanVideoEdit*/**']),
	onlyKnows('shared/tasks', [...ABOVE, 'n8n-workflow', '**/media/**', '**/billing/**']),
	onlyKnows('shared/media', [...ABOVE, 'n8n-workflow', '**/tasks/**', '**/billing/**']),
	onlyKnows('shared/billing', [...ABOVE, 'n8n-workflow', '**/tasks/**', '**/media/**']),
	onlyKnows('shared/dashscope', [...ABOVE, '**/tasks/**', '**/media/**', '**/billing/**']),
	{
		// What is emitted is decided without n8n, so that it can be tested on a clock of its own.
		files: ['nodes/WanVideoEditTrigger/{finished,collect}.ts'],
		rules: {
			'no-restricted-imports': [
				'error',
				{ patterns: [{ group: ['**/WanVideoEdit/**', '**/n8n/**', 'n8n-workflow'] }] },
			],
		},
	},
	{
		files: ['nodes/**/*.ts'],
		plugins,
		rules: { ...nodesBase.configs.nodes.rules, ...nodeExceptions },
	},
	{
		files: ['credentials/**/*.ts'],
		plugins,
		rules: { ...nodesBase.configs.credentials.rules, ...credentialExceptions },
	},
	{
		files: ['package.json'],
		plugins,
		rules: nodesBase.configs.community.rules,
		languageOptions: {
			parser: tseslint.parser,
			parserOptions: { extraFileExtensions: ['.json'] },
		},
	},
);
