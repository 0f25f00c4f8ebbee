import { createSamples } from '../sandbox/samples';

/** Before the first file: made by each of them at the same time, the sandbox's samples would take a slow machine minutes. */
export default async function setup(): Promise<void> {
	await createSamples();
}
