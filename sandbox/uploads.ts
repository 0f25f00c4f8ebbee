import { createHash, createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { StorageError } from './errors';
import { DAY, naiveDay } from './times';

// The temporary upload: a policy document, signed, that the storage checks on its own, as OSS does.

/** Uploads can be used for 48 hours. */
const LIFETIME = 2 * DAY;

export interface Policy {
	policy: string;
	signature: string;
	upload_dir: string;
	upload_host: string;
	expire_in_seconds: number;
	max_file_size_mb: number;
	capacity_limit_mb: number;
	oss_access_key_id: string;
	x_oss_object_acl: string;
	x_oss_forbid_overwrite: string;
}

export interface StoredUpload {
	model: string;
	path: string;
	sha256: string;
	bytes: number;
	uploadedAt: number;
}

interface PolicyDocument {
	expiration: string;
	conditions: [['starts-with', '$key', string], ['content-length-range', number, number]];
}

/** What a storage request is signed with; each sandbox has its own. */
export class Signer {
	readonly accessKeyId = `LTAI${randomBytes(10).toString('hex')}`;
	private readonly secret = randomBytes(24);

	sign(text: string): string {
		return createHmac('sha1', this.secret).update(text).digest('base64');
	}

	/** Refuses what was not signed with it, as the storage does; undefined is what was not sent. */
	assertSigned(text?: string, accessKeyId?: string, signature?: string): asserts text is string {
		if (text === undefined || accessKeyId === undefined || signature === undefined) {
			throw new StorageError(
				403,
				'AccessDenied',
				'You have no right to access this object because of bucket acl.',
			);
		}
		if (accessKeyId !== this.accessKeyId) {
			throw new StorageError(
				403,
				'InvalidAccessKeyId',
				'The OSS Access Key Id you provided does not exist in our records.',
			);
		}
		const expected = Buffer.from(this.sign(text));
		const given = Buffer.from(signature);
		if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
			throw new StorageError(
				403,
				'SignatureDoesNotMatch',
				'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
			);
		}
	}
}

export interface PolicyRequest {
	model: string;
	host: string;
	seconds: number;
	maxBytes: number;
}

export class Uploads {
	private readonly models = new Map<string, string>();
	private readonly files = new Map<string, StoredUpload>();
	/** Keys of uploads under way, so that two at once cannot both win. */
	private readonly incoming = new Set<string>();

	/** Each round of uploads has its own folder, so that clearing one cannot hit the next. */
	private round = 0;

	constructor(
		private readonly root: string,
		private readonly signer: Signer,
		private readonly now: () => number,
	) {}

	policy({ model, host, seconds, maxBytes }: PolicyRequest): Policy {
		const account = createHash('md5').update(this.signer.accessKeyId).digest('hex');
		const dir = `dashscope-instant/${account}/${naiveDay(this.now())}/${randomUUID()}`;
		this.models.set(dir, model);
		const document: PolicyDocument = {
			expiration: new Date(this.now() + seconds * 1000).toISOString(),
			conditions: [
				['starts-with', '$key', dir],
				['content-length-range', 0, maxBytes],
			],
		};
		const policy = Buffer.from(JSON.stringify(document)).toString('base64');
		return {
			policy,
			signature: this.signer.sign(policy),
			upload_dir: dir,
			upload_host: host,
			expire_in_seconds: seconds,
			max_file_size_mb: maxBytes / 1024 / 1024,
			capacity_limit_mb: 999_999_999,
			oss_access_key_id: this.signer.accessKeyId,
			x_oss_object_acl: 'private',
			x_oss_forbid_overwrite: 'true',
		};
	}

	/**
	 * Takes one file. The fields are those that came before it: what follows the file cannot count,
	 * and OSS does not look at it. Returns the object key.
	 */
	async receive(
		fields: Map<string, string>,
		filename: string,
		file: Readable,
		count: (bytes: number) => void,
	): Promise<string> {
		const { key, maxBytes } = this.check(fields, filename);
		const forbidOverwrite = fields.get('x-oss-forbid-overwrite')?.toLowerCase() === 'true';
		if (this.incoming.has(key) || (forbidOverwrite && this.files.has(key))) {
			throw new StorageError(
				409,
				'FileAlreadyExists',
				'The object you specified already exists and can not be overwritten.',
			);
		}
		this.incoming.add(key);
		const { dir } = this;
		const path = join(dir, randomUUID());
		try {
			await mkdir(dir, { recursive: true });
			const hash = createHash('sha256');
			let bytes = 0;
			await pipeline(
				file,
				async function* (source: AsyncIterable<Buffer>) {
					for await (const chunk of source) {
						bytes += chunk.length;
						count(chunk.length);
						// The rest is read and thrown away: the answer must reach a client that still sends.
						if (bytes > maxBytes) continue;
						hash.update(chunk);
						yield chunk;
					}
				},
				createWriteStream(path),
			);
			if (bytes > maxBytes) {
				throw new StorageError(
					400,
					'EntityTooLarge',
					'Your proposed upload exceeds the maximum allowed size.',
				);
			}
			const sha256 = hash.digest('hex');
			const model = this.modelOf(key) ?? '';
			this.files.set(key, { model, path, sha256, bytes, uploadedAt: this.now() });
			return key;
		} catch (error) {
			await rm(path, { force: true });
			throw error;
		} finally {
			this.incoming.delete(key);
		}
	}

	/** The file behind an `oss://` URL; undefined when there is none or when its 48 h are over. */
	find(key: string): StoredUpload | undefined {
		const upload = this.files.get(key);
		if (upload === undefined || this.now() - upload.uploadedAt > LIFETIME) return undefined;
		return upload;
	}

	/** Takes an upload back. The file itself goes with the folder. */
	discard(key: string): void {
		this.files.delete(key);
	}

	async clear(): Promise<void> {
		const { dir } = this;
		this.models.clear();
		this.files.clear();
		this.round += 1;
		await rm(dir, { recursive: true, force: true });
	}

	private get dir(): string {
		return join(this.root, String(this.round));
	}

	private modelOf(key: string): string | undefined {
		return this.models.get(key.slice(0, key.lastIndexOf('/')));
	}

	private check(fields: Map<string, string>, filename: string) {
		const key = fields.get('key')?.replaceAll('${filename}', filename);
		if (!key) {
			throw new StorageError(
				400,
				'InvalidArgument',
				"Bucket POST must contain a field named 'key'. If it is specified, please check the order of the fields.",
			);
		}
		const policy = fields.get('policy');
		this.signer.assertSigned(policy, fields.get('ossaccesskeyid'), fields.get('signature'));
		// Ours, since the signature is.
		const document = JSON.parse(Buffer.from(policy, 'base64').toString()) as PolicyDocument;
		if (this.now() > Date.parse(document.expiration)) {
			throw new StorageError(403, 'AccessDenied', 'Invalid according to Policy: Policy expired.');
		}
		const [[, , prefix], [, , maxBytes]] = document.conditions;
		if (!key.startsWith(`${prefix}/`)) {
			throw new StorageError(
				403,
				'AccessDenied',
				`Invalid according to Policy: Policy Condition failed: ["starts-with", "$key", "${prefix}"]`,
			);
		}
		return { key, maxBytes };
	}
}
