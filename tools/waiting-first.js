// Jest sequencer: what waits for whole seconds or minutes comes first, and what computes fills the processors meanwhile.
// Among themselves, files keep Jest's order: the longest first, as far as it knows.
const Sequencer = require('@jest/test-sequencer').default;

const waits = ({ path }) =>
	/[\\/]test[\\/](engine[\\/]|e2e[\\/](suspend|queue|examples)\.)/.test(path);

module.exports = class WaitingFirst extends Sequencer {
	sort(tests) {
		return [...super.sort(tests)].sort((a, b) => waits(b) - waits(a));
	}
};
