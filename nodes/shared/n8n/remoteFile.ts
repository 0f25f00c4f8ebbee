import type { IExecuteFunctions } from 'n8n-workflow';
import { DashScopeError } from '../dashscope/errors';
import { isPrivateHost, isPrivateService, tryParseUrl } from '../dashscope/hosts';
import { openUrl } from '../dashscope/results';
import type { OpenResult, Opened } from '../dashscope/results';
import { InputError } from '../inputError';
import { HEAD_BYTES, detectFormat } from '../media/formats';
import { readFacts } from '../media/headers';
import type { SkippableStream, MediaFacts } from '../media/headers';
import { checkFacts, validateFile } from '../media/limits';
import type { MediaLimits } from '../media/types';
import { encodeUrl } from '../media/urls';
import { messageOf } from '../thrown';
import { throwIfStopped } from './failures';

/** How far a header is searched for where the host gives whole files only. Bytes. */
const MOST_BYTES = 16 * 1024 * 1024;

/** A file that a model would be given as a URL. */
export interface RemoteFile {
	/** Display name of the field of the node. */
	field: string;
	url: string;
}

/**
 * What the header of a file behind a URL says. Only the beginning is fetched, and the part that the header is in if
 * it stands at the end; without the credential.
 * @param baseUrl of DashScope: hosts inside a private network are asked only if it is inside one, too
 * @throws InputError for a file that cannot be read, or that the limits refuse
 */
export async function remoteFacts(
	functions: IExecuteFunctions,
	{ field, url }: RemoteFile,
	limits: MediaLimits,
	baseUrl: string,
): Promise<MediaFacts> {
	const failed = (reason: string) =>
		new InputError(
			`'${field}' could not be read: ${reason}`,
			'The length of a video is read from the header of its file: the address must be public and lead to the file itself. Or use a binary field.',
		);
	if (url.startsWith('oss:')) {
		throw failed('it is an oss:// URL, which only DashScope itself can open');
	}
	const targetOf = (text: string, base?: URL): URL => {
		const target = tryParseUrl(text, base);
		if (target === undefined || !['https:', 'http:'].includes(target.protocol)) {
			throw failed('it leads to something that is not a web address');
		}
		if (isPrivateHost(target.hostname) && !isPrivateService(baseUrl)) {
			throw failed(`it leads to ${target.hostname}, which only this network can reach`);
		}
		return target;
	};
	const first = targetOf(encodeUrl(url));
	const open = async (from: number) => await openUrl(functions, first, targetOf, from);
	let stream: RemoteStream | undefined;
	try {
		const opened = await open(0);
		stream = new RemoteStream(opened, open);
		if (opened.status >= 300) throw failed(`${opened.host} answered HTTP ${opened.status}`);
		const size = opened.result.size ?? 0;
		const format = validateFile(limits, field, { size }, detectFormat(await stream.head()));
		const facts = await readFacts(stream, format);
		checkFacts(limits, format, field, undefined, facts);
		return facts;
	} catch (error) {
		throwIfStopped(functions);
		const reason = stream?.reason(error) ?? error;
		if (reason instanceof InputError) throw reason;
		throw failed(messageOf(reason));
	} finally {
		stream?.close();
	}
}

/** The bytes of a remote file in their order; what is jumped over is not fetched where the host can do that. */
class RemoteStream implements SkippableStream {
	private result: OpenResult;
	private chunks: AsyncIterator<Uint8Array>;
	private position = 0;
	private readBytes = 0;
	private start = new Uint8Array();
	private canJump = true;

	constructor(
		opened: Opened,
		private readonly open: (from: number) => Promise<Opened>,
	) {
		this.result = opened.result;
		this.chunks = this.result.stream[Symbol.asyncIterator]();
	}

	/** The first bytes; they come again when the file is read. */
	async head(): Promise<Uint8Array> {
		while (this.start.length < HEAD_BYTES) {
			const chunk = await this.pull();
			if (chunk === undefined) break;
			this.start = Buffer.concat([this.start, chunk]);
		}
		return this.start;
	}

	[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
		return {
			next: async () => {
				const value = this.start.length > 0 ? this.start : await this.pull();
				this.start = new Uint8Array();
				return value === undefined ? { done: true, value } : { done: false, value };
			},
			return: async () => {
				this.close();
				return await Promise.resolve({ done: true, value: undefined });
			},
		};
	}

	async jump(count: number): Promise<boolean> {
		if (!this.canJump) return false;
		const { status, start, result } = await this.open(this.position + count);
		if (start !== this.position + count) {
			result.close();
			this.canJump = false;
			// There is nothing: the file ends before that.
			if (status === 416) this.chunks = nothing();
			return status === 416;
		}
		this.close();
		this.result = result;
		this.chunks = result.stream[Symbol.asyncIterator]();
		this.position = start;
		return true;
	}

	reason(error: unknown): unknown {
		return this.result.reason(error);
	}

	close(): void {
		this.result.close();
	}

	private async pull(): Promise<Uint8Array | undefined> {
		const { done, value } = await this.chunks.next();
		if (done === true) return undefined;
		this.position += value.byteLength;
		this.readBytes += value.byteLength;
		this.result.moved(value.byteLength);
		if (this.readBytes > MOST_BYTES) {
			throw new DashScopeError(
				`its header is not within the first ${MOST_BYTES / 1024 / 1024} MB, and the host does not support partial downloads`,
				{ kind: 'rejected' },
			);
		}
		return value;
	}
}

async function* nothing(): AsyncGenerator<Uint8Array> {
	// Empty.
}
