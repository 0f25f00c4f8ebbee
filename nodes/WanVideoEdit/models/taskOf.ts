import { createHash } from 'crypto';
import { identitiesOf, resolveMedia } from '../../shared/media/sources';
import type { CheckedMedia } from '../../shared/media/sources';
import type { TaskRequest } from '../../shared/tasks/run';
import type { ModelRequest, ModelSpec } from './spec';

/** A checked request, as the engine takes it: from here on nobody looks into it. */
export function taskOf(
	spec: ModelSpec,
	request: ModelRequest,
	media: CheckedMedia[],
): Omit<TaskRequest, 'item' | 'recipe' | 'download'> {
	const { path, createsPerSecond } = spec;
	const { model, prompt } = request;
	return {
		// Of the body with the files' identities: uploads of one file have different URLs.
		fingerprint: createHash('sha256')
			.update(JSON.stringify(spec.body(request, identitiesOf(media))))
			.digest('hex')
			.slice(0, 32),
		model,
		prompt,
		call: async (upload, inlineBytes) => ({
			body: spec.body(request, await resolveMedia(media, upload, inlineBytes)),
			path,
			createsPerSecond,
		}),
	};
}
