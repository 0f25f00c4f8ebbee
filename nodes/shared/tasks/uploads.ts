import { DashScopeError } from '../dashscope/errors';
import { Semaphore } from './semaphore';
import type { TaskPorts } from './ports';
import { asksTooLong, backoff } from './schedule';
import type { UploadSource } from '../dashscope/uploads';

/** A file to upload. */
export interface UploadFile extends UploadSource {
	/** Two files with the same identity are the same file. */
	identity: string;
}

/** Uploads of this execution by model and file; kept in the node's context like the ledger. */
export type UploadStore = Record<string, { url: string; uploadedAt: number }>;

/** DashScope deletes an upload after 48 h; one that might expire while its task waits is not used again. */
const REUSE_MS = 44 * 3_600_000;

/** Every try uses a fresh permission and a fresh object name. */
const TRIES = 3;

/** Uploads files, each once per execution and model, a few at a time. */
export class Uploads {
	private readonly slots: Semaphore;
	private readonly underWay = new Map<string, Promise<string>>();

	constructor(
		private readonly ports: TaskPorts<unknown>,
		private readonly store: UploadStore,
		atOnce: number,
	) {
		this.slots = new Semaphore(atOnce);
	}

	/**
	 * @returns the `oss://` URL of the file for tasks of `model`
	 * @throws DashScopeError after the last try
	 */
	async url(model: string, file: UploadFile): Promise<string> {
		const key = `${model}:${file.identity}`;
		const stored = this.store[key];
		if (stored !== undefined && this.ports.now() - stored.uploadedAt < REUSE_MS) return stored.url;

		const running = this.underWay.get(key);
		if (running !== undefined) return await running;
		const upload = this.slots.run(async () => await this.upload(model, file));
		this.underWay.set(key, upload);
		try {
			const url = await upload;
			this.store[key] = { url, uploadedAt: this.ports.now() };
			return url;
		} finally {
			this.underWay.delete(key);
		}
	}

	private async upload(model: string, file: UploadFile): Promise<string> {
		for (let failures = 1; ; failures++) {
			try {
				return await this.ports.upload(model, file);
			} catch (error) {
				const failure = error instanceof DashScopeError ? error : undefined;
				const final = failure === undefined || failure.kind === 'rejected' || asksTooLong(failure);
				if (final || this.ports.stopped()) return await Promise.reject(error);
				if (failures >= TRIES) return await Promise.reject(gaveUp(failure));
				this.ports.log(`Upload failed, trying again: ${failure.message}`);
				await this.ports.sleep(backoff(failures, this.ports.random(), failure.retryAfterMs));
			}
		}
	}
}

function gaveUp(failure: DashScopeError): DashScopeError {
	return new DashScopeError(`The upload failed ${TRIES} times: ${failure.message}`, failure);
}
