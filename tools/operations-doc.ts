// npm run docs: docs/operations.md, written from the node's own description, so that it cannot say anything else.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INodeProperties, INodePropertyCollection, INodePropertyOptions } from 'n8n-workflow';
import { properties } from '../nodes/WanVideoEdit/actions/router';

export const FILE = join(__dirname, '..', 'docs', 'operations.md');

const isChoice = (option: object): option is INodePropertyOptions => 'value' in option;
const isField = (option: object): option is INodeProperties => 'type' in option;
const isGroup = (option: object): option is INodePropertyCollection => 'values' in option;

/** Text for a cell of a table. */
const cell = (text = '') => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();

function defaultOf({ default: value, options = [] }: INodeProperties): string {
	const chosen = options.filter(isChoice).find((option) => option.value === value);
	if (chosen !== undefined) return chosen.name;
	if (typeof value === 'object' && value !== null && 'value' in value) return `\`${value.value}\``;
	if (typeof value === 'boolean') return value ? 'on' : 'off';
	return value === '' || typeof value === 'object' ? '' : `\`${String(value)}\``;
}

const hiddenWith = ({ displayOptions }: INodeProperties) => displayOptions?.hide?.['/model'] ?? [];

const shownWith = ({ displayOptions }: INodeProperties) => displayOptions?.show?.['/model'] ?? [];

/** The model that a field is for, where it is for one only. */
const onlyModel = (field: INodeProperties) =>
	hiddenWith(field).flatMap((one) =>
		typeof one === 'object' && one !== null && 'not' in one._cnd ? [one._cnd.not] : [],
	);

/** When a field is shown, beyond its operation. @param alike it and the same field for other models */
function condition(field: INodeProperties, alike: INodeProperties[]): string {
	const without = hiddenWith(field);
	const listed = (ids: unknown[]) => ids.map((id) => `\`${String(id)}\``).join(', ');
	const only = [...shownWith(field), ...alike.flatMap(onlyModel)];
	if (only.length > 0) return `With ${listed(only)}. `;
	return without.length === 0 ? '' : `Not with ${listed(without)}. `;
}

const sentence = (text: string) => (/[.!?…]$/.test(text) || text === '' ? text : `${text}.`);

function meaning(field: INodeProperties, alike: INodeProperties[]): string {
	const choices = (field.options ?? []).filter(isChoice);
	const told = choices
		.filter(({ description }) => description)
		.map(({ name, description = '' }) => `*${name}*: ${sentence(description)}`);
	return [
		condition(field, alike),
		sentence(field.description ?? ''),
		sentence(field.hint ?? ''),
		choices.length > told.length && choices.length < 9
			? `One of ${choices.map(({ name }) => `*${name}*`).join(', ')}.`
			: '',
		...told,
	].join(' ');
}

function rows(fields: INodeProperties[], prefix = ''): string[] {
	return fields.flatMap((field) => {
		if (['hidden', 'notice'].includes(field.type)) return [];
		const alike = fields.filter(
			(one) =>
				one === field ||
				(one.name === field.name && one.hint === field.hint && onlyModel(one).length > 0),
		);
		if (alike[0] !== field) return [];
		const name = `${prefix}${field.displayName}`;
		const row = `| ${cell(name)} | ${cell(defaultOf(field))} | ${cell(meaning(field, alike))} |`;
		const options = field.options ?? [];
		const inner = [
			...options.filter(isGroup).flatMap(({ values }) => values),
			...(field.type === 'collection' ? options.filter(isField) : []),
		];
		return [row, ...rows(inner, `${name} → `)];
	});
}

const table = (fields: INodeProperties[]) =>
	['| Field | Default | Meaning |', '| --- | --- | --- |', ...rows(fields)].join('\n');

function operationText(resource: string, option: INodePropertyOptions): string {
	const fields = properties.filter(
		({ name, displayOptions }) =>
			name !== 'operation' &&
			displayOptions?.show?.resource?.includes(resource) &&
			displayOptions.show.operation?.includes(String(option.value)),
	);
	const options = fields.filter(({ name }) => name === 'options');
	const others = fields.filter((field) => !options.includes(field));
	const collected = options.flatMap((field) => (field.options ?? []).filter(isField));
	return [
		`### ${option.name}`,
		sentence(option.description ?? ''),
		others.length === 0 ? '' : table(others),
		collected.length === 0
			? ''
			: `Options. An option that you do not add keeps its usual value, or has no effect.\n\n${table(collected)}`,
	].join('\n\n');
}

/** The page as Markdown. */
export function operationsPage(): string {
	const [resource] = properties;
	const parts = (resource?.options ?? []).filter(isChoice).flatMap(({ name, value }) => {
		const chooser = properties.find(
			({ name: one, displayOptions }) =>
				one === 'operation' && displayOptions?.show?.resource?.includes(value),
		);
		const operations = (chooser?.options ?? []).filter(isChoice);
		return [`## ${name}`, ...operations.map((one) => operationText(String(value), one))];
	});
	const head = [
		'# Operations and fields',
		'<!-- Written by `npm run docs` from the description of the node. -->',
	];
	return `${[...head, ...parts].join('\n\n').replace(/\n{3,}/g, '\n\n')}\n`;
}

if (require.main === module) {
	writeFileSync(FILE, operationsPage());
}
