import { RETRY, detailsOf, only, submitElsewhere, until, useBench } from './bench';

// In a file of its own: what it leaves unclear could be what another test's submission has lost.

const bench = useBench();

const created = () => bench.sandbox.requests('create').length;

describe('a stranger’s task', () => {
	test('is never handed on, however well it fits; the submission is not repeated either', async () => {
		bench.sandbox.fault({ route: 'create', drop: 'before' });
		const before = Date.now();
		const settings = { ...RETRY, maxTries: 2, onError: 'continueErrorOutput' as const };
		const { done } = bench.start(1, {}, { settings });
		await until(() => created() === 1);
		const theirs = await submitElsewhere(bench.sandbox, 'black and white');
		const { items, errors } = await done;

		expect(items).toEqual([]);
		// Two tries of the node, one submission.
		expect(created()).toBe(2);
		const { json } = only(errors);
		expect(json.error).toMatch(/^Outcome unknown: no usable response to the wan2\.7-videoedit/);
		expect(only(errors)).not.toHaveProperty('binary');
		const { possibleTaskIds, submittedFrom, submittedTo, hint } = detailsOf(only(errors));
		expect(possibleTaskIds).toBe(theirs);
		expect(hint).toContain(theirs);
		expect(Date.parse(String(submittedFrom))).toBeGreaterThanOrEqual(before);
		expect(Date.parse(String(submittedTo))).toBeLessThanOrEqual(Date.now());
		expect(json.error).toContain(String(submittedFrom));
		expect(hint).toMatch(/may have been created and may be billed/);
		expect(hint).toMatch(/'Submit Again' in the option 'When a Submission Gets No Response'/);
	}, 120_000);
});
