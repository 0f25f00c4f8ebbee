// Jest reporter: closes a run with "N passed, N failed" alone on a line.
// A suite that cannot start counts as a failure, so that a broken import is never a green run.
module.exports = class SummaryReporter {
	onRunComplete(_contexts, results) {
		const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
		process.stdout.write(`\n${results.numPassedTests} passed, ${failed} failed\n`);
	}
};
