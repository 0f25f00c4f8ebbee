// What an example must keep to, so that it can be imported and understood. Pure: one finding is one sentence.
import type { IConnection, INode, INodeParameters, INodeTypeDescription } from 'n8n-workflow';
import type { Workflow } from '../../../host/client';

export interface Known {
	/** Versions of n8n's own node types. */
	types: Record<string, number[]>;
	/** This package's node types. */
	own: Record<string, INodeTypeDescription>;
	/** The credential of each node type that needs one. */
	credentials: Record<string, string>;
}

const STICKY = 'n8n-nodes-base.stickyNote';
/** n8n draws a node as a square of 96, and its name below it. */
const NODE = 96;
const LABEL = 56;
/** An agent, or an approval. */
const WIDE = 256;

const isNote = ({ type }: INode) => type === STICKY;
const isTrigger = ({ type }: INode) => /trigger$/i.test(type);

/** @param file the example as it is in its file, where anything may be */
export function lint(file: Workflow & Record<string, unknown>, known: Known): string[] {
	const steps = file.nodes.filter((node) => !isNote(node));
	return [
		...foreignKeys(file),
		...file.nodes.flatMap((node) => ofType(node, known)),
		...file.nodes.flatMap(privateData),
		...twice(file.nodes.map(({ name }) => name)).map((name) => `Two nodes are called "${name}"`),
		...twice(file.nodes.map(({ id }) => id)).map((id) => `Two nodes have the ID ${id}`),
		...steps.flatMap((node) => ownParameters(node, known)),
		...brokenConnections(file),
		...unreached(file, steps),
		...brokenReferences(steps),
		...holdingUp(file, steps),
		...lostPairs(file, steps),
		...steps.flatMap(asMarkdown),
		...overlaps(file.nodes),
		...notes(file, steps, known),
	];
}

function foreignKeys(file: Record<string, unknown>): string[] {
	const allowed = ['name', 'nodes', 'connections', 'settings'];
	return Object.keys(file)
		.filter((key) => !allowed.includes(key))
		.map((key) => `The file has "${key}": an example is no export of somebody's n8n`);
}

function ofType({ name, type, typeVersion }: INode, { types, own }: Known): string[] {
	const description = own[type.replace(/Tool$/, '')];
	const versions = description ? [description.version].flat() : types[type];
	if (versions === undefined) return [`"${name}": n8n has no node type ${type}`];
	if (versions.includes(typeVersion)) return [];
	return [`"${name}": ${type} has no version ${typeVersion}, but ${versions.join(', ')}`];
}

/** Hosts and addresses that are nobody's (RFC 2606). */
const NOBODY = /(^|[@./])example\.(com|org)$/;

function privateData(node: INode): string[] {
	const { name, parameters, credentials, ...more } = node;
	const findings = credentials === undefined ? [] : [`"${name}" has credentials`];
	if ('pinData' in more) findings.push(`"${name}" has pinned data`);
	// Notes name the pages of services.
	if (isNote(node)) return findings;
	const text = JSON.stringify(parameters);
	const addresses = text.match(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g) ?? [];
	const hosts = [...text.matchAll(/https?:\/\/([\w.-]+)/g)].map(([, host = '']) => host);
	const strange = [...addresses, ...hosts].filter((one) => !NOBODY.test(one));
	findings.push(...strange.map((one) => `"${name}" names ${one}, which may be somebody's`));
	if (/sk-[\w]{6,}|api[_-]?key|password|secret/i.test(text))
		findings.push(`"${name}" has a secret`);
	return findings;
}

const twice = (values: string[]) => [
	...new Set(values.filter((value, index) => values.indexOf(value) !== index)),
];

/** Whether the parameters of this package's nodes are fields of their operation, with values that these have. */
function ownParameters({ name, type, parameters }: INode, { own }: Known): string[] {
	const description = own[type.replace(/Tool$/, '')];
	if (description === undefined) return [];
	return Object.entries(parameters).flatMap(([key, value]) => {
		// n8n's own fields of triggers that poll, and of tools.
		if (['pollTimes', 'descriptionType', 'toolDescription'].includes(key)) return [];
		const fields = description.properties.filter(
			(field) => field.name === key && isShown(field.displayOptions?.show, parameters),
		);
		if (fields.length === 0) return [`"${name}" has no field "${key}"`];
		const options = fields.flatMap(
			(field) => (field.type === 'options' ? field.options : []) ?? [],
		);
		const values = options.flatMap((option) => ('value' in option ? [option.value] : []));
		const chosen = typeof value === 'string' && value.startsWith('=') ? undefined : value;
		if (values.length === 0 || chosen === undefined || values.some((one) => one === chosen)) {
			return [];
		}
		return [`"${name}": ${key} has no choice ${JSON.stringify(value)}`];
	});
}

function isShown(
	show: Record<string, unknown[] | undefined> | undefined,
	parameters: INodeParameters,
): boolean {
	return ['resource', 'operation'].every((key) => {
		const wanted = show?.[key];
		return wanted === undefined || wanted.includes(parameters[key]);
	});
}

/** Every line of a workflow. */
function linesOf({ connections }: Workflow) {
	return Object.entries(connections).flatMap(([from, kinds]) =>
		Object.entries(kinds).flatMap(([kind, outputs]) =>
			outputs.flatMap((targets, output) =>
				(targets ?? []).map((to: IConnection) => ({ from, kind, output, to })),
			),
		),
	);
}

function brokenConnections(file: Workflow): string[] {
	const byName = new Map(file.nodes.map((node) => [node.name, node]));
	return linesOf(file).flatMap(({ from, kind, output, to }) => {
		const source = byName.get(from);
		const target = byName.get(to.node);
		if (source === undefined) return [`A line comes from "${from}", which does not exist`];
		if (target === undefined) return [`A line leads to "${to.node}", which does not exist`];
		if (kind !== to.type) return [`The line from "${from}" to "${to.node}" changes its kind`];
		if (isTrigger(target)) return [`A line leads into the trigger "${to.node}"`];
		if (output > 0 && source.onError !== 'continueErrorOutput' && !manyOutputs(source)) {
			return [`"${from}" has no output ${output}`];
		}
		return [];
	});
}

const manyOutputs = ({ type }: INode) => /\.(if|switch)$/.test(type);

/** Nodes that nothing starts; models and tools are reached from the agent that they serve. */
function unreached(file: Workflow, steps: INode[]): string[] {
	const reached = new Set(steps.filter(isTrigger).map(({ name }) => name));
	if (reached.size === 0) return ['Nothing starts the workflow'];
	for (let before = 0; before !== reached.size; ) {
		before = reached.size;
		for (const { from, kind, to } of linesOf(file)) {
			if (kind === 'main' && reached.has(from)) reached.add(to.node);
			if (kind !== 'main' && reached.has(to.node)) reached.add(from);
		}
	}
	return steps
		.filter(({ name }) => !reached.has(name))
		.map(({ name }) => `Nothing leads to "${name}"`);
}

function brokenReferences(steps: INode[]): string[] {
	const names = new Set(steps.map(({ name }) => name));
	return steps.flatMap(({ name, parameters }) =>
		[...JSON.stringify(parameters).matchAll(/\$\('([^']+)'\)/g)]
			.map(([, other = '']) => other)
			.filter((other) => !names.has(other))
			.map((other) => `"${name}" refers to "${other}", which does not exist`),
	);
}

/** Steps from which on there may be several items. */
const isSeveral = ({ type }: INode) =>
	/\.(scheduleTrigger|googleDriveTrigger|wanVideoEditTrigger|splitOut)$/.test(type);

/** Whether a step edits or moves files, which can fail for one item alone. */
const handlesFiles = ({ type, parameters: { operation } }: INode) =>
	/\.(wanVideoEdit|googleDrive|youTube)$/.test(type) ||
	(/\.s3$/.test(type) && (operation === 'download' || operation === 'upload'));

/** The names of the steps that come after a step. */
function behind(file: Workflow, name: string): Set<string> {
	const found = new Set<string>();
	const follow = (from: string) => {
		for (const { to } of linesOf(file).filter((line) => line.from === from)) {
			if (to.type !== 'main' || found.has(to.node)) continue;
			found.add(to.node);
			follow(to.node);
		}
	};
	follow(name);
	return found;
}

/** Steps where one item that fails would end the execution for the others. */
function holdingUp(file: Workflow, steps: INode[]): string[] {
	const reached = new Set(steps.filter(isSeveral).flatMap(({ name }) => [...behind(file, name)]));
	return steps
		.filter((node) => reached.has(node.name) && handlesFiles(node) && node.onError === undefined)
		.map(({ name }) => `"${name}" holds up all items when one of them fails`);
}

/**
 * References that n8n cannot follow: its S3 node pairs no downloaded file with its input, and n8n does so in its place
 * only where the node has no error output (n8n 2.41.1).
 */
function lostPairs(file: Workflow, steps: INode[]): string[] {
	const downloads = steps.filter(
		({ type, onError, parameters }) =>
			/\.s3$/.test(type) &&
			parameters.operation === 'download' &&
			onError === 'continueErrorOutput',
	);
	return downloads.flatMap((download) => {
		const after = behind(file, download.name);
		return steps
			.filter(({ name }) => after.has(name))
			.flatMap(({ name, parameters }) =>
				[...JSON.stringify(parameters).matchAll(/\$\('([^']+)'\)\.item\b/g)]
					.map(([, other = '']) => other)
					.filter((other) => other !== download.name && !after.has(other))
					.map(
						(other) =>
							`"${name}" asks for the item of "${other}", but "${download.name}" loses the pairs`,
					),
			);
	});
}

/** Texts that n8n's Telegram node would send as Markdown, where Telegram refuses a lone "_" of somebody's file. */
function asMarkdown({ name, type, parameters }: INode): string[] {
	const { operation, text, additionalFields } = parameters as INodeParameters & {
		additionalFields?: { parse_mode?: string };
	};
	if (!/\.telegram$/.test(type) || operation !== 'sendMessage') return [];
	if (!String(text).startsWith('=') || additionalFields?.parse_mode === 'HTML') return [];
	return [`"${name}" sends what it is given as Markdown`];
}

interface Box {
	name: string;
	left: number;
	top: number;
	right: number;
	bottom: number;
}

const numberOf = (value: unknown, otherwise: number) =>
	typeof value === 'number' ? value : otherwise;

function boxOf({ name, type, position: [left, top], parameters }: INode): Box {
	if (type === STICKY) {
		const right = left + numberOf(parameters.width, 240);
		return { name, left, top, right, bottom: top + numberOf(parameters.height, 160) };
	}
	// What has sub-nodes carries its name inside.
	if (/\.(agent|\w+HitlTool)$/.test(type)) {
		return { name, left: left - 16, top, right: left + WIDE, bottom: top + NODE + LABEL };
	}
	// The name is centred below the node and wraps at about twice its width.
	const beyond = Math.max(0, Math.min(200, name.length * 8) - NODE) / 2;
	return {
		name,
		left: left - beyond,
		top,
		right: left + NODE + beyond,
		bottom: top + NODE + LABEL,
	};
}

function overlaps(nodes: INode[]): string[] {
	const boxes = nodes.map(boxOf);
	return boxes.flatMap((a, index) =>
		boxes
			.slice(index + 1)
			.filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
			.map((b) => `"${a.name}" and "${b.name}" overlap`),
	);
}

/** What n8n calls the credentials in its panels. */
const CREDENTIAL_NAMES: Record<string, string> = {
	dashScopeApi: 'DashScope API',
	googleDriveOAuth2Api: 'Google Drive OAuth2 API',
	n8nApi: 'n8n API',
	openAiApi: 'OpenAI',
	s3: 'S3',
	smtp: 'SMTP',
	telegramApi: 'Telegram API',
	youTubeOAuth2Api: 'YouTube OAuth2 API',
};

function notes(file: Workflow, steps: INode[], { credentials }: Known): string[] {
	const all = file.nodes.filter(isNote);
	const texts = all.map(({ parameters: { content } }) => String(content));
	const first = texts.find((text) => text.startsWith('## Start here'));
	if (first === undefined) return ['No note begins with "## Start here"'];
	const findings = all.flatMap(tooSmall);
	if (!first.includes('**What it costs:**')) findings.push('The first note says no price');
	for (const text of texts.filter((one) => /¥\d/.test(one))) {
		if (!/\(list prices read in [A-Z]\w+ \d{4}\)/.test(text))
			findings.push(`A price has no date: ${text.slice(0, 40)}`);
	}
	const needed = new Set(steps.flatMap(({ type }) => credentials[type] ?? []));
	for (const type of needed) {
		const name = CREDENTIAL_NAMES[type] ?? type;
		if (!first.includes(`**${name}**`)) findings.push(`The first note does not name ${name}`);
	}
	const names = new Set(steps.map(({ name }) => name));
	for (const { name } of steps.filter(({ name }) => name.startsWith('Your '))) {
		// What is to be filled in is a step of the first note.
		if (/Set/.test(name) && !first.includes(`**2. ${name}**`))
			findings.push(`The first note does not speak of "${name}"`);
	}
	for (const [, word = ''] of first.matchAll(/^- \*([^*]+)\*:/gm)) {
		if (!names.has(word)) findings.push(`The first note speaks of "${word}", which does not exist`);
	}
	return findings;
}

/** Whether the text is taller than its note: n8n would cut it off. Measured by what it draws at 100 %. */
function tooSmall({ name, parameters: { content, width, height } }: INode): string[] {
	const perLine = (numberOf(width, 240) - 24) / 7;
	const needed = String(content)
		.split('\n')
		.reduce((sum, line) => {
			if (line === '') return sum + 6;
			if (line.startsWith('## ')) return sum + 36;
			if (line.startsWith('### ')) return sum + 28;
			return sum + Math.ceil(line.replace(/[*`]/g, '').length / perLine) * 19 + 4;
		}, 16);
	const is = numberOf(height, 160);
	if (needed > is) return [`The note "${name}" needs a height of ${needed}, not ${is}`];
	if (is > needed + 160) return [`The note "${name}" is half empty: ${needed} would do, not ${is}`];
	return [];
}
