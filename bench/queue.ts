// n8n's queue mode: 100 executions at once over one and three workers, staying active and suspended.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { databaseUrl, startQueueServers, whyNoQueue, type QueueServers } from '../host/servers';
import { startWorker } from '../host/worker';
import { mostPerSecond } from '../test/unit/rates';
import { number, words, type Figure } from './figure';
import { numbersBetween } from './random';
import { progress, type Run } from './run';
import { Station } from './station';
import { TITLES, type Way } from './ways';
import { heldSeconds } from './worker';

const EXECUTIONS = 100;
const SLOTS = 5;
const JOB_SECONDS = { least: 8, most: 12 };

/** n8n's own default. */
const PLACES = 10;

const CASES: Array<{ way: Way; workers: number }> = [1, 3].flatMap((workers) =>
	(['active', 'suspended'] as const).map((way) => ({ way, workers })),
);

interface Database {
	executionRows: number;
	/** Of the executions' data. */
	executionBytes: number;
	/** Of the videos. */
	binaryBytes: number;
}

interface Postgres {
	Client: new (options: { connectionString: string }) => {
		connect(): Promise<void>;
		query(text: string): Promise<{ rows: Array<Record<string, string | null>> }>;
		end(): Promise<void>;
	};
}

async function lookAt(servers: QueueServers, hostDir: string): Promise<Database> {
	// n8n's own driver.
	const { Client } = createRequire(join(hostDir, 'package.json'))('pg') as Postgres;
	const client = new Client({ connectionString: databaseUrl(servers) });
	await client.connect();
	try {
		const { rows } = await client.query(
			`select (select count(*) from execution_entity) as rows,
				(select coalesce(sum(octet_length(data)), 0) from execution_data) as data,
				(select coalesce(sum(octet_length(data)), 0) from binary_data) as files`,
		);
		const value = (name: string) => Number(rows[0]?.[name] ?? NaN);
		return {
			executionRows: value('rows'),
			executionBytes: value('data'),
			binaryBytes: value('files'),
		};
	} finally {
		await client.end();
	}
}

async function take(run: Run, { way, workers: count }: (typeof CASES)[number]) {
	const servers = await startQueueServers();
	try {
		const n8n = await run.ownN8n(servers.env);
		const workers = await Promise.all(
			Array.from({ length: count }, async () =>
				startWorker(n8n, { concurrency: PLACES, env: servers.env }),
			),
		);
		const jobSeconds = numbersBetween(JOB_SECONDS, EXECUTIONS, 100);
		const station = await Station.open(n8n, { way, jobSeconds, sandbox: { slots: SLOTS } });
		const before = await lookAt(servers, n8n.connection.hostDir);
		await station.start(EXECUTIONS);
		const { seconds, each } = await station.ended(EXECUTIONS, 700_000);
		const after = await lookAt(servers, n8n.connection.hostDir);
		const held = await heldSeconds(
			station,
			workers.flatMap((worker) => worker.log()),
		);
		const times = station.requestTimes();
		const per = (value: (database: Database) => number) =>
			(value(after) - value(before)) / EXECUTIONS;
		const result = {
			way,
			workers: count,
			ratio: seconds && seconds / station.ideal(SLOTS),
			succeeded: each.length,
			refused: station.refusals(),
			peakPerSecond: mostPerSecond(times),
			requestsPerTask: times.length / station.tasks().length,
			workerSeconds: held / EXECUTIONS,
			rows: per(({ executionRows }) => executionRows),
			kilobytes: per(({ executionBytes }) => executionBytes) / 1_024,
			fileKilobytes: per(({ binaryBytes }) => binaryBytes) / 1_024,
		};
		await station.close();
		for (const worker of workers) await worker.kill();
		await n8n.stop();
		return result;
	} finally {
		await servers.stop();
	}
}

export async function measureQueue(run: Run): Promise<Figure> {
	const title = `Queue mode, ${EXECUTIONS} executions at once`;
	const missing = whyNoQueue();
	if (missing !== undefined) return { title, columns: [], rows: [], notes: [missing] };
	const tell = progress('queue', CASES.length);
	const taken: Array<Awaited<ReturnType<typeof take>>> = [];
	for (const one of CASES) {
		const measured = await take(run, one);
		taken.push(measured);
		tell(`${TITLES[one.way]}, ${one.workers} workers: ${measured.ratio?.toFixed(3) ?? 'not all'}`);
	}
	return {
		title,
		columns: [
			'Succeeded',
			'Ratio to the ideal',
			'Creates refused',
			'Peak requests/s',
			'Requests/task',
			'Worker-seconds/edit',
			'Execution rows/edit',
			'KB of execution data/edit',
			'KB of video/edit',
		],
		rows: taken.map((one) => ({
			label: `${TITLES[one.way]}, ${one.workers} ${one.workers === 1 ? 'worker' : 'workers'}`,
			cells: [
				{ text: `${one.succeeded} of ${EXECUTIONS}`, value: one.succeeded },
				one.ratio === undefined ? words('does not finish') : number(one.ratio, 3),
				number(one.refused, 0),
				number(one.peakPerSecond, 0),
				number(one.requestsPerTask, 1),
				number(one.workerSeconds, 1),
				number(one.rows, 1),
				number(one.kilobytes, 1),
				number(one.fileKilobytes, 0),
			],
		})),
		notes: [
			`PostgreSQL, Redis, one main process; workers of ${PLACES} places, n8n's default. Tasks of ${JOB_SECONDS.least} to ${JOB_SECONDS.most} s, ${SLOTS} at once, 5 submissions and 20 queries a second. One run each. Videos are kept in the database.`,
		],
		charts: [
			{
				name: 'queue',
				title: `Queue mode, ${EXECUTIONS} executions: worker-seconds held by an edit`,
				unit: 'seconds',
				groups: ['1 worker', '3 workers'],
				series: (['active', 'suspended'] as const).map((way) => ({
					name: TITLES[way],
					values: [1, 3].map(
						(count) => taken.find((one) => one.way === way && one.workers === count)?.workerSeconds,
					),
				})),
			},
		],
		raw: taken,
	};
}
