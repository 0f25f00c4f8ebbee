/** Checks that go beyond the table of a model. Pure. */
import { InputError } from '../../shared/inputError';
import type { CheckedMedia } from '../../shared/media/sources';
import type { ModelRequest, ModelSpec } from './spec';

/**
 * Checks a mask against its video, as far as the sizes of both are known.
 * @throws InputError naming field and sizes
 */
export function checkSameSize(video: CheckedMedia | undefined, mask: CheckedMedia): void {
	const { width, height } = video?.facts ?? {};
	const { width: maskWidth, height: maskHeight } = mask.facts;
	if (width === undefined || maskWidth === undefined) return;
	if (width === maskWidth && height === maskHeight) return;
	throw new InputError(
		`'${mask.field}' is ${maskWidth} × ${maskHeight} pixels, but the video is ${width} × ${height}`,
		'The mask must have the same size as the video.',
	);
}

/**
 * Refuses settings that have no effect on a request.
 * @returns a function that throws InputError for settings that are set although they do not apply
 */
export function onlyWithOf({ values: rules }: ModelSpec, { values }: ModelRequest) {
	return (applies: boolean, what: string, ...names: string[]): void => {
		const name = names.find((one) => values[one] !== undefined);
		if (applies || name === undefined) return;
		throw new InputError(
			`'${rules[name]?.label ?? name}' only works with ${what}`,
			'Remove the option.',
		);
	};
}
