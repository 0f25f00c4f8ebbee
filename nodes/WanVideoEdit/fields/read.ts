/** Reading parameters whose expressions may yield anything. */
import { tryToParseDateTime } from 'n8n-workflow';
import type { IBinaryData, IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { isRecord } from '../../shared/dashscope/json';
import type { JsonRecord } from '../../shared/dashscope/types';
import { InputError } from '../../shared/inputError';
import { isFile } from '../../shared/n8n/binary';

/** The text of a parameter, trimmed; numbers are written out, nothing at all is ''. */
export function textParameter(functions: IExecuteFunctions, name: string, item: number): string {
	return toText(functions.getNodeParameter(name, item, ''));
}

/** The name of a binary field, or a file that an expression gives in its place. */
export function fileParameter(
	functions: IExecuteFunctions,
	name: string,
	item: number,
): string | IBinaryData {
	return toFile(functions.getNodeParameter(name, item, ''));
}

/** A file that an expression gave, else a text; for an object or a list one that no binary field has as its name. */
export function toFile(value: unknown): string | IBinaryData {
	if (isFile(value)) return value;
	if (Array.isArray(value)) return `[${value.map(toText).join(', ')}]`;
	return isRecord(value) ? `{ ${Object.keys(value).join(', ')} }` : toText(value);
}

/** A yes or no; text such as "false" counts as what it says. */
export function booleanParameter(
	functions: IExecuteFunctions,
	name: string,
	item: number,
	fallback: boolean,
): boolean {
	return toBoolean(functions.getNodeParameter(name, item, fallback));
}

/** The values that the user added to a collection. */
export function collectionParameter(
	functions: IExecuteFunctions,
	name: string,
	item: number,
): JsonRecord {
	const value: unknown = functions.getNodeParameter(name, item, {});
	return isRecord(value) ? value : {};
}

/**
 * Options of the run as a whole, which come from the first item. Each is evaluated by itself: an expression of another
 * option that fails for that item is the failure of that item alone.
 */
export function runOptions(functions: IExecuteFunctions, ...names: string[]): JsonRecord {
	return Object.fromEntries(
		names.map((name) => [name, functions.getNodeParameter(`options.${name}`, 0, '')]),
	);
}

/** Trimmed; '' for what is neither a text, a number nor a boolean. */
export function toText(value: unknown): string {
	if (typeof value === 'string') return value.trim();
	return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function toBoolean(value: unknown): boolean {
	return typeof value === 'string' ? value.trim().toLowerCase() === 'true' : value === true;
}

/** An option that is absent unless the user added it; '' counts as absent. */
export function textOption(options: JsonRecord, key: string): string | undefined {
	return toText(options[key]) || undefined;
}

/** A yes or no that is absent unless the user added it; '' counts as absent. */
export function booleanOption(options: JsonRecord, key: string): boolean | undefined {
	const value = options[key];
	return value === undefined || value === null || value === '' ? undefined : toBoolean(value);
}

/**
 * One of a field's fixed choices.
 * @throws InputError naming field, value and choices
 */
export function choice<T extends string>(field: string, value: string, allowed: readonly T[]): T {
	const found = allowed.find((one) => one === value);
	if (found !== undefined) return found;
	throw new InputError(
		`'${field}' is "${value}", which is not one of its options`,
		`Choose one of these: ${allowed.join(', ')}.`,
	);
}

/** A field's name in messages, without its unit. */
const labelOf = ({ displayName }: INodeProperties) => displayName.replace(/ \(.*\)$/, '');

/** The unit in a field's name, as it follows a number: "Timeout (Minutes)" is told in " minutes". */
function unitOf({ displayName }: INodeProperties): string {
	const [, unit] = / \((.*)\)$/.exec(displayName) ?? [];
	if (unit === undefined) return '';
	return ` ${unit === unit.toUpperCase() ? unit : unit.toLowerCase()}`;
}

/** @throws InputError when the value is there but not a number */
export function numberOption(options: JsonRecord, property: INodeProperties): number | undefined {
	const value = options[property.name];
	if (value === undefined || value === null || value === '') return undefined;
	const number = typeof value === 'string' ? Number(value.trim() || NaN) : value;
	if (typeof number === 'number' && Number.isFinite(number)) return number;
	throw new InputError(
		`'${labelOf(property)}' is "${String(value)}", which is not a number`,
		'Enter a number.',
	);
}

const limitsOf = ({
	typeOptions: { minValue = -Infinity, maxValue = Infinity } = {},
}: INodeProperties) => ({ minValue, maxValue });

/**
 * The value of an option, or its default. Only the panel enforces its limits, so an expression may exceed them: such
 * a value counts as the nearest limit.
 * @throws InputError when the value is not a number
 */
export function nearestNumber(options: JsonRecord, property: INodeProperties): number {
	const { minValue, maxValue } = limitsOf(property);
	const value = numberOption(options, property) ?? Number(property.default);
	return Math.min(maxValue, Math.max(minValue, value));
}

/**
 * The value of an option, or its default, where a value other than the given one would be a surprise.
 * @throws InputError when the value is not a number, or outside the limits
 */
export function numberWithin(options: JsonRecord, property: INodeProperties): number {
	const value = numberOption(options, property) ?? Number(property.default);
	if (value === nearestNumber(options, property)) return value;
	const { minValue, maxValue } = limitsOf(property);
	const limit = maxValue === Infinity ? `${minValue} or more` : `${minValue} to ${maxValue}`;
	throw new InputError(
		`'${labelOf(property)}' is ${value}${unitOf(property)}; the limit is ${limit}`,
		'Enter a number within the limit, or remove the option.',
	);
}

/**
 * A moment, in epoch milliseconds. One without a time zone is in that of the workflow.
 * @param label display name of the option, for the message
 * @throws InputError when the value is there but no time
 */
export function timeOption(
	functions: IExecuteFunctions,
	options: JsonRecord,
	key: string,
	label: string,
): number | undefined {
	const value = options[key];
	if (value === undefined || value === null || value === '') return undefined;
	const time = toTime(value, functions.getTimezone());
	if (time !== undefined) return time;
	throw new InputError(
		`'${label}' is "${String(value)}", which is not a date and time`,
		'Choose one, or enter it like 2026-11-02T17:30:00.',
	);
}

function toTime(value: unknown, timeZone: string): number | undefined {
	try {
		return tryToParseDateTime(value, timeZone).toMillis();
	} catch {
		return undefined;
	}
}
