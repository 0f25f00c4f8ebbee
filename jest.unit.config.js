// npm run test:unit, the quick loop: straight from the sources, compiled file by file in memory, so that nothing needs
// to be built. npm test runs the same tests on the compiled package.
const all = require('./jest.config');

// npm test plays more of them.
process.env.SCHEDULES ??= '150';

const unit = all.projects.find(({ displayName }) => displayName === 'unit');

/** @type {import('jest').Config} */
module.exports = {
	...unit,
	roots: unit.roots.filter((folder) => !folder.endsWith('/dist')),
	moduleNameMapper: {},
	testTimeout: all.testTimeout,
	// These compute all the time.
	maxWorkers: '100%',
	reporters: all.reporters,
};
