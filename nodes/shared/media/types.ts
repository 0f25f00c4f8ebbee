/** The plain values that travel through an edit. No n8n types and no HTTP here. */
import type { AudioSetting, Ratio, Resolution } from '../dashscope/types';
import type { ByteStream } from '../dashscope/uploads';

/** A file of the item, wherever n8n keeps it. Nothing is read before `head` or `open` is called. */
export interface BinaryFile {
	/** The user's own file name, for messages. */
	fileName?: string;
	/** Bytes. */
	size: number;
	/** Two files with the same identity are the same file. */
	identity: string;
	/** Up to `bytes` bytes from the beginning. */
	head(bytes: number): Promise<Uint8Array>;
	open(): Promise<ByteStream>;
}

/** Where a video or an image comes from, and the field of the node that says so. */
export type MediaSource =
	| { from: 'url'; field: string; url: string }
	| { from: 'binary'; field: string; file: BinaryFile };

/** One edit as the user asked for it; optional values are absent unless the user set them. */
export interface EditRequest {
	model: string;
	prompt?: string;
	negativePrompt?: string;
	video: MediaSource;
	/** In the order in which the prompt counts them: "Image 1" comes first. */
	images: MediaSource[];
	resolution: Resolution;
	ratio?: Ratio;
	/** Seconds; 0 keeps the input's length. */
	duration?: number;
	audioSetting?: AudioSetting;
	promptExtend?: boolean;
	seed?: number;
	watermark?: boolean;
}

/** A file format that DashScope takes, with what an upload needs to know about it. */
export interface MediaFormat {
	kind: 'video' | 'image';
	extension: string;
	mimeType: string;
}
