// The simulation's scenarios, and what they come to.
import { words, number, type Figure, type Row } from '../figure';
import { progress } from '../run';
import { sum, type Spread } from '../statistics';
import { simulate, type Scenario, type SimulationResult } from './simulation';

interface Named extends Scenario {
	name: string;
}

const PROCESSES = [1, 5, 20];

const WAITS = ['active', 'suspended'] as const;

const base = { seed: 1, timeoutMinutes: 60, minutes: 60 } as const;

/** As many executions as asked for, with tasks so short that the account can run them. */
const FITTING: Named[] = PROCESSES.flatMap((processes) =>
	WAITS.map((waiting) => ({
		...base,
		name: '10,000/h, 50 slots, 12–18 s',
		perHour: 10_000,
		slots: 50,
		jobSeconds: [12, 18] as const,
		processes,
		waiting,
	})),
);

/** Tasks as they are, and as many executions as use 85 % of the slots. */
const TRUE_TASKS: Named[] = [5, 50].flatMap((slots) =>
	PROCESSES.flatMap((processes) =>
		WAITS.map((waiting) => ({
			...base,
			name: `${(slots * 40.8).toLocaleString('en')}/h, ${slots} slots, 60–90 s`,
			perHour: slots * 40.8,
			slots,
			jobSeconds: [60, 90] as const,
			processes,
			waiting,
		})),
	),
);

/** Ten minutes of 10,000 an hour with tasks as they are, and slots for them. */
const LARGE: Named[] = [5, 20].map((processes) => ({
	...base,
	name: '10,000/h, 250 slots, 60–90 s',
	perHour: 10_000,
	minutes: 10,
	slots: 250,
	jobSeconds: [60, 90] as const,
	processes,
	waiting: 'suspended' as const,
}));

/** 10,000 an hour when the account runs 240: what is asked for cannot be done. Two minutes of it. */
const TOO_MANY: Named[] = PROCESSES.map((processes) => ({
	...base,
	name: '10,000/h, 5 slots, 60–90 s',
	perHour: 10_000,
	minutes: 2,
	timeoutMinutes: 12,
	slots: 5,
	jobSeconds: [60, 90] as const,
	processes,
	waiting: 'active' as const,
}));

/** Five minutes of 503, after which everybody comes back. */
const OUTAGE: Named[] = PROCESSES.map((processes) => ({
	...base,
	name: '2,040/h, 50 slots, outage of 5 min',
	perHour: 2_040,
	minutes: 30,
	slots: 50,
	jobSeconds: [60, 90] as const,
	processes,
	waiting: 'active' as const,
	outage: { from: 10, to: 15 },
}));

const SCENARIOS = [...FITTING, ...TRUE_TASKS, ...LARGE, ...TOO_MANY, ...OUTAGE];

function rowOf(name: string, one: SimulationResult): Row {
	const seconds = ({ median, p99 }: Spread) => words(`${median.toFixed(1)} / ${p99.toFixed(1)}`);
	const failed = sum(Object.values(one.failed));
	const refused = sum(Object.values(one.refused));
	return {
		label: `${name}; ${one.processes} ${one.processes === 1 ? 'process' : 'processes'}, ${one.waiting}`,
		cells: [
			{ text: `${one.completed} of ${one.executions}`, value: one.completed },
			number(failed, 0),
			words(`${one.refused.create} + ${refused - one.refused.create}`),
			seconds(one.delay),
			seconds(one.submission),
			number(one.requestsPerTask, 1),
			number(one.peakPerSecond.all, 0),
			number(one.unevenness.delay, 2),
			number(one.processorMs, 1),
		],
	};
}

export async function measureSimulation(): Promise<Figure> {
	const tell = progress('simulation', SCENARIOS.length);
	const taken: Played[] = [];
	for (const { name, ...scenario } of SCENARIOS) {
		const result = await simulate(scenario);
		taken.push({ ...result, name });
		tell(`${name}, ${scenario.processes} processes, ${scenario.waiting}`);
	}
	return simulationFigure(taken);
}

type Played = SimulationResult & { name: string };

/** The figure of scenarios that were played. */
function simulationFigure(taken: Played[]): Figure {
	const chart = (
		file: string,
		title: string,
		unit: string,
		value: (one: SimulationResult) => number,
	) => ({
		name: file,
		title,
		unit,
		groups: PROCESSES.map((count) => `${count} ${count === 1 ? 'process' : 'processes'}`),
		series: WAITS.map((waiting) => ({
			name: waiting,
			values: PROCESSES.map((processes) => {
				const found = taken.find(
					(one) =>
						one.name === FITTING[0]?.name && one.processes === processes && one.waiting === waiting,
				);
				return found && value(found);
			}),
		})),
	});
	return {
		title: 'Simulated: executions over processes that share one account',
		columns: [
			'Completed',
			'Failed',
			'Refused: creates + others',
			'Delay p50 / p99, s',
			'Submission p50 / p99, s',
			'Requests/task',
			'Peak requests/s',
			'Worst process to best',
			'Simulated work, CPU ms/execution',
		],
		rows: taken.map((one) => rowOf(one.name, one)),
		notes: [
			"The node's own engine on a virtual clock; n8n's part and the network's bandwidth are left out. Executions of one item come at random moments. Delay: from the end of a task to the end of the node. Submission: from the start of an execution to its task being created. Refused: answers of 429.",
		],
		charts: [
			chart(
				'simulation-delay',
				'10,000 executions an hour, 50 slots: delay, 99 %',
				'seconds',
				(one) => one.delay.p99,
			),
			chart(
				'simulation-requests',
				'10,000 executions an hour, 50 slots: requests per task',
				'requests',
				(one) => one.requestsPerTask,
			),
		],
		raw: taken,
	};
}
