/** @type {import('jest').Config} */
module.exports = {
	rootDir: __dirname,
	displayName: 'e2e',
	testEnvironment: 'node',
	testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
	transform: {
		'\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
	},
	// One n8n for all files; whoever needs one of its own starts it in the test.
	globalSetup: '<rootDir>/test/e2e/setup.ts',
	globalTeardown: '<rootDir>/test/e2e/teardown.ts',
	testTimeout: 300_000,
	// Most files wait for n8n's clock most of the time; two compute meanwhile.
	maxWorkers: 4,
	testSequencer: '<rootDir>/tools/waiting-first.js',
	reporters: ['default', '<rootDir>/tools/summary-reporter.js'],
};
