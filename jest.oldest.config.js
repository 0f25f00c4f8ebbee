// npm run test:oldest: the oldest n8n 2.x. A job of its own, because it installs a second n8n of 3 GB.
const e2e = require('./jest.e2e.config');

/** @type {import('jest').Config} */
module.exports = {
	...e2e,
	displayName: 'oldest',
	testMatch: ['<rootDir>/test/oldest/**/*.test.ts'],
	globalSetup: undefined,
	globalTeardown: undefined,
};
