/** Fields that depend on the chosen model. */
import type { INodeProperties } from 'n8n-workflow';
import type { ModelSpec } from '../models/spec';

/** A field that is hidden while one of these models is chosen; IDs that the node does not know hide nothing. */
export function hiddenFor(
	property: INodeProperties,
	models: readonly ModelSpec[],
): INodeProperties {
	if (models.length === 0) return property;
	const { displayOptions: { hide, ...more } = {} } = property;
	const ids = [...new Set(models.map(({ id }) => id))];
	return { ...property, displayOptions: { ...more, hide: { ...hide, '/model': ids } } };
}

/** A field of some models only. */
export function shownFor(property: INodeProperties, models: readonly ModelSpec[]): INodeProperties {
	return { ...property, displayOptions: { show: { '/model': models.map(({ id }) => id) } } };
}

/**
 * A field whose hint depends on the chosen model: once for the default and for each model with another hint. Where
 * the model comes from an expression, only the first one is shown; with n8n's `show`, all of them would be. No
 * condition is a pattern: n8n gives one 250 ms of real time, and fails the execution if its process was busy
 * meanwhile.
 * @param models that the user can choose from, the default first; its hint serves IDs that the node does not know
 */
export function byModel(
	property: INodeProperties,
	models: readonly ModelSpec[],
	hintOf: (model: ModelSpec) => string,
): INodeProperties[] {
	const [first] = models.map(hintOf);
	const others = models.filter((one) => hintOf(one) !== first);
	const { displayOptions: { show, hide } = {} } = property;
	const elsewhere = others.map(({ id }) => id);
	const hidden = elsewhere.length === 0 ? hide : { ...hide, '/model': elsewhere };
	return [
		{ ...property, hint: first, displayOptions: { show, ...(hidden && { hide: hidden }) } },
		...others.map((model) => ({
			...property,
			hint: hintOf(model),
			displayOptions: { show, hide: { ...hide, '/model': [{ _cnd: { not: model.id } }] } },
		})),
	];
}
