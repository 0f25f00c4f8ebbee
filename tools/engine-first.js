// Jest sequencer: the engine's test files first. They wait for whole seconds, and what computes fills the
// processors meanwhile. Among themselves, files keep Jest's order: the longest first, as far as it knows.
const Sequencer = require('@jest/test-sequencer').default;

const isEngine = ({ context }) => context.config.displayName?.name === 'engine';

module.exports = class EngineFirst extends Sequencer {
	sort(tests) {
		return [...super.sort(tests)].sort((a, b) => isEngine(b) - isEngine(a));
	}
};
