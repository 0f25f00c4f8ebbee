/**
 * The record of submitted tasks in n8n's database. What n8n's node Remove Duplicates is made of writes at once, while n8n saves what
 * a node remembers when it ends. It keeps hashes per workflow and node, and tells only whether it has one.
 */
import { createHash } from 'crypto';
import { NodeOperationError } from 'n8n-workflow';
import type { ICheckProcessedOptions, IExecuteFunctions } from 'n8n-workflow';
import type { TaskRecord } from '../tasks/ports';
import { Semaphore } from '../tasks/semaphore';

const ENTRIES: ICheckProcessedOptions = { mode: 'entries' };

/** The newest of a node, which n8n writes anew each time: 500 tasks, 54 kB. */
const MOST_ENTRIES = 2_000;

/** n8n reads all entries and writes them back, without a lock; another process may still undo what this one adds. */
const oneAtATime = new Semaphore(1);

/**
 * What all retries of an execution share and no other execution has: a token that n8n makes when an execution is created, for the URLs
 * that resume it.
 * @returns undefined in versions of n8n without it
 */
export function originOf(functions: IExecuteFunctions): string | undefined {
	const resumeUrl: unknown = functions.getWorkflowDataProxy(0).$execution?.resumeUrl;
	const url = String(resumeUrl);
	return URL.canParse(url) ? (new URL(url).searchParams.get('signature') ?? undefined) : undefined;
}

/** @returns undefined where nothing tells a retry from other executions */
export function taskRecord(functions: IExecuteFunctions): TaskRecord | undefined {
	const origin = originOf(functions);
	if (origin === undefined) return undefined;
	const { helpers, logger } = functions;
	const seal = (fact: string) =>
		createHash('sha256').update(`${origin} ${fact}`).digest('base64url');
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
		which: async (facts) =>
			await oneAtATime.run(async () => {
				// To ask is to add. What is asked for is marked, and taken back: where an asker was killed in between, the mark
				// stays, and the answer is no.
				const marks = new Map(facts.map((fact) => [seal(fact), seal(`asked ${fact}`)]));
				try {
					const asked = [...marks.keys(), ...marks.values()];
					const found = await helpers.checkProcessedAndRecord(asked, 'node', ENTRIES);
					await helpers.removeProcessed(found.new, 'node', ENTRIES);
					const had = new Set(found.processed);
					const isTrue = (sealed: string) => had.has(sealed) && !had.has(marks.get(sealed) ?? '');
					return new Set(facts.filter((fact) => isTrue(seal(fact))));
				} catch (error) {
					throw new NodeOperationError(
						functions.getNode(),
						`n8n's record of what this execution has submitted could not be read: ${String(error)}`,
						{ description: 'Nothing was submitted. Retry the execution.' },
					);
				}
			}),
	};
}
