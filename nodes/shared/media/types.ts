/** The plain values that files travel as. No n8n types and no HTTP here. */
import type { ByteStream } from '../dashscope/uploads';

/** A file of the item, wherever n8n keeps it. Nothing is read before `head` or `open` is called. */
export interface BinaryFile {
	/** The user's own file name, for messages. */
	fileName?: string;
	/** Bytes. */
	size: number;
	/** Two files with the same identity are the same file. */
	identity: string;
	/** Its ID in n8n's binary store, where it is kept there. */
	storedAs?: string;
	/** Up to `bytes` bytes from the beginning. */
	head(bytes: number): Promise<Uint8Array>;
	/** @param chunkBytes how much at a time, where that can be chosen */
	open(chunkBytes?: number): Promise<ByteStream>;
	/** Whether nothing else uses the memory of the chunks that are read. */
	ownChunks: boolean;
}

/** Where a video or an image comes from, and the field of the node that says so. */
export type MediaSource =
	| { from: 'url'; field: string; url: string }
	| { from: 'binary'; field: string; file: BinaryFile };

/** The usual extension of a file format that DashScope takes. */
export type Extension = 'mp4' | 'mov' | 'jpg' | 'png' | 'bmp' | 'webp';

/** A file format that DashScope takes, with what an upload needs to know about it. */
export interface MediaFormat {
	kind: 'video' | 'image';
	extension: Extension;
	mimeType: string;
}

/** What a model takes in one of its places for a file. */
export interface MediaLimits {
	kind: MediaFormat['kind'];
	formats: readonly Extension[];
	/** Bytes. */
	maxBytes: number;
	/** Of width and height each. Pixels. */
	minSide: number;
	maxSide: number;
	/** How many times one side may be as long as the other. */
	maxRatio: number;
	/** Of images: a PNG must not be see-through. */
	opaque?: boolean;
	/** Of a video. Seconds. */
	minSeconds?: number;
	maxSeconds?: number;
	/** Frames per second. */
	minFps?: number;
	/** Of a longer video only the beginning is used. Seconds. */
	usedSeconds?: number;
	/** What to do about a longer video, besides cutting it; the end of a sentence. */
	longer?: string;
}

/** A file that a model is to be given. */
export interface MediaInput {
	/** The model's own name for its place, such as `first_clip`. */
	type: string;
	source: MediaSource;
	limits: MediaLimits;
	/** Whether a small file may travel in the body itself. */
	inline: boolean;
}
