/** All models, and the only place that knows a model by its ID. */
import { currencyOf } from '../../shared/billing/price';
import type { Billing, PriceList } from '../../shared/billing/price';
import { isBeijing } from '../../shared/dashscope/hosts';
import { animateMix } from './animateMix';
import { happyHorse } from './happyHorse';
import type { ModelSpec } from './spec';
import { vaceEdit, vaceExpand, vaceExtend, vaceReference, vaceRepaint } from './vacePlus';
import { wan27I2v } from './wan27I2v';
import { wan27VideoEdit } from './wan27VideoEdit';
import { wan3Video, wan3VideoPrime } from './wan3Video';

/** The models that edit a video by instruction, the default first. */
export const EDIT_MODELS: readonly ModelSpec[] = [
	wan27VideoEdit,
	wan3Video,
	wan3VideoPrime,
	happyHorse,
];

/** Every model, one entry for each of its functions. */
export const ALL_MODELS: readonly ModelSpec[] = [
	...EDIT_MODELS,
	wan27I2v,
	vaceEdit,
	vaceExpand,
	vaceRepaint,
	vaceExtend,
	vaceReference,
	animateMix,
];

/** The models whose price depends on the resolution, so that only the video has to be known to estimate a cost. */
export const BILLABLE_MODELS = ALL_MODELS.filter(({ values }) => 'resolution' in values);

const SNAPSHOT = /-\d{4}-\d{2}-\d{2}$/;

/** The model with this ID, of any region, or the one that it is a dated snapshot of. */
export function specOf(id: string): ModelSpec | undefined {
	return specsOf(id)[0];
}

/** An entry for each function of the model with this ID, of any region, or of the one that it is a dated snapshot of. */
export function specsOf(id: string): ModelSpec[] {
	const name = id.replace(SNAPSHOT, '');
	return ALL_MODELS.filter((spec) => spec.id === name || spec.beijingId === name);
}

/** The display name of a setting, by its name in the API. */
export function labelOf(value: string): string {
	const rules = ALL_MODELS.flatMap(({ values }) => values[value] ?? []);
	return rules[0]?.label ?? value;
}

/** The ID of a model in the region of a base URL. */
export function idIn({ id, beijingId = id }: ModelSpec, baseUrl: string): string {
	return isBeijing(baseUrl) ? beijingId : id;
}

/** The ID of a model that was chosen by any of its IDs, in the region of a base URL; others are left as they are. */
export function regionalId(id: string, baseUrl: string): string {
	const spec = specOf(id);
	return spec?.id === id || spec?.beijingId === id ? idIn(spec, baseUrl) : id;
}

/** The list prices of a model; undefined where they are not known, as for dated snapshots. */
export function priceListOf(model: string): PriceList | undefined {
	const spec = specOf(model);
	return spec?.id === model || spec?.beijingId === model ? spec.prices : undefined;
}

/** What is needed to estimate costs at this base URL. */
export function billingAt(baseUrl: string): Billing {
	return { currency: currencyOf(baseUrl), priceListOf };
}
