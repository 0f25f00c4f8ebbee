const { availableParallelism } = require('node:os');

const common = {
	rootDir: __dirname,
	// Jest's own list of files: not node_modules, which is large.
	roots: ['test', 'dist', 'nodes', 'credentials', 'sandbox', 'host', 'bench'].map(
		(folder) => `<rootDir>/${folder}`,
	),
	testEnvironment: 'node',
	transform: {
		'[\\\\/]dist[\\\\/].+\\.js$': '<rootDir>/tools/dist-transform.js',
		'\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
	},
	// The tests run what is shipped: imports of the package's sources lead to the compiled files.
	moduleNameMapper: {
		'^(?:\\.\\./)+((?:nodes/(?:shared|WanVideoEdit)|credentials/).+)$': '<rootDir>/dist/$1',
	},
};

const project = (name) => ({
	...common,
	displayName: name,
	testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
});

const globalSetup = '<rootDir>/test/setup.ts';

/** @type {import('jest').Config} */
module.exports = {
	projects: [
		project('unit'),
		...['sandbox', 'engine'].map((name) => ({ ...project(name), globalSetup })),
	],
	// For what hangs: a busy machine may take a minute for a render.
	testTimeout: 180_000,
	// Six files more than there are processors: most of the engine's wait for the sandbox rather than compute.
	maxWorkers: availableParallelism() + 6,
	testSequencer: '<rootDir>/tools/waiting-first.js',
	reporters: ['default', '<rootDir>/tools/summary-reporter.js'],
	collectCoverageFrom: ['dist/{nodes,credentials}/**/*.js'],
	coverageReporters: ['text', 'lcovonly'],
};
