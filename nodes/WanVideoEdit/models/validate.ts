/** Checks a request against the table of its model, before money or minutes are spent. Pure. */
import { InputError } from '../../shared/inputError';
import type { MediaInput } from '../../shared/media/types';
import { validateUrl } from '../../shared/media/urls';
import { labelOf } from './index';
import type { ModelRequest, ModelSpec, SlotRule, ValueRule } from './spec';

/** DashScope counts a Chinese character or a letter as one; so does this, an emoji included. */
function characters(text: string, chineseCountsTwice = false): number {
	const all = [...text];
	return (
		all.length + (chineseCountsTwice ? all.filter((one) => /\p{Script=Han}/u.test(one)).length : 0)
	);
}

function validateLength(
	field: string,
	text: string,
	limit: number,
	chineseCountsTwice?: boolean,
): void {
	const length = characters(text, chineseCountsTwice);
	if (length <= limit) return;
	throw new InputError(
		`'${field}' has ${length} characters; the limit is ${limit}`,
		`${chineseCountsTwice ? 'A Chinese character counts as two. ' : ''}DashScope would silently truncate it. Shorten the text.`,
	);
}

/**
 * Checks everything about a request but the content of its files.
 * @param publicService whether the base URL is a public host, which cannot fetch from a private one
 * @returns its files, with the limits that the model sets for each, in the order of the model's slots
 * @throws InputError naming field, value and limit
 */
export function validateRequest(
	spec: ModelSpec,
	request: ModelRequest,
	publicService: boolean,
): MediaInput[] {
	const { prompt = '', negativePrompt = '' } = request;
	if (request.model.trim() === '') {
		throw new InputError("'Model' is empty", `Enter a model ID such as ${spec.id}.`);
	}
	if (prompt === '' && spec.prompt.required) {
		throw new InputError(
			"'Prompt' is empty",
			'Enter what the video should become, such as "Turn the scene into claymation" for an edit or "A street at night, wet cobblestones" for a new scene.',
		);
	}
	validateLength('Prompt', prompt, spec.prompt.most, spec.prompt.chineseCountsTwice);
	if (negativePrompt !== '' && spec.negativePrompt === undefined) {
		throw notTaken('Negative Prompt', request.model);
	}
	validateLength('Negative Prompt', negativePrompt, spec.negativePrompt ?? 0);
	validateValues(spec, request);
	for (const { source } of request.media) validateUrl(source, publicService);
	return inputsOf(spec, request);
}

function notTaken(label: string, model: string): InputError {
	return new InputError(
		`'${label}' is not a setting of ${model}`,
		'Remove the option, or choose another model.',
	);
}

function validateValues({ values }: ModelSpec, { model, values: set }: ModelRequest): void {
	for (const [name, value] of Object.entries(set)) {
		if (value === undefined) continue;
		const rule = values[name];
		if (rule === undefined) throw notTaken(labelOf(name), model);
		validateValue(rule, value, model);
	}
	for (const [name, rule] of Object.entries(values)) {
		if (rule.kind !== 'choice' || rule.required !== true || set[name] !== undefined) continue;
		throw new InputError(`'${rule.label}' is empty`, `Choose one of these: ${rule.of.join(', ')}.`);
	}
}

function validateValue(
	rule: ValueRule,
	value: string | number | boolean | string[],
	model: string,
): void {
	const { label } = rule;
	switch (rule.kind) {
		case 'boolean':
			return;
		case 'choice':
			if (rule.of.includes(String(value))) return;
			throw new InputError(
				`'${label}' is "${String(value)}", which ${model} does not take`,
				`The model ${model} takes one of these: ${rule.of.join(', ')}.`,
			);
		case 'choices': {
			const wrong = (Array.isArray(value) ? value : [String(value)]).find(
				(one) => !rule.of.includes(one),
			);
			if (wrong === undefined) return;
			throw new InputError(
				`'${label}' is "${wrong}", which ${model} does not take`,
				`The model ${model} takes one of these: ${rule.of.join(', ')}.`,
			);
		}
		case 'integer':
		case 'number': {
			const { min, max, also, hint } = rule;
			const whole = rule.kind === 'number' || Number.isInteger(value);
			const within = typeof value === 'number' && value >= min && value <= max;
			if (whole && (value === also || within)) return;
			throw new InputError(
				within
					? `'${label}' is ${String(value)}, which is not a whole number`
					: `'${label}' is ${String(value)}; the limit is ${min} to ${max}`,
				hint ?? `Enter a ${rule.kind === 'integer' ? 'whole ' : ''}number from ${min} to ${max}.`,
			);
		}
	}
}

function inputsOf({ slots }: ModelSpec, { model, media }: ModelRequest): MediaInput[] {
	const stray = media.find(({ place }) => !slots.some((slot) => slot.place === place));
	if (stray !== undefined) throw notTaken(stray.source.field, model);
	return slots.flatMap((slot) => {
		const given = media.filter(({ place }) => place === slot.place);
		validateCount(slot, given.length, model);
		const { type, limits, inline } = slot;
		return given.map(({ source }) => ({ type, source, limits, inline }));
	});
}

function validateCount({ noun, least, most }: SlotRule, count: number, model: string): void {
	if (count >= least && count <= most) return;
	const some =
		count === 0 ? `There is no ${noun}` : `There are ${count} ${noun}s; the limit is ${most}`;
	const range = least === most ? `${most}` : `${least === 0 ? 'up to ' : `${least} to `}${most}`;
	throw new InputError(some, `The model ${model} takes ${range} ${noun}${most === 1 ? '' : 's'}.`);
}
