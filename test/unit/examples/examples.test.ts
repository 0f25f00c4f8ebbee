import type { INodeTypeDescription } from 'n8n-workflow';
import { credentialTypes, exampleNames, loadExample } from '../../../host/examples';
import type { Workflow } from '../../../host/client';
import { WanVideoEdit } from '../../../nodes/WanVideoEdit/WanVideoEdit.node';
import { WanVideoEditTrigger } from '../../../nodes/WanVideoEditTrigger/WanVideoEditTrigger.node';
import types from '../../n8n-node-types.json';
import { lint, type Known } from './lint';

const own = (description: INodeTypeDescription) => [
	`n8n-nodes-wan-video-edit.${description.name}`,
	description,
];

const known: Known = {
	types,
	own: Object.fromEntries(
		[new WanVideoEdit(), new WanVideoEditTrigger()].map(({ description }) => own(description)),
	),
	credentials: credentialTypes,
};

const check = (workflow: Workflow) => lint({ ...workflow }, known);

describe('the examples', () => {
	test('are the eleven of the documentation, one of them in two parts', () => {
		expect(exampleNames.map((name) => name.slice(0, 2))).toEqual([
			'01',
			'02',
			'03',
			'04',
			'05',
			'06',
			'07',
			'08',
			'09',
			'09',
			'10',
			'11',
		]);
	});

	test.each(exampleNames)('%s', (name) => {
		expect(check(loadExample(name))).toEqual([]);
	});

	test('have webhooks of their own, so that several can be published at once', () => {
		const all = exampleNames.flatMap((name) => loadExample(name).nodes);
		const ids = all.flatMap(({ webhookId }) => webhookId ?? []);
		expect(new Set(ids).size).toBe(ids.length);
		// n8n finds these by their webhook; without an ID the form has no address.
		const needing = all.filter(({ type }) =>
			/(formTrigger|\.form|\.wait|telegramTrigger)$/.test(type),
		);
		expect(needing.filter(({ webhookId }) => webhookId === undefined)).toEqual([]);
	});
});

describe('the linter', () => {
	const [first = ''] = exampleNames;
	const broken = (
		change: (workflow: Workflow & Record<string, unknown>) => void,
		example = first,
	) => {
		const workflow: Workflow & Record<string, unknown> = { ...loadExample(example) };
		change(workflow);
		return lint(workflow, known).join('\n');
	};
	const node = ({ nodes }: Workflow, name: string) => {
		const found = nodes.find((one) => one.name === name);
		if (found === undefined) throw new Error(`no ${name}`);
		return found;
	};

	test.each<[string, RegExp, (workflow: Workflow & Record<string, unknown>) => void]>([
		['pinned data', /"pinData"/, (it) => (it.pinData = { 'Video Form': [] })],
		['credentials', /has credentials/, (it) => (node(it, 'Edit by Text').credentials = {})],
		['an unknown type', /no node type/, (it) => (node(it, 'Save to Storage').type += 's')],
		['an unknown version', /no version 99/, (it) => (node(it, 'Any Pictures?').typeVersion = 99)],
		[
			'a strange field',
			/no field "video"/,
			(it) => (node(it, 'Edit by Text').parameters.video = 1),
		],
		[
			'a strange choice',
			/no choice "later"/,
			(it) => (node(it, 'Edit by Text').parameters.waiting = 'later'),
		],
		[
			'an address of somebody',
			/names jane@gmail\.com/,
			(it) => (node(it, 'Mail the Link').parameters.toEmail = 'jane@gmail.com'),
		],
		['a line to nowhere', /does not exist/, (it) => (node(it, 'Mail the Link').name = 'Mail')],
		[
			'a step that nothing starts',
			/Nothing leads to "Your Settings"/,
			(it) => (it.connections = { ...it.connections, 'Video Form': {} }),
		],
		[
			'steps on top of each other',
			/"Edit by Text" and "Edit with Pictures" overlap|"Edit with Pictures" and "Edit by Text" overlap/,
			(it) => (node(it, 'Edit by Text').position = [...node(it, 'Edit with Pictures').position]),
		],
		[
			'a note over a step',
			/overlap/,
			(it) => (node(it, 'About the Form').position = [...node(it, 'Video Form').position]),
		],
		['a cut-off note', /needs a height/, (it) => (node(it, 'Start Here').parameters.height = 80)],
		['a half empty note', /half empty/, (it) => (node(it, 'Start Here').parameters.height = 900)],
		[
			'a first note without price',
			/no price/,
			(it) => (node(it, 'Start Here').parameters.content = '## Start here'),
		],
		[
			'a price without date',
			/A price has no date/,
			(it) => (node(it, 'About the Form').parameters.content = 'It costs ¥6.'),
		],
	])('sees %s', (_what, finding, change) => {
		expect(broken(change)).toMatch(finding);
	});

	test.each([
		['02-new-videos-of-a-storage', 'Get the Video'],
		['02-new-videos-of-a-storage', 'Save the Edited Video'],
		['03-list-on-a-schedule', 'Edit the Videos'],
		['05-drive-to-youtube', 'Edit the Video'],
		['08-one-video-six-styles', 'Edit All Six'],
		['09-when-a-video-is-finished', 'Save to Storage'],
	])('sees in %s that one item would hold up the others at "%s"', (example, name) => {
		const found = broken((it) => delete node(it, name).onError, example);
		expect(found).toContain(`"${name}" holds up all items when one of them fails`);
	});

	test('sees a reference to an item that n8n cannot find', () => {
		const found = broken(
			(it) => (node(it, 'Note as Done').parameters.id = "={{ $('Note as Started').item.json.id }}"),
			'02-new-videos-of-a-storage',
		);
		expect(found).toBe(
			'"Note as Done" asks for the item of "Note as Started", but "Get the Video" loses the pairs',
		);
	});

	test("sees a message of somebody's text as Markdown", () => {
		const found = broken(
			(it) => (node(it, 'Say Why It Failed').parameters.additionalFields = {}),
			'04-telegram',
		);
		expect(found).toBe('"Say Why It Failed" sends what it is given as Markdown');
	});
});
