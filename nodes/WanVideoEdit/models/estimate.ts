/** What a request is going to cost, as far as that can be told before it is sent. Pure. */
import { estimateCost } from '../../shared/billing/price';
import type { Billing, EstimatedCost, PricePerSecond } from '../../shared/billing/price';
import type { Usage } from '../../shared/dashscope/types';
import { roundedSeconds } from '../../shared/media/wording';
import { DEFAULT_RESOLUTION } from './limits';
import type { ModelRequest, ModelSpec } from './spec';

export interface Planned {
	/** Seconds of video that will be billed, and the tier of the price list. */
	usage: Required<Usage>;
	/** Absent where the price is not known. */
	cost?: EstimatedCost;
}

/**
 * @param seconds length of the video; undefined where it is not known
 * @param own the user's prices
 * @returns undefined where the billed seconds cannot be told
 */
export function planOf(
	spec: ModelSpec,
	{ model, values }: Pick<ModelRequest, 'model' | 'values'>,
	seconds: number | undefined,
	billing: Billing,
	own: PricePerSecond,
): Planned | undefined {
	const billed = spec.billed(values, seconds);
	if (billed === undefined) return undefined;
	const usage = {
		billedSeconds: roundedSeconds(billed.input + billed.output),
		inputSeconds: roundedSeconds(billed.input),
		outputSeconds: roundedSeconds(billed.output),
		resolution: spec.tier?.(values) ?? String(values.resolution ?? DEFAULT_RESOLUTION),
	};
	return { usage, cost: estimateCost(usage, model, billing, own) };
}
