import { DashScopeError } from '../dashscope/errors';
import type { UploadFile } from '../dashscope/uploads';
import { toError } from '../thrown';
import type { TaskPorts } from './ports';
import { asksTooLong, backoff } from './schedule';
import { Semaphore } from './semaphore';

/** A file in the service's temporary store. */
export interface Upload {
	/** An `oss://` URL. */
	url: string;
	/** Epoch milliseconds. */
	uploadedAt: number;
}

/** Uploads of this execution by model and file; kept in the node's context like the ledger. */
export type UploadStore = Record<string, Upload>;

/** DashScope deletes an upload after 48 h (temporary-upload page, read 2026-11). */
export const UPLOAD_LASTS_MS = 48 * 3_600_000;

/** How long an upload is used again: later it might expire while its task waits. */
const REUSE_MS = UPLOAD_LASTS_MS - 4 * 3_600_000;

/** Every try uses a fresh permission and a fresh object name. */
const TRIES = 3;

/** Uploads files, each once per execution and model, a few at a time. */
export class Uploads {
	private readonly slots: Semaphore;
	private readonly underWay = new Map<string, Promise<Upload>>();

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
		return (await this.stored(model, file)).url;
	}

	/**
	 * @returns the file in the service's store, where tasks of `model` can read it
	 * @throws DashScopeError after the last try
	 */
	async stored(model: string, file: UploadFile): Promise<Upload> {
		// An upload serves its account only, and a retry may have another credential.
		const key = `${this.ports.account.id}:${model}:${file.identity}`;
		const stored = this.store[key];
		if (stored !== undefined && this.ports.now() - stored.uploadedAt < REUSE_MS) return stored;

		const running = this.underWay.get(key);
		if (running !== undefined) return await running;
		const upload = this.slots.run(async () => {
			const url = await this.upload(model, file);
			return (this.store[key] = { url, uploadedAt: this.ports.now() });
		});
		this.underWay.set(key, upload);
		try {
			return await upload;
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
				if (final || this.ports.stopped()) throw toError(error);
				if (failures >= TRIES) throw gaveUp(failure);
				this.ports.log(`Upload failed, trying again: ${failure.message}`);
				await this.ports.sleep(backoff(failures, this.ports.random(), failure.retryAfterMs));
			}
		}
	}
}

function gaveUp(failure: DashScopeError): DashScopeError {
	return new DashScopeError(`The upload failed ${TRIES} times: ${failure.message}`, failure);
}
