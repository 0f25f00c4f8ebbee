/** What a request is going to cost, as far as that can be told before it is sent. Pure. */
import { estimateCost } from '../../shared/billing/price';
import type { Billing, EstimatedCost, PricePerSecond } from '../../shared/billing/price';
import type { Usage } from '../../shared/dashscope/types';
import { InputError } from '../../shared/inputError';
import { roundedSeconds } from '../../shared/media/wording';
import type { ModelRequest, ModelSpec, Values } from './spec';

export interface Planned {
	/** Seconds of video that will be billed, and the tier of the price list. */
	usage: Required<Usage>;
	/** Absent where the price is not known. */
	cost?: EstimatedCost;
}

/**
 * @param seconds length of the video; undefined where it is not known
 * @param own the user's prices
 * @throws InputError where the billed seconds cannot be told
 */
export function planOf(
	spec: ModelSpec,
	{ model, values }: Pick<ModelRequest, 'model' | 'values'>,
	seconds: number | undefined,
	billing: Billing,
	own: PricePerSecond,
): Planned {
	const resolution = tierOf(spec, values);
	if (resolution === undefined) {
		throw new InputError(
			`The seconds that ${model} bills are not known in advance`,
			"The cost of this model cannot be estimated: remove the option 'Spending Limit' to run it.",
		);
	}
	const billed = spec.billed(values, seconds);
	if (billed === undefined) {
		throw new InputError(
			"The length of the video cannot be read from its file, so 'Spending Limit' cannot be kept",
			'Save the video again as MP4, or remove the limit. Nothing was submitted.',
		);
	}
	const usage = {
		billedSeconds: roundedSeconds(billed.input + billed.output),
		inputSeconds: roundedSeconds(billed.input),
		outputSeconds: roundedSeconds(billed.output),
		resolution,
	};
	return { usage, cost: estimateCost(usage, model, billing, own) };
}

/** The service takes the dearest resolution where none is given; it stands last. */
function tierOf({ tier, values: rules }: ModelSpec, values: Values): string | undefined {
	const { resolution } = values;
	if (tier !== undefined) return tier(values);
	if (typeof resolution === 'string') return resolution;
	const rule = rules.resolution;
	return rule?.kind === 'choice' ? rule.of.at(-1) : undefined;
}
