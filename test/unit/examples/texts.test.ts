// What people wrote, as the examples send and show it.
import { createRunExecutionData, Workflow } from 'n8n-workflow';
import type { IDataObject, INodeTypes, IRunData, NodeParameterValueType } from 'n8n-workflow';
import { loadExample } from '../../../host/examples';

type Json = IDataObject;

/** A parameter as n8n gives it to the node, after other nodes have given their items. */
function evaluated(
	example: string,
	node: string,
	parameter: (parameters: IDataObject) => unknown,
	input: Json,
	others: Record<string, Json[]> = {},
	more: Json = {},
): string {
	const { nodes, connections } = loadExample(example);
	const found = nodes.find(({ name }) => name === node);
	if (found === undefined) throw new Error(`No node is called "${node}"`);
	const nodeTypes = { getByNameAndVersion: () => undefined } as unknown as INodeTypes;
	const workflow = new Workflow({ nodes, connections, nodeTypes, active: false });
	const runData: IRunData = Object.fromEntries(
		Object.entries(others).map(([name, items]) => [
			name,
			[
				{
					startTime: 0,
					executionTime: 0,
					executionIndex: 0,
					source: [],
					data: { main: [items.map((json) => ({ json }))] },
				},
			],
		]),
	);
	return String(
		workflow.expression.getParameterValue(
			parameter(found.parameters as IDataObject) as NodeParameterValueType,
			createRunExecutionData({ resultData: { runData } }),
			0,
			0,
			node,
			[{ json: input }],
			'trigger',
			more,
		),
	);
}

test('Telegram is given the reason as HTML', () => {
	const error = "'data' (file_12.mp4) is <1 second & 200 x 200 [item 0]";
	const text = evaluated('04-telegram', 'Say Why It Failed', ({ text }) => text, { error });
	expect(text).toBe(
		'Sorry, your video could not be edited: the file file_12.mp4 is &lt;1 second &amp; 200 x 200',
	);
});

// n8n makes tags of what was escaped once (2.41.1), so nothing that could become one is left.
const markup = 'R&B <b>& &lt;a href="https://example.com"&gt;Publish&lt;/a&gt; &amp;lt;';
const plain = 'R&B b& lt;a href="https://example.com"gt;Publishlt;/agt; amp;lt;';

test('the instruction brings no buttons of its own into the mail that asks for approval', () => {
	const text = evaluated(
		'07-approve-before-publishing',
		'Ask by Mail',
		({ message }) => String(message).replace(/\$\('Edit the Video'\)\.item/, '$input.first()'),
		{ videoUrl: 'https://example.com/video.mp4' },
		{ 'Video Form': [{ instruction: markup }] },
	);
	expect(text).toContain(`The instruction was: ${plain}`);
});

test('what the agent asks for brings no buttons of its own into the mail', () => {
	const text = evaluated(
		'06-agent-with-approval',
		'Ask by Mail First',
		({ message }) => message,
		{},
		{},
		{ $tool: { name: 'Edit a Video', parameters: { instruction: markup } } },
	);
	expect(text).toContain(JSON.stringify({ instruction: plain }));
});

test('the page shows the reason as it is', () => {
	const page = evaluated(
		'08-one-video-six-styles',
		'Show the Page',
		({ responseText }) => responseText,
		{
			videos: [
				{ error: "'video' (<img src=x>.mp4) is too long" },
				{ videoUrl: 'https://example.com/video.mp4?a=1&b=2' },
			],
		},
		{
			'One Item per Style': [
				{ title: 'Style', instruction: 'Claymation' },
				{ title: 'Season', instruction: 'Winter' },
			],
		},
	);
	expect(page).toContain("<p>Not made: 'video' (&lt;img src=x>.mp4) is too long</p>");
	expect(page).toContain('<video src="https://example.com/video.mp4?a=1&amp;b=2" controls');
});

test.each([
	['saved', { succeeded: true, status: 'SUCCEEDED', videoUrl: 'https://example.com/a.mp4' }],
	['edited', { succeeded: false, status: 'FAILED', videoUrl: null }],
])('the mail about a video that could not be %s says what is left', (what, task) => {
	const settings = { taskId: 'T1', prompt: 'Winter', ...task };
	const of = (parameter: (parameters: IDataObject) => unknown) =>
		evaluated(
			'09-when-a-video-is-finished',
			'Mail What Went Wrong',
			(parameters) =>
				String(parameter(parameters)).replaceAll(
					"$('Your Settings').item",
					"$('Your Settings').first()",
				),
			task.succeeded ? { error: 'No such bucket' } : { message: 'Refused' },
			{ 'Your Settings': [settings] },
		);
	expect(of(({ subject }) => subject)).toBe(`A video could not be ${what}`);
	expect(of(({ text }) => text)).toBe(
		task.succeeded
			? 'Task T1 ended as SUCCEEDED: No such bucket\n\nLink, for 24 hours:\nhttps://example.com/a.mp4\n\nInstruction: Winter'
			: 'Task T1 ended as FAILED: Refused\n\nInstruction: Winter',
	);
});
