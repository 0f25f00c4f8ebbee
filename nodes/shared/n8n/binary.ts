import { createHash } from 'crypto';
import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import { isRecord } from '../dashscope/json';
import type { ByteStream } from '../dashscope/uploads';
import { InputError } from '../inputError';
import { nameOf } from '../media/limits';
import type { BinaryFile } from '../media/types';
import { messageOf } from '../thrown';

/** What n8n offers to read its binary store. */
type StoreFunctions = Pick<IExecuteFunctions, 'helpers'>;

/**
 * Where a workflow with the setting `binaryMode: 'combined'` ("Execution Logic v2") keeps the files of an item: in its
 * json (n8n 2.41, `BINARY_IN_JSON_PROPERTY`, which older versions do not have).
 */
const FILES_IN_JSON = '_files';

/** The names of the binary fields of an item. */
export function binaryFieldsOf(functions: IExecuteFunctions, itemIndex: number): string[] {
	return namesIn(functions, itemIndex).filter(
		(name) => find(functions, itemIndex, name) !== undefined,
	);
}

function namesIn(functions: IExecuteFunctions, itemIndex: number): string[] {
	const { json = {}, binary = {} } = functions.getInputData()[itemIndex] ?? {};
	return [...new Set([...Object.keys(binary), ...Object.keys(json[FILES_IN_JSON] ?? {})])];
}

/**
 * Whether a parameter is a file itself: an expression such as `$('Form').item.binary.data` gives one. `$binary.data` gives
 * one without `data`, which is enough where the file lies in n8n's store.
 */
export function isFile(value: unknown): value is IBinaryData {
	if (!isRecord(value) || typeof value.mimeType !== 'string') return false;
	return typeof value.data === 'string' || (typeof value.id === 'string' && value.id.includes(':'));
}

/**
 * A binary field of an item, ready to be looked at and sent. Reads its size only.
 * @param parameter display name of the field of the node, for the message
 * @param field its name, or the file itself
 * @throws InputError that says which binary fields the item has
 */
export async function binaryFileOf(
	functions: IExecuteFunctions,
	itemIndex: number,
	parameter: string,
	field: string | IBinaryData,
): Promise<BinaryFile> {
	return await fileOf(functions, binaryDataOf(functions, itemIndex, parameter, field), parameter);
}

/**
 * A binary field of an item as n8n's own value. Nothing is read.
 * @param parameter display name of the field of the node, for the message
 * @param field its name, or the file itself
 * @throws InputError that says which binary fields the item has
 */
export function binaryDataOf(
	functions: IExecuteFunctions,
	itemIndex: number,
	parameter: string,
	field: string | IBinaryData,
): IBinaryData {
	if (isFile(field)) return field;
	if (field.trim() === '') {
		throw new InputError(`'${parameter}' is empty`, present(functions, itemIndex));
	}
	const data = find(functions, itemIndex, field);
	if (data !== undefined) return data;
	throw new InputError(
		`'${parameter}' names the binary field "${field}", which the item does not have`,
		present(functions, itemIndex),
	);
}

/**
 * n8n keeps what a trigger received as a file of the execution "temp". That of a webhook or a form it renames when the
 * execution ends or is suspended (`restoreBinaryDataId`, n8n 2.41). The rest of the ID names the file alone.
 */
const EXECUTION = /\/executions\/([^/]+)\//;
const NOT_YET_NAMED = 'temp';

/** The ID of a file in n8n's store without what n8n may change of it, so that a retry knows the file again. */
export function lastingId(id: string): string {
	return id.replace(EXECUTION, '/executions/');
}

/** The ID that a file in n8n's store has after the execution has ended or was suspended, where n8n renames it. */
export function idAfter(executionId: string, id: string): string {
	return id.replace(EXECUTION, (path, execution: string) =>
		execution === NOT_YET_NAMED ? `/executions/${executionId}/` : path,
	);
}

/**
 * Binary data wherever n8n keeps it. Reads its size only.
 * @param field what it is called in the message
 * @throws InputError for a file that n8n does not have any more
 */
export async function fileOf(
	functions: StoreFunctions,
	data: IBinaryData,
	field: string,
): Promise<BinaryFile> {
	const { id, fileName } = data;
	return id === undefined ? inMemory(data) : await stored(functions, id, field, fileName);
}

function present(functions: IExecuteFunctions, itemIndex: number): string {
	const fields = binaryFieldsOf(functions, itemIndex);
	return fields.length === 0
		? 'The item has no file: let a node before this one read, download or receive it, and keep it in its output.'
		: `Enter the name of a binary field of the item: ${fields.join(', ')}.`;
}

/** n8n itself looks only where the workflow's setting says: json from elsewhere must not lead to a file. */
function find(
	functions: IExecuteFunctions,
	itemIndex: number,
	field: string,
): IBinaryData | undefined {
	// Spaces around a name do not show, and parameters are read without them.
	const alike = namesIn(functions, itemIndex).filter((name) => name.trim() === field);
	for (const name of [field, ...alike]) {
		for (const path of [name, `${FILES_IN_JSON}[${JSON.stringify(name)}]`]) {
			try {
				return functions.helpers.assertBinaryData(itemIndex, path);
			} catch {
				// Not there.
			}
		}
	}
	return undefined;
}

/**
 * Binary data in n8n's store (filesystem, database, S3): read as a stream.
 * @param field what it is called in the message
 * @throws InputError for a file that n8n does not have any more, now or when it is read
 */
export async function stored(
	functions: StoreFunctions,
	id: string,
	field: string,
	fileName?: string,
): Promise<BinaryFile> {
	const { getBinaryMetadata, getBinaryStream } = functions.helpers;
	const gone = (error: unknown): never => {
		throw new InputError(
			`${nameOf(field, fileName)} could not be read from the storage of n8n`,
			// Not in the message: some of what n8n says would make it replace that.
			`n8n says: "${messageOf(error)}". It deletes files together with the executions that they are of: run the nodes before this one again, and unpin their data.`,
		);
	};
	const { fileSize } = await getBinaryMetadata(id).catch(gone);
	const open = async (chunkBytes?: number): Promise<ByteStream> => {
		const stream: ByteStream = await getBinaryStream(id, chunkBytes).catch(gone);
		async function* chunks(): AsyncGenerator<Uint8Array> {
			try {
				yield* stream;
			} catch (error) {
				gone(error);
			}
		}
		return Object.assign(chunks(), { destroy: () => stream.destroy() });
	};
	return {
		fileName,
		size: fileSize,
		identity: lastingId(id),
		storedAs: id,
		head: async (bytes) => {
			const stream = await open(bytes);
			let head = new Uint8Array();
			try {
				// S3 gives chunks as they come from the network, the first of any length.
				for await (const chunk of stream) {
					head = Buffer.concat([head, chunk]);
					if (head.length >= bytes) break;
				}
				return head.subarray(0, bytes);
			} finally {
				stream.destroy();
			}
		},
		open,
		// Only there, and not in a database or an object storage, does n8n read piece by piece into new memory.
		ownChunks: id.startsWith('filesystem'),
	};
}

/** Characters decoded at a time: a multiple of 4, so that no byte is cut in two. */
const CHUNK_CHARACTERS = 4 * 64 * 1024;

/** Binary data in n8n's default memory mode, or made by a Code node: base64 within the item. */
function inMemory({ data, fileName }: IBinaryData): BinaryFile {
	// Base64 of mails and some APIs comes in lines; n8n itself reads it all the same.
	const base64 = data.includes('\n') ? data.replace(/\s+/g, '') : data;
	const padding = /=*$/.exec(base64.slice(-2))?.[0].length ?? 0;
	return {
		fileName,
		size: Math.floor((base64.length * 3) / 4) - padding,
		identity: hashOf(base64),
		head: async (bytes) =>
			await Promise.resolve(
				Buffer.from(base64.slice(0, Math.ceil(bytes / 3) * 4), 'base64').subarray(0, bytes),
			),
		open: async () => await Promise.resolve(base64Stream(base64)),
		ownChunks: true,
	};
}

/** Hashed in parts: a hash of the whole text would need a copy of it. */
function hashOf(base64: string): string {
	const hash = createHash('sha256');
	for (let start = 0; start < base64.length; start += CHUNK_CHARACTERS) {
		hash.update(base64.slice(start, start + CHUNK_CHARACTERS));
	}
	return hash.digest('hex');
}

function base64Stream(base64: string): ByteStream {
	async function* decode(): AsyncGenerator<Uint8Array> {
		for (let start = 0; start < base64.length; start += CHUNK_CHARACTERS) {
			yield await Promise.resolve(
				Buffer.from(base64.slice(start, start + CHUNK_CHARACTERS), 'base64'),
			);
		}
	}
	return Object.assign(decode(), { destroy: () => undefined });
}
