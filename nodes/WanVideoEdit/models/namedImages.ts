import type { ModelRequest, ModelSpec } from './spec';

/** An image's name as the models' guides write it, in English and in Chinese. */
const NAMES = /(?:\bimage|图片?) ?(\d{1,2})(?![\da-z])/gi;

/**
 * Whether the prompt names a reference image that the request does not have. Such a request is taken, and billed; the
 * text may mean something else, so it is no error.
 * @returns a sentence for the user
 */
export function missingImage(
	{ slots }: Pick<ModelSpec, 'slots'>,
	{ prompt = '', media }: ModelRequest,
): string | undefined {
	if (!slots.some(({ place }) => place === 'image')) return undefined;
	const named = [...prompt.matchAll(NAMES)].map(([, number]) => Number(number));
	const last = Math.max(0, ...named);
	const count = media.filter(({ place }) => place === 'image').length;
	if (last <= count) return undefined;
	const sent =
		count === 0 ? 'no image was' : count === 1 ? 'only 1 image was' : `only ${count} were`;
	return `The prompt names Image ${last}, but ${sent} sent with it.`;
}
