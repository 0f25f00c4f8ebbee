/** @type {import('jest').Config} */
const common = {
	rootDir: __dirname,
	testEnvironment: 'node',
	transform: {
		'[\\\\/]dist[\\\\/].+\\.js$': '<rootDir>/tools/dist-transform.js',
		'\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
	},
	// The tests run what is shipped: imports of the package's sources lead to the compiled files.
	moduleNameMapper: {
		'^(?:\\.\\./)+((?:nodes|credentials)/.+)$': '<rootDir>/dist/$1',
	},
};

const project = (name, more = {}) => ({
	...common,
	displayName: name,
	testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
	...more,
});

module.exports = {
	projects: [project('unit'), project('sandbox'), project('engine')],
	testTimeout: 60_000,
	reporters: ['default', '<rootDir>/tools/summary-reporter.js'],
	collectCoverage: true,
	collectCoverageFrom: ['dist/{nodes,credentials}/**/*.js'],
	coverageReporters: ['text', 'lcovonly'],
};
