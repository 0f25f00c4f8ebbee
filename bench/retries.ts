// How many tasks Retry On Fail makes, and how many are billed, when one of three items fails.
import { NONE, target, type Figure } from './figure';
import { inParallel, progress, type Run } from './run';
import { promptOf, type Station } from './station';
import { FOUR, TITLES, type Way } from './ways';

const ITEMS = 3;
const TRIES = 3;
const FAILING = promptOf(ITEMS - 1);
const JOB_SECONDS = 8;

/** Three tries of three items one after another, each looked at after 15 s. */
const PATIENCE_MS = 240_000;

const FAILURES = {
	video: 'its video cannot be fetched',
	task: 'its task fails each time',
	submission: 'its first submission gets 503',
} as const;

type Failure = keyof typeof FAILURES;

/** The video of the failing item can never be fetched, of whichever task of it. */
function refuseVideos(station: Station): () => void {
	const known = new Set<string>();
	const look = () => {
		for (const { id, prompt } of station.tasks()) {
			if (prompt !== FAILING || known.has(id)) continue;
			known.add(id);
			station.sandbox.fault({ route: 'result', pathIncludes: id, status: 403, times: 1_000 });
		}
	};
	const timer = setInterval(look, 100);
	return () => clearInterval(timer);
}

function prepare(station: Station, failure: Failure): () => void {
	const { sandbox } = station;
	if (failure === 'video') return refuseVideos(station);
	if (failure === 'task') {
		const code = 'InternalError';
		sandbox.outcome({ promptIncludes: FAILING, status: 'FAILED', code, times: 1_000 });
	} else {
		sandbox.fault({ route: 'create', status: 503, skip: ITEMS - 1 });
	}
	return () => undefined;
}

interface Taken {
	way: Way;
	failure: Failure;
	created: number;
	billed: number;
	status: string;
}

async function take(run: Run, way: Way, failure: Failure): Promise<Taken> {
	const settings = { retryOnFail: true, maxTries: TRIES, waitBetweenTries: 1_000 };
	const jobSeconds = [JOB_SECONDS];
	return await run.at({ way, settings, jobSeconds }, async (station) => {
		const done = prepare(station, failure);
		await station.start(1, ITEMS);
		const { rows } = await station.ended(1, PATIENCE_MS);
		done();
		const tasks = station.tasks();
		return {
			way,
			failure,
			created: tasks.length,
			billed: tasks.filter(({ status }) => status === 'SUCCEEDED').length,
			status: rows[0]?.status ?? 'unknown',
		};
	});
}

export async function measureRetries(run: Run): Promise<Figure> {
	const failures = Object.keys(FAILURES) as Failure[];
	const trials = failures.flatMap((failure) => FOUR.map((way) => ({ way, failure })));
	const tell = progress('retries', trials.length);
	const taken = await inParallel(trials.length, trials, async ({ way, failure }) => {
		const one = await take(run, way, failure);
		tell(`${TITLES[way]}, ${FAILURES[failure]}: ${one.created} tasks`);
		return one;
	});
	const find = (way: Way, failure: Failure) =>
		taken.find((one) => one.way === way && one.failure === failure);
	return {
		title: `Retry On Fail × ${TRIES}, one failing item of ${ITEMS}: tasks created, of these billed`,
		columns: failures.map((failure) => FAILURES[failure]),
		rows: FOUR.map((way) => ({
			label: TITLES[way],
			cells: failures.map((failure) => {
				const one = find(way, failure);
				if (one === undefined) return NONE;
				const end = ENDS[one.status] ?? one.status;
				return { text: `${one.created}, ${one.billed} billed; ${end}`, value: one.billed };
			}),
		})),
		notes: [
			`Tasks of ${JOB_SECONDS} s. Failed tasks are not billed. An execution that has not ended after ${PATIENCE_MS / 60_000} minutes is given as "does not end".`,
		],
		charts: [
			{
				name: 'retries',
				title: `Tasks billed for ${ITEMS} items, Retry On Fail × ${TRIES}`,
				unit: 'tasks billed',
				groups: failures.map((failure) => FAILURES[failure]),
				series: FOUR.map((way) => ({
					name: TITLES[way],
					values: failures.map((failure) => find(way, failure)?.billed),
				})),
			},
		],
		targets: [
			target(
				'(a) tasks, its video cannot be fetched',
				ITEMS,
				find('active', 'video')?.created ?? NaN,
			),
		],
		raw: taken,
	};
}

const ENDS: Record<string, string> = {
	success: 'succeeds',
	error: 'fails',
	running: 'does not end',
	waiting: 'does not end',
};
