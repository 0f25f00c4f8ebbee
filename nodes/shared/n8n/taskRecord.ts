/**
 * The record of submitted tasks in n8n's database. It is kept by the functions behind n8n's Remove Duplicates node:
 * they write at once, whereas n8n saves a node's memory only when the node ends. n8n keeps hashes per workflow and
 * node, and tells only whether it has one.
 */
import { createHash } from 'crypto';
import type { ICheckProcessedOptions, IExecuteFunctions } from 'n8n-workflow';
import type { Recorded, TaskRecord } from '../tasks/ports';
import { Semaphore } from '../tasks/semaphore';

const ENTRIES: ICheckProcessedOptions = { mode: 'entries' };

/** How many entries of a node are kept, the newest: those of 500 tasks, 27 kB that n8n writes anew each time. */
const MOST_ENTRIES = 1_000;

/** n8n reads all entries and writes them back, without a lock; another process may still undo what this one adds. */
const oneAtATime = new Semaphore(1);

/** How many facts are asked for at a time: n8n's event loop and the newest entries hardly notice them. */
const QUESTIONS = 100;

/**
 * What an execution shares with its retries and with nothing else: a token that n8n makes for the URLs that resume it.
 * @returns undefined in versions of n8n without it
 */
export function originOf(functions: IExecuteFunctions): string | undefined {
	const resumeUrl: unknown = functions.getWorkflowDataProxy(0).$execution?.resumeUrl;
	const url = String(resumeUrl);
	return URL.canParse(url) ? (new URL(url).searchParams.get('signature') ?? undefined) : undefined;
}

/** @returns undefined where nothing tells a retry from other executions, or where n8n keeps no processed items */
export function taskRecord(functions: IExecuteFunctions): TaskRecord | undefined {
	const origin = originOf(functions);
	const { helpers, logger } = functions;
	if (origin === undefined || !('checkProcessedAndRecord' in helpers)) return undefined;
	const seal = (fact: string) =>
		createHash('sha256').update(`${origin} ${fact}`).digest('base64url');

	/**
	 * n8n can only add an entry and say whether it was new. So a question adds the fact and a mark, then removes what it
	 * added. A mark that was there before was left by a question that n8n did not survive: then the fact is unsure.
	 */
	const ask = async (facts: string[]): Promise<Array<[string, Recorded]>> => {
		const asked = [...facts.map(seal), ...facts.map((fact) => seal(`asked ${fact}`))];
		const found = await helpers.checkProcessedAndRecord(asked, 'node', ENTRIES);
		const takeBack = async () => await helpers.removeProcessed(found.new, 'node', ENTRIES);
		await takeBack().catch(takeBack);
		const had = new Set(found.processed);
		return facts.flatMap((fact) => {
			if (!had.has(seal(fact))) return [];
			return [[fact, had.has(seal(`asked ${fact}`)) ? 'unsure' : 'yes']];
		});
	};

	return {
		add: async (facts) =>
			await oneAtATime.run(async () => {
				try {
					const options = { ...ENTRIES, maxEntries: MOST_ENTRIES };
					await helpers.checkProcessedAndRecord(facts.map(seal), 'node', options);
				} catch (error) {
					logger.info(`A submitted task could not be recorded: ${String(error)}`);
				}
			}),
		which: async (facts) => {
			const known = new Map<string, Recorded>();
			for (let from = 0; from < facts.length; from += QUESTIONS) {
				const some = facts.slice(from, from + QUESTIONS);
				const answers = await oneAtATime.run(async () => await ask(some));
				for (const [fact, recorded] of answers) known.set(fact, recorded);
			}
			return known;
		},
	};
}
