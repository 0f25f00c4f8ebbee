// Which faults an execution survives, and whether each still makes one task.
import { setTimeout as sleep } from 'node:timers/promises';
import { loadExample, withCredentials } from '../host/examples';
import type { N8n } from '../host/n8n';
import type { Fault } from '../sandbox';
import { until } from '../test/e2e/support';
import { NONE, number, target, type Cell, type Figure } from './figure';
import { inParallel, progress, type Run } from './run';
import { Station } from './station';
import { FOUR, TITLES, type Way } from './ways';

const JOB_SECONDS = 20;
const PATIENCE_MS = 240_000;

const LOST: Fault = { route: 'create', drop: 'after' };

const FAULTS: Record<string, Fault> = {
	'503 while polling': { route: 'query', status: 503 },
	'429 while polling': { route: 'query', status: 429 },
	'reset while polling': { route: 'query', drop: 'before' },
	'503 on create': { route: 'create', status: 503 },
	'lost answer on create': LOST,
};

const EXCLUSIVE = 'the same, where only this n8n uses the account';
/** An n8n takes tasks created around its start for those of one before it. */
const AFTER_START_MS = 100_000;

const KILL = 'kill and restart of n8n while waiting';
/** Example 11, which retries what has crashed. */
const RETRY = 'the same, with example 11';
/** The settings that README names for the faults that an installation alone does not survive. */
const WITH_SETTINGS: Record<string, string> = { 'lost answer on create': EXCLUSIVE, [KILL]: RETRY };

/** Longer than what n8n needs to end and to start. */
const KILLED_JOB_SECONDS = 40;
/** After the last submission: suspended executions have to be saved. */
const BEFORE_KILL_MS = 8_000;

interface Taken {
	way: Way;
	fault: string;
	status: string;
	created: number;
	survived: boolean;
}

async function outcomeOf(
	station: Station,
	fault: string,
	mode: 'webhook' | 'retry' = 'webhook',
): Promise<Taken> {
	const { rows } = await station.ended(1, PATIENCE_MS, mode);
	const status = rows[0]?.status ?? 'unknown';
	const created = station.tasks().length;
	const survived = status === 'success' && created === 1;
	return { way: station.way, fault, status, created, survived };
}

/** Publishes example 11 for the workflows of all ways; it looks every few seconds instead of every minute. */
async function retryCrashed(n8n: N8n): Promise<void> {
	const { rawApiKey } = await n8n.rest<{ rawApiKey: string }>('POST', '/api-keys', {
		label: 'Retries',
		expiresAt: null,
		scopes: ['execution:list', 'execution:read', 'execution:retry'],
	});
	const data = { apiKey: rawApiKey, baseUrl: `${n8n.url}/api/v1` };
	await n8n.addCredential({ name: 'This n8n', type: 'n8nApi', data });
	const example = loadExample('11-retry-after-a-crash');
	for (const { name, parameters } of example.nodes) {
		if (name === 'Every Minute') {
			parameters.rule = { interval: [{ field: 'seconds', secondsInterval: 5 }] };
		}
	}
	await n8n.publish(await n8n.addWorkflow(withCredentials(example, { n8nApi: 'This n8n' })));
}

async function kill(run: Run): Promise<Taken[]> {
	const n8n = await run.ownN8n();
	const jobSeconds = [KILLED_JOB_SECONDS];
	const stations = await inParallel(
		1,
		FOUR,
		async (way) => await Station.open(n8n, { way, jobSeconds }),
	);
	try {
		await Promise.all(
			stations.map(async (station) => {
				await station.start(1);
				await until(`${station.way}: a task`, async () =>
					station.tasks().length > 0 ? await Promise.resolve(true) : undefined,
				);
			}),
		);
		await retryCrashed(n8n);
		await sleep(BEFORE_KILL_MS);
		await n8n.kill('SIGKILL');
		const before = stations.map((station) => station.tasks().length);
		await n8n.restart();
		const taken = stations.map(async (station, index) => {
			const killed = await outcomeOf(station, KILL);
			if (killed.status !== 'crashed') return [killed, { ...killed, fault: RETRY }];
			const retried = await outcomeOf(station, RETRY, 'retry');
			return [{ ...killed, created: before[index] ?? 0 }, retried];
		});
		return (await Promise.all(taken)).flat();
	} finally {
		for (const station of stations) await station.close();
	}
}

/** Of this node one after another: what one has lost may be the other's until it is found. */
async function loseAlone(run: Run): Promise<Taken[]> {
	const n8n = await run.ownN8n();
	await sleep(AFTER_START_MS);
	const trial = async (way: Way) =>
		await run.at(
			{ way, jobSeconds: [JOB_SECONDS], exclusive: true },
			async (station) => {
				station.sandbox.fault(LOST);
				await station.start(1);
				return await outcomeOf(station, EXCLUSIVE);
			},
			n8n,
		);
	return await inParallel(1, FOUR, trial);
}

export async function measureSurvival(run: Run): Promise<Figure> {
	const trials = Object.entries(FAULTS).flatMap(([name, fault]) =>
		FOUR.map((way) => ({ way, name, fault })),
	);
	const tell = progress('survival', trials.length + 2);
	const faults = inParallel(trials.length, trials, async ({ way, name, fault }) => {
		const one = await run.at({ way, jobSeconds: [JOB_SECONDS] }, async (station) => {
			station.sandbox.fault(fault);
			await station.start(1);
			return await outcomeOf(station, name);
		});
		tell(`${TITLES[way]}, ${name}: ${one.status}, ${one.created} tasks`);
		return one;
	});
	const killed = kill(run).then((all) => {
		tell(KILL);
		return all;
	});
	const alone = loseAlone(run).then((all) => {
		tell(EXCLUSIVE);
		return all;
	});
	const taken = (await Promise.all([faults, alone, killed])).flat();
	const names = [...Object.keys(FAULTS), EXCLUSIVE, KILL, RETRY];
	const installed = [...Object.keys(FAULTS), KILL];
	const setUp = installed.map((name) => WITH_SETTINGS[name] ?? name);
	const cell = (way: Way, name: string): Cell => {
		const one = taken.find((each) => each.way === way && each.fault === name);
		if (one === undefined) return NONE;
		const { created, survived, status } = one;
		const tasks = `${created} ${created === 1 ? 'task' : 'tasks'}`;
		return { text: survived ? 'survives' : `${status}, ${tasks}`, value: survived ? 1 : 0 };
	};
	const survivedBy = (way: Way, faults: string[]) =>
		taken.filter((one) => one.way === way && one.survived && faults.includes(one.fault)).length;
	return {
		title: 'Survival: one item, one fault',
		columns: [...names, `Survived, of ${installed.length}`, 'With both settings'],
		rows: FOUR.map((way) => ({
			label: TITLES[way],
			cells: [
				...names.map((name) => cell(way, name)),
				...[installed, setUp].map((faults) => number(survivedBy(way, faults), 0)),
			],
		})),
		notes: [
			`Tasks of ${JOB_SECONDS} s (${KILLED_JOB_SECONDS} s with the kill). Each fault hits the first call of its kind, once. "Survives" means that the execution succeeds with exactly one task.`,
			`"Only this n8n" is set in the credential of (a) and (b); n8n has run for ${AFTER_START_MS / 1000} s by then.`,
			'Example 11 retries each execution that has crashed, once; here it looks every 5 s instead of every minute.',
			'"With both settings" counts the two columns "the same, …" instead of those before them.',
		],
		charts: [
			{
				name: 'survival',
				title: `Faults survived, of ${installed.length}`,
				unit: 'faults',
				groups: ['as installed', 'with both settings'],
				series: FOUR.map((way) => ({
					name: TITLES[way],
					values: [survivedBy(way, installed), survivedBy(way, setUp)],
				})),
			},
		],
		targets: (['active', 'suspended'] as const).map((way) =>
			target(
				`${TITLES[way]}, with both settings: faults not survived`,
				0,
				setUp.length - survivedBy(way, setUp),
			),
		),
		raw: taken,
	};
}
