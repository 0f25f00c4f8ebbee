import type { FastifyReply, FastifyRequest } from 'fastify';

import { messageOf, StorageError } from './errors';
import type { UploadPart } from './log';
import type { Uploads } from './uploads';

/** The storage's POST: fields first, the file last; answered as OSS does. */
export async function receiveUpload(
	uploads: Uploads,
	request: FastifyRequest,
	reply: FastifyReply,
) {
	if (request.headers.authorization !== undefined) {
		throw new StorageError(
			400,
			'InvalidArgument',
			'Only one auth mechanism allowed; the form fields already carry the signature.',
		);
	}
	if (!request.isMultipart()) {
		throw new StorageError(
			412,
			'PreconditionFailed',
			'Bucket POST must be of the enclosure-type multipart/form-data.',
		);
	}
	const parts: UploadPart[] = [];
	if (request.entry !== undefined) request.entry.body = parts;
	const fields = await readForm(uploads, request, parts).catch((error: unknown) => {
		throw asStorageError(error);
	});
	const wanted = fields.get('success_action_status');
	void reply
		.code(wanted === '200' || wanted === '201' ? Number(wanted) : 204)
		.header('x-oss-request-id', request.id)
		.send();
	return reply;
}

/** The fields by lower-case name, once the file is stored; throws what the storage answers else. */
async function readForm(uploads: Uploads, request: FastifyRequest, parts: UploadPart[]) {
	const fields = new Map<string, string>();
	let stored: string | undefined;
	let problem: unknown;
	for await (const part of request.parts()) {
		if (stored !== undefined) {
			uploads.discard(stored);
			stored = undefined;
			problem = new StorageError(
				400,
				'InvalidArgument',
				`The file must be the last part of the form, but ${part.fieldname} follows it.`,
			);
		}
		if (part.type === 'field') {
			const value = String(part.value);
			parts.push({ name: part.fieldname, value });
			fields.set(part.fieldname.toLowerCase(), value);
			continue;
		}
		const { fieldname, filename, mimetype, file } = part;
		const logged = { name: fieldname, filename, bytes: 0, contentType: mimetype };
		parts.push(logged);
		const count = (bytes: number) => (logged.bytes += bytes);
		if (problem === undefined && fieldname === 'file') {
			try {
				stored = await uploads.receive(fields, filename, file, count);
			} catch (error) {
				problem = error;
			}
		}
		// Read to the end in any case: a client that still sends would never see the answer.
		if (!file.readableEnded && !file.destroyed) {
			file.on('data', (chunk: Buffer) => count(chunk.length));
		}
	}
	if (problem !== undefined) throw problem;
	if (stored === undefined) {
		throw new StorageError(
			400,
			'InvalidArgument',
			"Bucket POST must contain a field named 'file'.",
		);
	}
	return fields;
}

/** Whatever the form reader stumbles over is a form that OSS would not take either. */
function asStorageError(problem: unknown): StorageError {
	if (problem instanceof StorageError) return problem;
	return new StorageError(400, 'MalformedPOSTRequest', messageOf(problem));
}
